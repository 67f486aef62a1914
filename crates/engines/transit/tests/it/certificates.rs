//! `request.pem`, `public.pem` and `chain.pem` are OpenSSL's: a request with a name in it, its key, its certificate and that
//! of the authority.

use crate::Mount;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use logical::Operation::Update;
use serde_json::{Value, json};

/// An element of DER as it stands, its content, and what follows it.
fn element(bytes: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let byte = |place: usize| bytes.get(place).copied().map(usize::from).unwrap();
    let (start, length) = match byte(1) {
        0x81 => (3, byte(2)),
        0x82 => (4, byte(2) << 8 | byte(3)),
        short => (2, short),
    };
    let (whole, rest) = bytes.split_at(start + length);
    (whole, whole.split_at(start).1, rest)
}

fn body(pem: &str) -> Vec<u8> {
    let text: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    STANDARD.decode(text).unwrap()
}

#[tokio::test]
async fn a_certificate_request_is_signed_by_the_key() {
    let mount = Mount::default();
    for kind in ["ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "ed25519", "rsa-2048"] {
        mount.post(&format!("keys/{kind}"), json!({ "type": kind })).await;
        let template = include_str!("request.pem");
        for csr in [Value::Null, template.into()] {
            let answer = mount.post(&format!("keys/{kind}/csr"), json!({ "csr": csr })).await;
            let der = body(answer["csr"].as_str().unwrap());
            let (_, whole, _) = element(&der);
            let (info, _, rest) = element(whole);
            let (_, _, rest) = element(rest);
            let (_, signature, _) = element(rest);
            let hash = match kind {
                "ecdsa-p384" => "sha2-384",
                "ecdsa-p521" => "sha2-512",
                _ => "sha2-256",
            };
            let verify = json!({
                "input": STANDARD.encode(info), "hash_algorithm": hash, "signature_algorithm": "pkcs1v15",
                "signature": format!("vault:v1:{}", STANDARD.encode(&signature[1..])),
            });
            assert_eq!(mount.post(&format!("verify/{kind}"), verify).await["valid"], true, "{kind}");
            let has_name = der.windows(12).any(|part| part == b"leaf.example");
            assert_eq!(has_name, !csr.is_null(), "subject and attributes are those of the template");
        }
    }
    let refused = mount.refusal(Update, "keys/ed25519/csr", json!({"csr": "x"})).await;
    assert_eq!(refused, (400, "could not decode PEM CSR".to_owned()));
}

#[tokio::test]
async fn a_chain_is_kept_with_the_key_that_it_certifies_and_with_no_other() {
    let mount = Mount::default();
    let chain = include_str!("chain.pem");
    mount.post("keys/k/import", json!({"type": "ecdsa-p256", "public_key": include_str!("public.pem")})).await;
    let answer = mount.post("keys/k/set-certificate", json!({ "certificate_chain": chain })).await;
    assert_eq!(answer, json!({"name": "k", "type": "ecdsa-p256", "certificate_chain": chain}));
    assert_eq!(mount.read("keys/k").await["keys"]["1"]["certificate_chain"], chain.trim_end());
    assert_eq!(mount.read("export/certificate-chain/k").await["keys"]["1"], chain.trim_end());
    mount.post("keys/other", json!({"type": "ecdsa-p256"})).await;
    let (leaf, authority) = chain.split_at(chain[10..].find("-----BEGIN").unwrap() + 10);
    for (name, chain, told) in [
        ("other", chain.to_owned(), "leaf certificate public key does not match"),
        ("k", format!("{authority}{leaf}"), "not a valid leaf certificate"),
        ("k", format!("{leaf}{leaf}"), "not a valid CA certificate"),
        ("k", String::new(), "did not contain any valid PEM"),
        ("k", chain[..200].to_owned(), "could not decode a PEM block"),
    ] {
        let path = format!("keys/{name}/set-certificate");
        let (_, text) = mount.refusal(Update, &path, json!({ "certificate_chain": chain })).await;
        assert!(text.contains(told), "{text}");
    }
}

#[tokio::test]
async fn two_parties_agree_on_a_key() {
    let (ours, theirs) = (Mount::default(), Mount::default());
    for kind in ["ecdsa-p256", "ecdsa-p384", "ecdsa-p521"] {
        let public = async |mount: &Mount| {
            mount.post(&format!("keys/{kind}"), json!({ "type": kind })).await["keys"]["1"]["public_key"].clone()
        };
        let (our_key, their_key) = (public(&ours).await, public(&theirs).await);
        let derive = |peer: &Value| json!({"base_key_name": kind, "peer_public_key": peer});
        let path = format!("derive-key/shared-{kind}");
        ours.post(&path, derive(&their_key)).await;
        theirs.post(&path, derive(&our_key)).await;
        let sealed = ours.post(&format!("encrypt/shared-{kind}"), json!({"plaintext": "aGk="})).await;
        let opened = theirs.post(&format!("decrypt/shared-{kind}"), json!({"ciphertext": sealed["ciphertext"]})).await;
        assert_eq!(opened["plaintext"], "aGk=");
        ours.refusal(Update, &path, derive(&their_key)).await;
    }
    let other = ours.read("keys/ecdsa-p384").await["keys"]["1"]["public_key"].clone();
    let derive = json!({"base_key_name": "ecdsa-p256", "peer_public_key": other});
    let (_, told) = ours.refusal(Update, "derive-key/x", derive).await;
    assert!(told.contains("does not match peer public key curve"), "{told}");
}
