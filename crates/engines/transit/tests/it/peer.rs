//! `openbao.json` was recorded from OpenBao 2.7.2: keys of all types with their backup, what the API tells of them, what
//! they encrypted and signed with both their versions, and their exports.

use crate::Mount;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use logical::Operation::{Read, Update};
use serde_json::{Value, json};

fn recorded() -> Value {
    serde_json::from_str(include_str!("openbao.json")).unwrap()
}

fn with(data: &Value, more: Value) -> Value {
    let mut data = data.clone();
    data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    data
}

#[tokio::test]
async fn what_the_peer_made_is_read_here() {
    let recorded = recorded();
    let plaintext = &recorded["plaintext"];
    for (name, key) in recorded["keys"].as_object().unwrap() {
        let mount = Mount::default();
        mount.post("restore", json!({ "backup": key["backup"] })).await;
        let mut read = mount.read(&format!("keys/{name}")).await;
        read.as_object_mut().unwrap().retain(|field, _| !matches!(field.as_str(), "restore_info" | "backup_info"));
        let mut expected = key["read"].clone();
        expected.as_object_mut().unwrap().retain(|field, _| field != "backup_info");
        assert_eq!(read, expected, "{name}");
        for item in key["decrypt"].as_array().unwrap() {
            let answer = mount.post(&format!("decrypt/{name}"), item.clone()).await;
            assert_eq!(&answer["plaintext"], plaintext, "{name}: {item}");
            let text = item["ciphertext"].as_str().unwrap();
            let mut bent = STANDARD.decode(&text["vault:v1:".len()..]).unwrap();
            *bent.last_mut().unwrap() ^= 1;
            let bent = format!("{}{}", &text[.."vault:v1:".len()], STANDARD.encode(bent));
            mount.refusal(Update, &format!("decrypt/{name}"), with(item, json!({ "ciphertext": bent }))).await;
        }
        for item in key["verify"].as_array().unwrap() {
            let path = format!("verify/{name}");
            let answer = mount.post(&path, with(item, json!({ "input": plaintext }))).await;
            assert_eq!(answer["valid"], true, "{name}: {item}");
            let answer = mount.post(&path, with(item, json!({ "input": "dGhlIHF1aWNrIGJyb3duIGZvWA==" }))).await;
            assert_eq!(answer["valid"], false, "{name}: {item}");
        }
    }
}

#[tokio::test]
async fn exports_and_backups_are_the_peers() {
    for (name, key) in recorded()["keys"].as_object().unwrap() {
        let mount = Mount::default();
        mount.post("restore", json!({ "backup": key["backup"] })).await;
        for (what, expected) in key["export"].as_object().unwrap() {
            let (part, format) = what.split_once(' ').unwrap();
            let answer = mount.data(Read, &format!("export/{part}/{name}"), json!({ "format": format })).await;
            assert_eq!(&answer["keys"], expected, "{name}: {what}");
        }
        let parse = |text: &Value| -> Value {
            let bytes = STANDARD.decode(text.as_str().unwrap()).unwrap();
            // Numbers of any length would lose digits.
            let text = String::from_utf8(bytes).unwrap();
            let quoted = text.split(',').map(|part| match part.rsplit_once(':') {
                Some((name, number)) if number.len() > 15 && number.bytes().all(|byte| byte.is_ascii_digit()) => {
                    format!("{name}:\"{number}\"")
                }
                _ => part.to_owned(),
            });
            let text = quoted.collect::<Vec<_>>().join(",");
            let mut value: Value = serde_json::from_str(&text).unwrap_or(Value::String(text));
            if let Some(policy) = value.get_mut("policy").and_then(Value::as_object_mut) {
                policy.retain(|field, _| !matches!(field.as_str(), "backup_info" | "restore_info"));
            }
            value
        };
        if !name.starts_with("rsa") {
            let backup = mount.read(&format!("backup/{name}")).await;
            assert_eq!(parse(&backup["backup"]), parse(&key["backup"]), "{name}");
        }
    }
}

#[tokio::test]
async fn a_backup_that_is_bent_is_refused_without_telling_it() {
    let recorded = recorded();
    let key = &recorded["keys"]["ecdsa-p256"];
    let text = String::from_utf8(STANDARD.decode(key["backup"].as_str().unwrap()).unwrap()).unwrap();
    let mount = Mount::default();
    for (from, to) in [
        ("\"ec_d\":", "\"ec_d\":7"),
        ("\"latest_version\":2", "\"latest_version\":3"),
        ("\"min_decryption_version\":1", "\"min_decryption_version\":0"),
        ("\"min_available_version\":0", "\"min_available_version\":18446744073709551615"),
        ("\"type\":1", "\"type\":99"),
        ("\"name\":\"ecdsa-p256\"", "\"name\":\"a/b\""),
        ("\"keys\":{", "\"keys\":{\"x\":1,"),
    ] {
        assert!(text.contains(from), "{from}");
        let backup = STANDARD.encode(text.replacen(from, to, 1));
        let (status, told) = mount.refusal(Update, "restore", json!({ "backup": backup })).await;
        assert_eq!(status, 500, "{told}");
        assert!(told.len() < 120, "{told}");
    }
    // One version of a key that has had so many that a backup of it would never end.
    let most = text
        .replace("\"latest_version\":2", "\"latest_version\":1152921504606846976")
        .replace("\"min_decryption_version\":1", "\"min_decryption_version\":1152921504606846976")
        .replacen("\"keys\":{\"1\":", "\"keys\":{\"1152921504606846976\":", 1);
    assert_eq!(mount.refusal(Update, "restore", json!({ "backup": STANDARD.encode(most) })).await.0, 500);
    for backup in ["", "!!", "e30=", "aGk="] {
        mount.refusal(Update, "restore", json!({ "backup": backup })).await;
    }
    let backup = json!({ "backup": key["backup"] });
    mount.post("restore/other", backup.clone()).await;
    let (status, told) = mount.refusal(Update, "restore/other", backup.clone()).await;
    assert_eq!((status, told.contains("already exists")), (500, true), "{told}");
    mount.post("restore/other", with(&backup, json!({ "force": true }))).await;
}
