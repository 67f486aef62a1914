use crate::Mount;
use logical::Operation::Update;
use serde_json::{Value, json};

const CONTEXT: &str = "Y29udGV4dA==";

#[tokio::test]
async fn what_is_encrypted_is_decrypted_and_nothing_else() {
    let mount = Mount::default();
    for kind in ["aes128-gcm96", "aes256-gcm96", "chacha20-poly1305", "xchacha20-poly1305", "rsa-2048"] {
        for derived in [false, true] {
            if derived && kind == "rsa-2048" {
                continue;
            }
            let name = format!("{kind}-{derived}");
            mount.post(&format!("keys/{name}"), json!({"type": kind, "derived": derived})).await;
            let mut context = if derived { json!({ "context": CONTEXT }) } else { json!({}) };
            if kind != "rsa-2048" {
                context["associated_data"] = "YWQ=".into();
            }
            let ask = |more: Value| {
                let mut data = context.clone();
                data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
                data
            };
            let (encrypt, decrypt) = (format!("encrypt/{name}"), format!("decrypt/{name}"));
            let sealed = mount.post(&encrypt, ask(json!({"plaintext": "aGVsbG8="}))).await["ciphertext"].clone();
            let again = mount.post(&encrypt, ask(json!({"plaintext": "aGVsbG8="}))).await["ciphertext"].clone();
            assert_ne!(sealed, again, "{name}");
            let opened = mount.post(&decrypt, ask(json!({ "ciphertext": sealed }))).await;
            assert_eq!(opened["plaintext"], "aGVsbG8=", "{name}");
            if kind != "rsa-2048" {
                let bent = ask(json!({"ciphertext": sealed, "associated_data": "YWU="}));
                let (status, told) = mount.refusal(Update, &decrypt, bent).await;
                assert!(status == 400 && told.ends_with("message authentication failed"), "{told}");
            }
            if derived {
                let bent = ask(json!({"ciphertext": sealed, "context": "YWU="}));
                assert_eq!(mount.refusal(Update, &decrypt, bent).await.0, 400);
                let (_, told) = mount.refusal(Update, &encrypt, json!({"plaintext": ""})).await;
                assert!(told.starts_with("missing 'context' for key derivation"), "{told}");
            }
        }
    }
    for (ciphertext, told) in [
        ("x", "invalid ciphertext: no prefix"),
        ("vault:v1", "invalid ciphertext: wrong number of fields"),
        ("vault:vx:aGk=", "invalid ciphertext: version number could not be decoded"),
        ("vault:v2:aGk=", "invalid ciphertext: version is too new"),
        ("vault:v1:!", "invalid ciphertext: could not decode base64"),
        ("vault:v1:aGk=", "invalid ciphertext length"),
        ("", "missing ciphertext to decrypt"),
    ] {
        let refused = mount.refusal(Update, "decrypt/aes256-gcm96-false", json!({ "ciphertext": ciphertext })).await;
        assert_eq!(refused, (400, told.to_owned()));
    }
    let refused = mount.refusal(Update, "encrypt/aes256-gcm96-false", json!({"plaintext": "a!"})).await;
    assert_eq!(refused, (400, "illegal base64 data at input byte 1".to_owned()));
}

#[tokio::test]
async fn convergent_keys_give_the_same_ciphertext_for_the_same_plaintext() {
    let mount = Mount::default();
    mount.post("keys/c", json!({"derived": true, "convergent_encryption": true})).await;
    let seal = async |plaintext: &str, context: &str| {
        mount.post("encrypt/c", json!({"plaintext": plaintext, "context": context})).await["ciphertext"].clone()
    };
    let first = seal("aGk=", CONTEXT).await;
    assert_eq!(first, seal("aGk=", CONTEXT).await);
    assert_ne!(first, seal("aGo=", CONTEXT).await);
    assert_ne!(first, seal("aGk=", "YQ==").await);
}

#[tokio::test]
async fn a_batch_answers_item_by_item() {
    let mount = Mount::default();
    mount.post("keys/k", json!({})).await;
    let batch = json!({"batch_input": [{"plaintext": "aGk=", "reference": "a"}, {"plaintext": "!"}]});
    let answer = mount.ask(Update, "encrypt/k", batch.clone()).await.unwrap();
    let results = answer.data.unwrap()["batch_results"].clone();
    assert_eq!(answer.status, Some(400));
    assert_eq!((&results[0]["reference"], &results[0]["key_version"]), (&json!("a"), &json!(1)));
    assert_eq!(results[1], json!({"error": "illegal base64 data at input byte 0", "reference": ""}));
    let mut partial = batch.clone();
    partial["partial_failure_response_code"] = 207.into();
    assert_eq!(mount.ask(Update, "encrypt/k", partial).await.unwrap().status, Some(207));
    let both = json!({"batch_input": [{"ciphertext": results[0]["ciphertext"]}, {"ciphertext": ""}]});
    let answer = mount.ask(Update, "decrypt/k", both).await.unwrap().data.unwrap()["batch_results"].clone();
    assert_eq!(
        (&answer[0]["plaintext"], &answer[1]["error"]),
        (&json!("aGk="), &json!("missing ciphertext to decrypt"))
    );
    for (batch, status, told) in [
        (json!([]), 400, "missing batch input to process"),
        (json!([{}]), 500, "'[0].plaintext' missing plaintext to encrypt"),
        (json!([{"plaintext": 1}]), 500, "'[0].plaintext' expected type 'string'"),
        (json!([1]), 500, "[0] expected a map"),
        (json!([{"plaintext": ""}, {"plaintext": "", "context": "YQ=="}]), 400, "context should be set either in all"),
    ] {
        let refused = mount.refusal(Update, "encrypt/k", json!({ "batch_input": batch })).await;
        assert!(refused.0 == status && refused.1.contains(told), "{refused:?}");
    }
}

#[tokio::test]
async fn what_is_signed_is_verified_and_nothing_else() {
    let mount = Mount::default();
    for kind in ["ed25519", "ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "rsa-2048"] {
        mount.post(&format!("keys/{kind}"), json!({"type": kind})).await;
        for options in [
            json!({}),
            json!({"marshaling_algorithm": "jws"}),
            json!({"signature_algorithm": "pkcs1v15", "hash_algorithm": "sha2-512"}),
            json!({"salt_length": "hash", "hash_algorithm": "sha2-384"}),
        ] {
            let ask = |more: Value| {
                let mut data = options.clone();
                data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
                data
            };
            let signed = mount.post(&format!("sign/{kind}"), ask(json!({"input": "aGk="}))).await;
            let verify = format!("verify/{kind}");
            let signature = &signed["signature"];
            let valid = ask(json!({"input": "aGk=", "signature": signature}));
            assert_eq!(mount.post(&verify, valid).await, json!({"valid": true}), "{kind} {options}");
            let bent = ask(json!({"input": "aGo=", "signature": signature}));
            assert_eq!(mount.post(&verify, bent).await, json!({"valid": false}), "{kind} {options}");
        }
        // The digest instead of the input is the same.
        let hashed = mount.post("hash", json!({"input": "aGk=", "format": "base64"})).await["sum"].clone();
        if kind != "ed25519" {
            let signed = mount.post(&format!("sign/{kind}"), json!({"input": hashed, "prehashed": true})).await;
            let valid = json!({"input": "aGk=", "signature": signed["signature"]});
            assert_eq!(mount.post(&format!("verify/{kind}"), valid).await["valid"], true, "{kind}");
        }
    }
    let batch = json!({"batch_input": [{"input": "aGk=", "reference": "r"}, {"input": "!"}, {}]});
    let results = mount.post("sign/ed25519", batch).await["batch_results"].clone();
    assert_eq!((&results[0]["reference"], &results[0]["key_version"]), (&json!("r"), &json!(1)));
    assert_eq!(results[2], json!({"error": "missing input", "key_version": 0, "reference": ""}));
    for (path, data, told) in [
        ("verify/ed25519", json!({}), "neither a 'signature' nor an 'hmac' were given to verify"),
        ("verify/ed25519", json!({"signature": "", "hmac": ""}), "invalid signature: no prefix"),
        ("verify/ed25519", json!({"signature": "vault:v7:aGk="}), "invalid signature: version is too new"),
        ("verify/ecdsa-p256", json!({"signature": "vault:v1:aGk="}), "supplied signature is invalid"),
        ("sign/ed25519/sha9", json!({}), "invalid hash algorithm \"sha9\""),
        ("sign/ed25519", json!({"hash_algorithm": "none"}), "hash_algorithm=none requires both"),
        ("sign/rsa-2048", json!({"salt_length": "300"}), "requested salt length 300 is invalid"),
        ("sign/rsa-2048", json!({"signature_algorithm": "x"}), "unsupported rsa signature algorithm x"),
        ("sign/none", json!({}), "signing key not found"),
    ] {
        let (_, text) = mount.refusal(Update, path, data).await;
        assert!(text.contains(told), "{text}");
    }
}

#[tokio::test]
async fn hmacs_data_keys_hashes_and_randomness() {
    let mount = Mount::default();
    mount.post("keys/k", json!({})).await;
    let made = mount.post("hmac/k/sha2-384", json!({"input": "aGk="})).await;
    let verify = |input: &str, algorithm: &str| json!({"input": input, "hmac": made["hmac"], "algorithm": algorithm});
    assert_eq!(mount.post("verify/k", verify("aGk=", "sha2-384")).await["valid"], true);
    assert_eq!(mount.post("verify/k", verify("aGo=", "sha2-384")).await["valid"], false);
    assert_eq!(mount.post("verify/k/sha2-256", verify("aGk=", "sha2-384")).await["valid"], false);
    let key = mount.post("datakey/plaintext/k", json!({"bits": 512})).await;
    let opened = mount.post("decrypt/k", json!({"ciphertext": key["ciphertext"]})).await;
    assert_eq!(opened["plaintext"], key["plaintext"]);
    assert!(mount.post("datakey/wrapped/k", json!({})).await.get("plaintext").is_none());
    assert_eq!(mount.refusal(Update, "datakey/other/k", json!({})).await.0, 400);
    for (path, data, length) in [
        ("random", json!({}), 44),
        ("random/8", json!({"format": "hex"}), 16),
        ("random/platform/3", json!({}), 4),
        ("random/all", json!({"bytes": 6}), 8),
    ] {
        assert_eq!(mount.post(path, data).await["random_bytes"].as_str().unwrap().len(), length, "{path}");
    }
    for bytes in [0, -1, 131_073] {
        assert_eq!(mount.refusal(Update, "random", json!({ "bytes": bytes })).await.0, 400);
    }
    let sum = mount.post("hash/sha3-256", json!({"input": "YWJj"})).await["sum"].clone();
    assert_eq!(sum, "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532");
}
