use crate::Mount;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use logical::Backend;
use logical::Operation::{Create, Delete, List, Read, Update};
use serde_json::{Value, json};
use std::sync::Arc;

#[tokio::test]
async fn a_key_lives_its_life() {
    let mount = Mount::default();
    let made = mount.post("keys/k", json!({})).await;
    assert_eq!(
        made,
        json!({
            "name": "k", "type": "aes256-gcm96", "derived": false, "deletion_allowed": false,
            "min_available_version": 0, "min_decryption_version": 1, "min_encryption_version": 0,
            "latest_version": 1, "exportable": false, "allow_plaintext_backup": false,
            "supports_encryption": true, "supports_decryption": true, "supports_signing": false,
            "supports_derivation": true, "auto_rotate_period": 0, "imported_key": false, "soft_deleted": false,
            "keys": {"1": 1_000_000_000},
        })
    );
    assert_eq!(mount.post("keys/k", json!({"type": "rsa-2048"})).await, made, "a key that is there stays");
    let first = mount.post("encrypt/k", json!({"plaintext": "aGk="})).await["ciphertext"].clone();
    for _ in 0..9 {
        mount.post("keys/k/rotate", json!({})).await;
    }
    let decrypt = json!({ "ciphertext": first });
    assert_eq!(mount.post("decrypt/k", decrypt.clone()).await["plaintext"], "aGk=");
    let (_, told) = mount.refusal(Update, "keys/k/config", json!({"min_decryption_version": 11})).await;
    assert_eq!(told, "cannot set min decryption version of 11, latest key version is 10");
    let (_, told) =
        mount.refusal(Update, "keys/k/config", json!({"min_decryption_version": 5, "min_encryption_version": 3})).await;
    assert!(told.contains("must be greater than or equal"), "{told}");
    mount.post("keys/k/config", json!({"min_decryption_version": 3, "min_encryption_version": 9})).await;
    let (_, told) = mount.refusal(Update, "decrypt/k", decrypt.clone()).await;
    assert_eq!(told, "ciphertext or signature version is disallowed by policy (too old)");
    let (_, told) = mount.refusal(Update, "encrypt/k", json!({"plaintext": "", "key_version": 8})).await;
    assert_eq!(told, "requested version for encryption is less than the minimum encryption key version");
    let rewrapped = mount.post(
        "rewrap/k",
        json!({
            "ciphertext": mount.post("encrypt/k", json!({"plaintext": "aGk=", "key_version": 9})).await["ciphertext"]
        }),
    );
    assert_eq!(rewrapped.await["key_version"], 10);
    mount.post("keys/k/config", json!({"min_decryption_version": 1})).await;
    assert_eq!(mount.post("decrypt/k", decrypt.clone()).await["plaintext"], "aGk=", "what was set aside came back");
    mount.post("keys/k/config", json!({"min_decryption_version": 3})).await;
    let (_, told) = mount.refusal(Update, "keys/k/trim", json!({"min_available_version": 4})).await;
    assert_eq!(told, "minimum available version cannot be greater than minimum decryption version");
    let trimmed = mount.post("keys/k/trim", json!({"min_available_version": 2})).await;
    assert_eq!((&trimmed["min_available_version"], trimmed["keys"].as_object().unwrap().len()), (&json!(2), 8));
    let (_, told) = mount.refusal(Update, "keys/k/config", json!({"min_decryption_version": 1})).await;
    assert_eq!(told, "min decryption version should not be less then min available version");

    mount.data(Delete, "keys/k/soft-delete", json!({})).await;
    assert_eq!(
        mount.refusal(Update, "encrypt/k", json!({"plaintext": ""})).await.1,
        "refusing to use soft-deleted key"
    );
    mount.post("keys/k/soft-delete-restore", json!({})).await;
    let (status, told) = mount.refusal(Delete, "keys/k", json!({})).await;
    assert_eq!((status, told.as_str()), (400, "error deleting policy k: deletion is not allowed for this key"));
    mount.post("keys/k/config", json!({"deletion_allowed": true})).await;
    assert_eq!(mount.data(List, "keys", json!({})).await, json!({"keys": ["k"]}));
    mount.data(Delete, "keys/k", json!({})).await;
    assert_eq!(mount.refusal(Read, "keys/k", json!({})).await.0, 404);
    assert_eq!(mount.refusal(Update, "decrypt/k", decrypt).await.1, "encryption key not found");
}

#[tokio::test]
async fn keys_that_make_no_sense_are_refused() {
    let mount = Mount::default();
    for (data, told) in [
        (json!({"type": "rot13"}), "unknown key type rot13"),
        (json!({"convergent_encryption": true}), "convergent encryption requires derivation to be enabled"),
        (
            json!({"type": "ecdsa-p256", "derived": true}),
            "key derivation and convergent encryption not supported for keys of type ecdsa-p256",
        ),
        (json!({"type": "hmac"}), "invalid key size for HMAC key, must be between 32 and 512 bytes"),
        (json!({"type": "hmac", "key_size": 31}), "invalid key_size 31"),
        (json!({"key_size": 32}), "key_size is not valid for algorithm aes256-gcm96"),
        (json!({"auto_rotate_period": "59m"}), "auto rotate period must be 0 to disable or at least an hour"),
    ] {
        let (_, text) = mount.refusal(Update, "keys/x", data).await;
        assert!(text.contains(told), "{text}");
    }
    for path in ["keys/a b", "keys/-a", "keys/a/b/c", "nothing", "config/other"] {
        assert_eq!(mount.refusal(Update, path, json!({})).await.0, 404, "{path}");
    }
    assert_eq!(mount.refusal(Read, "encrypt/x", json!({})).await.0, 405);
}

#[tokio::test]
async fn keys_rotate_when_they_are_due_and_where_another_node_changed_them_it_is_seen() {
    let mount = Mount::default();
    mount.post("keys/k", json!({"auto_rotate_period": "2h"})).await;
    for (seconds, version) in [(0, 1), (7200, 1), (10_801, 2), (10_900, 2), (18_500, 3)] {
        let now = jiff::Timestamp::from_second(1_000_000_000 + seconds).unwrap();
        mount.transit.periodic(mount.context(), now).await.unwrap();
        assert_eq!(mount.read("keys/k").await["latest_version"], version, "after {seconds} seconds");
    }
    let other = Mount { storage: mount.storage, ..Mount::default() };
    let ciphertext = other.post("encrypt/k", json!({"plaintext": "aGk="})).await["ciphertext"].clone();
    let first = Mount { transit: mount.transit, storage: other.storage };
    first.post("keys/k/rotate", json!({})).await;
    let other = Mount { transit: other.transit, storage: first.storage };
    assert_eq!(other.post("encrypt/k", json!({"plaintext": ""})).await["key_version"], 3, "not told yet");
    other.transit.invalidate("keys/k");
    assert_eq!(other.post("encrypt/k", json!({"plaintext": ""})).await["key_version"], 4);
    assert_eq!(other.post("decrypt/k", json!({ "ciphertext": ciphertext })).await["plaintext"], "aGk=");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rotations_at_once_are_all_done() {
    let mount = Arc::new(Mount::default());
    mount.post("keys/k", json!({})).await;
    let tasks = (0..8).map(|_| {
        let mount = Arc::clone(&mount);
        tokio::spawn(async move {
            for _ in 0..5 {
                mount.post("keys/k/rotate", json!({})).await;
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let read = mount.read("keys/k").await;
    assert_eq!((&read["latest_version"], read["keys"].as_object().unwrap().len()), (&json!(41), 41));
}

#[tokio::test]
async fn keys_come_in_wrapped_and_in_public_halves() {
    let mount = Mount::default();
    let kinds = ["aes128-gcm96", "xchacha20-poly1305", "rsa-2048", "ed25519", "ecdsa-p256", "ecdsa-p521", "hmac"];
    // The wrapping key of another key of the mount: what an import takes.
    mount.post("keys/target", json!({"type": "rsa-2048"})).await;
    let wrapping = mount.read("wrapping_key").await["public_key"].clone();
    for kind in kinds {
        let size = if kind == "hmac" { json!({"key_size": 48}) } else { json!({}) };
        let mut data = json!({"type": kind, "exportable": true});
        data.as_object_mut().unwrap().extend(size.as_object().unwrap().clone());
        mount.post(&format!("keys/{kind}"), data).await;
    }
    mount.post("keys/wrapper/import", json!({"type": "rsa-4096", "public_key": wrapping})).await;
    assert_eq!(mount.refusal(Update, "decrypt/wrapper", json!({"ciphertext": "vault:v1:aGk="})).await.0, 500);
    for kind in kinds {
        let wrapped = mount.read(&format!("byok-export/wrapper/{kind}/1")).await["keys"]["1"].clone();
        let import = json!({"type": kind, "ciphertext": wrapped, "exportable": true, "allow_rotation": kind == "hmac"});
        mount.post(&format!("keys/in-{kind}/import"), import.clone()).await;
        let part = match kind {
            "hmac" => "hmac-key",
            "aes128-gcm96" | "xchacha20-poly1305" => "encryption-key",
            _ => "signing-key",
        };
        let read = mount.read(&format!("export/{part}/in-{kind}")).await["keys"].clone();
        assert_eq!(read, mount.read(&format!("export/{part}/{kind}")).await["keys"], "{kind}");
        let (status, told) = mount.refusal(Update, &format!("keys/in-{kind}/import"), import.clone()).await;
        assert!(status == 500 && told.contains("use import-version"), "{told}");
        let rotated = mount.ask(Update, &format!("keys/in-{kind}/rotate"), json!({})).await;
        assert_eq!(rotated.is_ok(), kind == "hmac", "only where it may");
        let mut bent = STANDARD.decode(import["ciphertext"].as_str().unwrap()).unwrap();
        *bent.last_mut().unwrap() ^= 1;
        let bent = json!({"type": kind, "ciphertext": STANDARD.encode(bent)});
        assert_eq!(mount.refusal(Update, "keys/bent/import", bent).await.0, 500);
    }
    // A public key first, its private key later; not that of another.
    let public = mount.read("export/public-key/ecdsa-p256").await["keys"]["1"].clone();
    mount.post("keys/half/import", json!({"type": "ecdsa-p256", "public_key": public})).await;
    let (_, told) = mount.refusal(Update, "sign/half", json!({"input": "aGk="})).await;
    assert!(told.contains("does not contain a private part"), "{told}");
    let signature = mount.post("sign/ecdsa-p256", json!({"input": "aGk="})).await["signature"].clone();
    let verify = json!({"input": "aGk=", "signature": signature});
    assert_eq!(mount.post("verify/half", verify).await["valid"], true);
    mount.post("keys/another", json!({"type": "ecdsa-p256", "exportable": true})).await;
    let wrapped = |name: &'static str| mount.read(name);
    let other = wrapped("byok-export/wrapper/another").await["keys"]["1"].clone();
    let (_, told) = mount.refusal(Update, "keys/half/import_version", json!({"ciphertext": other, "version": 1})).await;
    assert!(told.contains("key pair does not match"), "{told}");
    let own = wrapped("byok-export/wrapper/ecdsa-p256").await["keys"]["1"].clone();
    mount.post("keys/half/import_version", json!({ "ciphertext": own })).await;
    assert_eq!(mount.post("sign/half", json!({"input": "aGk="})).await["key_version"], 1);
    mount.post("keys/half/import_version", json!({ "ciphertext": other })).await;
    assert_eq!(mount.read("keys/half").await["latest_version"], 2);
    let create = mount.ask(Create, "encrypt/fresh", json!({"plaintext": "", "type": "ecdsa-p256"})).await;
    assert!(create.is_err());
    let _: Value = mount.data(Create, "encrypt/fresh", json!({"plaintext": ""})).await;
    mount.post("config/keys", json!({"disable_upsert": true})).await;
    assert!(mount.ask(Create, "encrypt/fresher", json!({"plaintext": ""})).await.is_err());
}
