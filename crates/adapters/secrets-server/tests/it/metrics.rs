use crate::serving::{ROOT, Serving};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn metrics_have_the_names_of_the_peer_and_tell_what_happened() {
    let serving = Serving::development().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let options = json!({"type": "file", "options": {"file_path": path.display().to_string()}});
    serving.must("PUT", "sys/audit/file", Some(options)).await;
    serving.must("POST", "sys/auth/userpass", Some(json!({"type": "userpass"}))).await;
    serving.must("POST", "auth/userpass/users/ann", Some(json!({"password": "hunter2-canary"}))).await;
    for _ in 0..3 {
        serving.must("POST", "secret/data/a", Some(json!({"data": {"key": "value-canary"}}))).await;
        serving.must("POST", "auth/userpass/login/ann", Some(json!({"password": "hunter2-canary"}))).await;
    }
    let (_, text) = serving.ask_as("", "GET", "sys/metrics?format=prometheus", None).await;
    let value = |name: &str| -> f64 {
        let line = text.lines().find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')));
        line.unwrap_or_else(|| panic!("no {name} in {text}")).rsplit(' ').next().unwrap().parse().unwrap()
    };
    let cluster = text.lines().find_map(|line| line.strip_prefix("vault_core_unsealed{cluster=\"")).unwrap();
    let cluster = cluster.split('"').next().unwrap();
    assert_eq!(value(&format!("vault_core_unsealed{{cluster=\"{cluster}\"}}")), 1.0);
    assert_eq!(value("vault_core_handle_login_request_count"), 3.0);
    assert_eq!(value("vault_route_update_auth_userpass__count"), 4.0);
    assert_eq!(value("vault_route_update_secret__count"), 3.0);
    // The root token, which does not end, is no lease.
    assert_eq!(value("vault_expire_num_leases"), 3.0);
    assert_eq!(value("vault_expire_num_irrevocable_leases"), 0.0);
    assert_eq!(value(&format!("vault_token_count{{cluster=\"{cluster}\"}}")), 4.0);
    let auth = format!("vault_core_mount_table_num_entries{{cluster=\"{cluster}\",local=\"false\",type=\"auth\"}}");
    assert_eq!(value(&auth), 2.0);
    assert_eq!(value("vault_audit_log_request_failure"), 0.0);
    assert!(value("vault_audit_log_request_count") >= 8.0);
    assert_eq!(value("palisade_audit_device_working{device=\"file/\"}"), 1.0);
    assert!(value("vault_core_handle_request{quantile=\"0.99\"}") > 0.0);
    assert!(value("process_resident_memory_bytes") > 0.0);
    assert!(!text.contains("canary"));

    // With a token the same answer, as JSON where nothing else is asked for.
    let (_, text) = serving.ask_as(ROOT, "GET", "sys/metrics", None).await;
    let answer: Value = serde_json::from_str(&text).unwrap();
    let gauges = answer["Gauges"].as_array().unwrap();
    assert!(gauges.iter().any(|gauge| gauge["Name"] == "vault.core.unsealed" && gauge["Value"] == 1.0));
    let samples = answer["Samples"].as_array().unwrap();
    assert!(samples.iter().any(|sample| sample["Name"] == "vault.core.handle_login_request" && sample["Count"] == 3));
    let (status, text) = serving.ask_as(ROOT, "GET", "sys/metrics?format=xml", None).await;
    assert_eq!((status.as_u16(), text.as_str()), (400, "metric response format \"xml\" unknown"));
    serving.must("PUT", "sys/seal", None).await;
    let (_, text) = serving.ask_as("", "GET", "sys/metrics?format=prometheus", None).await;
    assert!(text.contains(&format!("vault_core_unsealed{{cluster=\"{cluster}\"}} 0\n")), "{text}");
    assert!(!text.contains("vault_expire_num_leases"));
    serving.stop().await;
}
