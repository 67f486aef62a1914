//! Who signed what, in order, from a registry and a log.

use crate::Bench;
use crate::signing::{cosign, image};
use serde_json::Value;
use std::fs;
use std::process::Command;

fn trace(bench: &Bench, arguments: &[&str], code: i32) -> Value {
    let text = bench.text("palisade", &[&["trace", "-o", "json"], arguments].concat(), code);
    serde_json::from_str(&text).unwrap()
}

/// Place and state of each event.
fn states(trace: &Value) -> Vec<(&str, &str)> {
    let events = trace["events"].as_array().unwrap();
    events.iter().map(|event| (event["place"].as_str().unwrap(), event["proof"]["state"].as_str().unwrap())).collect()
}

#[test]
fn every_signer_is_shown_in_order_of_time_with_what_is_proven() {
    let bench = Bench::new();
    let Some((_server, image)) = image(&bench) else {
        eprintln!("ignored: no docker-registry or skopeo on this machine");
        return;
    };
    let image = image.as_str();
    cosign(&bench, &["generate-key-pair"], 0);
    cosign(&bench, &["sign", "--key", "cosign.key", "--tlog-upload=false", image], 0);
    cosign(&bench, &["sign", "--bundle", "own.json", image], 0);
    let text = bench.text("palisade", &["trace", image], 0);
    for part in
        ["https://palisade.local/", "signature, certificate, SCT, log, timestamp", "key, not known: ", "not verified"]
    {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    assert!(!text.contains("WRONG"), "{text}");

    // The key has no proven time, so it comes last.
    let unknown = trace(&bench, &[image], 0);
    assert_eq!(states(&unknown), [("registry", "verified"), ("registry", "unknown")]);
    let both = trace(&bench, &["--key", "cosign.pub", image], 0);
    assert_eq!(states(&both), [("registry", "verified"), ("registry", "verified")]);
    assert_eq!(both["events"][1]["proof"]["reason"], "not logged");

    // What the log alone has: a signature over the manifest itself.
    let raw = Command::new("skopeo")
        .args(["inspect", "--raw", "--tls-verify=false", &format!("docker://{image}")])
        .output()
        .unwrap();
    fs::write(bench.path("manifest.json"), raw.stdout).unwrap();
    cosign(&bench, &["sign-blob", "--bundle", "blob.json", "manifest.json"], 0);
    let logged = trace(&bench, &[image], 0);
    assert_eq!(states(&logged).last(), Some(&("log only", "verified")));
    let proof = &logged["events"].as_array().unwrap().last().unwrap()["proof"];
    assert_eq!(proof["checks"], serde_json::json!(["signature", "certificate", "SCT", "log"]));
    let digest = logged["digest"].as_str().unwrap();
    assert_eq!(states(&trace(&bench, &[digest], 0)), [("log only", "verified")]);

    // What is bent is shown, and never as verified.
    let mut bent: Value = serde_json::from_slice(&fs::read(bench.path("own.json")).unwrap()).unwrap();
    let signature = bent.pointer_mut("/dsseEnvelope/signatures/0/sig").unwrap();
    let text = signature.as_str().unwrap();
    let other = if &text[20..21] == "A" { "B" } else { "A" };
    *signature = Value::String(format!("{}{other}{}", &text[..20], &text[21..]));
    fs::write(bench.path("bent.json"), bent.to_string()).unwrap();
    cosign(&bench, &["attach", "attestation", "--attestation", "bent.json", image], 0);
    let text = bench.text("palisade", &["trace", image], 1);
    assert!(text.contains("WRONG, not verified") && text.contains("1 wrong"), "{text}");
    assert_eq!(
        states(&trace(&bench, &["--key", "cosign.pub", image], 1)).iter().filter(|(_, s)| *s == "wrong").count(),
        1
    );
}
