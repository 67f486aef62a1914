use super::*;
use crate::testing::{Asked, Issuer, Server, World};
use serde_json::json;
use std::sync::atomic::Ordering;

const NOW: i64 = 1_800_000_000;

fn claims() -> Value {
    json!({
        "iss": "https://cluster.example", "sub": "system:serviceaccount:team:app", "aud": ["vault"],
        "exp": NOW + 600, "iat": NOW, "kubernetes.io": {"namespace": "team", "serviceaccount": {"name": "app", "uid": "u-1"}},
    })
}

fn cluster(asked: &Asked) -> (u16, Value) {
    match asked.url.as_str() {
        "https://cluster.example/apis/authentication.k8s.io/v1/tokenreviews" => {
            assert_eq!(asked.authorization, "Bearer reviewer");
            let body: Value = serde_json::from_str(&asked.body).unwrap();
            assert_eq!(body["spec"]["audiences"], json!(["vault"]));
            let user = json!({"username": "system:serviceaccount:team:app", "uid": "u-1"});
            (201, json!({"status": {"authenticated": true, "user": user, "audiences": ["vault"]}}))
        }
        "https://cluster.example/api/v1/namespaces/team" => {
            (200, json!({"metadata": {"labels": {"env": "prod", "x": "y"}}}))
        }
        other => panic!("asked {other}"),
    }
}

fn server(world: Arc<World>, role: Value) -> Server<Kubernetes> {
    let server = Server::new(Kubernetes::new(world, Arc::new(NoPod)));
    let config = json!({"kubernetes_host": "https://cluster.example/", "token_reviewer_jwt": "reviewer"});
    server.write("config", config).unwrap();
    let mut all =
        json!({"bound_service_account_names": "app", "bound_service_account_namespaces": "team", "policies": "p"});
    all.as_object_mut().unwrap().extend(role.as_object().unwrap().clone());
    server.write("role/App", all).unwrap();
    server
}

#[test]
fn a_token_that_the_cluster_vouches_for_is_a_login() {
    let issuer = Issuer::new();
    let server = server(World::new(cluster), json!({"audience": "vault"}));
    let login = || server.login("login", json!({"role": "app", "jwt": issuer.mint(&claims())}));
    let auth = login().unwrap();
    assert_eq!(auth.alias.as_ref().unwrap().name, "u-1");
    assert_eq!(auth.display_name, "team-app");
    assert_eq!(auth.policies, ["p"]);
    for (name, value) in [
        ("role", "app"),
        ("service_account_name", "app"),
        ("service_account_namespace", "team"),
        ("service_account_uid", "u-1"),
        ("service_account_secret_name", ""),
    ] {
        assert_eq!(auth.metadata[name], value);
    }
    server.write("role/app", json!({"alias_name_source": "serviceaccount_name"})).unwrap();
    assert_eq!(login().unwrap().alias.unwrap().name, "team/app");
    server.renew(&auth).unwrap();
    server.data(Operation::Delete, "role/app", json!({})).unwrap();
    assert!(server.renew(&auth).is_err());
    assert_eq!(login().err().unwrap(), "invalid role name \"app\"");
}

#[test]
fn a_token_that_the_cluster_knows_otherwise_is_refused() {
    let issuer = Issuer::new();
    let review = |status: Value| {
        let world = World::new(move |_| (201, json!({"status": status})));
        let server = server(world, json!({}));
        server.login("login", json!({"role": "app", "jwt": issuer.mint(&claims())})).map(drop)
    };
    let user = |name: &str, uid: &str| json!({"username": format!("system:serviceaccount:{name}"), "uid": uid});
    let status = |user: Value| json!({"authenticated": true, "user": user, "audiences": ["vault"]});
    assert_eq!(review(status(user("team:app", "u-1"))), Ok(()));
    for status in [
        status(user("team:app", "u-2")),
        status(user("team:other", "u-1")),
        status(user("other:app", "u-1")),
        status(json!({"username": "admin", "uid": "u-1"})),
        json!({"authenticated": false}),
        json!({"authenticated": true, "error": "x", "user": user("team:app", "u-1"), "audiences": ["vault"]}),
        json!({"authenticated": true, "user": user("team:app", "u-1"), "audiences": ["other"]}),
    ] {
        assert_eq!(review(status.clone()), Err("permission denied".to_owned()), "{status}");
    }
    let server = server(World::new(|_| (401, json!({}))), json!({}));
    let login = server.login("login", json!({"role": "app", "jwt": issuer.mint(&claims())}));
    assert_eq!(login.err().unwrap(), "permission denied");
}

#[test]
fn only_bound_accounts_and_namespaces_log_in() {
    let issuer = Issuer::new();
    let check = |role: Value| {
        let server = server(World::new(cluster), role);
        server.login("login", json!({"role": "app", "jwt": issuer.mint(&claims())})).err().unwrap_or_default()
    };
    let selector =
        |text: &str| json!({"bound_service_account_namespaces": [], "bound_service_account_namespace_selector": text});
    for role in [
        json!({"bound_service_account_names": "*", "bound_service_account_namespaces": "*"}),
        json!({"bound_service_account_names": "a*", "bound_service_account_namespaces": "x,te*"}),
        selector("{\"matchLabels\": {\"env\": \"prod\"}}"),
        selector("matchLabels:\n  env: prod\n"),
    ] {
        assert_eq!(check(role.clone()), "", "{role}");
    }
    for (role, text) in [
        (json!({"bound_service_account_names": "ap"}), "service account name not authorized"),
        (json!({"bound_service_account_namespaces": "tea"}), "namespace not authorized"),
        (selector("{\"matchLabels\": {\"env\": \"dev\"}}"), "namespace not authorized"),
        (json!({"audience": "other"}), "audience claim does not match"),
        (json!({"token_bound_cidrs": "10.0.0.0/8"}), "permission denied"),
    ] {
        let error = check(role.clone());
        assert!(error.contains(text), "{role}: {error}");
    }
}

/// The namespace becomes part of a path that is asked with the reviewer's token.
#[test]
fn a_namespace_that_is_a_path_is_refused_before_the_cluster_is_asked() {
    let issuer = Issuer::new();
    let world = World::new(|asked: &Asked| panic!("asked {}", asked.url));
    let server = server(world, json!({"bound_service_account_namespaces": "*"}));
    for namespace in ["", "../nodes", "a/b", "a?b", ".."] {
        let mut changed = claims();
        changed["kubernetes.io"]["namespace"] = json!(namespace);
        let login = server.login("login", json!({"role": "app", "jwt": issuer.mint(&changed)}));
        assert_eq!(login.err().unwrap(), "service account namespace and name must be set", "{namespace}");
    }
}

#[test]
fn with_the_clusters_keys_it_is_not_asked() {
    let issuer = Issuer::new();
    let jwks = issuer.jwks();
    let world = World::new(move |asked| {
        assert_eq!(asked.url, "https://far.example/openid/v1/jwks");
        (200, jwks.clone())
    });
    let server = server(Arc::<World>::clone(&world), json!({"audience": "vault"}));
    let config = json!({
        "kubernetes_host": "https://far.example", "jwks_url": "https://far.example/openid/v1/jwks",
        "issuer": "https://cluster.example",
    });
    server.write("config", config).unwrap();
    let login = |issuer: &Issuer, change: &dyn Fn(&mut Value)| {
        let mut changed = claims();
        change(&mut changed);
        server.login("login", json!({"role": "app", "jwt": issuer.mint(&changed)})).err().unwrap_or_default()
    };
    for _ in 0..3 {
        assert_eq!(login(&issuer, &|_| {}), "");
    }
    assert_eq!(world.asked.load(Ordering::Relaxed), 1);
    assert_eq!(login(&Issuer::new(), &|_| {}), "permission denied");
    assert!(login(&issuer, &|claims| claims["iss"] = json!("x")).contains("invalid issuer"));
    assert!(login(&issuer, &|claims| claims["exp"] = json!(NOW - 61)).contains("token is expired"));
    assert_eq!(login(&issuer, &|claims| drop(claims.as_object_mut().unwrap().remove("exp"))), "permission denied");
    assert_eq!(login(&issuer, &|claims| claims["sub"] = json!("system:serviceaccount:team:x")), "permission denied");
}

#[test]
fn configurations_and_roles_that_make_no_sense_are_refused() {
    let server = server(World::new(cluster), json!({}));
    for (path, data, text) in [
        ("config", json!({}), "no host provided"),
        (
            "config",
            json!({"kubernetes_host": "h", "disable_local_ca_jwt": true}),
            "kubernetes_ca_cert must be given when disable_local_ca_jwt is true",
        ),
        ("config", json!({"kubernetes_host": "h", "pem_keys": "x"}), "data does not contain any valid public keys"),
        ("role/x", json!({}), "\"bound_service_account_names\" can not be empty"),
        (
            "role/x",
            json!({"bound_service_account_names": "a"}),
            "\"bound_service_account_namespaces\" can not be empty",
        ),
        ("role/app", json!({"bound_service_account_names": "a,*"}), "can not mix \"*\" with values"),
        ("role/app", json!({"alias_name_source": "x"}), "invalid alias_name_source"),
        (
            "role/app",
            json!({"bound_service_account_namespace_selector": "{\"matchExpressions\": []}"}),
            "invalid \"bound_service_account_namespace_selector\" configured",
        ),
        ("login", json!({"jwt": "x"}), "missing role"),
        ("login", json!({"role": "app"}), "missing jwt"),
    ] {
        assert!(server.write(path, data).unwrap_err().contains(text), "{path} {text}");
    }
    let shown = server.read("config").unwrap();
    assert_eq!(shown["token_reviewer_jwt_set"], true);
    assert!(!shown.to_string().contains("\"reviewer\""));
}
