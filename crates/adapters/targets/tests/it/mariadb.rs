//! MariaDB.

use crate::mount::{Mount, login};
use crate::server::Server;
use database::{Dialect, Values, render};
use logical::Operation;
use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use serde_json::{Value, json};
use std::time::Duration;

const CREATE: &str =
    "CREATE USER '{{name}}'@'%' IDENTIFIED BY '{{password}}'; GRANT SELECT ON mysql.* TO '{{name}}'@'%';";

fn config(server: &Server, more: Value) -> Value {
    let mut config = json!({
        "plugin_name": "mysql-database-plugin", "allowed_roles": "*", "username": "root", "password": "",
        "connection_url": format!("{{{{username}}}}:{{{{password}}}}@tcp(127.0.0.1:{})/", server.port),
    });
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    config
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mariadb_gives_credentials_that_end() {
    let Some(mut server) = Server::mariadb() else { return };
    let mut mount = Mount::new();
    mount.write("config/my", config(&server, json!({}))).await;
    mount.write("roles/app", json!({"db_name": "my", "creation_statements": CREATE})).await;
    let (user, password, lease) = mount.credentials("app").await;
    assert!(user.starts_with("v-token-jane-app-") && user.len() == 32, "{user}");
    assert!(server.mariadb_client(&user, &password, "SELECT count(*) FROM mysql.user").is_some());
    mount.renew(&lease, 60).await.unwrap();
    mount.revoke(&lease).await.unwrap();
    assert_eq!(server.mariadb_client(&user, &password, "SELECT 1"), None);
    mount.revoke(&lease).await.unwrap();

    // Statements of the role, twice.
    let drop = "REVOKE ALL PRIVILEGES, GRANT OPTION FROM '{{name}}'@'%'; DROP USER '{{name}}'@'%'";
    mount
        .write("roles/own", json!({"db_name": "my", "creation_statements": CREATE, "revocation_statements": drop}))
        .await;
    let (user, password, lease) = mount.credentials("own").await;
    mount.revoke(&lease).await.unwrap();
    assert_eq!(server.mariadb_client(&user, &password, "SELECT 1"), None);
    mount.revoke(&lease).await.unwrap();

    hostile_names_are_never_sql(&server, &mut mount).await;
    what_fails_halfway_is_undone(&server, &mount).await;
    passwords_are_rotated(&server, &mount).await;
    values_are_what_mariadb_reads(&server).await;
    tls_is_as_the_url_asks(&server, &mount).await;

    server.stop();
    let refused = mount.call(Operation::Read, "creds/app", json!({})).await.err().unwrap();
    assert!(refused.to_string().contains("the database cannot be reached, try again later"), "{refused}");
    server.start();
    let mut found = false;
    for _ in 0..100 {
        found = found || mount.call(Operation::Read, "creds/app", json!({})).await.is_ok();
        tokio::time::sleep(Duration::from_millis(if found { 0 } else { 50 })).await;
    }
    assert!(found);
}

async fn hostile_names_are_never_sql(server: &Server, mount: &mut Mount) {
    server.mariadb_client("root", "", "CREATE DATABASE important").unwrap();
    mount.write("config/my", config(server, json!({"username_template": "{{.DisplayName}}-{{random 4}}"}))).await;
    for name in ["a'@'%'; DROP DATABASE important; -- ", r"a\'; DROP DATABASE important; #", "a`b\"c", "o'brien"] {
        name.clone_into(&mut mount.display_name);
        let (user, password, lease) = mount.credentials("app").await;
        assert!(server.mariadb_client(&user, &password, "SELECT 1").is_some(), "{user}");
        mount.revoke(&lease).await.unwrap();
        assert_eq!(server.mariadb_client(&user, &password, "SELECT 1"), None, "{user}");
    }
    assert!(server.mariadb_client("root", "", "USE important").is_some());
    "token-jane".clone_into(&mut mount.display_name);
    mount.write("config/my", config(server, json!({"username_template": ""}))).await;
}

/// The database itself says what it has read.
async fn values_are_what_mariadb_reads(server: &Server) {
    let url = format!("mysql://root@127.0.0.1:{}/?prefer_socket=false", server.port);
    let mut connection = Conn::from_url(url).await.unwrap();
    for value in crate::mount::hostile_values(500) {
        for template in ["SELECT '{{name}}'", "SELECT \"{{name}}\" # '", "SELECT 'x' AS `{{name}}` -- `"] {
            let values = Values { username: &value, ..Values::default() };
            let sql = render(Dialect::MySql, &[template.to_owned()], values).unwrap();
            assert_eq!(sql.len(), 1, "{value}");
            let mut result =
                connection.query_iter(sql[0].as_str()).await.unwrap_or_else(|error| panic!("{value:?}: {error}"));
            let column = result.columns().unwrap()[0].name_str().into_owned();
            let rows: Vec<String> = result.collect().await.unwrap();
            // Of the name of a column the blanks at its beginning are cut off.
            let blank = |letter: char| letter.is_whitespace() || letter.is_control();
            match template.contains('`') {
                true => assert_eq!(column, value.trim_start_matches(blank), "{template}"),
                false => assert_eq!(rows[0], value, "{template}"),
            }
        }
    }
}

async fn tls_is_as_the_url_asks(server: &Server, mount: &Mount) {
    let sql = "CREATE USER 'secure'@'%' REQUIRE SSL; GRANT ALL ON *.* TO 'secure'@'%' WITH GRANT OPTION";
    server.mariadb_client("root", "", sql).unwrap();
    let ca = json!({"tls_ca": server.certificate()});
    for (case, (host, tls, more, works)) in [
        ("127.0.0.1", "", json!({}), false),
        ("127.0.0.1", "?tls=skip-verify", json!({}), true),
        ("127.0.0.1", "?tls=preferred", json!({}), true),
        ("127.0.0.1", "?tls=true", json!({}), false),
        ("127.0.0.1", "", ca.clone(), false),
        ("localhost", "", ca.clone(), true),
        ("localhost", "?tls=true", ca, true),
        ("localhost", "?tls=true", json!({}), false),
    ]
    .into_iter()
    .enumerate()
    {
        let url = format!("secure@tcp({host}:{})/{tls}", server.port);
        let mut config = config(server, more);
        config["connection_url"] = json!(url);
        let done = mount.call(Operation::Update, &format!("config/tls{case}"), config).await;
        assert_eq!(done.is_ok(), works, "{case} {:?}", done.err().map(|error| error.to_string()));
    }
}

async fn what_fails_halfway_is_undone(server: &Server, mount: &Mount) {
    let users = || server.mariadb_client("root", "", "SELECT count(*) FROM mysql.user").unwrap();
    let before = users();
    let broken =
        "CREATE USER '{{name}}'@'%' IDENTIFIED BY '{{password}}'; GRANT NOTHING ON x TO y IDENTIFIED BY '{{password}}'";
    mount.write("roles/broken", json!({"db_name": "my", "creation_statements": broken})).await;
    let refused = mount.call(Operation::Read, "creds/broken", json!({})).await.err().unwrap();
    assert!(refused.to_string().contains("Error 1064 (42000)") && !refused.to_string().contains("Aa1"), "{refused}");
    assert_eq!(users(), before);

    // What one role's statements set is not there for another's.
    let setting = format!("{CREATE} USE mysql; SET sql_mode = 'NO_BACKSLASH_ESCAPES'");
    mount.write("roles/setting", json!({"db_name": "my", "creation_statements": setting})).await;
    for role in ["setting", "app", "setting", "app"] {
        let (user, password, lease) = mount.credentials(role).await;
        assert!(server.mariadb_client(&user, &password, "SELECT 1").is_some(), "{role}");
        mount.revoke(&lease).await.unwrap();
    }

    // A user that was there before is somebody else's.
    server.mariadb_client("root", "", "CREATE USER 'same'@'%' IDENTIFIED BY 'x'").unwrap();
    mount.write("config/same", config(server, json!({"username_template": "same"}))).await;
    mount.write("roles/same", json!({"db_name": "same", "creation_statements": format!("SELECT 1; {CREATE}")})).await;
    assert!(mount.call(Operation::Read, "creds/same", json!({})).await.is_err());
    assert!(server.mariadb_client("same", "x", "SELECT 1").is_some());
}

async fn passwords_are_rotated(server: &Server, mount: &Mount) {
    server.mariadb_client("root", "", "CREATE USER 'fixed'@'%' IDENTIFIED BY 'first'").unwrap();
    mount.write("static-roles/fixed", json!({"db_name": "my", "username": "fixed", "rotation_period": 60})).await;
    let (user, first) = login(&mount.read("static-creds/fixed").await);
    assert!(server.mariadb_client(&user, &first, "SELECT 1").is_some());
    mount.write("rotate-role/fixed", json!({})).await;
    let (_, second) = login(&mount.read("static-creds/fixed").await);
    assert!(server.mariadb_client(&user, &second, "SELECT 1").is_some());
    assert_eq!(server.mariadb_client(&user, &first, "SELECT 1"), None);

    let admin = "CREATE USER 'admin'@'%' IDENTIFIED BY 'first'; GRANT ALL ON *.* TO 'admin'@'%' WITH GRANT OPTION";
    server.mariadb_client("root", "", admin).unwrap();
    mount.write("config/my", config(server, json!({"username": "admin", "password": "first"}))).await;
    mount.write("rotate-root/my", json!({})).await;
    assert_eq!(server.mariadb_client("admin", "first", "SELECT 1"), None);
    mount.credentials("app").await;
}
