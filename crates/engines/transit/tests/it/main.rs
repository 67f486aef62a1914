//! The engine over a storage in memory, and against what OpenBao made.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

mod certificates;
mod keys;
mod peer;
mod use_of_keys;

use logical::{Alone, Backend, Context, Error, Map, Memory, Operation, Request, Response};
use serde_json::{Value, json};
use transit::Transit;

/// The engine with its storage.
#[derive(Default)]
struct Mount {
    transit: Transit,
    storage: Memory,
}

impl Mount {
    async fn at(&self, seconds: i64, operation: Operation, path: &str, data: Value) -> Result<Response, Error> {
        let data: Map = serde_json::from_value(data).unwrap();
        let request = Request::new(operation, path, data, jiff::Timestamp::from_second(seconds).unwrap());
        self.transit.handle(self.context(), &request).await
    }

    fn context(&self) -> Context<'_> {
        Context { storage: &self.storage, system: &Alone }
    }

    async fn ask(&self, operation: Operation, path: &str, data: Value) -> Result<Response, Error> {
        self.at(1_000_000_000, operation, path, data).await
    }

    async fn read(&self, path: &str) -> Value {
        self.data(Operation::Read, path, json!({})).await
    }

    async fn post(&self, path: &str, data: Value) -> Value {
        self.data(Operation::Update, path, data).await
    }

    async fn data(&self, operation: Operation, path: &str, data: Value) -> Value {
        match self.ask(operation, path, data).await {
            Ok(response) => response.data.map_or(Value::Null, Value::Object),
            Err(error) => panic!("{path}: {error}"),
        }
    }

    async fn refusal(&self, operation: Operation, path: &str, data: Value) -> (u16, String) {
        let Err(error) = self.ask(operation, path, data).await else { panic!("{path} was accepted") };
        (error.status(), error.to_string())
    }
}
