use axum::http::StatusCode;
use serde_json::{Value, json};
use signing::{PrivateKey, Signer};
use tlog::{Hash, SignedCheckpoint, ecdsa_key_id, leaf_hash, sha256, verify_consistency, verify_inclusion};

use crate::{Server, base64, sign, statement, unbase64};

const ENTRIES: &str = "/api/v1/log/entries";

fn hashed_rekord(artifact: &[u8], key: &PrivateKey, signature: &[u8]) -> Value {
    json!({"kind": "hashedrekord", "apiVersion": "0.0.1", "spec": {
        "data": {"hash": {"algorithm": "sha256", "value": sha256(&[artifact]).to_hex()}},
        "signature": {
            "content": base64(signature),
            "publicKey": {"content": base64(key.public_key().to_pem().as_bytes())},
        },
    }})
}

fn hash(value: &Value) -> Hash {
    Hash::from_hex(value.as_str().unwrap()).unwrap()
}

/// All that a client checks of an entry: its ID, promise, proof and checkpoint.
fn check(server: &Server, named: &Value) -> (String, Value) {
    let (id, entry) = named.as_object().unwrap().iter().next().unwrap();
    let public = server.v1.public_key();
    let promised = json!({
        "body": entry["body"],
        "integratedTime": entry["integratedTime"],
        "logID": entry["logID"],
        "logIndex": entry["logIndex"],
    });
    let promise = bundle::canonical::to_vec(&promised).unwrap();
    public.verify(&promise, &unbase64(&entry["verification"]["signedEntryTimestamp"])).unwrap();
    assert_eq!(hash(&entry["logID"]).0, public.id());
    let proof = &entry["verification"]["inclusionProof"];
    let hashes: Vec<Hash> = proof["hashes"].as_array().unwrap().iter().map(hash).collect();
    let (index, size) = (proof["logIndex"].as_u64().unwrap(), proof["treeSize"].as_u64().unwrap());
    let leaf = leaf_hash(&unbase64(&entry["body"]));
    verify_inclusion(&leaf, index, size, &hashes, &hash(&proof["rootHash"])).unwrap();
    assert_eq!((id.len(), &id[16..]), (80, leaf.to_hex().as_str()));
    let signed = SignedCheckpoint::parse(proof["checkpoint"].as_str().unwrap().as_bytes()).unwrap();
    assert_eq!((signed.checkpoint.size, signed.checkpoint.root), (size, hash(&proof["rootHash"])));
    let tree = u64::from_str_radix(&id[..16], 16).unwrap();
    assert_eq!(signed.checkpoint.origin, format!("log.example - {tree}"));
    let key_id = ecdsa_key_id(public.to_spki());
    signed.note.verify("log.example", key_id, |text, signature| public.verify(text, signature)).unwrap();
    (id.clone(), serde_json::from_slice(&unbase64(&entry["body"])).unwrap())
}

#[tokio::test]
async fn an_entry_is_logged_once_and_found_by_index_uuid_and_hash() {
    let server = Server::start().await;
    let (key, signature) = sign(b"artifact");
    let proposal = hashed_rekord(b"artifact", &key, &signature);
    let created = server.post(ENTRIES, &proposal).await;
    assert_eq!(created.status, StatusCode::CREATED);
    let (id, body) = check(&server, &created.json());
    assert_eq!(body, proposal);
    assert_eq!(created.headers["location"], format!("{ENTRIES}/{id}"));
    assert_eq!(created.headers["etag"], id);
    assert!(created.bytes.ends_with(b"}\n"));

    let again = server.post(ENTRIES, &proposal).await;
    assert_eq!(again.headers["location"], format!("{ENTRIES}/{id}"));
    let message = format!("an equivalent entry already exists in the transparency log with UUID {id}");
    assert_eq!((again.status, again.json()), (StatusCode::CONFLICT, json!({"code": 409, "message": message})));

    for path in [format!("{ENTRIES}?logIndex=0"), format!("{ENTRIES}/{id}"), format!("{ENTRIES}/{}", &id[16..])] {
        let found = server.get(&path).await;
        assert_eq!((found.status, check(&server, &found.json()).0), (StatusCode::OK, id.clone()), "{path}");
    }
    for query in [json!({"entryUUIDs": [id]}), json!({"logIndexes": [0, 7]}), json!({"entries": [proposal]})] {
        let found = server.post(&format!("{ENTRIES}/retrieve"), &query).await.json();
        assert_eq!(check(&server, &found[0]).0, id, "{query}");
        assert_eq!(found.as_array().unwrap().len(), 1);
    }
    let digest = sha256(&[b"artifact"]).to_hex();
    let pem = base64(key.public_key().to_pem().as_bytes());
    let public_key = json!({"format": "x509", "content": pem});
    for (query, found) in [
        (json!({"hash": digest}), json!([id])),
        (json!({"hash": format!("sha256:{digest}")}), json!([id])),
        (json!({"publicKey": public_key}), json!([id])),
        (json!({"publicKey": public_key, "hash": digest, "operator": "and"}), json!([id])),
        (json!({"publicKey": public_key, "hash": "00", "operator": "and"}), json!([])),
        (json!({"publicKey": public_key, "hash": "00"}), json!([id])),
        (json!({"email": "a@example.com"}), json!([])),
    ] {
        assert_eq!(server.post("/api/v1/index/retrieve", &query).await.json(), found, "{query}");
    }
}

#[tokio::test]
async fn envelopes_are_logged_in_both_kinds() {
    let server = Server::start().await;
    let payload = statement("thing");
    let (key, signature) = sign(&bundle::pae(bundle::IN_TOTO_PAYLOAD_TYPE, &payload));
    let pem = key.public_key().to_pem();
    let envelope = json!({
        "payload": base64(&payload),
        "payloadType": bundle::IN_TOTO_PAYLOAD_TYPE,
        "signatures": [{"sig": base64(&signature)}],
    });
    let dsse = |verifier: &str| {
        json!({"kind": "dsse", "apiVersion": "0.0.1", "spec": {"proposedContent": {
            "envelope": envelope.to_string(), "verifiers": [base64(verifier.as_bytes())],
        }}})
    };
    let created = server.post(ENTRIES, &dsse(&pem)).await;
    assert_eq!(created.status, StatusCode::CREATED);
    let (dsse_id, body) = check(&server, &created.json());
    let sha = |bytes: &[u8]| json!({"algorithm": "sha256", "value": sha256(&[bytes]).to_hex()});
    assert_eq!(
        body["spec"],
        json!({
            "envelopeHash": sha(envelope.to_string().as_bytes()),
            "payloadHash": sha(&payload),
            "signatures": [{"signature": base64(&signature), "verifier": base64(pem.as_bytes())}],
        })
    );
    let twice = |bytes: &[u8]| base64(base64(bytes).as_bytes());
    let intoto = json!({"kind": "intoto", "apiVersion": "0.0.2", "spec": {"content": {
        "envelope": {
            "payload": twice(&payload),
            "payloadType": bundle::IN_TOTO_PAYLOAD_TYPE,
            "signatures": [{"sig": twice(&signature), "publicKey": base64(pem.as_bytes())}],
        },
        "hash": sha(envelope.to_string().as_bytes()),
    }}});
    let created = server.post(ENTRIES, &intoto).await;
    assert_eq!(created.status, StatusCode::CREATED);
    let (intoto_id, body) = check(&server, &created.json());
    assert_eq!(body["spec"]["content"]["payloadHash"], sha(&payload));
    assert_eq!(body["spec"]["content"]["envelope"]["payload"], Value::Null);

    let query = json!({"hash": sha256(&[b"thing"]).to_hex()});
    assert_eq!(server.post("/api/v1/index/retrieve", &query).await.json(), json!([dsse_id, intoto_id]));

    let stranger = sign(b"").0.public_key().to_pem();
    let mut bent = intoto;
    bent["spec"]["content"]["envelope"]["payload"] = json!(twice(b"{}"));
    for wrong in [dsse(&stranger), bent] {
        let answer = server.post(ENTRIES, &wrong).await;
        let message = "error processing entry: could not verify envelope: accepted signatures do not match threshold, \
                       Found: 0, Expected 1";
        assert_eq!((answer.status, answer.json()), (StatusCode::BAD_REQUEST, json!({"code": 400, "message": message})));
    }
}

#[tokio::test]
async fn content_is_verified_and_not_kept() {
    let server = Server::start().await;
    let (key, signature) = sign(b"content");
    let proposal = |content: &[u8], hash: Value| {
        json!({"kind": "rekord", "apiVersion": "0.0.1", "spec": {
            "data": {"content": base64(content), "hash": hash},
            "signature": {
                "format": "x509",
                "content": base64(&signature),
                "publicKey": {"content": base64(key.public_key().to_pem().as_bytes())},
            },
        }})
    };
    let sha = json!({"algorithm": "sha256", "value": sha256(&[b"content"]).to_hex()});
    let created = server.post(ENTRIES, &proposal(b"content", Value::Null)).await;
    assert_eq!(created.status, StatusCode::CREATED);
    let (id, body) = check(&server, &created.json());
    assert_eq!(body["spec"]["data"], json!({"hash": sha}));
    assert_eq!(server.post(ENTRIES, &proposal(b"content", sha.clone())).await.status, StatusCode::CONFLICT);
    let query = json!({"hash": sha256(&[b"content"]).to_hex()});
    assert_eq!(server.post("/api/v1/index/retrieve", &query).await.json(), json!([id]));
    let mut pgp = proposal(b"content", Value::Null);
    pgp["spec"]["signature"]["format"] = json!("pgp");
    for wrong in [proposal(b"other", Value::Null), proposal(b"other", sha), pgp] {
        assert_eq!(server.post(ENTRIES, &wrong).await.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}

#[tokio::test]
async fn an_entry_that_does_not_hold_is_refused() {
    let server = Server::start().await;
    let (key, signature) = sign(b"artifact");
    let good = hashed_rekord(b"artifact", &key, &signature);
    let with = |path: &str, value: Value| {
        let mut proposal = good.clone();
        *proposal.pointer_mut(path).unwrap() = value;
        proposal
    };
    for wrong in [
        hashed_rekord(b"another", &key, &signature),
        hashed_rekord(b"artifact", &sign(b"").0, &signature),
        with("/spec/data/hash/value", json!("00")),
        with("/spec/data/hash/algorithm", json!("md5")),
        with("/spec/signature/content", json!("")),
        with("/spec/signature/publicKey/content", json!(base64(b"no key"))),
        with("/apiVersion", json!("0.0.9")),
        with("/spec", json!(null)),
    ] {
        let answer = server.post(ENTRIES, &wrong).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
        let message = answer.json()["message"].as_str().unwrap().to_owned();
        assert!(message.starts_with("error processing entry: "), "{message}");
    }
    for wrong in [with("/kind", json!("unknown")), json!([]), json!({})] {
        assert_eq!(server.post(ENTRIES, &wrong).await.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}

#[tokio::test]
async fn the_tree_is_described_and_proven() {
    let server = Server::start().await;
    let mut roots = Vec::new();
    for artifact in ["a", "b", "c"] {
        let (key, signature) = sign(artifact.as_bytes());
        server.post(ENTRIES, &hashed_rekord(artifact.as_bytes(), &key, &signature)).await;
        let info = server.get("/api/v1/log").await.json();
        roots.push(hash(&info["rootHash"]));
        assert_eq!(info["treeSize"], roots.len());
    }
    let proof = server.get("/api/v1/log/proof?firstSize=2&lastSize=3").await.json();
    let hashes: Vec<Hash> = proof["hashes"].as_array().unwrap().iter().map(hash).collect();
    verify_consistency(2, &roots[1], 3, &roots[2], &hashes).unwrap();
    let key = server.get("/api/v1/log/publicKey").await;
    assert_eq!(key.bytes, server.v1.public_key().to_pem().into_bytes());
    for (path, status) in [
        ("/api/v1/log/proof", StatusCode::UNPROCESSABLE_ENTITY),
        ("/api/v1/log/proof?lastSize=x", StatusCode::UNPROCESSABLE_ENTITY),
        ("/api/v1/log/proof?firstSize=3&lastSize=2", StatusCode::BAD_REQUEST),
        ("/api/v1/log/proof?lastSize=9", StatusCode::BAD_REQUEST),
        ("/api/v1/log/proof?lastSize=2&treeID=7", StatusCode::BAD_REQUEST),
        ("/api/v1/log/entries", StatusCode::UNPROCESSABLE_ENTITY),
        ("/api/v1/log/entries?logIndex=-1", StatusCode::UNPROCESSABLE_ENTITY),
        ("/api/v1/log/entries?logIndex=9", StatusCode::NOT_FOUND),
        ("/api/v1/log/entries/zz", StatusCode::UNPROCESSABLE_ENTITY),
        (&format!("/api/v1/log/entries/{}", "0".repeat(80)), StatusCode::NOT_FOUND),
        (&format!("/api/v1/log/entries/{}", "0".repeat(64)), StatusCode::NOT_FOUND),
    ] {
        assert_eq!(server.get(path).await.status, status, "{path}");
    }
    let many = json!({"logIndexes": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]});
    let refused = server.post("/api/v1/log/entries/retrieve", &many).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
}
