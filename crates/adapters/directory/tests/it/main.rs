//! Logins against OpenLDAP's server (Debian's package slapd).
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests, which clippy does not see as tests"
)]

mod slapd;

use jiff::Timestamp;
use logical::{Alone, Auth, Backend, Context, Error, Memory, Operation, Request};
use serde_json::{Value, json};
use slapd::Slapd;
use std::sync::Arc;

struct Mount {
    ldap: login::Ldap,
    storage: Memory,
}

impl Mount {
    async fn new(config: Value) -> Self {
        let mount = Self { ldap: login::Ldap::new(Arc::new(directory::Ldap)), storage: Memory::new() };
        mount.write("config", config).await.unwrap();
        mount
    }

    async fn write(&self, path: &str, data: Value) -> Result<Option<Auth>, Error> {
        let Value::Object(data) = data else { panic!() };
        let request = Request::new(Operation::Update, path, data, Timestamp::UNIX_EPOCH);
        let context = Context { storage: &self.storage, system: &Alone };
        Ok(self.ldap.handle(context, &request).await?.auth)
    }

    async fn login(&self, name: &str, password: &str) -> Result<Auth, String> {
        let answer = self.write(&format!("login/{name}"), json!({"password": password})).await;
        answer.map(Option::unwrap).map_err(|error| error.to_string())
    }
}

fn config(server: &Slapd, more: Value) -> Value {
    let mut all = json!({
        "url": format!("ldap://localhost:{}", server.port), "userattr": "uid", "userdn": "ou=people,dc=example",
        "groupdn": "ou=groups,dc=example", "request_timeout": 5,
    });
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    all
}

fn groups(auth: &Auth) -> Vec<&str> {
    auth.group_aliases.iter().map(|group| group.name.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn users_of_a_real_directory_log_in() {
    let Some(server) = Slapd::start() else { return };
    let plain = Mount::new(config(&server, json!({}))).await;
    plain.write("groups/dev", json!({"policies": "deploy"})).await.unwrap();
    let auth = plain.login("Jane", "secret").await.unwrap();
    assert_eq!((groups(&auth), auth.policies.as_slice()), (vec!["dev"], ["deploy".to_owned()].as_slice()));
    let refused = "ldap operation failed: failed to bind as user";
    for (name, password) in [("jane", "wrong"), ("nobody", "secret"), ("*", "secret"), ("jane,ou=people", "secret")] {
        assert_eq!(plain.login(name, password).await.err().unwrap(), refused, "{name}");
    }
    let account = json!({"binddn": "cn=admin,dc=example", "bindpass": "admin", "max_page_size": 1});
    let searching = Mount::new(config(&server, account)).await;
    assert_eq!(searching.login("jane", "secret").await.unwrap().alias.unwrap().name, "jane");
    // Pages of one entry each are read to their end.
    assert_eq!(groups(&searching.login("joe, (the *\\ 2nd)", "secret").await.unwrap()), ["dev", "ops"]);
    for name in ["*", "jane)(|(uid=*", "nobody"] {
        assert_eq!(searching.login(name, "secret").await.err().unwrap(), refused, "{name}");
    }
    let gone = Mount::new(config(&server, json!({"url": "ldap://127.0.0.1:1,ldap://"}))).await;
    assert!(gone.login("jane", "secret").await.err().unwrap().starts_with("failed to connect to LDAP server"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_verified_over_tls() {
    let Some(server) = Slapd::start() else { return };
    let pem = std::fs::read_to_string(&server.certificate).unwrap();
    let ldaps = format!("ldaps://localhost:{}", server.tls_port);
    for (more, works) in [
        (json!({"starttls": true, "certificate": pem}), true),
        (json!({"url": ldaps, "certificate": pem}), true),
        (json!({"url": ldaps, "certificate": pem, "tls_max_version": "tls13", "tls_min_version": "tls13"}), true),
        (json!({"url": ldaps, "insecure_tls": true}), true),
        (json!({"url": ldaps}), false),
        (json!({"starttls": true}), false),
        (json!({"url": ldaps.replace("localhost", "127.0.0.1"), "certificate": pem}), false),
        (json!({"url": ldaps, "certificate": pem, "tls_max_version": "tls11", "tls_min_version": "tls10"}), false),
    ] {
        let mount = Mount::new(config(&server, more.clone())).await;
        let login = mount.login("jane", "secret").await;
        assert_eq!(login.is_ok(), works, "{more} {:?}", login.err());
    }
}
