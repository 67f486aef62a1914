mod config;
mod data;
mod key;
mod metadata;
mod upgrade;
mod versions;

use logical::{Backend, Context, Error, Operation, Pending, Request, Response};
use std::sync::atomic::{AtomicBool, Ordering};

/// Version 2: versions of each path, with metadata.
#[derive(Debug, Default)]
pub struct Kv2 {
    /// Whether the rows of version 1, if there were any, were taken over.
    upgraded: AtomicBool,
}

impl Kv2 {
    /// A backend; all that it knows is in the storage.
    pub fn new() -> Self {
        Self::default()
    }

    async fn upgrade(&self, context: Context<'_>, request: &Request) -> Result<(), Error> {
        if !self.upgraded.load(Ordering::Relaxed) {
            upgrade::take_over(context.storage, request.now).await?;
            self.upgraded.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    async fn route(&self, context: Context<'_>, request: &Request) -> Result<Response, Error> {
        self.upgrade(context, request).await?;
        let storage = context.storage;
        if request.path == "config" && !matches!(request.operation, Operation::List | Operation::Scan) {
            return match request.operation {
                Operation::Read => config::read(storage).await,
                Operation::Create | Operation::Update => config::write(storage, request).await,
                _ => Err(Error::UnsupportedOperation),
            };
        }
        // What is listed is a folder, with or without its slash.
        let listed =
            matches!(request.operation, Operation::List | Operation::Scan).then_some((request.path.as_str(), ""));
        let Some((section, path)) = request.path.split_once('/').or(listed) else { return Ok(invalid(request)) };
        match (section, request.operation) {
            ("data", Operation::Read) => data::read(storage, request, path).await,
            ("data", Operation::Create | Operation::Update) => data::write(storage, request, path).await,
            ("data", Operation::Patch) => data::patch(storage, request, path).await,
            ("data", Operation::Delete) => versions::delete_newest(storage, request, path).await,
            ("metadata", Operation::Read) => metadata::read(storage, path).await,
            ("metadata", Operation::Create | Operation::Update) => metadata::write(storage, request, path).await,
            ("metadata", Operation::Patch) => metadata::patch(storage, request, path).await,
            ("metadata", Operation::Delete) => metadata::delete(storage, path).await,
            ("metadata" | "detailed-metadata", Operation::List | Operation::Scan) => {
                metadata::list(storage, request, path, section == "detailed-metadata").await
            }
            ("subkeys", Operation::Read) => data::subkeys(storage, request, path).await,
            ("delete", Operation::Create | Operation::Update) => versions::delete(storage, request, path).await,
            ("undelete", Operation::Create | Operation::Update) => versions::undelete(storage, request, path).await,
            ("destroy", Operation::Create | Operation::Update) => versions::destroy(storage, request, path).await,
            ("data" | "detailed-metadata" | "subkeys" | "delete" | "undelete" | "destroy", _) => {
                Err(Error::UnsupportedOperation)
            }
            _ => Ok(invalid(request)),
        }
    }
}

impl Backend for Kv2 {
    fn handle<'a>(&'a self, context: Context<'a>, request: &'a Request) -> Pending<'a, Response> {
        Box::pin(self.route(context, request))
    }

    fn exists<'a>(&'a self, context: Context<'a>, request: &'a Request) -> Pending<'a, Option<bool>> {
        Box::pin(async move {
            let Some(("data" | "metadata", path)) = request.path.split_once('/') else { return Ok(None) };
            self.upgrade(context, request).await?;
            Ok(Some(key::load(context.storage, path).await?.is_some()))
        })
    }
}

/// A path that it does not have, most often one that is right for version 1.
fn invalid(request: &Request) -> Response {
    let warning = if matches!(request.path.as_str(), "metadata" | "data" | "delete" | "undelete" | "destroy") {
        "Non-listing operations on the root of a K/V v2 mount are not supported.".to_owned()
    } else {
        let verb = match request.operation {
            Operation::Create | Operation::Update => "put",
            Operation::Read => "get",
            other => other.name(),
        };
        format!(
            "Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints to use. \
             If using the OpenBao CLI, use 'bao kv {verb}' for this operation."
        )
    };
    Response { status: Some(404), ..Response::default() }.warn(warning)
}
