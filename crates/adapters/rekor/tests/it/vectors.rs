//! Entries that the public logs have, sent to ours: what is logged must be the same bytes.
//!
//! Read from `PALISADE_VECTORS`, else from `../shared/vectors` beside the checkout.

use std::path::{Path, PathBuf};

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::{Server, base64, unbase64};

/// The bodies of the log entries of all bundles that are to be accepted.
fn bodies() -> Option<Vec<Value>> {
    let root = std::env::var_os("PALISADE_VECTORS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/vectors"), PathBuf::from);
    let folder = root.join("sigstore-conformance/assets/bundle-verify");
    let mut bodies = Vec::new();
    for case in std::fs::read_dir(folder).ok()? {
        let case = case.ok()?.path();
        if case.to_string_lossy().contains("_fail") {
            continue;
        }
        let Ok(bundle) = std::fs::read(case.join("bundle.sigstore.json")) else { continue };
        let bundle: Value = serde_json::from_slice(&bundle).unwrap();
        let entries = bundle["verificationMaterial"]["tlogEntries"].as_array().cloned().unwrap_or_default();
        bodies.extend(entries.iter().map(|entry| entry["canonicalizedBody"].clone()));
    }
    bodies.sort_by_key(Value::to_string);
    bodies.dedup();
    Some(bodies)
}

#[tokio::test]
async fn what_the_public_logs_have_is_logged_the_same_and_found_by_identity() {
    let Some(bodies) = bodies() else {
        println!("skipped: the vectors of sigstore-conformance are not there");
        return;
    };
    let server = Server::start().await;
    let (mut first, mut second) = (0, 0);
    for body in bodies {
        let bytes = unbase64(&body);
        let value: Value = serde_json::from_slice(&bytes).unwrap();
        let kind = (value["kind"].as_str().unwrap(), value["apiVersion"].as_str().unwrap());
        let logged = match kind {
            ("hashedrekord", "0.0.1") => {
                first += 1;
                let answer = server.post("/api/v1/log/entries", &value).await;
                assert_eq!(answer.status, StatusCode::CREATED, "{value}");
                answer.json().as_object().unwrap().values().next().unwrap()["body"].clone()
            }
            ("hashedrekord", "0.0.2") => {
                let spec = &value["spec"]["hashedRekordV002"];
                let request = json!({"digest": spec["data"]["digest"], "signature": spec["signature"]});
                let request = json!({"hashedRekordRequestV002": request});
                if spec["signature"]["verifier"]["keyDetails"] == "PKIX_ED25519_PH" {
                    continue;
                }
                second += 1;
                let answer = server.post("/api/v2/log/entries", &request).await;
                assert_eq!(answer.status, StatusCode::CREATED, "{value}");
                answer.json()["canonicalizedBody"].clone()
            }
            _ => continue,
        };
        assert_eq!(logged, base64(&bytes), "{value}");
    }
    assert!(first > 3 && second > 3, "{first} {second}");
    let identity = "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/\
                    extremely-dangerous-oidc-beacon.yml@refs/heads/main";
    let found = server.get(&format!("/api/v2/search?limit=100&identity={identity}")).await.json();
    assert!(found["entries"].as_array().unwrap().len() > 3);
    let found = server.post("/api/v1/index/retrieve", &json!({"email": identity})).await.json();
    assert!(!found.as_array().unwrap().is_empty());
}
