use axum::http::StatusCode;
use bundle::TlogEntry;
use serde_json::{Value, json};
use signing::{PrivateKey, Signer};
use tlog::{Hash, SignedCheckpoint, ed25519_key_id, leaf_hash, parse_entry_bundle, sha256, verify_inclusion};

use crate::{Server, base64, sign, statement, unbase64};

pub(crate) const ENTRIES: &str = "/api/v2/log/entries";

pub(crate) fn request(artifact: &[u8], key: &PrivateKey, signature: &[u8]) -> Value {
    json!({"hashedRekordRequestV002": {
        "digest": base64(&sha256(&[artifact]).0),
        "signature": {"content": base64(signature), "verifier": verifier(key)},
    }})
}

fn verifier(key: &PrivateKey) -> Value {
    json!({
        "keyDetails": "PKIX_ECDSA_P256_SHA_256",
        "publicKey": {"rawBytes": base64(key.public_key().to_spki())},
    })
}

/// All that a client checks of an answer.
fn check(server: &Server, answer: &[u8]) -> TlogEntry {
    let entry = TlogEntry::parse(answer).unwrap();
    let proof = entry.inclusion_proof.clone().unwrap();
    let hashes: Vec<Hash> = proof.hashes.iter().map(|hash| Hash::try_from(&hash[..]).unwrap()).collect();
    let root = Hash::try_from(&proof.root_hash[..]).unwrap();
    let (index, size) = (proof.log_index as u64, proof.tree_size as u64);
    verify_inclusion(&leaf_hash(&entry.canonicalized_body), index, size, &hashes, &root).unwrap();
    let signed = SignedCheckpoint::parse(proof.checkpoint.as_bytes()).unwrap();
    assert_eq!((signed.checkpoint.size, signed.checkpoint.root), (size, root));
    assert_eq!(signed.checkpoint.origin, "log.example");
    let public = server.v2.public_key();
    let key_id = ed25519_key_id("log.example", public.raw().try_into().unwrap());
    signed.note.verify("log.example", key_id, |text, signature| public.verify(text, signature)).unwrap();
    assert_eq!(entry.log_id, server.v2.id());
    assert_eq!(entry.log_id[..4], key_id);
    entry
}

#[tokio::test]
async fn an_entry_is_logged_once_and_proven() {
    let server = Server::start().await;
    let (key, signature) = sign(b"artifact");
    let request = request(b"artifact", &key, &signature);
    let answer = server.post(ENTRIES, &request).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let printed = answer.json();
    assert_eq!((&printed["integratedTime"], &printed["inclusionPromise"]), (&json!("0"), &json!(null)));
    let entry = check(&server, &answer.bytes);
    let body: Value = serde_json::from_slice(&entry.canonicalized_body).unwrap();
    assert_eq!(
        body,
        json!({"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": {"hashedRekordV002": {
            "data": {"algorithm": "SHA2_256", "digest": base64(&sha256(&[b"artifact"]).0)},
            "signature": request["hashedRekordRequestV002"]["signature"],
        }}})
    );
    let again = server.post(ENTRIES, &request).await;
    assert_eq!((again.status, &again.headers["x-log-index"]), (StatusCode::CONFLICT, &"0".parse().unwrap()));
    let message = "an equivalent entry already exists in the transparency log with index 0";
    assert_eq!(again.json(), json!({"code": 6, "message": message, "details": []}));
}

#[tokio::test]
async fn an_entry_that_does_not_hold_is_refused_as_the_peer_does() {
    let server = Server::start().await;
    let (key, signature) = sign(b"artifact");
    let good = request(b"artifact", &key, &signature);
    let refused = |message: &str| json!({"code": 3, "message": message, "details": []});
    let mut bent = vec![
        request(b"another", &key, &signature),
        request(b"artifact", &sign(b"").0, &signature),
        request(b"artifact", &key, &signature[..20]),
    ];
    for (path, value) in [
        ("/digest", json!("")),
        ("/digest", json!(base64(b"short"))),
        ("/signature/content", json!("")),
        ("/signature/verifier/keyDetails", json!("PKIX_ECDSA_P384_SHA_384")),
        ("/signature/verifier/keyDetails", json!(null)),
        ("/signature/verifier/publicKey/rawBytes", json!("AAAA")),
        ("/signature/verifier/publicKey", json!(null)),
        ("/signature/verifier", json!({"x509Certificate": {"rawBytes": "MAA="}, "keyDetails": 5})),
    ] {
        let mut request = good.clone();
        *request.pointer_mut(&format!("/hashedRekordRequestV002{path}")).unwrap() = value;
        bent.push(request);
    }
    for request in bent {
        let answer = server.post(ENTRIES, &request).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{request}");
        assert_eq!(answer.json(), refused("invalid hashedrekord request"), "{request}");
    }
    let answer = server.post(ENTRIES, &json!({})).await;
    assert_eq!(answer.json(), refused("invalid type, must be hashedrekord"));
    let answer = server.post(ENTRIES, &json!({"hashedRekordRequestV002": {"unknown": 1}})).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let large = json!({"hashedRekordRequestV002": {"digest": "A".repeat(5 << 20)}});
    assert_eq!(server.post(ENTRIES, &large).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(server.post(ENTRIES, &good).await.json()["logIndex"], "0");
}

#[tokio::test]
async fn envelopes_of_older_clients_are_logged_and_found_by_what_they_state() {
    let server = Server::start().await;
    let payload = statement("thing");
    let (key, signature) = sign(&bundle::pae(bundle::IN_TOTO_PAYLOAD_TYPE, &payload));
    let envelope = json!({
        "payload": base64(&payload),
        "payloadType": bundle::IN_TOTO_PAYLOAD_TYPE,
        "signatures": [{"sig": base64(&signature), "keyid": ""}],
    });
    let request = json!({"dsseRequestV002": {"envelope": envelope, "verifiers": [verifier(&key)]}});
    let answer = server.post(ENTRIES, &request).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let entry = check(&server, &answer.bytes);
    assert_eq!((entry.kind_version.kind.as_str(), entry.kind_version.version.as_str()), ("dsse", "0.0.2"));
    let other = json!({"dsseRequestV002": {"envelope": envelope, "verifiers": [verifier(&sign(b"").0)]}});
    assert_eq!(server.post(ENTRIES, &other).await.json()["message"], "invalid dsse request");

    let fingerprint = sha256(&[key.public_key().to_spki()]).to_hex();
    let digest = sha256(&[b"thing"]).to_hex();
    for query in [
        format!("hash=sha256:{digest}"),
        format!("hash={}", digest.to_uppercase()),
        format!("key={fingerprint}"),
        "predicateType=https://example.com/p".to_owned(),
    ] {
        let found = server.get(&format!("/api/v2/search?{query}")).await.json();
        assert_eq!(found["entries"].as_array().unwrap().len(), 1, "{query}");
        let row = check(&server, found["entries"][0].to_string().as_bytes());
        assert_eq!((&row.kind_version, &row.canonicalized_body), (&entry.kind_version, &entry.canonicalized_body));
    }
    assert_eq!(server.get("/api/v2/search?identity=a@example.com").await.json()["entries"], json!([]));
    for wrong in ["", "?from=x&hash=a", "?hash=a&identity=b", "?unknown=1"] {
        assert_eq!(server.get(&format!("/api/v2/search{wrong}")).await.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}

#[tokio::test]
async fn checkpoints_and_tiles_are_served() {
    let server = Server::start().await;
    for artifact in ["a", "b", "c"] {
        let (key, signature) = sign(artifact.as_bytes());
        server.post(ENTRIES, &request(artifact.as_bytes(), &key, &signature)).await;
    }
    let checkpoint = server.get("/api/v2/checkpoint").await;
    let signed = SignedCheckpoint::parse(&checkpoint.bytes).unwrap().checkpoint;
    assert_eq!(signed.size, 3);
    let tile = server.get("/api/v2/tile/0/000.p/3").await;
    let leaves: Vec<Hash> = tile.bytes.chunks(32).map(|hash| Hash::try_from(hash).unwrap()).collect();
    ledger::monitor::leaves_complete(&signed, leaves.clone()).unwrap();
    let bundle = server.get("/tile/entries/000.p/3").await;
    ledger::monitor::entries_match(0, &parse_entry_bundle(&bundle.bytes, 3).unwrap(), &leaves).unwrap();
    for missing in ["0/000", "0/000.p/4", "1/000.p/1", "entries/001", "../checkpoint", "0/0", "0/000.p/0"] {
        assert_eq!(server.get(&format!("/api/v2/tile/{missing}")).await.status, StatusCode::NOT_FOUND, "{missing}");
    }
    let found = server.get("/api/v2/search?limit=1&hash=".to_owned().as_str()).await;
    assert!(found.json().get("next").is_none());
    let body = unbase64(
        &server.get(&format!("/api/v2/search?hash={}", sha256(&[b"b"]))).await.json()["entries"][0]["canonicalizedBody"],
    );
    assert_eq!(leaf_hash(&body), leaves[1]);
}
