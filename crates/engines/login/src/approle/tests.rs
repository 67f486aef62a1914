use super::*;
use crate::testing::{Server, now};
use logical::{Batch, Memory, Storage};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};

fn server(role: Value) -> Server<AppRole> {
    let server = Server::new(AppRole::new());
    server.write("role/Web", role).unwrap();
    server.write("role/web/role-id", json!({"role_id": "R"})).unwrap();
    server
}

fn secret_id(server: &Server<AppRole>, data: Value) -> String {
    let data = server.write("role/web/secret-id", data).unwrap();
    data["secret_id"].as_str().unwrap().to_owned()
}

#[test]
fn a_role_and_a_secret_id_are_a_login() {
    let server = server(json!({"token_policies": ["a"], "token_ttl": 60}));
    let secret = secret_id(&server, json!({"metadata": "{\"team\":\"x\"}"}));
    let auth = server.login("login", json!({"role_id": " R ", "secret_id": secret})).unwrap();
    assert_eq!(auth.policies, ["a"]);
    assert_eq!((auth.metadata["role_name"].as_str(), auth.metadata["team"].as_str()), ("web", "x"));
    assert_eq!(auth.alias.as_ref().unwrap().name, "R");
    for (data, text) in [
        (json!({"role_id": "R", "secret_id": "x"}), "invalid role or secret ID"),
        (json!({"role_id": "x", "secret_id": secret}), "invalid role or secret ID"),
        (json!({"role_id": "R"}), "missing secret_id"),
        (json!({"secret_id": "x"}), "missing role_id"),
        (json!({"role_id": "R", "secret_id": "x".repeat(5000)}), "value is longer than maximum of 4096 bytes"),
    ] {
        assert_eq!(server.login("login", data).err().unwrap(), text);
    }
    server.write("role/web", json!({"token_ttl": 30})).unwrap();
    assert_eq!(server.renew(&auth).unwrap().ttl.as_secs(), 30);
    server.data(Operation::Delete, "role/web", json!({})).unwrap();
    assert!(server.renew(&auth).err().unwrap().contains("does not exist during renewal"));
    assert!(server.login("login", json!({"role_id": "R", "secret_id": secret})).is_err());
    assert_eq!(now(server.storage.scan("", "", 99)).unwrap(), Vec::<String>::new());
}

#[test]
fn a_secret_id_is_used_as_often_as_it_may() {
    let server = server(json!({"secret_id_num_uses": 2}));
    let secret = secret_id(&server, json!({}));
    let login = || server.login("login", json!({"role_id": "R", "secret_id": secret}));
    login().unwrap();
    // A refusal for its address uses nothing up.
    server.write("role/web/secret-id-bound-cidrs", json!({"secret_id_bound_cidrs": "10.0.0.0/8"})).unwrap();
    assert!(login().err().unwrap().contains("source address \"127.0.0.1\" unauthorized by CIDR"));
    server.data(Operation::Delete, "role/web/secret-id-bound-cidrs", json!({})).unwrap();
    login().unwrap();
    assert_eq!(login().err().unwrap(), "invalid role or secret ID");
    assert_eq!(server.data(Operation::List, "role/web/secret-id", json!({})).unwrap(), json!({}));
}

/// A storage on which somebody else logs in between our read and our write.
struct Racing<'a> {
    inner: &'a Memory,
    other: &'a (dyn Fn() + Sync),
    left: AtomicUsize,
}

impl Storage for Racing<'_> {
    fn get<'a>(&'a self, key: &'a str) -> Pending<'a, Option<logical::Entry>> {
        self.inner.get(key)
    }

    fn list<'a>(&'a self, prefix: &'a str, after: &'a str, limit: usize) -> Pending<'a, Vec<String>> {
        self.inner.list(prefix, after, limit)
    }

    fn scan<'a>(&'a self, prefix: &'a str, after: &'a str, limit: usize) -> Pending<'a, Vec<String>> {
        self.inner.scan(prefix, after, limit)
    }

    fn commit(&self, batch: Batch) -> Pending<'_, u64> {
        if self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
            (self.other)();
        }
        self.inner.commit(batch)
    }
}

#[test]
fn the_last_use_is_had_once() {
    let server = server(json!({"secret_id_num_uses": 1}));
    let secret = secret_id(&server, json!({}));
    let data = json!({"role_id": "R", "secret_id": secret});
    let other = || server.login("login", data.clone()).map(|_| ()).unwrap();
    let storage = Racing { inner: &server.storage, other: &other, left: AtomicUsize::new(1) };
    let request = server.request(Operation::Update, "login", data.clone());
    let context = Context { storage: &storage, system: &crate::testing::Plain };
    let error = now(server.backend.handle(context, &request)).err().unwrap();
    assert_eq!(error.to_string(), "invalid role or secret ID");
}

#[test]
fn a_secret_id_ends_and_is_tidied_away() {
    let mut server = server(json!({"secret_id_ttl": "10m"}));
    let short = server.write("role/web/secret-id", json!({"ttl": 60})).unwrap();
    let long = secret_id(&server, json!({}));
    let looked = server.write("role/web/secret-id/lookup", json!({"secret_id": short["secret_id"]})).unwrap();
    assert_eq!(looked["expiration_time"], "2027-01-15T08:01:00Z");
    let error = server.write("role/web/secret-id", json!({"ttl": "1h"})).unwrap_err();
    assert_eq!(error, "ttl cannot be longer than the role's secret_id_ttl");
    server.time += jiff::SignedDuration::from_secs(61);
    let login = |secret: &Value| server.login("login", json!({"role_id": "R", "secret_id": secret}));
    assert_eq!(login(&short["secret_id"]).err().unwrap(), "invalid role or secret ID");
    login(&json!(long)).unwrap();
    now(server.backend.periodic(server.context(), server.time)).unwrap();
    let left = server.data(Operation::List, "role/web/secret-id", json!({})).unwrap();
    assert_eq!(left["keys"].as_array().unwrap().len(), 1);
    login(&json!(long)).unwrap();
    assert_eq!(server.ask(Operation::Update, "tidy/secret-id", json!({})).ok().unwrap().status, Some(202));
}

#[test]
fn accessors_name_secret_ids_of_their_role_only() {
    let server = server(json!({}));
    server.write("role/other", json!({})).unwrap();
    let data = json!({"secret_id": "S", "cidr_list": ["127.0.0.1/32"], "metadata": "{\"a\":\"b\"}"});
    let made = server.write("role/web/custom-secret-id", data.clone()).unwrap();
    assert_eq!((&made["secret_id"], &made["secret_id_num_uses"]), (&json!("S"), &json!(0)));
    assert!(server.write("role/web/custom-secret-id", data).unwrap_err().contains("already registered"));
    let accessor = json!({"secret_id_accessor": made["secret_id_accessor"]});
    let looked = server.write("role/web/secret-id-accessor/lookup", accessor.clone()).unwrap();
    assert_eq!((&looked["cidr_list"], &looked["metadata"]), (&json!(["127.0.0.1/32"]), &json!({"a": "b"})));
    assert_eq!((&looked["token_bound_cidrs"], &looked["expiration_time"]), (&json!([]), &json!(secret_id_no_time())));
    for path in ["role/other/secret-id-accessor/lookup", "role/other/secret-id-accessor/destroy"] {
        let error = server.ask(Operation::Update, path, accessor.clone()).err().unwrap();
        assert_eq!(error.status(), 404);
    }
    server.write("role/web/secret-id-accessor/destroy", accessor).unwrap();
    assert!(server.login("login", json!({"role_id": "R", "secret_id": "S"})).is_err());
    assert_eq!(server.write("role/web/secret-id/lookup", json!({"secret_id": "S"})).unwrap(), Value::Null);
    server.write("role/web/secret-id/destroy", json!({"secret_id": "S"})).unwrap();
}

fn secret_id_no_time() -> &'static str {
    "0001-01-01T00:00:00Z"
}

#[test]
fn each_parameter_is_read_written_and_deleted_by_itself() {
    let server = server(json!({}));
    for (path, data, shown, gone) in [
        (
            "policies",
            json!({"policies": "B,a"}),
            json!({"policies": ["a", "b"], "token_policies": ["a", "b"]}),
            json!([]),
        ),
        (
            "secret-id-bound-cidrs",
            json!({"secret_id_bound_cidrs": "1.2.3.4/32"}),
            json!({"secret_id_bound_cidrs": ["1.2.3.4/32"]}),
            Value::Null,
        ),
        (
            "token-bound-cidrs",
            json!({"token_bound_cidrs": "1.2.3.4/32"}),
            json!({"token_bound_cidrs": ["1.2.3.4"]}),
            json!([]),
        ),
        ("bind-secret-id", json!({"bind_secret_id": true}), json!({"bind_secret_id": true}), json!(true)),
        ("secret-id-num-uses", json!({"secret_id_num_uses": 3}), json!({"secret_id_num_uses": 3}), json!(0)),
        ("secret-id-ttl", json!({"secret_id_ttl": "1m"}), json!({"secret_id_ttl": 60}), json!(0)),
        ("period", json!({"token_period": "1m"}), json!({"token_period": 60}), json!(0)),
        ("token-num-uses", json!({"token_num_uses": 3}), json!({"token_num_uses": 3}), json!(0)),
        ("token-ttl", json!({"token_ttl": "1m"}), json!({"token_ttl": 60}), json!(0)),
        ("token-max-ttl", json!({"token_max_ttl": "1m"}), json!({"token_max_ttl": 60}), json!(0)),
    ] {
        let path = format!("role/web/{path}");
        assert!(server.write(&path, json!({})).unwrap_err().starts_with("missing "), "{path}");
        server.write(&path, data).unwrap();
        assert_eq!(server.read(&path).unwrap(), shown);
        server.data(Operation::Delete, &path, json!({})).unwrap();
        let left = server.read(&path).unwrap();
        assert_eq!(left.as_object().unwrap().values().next(), Some(&gone), "{path}");
    }
    assert_eq!(server.read("role/web/local-secret-ids").unwrap(), json!({"local_secret_ids": false}));
    assert_eq!(server.read("role/web/nonsense").unwrap_err(), "unsupported path");
    assert_eq!(server.write("role/nope/token-ttl", json!({"token_ttl": 1})).unwrap_err(), "unsupported path");
    assert_eq!(server.data(Operation::Delete, "role/web/role-id", json!({})).unwrap_err(), "unsupported operation");
}

#[test]
fn roles_that_make_no_sense_are_refused() {
    let server = server(json!({}));
    for (path, data, text) in [
        ("role/web", json!({"bind_secret_id": false}), "at least one constraint should be enabled on the role"),
        ("role/two", json!({"role_id": "R"}), "role_id already in use"),
        ("role/two", json!({"role_id": ""}), "invalid role_id supplied"),
        ("role/two", json!({"secret_id_bound_cidrs": "10.0.0.1"}), "invalid CIDR address: 10.0.0.1"),
        ("role/two", json!({"secret_id_num_uses": -1}), "secret_id_num_uses cannot be negative"),
        (
            "role/two",
            json!({"period": "1000d"}),
            "period of \"24000h0m0s\" is greater than the backend's maximum lease TTL",
        ),
        ("role/web", json!({"local_secret_ids": true}), "local_secret_ids can only be modified during role creation"),
        ("role/web/secret-id", json!({"cidr_list": "1.1.1.1"}), "invalid CIDR address"),
        ("role/web/secret-id", json!({"metadata": [[]]}), "failed to parse metadata"),
        ("role/web/role-id", json!({}), "missing role_id"),
    ] {
        let error = server.write(path, data).unwrap_err();
        assert!(error.contains(text), "{path}: {error}");
    }
    let response = server.ask(Operation::Create, "role/two", json!({"token_type": "default-batch"})).ok().unwrap();
    assert_eq!(response.warnings, ["default-batch has no useful meaning; adjusting to batch"]);
    assert_eq!(server.read("role/two").unwrap()["token_type"], "batch");
    assert_eq!(server.data(Operation::List, "role/", json!({})).unwrap(), json!({"keys": ["two", "web"]}));
}

#[test]
fn secret_ids_stay_within_their_roles_addresses() {
    let server = server(json!({"secret_id_bound_cidrs": "127.0.0.0/8", "token_bound_cidrs": "10.0.0.0/8"}));
    for data in [json!({"cidr_list": "10.0.0.0/8"}), json!({"token_bound_cidrs": "127.0.0.0/8"})] {
        assert!(server.write("role/web/secret-id", data).unwrap_err().contains("failed to verify subset"));
    }
    let data = json!({"cidr_list": "127.0.0.0/16", "token_bound_cidrs": "10.1.0.0/16"});
    let secret = secret_id(&server, data);
    let login = || server.login("login", json!({"role_id": "R", "secret_id": secret}));
    assert_eq!(login().unwrap().bound_cidrs, ["10.1.0.0/16"]);
    server.write("role/web", json!({"secret_id_bound_cidrs": "127.1.0.0/16"})).unwrap();
    assert!(login().err().unwrap().contains("failed to verify subset"));
}
