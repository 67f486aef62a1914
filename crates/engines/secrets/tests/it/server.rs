use jiff::{SignedDuration, Timestamp};
use logical::{
    Alias, Auth, Backend, Context, Error, Lease, Memory, Operation, Pending, Request, Response, SpecialPaths,
};
use secrets::{Audit, AuditDevice, AuditRecord, Core, CoreRequest, CoreResponse, Factory, Operator, Settings};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use zeroize::Zeroizing;

/// Keeps what is written, gives out secrets at `creds/<name>`, and refuses to revoke those named `stuck`.
#[derive(Default)]
pub(crate) struct Echo {
    pub(crate) revoked: AtomicU64,
}

impl Backend for Echo {
    fn handle<'a>(&'a self, context: Context<'a>, request: &'a Request) -> Pending<'a, Response> {
        Box::pin(async move {
            use logical::StorageExt as _;
            let path = request.path.as_str();
            match request.operation {
                Operation::Read if path.starts_with("creds/") => {
                    let lease = Lease {
                        kind: path.to_owned(),
                        internal: logical::Map::new(),
                        ttl: Duration::from_secs(60),
                        max_ttl: Duration::from_secs(100),
                        renewable: true,
                    };
                    Ok(Response { lease: Some(lease), ..Response::json(json!({ "user": path })) })
                }
                Operation::Read => {
                    let data = context.storage.get_json::<logical::Map>(path).await?.ok_or(Error::NotFound)?;
                    Ok(Response::json(Value::Object(data)))
                }
                Operation::Create | Operation::Update => {
                    context.storage.put_json(path, &request.data).await?;
                    Ok(Response::empty())
                }
                Operation::Delete => context.storage.delete(path).await.map(|_| Response::empty()),
                Operation::List => Ok(Response::keys(context.storage.list(path, "", usize::MAX).await?)),
                _ => Err(Error::UnsupportedOperation),
            }
        })
    }

    fn exists<'a>(&'a self, context: Context<'a>, request: &'a Request) -> Pending<'a, Option<bool>> {
        Box::pin(async move { Ok(Some(context.storage.get(&request.path).await?.is_some())) })
    }

    fn renew<'a>(&'a self, _: Context<'a>, lease: &'a Lease, _: logical::Grant<'a>) -> Pending<'a, Lease> {
        Box::pin(async move { Ok(lease.clone()) })
    }

    fn revoke<'a>(&'a self, _: Context<'a>, lease: &'a Lease) -> Pending<'a, ()> {
        Box::pin(async move {
            if lease.kind == "creds/stuck" {
                return Err(Error::invalid("the target is away"));
            }
            self.revoked.fetch_add(1, Ordering::SeqCst);
            Ok(())
        })
    }
}

/// Whoever says the password `right` is logged in; the body says with what.
struct Open;

impl Backend for Open {
    fn handle<'a>(&'a self, _: Context<'a>, request: &'a Request) -> Pending<'a, Response> {
        Box::pin(async move {
            let name = request.path.strip_prefix("login/").ok_or(Error::UnsupportedPath)?;
            let fields = request.fields();
            if fields.text("password")?.as_deref() != Some("right") {
                return Err(Error::invalid("invalid username or password"));
            }
            let auth = Auth {
                display_name: name.to_owned(),
                policies: fields.list("policies")?.unwrap_or_default(),
                alias: Some(Alias { name: name.to_owned(), ..Alias::default() }),
                group_aliases: fields
                    .list("groups")?
                    .unwrap_or_default()
                    .into_iter()
                    .map(|name| Alias { name, ..Alias::default() })
                    .collect(),
                ttl: fields.duration("ttl")?.unwrap_or_default(),
                renewable: true,
                ..Auth::default()
            };
            Ok(Response { auth: Some(auth), ..Response::default() })
        })
    }

    fn special_paths(&self) -> SpecialPaths {
        SpecialPaths { unauthenticated: vec!["login/*"], root: Vec::new() }
    }

    fn login_alias(&self, request: &Request) -> Option<String> {
        request.path.strip_prefix("login/").map(str::to_owned)
    }
}

struct NoOperator;
impl Operator for NoOperator {}

/// Keeps what is recorded, and fails when told.
#[derive(Default)]
pub(crate) struct Recorder {
    pub(crate) fails: AtomicBool,
    pub(crate) lines: Mutex<Vec<String>>,
}

impl Recorder {
    fn record(&self, kind: &str, record: &AuditRecord<'_>) -> Result<(), Error> {
        if self.fails.load(Ordering::SeqCst) {
            return Err(Error::internal("the disk is full"));
        }
        let line = format!("{kind} {} {} {}", record.operation.name(), record.path, record.error.unwrap_or("-"));
        self.lines.lock().unwrap().push(line);
        Ok(())
    }
}

impl Audit for Recorder {
    fn request<'a>(&'a self, record: &'a AuditRecord<'a>) -> Pending<'a, ()> {
        let result = self.record("request", record);
        Box::pin(async { result })
    }

    fn response<'a>(&'a self, record: &'a AuditRecord<'a>) -> Pending<'a, ()> {
        let result = self.record("response", record);
        Box::pin(async { result })
    }

    fn enable<'a>(&'a self, _: &'a AuditDevice) -> Pending<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    fn disable<'a>(&'a self, _: &'a str) -> Pending<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    fn hash<'a>(&'a self, _: &'a str, input: &'a str) -> Pending<'a, Option<String>> {
        Box::pin(async move { Ok(Some(format!("hmac-sha256:{}", input.len()))) })
    }

    fn headers<'a>(&'a self, _: &'a BTreeMap<String, bool>) -> Pending<'a, ()> {
        Box::pin(async { Ok(()) })
    }
}

pub(crate) struct Server {
    pub(crate) core: Core,
    pub(crate) root: Zeroizing<String>,
    pub(crate) echo: Arc<Echo>,
    pub(crate) audit: Arc<Recorder>,
    pub(crate) storage: Arc<Memory>,
    pub(crate) now: Timestamp,
}

impl Server {
    pub(crate) async fn new() -> Self {
        let (storage, echo, audit) =
            (Arc::new(Memory::new()), Arc::new(Echo::default()), Arc::new(Recorder::default()));
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let core = Core::new(Arc::clone(&storage) as Arc<dyn logical::Storage>, settings(&echo, &audit));
        let root = core.bootstrap(now).await.unwrap();
        let server = Self { core, root, echo, audit, storage, now };
        server.ok(Operation::Update, "sys/mounts/secret", json!({ "type": "echo" })).await;
        server.ok(Operation::Update, "sys/auth/open", json!({ "type": "open" })).await;
        server
    }

    /// Another node, or this one after a restart.
    pub(crate) async fn restarted(&self) -> Core {
        let core = Core::new(Arc::clone(&self.storage) as Arc<dyn logical::Storage>, settings(&self.echo, &self.audit));
        core.load(self.now).await.unwrap();
        core
    }

    pub(crate) fn pass(&mut self, seconds: i64) {
        self.now = self.now.checked_add(SignedDuration::from_secs(seconds)).unwrap();
    }

    pub(crate) fn request(&self, token: &str, operation: Operation, path: &str, body: Value) -> CoreRequest {
        let Value::Object(data) = body else { panic!("a body is an object") };
        let mut request = CoreRequest::new(operation, path, self.now);
        request.data = data;
        request.token = (!token.is_empty()).then(|| Zeroizing::new(token.to_owned()));
        request
    }

    pub(crate) async fn ask(&self, token: &str, operation: Operation, path: &str, body: Value) -> CoreResponse {
        self.core.handle(self.request(token, operation, path, body)).await
    }

    /// As root; must succeed. Answers the JSON.
    pub(crate) async fn ok(&self, operation: Operation, path: &str, body: Value) -> Value {
        self.ok_as(&self.root, operation, path, body).await
    }

    pub(crate) async fn ok_as(&self, token: &str, operation: Operation, path: &str, body: Value) -> Value {
        let response = self.ask(token, operation, path, body).await;
        assert!(response.status < 300, "{path}: {} {:?}", response.status, response.errors);
        if let Some(raw) = response.raw {
            return serde_json::from_slice(&raw.body).unwrap();
        }
        response.to_json()
    }

    /// Writes a policy and makes a token with it.
    pub(crate) async fn token_with(&self, policy: &str) -> String {
        self.ok(Operation::Update, "sys/policies/acl/p", json!({ "policy": policy })).await;
        let made = self.ok(Operation::Update, "auth/token/create", json!({ "policies": ["p"] })).await;
        made["auth"]["client_token"].as_str().unwrap().to_owned()
    }
}

fn settings(echo: &Arc<Echo>, audit: &Arc<Recorder>) -> Settings {
    let echo = Arc::clone(echo);
    let engine: Factory = Arc::new(move |_| Arc::clone(&echo) as Arc<dyn Backend>);
    let method: Factory = Arc::new(|_| Arc::new(Open) as Arc<dyn Backend>);
    Settings {
        api_address: Some("https://vault.example".to_owned()),
        cluster_name: "c".to_owned(),
        cluster_id: "id".to_owned(),
        version: "2.7.0".to_owned(),
        default_lease_ttl: Duration::from_secs(768 * 3600),
        max_lease_ttl: Duration::from_secs(768 * 3600),
        secrets_engines: BTreeMap::from([("echo".to_owned(), engine)]),
        auth_methods: BTreeMap::from([("open".to_owned(), Arc::clone(&method)), ("userpass".to_owned(), method)]),
        operator: Arc::new(NoOperator),
        audit: Arc::clone(audit) as Arc<dyn Audit>,
    }
}
