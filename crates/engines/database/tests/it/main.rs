//! The engine at a database that does what the test says; real ones are in the tests of `targets`.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests, which clippy does not see as tests")]

use database::{Answer, Database, NewUser, Settings, Target, TargetError, Targets};
use jiff::{SignedDuration, Timestamp};
use logical::{Backend, Context, Entity, Error, Grant, Memory, Operation, Pending, Request, Response, Storage, System};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use zeroize::Zeroizing;

const ROOT: &str = "r00t/cänary";

/// Of the password that it was sent.
type Failure = fn(&str) -> TargetError;

/// What it was asked, and what it answers.
#[derive(Default)]
struct Fake {
    asked: Mutex<Vec<String>>,
    opened: AtomicU64,
    fails: Mutex<Option<Failure>>,
}

impl Fake {
    fn answer<'a>(&self, asked: String, password: &str) -> Answer<'a, ()> {
        self.asked.lock().unwrap().push(asked);
        let failure = self.fails.lock().unwrap().map(|fail| fail(password));
        Box::pin(async move { failure.map_or(Ok(()), Err) })
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

struct Opens(Arc<Fake>);

impl Targets for Opens {
    fn open(&self, _settings: &Settings) -> Result<Arc<dyn Target>, TargetError> {
        self.0.opened.fetch_add(1, SeqCst);
        Ok(Arc::new(Opened(Arc::clone(&self.0))))
    }
}

struct Opened(Arc<Fake>);

impl Target for Opened {
    fn verify(&self) -> Answer<'_, ()> {
        self.0.answer("verify".to_owned(), ROOT)
    }

    fn create<'a>(&'a self, user: NewUser<'a>) -> Answer<'a, ()> {
        self.0.answer(format!("create {}", user.expires), user.password)
    }

    fn renew<'a>(&'a self, _username: &'a str, expires: Timestamp, statements: &'a [String]) -> Answer<'a, ()> {
        self.0.answer(format!("renew {expires} {statements:?}"), "")
    }

    fn revoke<'a>(&'a self, _username: &'a str, statements: &'a [String]) -> Answer<'a, ()> {
        self.0.answer(format!("revoke {statements:?}"), "")
    }

    fn change_password<'a>(&'a self, username: &'a str, password: &'a str, _: &'a [String]) -> Answer<'a, ()> {
        self.0.answer(format!("{username} {password}"), password)
    }
}

#[derive(Default)]
struct Numbers(AtomicU64);

impl System for Numbers {
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
        let number = self.0.fetch_add(1, SeqCst);
        Box::pin(async move { Ok(Zeroizing::new(format!("{policy}-{number}"))) })
    }

    fn api_address(&self) -> Option<String> {
        None
    }
}

struct Mount {
    backend: Database,
    storage: Memory,
    system: Numbers,
    fake: Arc<Fake>,
    now: Timestamp,
}

impl Mount {
    async fn new() -> Self {
        let fake = Arc::new(Fake::default());
        let backend = Database::new(Arc::new(Opens(Arc::clone(&fake))));
        let now = "2026-11-24T20:00:00Z".parse().unwrap();
        let mount = Self { backend, storage: Memory::new(), system: Numbers::default(), fake, now };
        let config = json!({
            "plugin_name": "postgresql-database-plugin", "connection_url": "postgresql://{{username}}:{{password}}@db/x",
            "username": "root", "password": ROOT, "allowed_roles": "app,fixed", "password_policy": "usual",
        });
        mount.call(Operation::Update, "config/db", config).await.unwrap();
        let role = json!({
            "db_name": "db", "creation_statements": "C", "renew_statements": ["N"], "revocation_statements": ["R"],
            "max_ttl": "90m", "credential_config": {"password_policy": "own"},
        });
        mount.call(Operation::Update, "roles/app", role).await.unwrap();
        assert_eq!(mount.fake.asked(), ["verify"]);
        mount
    }

    fn context(&self) -> Context<'_> {
        Context { storage: &self.storage, system: &self.system }
    }

    async fn call(&self, operation: Operation, path: &str, body: Value) -> Result<Response, Error> {
        let Value::Object(data) = body else { panic!() };
        self.backend.handle(self.context(), &Request::new(operation, path, data, self.now)).await
    }

    async fn read(&self, path: &str) -> Value {
        let response = self.call(Operation::Read, path, json!({})).await;
        Value::Object(response.unwrap_or_else(|error| panic!("{path}: {error}")).data.unwrap())
    }

    async fn refused(&self, operation: Operation, path: &str, body: Value) -> (u16, String) {
        let Err(error) = self.call(operation, path, body).await else { panic!("{path}") };
        (error.status(), error.to_string())
    }
}

#[tokio::test]
async fn answers_are_the_peer_s() {
    let mount = Mount::new().await;
    assert_eq!(
        mount.read("config/db").await,
        json!({
            "plugin_name": "postgresql-database-plugin", "plugin_version": "", "password_policy": "usual",
            "allowed_roles": ["app", "fixed"], "root_credentials_rotate_statements": [],
            "connection_details": {"connection_url": "postgresql://{{username}}:{{password}}@db/x", "username": "root"},
        })
    );
    assert_eq!(
        mount.read("roles/app").await,
        json!({
            "db_name": "db", "creation_statements": ["C"], "revocation_statements": ["R"], "renew_statements": ["N"],
            "rollback_statements": [], "default_ttl": 0, "max_ttl": 5400, "credential_type": "password",
            "credential_config": {"password_policy": "own"},
        })
    );
    use Operation::{Delete, List, Read, Update};
    for (operation, path, body, status, text) in [
        (Read, "config/other", json!({}), 404, "not found"),
        (Read, "config", json!({}), 405, "unsupported operation"),
        (List, "creds", json!({}), 404, "unsupported path"),
        (Delete, "creds/app", json!({}), 405, "unsupported operation"),
        (Read, "nothing/x", json!({}), 404, "unsupported path"),
        (Update, "roles/a'b", json!({"db_name": "db"}), 404, "unsupported path"),
        (Update, "config/x", json!({"connection_url": "x"}), 400, "empty plugin name"),
        (
            Update,
            "config/x",
            json!({"plugin_name": "mysql-rds-database-plugin"}),
            400,
            "connection_url cannot be empty",
        ),
        (Update, "roles/x", json!({"creation_statements": "a"}), 400, "database name is required"),
        (
            Update,
            "roles/x",
            json!({"db_name": "db", "credential_type": "wrong"}),
            400,
            "invalid credential_type \"wrong\"",
        ),
        (Update, "static-roles/app", json!({"db_name": "db"}), 400, "Role and Static Role names must be unique"),
        (
            Update,
            "static-roles/x",
            json!({"db_name": "db"}),
            400,
            "username is a required field to create a static account",
        ),
        (Update, "rotate-role/x", json!({}), 400, "no static role found for role name"),
        (Update, "rotate-root/x", json!({}), 500, "failed to find entry for connection with name: \"x\""),
        (Read, "creds/x", json!({}), 400, "unknown role: x"),
    ] {
        assert_eq!(mount.refused(operation, path, body).await, (status, text.to_owned()), "{path}");
    }
}

#[tokio::test]
async fn leases_are_bounded_by_role_and_mount() {
    let mount = Mount::new().await;
    let response = mount.call(Operation::Read, "creds/app", json!({})).await.unwrap();
    let (lease, data) = (response.lease.unwrap(), response.data.unwrap());
    assert!(data["password"].as_str().unwrap().starts_with("own-"));
    assert!(!serde_json::to_string(&lease).unwrap().contains("own-"));
    // The mount's hour, and a little more.
    assert_eq!(mount.fake.asked(), ["create 2026-11-24T21:00:05Z"]);
    let grant = |minutes: i64, increment: u64| Grant {
        issued: mount.now,
        expires: mount.now,
        increment: Duration::from_secs(increment),
        now: mount.now + SignedDuration::from_mins(minutes),
        path: "creds/app",
    };
    let renewed = mount.backend.renew(mount.context(), &lease, grant(10, 600)).await.unwrap();
    assert_eq!((renewed.ttl, renewed.max_ttl), (Duration::from_secs(600), Duration::from_secs(5400)));
    let renewed = mount.backend.renew(mount.context(), &lease, grant(80, 0)).await.unwrap();
    assert_eq!(renewed.ttl, Duration::from_secs(600));
    assert_eq!(mount.fake.asked(), ["renew 2026-11-24T20:20:05Z [\"N\"]", "renew 2026-11-24T21:30:05Z [\"N\"]"]);
    let error = mount.backend.renew(mount.context(), &lease, grant(90, 0)).await.err().unwrap();
    assert_eq!(error.to_string(), "past the max TTL, cannot renew");
    mount.call(Operation::Delete, "roles/app", json!({})).await.unwrap();
    assert!(mount.backend.renew(mount.context(), &lease, grant(10, 0)).await.is_err());
    mount.backend.revoke(mount.context(), &lease).await.unwrap();
    assert_eq!(mount.fake.asked(), ["revoke [\"R\"]"]);
    // One configuration, one set of connections, until it changes.
    assert_eq!(mount.fake.opened.load(SeqCst), 1);
    mount
        .call(Operation::Update, "config/db", json!({"allowed_roles": "ap*", "verify_connection": false}))
        .await
        .unwrap();
    assert_eq!(mount.fake.opened.load(SeqCst), 2);
}

/// A database that repeats what it was sent.
#[tokio::test]
async fn no_password_is_in_an_error() {
    let mount = Mount::new().await;
    let fixed = json!({"db_name": "db", "username": "fixed", "rotation_period": "1h"});
    mount.call(Operation::Update, "static-roles/fixed", fixed).await.unwrap();
    let failures: [Failure; 3] = [
        |password| TargetError::Statement(format!("near {password} of {ROOT} and r00t%2Fc%C3%A4nary")),
        |password| TargetError::Unreachable(format!("{password} {ROOT}")),
        |password| TargetError::Login(format!("{password} {ROOT}")),
    ];
    for failure in failures {
        *mount.fake.fails.lock().unwrap() = Some(failure);
        for (operation, path) in [
            (Operation::Read, "creds/app"),
            (Operation::Update, "rotate-role/fixed"),
            (Operation::Update, "rotate-root/db"),
            (Operation::Update, "reset/db"),
            (Operation::Update, "config/db"),
        ] {
            let (_, text) = mount.refused(operation, path, json!({})).await;
            let is_clean = !["own-", "usual-", "nary"].iter().any(|secret| text.contains(secret));
            assert!(is_clean && text.contains("[password]") || text.contains("under way"), "{path}: {text}");
        }
    }
}

#[tokio::test]
async fn rotations_are_tried_again_later_and_later() {
    let mut mount = Mount::new().await;
    let fixed = json!({"db_name": "db", "username": "fixed", "rotation_period": "1h"});
    mount.call(Operation::Update, "static-roles/fixed", fixed).await.unwrap();
    let first = mount.fake.asked();
    assert_eq!(mount.read("static-creds/fixed").await["ttl"], json!(3600));
    mount.now += SignedDuration::from_hours(1);

    // Nobody knows whether it was set: the same password again, after 10 s, then 20 s.
    *mount.fake.fails.lock().unwrap() = Some(|_| TargetError::Unreachable("gone".to_owned()));
    let mut tried = Vec::new();
    for second in 0..31 {
        let _ = mount.backend.periodic(mount.context(), mount.now + SignedDuration::from_secs(second)).await;
        let asked = mount.fake.asked();
        if !asked.is_empty() {
            tried.push((second, asked));
        }
    }
    assert_eq!(tried.iter().map(|(second, _)| *second).collect::<Vec<_>>(), [0, 10, 30]);
    assert!(tried[0].1 == tried[1].1 && tried[0].1 == tried[2].1 && tried[0].1 != first);
    let shown = mount.read("static-creds/fixed").await;
    assert_eq!(json!(first[0]), json!(format!("fixed {}", shown["password"].as_str().unwrap())));

    // It was refused: another password the next time.
    *mount.fake.fails.lock().unwrap() = Some(|_| TargetError::Statement("too simple".to_owned()));
    assert!(mount.call(Operation::Update, "rotate-role/fixed", json!({})).await.is_err());
    assert_eq!(mount.fake.asked(), tried[0].1);
    *mount.fake.fails.lock().unwrap() = None;
    mount.call(Operation::Update, "rotate-role/fixed", json!({})).await.unwrap();
    let last = mount.fake.asked();
    assert_ne!(last, tried[0].1);
    assert_eq!(mount.storage.scan("wal/", "", 9).await.unwrap(), Vec::<String>::new());
    let queue = mount.storage.scan("due/", "", 9).await.unwrap();
    let due = (mount.now + SignedDuration::from_hours(1)).as_second();
    assert_eq!(queue, [format!("due/{due:012}/fixed")]);
}
