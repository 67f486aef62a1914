//! An authority as a process of its own: served, used, killed, followed from outside.

use crate::Bench;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Child;
use std::time::{Duration, Instant};

/// A served authority, killed when dropped.
pub(crate) struct Served {
    child: Child,
    address: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn serve(bench: &Bench, folder: &str, address: &str) -> Served {
    serve_with(bench, folder, address, &[])
}

/// Serves with these variables; what it says is appended to `served.log`.
pub(crate) fn serve_with(bench: &Bench, folder: &str, address: &str, variables: &[(&str, &str)]) -> Served {
    let arguments = ["authority", "serve", folder, "--listen", address, "--dev-issuer"];
    let mut command = bench.command("palisade", &arguments);
    let log = fs::OpenOptions::new().create(true).append(true).open(bench.path("served.log")).unwrap();
    command.envs(variables.iter().copied()).stdout(log.try_clone().unwrap()).stderr(log);
    let child = command.spawn().unwrap();
    let served = Served { child, address: address.to_owned() };
    let begun = Instant::now();
    while TcpStream::connect(&served.address).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(10), "the authority does not listen");
        std::thread::sleep(Duration::from_millis(10));
    }
    served
}

/// The body of a GET.
pub(crate) fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{path}: {answer}");
    body.to_owned()
}

/// A token of the issuer for tests.
pub(crate) fn token(address: &str, name: &str) -> String {
    let answer = get(address, &format!("/oidc/token?sub={name}&email={name}@example.com"));
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    answer["id_token"].as_str().unwrap().to_owned()
}

#[test]
fn an_authority_signs_survives_a_kill_and_is_followed_from_outside() {
    let bench = Bench::new();
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let url = format!("http://{address}");
    bench.text("palisade", &["authority", "init", "own"], 0);
    // A folder that has one is left alone.
    bench.text("palisade", &["authority", "init", "own"], 1);
    let served = serve(&bench, "own", &address);
    fs::write(bench.path("root.json"), get(&address, "/trusted_root.json")).unwrap();
    fs::write(bench.path("config.json"), get(&address, "/signing_config.json")).unwrap();
    fs::write(bench.path("file"), "content").unwrap();
    let sign = |name: &str, code: i32| {
        fs::write(bench.path("token"), token(&address, name)).unwrap();
        let bundle = format!("{name}.bundle");
        let arguments = ["sign-blob", "--identity-token", "token", "--signing-config", "config.json"];
        let rest = ["--trusted-root", "root.json", "--bundle", &bundle, "--yes", "file"];
        bench.text("cosign", &[&arguments[..], &rest[..]].concat(), code);
    };
    let verify = |bundle: &str, identity: &str, code: i32| {
        let issuer = format!("{url}/oidc");
        let arguments = ["verify-blob", "--bundle", bundle, "--trusted-root", "root.json", "--certificate-oidc-issuer"];
        let rest = [issuer.as_str(), "--certificate-identity", identity, "file"];
        bench.text("cosign", &[&arguments[..], &rest[..]].concat(), code);
    };
    let monitor = |identity: &str, code: i32| {
        let arguments = ["authority", "monitor", &url, "--trusted-root", "root.json", "--state", "state", "--identity"];
        let output = bench.run("palisade", &[&arguments[..], &[identity]].concat());
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{error}");
        String::from_utf8_lossy(&output.stdout).into_owned() + &error
    };
    sign("ann", 0);
    verify("ann.bundle", "ann@example.com", 0);
    verify("ann.bundle", "bob@example.com", 1);
    assert!(monitor("^bob@", 0).starts_with("1 entries"));

    // Nothing that was answered is lost by a kill; the old log without the second entry is a rollback.
    drop(served);
    let copy = std::process::Command::new("cp").args(["-r", "own", "old"]).current_dir(bench.path("")).status();
    assert!(copy.unwrap().success());
    let served = serve(&bench, "own", &address);
    sign("bob", 0);
    verify("ann.bundle", "ann@example.com", 0);
    verify("bob.bundle", "bob@example.com", 0);
    assert!(monitor("^bob@", 2).contains("ALERT entry 1: bob@example.com"));
    assert!(monitor("^bob@", 0).starts_with("2 entries"));
    drop(served);
    let served = serve(&bench, "old", &address);
    assert!(monitor("^bob@", 1).contains("rolled back from 2 to 1"));
    sign("eve", 0);
    assert!(monitor("^bob@", 1).contains("forked"));
    drop(served);
    bench.text("palisade", &["authority", "verify", "own"], 0);
}

/// Sends a request, and gives the whole answer.
fn post(address: &str, path: &str, heads: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!("POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{heads}");
    write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn no_token_and_no_password_is_told() {
    let bench = Bench::new();
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    bench.text("palisade", &["authority", "init", "own"], 0);
    let served = serve_with(&bench, "own", &address, &[("RUST_LOG", "trace")]);
    let canary = "canary0token";
    let valid = token(&address, "ann");
    let [head, claims, signature] = valid.splitn(3, '.').collect::<Vec<_>>().try_into().unwrap();
    let tokens = [
        canary.to_owned(),
        format!("{canary}.{canary}.{canary}"),
        format!("{head}.{claims}.{canary}"),
        format!("{head}.{canary}.{signature}"),
        format!("{canary}.{claims}.{signature}"),
        format!("{valid}{canary}"),
        valid.clone(),
    ];
    let mut told = String::new();
    for token in &tokens {
        let json = "Content-Type: application/json\r\n";
        let key =
            r#""publicKeyRequest":{"publicKey":{"algorithm":"ECDSA","content":"none"},"proofOfPossession":"bm9uZQ=="}"#;
        let body = format!(r#"{{"credentials":{{"oidcIdentityToken":"{token}"}},{key}}}"#);
        let answers = [
            post(&address, "/api/v2/signingCert", json, &body),
            // A body that ends within the token.
            post(&address, "/api/v2/signingCert", json, &body[..40 + token.len() / 2]),
            post(&address, "/api/v1/signingCert", &format!("{json}Authorization: Bearer {token}\r\n"), "{}"),
            post(&address, "/api/v2/log/entries", &format!("{json}Authorization: Bearer {token}\r\n"), &body),
            post(&address, "/api/v1/log/entries", json, &body),
            post(&address, "/api/v1/index/retrieve", json, &body),
            post(&address, "/api/v1/timestamp", json, &body),
        ];
        for answer in answers {
            assert!(answer.starts_with("HTTP/1.1 4") || answer.ends_with("\r\n\r\n[]\n"), "{answer}");
            told.push_str(&answer);
        }
    }
    told.push_str(&get(&address, "/metrics"));
    assert!(told.contains("fulcio_refused_total"));
    drop(served);
    let log = fs::read_to_string(bench.path("served.log")).unwrap();
    assert!(log.lines().count() > 20, "a log that says nothing proves nothing: {log}");
    told.push_str(&log);
    for secret in [canary, signature, &valid] {
        assert!(!told.contains(secret), "{secret} is told: {told}");
    }

    // A database that is not there, by each way that a password can be given.
    let database = |user: &str| format!("postgres://{user}@127.0.0.1:1/logs?connect_timeout=2");
    fs::write(bench.path("connection"), database("ann:canary0password")).unwrap();
    let plain = database("ann");
    let url = ["--url", "https://sigstore.example"];
    bench.text("palisade", &[&["authority", "init", "shared", "--storage", &plain][..], &url].concat(), 0);
    let with_password = database("ann:canary0password");
    let serve = ["authority", "serve", "shared", "--listen", "127.0.0.1:0"];
    for (arguments, variable, hint) in [
        (vec![], ("PGPASSWORD", "canary0password"), "connection string"),
        (vec![], ("PALISADE_AUTHORITY_STORAGE", with_password.as_str()), "connection string"),
        (vec!["--storage-file", "connection"], ("LANG", "C"), "connection string"),
        (vec!["--storage", with_password.as_str()], ("LANG", "C"), "--storage-file"),
        (vec![], ("PALISADE_AUTHORITY_STORAGE", "host=db password='canary0password"), "name=value"),
        (vec![], ("PALISADE_AUTHORITY_STORAGE", "canary0password"), "name=value"),
        (vec![], ("PALISADE_AUTHORITY_STORAGE", "host=db canary0password=1"), "name=value"),
    ] {
        let mut command = bench.command("palisade", &[&serve[..], &arguments].concat());
        let output = command.env("RUST_LOG", "trace").env(variable.0, variable.1).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(hint) && !said.contains("canary"), "{variable:?} {arguments:?}: {said}");
    }
    let kept = ["authority", "init", "kept", "--storage", &with_password];
    let refused = bench.run("palisade", &[&kept[..], &url].concat());
    assert!(!refused.status.success() && !String::from_utf8_lossy(&refused.stderr).contains("canary"));
    assert!(!bench.path("kept").exists());
}
