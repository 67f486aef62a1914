//! A whole Sigstore over loopback: signing by its client, verified by its trust root; and whoever it turns away.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not see as tests"
)]

use authority::{Issuer, IssuerType, KeyKind, SigningKey, mint, pem};
use authority_server::{Folder, Local, Plan, ServeOptions, Server, backup, check, sizes};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bundle::{Bundle, TrustedRoot};
use jiff::Timestamp;
use reqwest::blocking::{Client, Response};
use serde_json::{Value, json};
use signing::{Artifact, IdentityPolicy, Policy, PrivateKey, TextMatch, Trust, verify};
use sigstore::sign::{Services, Signatory, Subject, sign};
use sigstore::{Http, HttpOptions};
use std::path::Path;
use zeroize::Zeroizing;

const WHO: &str = "ann@host.example";

fn signed(local: &Local, version: u32, artifact: &[u8]) -> Bundle {
    let key = PrivateKey::generate(KeyKind::P256).unwrap();
    let token = local.mint(WHO).unwrap();
    let mut services = Services::of(local.signing_config(), &[2, 1], Timestamp::now()).unwrap();
    services.logs = vec![(local.url().to_owned(), version)];
    let http = Http::new(&HttpOptions::default());
    let signatory = Signatory::Identity { signer: &key, id_token: &token };
    sign(&http, &services, &signatory, Subject::Message(artifact)).unwrap()
}

fn verified(bundle: &Bundle, artifact: &[u8], root: &TrustedRoot, issuer: &str) {
    let who = IdentityPolicy::new(TextMatch::exact(WHO), TextMatch::exact(issuer));
    let trust = Trust::new(std::slice::from_ref(root)).unwrap();
    let policy = Policy::identities([who]);
    verify(bundle, &Artifact::Bytes(artifact), &trust, &policy, Timestamp::now()).unwrap();
    assert!(verify(bundle, &Artifact::Bytes(b"another"), &trust, &policy, Timestamp::now()).is_err());
}

#[test]
fn what_it_signs_its_trust_root_verifies_also_after_rotation() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("authority");
    let mut bundles = Vec::new();
    let mut issuer = String::new();
    for what in ["", "ca", "log", "tsa", "ct", "tuf"] {
        if !what.is_empty() {
            Folder::open(&path).unwrap().rotate(what, &[], Timestamp::now()).unwrap();
        }
        let local = Local::open(&path).unwrap();
        for version in [1, 2] {
            let artifact = format!("artifact after {what}, version {version}").into_bytes();
            bundles.push((signed(&local, version, &artifact), artifact, local.issuer().to_owned()));
        }
        issuer = local.issuer().to_owned();
        for (bundle, artifact, issuer) in &bundles {
            verified(bundle, artifact, local.trusted_root(), issuer);
        }
    }
    assert_eq!(issuer, "https://palisade.local/issuer");

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let checked = runtime.block_on(check(&path, None, Timestamp::now())).unwrap();
    let entries: Vec<u64> = checked.entries.values().copied().collect();
    assert_eq!(entries, [12, 6, 6], "certificates, entries of version 1 and of version 2");
    let copy = parent.path().join("copy.zip");
    assert!(backup(&path, &copy).unwrap() > 15);
    assert!(backup(&path, &copy).is_err(), "a copy is never overwritten");
    let restored = parent.path().join("restored");
    zip::ZipArchive::new(std::fs::File::open(&copy).unwrap()).unwrap().extract(&restored).unwrap();
    assert_eq!(runtime.block_on(check(&restored, None, Timestamp::now())).unwrap(), checked);
    assert_eq!(signed_there(&restored), 7);
    // A key that was exchanged, and a document that was.
    std::fs::copy(restored.join("keys/ct-1.pem"), restored.join("keys/ct-2.pem")).unwrap();
    assert!(runtime.block_on(check(&restored, None, Timestamp::now())).is_err());
    std::fs::copy(path.join("tuf/timestamp.json"), path.join("tuf/1.root.json")).unwrap();
    assert!(runtime.block_on(check(&path, None, Timestamp::now())).is_err());
}

/// Signs once more in a restored authority, and gives the size of its log.
fn signed_there(folder: &Path) -> u64 {
    let local = Local::open(folder).unwrap();
    let bundle = signed(&local, 2, b"restored");
    verified(&bundle, b"restored", local.trusted_root(), local.issuer());
    drop(local);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(sizes(&Folder::open(folder).unwrap(), None)).unwrap()["v2"]
}

struct Running {
    url: String,
    client: Client,
    _stop: tokio::sync::oneshot::Sender<()>,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Running {
    fn start(folder: &Path) -> Self {
        Self::start_with(folder, Vec::new())
    }

    fn start_with(folder: &Path, issuers: Vec<Issuer>) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let mut options =
            ServeOptions { dev_issuer: true, issuers, ..ServeOptions::new("127.0.0.1:0".parse().unwrap()) };
        options.limits.client_rate = None;
        let server = runtime.block_on(Server::bind(folder, options)).unwrap();
        let url = server.url().to_owned();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        runtime.spawn(server.serve(async move { drop(stopped.await) }));
        Self { url, client: Client::new(), _stop: stop, runtime: Some(runtime) }
    }

    fn get(&self, path: &str) -> Response {
        self.client.get(format!("{}{path}", self.url)).send().unwrap()
    }

    fn text(&self, path: &str) -> String {
        self.get(path).error_for_status().unwrap().text().unwrap()
    }

    fn token(&self) -> String {
        let answer: Value = serde_json::from_str(&self.text(&format!("/oidc/token?email={WHO}"))).unwrap();
        answer["id_token"].as_str().unwrap().to_owned()
    }

    fn certificate(&self, token: &str, key: &SigningKey, challenge: &str) -> (u16, Value) {
        let proof = STANDARD.encode(key.sign(challenge.as_bytes()).unwrap());
        let public = pem::encode("PUBLIC KEY", key.spki());
        let body = json!({
            "credentials": {"oidcIdentityToken": token},
            "publicKeyRequest": {"publicKey": {"algorithm": "ECDSA", "content": public}, "proofOfPossession": proof},
        });
        let request = self.client.post(format!("{}/api/v2/signingCert", self.url)).body(body.to_string());
        let answer = request.header("content-type", "application/json").send().unwrap();
        (answer.status().as_u16(), serde_json::from_slice(&answer.bytes().unwrap()).unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[test]
fn strangers_and_nonsense_are_turned_away_with_the_reason() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("authority");
    Folder::init(&path, &Plan::new("example.org"), Timestamp::now()).unwrap();
    let server = Running::start(&path);
    let key = SigningKey::generate(KeyKind::P256).unwrap();
    let token = server.token();
    let (status, answer) = server.certificate(&token, &key, WHO);
    assert_eq!(status, 200, "{answer}");
    let chain = answer["signedCertificateEmbeddedSct"]["chain"]["certificates"].as_array().unwrap();
    assert_eq!(chain.len(), 3);

    let own = SigningKey::generate(KeyKind::Rsa2048).unwrap();
    let forged = |issuer: &str| {
        let now = Timestamp::now().as_second();
        let claims = json!({"iss": issuer, "sub": WHO, "email": WHO, "email_verified": true, "aud": "sigstore",
                            "iat": now, "exp": now + 60});
        mint(&own, "issuer-1", &claims).unwrap()
    };
    let canary = "canary-of-a-token";
    for (token, challenge, reason) in [
        (String::new(), WHO, "no identity token"),
        (format!("{canary}.{canary}.{canary}"), WHO, "malformed token"),
        (forged("https://accounts.example"), WHO, "unsupported issuer"),
        (forged(&format!("{}/oidc", server.url)), WHO, "signature is wrong"),
        (token.clone(), "bob@host.example", "could not be verified"),
        ("a".repeat(40_000), WHO, "longer than"),
    ] {
        let (status, answer) = server.certificate(&token, &key, challenge);
        let message = answer["message"].as_str().unwrap();
        assert_eq!((status, answer["code"].as_u64()), (400, Some(3)), "{message}");
        assert!(message.contains(reason) && !message.contains(canary), "{reason}: {message}");
    }
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    for (path, kind, body, status) in [
        ("/api/v2/signingCert", "application/json", deep.into_bytes(), 400),
        ("/api/v2/signingCert", "application/json", vec![b' '; 300_000], 413),
        ("/api/v1/signingCert", "application/json", b"{}".to_vec(), 400),
        ("/api/v1/timestamp", "application/timestamp-query", b"\x30\x84\xff\xff\xff\xff".to_vec(), 400),
        ("/api/v1/timestamp", "text/plain", Vec::new(), 415),
    ] {
        let request = server.client.post(format!("{}{path}", server.url)).header("content-type", kind).body(body);
        assert_eq!(request.send().unwrap().status().as_u16(), status, "{path}");
    }
    let metrics = server.text("/metrics");
    for reason in ["absent", "malformed", "unknown_issuer", "signature", "proof", "too_long", "request"] {
        assert!(metrics.contains(&format!("fulcio_refused_total{{reason=\"{reason}\"}}")), "{reason}: {metrics}");
    }
    assert!(!metrics.contains(canary) && !metrics.contains(&token));
}

#[test]
fn the_older_api_and_documents_answer() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("authority");
    Folder::init(&path, &Plan::new("example.org"), Timestamp::now()).unwrap();
    let server = Running::start(&path);
    let key = SigningKey::generate(KeyKind::P384).unwrap();
    let body = json!({
        "publicKey": {"algorithm": "ecdsa", "content": STANDARD.encode(key.spki())},
        "signedEmailAddress": STANDARD.encode(key.sign(WHO.as_bytes()).unwrap()),
    });
    let token = Zeroizing::new(server.token());
    let request = server.client.post(format!("{}/api/v1/signingCert", server.url)).bearer_auth(token.as_str());
    let answer = request.body(body.to_string()).send().unwrap();
    assert_eq!(answer.status().as_u16(), 201);
    assert_eq!(answer.headers()["content-type"], "application/pem-certificate-chain");
    assert_eq!(answer.text().unwrap().matches("BEGIN CERTIFICATE").count(), 3);
    let root = TrustedRoot::parse(server.text("/trusted_root.json").as_bytes()).unwrap();
    assert_eq!((root.tlogs.len(), root.ctlogs.len()), (2, 1));
    assert!(server.text("/signing_config.json").contains("signingconfig.v0.2+json"));
    assert!(server.text("/client_trust_config.json").contains("clienttrustconfig.v0.1+json"));
    assert!(server.text("/api/v2/configuration").contains("\"challengeClaim\":\"email\""));
    assert!(server.text("/api/v1/rootCert").starts_with("-----BEGIN CERTIFICATE-----"));
    assert!(server.text("/ct/checkpoint").starts_with("127.0.0.1/ct\n1\n"));
    assert!(!server.get("/ct/tile/entries/000.p/1").bytes().unwrap().is_empty());
    assert!(server.text("/tuf/1.root.json").contains("consistent_snapshot"));
    assert_eq!(server.get("/tuf/../authority.json").status().as_u16(), 404);
    assert!(server.text("/healthz").contains("SERVING"));
    let hash =
        json!({"artifactHash": STANDARD.encode([7; 32]), "hashAlgorithm": "sha256", "nonce": 7, "certificates": true});
    let request =
        server.client.post(format!("{}/api/v1/timestamp", server.url)).header("content-type", "application/json");
    assert_eq!(request.body(hash.to_string()).send().unwrap().status().as_u16(), 201);
}

#[test]
fn keys_change_while_it_serves() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("authority");
    Folder::init(&path, &Plan::new("example.org"), Timestamp::now()).unwrap();
    let server = Running::start(&path);
    let before = server.text("/trusted_root.json");
    Folder::open(&path).unwrap().rotate("ca", &[], Timestamp::now()).unwrap();
    let begin = std::time::Instant::now();
    while server.text("/trusted_root.json") == before {
        assert!(begin.elapsed().as_secs() < 20, "the new key is not taken");
        std::thread::yield_now();
    }
    let key = SigningKey::generate(KeyKind::P256).unwrap();
    assert_eq!(server.certificate(&server.token(), &key, WHO).0, 200);
}

#[test]
fn another_issuer_is_believed_by_its_published_keys() {
    let parent = tempfile::tempdir().unwrap();
    let make = |name: &str| {
        let path = parent.path().join(name);
        Folder::init(&path, &Plan::new("example.org"), Timestamp::now()).unwrap();
        path
    };
    let other = Running::start(&make("other"));
    let issuer = format!("{}/oidc", other.url);
    let server = Running::start_with(&make("own"), vec![Issuer::new(&issuer, IssuerType::Email)]);
    let key = SigningKey::generate(KeyKind::P256).unwrap();
    let token = other.token();
    assert_eq!(server.certificate(&token, &key, WHO).0, 200);
    let answer: Value = serde_json::from_str(&other.text(&format!("/oidc/token?email={WHO}&aud=kubernetes"))).unwrap();
    let (status, refused) = server.certificate(answer["id_token"].as_str().unwrap(), &key, WHO);
    assert!(status == 400 && refused["message"].as_str().unwrap().contains("audience"), "{refused}");
    // Its keys are known for a while, also when it is away; one that never answered is not believed.
    drop(other);
    assert_eq!(server.certificate(&token, &key, WHO).0, 200);
    let late = Running::start_with(&make("late"), vec![Issuer::new(&issuer, IssuerType::Email)]);
    let (status, refused) = late.certificate(&token, &key, WHO);
    assert!(status == 400 && refused["message"].as_str().unwrap().contains("can't be fetched"), "{refused}");
}

/// `cargo test --release -p authority-server -- --ignored --nocapture load`
#[test]
#[ignore = "a measurement"]
fn load() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("authority");
    Folder::init(&path, &Plan::new("example.org"), Timestamp::now()).unwrap();
    let server = Running::start(&path);
    let token = server.token();
    let key = SigningKey::generate(KeyKind::P256).unwrap();
    let begin = std::time::Instant::now();
    let ask = || {
        let times = (0..200).map(|_| {
            let begin = std::time::Instant::now();
            assert_eq!(server.certificate(&token, &key, WHO).0, 200);
            begin.elapsed()
        });
        times.collect::<Vec<_>>()
    };
    let mut times: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..32).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let rate = times.len() as f64 / begin.elapsed().as_secs_f64();
    times.sort();
    println!("{rate:.0} certificates a second, p99 {:?}", times[times.len() * 99 / 100]);
}
