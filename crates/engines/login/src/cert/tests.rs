use super::*;
use crate::testing::{Server, World, now};
use certificates::extension::{
    alternative_names, basic_constraints, extended_key_usage, key_usage, permitted_dns_domains,
};
use certificates::{
    Algorithm, AltName, Extension, Hash, KeyType, PrivateKey, RevocationList, Revoked, Subject, Template,
};

const NOW: i64 = 1_800_000_000;
const HOW: Algorithm = Algorithm::Ecdsa(Hash::Sha256);
const CLIENT_AUTH: &str = "1.3.6.1.5.5.7.3.2";
const SERVER_AUTH: &str = "1.3.6.1.5.5.7.3.1";

struct Made {
    key: PrivateKey,
    name: Vec<u8>,
    der: Vec<u8>,
}

impl Made {
    fn pem(&self) -> String {
        signing::pem::encode("CERTIFICATE", &self.der).to_string()
    }
}

fn again(key: &PrivateKey) -> PrivateKey {
    PrivateKey::from_der(&key.to_pkcs8().unwrap()).unwrap()
}

struct Draft {
    name: Vec<u8>,
    serial: Vec<u8>,
    key: PrivateKey,
    extensions: Vec<Extension>,
    valid: (i64, i64),
}

impl Draft {
    fn new(common_name: &str) -> Self {
        let organizational_unit = vec!["dev".to_owned()];
        let subject = Subject { common_name: common_name.to_owned(), organizational_unit, ..Subject::default() };
        let key = PrivateKey::generate(KeyType::Ec, 256).unwrap();
        let serial = Template::random_serial().unwrap();
        Self { name: subject.to_der(), serial, key, extensions: Vec::new(), valid: (NOW - 60, NOW + 60) }
    }

    fn authority(common_name: &str, length: Option<u32>) -> Self {
        Self::new(common_name).with(basic_constraints(true, length)).with(key_usage(0b110_0000))
    }

    fn client(common_name: &str) -> Self {
        Self::new(common_name).with(extended_key_usage(&[CLIENT_AUTH.to_owned()]).unwrap())
    }

    fn with(mut self, extension: Extension) -> Self {
        self.extensions.push(extension);
        self
    }

    fn names(self, names: &[AltName]) -> Self {
        self.with(alternative_names(names, false).unwrap())
    }

    fn sign(self, issuer: Option<&Made>) -> Made {
        let at = |second| Timestamp::from_second(second).unwrap();
        let template = Template {
            serial: self.serial,
            subject: self.name.clone(),
            spki: self.key.public().spki().to_vec(),
            not_before: at(self.valid.0),
            not_after: at(self.valid.1),
            extensions: self.extensions,
        };
        let (name, key) = issuer.map_or((&self.name, &self.key), |issuer| (&issuer.name, &issuer.key));
        let der = template.sign(name, key, HOW).unwrap();
        Made { key: self.key, name: self.name, der }
    }
}

fn server(pem: &str, entry: Value) -> Server<Cert> {
    let server = Server::new(Cert::new(World::new(|asked| panic!("asked {}", asked.url))));
    let mut all = json!({"certificate": pem, "policies": "p"});
    all.as_object_mut().unwrap().extend(entry.as_object().unwrap().clone());
    server.write("certs/Web", all).unwrap();
    server
}

fn login(server: &mut Server<Cert>, sent: &[&Made]) -> Result<Auth, String> {
    server.certificates = sent.iter().map(|made| made.der.clone()).collect();
    server.login("login", json!({}))
}

const UNKNOWN: &str = "invalid certificate or no client certificate supplied";
const UNMATCHED: &str = "no chain matching all constraints could be found for this login certificate";

#[test]
fn a_certificate_of_a_trusted_authority_is_a_login() {
    let root = Draft::authority("root", None).sign(None);
    let middle = Draft::authority("middle", Some(0)).sign(Some(&root));
    let leaf = Draft::client("jane").sign(Some(&middle));
    let mut server = server(&root.pem(), json!({"display_name": "web"}));
    let auth = login(&mut server, &[&leaf, &middle]).unwrap();
    assert_eq!((auth.display_name.as_str(), auth.policies.as_slice()), ("web", ["p".to_owned()].as_slice()));
    assert_eq!((auth.metadata["cert_name"].as_str(), auth.metadata["common_name"].as_str()), ("web", "jane"));
    assert_eq!(auth.alias.as_ref().unwrap().name, "jane");
    assert!(auth.metadata["serial_number"].bytes().all(|byte| byte.is_ascii_digit()));
    assert_eq!(login(&mut server, &[&leaf]).err().unwrap(), UNKNOWN);
    assert_eq!(login(&mut server, &[]).err().unwrap(), "no client certificate found");
    server.certificates = vec![leaf.der.clone(), middle.der.clone()];
    assert!(server.login("login", json!({"name": "WEB"})).is_ok());
    assert_eq!(server.login("login", json!({"name": "other"})).err().unwrap(), UNKNOWN);
    server.write("certs/web", json!({"token_bound_cidrs": "10.0.0.0/8"})).unwrap();
    assert_eq!(server.login("login", json!({})).err().unwrap(), "permission denied");
    server.data(Operation::Delete, "certs/web", json!({})).unwrap();
    assert_eq!(server.login("login", json!({})).err().unwrap(), UNKNOWN);
}

#[test]
fn each_link_of_a_chain_is_checked() {
    let root = Draft::authority("root", None).sign(None);
    let other_root = Draft::authority("root", None).sign(None);
    let short = Draft::authority("short", Some(0)).sign(Some(&root));
    let below = Draft::authority("below", None).sign(Some(&short));
    let old = Draft { valid: (NOW - 60, NOW - 1), ..Draft::authority("old", None) }.sign(Some(&root));
    let no_authority = Draft::client("none").sign(Some(&root));
    let no_signer = Draft::new("nosign").with(basic_constraints(true, None)).with(key_usage(1)).sign(Some(&root));
    let servers_only = Draft::authority("servers", None)
        .with(extended_key_usage(&[SERVER_AUTH.to_owned()]).unwrap())
        .sign(Some(&root));
    let unknown = Extension { id: "1.2.3.4".to_owned(), critical: true, value: vec![5, 0] };
    let odd = Draft::authority("odd", None).with(unknown.clone()).sign(Some(&root));
    let bound = Draft::authority("bound", None).with(permitted_dns_domains(&["example.com".to_owned()]));
    let bound = bound.sign(Some(&root));
    let mut server = server(&root.pem(), json!({}));
    for issuer in [&other_root, &below, &old, &no_authority, &no_signer, &servers_only, &odd] {
        let leaf = Draft::client("jane").sign(Some(issuer));
        assert_eq!(login(&mut server, &[&leaf, issuer, &short]).err().unwrap(), UNKNOWN);
    }
    let inside = Draft::client("a").names(&[AltName::Dns("a.example.com".to_owned())]).sign(Some(&bound));
    login(&mut server, &[&inside, &bound]).unwrap();
    let outside = Draft::client("a").names(&[AltName::Dns("a.example.org".to_owned())]).sign(Some(&bound));
    assert_eq!(login(&mut server, &[&outside, &bound]).err().unwrap(), UNKNOWN);
    for (leaf, text) in [
        (Draft { valid: (NOW - 60, NOW - 1), ..Draft::client("a") }, "has expired or is not yet valid"),
        (Draft { valid: (NOW + 1, NOW + 60), ..Draft::client("a") }, "has expired or is not yet valid"),
        (Draft::new("a").with(extended_key_usage(&[SERVER_AUTH.to_owned()]).unwrap()), "incompatible key usage"),
        (Draft::client("a").with(unknown), "unhandled critical extension"),
        (Draft::client("a").with(basic_constraints(false, None)).with(basic_constraints(false, None)), "there twice"),
    ] {
        let error = login(&mut server, &[&leaf.sign(Some(&root))]).err().unwrap();
        assert!(error.starts_with("failed to verify client's certificate: ") && error.contains(text), "{error}");
    }
    // A forged signature.
    let mut forged = Draft::client("jane").sign(Some(&root));
    *forged.der.last_mut().unwrap() ^= 1;
    assert_eq!(login(&mut server, &[&forged]).err().unwrap(), UNKNOWN);
}

#[test]
fn certificates_that_issued_each_other_cost_little() {
    let root = Draft::authority("root", None).sign(None);
    let key = Draft::authority("same", None);
    let same = Made { key: again(&key.key), name: key.name.clone(), der: Vec::new() };
    let many: Vec<Made> =
        (0..15).map(|_| Draft { key: again(&same.key), ..Draft::authority("same", None) }.sign(Some(&same))).collect();
    let leaf = Draft::client("jane").sign(Some(&same));
    let mut server = server(&root.pem(), json!({}));
    let sent: Vec<&Made> = std::iter::once(&leaf).chain(&many).collect();
    assert_eq!(login(&mut server, &sent).err().unwrap(), UNKNOWN);
}

/// A pinned certificate is not its serial number and issuer.
#[test]
fn cve_2024_2048_a_certificate_that_resembles_a_pinned_one_is_refused() {
    let root = Draft::authority("root", None).sign(None);
    let serial = vec![7; 8];
    let pinned = Draft { serial: serial.clone(), ..Draft::client("jane") }.sign(Some(&root));
    let mut server = server(&pinned.pem(), json!({}));
    assert!(login(&mut server, &[&pinned]).is_ok());
    let evil_root = Draft::authority("root", None).sign(None);
    let forged = Draft { serial, ..Draft::client("jane") }.sign(Some(&evil_root));
    assert_eq!(login(&mut server, &[&forged]).err().unwrap(), UNKNOWN);
    assert_eq!(login(&mut server, &[&forged, &pinned]).err().unwrap(), UNKNOWN);
}

/// Who has the key of a pinned certificate can't make another with it, for another name.
#[test]
fn cve_2025_6037_a_certificate_with_the_key_of_a_pinned_one_is_refused() {
    let pinned = Draft::client("jane").sign(None);
    let mut server = server(&pinned.pem(), json!({}));
    assert_eq!(login(&mut server, &[&pinned]).unwrap().alias.unwrap().name, "jane");
    let forged = Draft { key: again(&pinned.key), ..Draft::client("admin") }.sign(Some(&pinned));
    assert_eq!(login(&mut server, &[&forged]).err().unwrap(), UNKNOWN);
    assert_eq!(login(&mut server, &[&forged, &pinned]).err().unwrap(), UNKNOWN);
    // A pinned certificate ends too.
    server.time += jiff::SignedDuration::from_secs(61);
    assert!(login(&mut server, &[&pinned]).err().unwrap().contains("has expired"));
}

#[test]
fn names_and_extensions_are_asked_for() {
    let root = Draft::authority("root", None).sign(None);
    let extension = Extension { id: "1.2.3.45".to_owned(), critical: false, value: b"\x0c\x05hello".to_vec() };
    let leaf = Draft::client("jane").with(extension).names(&[
        AltName::Dns("a.example.com".to_owned()),
        AltName::Email("jane@example.com".to_owned()),
        AltName::Uri("spiffe://example.com/jane".to_owned()),
    ]);
    let leaf = leaf.sign(Some(&root));
    for (list, good, bad) in [
        ("allowed_names", "jane@*", "x.example.com"),
        ("allowed_common_names", "ja*", "*.example.com"),
        ("allowed_dns_sans", "*.example.com", "jane"),
        ("allowed_email_sans", "*@example.com", "a.example.com"),
        ("allowed_uri_sans", "spiffe://example.com/*", "spiffe://example.org/*"),
        ("allowed_organizational_units", "dev", "de"),
        ("required_extensions", "1.2.3.45:hel*", "1.2.3.45:world"),
        ("required_extensions", "1.2.3.45:*", "1.2.3.46:*"),
    ] {
        let mut server = server(&root.pem(), json!({list: [good]}));
        assert!(login(&mut server, &[&leaf]).is_ok(), "{list}");
        server.write("certs/web", json!({list: [bad]})).unwrap();
        assert_eq!(login(&mut server, &[&leaf]).err().unwrap(), UNMATCHED, "{list}");
    }
    let mut server = server(&root.pem(), json!({"allowed_metadata_extensions": "1.2.3.45,1.2.3.46"}));
    server.write("config", json!({"enable_identity_alias_metadata": true})).unwrap();
    let auth = login(&mut server, &[&leaf]).unwrap();
    assert_eq!(auth.metadata["1-2-3-45"], "hello");
    assert_eq!(auth.alias.unwrap().metadata, auth.metadata);
}

#[test]
fn a_revoked_certificate_is_refused_wherever_it_is_in_the_chain() {
    let root = Draft::authority("root", None).sign(None);
    let middle = Draft { serial: vec![0x40, 1], ..Draft::authority("middle", None) }.sign(Some(&root));
    let leaf = Draft::client("jane").sign(Some(&middle));
    let mut server = server(&root.pem(), json!({}));
    assert!(login(&mut server, &[&leaf, &middle]).is_ok());
    let list = RevocationList {
        number: 1,
        base: None,
        this_update: server.time,
        next_update: server.time + jiff::SignedDuration::from_secs(60),
        revoked: vec![Revoked { serial: vec![0x40, 1], at: server.time, reason: 0 }],
        freshest: Vec::new(),
    };
    let der = list.sign(&root.name, b"k", &root.key, HOW).unwrap();
    let pem = signing::pem::encode("X509 CRL", &der).to_string();
    server.write("crls/Mine", json!({"crl": pem})).unwrap();
    assert_eq!(server.read("crls/mine").unwrap()["serials"], json!({"16385": {}}));
    assert_eq!(login(&mut server, &[&leaf, &middle]).err().unwrap(), UNMATCHED);
    server.data(Operation::Delete, "crls/mine", json!({})).unwrap();
    assert!(login(&mut server, &[&leaf, &middle]).is_ok());
    for (data, text) in [(json!({"crl": "x"}), "failed to parse CRL"), (json!({}), "one of 'crl' or 'url'")] {
        assert!(server.write("crls/x", data).unwrap_err().contains(text));
    }
    assert_eq!(server.read("crls/x").unwrap_err(), "no such CRL x");
}

#[test]
fn a_login_is_renewed_by_the_same_certificate() {
    let root = Draft::authority("root", None).sign(None);
    let (leaf, other) = (Draft::client("jane").sign(Some(&root)), Draft::client("jane").sign(Some(&root)));
    let mut server = server(&root.pem(), json!({}));
    let auth = login(&mut server, &[&leaf]).unwrap();
    let renew = |server: &Server<Cert>, made: &Made| {
        let connection = Connection { certificates: vec![made.der.clone()].into(), ..Connection::default() };
        let grant = Grant {
            issued: server.time,
            expires: server.time,
            increment: std::time::Duration::ZERO,
            now: server.time,
            path: "login",
        };
        let renewed = now(server.backend.renew_login_from(server.context(), &auth, grant, &connection));
        renewed.map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(renew(&server, &leaf), Ok(()));
    assert!(renew(&server, &other).unwrap_err().contains("not matching client identity used during login"));
    assert_eq!(server.renew(&auth).err().unwrap(), "no client certificate found");
    server.write("config", json!({"disable_binding": true})).unwrap();
    assert_eq!(renew(&server, &other), Ok(()));
    server.write("certs/web", json!({"policies": "q"})).unwrap();
    assert_eq!(renew(&server, &leaf).unwrap_err(), "policies have changed, not renewing");
}

#[test]
fn entries_are_shown_as_they_were_given() {
    let root = Draft::authority("root", None).sign(None);
    let server = server(&root.pem(), json!({"lease": 60, "allowed_names": "a,b"}));
    let shown = server.read("certs/web").unwrap();
    assert_eq!((&shown["display_name"], &shown["ttl"]), (&json!("web"), &json!(60)));
    assert_eq!((&shown["allowed_names"], &shown["allowed_dns_sans"]), (&json!(["a", "b"]), &Value::Null));
    assert_eq!(shown["certificate"], root.pem());
    let only_server = Draft::new("s").with(extended_key_usage(&[SERVER_AUTH.to_owned()]).unwrap()).sign(None);
    for (data, text) in [
        (json!({"certificate": "x"}), "failed to parse certificate"),
        (json!({"certificate": only_server.pem()}), "nonCA certificates should have TLS client authentication"),
        (json!({"certificate": root.pem(), "required_extensions": "1.2.3"}), "is not <oid>:<value>"),
    ] {
        assert!(server.write("certs/x", data).unwrap_err().contains(text));
    }
    assert_eq!(server.data(Operation::List, "certs", json!({})).unwrap(), json!({"keys": ["web"]}));
}

type Responder = dyn Fn(&[u8]) -> Vec<u8> + Send + Sync;

/// An OCSP server for a root that revoked the serial number 9.
fn responder(issuer: &Made, key: &PrivateKey, at: i64) -> impl Fn(&[u8]) -> Vec<u8> + use<> {
    let issuer = Certificate::from_der(&issuer.der).unwrap();
    let key = again(key);
    move |body| {
        let request = certificates::OcspRequest::from_der(body).unwrap();
        let singles: Vec<_> = request
            .certificates
            .iter()
            .map(|id| {
                assert!(id.is_of(&issuer));
                let since = Timestamp::from_second(NOW - 100).unwrap();
                let status = match id.serial() {
                    [9] => certificates::CertificateStatus::Revoked(since, 1),
                    [8] => certificates::CertificateStatus::Unknown,
                    _ => certificates::CertificateStatus::Good,
                };
                certificates::OcspSingle { id: id.clone(), status }
            })
            .collect();
        let time = |second| Timestamp::from_second(second).unwrap();
        let times = (time(at), Some(time(at + 60)));
        certificates::ocsp_response(&request, &singles, &issuer, (&key, HOW), times).unwrap()
    }
}

#[test]
fn an_authority_is_asked_whether_a_certificate_was_revoked() {
    let root = Draft::authority("root", None).sign(None);
    let stranger = Draft::authority("root", None).sign(None);
    let leaf = |serial| Draft { serial: vec![serial], ..Draft::client("jane") }.sign(Some(&root));
    let (good, revoked, unknown) = (leaf(7), leaf(9), leaf(8));
    let check = |answer: Box<Responder>, fail_open: bool, made: &Made| {
        let world = World::raw(move |asked| {
            assert_eq!(asked.url, "http://ocsp.example");
            (200, answer(&asked.raw))
        });
        let mut server = Server::new(Cert::new(Arc::<World>::clone(&world)));
        let entry = json!({
            "certificate": root.pem(), "ocsp_enabled": true, "ocsp_fail_open": fail_open,
            "ocsp_servers_override": "http://ocsp.example",
        });
        server.write("certs/web", entry).unwrap();
        let first = login(&mut server, &[made]).map(drop);
        let second = login(&mut server, &[made]).map(drop);
        assert_eq!(first, second);
        (first.err().unwrap_or_default(), world.asked.load(std::sync::atomic::Ordering::Relaxed))
    };
    let real = || Box::new(responder(&root, &root.key, NOW));
    assert_eq!(check(real(), false, &good), (String::new(), 1), "an answer is kept");
    for (made, text) in [(&revoked, "has been revoked"), (&unknown, "does not know the certificate")] {
        let (error, _) = check(real(), false, made);
        assert!(error.starts_with(UNMATCHED) && error.contains(text), "{error}");
    }
    // Who can't say so is another matter than who says no.
    assert!(check(real(), true, &revoked).0.contains("has been revoked"));
    assert_eq!(check(real(), true, &unknown).0, "");
    let forged = || Box::new(responder(&root, &stranger.key, NOW));
    assert!(check(forged(), false, &good).0.contains("not signed by who may answer"));
    assert_eq!(check(forged(), true, &good).0, "");
    assert!(check(Box::new(responder(&root, &root.key, NOW - 1000)), false, &good).0.contains("out of date"));
    assert!(check(Box::new(responder(&root, &root.key, NOW + 1000)), false, &good).0.contains("out of date"));
    assert!(check(Box::new(|_| certificates::ocsp_failure(6)), false, &good).0.contains("refused with status 6"));
    assert!(check(Box::new(|_| b"nonsense".to_vec()), false, &good).0.contains("malformed"));
    // The answer about another certificate.
    let other = responder(&root, &root.key, NOW);
    let id = |made: &Made| Certificate::from_der(&made.der).unwrap().serial().to_vec();
    let (asked, instead) = (id(&revoked), id(&good));
    let swapped = move |body: &[u8]| {
        let at = body.windows(asked.len() + 2).rposition(|window| window[0] == 2 && window[2..] == asked[..]).unwrap();
        let mut body = body.to_vec();
        body[at + 2..at + 2 + instead.len()].copy_from_slice(&instead);
        other(&body)
    };
    assert!(check(Box::new(swapped), false, &revoked).0.contains("about another certificate"));
}
