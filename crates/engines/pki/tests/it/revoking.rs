use crate::mount::{Mount, openssl, text};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use logical::{Backend as _, Operation};
use serde_json::{Value, json};
use std::fs;
use std::sync::Arc;
use tempfile::tempdir;

#[test]
fn ocsp_answers_what_openssl_asks_and_believes() {
    for kind in ["rsa", "ec", "ed25519"] {
        let mount = Mount::new();
        let root = mount.write("root/generate/internal", json!({"common_name": "Root", "key_type": kind}));
        mount.write("roles/r", json!({"allow_any_name": true, "key_type": "ec"}));
        let good = mount.write("issue/r", json!({"common_name": "a.example.com"}));
        let bad = mount.write("issue/r", json!({"common_name": "b.example.com"}));
        mount.write("revoke", json!({"certificate": text(&bad, "certificate")}));
        let folder = tempdir().unwrap();
        for (name, value) in [("root.pem", &root), ("good.pem", &good), ("bad.pem", &bad)] {
            fs::write(folder.path().join(name), text(value, "certificate")).unwrap();
        }
        for (name, wanted) in [("good.pem", "good.pem: good"), ("bad.pem", "bad.pem: revoked")] {
            let asked = ["ocsp", "-issuer", "root.pem", "-cert", name, "-reqout", "request.der"];
            let Some((true, _)) = openssl(folder.path(), &asked) else { return };
            let body = fs::read(folder.path().join("request.der")).unwrap();
            let get = format!("ocsp/{}", STANDARD.encode(&body).replace('+', "%2B"));
            let mut request = mount.request(Operation::Update, "ocsp", Value::Null);
            request.body = Some(("application/ocsp-request".to_owned(), Arc::new(body)));
            for request in [request, mount.request(Operation::Read, &get, Value::Null)] {
                let raw = mount.send(&request).unwrap().raw.unwrap();
                assert_eq!((raw.status, raw.content_type.as_str()), (200, "application/ocsp-response"));
                fs::write(folder.path().join("response.der"), &raw.body).unwrap();
                let read = [
                    "ocsp",
                    "-issuer",
                    "root.pem",
                    "-cert",
                    name,
                    "-no_nonce",
                    "-respin",
                    "response.der",
                    "-CAfile",
                    "root.pem",
                    "-resp_text",
                ];
                let (_, said) = openssl(folder.path(), &read).unwrap();
                assert!(
                    ["Response verify OK", wanted, "OCSP Nonce"].iter().all(|wanted| said.contains(wanted)),
                    "{kind}: {said}"
                );
            }
        }
    }
    let mount = Mount::new();
    for path in ["ocsp/AAAA", "ocsp/%%%", "ocsp/MEUwQzBB"] {
        let raw = mount.ask(Operation::Read, path, Value::Null).unwrap().raw.unwrap();
        assert_eq!(raw.body, [0x30, 3, 10, 1, 1], "{path}");
    }
}

#[test]
fn only_what_the_mount_issued_is_revoked_and_only_once() {
    let mut mount = Mount::new();
    let root = mount.write("root/generate/internal", json!({"common_name": "Root", "key_type": "ec"}));
    mount.write("roles/r", json!({"allow_any_name": true, "key_type": "ec", "generate_lease": true}));
    let one = mount.write("issue/r", json!({"common_name": "a.b", "ttl": "1h"}));
    let serial = text(&one, "serial_number").to_owned();
    let other = Mount::new();
    let foreign = other.write("root/generate/exported", json!({"common_name": "Root", "key_type": "ec"}));
    for (path, data, why) in [
        ("revoke", json!({}), "must be provided"),
        ("revoke", json!({"serial_number": "11:22"}), "certificate with serial 11:22 not found."),
        ("revoke", json!({"serial_number": "../x"}), "not found"),
        ("revoke", json!({"serial_number": text(&root, "serial_number")}), "to its own CRL is not allowed"),
        ("revoke", json!({"certificate": text(&foreign, "certificate")}), "not issued by this mount"),
        (
            "revoke-with-key",
            json!({"serial_number": serial, "private_key": text(&foreign, "private_key")}),
            "don't match",
        ),
        ("revoke-with-key", json!({"serial_number": serial}), "failed to decode"),
    ] {
        let said = mount.refuse(path, data);
        assert!(said.contains(why), "{said}");
    }
    let first =
        mount.write("revoke-with-key", json!({"serial_number": serial, "private_key": text(&one, "private_key")}));
    assert_eq!(first["state"], "revoked");
    mount.later(10);
    assert_eq!(mount.write("revoke", json!({"serial_number": serial.replace(':', "-")})), first);
    assert_eq!(mount.list("certs/revoked")["keys"], json!([serial]));
    assert_eq!(mount.read(&format!("cert/{serial}"))["revocation_time"], first["revocation_time"]);

    let request = mount.request(Operation::Update, "issue/r", json!({"common_name": "c.d", "ttl": "1h"}));
    let leased = mount.send(&request).unwrap();
    let lease = leased.lease.unwrap();
    assert_eq!(lease.ttl.as_secs(), 3600);
    crate::mount::now_or_never(mount.engine.revoke(mount.context(), &lease)).unwrap();
    assert_eq!(mount.list("certs/revoked")["keys"].as_array().unwrap().len(), 2);

    mount.write("config/crl", json!({"auto_rebuild": true, "enable_delta": true}));
    mount.write("roles/short", json!({"allow_any_name": true, "key_type": "ec"}));
    let two = mount.write("issue/short", json!({"common_name": "a.b", "ttl": "1h"}));
    let before = mount.raw("crl");
    mount.write("revoke", json!({"serial_number": text(&two, "serial_number")}));
    assert_eq!(mount.raw("crl"), before);
    mount.later(1000);
    crate::mount::now_or_never(mount.engine.periodic(mount.context(), mount.now)).unwrap();
    assert_eq!(mount.raw("crl"), before);
    let delta = mount.raw("crl/delta");
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("delta.der"), &delta).unwrap();
    if let Some((_, said)) = openssl(folder.path(), &["crl", "-in", "delta.der", "-inform", "DER", "-noout", "-text"]) {
        let serial = text(&two, "serial_number").replace(':', "").to_uppercase();
        assert!(said.contains("Delta CRL Indicator: critical") && said.contains(&serial), "{said}");
        assert_eq!(said.matches("Revocation Date").count(), 1, "{said}");
    }
}

#[test]
fn what_has_ended_is_tidied_and_nothing_else() {
    let mut mount = Mount::new();
    mount.write("root/generate/internal", json!({"common_name": "Root", "key_type": "ec", "ttl": "87600h"}));
    mount.write("roles/r", json!({"allow_any_name": true, "key_type": "ec"}));
    mount.write("issue/r", json!({"common_name": "a.b", "ttl": "1h"}));
    let revoked = mount.write("issue/r", json!({"common_name": "a.b", "ttl": "1h"}));
    mount.write("revoke", json!({"serial_number": text(&revoked, "serial_number")}));
    mount.write("issue/r", json!({"common_name": "a.b", "ttl": "1000h"}));
    assert_eq!(mount.read("tidy-status")["state"], "Inactive");
    let all =
        json!({"tidy_cert_store": true, "tidy_revoked_certs": true, "tidy_expired_issuers": true, "tidy_acme": true});
    mount.write("tidy", all.clone());
    assert_eq!(mount.list("certs")["keys"].as_array().unwrap().len(), 4);
    mount.later(3600 + 72 * 3600 + 10);
    let started = mount.ask(Operation::Update, "tidy", all.clone()).unwrap();
    assert_eq!((started.status, started.warnings.len()), (Some(202), 1));
    let status = mount.read("tidy-status");
    assert_eq!(
        (&status["state"], &status["cert_store_deleted_count"], &status["revoked_cert_deleted_count"]),
        (&json!("Finished"), &json!(2), &json!(1))
    );
    assert_eq!(mount.list("certs")["keys"].as_array().unwrap().len(), 2);
    assert_eq!(mount.list("certs/revoked").get("keys"), None);
    assert!(mount.refuse("config/auto-tidy", json!({"enabled": true})).contains("no tidy operations were requested"));
    assert!(mount.refuse("tidy", json!({"safety_buffer": 0})).contains("greater than zero"));
    mount.write("config/auto-tidy", json!({"enabled": true, "tidy_cert_store": true, "interval_duration": "1h"}));
    mount.later(1100 * 3600);
    crate::mount::now_or_never(mount.engine.periodic(mount.context(), mount.now)).unwrap();
    assert_eq!(mount.list("certs")["keys"].as_array().unwrap().len(), 1);
    assert_eq!(mount.read("config/auto-tidy")["interval_duration"], 3600);
}
