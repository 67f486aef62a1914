//! A server around one method, for tests.

use jiff::Timestamp;
use logical::{
    Auth, Backend, Context, Entity, Error, Grant, Map, Memory, Operation, Pending, Request, Response, System,
};
use serde_json::Value;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::task::{Poll, Waker};
use std::time::Duration;
use zeroize::Zeroizing;

pub(crate) struct Plain;

impl System for Plain {
    fn lifetimes(&self) -> (Duration, Duration) {
        (Duration::from_secs(3600), Duration::from_secs(32 * 86400))
    }

    fn options(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    fn entity<'a>(&'a self, _id: &'a str) -> Pending<'a, Option<Entity>> {
        Box::pin(async { Ok(None) })
    }

    fn password<'a>(&'a self, _policy: &'a str) -> Pending<'a, Zeroizing<String>> {
        Box::pin(async { Err(Error::NotFound) })
    }

    fn api_address(&self) -> Option<String> {
        None
    }
}

/// Runs what waits for nothing outside.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = std::task::Context::from_waker(Waker::noop());
    for _ in 0..1_000_000 {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
    panic!("it waits for something")
}

pub(crate) struct Server<B> {
    pub(crate) backend: B,
    pub(crate) storage: Memory,
    pub(crate) address: &'static str,
    pub(crate) certificates: Vec<Vec<u8>>,
    pub(crate) time: Timestamp,
}

impl<B: Backend> Server<B> {
    pub(crate) fn new(backend: B) -> Self {
        Self {
            backend,
            storage: Memory::new(),
            address: "127.0.0.1",
            certificates: Vec::new(),
            time: Timestamp::from_second(1_800_000_000).unwrap(),
        }
    }

    pub(crate) fn context(&self) -> Context<'_> {
        Context { storage: &self.storage, system: &Plain }
    }

    pub(crate) fn request(&self, operation: Operation, path: &str, data: Value) -> Request {
        let data = match data {
            Value::Object(data) => data,
            _ => Map::new(),
        };
        let mut request = Request::new(operation, path, data, self.time);
        request.connection.address = self.address.parse().ok();
        request.connection.certificates = self.certificates.clone().into();
        request
    }

    pub(crate) fn ask(&self, operation: Operation, path: &str, data: Value) -> Result<Response, Error> {
        now(self.backend.handle(self.context(), &self.request(operation, path, data)))
    }

    /// Writes, and gives `data` or the error's text.
    pub(crate) fn write(&self, path: &str, data: Value) -> Result<Value, String> {
        self.data(Operation::Update, path, data)
    }

    pub(crate) fn read(&self, path: &str) -> Result<Value, String> {
        self.data(Operation::Read, path, Value::Null)
    }

    pub(crate) fn data(&self, operation: Operation, path: &str, data: Value) -> Result<Value, String> {
        let response = self.ask(operation, path, data).map_err(|error| error.to_string())?;
        Ok(response.data.map_or(Value::Null, Value::Object))
    }

    pub(crate) fn login(&self, path: &str, data: Value) -> Result<Auth, String> {
        let response = self.ask(Operation::Update, path, data).map_err(|error| error.to_string())?;
        response.auth.ok_or_else(|| "no login".to_owned())
    }

    pub(crate) fn renew(&self, auth: &Auth) -> Result<Auth, String> {
        let grant =
            Grant { issued: self.time, expires: self.time, increment: Duration::ZERO, now: self.time, path: "login" };
        now(self.backend.renew_login(self.context(), auth, grant)).map_err(|error| error.to_string())
    }
}
