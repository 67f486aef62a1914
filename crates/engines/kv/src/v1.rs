use crate::data::decode;
use logical::{
    Backend, Batch, Context, Error, Operation, Pending, Request, Response, Storage, StorageExt, encode, parse_duration,
};
use serde_json::Value;
use std::time::Duration;

/// Where the rows are: apart from those of version 2.
pub(crate) const ROWS: &str = "plain/";

/// Version 1: one value a path.
#[derive(Debug, Default)]
pub struct Kv1 {}

impl Kv1 {
    /// A backend; all that it knows is in the storage.
    pub fn new() -> Self {
        Self {}
    }
}

impl Backend for Kv1 {
    fn handle<'a>(&'a self, context: Context<'a>, request: &'a Request) -> Pending<'a, Response> {
        Box::pin(async move {
            let key = format!("{ROWS}{}", request.path);
            match request.operation {
                Operation::Read => read(context, &key).await,
                Operation::Create | Operation::Update => write(context.storage, request, key).await,
                Operation::Delete => context.storage.delete(&key).await.map(|_| Response::empty()),
                Operation::List | Operation::Scan => {
                    list(context.storage, request, folder(&key), request.operation).await.map(Response::keys)
                }
                Operation::Patch => Err(Error::UnsupportedOperation),
            }
        })
    }

    fn exists<'a>(&'a self, context: Context<'a>, request: &'a Request) -> Pending<'a, Option<bool>> {
        Box::pin(async move {
            let key = format!("{ROWS}{}", request.path);
            Ok(Some(context.storage.get(&key).await?.is_some()))
        })
    }
}

/// The names under a folder of rows, as the request asks for them.
pub(crate) async fn list(
    storage: &dyn Storage,
    request: &Request,
    folder: String,
    operation: Operation,
) -> Result<Vec<String>, Error> {
    let (after, limit) = request.page()?;
    if operation == Operation::List {
        return storage.list(&folder, after, limit).await;
    }
    let after = if after.is_empty() { String::new() } else { format!("{folder}{after}") };
    let keys = storage.scan(&folder, &after, limit).await?;
    Ok(keys.iter().filter_map(|key| key.strip_prefix(&folder)).map(str::to_owned).collect())
}

pub(crate) fn folder(key: &str) -> String {
    if key.ends_with('/') { key.to_owned() } else { format!("{key}/") }
}

async fn read(context: Context<'_>, key: &str) -> Result<Response, Error> {
    let Some(entry) = context.storage.get(key).await? else { return Err(Error::NotFound) };
    let data = decode(&entry.value)?;
    let told = data.get("ttl").or_else(|| data.get("lease")).and_then(seconds);
    let lease_duration = told.unwrap_or_else(|| context.system.lifetimes().0);
    Ok(Response { data: Some(data), lease_duration, ..Response::default() })
}

/// A `ttl` that a client wrote; whatever else it wrote there is no business of ours.
fn seconds(value: &Value) -> Option<Duration> {
    match value {
        Value::Number(number) => number.as_u64().map(Duration::from_secs),
        Value::String(text) => parse_duration(text.trim()).ok(),
        _ => None,
    }
}

async fn write(storage: &dyn Storage, request: &Request, key: String) -> Result<Response, Error> {
    if request.path.is_empty() {
        return Err(Error::invalid("missing path"));
    }
    if request.data.is_empty() {
        return Err(Error::invalid("missing data fields"));
    }
    let mut batch = Batch::new();
    batch.put(key, encode(&request.data)?);
    storage.commit(batch).await?;
    Ok(Response::empty())
}
