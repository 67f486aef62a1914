use jiff::{SignedDuration, Timestamp};
use logical::{Backend as _, Context, Entity, Error, Map, Memory, Operation, Pending, Request, Response, System};
use pki::Pki;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::pin::pin;
use std::process::Command;
use std::task::{Poll, Waker};
use std::time::Duration;
use zeroize::Zeroizing;

/// Runs what never waits.
pub(crate) fn now_or_never<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut std::task::Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the storage in memory does not wait"),
    }
}

/// A server that knows one entity.
pub(crate) struct Server;

impl System for Server {
    fn lifetimes(&self) -> (Duration, Duration) {
        (Duration::from_secs(32 * 86400), Duration::from_secs(3650 * 86400))
    }

    fn options(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    fn entity<'a>(&'a self, id: &'a str) -> Pending<'a, Option<Entity>> {
        let entity = Entity { id: id.to_owned(), name: "jane".to_owned(), ..Entity::default() };
        Box::pin(async move { Ok(Some(entity)) })
    }

    fn password<'a>(&'a self, _policy: &'a str) -> Pending<'a, Zeroizing<String>> {
        Box::pin(async { Err(Error::UnsupportedPath) })
    }

    fn api_address(&self) -> Option<String> {
        Some("https://vault.example.com".to_owned())
    }
}

/// A mount of the engine.
pub(crate) struct Mount {
    pub(crate) engine: Pki,
    pub(crate) rows: Memory,
    pub(crate) now: Timestamp,
}

impl Mount {
    pub(crate) fn new() -> Self {
        Self {
            engine: Pki::new(),
            rows: Memory::new(),
            now: Timestamp::from_second(Timestamp::now().as_second()).unwrap(),
        }
    }

    pub(crate) fn context(&self) -> Context<'_> {
        Context { storage: &self.rows, system: &Server }
    }

    pub(crate) fn later(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }

    pub(crate) fn request(&self, operation: Operation, path: &str, data: Value) -> Request {
        let data = if let Value::Object(data) = data { data } else { Map::new() };
        Request::new(operation, path, data, self.now)
    }

    pub(crate) fn send(&self, request: &Request) -> Result<Response, Error> {
        now_or_never(self.engine.handle(self.context(), request))
    }

    pub(crate) fn ask(&self, operation: Operation, path: &str, data: Value) -> Result<Response, Error> {
        self.send(&self.request(operation, path, data))
    }

    pub(crate) fn write(&self, path: &str, data: Value) -> Value {
        let response = self.ask(Operation::Update, path, data).unwrap_or_else(|error| panic!("{path}: {error}"));
        Value::Object(response.data.unwrap_or_default())
    }

    pub(crate) fn read(&self, path: &str) -> Value {
        let response = self.ask(Operation::Read, path, Value::Null).unwrap_or_else(|error| panic!("{path}: {error}"));
        Value::Object(response.data.unwrap_or_default())
    }

    pub(crate) fn list(&self, path: &str) -> Value {
        Value::Object(self.ask(Operation::List, path, Value::Null).unwrap().data.unwrap_or_default())
    }

    pub(crate) fn raw(&self, path: &str) -> Vec<u8> {
        self.ask(Operation::Read, path, Value::Null).unwrap().raw.unwrap().body
    }

    pub(crate) fn refuse(&self, path: &str, data: Value) -> String {
        self.ask(Operation::Update, path, data).err().unwrap_or_else(|| panic!("{path} was allowed")).to_string()
    }
}

/// What `openssl` says; none where it is not there.
pub(crate) fn openssl(folder: &Path, arguments: &[&str]) -> Option<(bool, String)> {
    let output = Command::new("openssl").args(arguments).current_dir(folder).output().ok()?;
    let text = [output.stdout, output.stderr].concat();
    Some((output.status.success(), String::from_utf8_lossy(&text).into_owned()))
}

pub(crate) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_else(|| panic!("no {name} in {value}"))
}
