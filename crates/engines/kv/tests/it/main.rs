//! The engines over a storage in memory.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

mod v1;
mod v2;

use logical::{Alone, Backend, Context, Error, Map, Memory, Operation, Request, Response};
use serde_json::Value;

/// A backend with its storage.
struct Mount {
    backend: Box<dyn Backend>,
    storage: Memory,
}

impl Mount {
    fn new(backend: impl Backend + 'static) -> Self {
        Self { backend: Box::new(backend), storage: Memory::new() }
    }

    /// At a time in seconds.
    async fn at(&self, seconds: i64, operation: Operation, path: &str, data: Value) -> Result<Response, Error> {
        let data: Map = serde_json::from_value(data).unwrap();
        let request = Request::new(operation, path, data, jiff::Timestamp::from_second(seconds).unwrap());
        let context = Context { storage: &self.storage, system: &Alone };
        self.backend.handle(context, &request).await
    }

    async fn ask(&self, operation: Operation, path: &str, data: Value) -> Result<Response, Error> {
        self.at(1_000_000_000, operation, path, data).await
    }

    /// What it answers as `data`.
    async fn data(&self, operation: Operation, path: &str, data: Value) -> Value {
        self.ask(operation, path, data).await.unwrap().data.map_or(Value::Null, Value::Object)
    }

    async fn refusal(&self, operation: Operation, path: &str, data: Value) -> (u16, String) {
        let Err(error) = self.ask(operation, path, data).await else { panic!("{path} was accepted") };
        (error.status(), error.to_string())
    }
}
