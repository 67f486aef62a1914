//! PostgreSQL.

use crate::mount::{Mount, login};
use crate::server::Server;
use database::{Dialect, Values, render};
use jiff::SignedDuration;
use logical::{Backend, Operation};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio_postgres::SimpleQueryMessage;

const CREATE: &str = r#"CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO "{{name}}";"#;
const HOSTILE_SCHEMA: &str = r#""s""; DROP TABLE important; --""#;

fn config(server: &Server, more: Value) -> Value {
    let port = server.port;
    let mut config = json!({
        "plugin_name": "postgresql-database-plugin", "allowed_roles": ["app*"], "username": "postgres", "password": "root",
        "connection_url": format!("postgresql://{{{{username}}}}:{{{{password}}}}@localhost:{port}/postgres?sslmode=disable"),
    });
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    config
}

/// A mount with a configuration `pg` and a role `app`.
async fn mounted(server: &Server) -> Mount {
    let mount = Mount::new();
    mount.write("config/pg", config(server, json!({}))).await;
    mount.write("roles/app", json!({"db_name": "pg", "creation_statements": CREATE, "default_ttl": "1h"})).await;
    mount
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_gives_credentials_that_end() {
    let Some(mut server) = Server::postgres() else { return };
    server.psql("postgres", "root", "CREATE TABLE important (x int)").unwrap();
    credentials_work_until_they_are_revoked(&server).await;
    hostile_names_are_never_sql(&server).await;
    statements_of_a_role_are_used(&server).await;
    static_roles_are_rotated(&server).await;
    root_is_rotated(&server).await;
    tls_is_as_sslmode_asks(&server).await;
    crate::faults::no_password_is_lost(&server).await;
    crate::faults::nodes_rotate_at_once(&server).await;
    values_are_what_postgresql_reads(&server).await;
    a_stopped_database_is_told_and_found_again(&mut server).await;
}

async fn credentials_work_until_they_are_revoked(server: &Server) {
    let mount = mounted(server).await;
    let (user, password, lease) = mount.credentials("app").await;
    assert!(user.starts_with("v-token-ja-app-"), "{user}");
    assert_eq!(server.psql(&user, &password, "SELECT count(*) FROM important").unwrap(), "0");
    assert!(lease.renewable && lease.ttl == Duration::from_secs(3600));

    let until = || {
        let sql = format!("SELECT extract(epoch FROM rolvaliduntil)::bigint FROM pg_roles WHERE rolname = '{user}'");
        server.psql("postgres", "root", &sql).unwrap().parse::<i64>().unwrap()
    };
    assert_eq!(until(), mount.now.as_second() + 3605);
    let renewed = mount.renew(&lease, 5000).await.unwrap();
    assert_eq!((renewed.ttl, until()), (Duration::from_secs(5000), mount.now.as_second() + 60 + 5005));
    // The mount's greatest lifetime is two hours.
    assert_eq!(mount.renew(&lease, 90_000).await.unwrap().ttl, Duration::from_secs(7140));

    mount.revoke(&lease).await.unwrap();
    assert_eq!(server.psql(&user, &password, "SELECT 1"), None);
    mount.revoke(&lease).await.unwrap();

    // The lease is enough when the role is gone.
    let (user, password, lease) = mount.credentials("app").await;
    mount.call(Operation::Delete, "roles/app", json!({})).await.unwrap();
    assert!(server.psql(&user, &password, "SELECT 1").is_some());
    mount.revoke(&lease).await.unwrap();
    assert_eq!(server.psql(&user, &password, "SELECT 1"), None);

    // A login that is refused is told without the password.
    let wrong = mount.call(Operation::Update, "config/bad", config(server, json!({"password": "hunter2"}))).await;
    let Err(error) = wrong else { panic!() };
    assert_eq!(error.status(), 400);
    assert!(error.to_string().starts_with("error creating database object: error verifying connection: "), "{error}");
    assert!(!error.to_string().contains("hunter2"));
    mount.write("config/bad", config(server, json!({"password": "hunter2", "verify_connection": false}))).await;
    let shown = mount.read("config/bad").await.data.unwrap();
    assert!(!serde_json::to_string(&shown).unwrap().contains("hunter2"));
}

/// CVE-2026-39946 and its like.
async fn hostile_names_are_never_sql(server: &Server) {
    let mut mount = mounted(server).await;
    for name in [
        r#"a"; DROP TABLE important; --"#,
        "a'; DROP TABLE important; --",
        r"\'; DROP TABLE important",
        "o'brien",
        "$$; x",
        "a\nb",
    ] {
        mount.display_name = name.to_owned();
        let template = "{{.DisplayName}}-{{random 10}}";
        mount.write("config/pg", config(server, json!({"username_template": template}))).await;
        let (user, password, lease) = mount.credentials("app").await;
        assert!(user.starts_with(name), "{user}");
        assert!(server.psql(&user, &password, "SELECT * FROM important").is_some(), "{name}");
        let quoted = user.replace('"', "\"\"");
        let grant = format!(
            "CREATE SCHEMA IF NOT EXISTS {HOSTILE_SCHEMA}; CREATE TABLE IF NOT EXISTS {HOSTILE_SCHEMA}.t (); \
            GRANT ALL ON SCHEMA {HOSTILE_SCHEMA} TO \"{quoted}\"; GRANT ALL ON ALL TABLES IN SCHEMA {HOSTILE_SCHEMA} TO \"{quoted}\""
        );
        server.psql("postgres", "root", &grant).unwrap();
        mount.revoke(&lease).await.unwrap();
        assert_eq!(server.psql(&user, &password, "SELECT 1"), None);
        // Where nothing can be escaped it is refused, and nothing is made.
        let bare =
            json!({"db_name": "pg", "creation_statements": "CREATE ROLE {{name}} LOGIN PASSWORD '{{password}}'"});
        mount.write("roles/app-bare", bare).await;
        let refused = mount.call(Operation::Read, "creds/app-bare", json!({})).await.err().unwrap();
        assert!(refused.to_string().contains("not safe outside of quotes"), "{refused}");
    }
    for name in ["a;b", "a'b", "a b", "-a", "a/b", "a%22"] {
        let refused = mount.call(Operation::Update, &format!("roles/{name}"), json!({"db_name": "pg"})).await.err();
        assert_eq!(refused.unwrap().status(), 404, "{name}");
    }
    assert!(server.psql("postgres", "root", "SELECT * FROM important").is_some());
}

async fn statements_of_a_role_are_used(server: &Server) {
    let mount = mounted(server).await;
    let role = json!({
        "db_name": "pg", "max_ttl": "90m", "creation_statements": [CREATE, "DO $$ BEGIN PERFORM 1; END $$;"],
        "revocation_statements": ["REVOKE ALL ON ALL TABLES IN SCHEMA public FROM \"{{name}}\"", "DROP ROLE \"{{name}}\""],
        "renew_statements": "ALTER ROLE \"{{name}}\" CONNECTION LIMIT 7",
    });
    mount.write("roles/app2", role).await;
    let (user, password, lease) = mount.credentials("app2").await;
    mount.renew(&lease, 10).await.unwrap();
    let limit = format!("SELECT rolconnlimit FROM pg_roles WHERE rolname = '{user}'");
    assert_eq!(server.psql("postgres", "root", &limit).unwrap(), "7");
    mount.revoke(&lease).await.unwrap();
    assert_eq!(server.psql(&user, &password, "SELECT 1"), None);
    // It is not there any more, and the statements don't say IF EXISTS.
    mount.revoke(&lease).await.unwrap();

    // What fails halfway leaves nothing.
    let broken =
        json!({"db_name": "pg", "creation_statements": [CREATE, "SELECT nothing"], "credential_type": "password"});
    mount.write("roles/app3", broken).await;
    let before = server.psql("postgres", "root", "SELECT count(*) FROM pg_roles");
    let refused = mount.call(Operation::Read, "creds/app3", json!({})).await.err().unwrap();
    assert!(refused.to_string().contains("42703"), "{refused}");
    assert_eq!(server.psql("postgres", "root", "SELECT count(*) FROM pg_roles"), before);
    mount.credentials("app2").await;

    // What one role's statements set is not there for another's.
    server.psql("postgres", "root", "CREATE ROLE limited").unwrap();
    let setting = json!({"db_name": "pg", "creation_statements": [CREATE, "SET ROLE limited; SET search_path = nowhere; SET standard_conforming_strings = off"]});
    mount.write("config/pg", config(server, json!({"max_open_connections": 1}))).await;
    mount.write("roles/app4", setting).await;
    for _ in 0..2 {
        mount.credentials("app4").await;
        mount.credentials("app").await;
    }

    // Owned tables stand against DROP ROLE: it can't log in, and the revocation is tried again.
    let (user, password, lease) = mount.credentials("app").await;
    server.psql("postgres", "root", &format!("CREATE TABLE owned (); ALTER TABLE owned OWNER TO \"{user}\"")).unwrap();
    assert!(mount.revoke(&lease).await.unwrap_err().to_string().contains("2BP01"));
    assert_eq!(server.psql(&user, &password, "SELECT 1"), None);
    server.psql("postgres", "root", "DROP TABLE owned").unwrap();
    mount.revoke(&lease).await.unwrap();

    let refused = mount.call(Operation::Read, "creds/other", json!({})).await.err().unwrap();
    assert_eq!((refused.status(), refused.to_string()), (400, "unknown role: other".to_owned()));
    mount.write("roles/other", json!({"db_name": "pg", "creation_statements": CREATE})).await;
    let refused = mount.call(Operation::Read, "creds/other", json!({})).await.err().unwrap();
    assert_eq!(refused.to_string(), "\"other\" is not an allowed role");
    let keys = mount.call(Operation::List, "roles/", json!({"after": "app", "limit": 2})).await.unwrap().data.unwrap();
    assert_eq!(keys["keys"], json!(["app2", "app3"]));
}

async fn static_roles_are_rotated(server: &Server) {
    let mut mount = mounted(server).await;
    mount.write("config/pg", config(server, json!({"password_authentication": "scram-sha-256"}))).await;
    server.psql("postgres", "root", "CREATE ROLE fixed LOGIN PASSWORD 'first'").unwrap();
    mount.write("static-roles/app-fixed", json!({"db_name": "pg", "username": "fixed", "rotation_period": "1h"})).await;
    let read = async |mount: &Mount| login(&mount.read("static-creds/app-fixed").await).1;
    let first = read(&mount).await;
    assert!(server.psql("fixed", &first, "SELECT 1").is_some() && server.psql("fixed", "first", "SELECT 1").is_none());
    mount.write("rotate-role/app-fixed", json!({})).await;
    let second = read(&mount).await;
    assert!(server.psql("fixed", &second, "SELECT 1").is_some() && server.psql("fixed", &first, "SELECT 1").is_none());
    mount.now += SignedDuration::from_secs(3599);
    mount.periodic().await.unwrap();
    assert_eq!(read(&mount).await, second);
    mount.now += SignedDuration::from_secs(1);
    mount.periodic().await.unwrap();
    let third = read(&mount).await;
    assert_ne!(third, second);
    assert!(server.psql("fixed", &third, "SELECT 1").is_some());
    let refused = mount.call(Operation::Update, "roles/app-fixed", json!({"db_name": "pg"})).await.err().unwrap();
    assert_eq!(refused.to_string(), "Role and Static Role names must be unique");
    mount.call(Operation::Delete, "static-roles/app-fixed", json!({})).await.unwrap();
    assert!(logical::Storage::scan(mount.storage.as_ref(), "due/", "", 9).await.unwrap().is_empty());
}

async fn root_is_rotated(server: &Server) {
    let mount = mounted(server).await;
    server.psql("postgres", "root", "CREATE ROLE admin SUPERUSER LOGIN PASSWORD 'first'").unwrap();
    mount.write("config/pg", config(server, json!({"username": "admin", "password": "first"}))).await;
    mount.write("rotate-root/pg", json!({})).await;
    assert_eq!(server.psql("admin", "first", "SELECT 1"), None);
    let (user, password, _) = mount.credentials("app").await;
    assert!(server.psql(&user, &password, "SELECT 1").is_some());
    mount.write("reset/pg", json!({})).await;
    mount.write("rotate-root/pg", json!({})).await;
    mount.credentials("app").await;
}

/// The database itself says what it has read.
async fn values_are_what_postgresql_reads(server: &Server) {
    let url = format!("postgresql://postgres:root@127.0.0.1:{}/postgres", server.port);
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    for value in crate::mount::hostile_values(500) {
        for template in ["SELECT '{{name}}' AS x", "SELECT E'\\\\''{{name}}' AS x", "SELECT 'x' AS \"{{name}}\" -- '"] {
            let values = Values { username: &value, ..Values::default() };
            let sql = render(Dialect::PostgreSql, &[template.to_owned()], values).unwrap();
            assert_eq!(sql.len(), 1, "{value}");
            let rows = client.simple_query(&sql[0]).await.unwrap_or_else(|error| panic!("{value:?}: {error}"));
            let Some(SimpleQueryMessage::Row(row)) = rows.get(1) else { panic!("{value}") };
            let read = if template.contains("--") { row.columns()[0].name() } else { row.get(0).unwrap() };
            assert_eq!(read.trim_start_matches("\\'"), value.trim_start_matches("\\'"), "{template}");
        }
    }
}

async fn tls_is_as_sslmode_asks(server: &Server) {
    let mount = Mount::new();
    for (host, mode, ca, works) in [
        ("127.0.0.1", "require", false, true),
        ("127.0.0.1", "prefer", false, true),
        ("127.0.0.1", "verify-ca", true, true),
        ("127.0.0.1", "verify-full", true, false),
        ("localhost", "verify-full", true, true),
        ("localhost", "verify-full", false, false),
    ] {
        let url =
            format!("postgresql://{{{{username}}}}:{{{{password}}}}@{host}:{}/postgres?sslmode={mode}", server.port);
        let mut config = config(server, json!({"connection_url": url}));
        if ca {
            config["tls_ca"] = json!(server.certificate());
        }
        let done = mount.call(Operation::Update, &format!("config/{host}-{mode}-{ca}"), config).await;
        assert_eq!(done.is_ok(), works, "{host} {mode} {ca} {:?}", done.err().map(|error| error.to_string()));
    }
}

async fn a_stopped_database_is_told_and_found_again(server: &mut Server) {
    let mount = mounted(server).await;
    let (user, password, lease) = mount.credentials("app").await;
    server.stop();
    let begun = Instant::now();
    let refused = mount.call(Operation::Read, "creds/app", json!({})).await.err().unwrap();
    assert_eq!(refused.status(), 500);
    assert!(refused.to_string().contains("the database cannot be reached, try again later"), "{refused}");
    assert!(mount.revoke(&lease).await.is_err());
    assert!(begun.elapsed() < Duration::from_secs(5));
    server.start();
    server.ready();
    mount.credentials("app").await;
    assert!(server.psql(&user, &password, "SELECT 1").is_some());
    mount.revoke(&lease).await.unwrap();
    assert_eq!(server.psql(&user, &password, "SELECT 1"), None);
    mount.backend.cleanup(mount.context()).await.unwrap();
}

/// Credentials a second beside PostgreSQL's own CREATE ROLE, with as many connections.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_cost_little_more_than_create_role() {
    const TOTAL: usize = 400;
    const CLIENTS: usize = 8;
    let Some(server) = Server::postgres() else { return };
    let mount = std::sync::Arc::new(mounted(&server).await);
    let create = r#"CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'"#;
    mount.write("roles/app", json!({"db_name": "pg", "creation_statements": create})).await;
    let port = server.port;
    for scram in ["password", "scram-sha-256"] {
        let more = json!({"max_open_connections": CLIENTS, "password_authentication": scram});
        mount.write("config/pg", config(&server, more)).await;
        let timed = async |ours: bool| {
            let begun = Instant::now();
            let tasks: Vec<_> = (0..CLIENTS)
                .map(|client| {
                    let mount = std::sync::Arc::clone(&mount);
                    tokio::spawn(async move {
                        if ours {
                            for _ in 0..TOTAL / CLIENTS {
                                mount.credentials("app").await;
                            }
                            return;
                        }
                        let url = format!("postgresql://postgres:root@127.0.0.1:{port}/postgres");
                        let (sql, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
                        tokio::spawn(connection);
                        for number in 0..TOTAL / CLIENTS {
                            let create = format!("CREATE ROLE \"raw-{scram}-{client}-{number}\" WITH LOGIN PASSWORD 'Aa1-{number:016}' VALID UNTIL '2027-01-01 00:00:00+0000'");
                            sql.batch_execute(&create).await.unwrap();
                        }
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
            TOTAL as f64 / begun.elapsed().as_secs_f64()
        };
        mount.credentials("app").await;
        let (raw, ours) = (timed(false).await, timed(true).await);
        println!("{scram}: {ours:.0} credentials/s, {raw:.0} CREATE ROLE/s, {:.0} %", ours / raw * 100.0);
        assert!(ours > raw * 0.3, "{ours} of {raw}");
    }
}
