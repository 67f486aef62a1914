//! Rotations that break off at any point.

use crate::mount::{Mount, login};
use crate::server::Server;
use database::{Answer, NewUser, Settings, Target, TargetError, Targets};
use jiff::{SignedDuration, Timestamp};
use logical::{Batch, Entry, Error, Memory, Operation, Pending, Storage};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use targets::Sql;

/// Where it breaks: at each step once before the step is done, and once after. Steps are commits and changes of passwords.
/// From then on everything fails, as for a process that has been killed.
#[derive(Default)]
struct Fault {
    step: AtomicUsize,
    at: usize,
}

impl Fault {
    /// Whether this step is done, and whether that is told.
    fn next(&self) -> (bool, bool) {
        let step = self.step.fetch_add(1, SeqCst);
        (step <= self.at / 2 && (step < self.at / 2 || self.at % 2 == 1), step < self.at / 2)
    }
}

struct Faulty {
    memory: Arc<Memory>,
    fault: Arc<Fault>,
}

impl Storage for Faulty {
    fn get<'a>(&'a self, key: &'a str) -> Pending<'a, Option<Entry>> {
        self.memory.get(key)
    }

    fn list<'a>(&'a self, prefix: &'a str, after: &'a str, limit: usize) -> Pending<'a, Vec<String>> {
        self.memory.list(prefix, after, limit)
    }

    fn scan<'a>(&'a self, prefix: &'a str, after: &'a str, limit: usize) -> Pending<'a, Vec<String>> {
        self.memory.scan(prefix, after, limit)
    }

    fn commit(&self, batch: Batch) -> Pending<'_, u64> {
        Box::pin(async move {
            let (done, told) = self.fault.next();
            let result = if done { self.memory.commit(batch).await } else { Err(Error::internal("broken")) };
            if told { result } else { Err(Error::internal("broken")) }
        })
    }
}

struct FaultyTargets(Arc<Fault>);

struct FaultyTarget {
    target: Arc<dyn Target>,
    fault: Arc<Fault>,
}

impl Targets for FaultyTargets {
    fn open(&self, settings: &Settings) -> Result<Arc<dyn Target>, TargetError> {
        Ok(Arc::new(FaultyTarget { target: Sql.open(settings)?, fault: Arc::clone(&self.0) }))
    }
}

impl Target for FaultyTarget {
    fn verify(&self) -> Answer<'_, ()> {
        self.target.verify()
    }

    fn create<'a>(&'a self, user: NewUser<'a>) -> Answer<'a, ()> {
        self.target.create(user)
    }

    fn renew<'a>(&'a self, username: &'a str, expires: Timestamp, statements: &'a [String]) -> Answer<'a, ()> {
        self.target.renew(username, expires, statements)
    }

    fn revoke<'a>(&'a self, username: &'a str, statements: &'a [String]) -> Answer<'a, ()> {
        self.target.revoke(username, statements)
    }

    fn change_password<'a>(&'a self, username: &'a str, password: &'a str, statements: &'a [String]) -> Answer<'a, ()> {
        Box::pin(async move {
            let (done, told) = self.fault.next();
            if done {
                self.target.change_password(username, password, statements).await?;
            }
            if told { Ok(()) } else { Err(TargetError::Unreachable("broken".to_owned())) }
        })
    }
}

/// After a rotation that broke off anywhere, a new process ends it, and what is stored is what the database takes.
pub(crate) async fn no_password_is_lost(server: &Server) {
    for (path, role) in [("rotate-role/app", "app_static"), ("rotate-root/pg", "app_root")] {
        let mut broken = 0;
        for at in 0.. {
            server.psql("postgres", "root", &format!("DROP ROLE IF EXISTS {role}")).unwrap();
            server.psql("postgres", "root", &format!("CREATE ROLE {role} SUPERUSER LOGIN PASSWORD 'first'")).unwrap();
            let memory = Arc::new(Memory::new());
            let mut mount = Mount::over(Arc::clone(&memory), Arc::new(Sql));
            let is_root = path.starts_with("rotate-root");
            let (user, password) = if is_root { (role, "first") } else { ("postgres", "root") };
            let url = format!("postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{}/postgres", server.port);
            let config = json!({
                "plugin_name": "postgresql-database-plugin", "allowed_roles": "*", "connection_url": url,
                "username": user, "password": password,
            });
            mount.write("config/pg", config).await;
            let fixed = json!({"db_name": "pg", "username": "app_static", "rotation_schedule": "0 0 1 1 *"});
            if !is_root {
                mount.write("static-roles/app", fixed).await;
            }

            let fault = Arc::new(Fault { at, ..Fault::default() });
            let storage = Arc::new(Faulty { memory, fault: Arc::clone(&fault) });
            let mut dying = Mount::over(storage, Arc::new(FaultyTargets(fault)));
            // Other passwords than those of the first process.
            for _ in 0..50 {
                logical::System::password(&dying.system, "").await.unwrap();
            }
            dying.now = mount.now;
            let whole = dying.call(Operation::Update, path, json!({})).await.is_ok();
            broken += usize::from(!whole);

            mount.backend = database::Database::new(Arc::new(Sql));
            mount.now += SignedDuration::from_secs(61);
            mount.periodic().await.unwrap_or_else(|error| panic!("{path} {at}: {error}"));
            if is_root {
                let create = "CREATE ROLE \"{{name}}\" LOGIN PASSWORD '{{password}}'";
                mount.write("roles/app", json!({"db_name": "pg", "creation_statements": create})).await;
                let (user, password, lease) = mount.credentials("app").await;
                assert!(server.psql(&user, &password, "SELECT 1").is_some(), "{path} {at}");
                mount.revoke(&lease).await.unwrap();
            } else {
                // One that broke off is taken up with the next.
                mount.call(Operation::Update, path, json!({})).await.unwrap();
                let (user, password) = login(&mount.read("static-creds/app").await);
                assert!(server.psql(&user, &password, "SELECT 1").is_some(), "{path} {at}");
            }
            assert!(mount.storage.scan("wal/", "", 9).await.unwrap().is_empty(), "{path} {at}");
            if whole {
                break;
            }
        }
        assert_eq!(broken, 6, "{path}");
    }
}

/// However many nodes rotate one role at once, what is stored in the end is what the database takes.
pub(crate) async fn nodes_rotate_at_once(server: &Server) {
    server.psql("postgres", "root", "CREATE ROLE shared LOGIN").unwrap();
    let url = format!("postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{}/postgres", server.port);
    let memory = Arc::new(Memory::new());
    let nodes: Vec<_> = (0..3).map(|_| Arc::new(Mount::over(Arc::clone(&memory), Arc::new(Sql)))).collect();
    let config = json!({
        "plugin_name": "postgresql-database-plugin", "allowed_roles": "*", "connection_url": url,
        "username": "postgres", "password": "root",
    });
    nodes[0].write("config/pg", config).await;
    nodes[0].write("static-roles/shared", json!({"db_name": "pg", "username": "shared", "rotation_period": 5})).await;
    for round in 0..10 {
        let rotations: Vec<_> = nodes
            .iter()
            .cycle()
            .take(9)
            .map(|node| {
                let node = Arc::clone(node);
                tokio::spawn(async move { node.call(Operation::Update, "rotate-role/shared", json!({})).await.is_ok() })
            })
            .collect();
        for rotation in rotations {
            rotation.await.unwrap();
        }
        let (user, password) = login(&nodes[1].read("static-creds/shared").await);
        assert!(server.psql(&user, &password, "SELECT 1").is_some(), "{round}");
    }
}
