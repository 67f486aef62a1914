//! Seals whose keys are elsewhere.

use crate::serving::{Serving, block, config};
use secrets_server::{SealConfig, StorageConfig};
use serde_json::json;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// From nothing to serving must take no longer.
const RESTART: Duration = Duration::from_millis(500);
const SOFTHSM: &str = "/usr/lib/softhsm/libsofthsm2.so";

/// Initialises, writes, restarts and reads, and says how long the restart took until it served.
async fn restarts(folder: &Path, seal: SealConfig, kind: &str) -> Duration {
    let config = config(StorageConfig::Folder(folder.to_owned()), seal);
    let first = Serving::start(&config).await;
    let answer = first.must("PUT", "sys/init", Some(json!({"recovery_shares": 1, "recovery_threshold": 1}))).await;
    assert_eq!(answer["recovery_keys"].as_array().unwrap().len(), 1);
    let token = answer["root_token"].as_str().unwrap().to_owned();
    let body = json!({"policy": "path \"a\" { capabilities = [\"read\"] }"}).to_string();
    let (status, text) = first.ask_as(&token, "PUT", "sys/policies/acl/kept", Some(body)).await;
    assert!(status.is_success(), "{text}");
    first.stop().await;
    let begun = Instant::now();
    let second = Serving::start(&config).await;
    let (status, text) = second.ask_as(&token, "GET", "sys/policies/acl/kept", None).await;
    let took = begun.elapsed();
    assert!(status.is_success() && text.contains("capabilities"), "{status} {text}");
    let status = second.must("GET", "sys/seal-status", None).await;
    assert_eq!((&status["sealed"], &status["type"]), (&json!(false), &json!(kind)));
    second.stop().await;
    took
}

#[tokio::test(flavor = "multi_thread")]
async fn a_static_key_opens_a_restart_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let key = "4e3f2a1b".repeat(8);
    let seal = block("static", &[("current_key_id", "1"), ("current_key", &key)]);
    let took = restarts(folder.path(), seal, "static").await;
    assert!(took < RESTART, "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transit_key_of_another_server_opens_a_restart_at_once_and_may_be_rotated() {
    let other = Serving::development().await;
    other.must("POST", "sys/mounts/transit", Some(json!({"type": "transit"}))).await;
    other.must("POST", "transit/keys/unseal", Some(json!({}))).await;
    let policy = "path \"transit/encrypt/unseal\" { capabilities = [\"update\"] }
        path \"transit/decrypt/unseal\" { capabilities = [\"update\"] }";
    other.must("PUT", "sys/policies/acl/unseal", Some(json!({"policy": policy}))).await;
    let body = json!({"policies": ["unseal"], "period": "4s", "no_parent": true});
    let made = other.must("POST", "auth/token/create", Some(body)).await;
    let token = made["auth"]["client_token"].as_str().unwrap().to_owned();
    let folder = tempfile::tempdir().unwrap();
    let seal = |token: &str| {
        let settings =
            [("address", other.address.as_str()), ("token", token), ("key_name", "unseal"), ("mount_path", "transit/")];
        block("transit", &settings)
    };
    let took = restarts(folder.path(), seal(&token), "transit").await;
    assert!(took < RESTART, "{took:?}");

    // It goes on after a rotation, and then needs the old version no more. Its token outlives its period by renewals.
    other.must("POST", "transit/keys/unseal/rotate", Some(json!({}))).await;
    let config_of = |token: &str| config(StorageConfig::Folder(folder.path().to_owned()), seal(token));
    let rotated = Serving::start(&config_of(&token)).await;
    assert_eq!(rotated.must("GET", "sys/seal-status", None).await["sealed"], json!(false));
    tokio::time::sleep(Duration::from_secs(6)).await;
    rotated.stop().await;
    other.must("POST", "transit/keys/unseal/config", Some(json!({"min_decryption_version": 2}))).await;
    let again = Serving::start(&config_of(&token)).await;
    assert_eq!(again.must("GET", "sys/seal-status", None).await["sealed"], json!(false));
    again.stop().await;

    // Without the permission it stays shut, and opens by itself as soon as it may.
    other
        .must("PUT", "sys/policies/acl/unseal", Some(json!({"policy": "path \"x\" { capabilities = [\"read\"] }"})))
        .await;
    let shut = Serving::start(&config_of(&token)).await;
    let (status, _) = shut.ask("GET", "sys/health", None).await;
    assert_eq!(status, 503);
    other.must("PUT", "sys/policies/acl/unseal", Some(json!({"policy": policy}))).await;
    let begun = Instant::now();
    while shut.ask("GET", "sys/health", None).await.0 != 200 {
        assert!(begun.elapsed() < Duration::from_secs(10), "it does not open");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    shut.stop().await;
    other.stop().await;
}

#[test]
fn a_key_of_a_hardware_module_opens_a_restart() {
    const NAME: &str = "seals::a_key_of_a_hardware_module_opens_a_restart";
    if let Ok(folder) = std::env::var("PALISADE_TEST_MODULE") {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(with_module(Path::new(&folder)));
        return;
    }
    if !Path::new(SOFTHSM).exists() {
        eprintln!("ignored: there is no SoftHSM");
        return;
    }
    // The library reads its environment once in a process.
    let folder = tempfile::tempdir().unwrap();
    let tokens = folder.path().join("tokens");
    std::fs::create_dir(&tokens).unwrap();
    let settings = folder.path().join("softhsm2.conf");
    let text = format!("directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n", tokens.display());
    std::fs::write(&settings, text).unwrap();
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).env("SOFTHSM2_CONF", &settings).output().unwrap();
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    };
    run("softhsm2-util", &["--init-token", "--free", "--label", "unseal", "--so-pin", "1234", "--pin", "4321"]);
    for (label, id) in [("first", "01"), ("second", "02")] {
        let token = ["--module", SOFTHSM, "--token-label", "unseal", "--pin", "4321", "--login"];
        let key = ["--keygen", "--key-type", "aes:32", "--label", label, "--id", id];
        run("pkcs11-tool", &[&token[..], &key[..]].concat());
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", NAME, "--nocapture"])
        .env("SOFTHSM2_CONF", &settings)
        .env("PALISADE_TEST_MODULE", folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

async fn with_module(folder: &Path) {
    let seal = |label: &str, pin: &str| {
        let settings = [("lib", SOFTHSM), ("token_label", "unseal"), ("pin", pin), ("key_label", label)];
        block("pkcs11", &settings)
    };
    let store = folder.join("store");
    restarts(&store, seal("first", "4321"), "pkcs11").await;
    // Another label is the next key: what the one before encrypted is still read, and encrypted anew.
    // A label without a key encrypts nothing, but what is there names its own.
    for label in ["second", "second", "none"] {
        let serving = Serving::start(&config(StorageConfig::Folder(store.clone()), seal(label, "4321"))).await;
        let status = serving.must("GET", "sys/seal-status", None).await;
        assert_eq!(status["sealed"], json!(false), "{label}");
        serving.stop().await;
    }
}
