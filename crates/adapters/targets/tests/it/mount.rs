//! The engine as a server would mount it.

use database::{Database, Targets};
use jiff::{SignedDuration, Timestamp};
use logical::{
    Backend, Caller, Context, Entity, Error, Grant, Lease, Memory, Operation, Pending, Request, Response, Storage,
    System,
};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use targets::Sql;
use zeroize::Zeroizing;

/// Passwords that would be SQL if they were not escaped.
#[derive(Default)]
pub(crate) struct Passwords(AtomicU64);

impl System for Passwords {
    fn lifetimes(&self) -> (Duration, Duration) {
        (Duration::from_secs(3600), Duration::from_secs(7200))
    }

    fn options(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    fn entity<'a>(&'a self, _id: &'a str) -> Pending<'a, Option<Entity>> {
        Box::pin(async { Ok(None) })
    }

    fn password<'a>(&'a self, policy: &'a str) -> Pending<'a, Zeroizing<String>> {
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move { Ok(Zeroizing::new(format!("Aa1{policy}-'\"\\{number:08}"))) })
    }

    fn api_address(&self) -> Option<String> {
        None
    }
}

pub(crate) struct Mount<S = Memory> {
    pub(crate) backend: Database,
    pub(crate) storage: Arc<S>,
    pub(crate) system: Passwords,
    pub(crate) now: Timestamp,
    pub(crate) display_name: String,
}

impl Mount {
    pub(crate) fn new() -> Self {
        Self::over(Arc::new(Memory::new()), Arc::new(Sql))
    }
}

impl<S: Storage> Mount<S> {
    pub(crate) fn over(storage: Arc<S>, targets: Arc<dyn Targets>) -> Self {
        Self {
            backend: Database::new(targets),
            storage,
            system: Passwords::default(),
            now: Timestamp::now(),
            display_name: "token-jane".to_owned(),
        }
    }

    pub(crate) fn context(&self) -> Context<'_> {
        Context { storage: self.storage.as_ref(), system: &self.system }
    }

    pub(crate) async fn call(&self, operation: Operation, path: &str, body: Value) -> Result<Response, Error> {
        let Value::Object(data) = body else { panic!("{body}") };
        let mut request = Request::new(operation, path, data, self.now);
        request.caller = Some(Caller { display_name: self.display_name.clone(), ..Caller::default() });
        self.backend.handle(self.context(), &request).await
    }

    pub(crate) async fn write(&self, path: &str, body: Value) -> Response {
        let done = self.call(Operation::Update, path, body).await;
        done.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub(crate) async fn read(&self, path: &str) -> Response {
        let done = self.call(Operation::Read, path, serde_json::json!({})).await;
        done.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// User, password and lease of new credentials.
    pub(crate) async fn credentials(&self, role: &str) -> (String, String, Lease) {
        let response = self.read(&format!("creds/{role}")).await;
        let (user, password) = login(&response);
        (user, password, response.lease.unwrap())
    }

    pub(crate) async fn revoke(&self, lease: &Lease) -> Result<(), Error> {
        self.backend.revoke(self.context(), lease).await
    }

    pub(crate) async fn renew(&self, lease: &Lease, seconds: u64) -> Result<Lease, Error> {
        let (issued, increment) = (self.now, Duration::from_secs(seconds));
        let now = self.now + SignedDuration::from_secs(60);
        let grant = Grant { issued, expires: issued, increment, now, path: "creds/app" };
        self.backend.renew(self.context(), lease, grant).await
    }

    pub(crate) async fn periodic(&self) -> Result<(), Error> {
        self.backend.periodic(self.context(), self.now).await
    }
}

pub(crate) fn login(response: &Response) -> (String, String) {
    let data = response.data.as_ref().unwrap();
    (data["username"].as_str().unwrap().to_owned(), data["password"].as_str().unwrap().to_owned())
}

/// Short texts of the letters that mean something in SQL.
pub(crate) fn hostile_values(count: usize) -> Vec<String> {
    const LETTERS: [&str; 20] = [
        "'", "\"", "`", "\\", "$", "$$", ";", "--", "/*", "*/", "#", "{{", "}}", "name", "E", "\n", "x", "1", "é",
        "\u{1}",
    ];
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    let mut value = || (0..=next(8)).map(|_| LETTERS[next(LETTERS.len())]).collect();
    (0..count).map(|_| value()).collect()
}
