use jiff::Timestamp;
use logical::{
    Backend as _, Caller, Context, Entity, Error, Map, Memory, Operation, Pending, Request, Response, System,
};
use serde_json::Value;
use ssh::Ssh;
use std::collections::BTreeMap;
use std::pin::pin;
use std::task::{Poll, Waker};
use std::time::Duration;
use zeroize::Zeroizing;

pub(crate) fn now_or_never<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut std::task::Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the storage in memory does not wait"),
    }
}

pub(crate) struct Server;

impl System for Server {
    fn lifetimes(&self) -> (Duration, Duration) {
        (Duration::from_secs(3600), Duration::from_secs(7200))
    }

    fn options(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    fn entity<'a>(&'a self, id: &'a str) -> Pending<'a, Option<Entity>> {
        let entity = Entity { id: id.to_owned(), name: "jane,root".to_owned(), ..Entity::default() };
        Box::pin(async move { Ok(Some(entity)) })
    }

    fn password<'a>(&'a self, _policy: &'a str) -> Pending<'a, Zeroizing<String>> {
        Box::pin(async { Err(Error::UnsupportedPath) })
    }

    fn api_address(&self) -> Option<String> {
        None
    }
}

pub(crate) struct Mount {
    pub(crate) engine: Ssh,
    pub(crate) rows: Memory,
}

impl Mount {
    pub(crate) fn new() -> Self {
        Self { engine: Ssh::new(), rows: Memory::new() }
    }

    pub(crate) fn context(&self) -> Context<'_> {
        Context { storage: &self.rows, system: &Server }
    }

    pub(crate) fn ask(&self, operation: Operation, path: &str, data: Value) -> Result<Response, Error> {
        let data = if let Value::Object(data) = data { data } else { Map::new() };
        let mut request = Request::new(operation, path, data, Timestamp::now());
        let caller = Caller { display_name: "token".to_owned(), entity_id: "e".to_owned(), ..Caller::default() };
        request.caller = Some(caller);
        now_or_never(self.engine.handle(self.context(), &request))
    }

    pub(crate) fn write(&self, path: &str, data: Value) -> Value {
        let response = self.ask(Operation::Update, path, data).unwrap_or_else(|error| panic!("{path}: {error}"));
        Value::Object(response.data.unwrap_or_default())
    }

    pub(crate) fn refuse(&self, path: &str, data: Value) -> String {
        self.ask(Operation::Update, path, data).err().unwrap_or_else(|| panic!("{path} was allowed")).to_string()
    }
}
