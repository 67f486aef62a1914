use super::*;
use crate::testing::Server;
use crate::workers::{Inline, Job};
use serde_json::json;
use std::sync::atomic::{AtomicUsize, Ordering};

fn server() -> Server<UserPass> {
    let server = Server::new(UserPass::new(Arc::new(Inline)));
    // "p" at the least cost, to be quick.
    let hash = bcrypt::hash("p", MIN_COST).unwrap();
    server.write("users/Jane", json!({"password_hash": hash, "policies": "b,a", "ttl": "1h"})).unwrap();
    server
}

#[test]
fn a_user_logs_in_by_name_and_password() {
    let server = server();
    assert_eq!(server.read("users/jane").unwrap()["policies"], json!(["a", "b"]));
    let auth = server.login("login/JANE", json!({"password": "p"})).unwrap();
    assert_eq!(auth.policies, ["a", "b"]);
    assert_eq!((auth.display_name.as_str(), auth.metadata["username"].as_str()), ("jane", "jane"));
    assert_eq!(auth.alias.as_ref().unwrap().name, "jane");
    assert!(auth.renewable && auth.ttl.as_secs() == 3600);
    for (path, data, text) in [
        ("login/jane", json!({"password": "q"}), "invalid username or password"),
        ("login/nobody", json!({"password": "p"}), "invalid username or password"),
        ("login/jane", json!({"password": "p".repeat(100)}), "invalid username or password"),
        ("login/jane", json!({}), "missing password"),
        ("login/a..%2fb/c", json!({"password": "p"}), "unsupported path"),
    ] {
        assert_eq!(server.login(path, data).err().unwrap(), text);
    }
    server.write("users/jane/password", json!({"password": "new"})).unwrap();
    assert!(server.login("login/jane", json!({"password": "p"})).is_err());
    server.login("login/jane", json!({"password": "new"})).unwrap();
    server.write("users/jane", json!({"bound_cidrs": "10.0.0.0/8"})).unwrap();
    assert_eq!(server.login("login/jane", json!({"password": "new"})).err().unwrap(), "permission denied");
}

#[test]
fn a_login_is_renewed_while_the_user_and_the_policies_are_the_same() {
    let server = server();
    let auth = server.login("login/jane", json!({"password": "p"})).unwrap();
    server.write("users/jane", json!({"token_ttl": 60})).unwrap();
    assert_eq!(server.renew(&auth).unwrap().ttl.as_secs(), 60);
    server.write("users/jane/policies", json!({"token_policies": "A"})).unwrap();
    assert_eq!(server.renew(&auth).err().unwrap(), "policies have changed, not renewing");
    server.data(Operation::Delete, "users/jane", json!({})).unwrap();
    assert!(server.renew(&auth).is_err());
}

#[test]
fn what_is_no_password_is_refused() {
    let server = server();
    for (path, data, text) in [
        ("users/x", json!({"policies": "a"}), "must provide either password or password_hash"),
        ("users/x", json!({"password": "a", "password_hash": "b"}), "only one of password"),
        ("users/x", json!({"password_hash": "b"}), "password_hash is not a valid bcrypt hash"),
        ("users/x", json!({"password_hash": NOBODY.replace("$10$", "$04$")}), "too low"),
        ("users/x", json!({"password_hash": NOBODY.replace("$10$", "$13$")}), "exceeds maximum cost"),
        ("users/x", json!({"password": "a".repeat(73)}), "bcrypt: password length exceeds 72 bytes"),
        ("users/x/password", json!({"password_hash": NOBODY}), "username does not exist"),
        ("users/jane/password", json!({}), "must provide either"),
        ("users/-x", json!({"password": "a"}), "unsupported path"),
    ] {
        let error = server.write(path, data).unwrap_err();
        assert!(error.contains(text), "{path}: {error}");
    }
    let read = server.read("users/jane").unwrap().to_string();
    assert!(!read.contains("$2"), "{read}");
}

struct Counting(AtomicUsize);

impl Workers for Counting {
    fn run(&self, job: Job) -> Pending<'_, ()> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Inline.run(job)
    }
}

/// An unknown user must cost the same hash as a known one.
#[test]
fn cve_2025_6011_unknown_users_take_as_long() {
    let counting = Arc::new(Counting(AtomicUsize::new(0)));
    let server = Server::new(UserPass::new(Arc::<Counting>::clone(&counting)));
    assert!(server.login("login/nobody", json!({"password": "p"})).is_err());
    assert_eq!(counting.0.load(Ordering::Relaxed), 1);
    // The hash that is compared with is a whole one, of the cost of ours.
    assert_eq!(NOBODY.parse::<bcrypt::HashParts>().unwrap().get_cost(), COST);
    assert!(!bcrypt::verify("", NOBODY).unwrap() && !bcrypt::verify("p", NOBODY).unwrap());
}

/// Names that differ in their letters' size are one user to lockout.
#[test]
fn cve_2025_6004_lockout_knows_a_user_by_any_spelling() {
    let server = server();
    for path in ["login/jane", "login/JANE", "login/Jane/"] {
        let request = server.request(Operation::Update, path, json!({"password": "x"}));
        assert_eq!(server.backend.login_alias(&request).as_deref(), Some("jane"));
    }
}
