use super::*;
use crate::testing::{Asked, Issuer, Server, World, now};
use serde_json::json;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

const NOW: i64 = 1_800_000_000;
const ISSUER: &str = "https://issuer.example";
const REDIRECT: &str = "https://vault.example/ui/vault/auth/oidc/oidc/callback";

fn nobody() -> Arc<World> {
    World::new(|asked: &Asked| panic!("asked {}", asked.url))
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "jane", "aud": ["vault"], "exp": NOW + 60, "iat": NOW - 5,
        "team": "red", "groups": ["dev", "ops"], "deep": {"name": "J"},
    })
}

fn local(issuer: &Issuer, role: Value) -> Server<Jwt> {
    let server = Server::new(Jwt::new(nobody()));
    server.write("config", json!({"jwt_validation_pubkeys": [issuer.pem()], "default_role": "Dev"})).unwrap();
    let mut all = json!({"role_type": "jwt", "user_claim": "sub", "bound_audiences": "vault"});
    all.as_object_mut().unwrap().extend(role.as_object().unwrap().clone());
    server.write("role/Dev", all).unwrap();
    server
}

#[test]
fn a_token_is_a_login() {
    let issuer = Issuer::new();
    let role = json!({
        "policies": "dev", "ttl": 60, "groups_claim": "groups", "claim_mappings": {"/deep/name": "who", "absent": "x"},
        "bound_claims": {"team": ["red", "blue"]},
    });
    let server = local(&issuer, role);
    let auth = server.login("login", json!({"role": "DEV", "jwt": issuer.mint(&claims())})).unwrap();
    assert_eq!((auth.policies.as_slice(), auth.ttl.as_secs()), (["dev".to_owned()].as_slice(), 60));
    assert_eq!(auth.display_name, "jane");
    assert_eq!((auth.metadata["role"].as_str(), auth.metadata["who"].as_str()), ("dev", "J"));
    assert_eq!(auth.alias.as_ref().unwrap().name, "jane");
    assert_eq!(auth.group_aliases.iter().map(|group| group.name.as_str()).collect::<Vec<_>>(), ["dev", "ops"]);
    // The default role.
    server.login("login", json!({"jwt": issuer.mint(&claims())})).unwrap();
    server.write("role/dev", json!({"role_type": "jwt", "token_ttl": 30})).unwrap();
    assert_eq!(server.renew(&auth).unwrap().ttl.as_secs(), 30);
    server.data(Operation::Delete, "role/dev", json!({})).unwrap();
    assert_eq!(server.renew(&auth).err().unwrap(), "role dev does not exist during renewal");
}

#[test]
fn a_claim_that_does_not_hold_is_refused() {
    let issuer = Issuer::new();
    let server = local(&issuer, json!({"bound_subject": "jane", "bound_claims": {"team": "red"}}));
    let config = json!({"jwt_validation_pubkeys": [issuer.pem()], "bound_issuer": ISSUER});
    server.write("config", config).unwrap();
    let login = |name: &str, value: Value| {
        let mut changed = claims();
        match value {
            Value::Null => drop(changed.as_object_mut().unwrap().remove(name)),
            value => changed[name] = value,
        }
        let login = server.login("login", json!({"role": "dev", "jwt": issuer.mint(&changed)}));
        login.err().unwrap_or_default()
    };
    assert_eq!(login("x", json!(1)), "");
    assert_eq!(login("exp", Value::Null), "", "a token without an end is good for a while");
    for (name, value, text) in [
        ("iss", json!("https://other.example"), "invalid issuer (iss) claim"),
        ("sub", json!("joe"), "invalid subject (sub) claim"),
        ("aud", json!("other"), "invalid audience (aud) claim"),
        ("aud", Value::Null, "invalid audience (aud) claim"),
        ("exp", json!(NOW - 61), "token is expired"),
        ("exp", json!("never"), "missing or has the wrong type"),
        ("iat", json!(NOW + 61), "token not yet valid"),
        ("nbf", json!(NOW + 61), "token not yet valid"),
        ("team", json!("blue"), "claim \"team\" does not match any associated bound claim values"),
        ("team", Value::Null, "claim \"team\" is missing"),
    ] {
        let error = login(name, value.clone());
        assert!(error.contains(text), "{name} {value}: {error}");
    }
    let other = Issuer::new().mint(&claims());
    let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", other.split('.').nth(1).unwrap());
    for (token, text) in [
        (other, "error validating token: error verifying token signature"),
        (unsigned, "algorithm \"none\" is not accepted"),
        ("a.b".to_owned(), "malformed token"),
        (String::new(), "missing token"),
    ] {
        let error = server.login("login", json!({"role": "dev", "jwt": token})).err().unwrap();
        assert!(error.contains(text), "{error}");
    }
    assert_eq!(server.login("login", json!({"jwt": "x"})).err().unwrap(), "missing role");
    let error = server.login("login", json!({"role": "x/../y", "jwt": "x"})).err().unwrap();
    assert_eq!(error, "role \"x/../y\" could not be found");
}

/// A token for somebody is not taken by a role that is bound to no audience.
#[test]
fn cve_2024_5798_an_audience_that_is_one_text_counts_too() {
    let issuer = Issuer::new();
    let server = local(&issuer, json!({"bound_audiences": [], "bound_subject": "jane"}));
    for audience in [json!("other"), json!(["other"])] {
        let mut changed = claims();
        changed["aud"] = audience;
        let error = server.login("login", json!({"role": "dev", "jwt": issuer.mint(&changed)})).err().unwrap();
        assert_eq!(error, "audience claim found in JWT but no audiences bound to the role");
    }
}

#[test]
fn algorithms_are_those_configured() {
    let issuer = Issuer::new();
    let server = local(&issuer, json!({}));
    let config = json!({"jwt_validation_pubkeys": [issuer.pem()], "jwt_supported_algs": "ES256"});
    server.write("config", config).unwrap();
    let error = server.login("login", json!({"role": "dev", "jwt": issuer.mint(&claims())})).err().unwrap();
    assert_eq!(error, "error validating token: token signed with unexpected algorithm");
}

#[test]
fn policies_may_be_templates_of_claims() {
    let issuer = Issuer::new();
    let role = json!({"policies": "team-{{.team}},{{if .deep}}deep{{end}}", "token_policies_template_claims": true});
    let server = local(&issuer, role);
    let login = |claims: &Value| server.login("login", json!({"role": "dev", "jwt": issuer.mint(claims)}));
    assert_eq!(login(&claims()).unwrap().policies, ["team-red", "deep"]);
    let mut without = claims();
    without.as_object_mut().unwrap().remove("team");
    assert!(login(&without).err().unwrap().contains("failed to template policy"));
}

#[test]
fn configurations_and_roles_that_make_no_sense_are_refused() {
    let server = local(&Issuer::new(), json!({}));
    let pem = Issuer::new().pem();
    for (path, data, text) in [
        ("config", json!({}), "exactly one of 'jwt_validation_pubkeys'"),
        ("config", json!({"jwt_validation_pubkeys": pem, "jwks_url": "http://x"}), "exactly one of"),
        ("config", json!({"jwt_validation_pubkeys": "x"}), "does not contain any valid public keys"),
        ("config", json!({"jwt_validation_pubkeys": [pem], "jwt_supported_algs": "none"}), "unsupported signing"),
        ("config", json!({"jwt_validation_pubkeys": [pem], "oidc_client_id": "x"}), "must be set for OIDC"),
        ("config", json!({"jwks_url": "file:///etc/passwd"}), "error checking jwks URL"),
        ("role/x", json!({"user_claim": "sub"}), "'allowed_redirect_uris' must be set"),
        ("role/x", json!({"role_type": "jwt", "user_claim": "sub"}), "must have at least one bound constraint"),
        ("role/x", json!({"role_type": "jwt", "bound_subject": "x"}), "a user claim must be defined"),
        ("role/x", json!({"role_type": "x", "user_claim": "sub"}), "invalid 'role_type': x"),
        ("role/x", json!({"user_claim": "s", "claim_mappings": {"a": "role"}}), "is reserved"),
        ("role/x", json!({"user_claim": "s", "claim_mappings": {"a": "b", "c": "b"}}), "multiple keys"),
        (
            "role/x",
            json!({"user_claim": "s", "bound_claims_type": "glob", "bound_claims": {"a": 1}}),
            "not a string: 1",
        ),
    ] {
        let error = server.write(path, data).unwrap_err();
        assert!(error.contains(text), "{path}: {error}");
    }
    let shown = server.read("config").unwrap();
    assert_eq!((&shown["status"], &shown["default_role"]), (&json!("valid"), &json!("dev")));
    assert!(shown.get("oidc_client_secret").is_none());
    let shown = server.read("role/dev").unwrap();
    assert_eq!((&shown["bound_claims"], &shown["bound_audiences"]), (&Value::Null, &json!(["vault"])));
}

#[test]
fn keys_at_an_address_are_kept_and_fetched_again_when_they_change() {
    let first = Issuer::new();
    let served = Arc::new(Mutex::new((200, first.jwks())));
    let answer = Arc::clone(&served);
    let world = World::new(move |_| answer.lock().unwrap().clone());
    let mut server = Server::new(Jwt::new(Arc::<World>::clone(&world)));
    server.write("config", json!({"jwks_url": "https://issuer.example/keys"})).unwrap();
    server.write("role/dev", json!({"role_type": "jwt", "user_claim": "sub", "bound_audiences": "vault"})).unwrap();
    let mut all = claims();
    all["exp"] = json!(NOW + 100_000);
    let login = |server: &Server<Jwt>, issuer: &Issuer| {
        server.login("login", json!({"role": "dev", "jwt": issuer.mint(&all)})).is_ok()
    };
    assert!(login(&server, &first) && login(&server, &first));
    assert_eq!(world.asked.load(Ordering::Relaxed), 2, "once by the configuration, once by logins");
    // An issuer that is down for a while does no harm; keys of long ago are not good.
    *served.lock().unwrap() = (503, json!({}));
    server.time += jiff::SignedDuration::from_secs(3600);
    assert!(login(&server, &first));
    server.time += jiff::SignedDuration::from_secs(86_400 - 3600);
    assert!(!login(&server, &first));
    let second = Issuer::new();
    *served.lock().unwrap() = (200, second.jwks());
    assert!(login(&server, &second));
    assert!(!login(&server, &first));
}

/// A provider that has one code, for one verifier.
fn provider(issuer: Arc<Issuer>, nonce: Arc<Mutex<String>>) -> Arc<World> {
    World::new(move |asked| match asked.url.as_str() {
        "https://issuer.example/.well-known/openid-configuration" => (
            200,
            json!({
                "issuer": ISSUER, "jwks_uri": "https://issuer.example/keys",
                "authorization_endpoint": "https://issuer.example/auth",
                "token_endpoint": "https://issuer.example/token",
                "userinfo_endpoint": "https://issuer.example/me",
            }),
        ),
        "https://issuer.example/keys" => (200, issuer.jwks()),
        "https://issuer.example/token" => {
            assert_eq!(asked.authorization, "Basic Y2xpZW50OnMlMkZlY3JldA==");
            if !asked.body.contains("code=good") || !asked.body.contains("code_verifier=") {
                return (400, json!({"error": "invalid_grant"}));
            }
            let mut all = claims();
            all["aud"] = json!("client");
            all["nonce"] = json!(*nonce.lock().unwrap());
            (200, json!({"id_token": issuer.mint(&all), "access_token": "at"}))
        }
        "https://issuer.example/me" => {
            assert_eq!(asked.authorization, "Bearer at");
            (200, json!({"sub": "jane", "aud": "other", "more": "told"}))
        }
        other => panic!("asked {other}"),
    })
}

struct Flow {
    server: Server<Jwt>,
    nonce: Arc<Mutex<String>>,
}

impl Flow {
    fn new(role: Value) -> Self {
        let nonce = Arc::new(Mutex::new(String::new()));
        let server = Server::new(Jwt::new(provider(Arc::new(Issuer::new()), Arc::clone(&nonce))));
        let config = json!({
            "oidc_discovery_url": ISSUER, "oidc_client_id": "client", "oidc_client_secret": "s/ecret",
            "jwt_supported_algs": "EdDSA",
        });
        server.write("config", config).unwrap();
        let mut all = json!({
            "user_claim": "sub", "allowed_redirect_uris": [REDIRECT, "http://localhost/cb"], "oidc_scopes": "profile",
            "claim_mappings": {"more": "more"},
        });
        all.as_object_mut().unwrap().extend(role.as_object().unwrap().clone());
        server.write("role/dev", all).unwrap();
        Self { server, nonce }
    }

    /// Begins, and gives the query of the address.
    fn begin(&self, data: Value) -> std::collections::HashMap<String, String> {
        let begun = self.server.write("oidc/auth_url", data).unwrap();
        let address = begun["auth_url"].as_str().unwrap();
        assert!(address.starts_with("https://issuer.example/auth?client_id=client&"), "{address}");
        let url = url::Url::parse(address).unwrap();
        let query: std::collections::HashMap<_, _> = url.query_pairs().into_owned().collect();
        self.nonce.lock().unwrap().clone_from(&query["nonce"]);
        query
    }

    fn callback(&self, data: Value) -> Result<Auth, String> {
        let response = self.server.ask(Operation::Read, "oidc/callback", data).map_err(|error| error.to_string())?;
        response.auth.ok_or_else(|| String::from_utf8(response.raw.unwrap().body).unwrap())
    }
}

#[test]
fn a_browser_brings_a_code_that_is_a_login_once() {
    let flow = Flow::new(json!({}));
    let query = flow.begin(json!({"role": "dev", "redirect_uri": REDIRECT, "client_nonce": "cn"}));
    assert_eq!((query["scope"].as_str(), query["code_challenge_method"].as_str()), ("openid profile", "S256"));
    let state = query["state"].clone();
    let auth = flow.callback(json!({"state": state, "code": "good", "client_nonce": "cn"})).unwrap();
    assert_eq!((auth.display_name.as_str(), auth.metadata["more"].as_str()), ("jane", "told"));
    let gone = "Vault login failed. Expired or missing OAuth state.";
    assert_eq!(flow.callback(json!({"state": state, "code": "good", "client_nonce": "cn"})).err().unwrap(), gone);

    for (data, text) in [
        (json!({"code": "bad", "client_nonce": "cn"}), "Error exchanging oidc code"),
        (json!({"code": "good", "client_nonce": "x"}), "invalid client_nonce"),
        (json!({"client_nonce": "cn"}), "No code or id_token received."),
        (json!({"error": "access_denied", "client_nonce": "cn"}), "access_denied"),
        (json!({"error": "<script>", "client_nonce": "cn"}), "An unknown error occurred"),
    ] {
        let state = flow.begin(json!({"role": "dev", "redirect_uri": REDIRECT, "client_nonce": "cn"}))["state"].clone();
        let mut data = data;
        data["state"] = json!(state);
        let error = flow.callback(data.clone()).err().unwrap();
        assert!(error.contains(text), "{error}");
        // A state is used up by what fails too.
        data["code"] = json!("good");
        assert_eq!(flow.callback(data).err().unwrap(), gone);
    }
    let query = flow.begin(json!({"role": "dev", "redirect_uri": REDIRECT}));
    *flow.nonce.lock().unwrap() = "n_of-another-login".to_owned();
    let error = flow.callback(json!({"state": query["state"], "code": "good"})).err().unwrap();
    assert!(error.contains("invalid ID token nonce"), "{error}");
}

#[test]
fn a_browser_is_sent_only_where_the_role_allows() {
    let flow = Flow::new(json!({}));
    for redirect in ["https://evil.example/cb", "http://localhost@evil.example/cb", "http://localhost:8250/other", "x"]
    {
        let begun = flow.server.write("oidc/auth_url", json!({"role": "dev", "redirect_uri": redirect})).unwrap();
        assert_eq!(begun["auth_url"], "", "{redirect}");
    }
    flow.begin(json!({"role": "dev", "redirect_uri": "http://localhost:8250/cb"}));
    let query = flow.begin(json!({"role": "dev", "redirect_uri": format!("{REDIRECT}?namespace=team")}));
    assert_eq!(query["redirect_uri"], REDIRECT);
    let (state, namespace) = query["state"].split_once(",ns=").unwrap();
    assert_eq!(namespace, "team");
    assert!(flow.callback(json!({"state": state, "code": "good"})).is_ok());
}

#[test]
fn a_state_ends_and_is_tidied_away() {
    let mut flow = Flow::new(json!({}));
    let query = flow.begin(json!({"role": "dev", "redirect_uri": REDIRECT}));
    flow.server.time += jiff::SignedDuration::from_secs(601);
    let error = flow.callback(json!({"state": query["state"], "code": "good"})).err().unwrap();
    assert!(error.contains("Expired or missing"));
    now(flow.server.backend.periodic(flow.server.context(), flow.server.time)).unwrap();
    let rows = now(logical::Storage::scan(&flow.server.storage, "", "", 99)).unwrap();
    assert_eq!(rows, ["config", "role/dev"]);
}

#[test]
fn a_direct_login_is_confirmed_by_the_person_and_polled_by_the_client() {
    let flow = Flow::new(json!({"callback_mode": "direct"}));
    let data = json!({"role": "dev", "redirect_uri": REDIRECT});
    assert_eq!(flow.server.write("oidc/auth_url", data).unwrap_err(), "missing client_nonce");
    let query = flow.begin(json!({"role": "dev", "redirect_uri": REDIRECT, "client_nonce": "cn"}));
    let poll = |nonce: &str| flow.server.login("oidc/poll", json!({"state": query["state"], "client_nonce": nonce}));
    assert_eq!(poll("cn").err().unwrap(), "authorization_pending");
    let page = flow.callback(json!({"state": query["state"], "code": "good\"><script>"})).err().unwrap();
    assert!(page.contains("127.0.0.1") && page.contains("good&quot;&gt;&lt;script&gt;") && !page.contains("<script>"));
    let page = flow.callback(json!({"state": query["state"], "code": "good", "confirmation": "yes"})).err().unwrap();
    assert!(page.contains("Signed in"), "{page}");
    assert_eq!(poll("x").err().unwrap(), "invalid client_nonce");
    assert_eq!(poll("cn").unwrap().display_name, "jane");
    assert!(poll("cn").is_err());
}
