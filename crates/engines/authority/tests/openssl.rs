//! What the authority makes, judged by OpenSSL.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not see as tests")]

use authority::{
    Ca, CtKey, Extensions, KeyKind, Principal, PublicKey, Request, Role, SigningKey, State, SubjectName, Tsa, pem,
};
use jiff::Timestamp;
use std::fs;
use std::path::Path;
use std::process::Command;

struct Made {
    ca: Ca,
    ct: CtKey,
    tsa: Tsa,
    root: Vec<u8>,
    tsa_root: Vec<u8>,
}

fn authority(now: Timestamp) -> Made {
    let mut state = State::new("example.org", "http://127.0.0.1:1");
    let root = state.add(Role::CaRoot, None, now).unwrap();
    let ca = state.add(Role::Ca, Some(&root), now).unwrap();
    let ct = state.add(Role::Ct, None, now).unwrap();
    let tsa_root = state.add(Role::TsaRoot, None, now).unwrap();
    let tsa = state.add(Role::Tsa, Some(&tsa_root), now).unwrap();
    let chain = |role| state.active(role).unwrap().chain();
    Made {
        ca: Ca::new(ca, chain(Role::Ca)).unwrap(),
        ct: CtKey::new(ct).unwrap(),
        tsa: Tsa::new(tsa, chain(Role::Tsa)).unwrap(),
        root: chain(Role::CaRoot).remove(0),
        tsa_root: chain(Role::TsaRoot).remove(0),
    }
}

fn openssl(folder: &Path, arguments: &[&str]) -> (bool, String) {
    let output = Command::new("openssl").args(arguments).current_dir(folder).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

fn write_pem(folder: &Path, name: &str, certificates: &[Vec<u8>]) {
    let text: String = certificates.iter().map(|der| pem::encode("CERTIFICATE", der)).collect();
    fs::write(folder.join(name), text).unwrap();
}

#[test]
fn certificates() {
    let now = Timestamp::now();
    let made = authority(now);
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_pem(folder, "root.pem", &[made.root]);
    write_pem(folder, "chain.pem", &made.ca.chain()[..1]);
    let key = SigningKey::generate(KeyKind::P256).unwrap();
    let key = PublicKey::from_spki(key.spki()).unwrap();
    let extensions =
        Extensions::new("https://issuer.example", "subject").with(2, "push").with(12, "https://forge.example/r");
    for (name, shown) in [
        (SubjectName::Email("a@b.example".into()), "email:a@b.example"),
        (SubjectName::Uri("https://b.example/x".into()), "URI:https://b.example/x"),
        (SubjectName::Other("ann!b.example".into()), "othername: 1.3.6.1.4.1.57264.1.7"),
    ] {
        let principal = Principal { challenge: String::new(), name, extensions: extensions.clone() };
        let pre = made.ca.precertificate(&principal, &key, now).unwrap();
        let sct = made.ct.sct(&pre.entry, now, &[]).unwrap();
        let certificate = made.ca.certificate(&pre, &sct).unwrap();
        write_pem(folder, "leaf.pem", &[certificate]);
        let (good, text) = openssl(
            folder,
            &[
                "verify",
                "-x509_strict",
                "-CAfile",
                "root.pem",
                "-untrusted",
                "chain.pem",
                "-purpose",
                "any",
                "leaf.pem",
            ],
        );
        assert!(good, "{text}");
        let (_, text) = openssl(folder, &["x509", "-in", "leaf.pem", "-noout", "-text"]);
        for part in [shown, "Code Signing", "CT Precertificate SCTs", "Digital Signature", "1.3.6.1.4.1.57264.1.8"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        write_pem(folder, "pre.pem", &[made.ca.poisoned(&pre).unwrap()]);
        let (_, text) = openssl(folder, &["x509", "-in", "pre.pem", "-noout", "-text"]);
        assert!(text.contains("CT Precertificate Poison: critical"), "{text}");
    }
}

#[test]
fn timestamps() {
    let made = authority(Timestamp::now());
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_pem(folder, "root.pem", &[made.tsa_root]);
    write_pem(folder, "tsa.pem", &made.tsa.chain()[..1]);
    fs::write(folder.join("data"), "data").unwrap();
    fs::write(folder.join("other"), "other").unwrap();
    for (arguments, embedded) in
        [(&["-sha256", "-cert"][..], true), (&["-sha512"], false), (&["-sha384", "-no_nonce"], false)]
    {
        let query = [&["ts", "-query", "-data", "data", "-out", "query"][..], arguments].concat();
        assert!(openssl(folder, &query).0);
        let request = Request::parse(&fs::read(folder.join("query")).unwrap()).unwrap();
        fs::write(folder.join("reply"), made.tsa.respond(&request, Timestamp::now()).unwrap()).unwrap();
        let mut verify = vec!["ts", "-verify", "-queryfile", "query", "-in", "reply", "-CAfile", "root.pem"];
        if !embedded {
            verify.extend(["-untrusted", "tsa.pem"]);
        }
        let (good, text) = openssl(folder, &verify);
        assert!(good, "{text}");
        let other = ["ts", "-verify", "-data", "other", "-in", "reply", "-CAfile", "root.pem", "-untrusted", "tsa.pem"];
        assert!(!openssl(folder, &other).0);
    }
    assert!(openssl(folder, &["ts", "-query", "-data", "data", "-sha1", "-out", "query"]).0);
    let query = fs::read(folder.join("query")).unwrap();
    assert_eq!(Request::parse(&query).unwrap_err().reason(), "weak_hash");
    assert_eq!(Request::parse(&query[..query.len() - 1]).unwrap_err().reason(), "malformed");
    assert_eq!(Request::parse(&[query, vec![0; 70_000]].concat()).unwrap_err().reason(), "too_long");
}
