use crate::mount::{Mount, openssl, text};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use certificates::{AltName, CertificateRequest, KeyType, PrivateKey, Subject, Template, extension};
use logical::{Operation, Response};
use pki::{Answer, NetworkError, Pki, Validation};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tempfile::tempdir;

/// What clients show, by host and path, by name, and by server name.
#[derive(Default)]
pub(crate) struct Shown(pub(crate) Mutex<BTreeMap<String, Vec<u8>>>);

impl Shown {
    fn look<'a>(&self, name: String) -> Answer<'a, Vec<u8>> {
        let found = self.0.lock().unwrap().get(&name).cloned();
        Box::pin(async move { found.ok_or_else(|| NetworkError::Connection(format!("nobody is at {name}"))) })
    }
}

impl Validation for Shown {
    fn http<'a>(&'a self, host: &'a str, path: &'a str, _: Option<SocketAddr>) -> Answer<'a, Vec<u8>> {
        self.look(format!("{host}{path}"))
    }

    fn txt<'a>(&'a self, name: &'a str, _: Option<SocketAddr>) -> Answer<'a, Vec<Vec<u8>>> {
        let found = self.look(name.to_owned());
        Box::pin(async move { found.await.map(|record| vec![record]) })
    }

    fn tls_alpn<'a>(&'a self, _: &'a str, server_name: &'a str, _: Option<SocketAddr>) -> Answer<'a, Vec<u8>> {
        self.look(format!("tls:{server_name}"))
    }
}

const BASE: &str = "https://vault.example.com/v1/pki/";

struct Client<'a> {
    mount: &'a Mount,
    shown: Arc<Shown>,
    key: PrivateKey,
    directory: &'static str,
    account: RefCell<Option<String>>,
    nonce: RefCell<Option<String>>,
}

fn setup() -> (Mount, Arc<Shown>) {
    let shown = Arc::new(Shown::default());
    let mut mount = Mount::new();
    mount.engine = Pki::with_network(shown.clone());
    mount.write("root/generate/internal", json!({"common_name": "Root", "key_type": "ec", "ttl": "87600h"}));
    mount.write(
        "roles/web",
        json!({"allowed_domains": "example.com", "allow_subdomains": true, "key_type": "ec", "max_ttl": "24h"}),
    );
    mount.write("config/cluster", json!({"path": BASE.trim_end_matches('/')}));
    mount.write("config/acme", json!({"enabled": true}));
    (mount, shown)
}

fn encode(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

fn named<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str()).unwrap_or_default()
}

fn body(response: &Response) -> Value {
    serde_json::from_slice(&response.raw.as_ref().unwrap().body).unwrap_or_default()
}

impl<'a> Client<'a> {
    fn new(mount: &'a Mount, shown: &Arc<Shown>, directory: &'static str) -> Self {
        let key = PrivateKey::generate(KeyType::Ec, 256).unwrap();
        Self { mount, shown: shown.clone(), key, directory, account: RefCell::default(), nonce: RefCell::default() }
    }

    fn jwk(&self) -> Value {
        let point = self.key.public().raw();
        json!({"crv": "P-256", "kty": "EC", "x": encode(&point[1..33]), "y": encode(&point[33..])})
    }

    fn thumbprint(&self) -> String {
        encode(digest(&SHA256, self.jwk().to_string().as_bytes()).as_ref())
    }

    fn signature(&self, message: &str) -> String {
        let der = self.key.sign(self.key.algorithm(0, false), message.as_bytes()).unwrap();
        let mut reader = asn1::Reader::only(&der, asn1::SEQUENCE).unwrap();
        let mut fixed = Vec::new();
        for _ in 0..2 {
            let number = reader.element(asn1::INTEGER).unwrap().content;
            let number = number.strip_prefix(&[0]).unwrap_or(number);
            fixed.extend(vec![0; 32 - number.len()]);
            fixed.extend_from_slice(number);
        }
        encode(&fixed)
    }

    fn envelope(&self, url: &str, payload: Option<&Value>, nonce: &str) -> Value {
        let mut header = json!({"alg": "ES256", "nonce": nonce, "url": url});
        match &*self.account.borrow() {
            Some(account) => header["kid"] = json!(account),
            None => header["jwk"] = self.jwk(),
        }
        let protected = encode(header.to_string().as_bytes());
        let payload = payload.map(|payload| encode(payload.to_string().as_bytes())).unwrap_or_default();
        let signature = self.signature(&format!("{protected}.{payload}"));
        json!({"protected": protected, "payload": payload, "signature": signature})
    }

    fn fresh_nonce(&self) -> String {
        let response = self.mount.ask(Operation::Read, &format!("{}/new-nonce", self.directory), Value::Null).unwrap();
        named(&response, "Replay-Nonce").to_owned()
    }

    fn send(&self, path: &str, envelope: Value) -> Response {
        let response = self.mount.ask(Operation::Update, path, envelope).unwrap();
        *self.nonce.borrow_mut() = Some(named(&response, "Replay-Nonce").to_owned());
        response
    }

    fn post(&self, url: &str, payload: Option<Value>) -> Response {
        let nonce = self.nonce.borrow_mut().take().unwrap_or_else(|| self.fresh_nonce());
        self.send(url.strip_prefix(BASE).unwrap(), self.envelope(url, payload.as_ref(), &nonce))
    }

    fn url(&self, path: &str) -> String {
        format!("{BASE}{}/{path}", self.directory)
    }

    fn join(&self, payload: Value) -> Response {
        let response = self.post(&self.url("new-account"), Some(payload));
        if matches!(response.raw.as_ref().unwrap().status, 200 | 201) {
            *self.account.borrow_mut() = Some(named(&response, "Location").to_owned());
        }
        response
    }

    /// Shows what a challenge asks for.
    fn show(&self, name: &str, challenge: &Value) {
        let token = text(challenge, "token");
        let proof = format!("{token}.{}", self.thumbprint());
        let hash = digest(&SHA256, proof.as_bytes());
        let mut shown = self.shown.0.lock().unwrap();
        match text(challenge, "type") {
            "http-01" => {
                shown.insert(format!("{name}/.well-known/acme-challenge/{token}"), format!("{proof}\n").into_bytes())
            }
            "dns-01" => shown.insert(format!("_acme-challenge.{name}"), encode(hash.as_ref()).into_bytes()),
            _ => {
                let mut extensions =
                    vec![extension::alternative_names(&[AltName::Dns(name.to_owned())], false).unwrap()];
                let value = asn1::tlv(asn1::OCTET_STRING, hash.as_ref());
                extensions.push(certificates::Extension { id: "1.3.6.1.5.5.7.1.31".to_owned(), critical: true, value });
                let now = self.mount.now;
                let subject = Subject::default().to_der();
                let spki = self.key.public().spki().to_vec();
                let template = Template {
                    serial: vec![1],
                    subject: subject.clone(),
                    spki,
                    not_before: now,
                    not_after: now,
                    extensions,
                };
                shown.insert(
                    format!("tls:{name}"),
                    template.sign(&subject, &self.key, self.key.algorithm(0, false)).unwrap(),
                )
            }
        };
    }

    /// An order whose names were shown by a kind of challenge.
    fn ready_order(&self, names: &[&str], kind: &str) -> Value {
        let identifiers: Vec<Value> = names.iter().map(|name| json!({"type": "dns", "value": name})).collect();
        let made = self.post(&self.url("new-order"), Some(json!({"identifiers": identifiers})));
        assert_eq!(made.raw.as_ref().unwrap().status, 201, "{}", body(&made));
        let order = body(&made);
        for url in order["authorizations"].as_array().unwrap() {
            let authorization = body(&self.post(url.as_str().unwrap(), None));
            let challenges = authorization["challenges"].as_array().unwrap();
            let challenge = challenges.iter().find(|challenge| challenge["type"] == kind).unwrap();
            self.show(text(&authorization["identifier"], "value"), challenge);
            let checked = body(&self.post(text(challenge, "url"), Some(json!({}))));
            assert_eq!(checked["status"], "valid", "{checked}");
        }
        let shown = body(&self.post(named(&made, "Location"), None));
        assert_eq!(shown["status"], "ready");
        shown
    }

    fn finalize(&self, order: &Value, names: &[&str], key: &PrivateKey) -> Response {
        let subject = Subject { common_name: names[0].to_owned(), ..Subject::default() };
        let names: Vec<AltName> = names.iter().map(|name| AltName::Dns((*name).to_owned())).collect();
        let extensions = [extension::alternative_names(&names, false).unwrap()];
        let csr = CertificateRequest::make(&subject.to_der(), &extensions, key, key.algorithm(0, false)).unwrap();
        self.post(text(order, "finalize"), Some(json!({"csr": encode(&csr)})))
    }
}

#[test]
fn a_client_that_shows_its_names_gets_a_certificate_and_revokes_it() {
    let (mount, shown) = setup();
    let cases = [
        ("acme", "http-01", vec!["a.example.com", "b.example.com"]),
        ("roles/web/acme", "dns-01", vec!["*.example.com"]),
        ("issuer/default/roles/web/acme", "tls-alpn-01", vec!["t.example.com"]),
    ];
    for (directory, kind, names) in cases {
        let client = Client::new(&mount, &shown, directory);
        let listed = mount.ask(Operation::Read, &format!("{directory}/directory"), Value::Null).unwrap();
        assert_eq!(body(&listed)["newOrder"], client.url("new-order"));
        assert_eq!(
            client.join(json!({"contact": ["mailto:a@example.com"], "termsOfServiceAgreed": true})).raw.unwrap().status,
            201
        );
        let order = client.ready_order(&names, kind);
        let key = PrivateKey::generate(KeyType::Ec, 256).unwrap();
        let done = client.finalize(&order, &names, &key);
        assert_eq!(body(&done)["status"], "valid", "{}", body(&done));
        let chain = client.post(text(&body(&done), "certificate"), None).raw.unwrap();
        assert_eq!(chain.content_type, "application/pem-certificate-chain");
        let folder = tempdir().unwrap();
        fs::write(folder.path().join("chain.pem"), &chain.body).unwrap();
        fs::write(folder.path().join("root.pem"), mount.raw("ca/pem")).unwrap();
        if let Some((fine, said)) = openssl(
            folder.path(),
            &[
                "verify",
                "-CAfile",
                "root.pem",
                "-purpose",
                "sslserver",
                "-verify_hostname",
                &names[0].replace('*', "x"),
                "chain.pem",
            ],
        ) {
            assert!(fine, "{said}");
        }
        let der = certificates::pem::certificates(&chain.body).unwrap().remove(0);
        let other = Client::new(&mount, &shown, directory);
        other.join(json!({}));
        let revoke = |client: &Client<'_>| {
            client.post(&client.url("revoke-cert"), Some(json!({"certificate": encode(&der), "reason": 1})))
        };
        assert_eq!(revoke(&other).raw.unwrap().status, 401);
        assert_eq!(revoke(&client).raw.unwrap().status, 200);
        assert_eq!(text(&body(&revoke(&client)), "type"), "urn:ietf:params:acme:error:alreadyRevoked");
    }
}

#[test]
fn what_is_not_shown_or_not_asked_for_is_not_given() {
    let (mount, shown) = setup();
    let client = Client::new(&mount, &shown, "roles/web/acme");
    client.join(json!({}));
    let refused = |response: Response, kind: &str| {
        let problem = body(&response);
        assert_eq!(problem["type"], format!("urn:ietf:params:acme:error:{kind}"), "{problem}");
        assert_eq!(response.raw.unwrap().content_type, "application/problem+json");
    };
    let order = |value: &str, kind: &str| {
        client.post(&client.url("new-order"), Some(json!({"identifiers": [{"type": kind, "value": value}]})))
    };
    for (value, kind, why) in [
        ("evil.net", "dns", "rejectedIdentifier"),
        ("a_b.example.com", "dns", "rejectedIdentifier"),
        ("a.*.example.com", "dns", "rejectedIdentifier"),
        ("1.2.3.4", "dns", "rejectedIdentifier"),
        ("x", "ip", "rejectedIdentifier"),
        ("x", "email", "unsupportedIdentifier"),
    ] {
        refused(order(value, kind), why);
    }
    // Nothing is shown, or something else.
    for wrong in [None, Some("no")] {
        let made = body(&order("a.example.com", "dns"));
        let authorization = body(&client.post(made["authorizations"][0].as_str().unwrap(), None));
        let challenge = &authorization["challenges"][0];
        let path = format!("a.example.com/.well-known/acme-challenge/{}", text(challenge, "token"));
        if let Some(wrong) = wrong {
            shown.0.lock().unwrap().insert(path, wrong.as_bytes().to_vec());
        }
        let checked = body(&client.post(text(challenge, "url"), Some(json!({}))));
        assert_eq!(checked["status"], "invalid");
        let key = PrivateKey::generate(KeyType::Ec, 256).unwrap();
        refused(client.finalize(&made, &["a.example.com"], &key), "orderNotReady");
    }
    let ready = client.ready_order(&["a.example.com"], "http-01");
    let key = PrivateKey::generate(KeyType::Ec, 256).unwrap();
    refused(client.finalize(&ready, &["b.example.com"], &key), "badCSR");
    refused(client.finalize(&ready, &["a.example.com", "b.example.com"], &key), "badCSR");
    refused(client.finalize(&ready, &["a.example.com"], &client.key), "badCSR");
    refused(client.finalize(&ready, &["a.example.com"], &PrivateKey::generate(KeyType::Ed25519, 0).unwrap()), "badCSR");
    // Another account sees none of it.
    let other = Client::new(&mount, &shown, "roles/web/acme");
    other.join(json!({}));
    refused(other.finalize(&ready, &["a.example.com"], &key), "unauthorized");
    let done = body(&client.finalize(&ready, &["a.example.com"], &key));
    refused(other.post(text(&done, "certificate"), None), "unauthorized");
}

#[test]
fn requests_that_are_replayed_moved_or_forged_are_refused() {
    let (mut mount, shown) = setup();
    let client = Client::new(&mount, &shown, "acme");
    client.join(json!({}));
    let url = client.url("new-order");
    let payload = json!({"identifiers": [{"type": "dns", "value": "a.example.com"}]});
    let nonce = client.fresh_nonce();
    let envelope = client.envelope(&url, Some(&payload), &nonce);
    assert_eq!(client.send("acme/new-order", envelope.clone()).raw.unwrap().status, 201);
    let kind =
        |response: Response| body(&response)["type"].as_str().unwrap().replace("urn:ietf:params:acme:error:", "");
    assert_eq!(kind(client.send("acme/new-order", envelope)), "badNonce");
    let fresh = |url: &str| client.envelope(url, Some(&payload), &client.fresh_nonce());
    assert_eq!(kind(client.send("acme/new-order", fresh(&client.url("orders")))), "unauthorized");
    let mut forged = fresh(&url);
    forged["payload"] = json!(encode(b"{\"identifiers\":[]}"));
    assert_eq!(kind(client.send("acme/new-order", forged)), "malformed");
    let mut made_up = client.envelope(&url, Some(&payload), &encode(&[7; 56]));
    assert_eq!(kind(client.send("acme/new-order", made_up.clone())), "badNonce");
    made_up["signature"] = json!("");
    assert_eq!(kind(client.send("acme/new-order", made_up)), "malformed");
    // An account of one directory is none of another.
    *client.account.borrow_mut() = Some(format!("{BASE}roles/web/acme/account/x"));
    assert_eq!(kind(client.send("acme/new-order", fresh(&url))), "malformed");
    let nonce = client.fresh_nonce();
    let account = client.account.borrow().clone();
    drop(client);
    mount.later(1000);
    let late = Client::new(&mount, &shown, "acme");
    let envelope = late.envelope(&late.url("new-account"), Some(&json!({})), &nonce);
    assert_eq!(kind(late.send("acme/new-account", envelope)), "badNonce");
    late.join(json!({}));
    assert_ne!(late.account.borrow().clone(), account);
    late.post(&late.account.borrow().clone().unwrap(), Some(json!({"status": "deactivated"})));
    assert_eq!(kind(late.post(&late.url("new-order"), Some(payload))), "unauthorized");
}

#[test]
fn a_binding_is_good_for_one_account_of_its_directory() {
    let (mount, shown) = setup();
    mount.write("config/acme", json!({"eab_policy": "always-required"}));
    let eab = mount.write("acme/new-eab", json!({}));
    assert_eq!(text(&eab, "acme_directory"), "acme/directory");
    let kind = |response: &Response| {
        body(response)["type"].as_str().unwrap_or("none").replace("urn:ietf:params:acme:error:", "")
    };
    let bind = |client: &Client<'_>, key: &[u8], jwk: &Value| {
        let header = json!({"alg": "HS256", "kid": text(&eab, "id"), "url": client.url("new-account")});
        let (protected, payload) = (encode(header.to_string().as_bytes()), encode(jwk.to_string().as_bytes()));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), format!("{protected}.{payload}").as_bytes());
        json!({"externalAccountBinding": {"protected": protected, "payload": payload, "signature": encode(tag.as_ref())}})
    };
    let key = BASE64.decode(text(&eab, "key")).unwrap();
    let client = Client::new(&mount, &shown, "acme");
    let other = Client::new(&mount, &shown, "roles/web/acme");
    assert_eq!(kind(&client.join(json!({}))), "externalAccountRequired");
    assert_eq!(kind(&client.join(bind(&client, b"wrong", &client.jwk()))), "unauthorized");
    assert_eq!(kind(&client.join(bind(&client, &key, &other.jwk()))), "unauthorized");
    assert_eq!(kind(&other.join(bind(&other, &key, &other.jwk()))), "unauthorized");
    assert_eq!(mount.list("eab")["keys"].as_array().unwrap().len(), 1);
    assert_eq!(kind(&client.join(bind(&client, &key, &client.jwk()))), "none");
    assert_eq!(mount.list("eab").get("keys"), None);
    let second = Client::new(&mount, &shown, "acme");
    assert_eq!(kind(&second.join(bind(&second, &key, &second.jwk()))), "unauthorized");
    mount.write("config/acme", json!({"enabled": false}));
    assert_eq!(mount.ask(Operation::Read, "acme/directory", Value::Null).err().unwrap().status(), 404);
    for (data, why) in [
        (json!({"eab_policy": "x"}), "invalid eab policy name"),
        (json!({"default_directory_policy": "role:none"}), "not a valid acme role"),
        (json!({"allowed_issuers": "none"}), "failed validating allowed_issuers"),
        (json!({"dns_resolver": "dns.example.com:53"}), "expected IPv4/IPv6 address"),
    ] {
        let said = mount.refuse("config/acme", data);
        assert!(said.contains(why), "{said}");
    }
}
