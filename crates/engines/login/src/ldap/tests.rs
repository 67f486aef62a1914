use super::*;
use crate::testing::Server;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// A directory with one user, that records what it is asked.
#[derive(Default)]
struct Fake {
    asked: Arc<Mutex<Vec<String>>>,
    groups: Arc<Mutex<Vec<DirectoryEntry>>>,
}

struct FakeSession {
    asked: Arc<Mutex<Vec<String>>>,
    groups: Arc<Mutex<Vec<DirectoryEntry>>>,
}

impl Directory for Fake {
    fn connect<'a>(&'a self, _server: &'a DirectoryServer) -> Asking<'a, Box<dyn DirectorySession>> {
        let session = FakeSession { asked: Arc::clone(&self.asked), groups: Arc::clone(&self.groups) };
        self.asked.lock().unwrap().push("connect".to_owned());
        Box::pin(async { Ok(Box::new(session) as Box<dyn DirectorySession>) })
    }
}

fn entry(dn: &str, attributes: &[(&str, &str)]) -> DirectoryEntry {
    let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), vec![value.as_bytes().to_vec()]));
    DirectoryEntry { dn: dn.to_owned(), attributes: attributes.collect::<BTreeMap<_, _>>() }
}

impl DirectorySession for FakeSession {
    fn bind<'a>(&'a mut self, dn: &'a str, password: &'a str) -> Asking<'a, ()> {
        self.asked.lock().unwrap().push(format!("bind {dn}"));
        let known = [("uid=jane,ou=people", "secret"), ("cn=service", "service"), ("jane@corp", "secret")];
        let result = match password.is_empty() || known.contains(&(dn, password)) {
            true => Ok(()),
            false => Err(DirectoryError::Credentials),
        };
        Box::pin(async { result })
    }

    fn search<'a>(&'a mut self, search: &'a DirectorySearch) -> Asking<'a, Vec<DirectoryEntry>> {
        self.asked.lock().unwrap().push(format!("search {} {}", search.base, search.filter));
        let jane = || vec![entry("uid=jane,ou=people", &[("uid", "Jane.Doe")])];
        let found = match (search.base.as_str(), search.filter.as_str()) {
            ("ou=people", "(uid=jane)" | "(userPrincipalName=jane@corp)") => jane(),
            ("ou=people", "(uid=twice)") => [jane(), jane()].concat(),
            ("ou=groups", _) => self.groups.lock().unwrap().clone(),
            _ => Vec::new(),
        };
        Box::pin(async { Ok(found) })
    }
}

struct Setting {
    server: Server<Ldap>,
    asked: Arc<Mutex<Vec<String>>>,
    groups: Arc<Mutex<Vec<DirectoryEntry>>>,
}

fn setting(config: Value) -> Setting {
    let fake = Fake::default();
    let (asked, groups) = (Arc::clone(&fake.asked), Arc::clone(&fake.groups));
    groups.lock().unwrap().push(entry("cn=Dev,ou=groups", &[("cn", "Dev")]));
    let server = Server::new(Ldap::new(Arc::new(fake)));
    let mut all = json!({"userdn": "ou=people", "userattr": "UID", "groupdn": "ou=groups", "token_policies": "base"});
    all.as_object_mut().unwrap().extend(config.as_object().unwrap().clone());
    server.write("config", all).unwrap();
    Setting { server, asked, groups }
}

impl Setting {
    fn login(&self, name: &str, password: &str) -> Result<Auth, String> {
        self.asked.lock().unwrap().clear();
        self.server.login(&format!("login/{name}"), json!({"password": password}))
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

#[test]
fn the_directory_decides_and_tells_the_groups() {
    let setting = setting(json!({}));
    setting.server.write("groups/Dev", json!({"policies": "Deploy"})).unwrap();
    setting.server.write("groups/local", json!({"policies": "own"})).unwrap();
    setting.server.write("users/Jane", json!({"policies": "personal", "groups": "Local"})).unwrap();
    let auth = setting.login("Jane", "secret").unwrap();
    assert_eq!(auth.policies, ["base", "deploy", "own", "personal"]);
    assert_eq!(auth.group_aliases.iter().map(|group| group.name.as_str()).collect::<Vec<_>>(), ["Dev", "local"]);
    assert_eq!((auth.display_name.as_str(), auth.metadata["username"].as_str()), ("jane", "jane"));
    let alias = auth.alias.clone().unwrap();
    assert_eq!((alias.name.as_str(), alias.metadata["name"].as_str()), ("uid=jane,ou=people", "jane"));
    let filter = "(|(memberUid=jane)(member=uid=jane,ou=people)(uniqueMember=uid=jane,ou=people))";
    assert_eq!(setting.asked(), ["connect", "bind uid=jane,ou=people", &format!("search ou=groups {filter}")]);
    assert_eq!(setting.login("jane", "wrong").err().unwrap(), "ldap operation failed: failed to bind as user");
    // What changes is noticed when it is renewed.
    setting.server.renew(&auth).unwrap();
    setting.groups.lock().unwrap().clear();
    assert_eq!(setting.server.renew(&auth).err().unwrap(), "policies have changed, not renewing");
    let request = json!({"password": "secret"});
    let response = setting.server.ask(Operation::Update, "login/jane", request).ok().unwrap();
    assert!(response.warnings[0].starts_with("no LDAP groups found in groupDN \"ou=groups\""));
}

#[test]
fn a_user_is_searched_for_by_an_account_of_the_mount() {
    let account = json!({"binddn": "cn=service", "bindpass": "service"});
    let setting = setting(account);
    let auth = setting.login("jane", "secret").unwrap();
    assert_eq!(auth.alias.unwrap().name, "Jane.Doe");
    assert_eq!(
        setting.asked()[..5],
        ["connect", "bind cn=service", "search ou=people (uid=jane)", "bind uid=jane,ou=people", "bind cn=service"]
    );
    for name in ["nobody", "twice"] {
        assert_eq!(setting.login(name, "secret").err().unwrap(), "ldap operation failed: failed to bind as user");
        assert_eq!(setting.asked().len(), 3, "no bind as {name}");
    }
    setting.server.write("config", json!({"username_as_alias": true, "anonymous_group_search": true})).unwrap();
    assert_eq!(setting.login("jane", "secret").unwrap().alias.unwrap().name, "jane");
    let asked = setting.asked();
    assert_eq!(asked[asked.len() - 2], "connect");
    assert!(!setting.server.read("config").unwrap().to_string().contains("\"service\""));
}

#[test]
fn a_principal_name_binds_and_is_searched_for() {
    let setting = setting(json!({"upndomain": "corp"}));
    assert_eq!(setting.login("jane", "secret").unwrap().alias.unwrap().name, "jane@corp");
    let asked = setting.asked();
    assert_eq!(asked[1..3], ["bind jane@corp", "search ou=people (userPrincipalName=jane@corp)"]);
    assert!(asked[3].contains("(member=uid=jane,ou=people)"));
}

/// The class of CVE-2026-39946: a name is a value in a filter and in a distinguished name, and nothing more.
#[test]
fn injection_by_a_users_name_finds_nobody() {
    let plain = setting(json!({}));
    for (name, bound) in [
        ("jane,ou=people", "bind uid=jane\\,ou\\=people,ou=people"),
        ("*", "bind uid=*,ou=people"),
        ("a)(uid=jane", "bind uid=a)(uid\\=jane,ou=people"),
    ] {
        assert!(plain.login(name, "secret").is_err());
        assert_eq!(plain.asked()[1], bound);
    }
    let searching = setting(json!({"binddn": "cn=service", "bindpass": "service"}));
    for (name, filter) in [
        ("*", "(uid=\\2a)"),
        ("jane)(|(uid=*)", "(uid=jane\\29\\28|\\28uid=\\2a\\29)"),
        ("{{.UserAttr}}", "(uid={{.userattr}})"),
    ] {
        assert!(searching.login(name, "secret").is_err());
        assert_eq!(searching.asked()[2], format!("search ou=people {filter}"));
    }
}

/// RFC 4513, section 5.1.2: a directory says yes to a name without a password.
#[test]
fn an_empty_password_proves_nothing() {
    let setting = setting(json!({}));
    let error = setting.login("jane", "").err().unwrap();
    assert_eq!(error, "password cannot be of zero length when passwordless binds are being denied");
    assert!(setting.asked().is_empty());
    setting.server.write("config", json!({"deny_null_bind": false})).unwrap();
    assert!(setting.login("jane", "").is_ok());
}

/// Directories pass over spaces and the size of letters, so they must not make another user of lockout or identity.
#[test]
fn cve_2025_6004_and_6013_a_user_has_one_name() {
    let setting = setting(json!({}));
    for name in ["jane", " JANE ", "Jane"] {
        let auth = setting.login(name, "secret").unwrap();
        assert_eq!((auth.display_name.as_str(), auth.alias.unwrap().name.as_str()), ("jane", "uid=jane,ou=people"));
        let request = setting.server.request(Operation::Update, &format!("login/{name}"), json!({}));
        assert_eq!(setting.server.backend.login_alias(&request).as_deref(), Some("jane"));
    }
    assert_eq!(setting.login(" ", "secret").err().unwrap(), "missing username");
    setting.server.write("config", json!({"case_sensitive_names": true})).unwrap();
    assert!(setting.login("JANE", "secret").is_err());
}

#[test]
fn users_and_groups_have_any_name_that_may_stand_in_a_path() {
    let setting = setting(json!({}));
    let server = &setting.server;
    server.write("groups/CN=Dev Ops,OU=a/b", json!({"policies": ["Z", "a"]})).unwrap();
    server.write("groups/x", json!({})).unwrap();
    assert_eq!(server.read("groups/cn=dev ops,ou=a/b").unwrap(), json!({"policies": ["a", "z"]}));
    let listed = server.data(Operation::List, "groups/", json!({})).unwrap();
    assert_eq!(listed, json!({"keys": ["cn=dev ops,ou=a/b", "x"]}));
    server.write("users/jane", json!({"groups": "B, a,b"})).unwrap();
    assert_eq!(server.read("users/jane").unwrap(), json!({"policies": [], "groups": "a,b"}));
    for name in ["users/..", "users/a//b", "users/a/../b", "users/a\0b", "groups/."] {
        assert_eq!(server.write(name, json!({})).unwrap_err(), "unsupported path", "{name}");
    }
    server.data(Operation::Delete, "users/jane", json!({})).unwrap();
    assert_eq!(server.read("users/jane").unwrap_err(), "not found");
}

#[test]
fn configurations_keep_what_is_not_given_and_refuse_nonsense() {
    let setting = setting(json!({"url": "LDAP://A,ldap://b", "token_ttl": 60, "token_bound_cidrs": ["10.0.0.0"]}));
    let server = &setting.server;
    server.write("config", json!({"starttls": true, "request_timeout": "2m"})).unwrap();
    let shown = server.read("config").unwrap();
    for (name, value) in [
        ("url", json!("ldap://a,ldap://b")),
        ("userattr", json!("uid")),
        ("starttls", json!(true)),
        ("request_timeout", json!(120)),
        ("connection_timeout", json!(30)),
        ("tls_min_version", json!("tls12")),
        ("deny_null_bind", json!(true)),
        ("case_sensitive_names", json!(false)),
        ("token_bound_cidrs", json!(["10.0.0.0"])),
        ("token_ttl", json!(60)),
    ] {
        assert_eq!(shown[name], value, "{name}");
    }
    assert!(shown.get("bindpass").is_none() && shown.get("client_tls_key").is_none());
    for (data, text) in [
        (json!({"tls_min_version": "cats"}), "invalid 'tls_min_version'"),
        (json!({"tls_min_version": "tls13"}), "'tls_max_version' must be greater than or equal to 'tls_min_version'"),
        (json!({"client_tls_cert": "x"}), "both client_tls_cert and client_tls_key must be set"),
        (json!({"client_tls_key": "x"}), "both client_tls_cert and client_tls_key must be set"),
        (json!({"client_tls_cert": "x", "client_tls_key": "y"}), "failed to parse client X509 key pair"),
        (json!({"certificate": "x"}), "failed to parse server tls cert"),
        (json!({"userfilter": "({{.UserAttr}"}), "invalid userfilter"),
        (json!({"dereference_aliases": "x"}), "invalid 'dereference_aliases'"),
    ] {
        let error = server.write("config", data).unwrap_err();
        assert!(error.contains(text), "{error}");
    }
    let warned = server.ask(Operation::Update, "config", json!({"userfilter": "(mail={{.Username}})"}));
    assert_eq!(warned.ok().unwrap().warnings.len(), 1);
    assert_eq!(setting.login("jane", "secret").err().unwrap(), "permission denied");
}
