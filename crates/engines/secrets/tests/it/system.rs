use crate::server::Server;
use logical::Operation::{Delete, List, Read, Update};
use serde_json::json;
use std::sync::atomic::Ordering;

#[tokio::test]
async fn mounts_are_made_tuned_moved_and_removed() {
    let server = Server::new().await;
    let root = &server.root;
    assert_eq!(server.ask(root, Update, "sys/mounts/test", json!({ "type": "echo" })).await.status, 204);
    assert_eq!(server.ask(root, Update, "sys/mounts/test", json!({ "type": "echo" })).await.status, 400);
    assert_eq!(server.ask(root, Update, "sys/mounts/test/deeper", json!({ "type": "echo" })).await.status, 400);
    assert_eq!(server.ask(root, Update, "sys/mounts/sys/x", json!({ "type": "echo" })).await.status, 400);
    assert_eq!(server.ask(root, Update, "sys/mounts/n", json!({ "type": "nothing" })).await.status, 400);
    let list = server.ok(Read, "sys/mounts", json!({})).await;
    assert!(list["data"]["test/"]["accessor"].as_str().unwrap().starts_with("echo_"));
    assert_eq!(list["test/"], list["data"]["test/"]);
    let tuning = json!({ "default_lease_ttl": "3600s", "max_lease_ttl": "8600s" });
    server.ok(Update, "sys/mounts/test/tune", tuning).await;
    let tuned = server.ok(Read, "sys/mounts/test/tune", json!({})).await;
    assert_eq!((&tuned["data"]["default_lease_ttl"], &tuned["data"]["max_lease_ttl"]), (&json!(3600), &json!(8600)));
    server.ok(Update, "test/k", json!({ "v": 1 })).await;
    let moved = server.ok(Update, "sys/remount", json!({ "from": "test", "to": "foobar" })).await;
    let status = format!("sys/remount/status/{}", moved["data"]["migration_id"].as_str().unwrap());
    assert_eq!(server.ok(Read, &status, json!({})).await["data"]["migration_info"]["status"], "success");
    assert_eq!(server.ok(Read, "foobar/k", json!({})).await["data"], json!({ "v": 1 }));
    assert_eq!(server.ask(root, Read, "test/k", json!({})).await.status, 404);
    server.ok(Delete, "sys/mounts/foobar", json!({})).await;
    server.ok(Update, "sys/mounts/foobar", json!({ "type": "echo" })).await;
    assert_eq!(server.ask(root, Read, "foobar/k", json!({})).await.status, 404, "its rows went with it");
}

#[tokio::test]
async fn nothing_is_answered_that_was_not_recorded() {
    let server = Server::new().await;
    server.audit.fails.store(true, Ordering::SeqCst);
    assert_eq!(server.ask(&server.root, Update, "secret/a", json!({ "v": 1 })).await.status, 500);
    server.audit.fails.store(false, Ordering::SeqCst);
    assert_eq!(server.ask(&server.root, Read, "secret/a", json!({})).await.status, 404, "nothing was done");
    server.ask("hvs.wrong", Read, "secret/a", json!({})).await;
    let lines = server.audit.lines.lock().unwrap();
    assert_eq!(lines.last().unwrap(), "request read secret/a permission denied");
}

#[tokio::test]
async fn policies_are_written_read_and_asked() {
    let server = Server::new().await;
    let text = r#"path "secret/a" { capabilities = ["create", "read"] }"#;
    server.ok(Update, "sys/policy/test", json!({ "policy": text })).await;
    assert_eq!(server.ok(Read, "sys/policy/test", json!({})).await["data"]["rules"], text);
    assert_eq!(server.ok(Read, "sys/policies/acl/test", json!({})).await["data"]["policy"], text);
    let list = server.ok(Read, "sys/policy", json!({})).await;
    assert_eq!(list["data"]["policies"], json!(["default", "root", "test"]));
    let made = server.ok(Update, "auth/token/create", json!({ "policies": ["test"] })).await;
    let token = made["auth"]["client_token"].as_str().unwrap();
    let asked = server.ok_as(token, Update, "sys/capabilities-self", json!({ "paths": ["secret/a", "x"] })).await;
    assert_eq!((&asked["data"]["secret/a"], &asked["data"]["x"]), (&json!(["create", "read"]), &json!(["deny"])));
    // A write that creates, and one that updates, need each its own.
    assert_eq!(server.ask(token, Update, "secret/a", json!({ "v": 1 })).await.status, 204);
    assert_eq!(server.ask(token, Update, "secret/a", json!({ "v": 2 })).await.status, 403);
    server.ok(Delete, "sys/policy/test", json!({})).await;
    assert_eq!(server.ask(token, Read, "secret/a", json!({})).await.status, 403, "no stale policy is used");
    for (path, body) in [
        ("sys/policy/root", json!({ "policy": text })),
        ("sys/policy/response-wrapping", json!({ "policy": text })),
        ("sys/policy/bad", json!({ "policy": "path {" })),
    ] {
        assert_eq!(server.ask(&server.root, Update, path, body).await.status, 400, "{path}");
    }
    assert_eq!(server.ask(&server.root, Delete, "sys/policy/default", json!({})).await.status, 400);
}

#[tokio::test]
async fn namespaces_are_apart() {
    let server = Server::new().await;
    server.ok(Update, "sys/namespaces/team", json!({ "custom_metadata": { "a": "b" } })).await;
    assert_eq!(server.ok(List, "sys/namespaces", json!({})).await["data"]["keys"], json!(["team/"]));
    server.ok(Update, "team/sys/mounts/secret", json!({ "type": "echo" })).await;
    server.ok(Update, "team/secret/a", json!({ "v": "team" })).await;
    server.ok(Update, "secret/a", json!({ "v": "root" })).await;
    server
        .ok(Update, "team/sys/policies/acl/p", json!({ "policy": r#"path "*" { capabilities = ["read", "sudo"] }"# }))
        .await;
    let made = server.ok(Update, "team/auth/token/create", json!({ "policies": ["p"] })).await;
    let token = made["auth"]["client_token"].as_str().unwrap();
    assert_eq!(server.ok_as(token, Read, "team/secret/a", json!({})).await["data"]["v"], "team");
    // Tenant crossing: by path, by header, by accessor.
    assert_eq!(server.ask(token, Read, "secret/a", json!({})).await.status, 403);
    let mut request = server.request(token, Read, "secret/a", json!({}));
    request.namespace = "team".to_owned();
    assert_eq!(server.core.handle(request).await.status, 200);
    assert_eq!(server.ask(&server.root, Read, "team/sys/audit", json!({})).await.status, 400);
    server.ok(Delete, "sys/namespaces/team", json!({})).await;
    assert_eq!(server.ask(token, Read, "team/secret/a", json!({})).await.status, 403);
}

#[tokio::test]
async fn small_things_of_sys() {
    let server = Server::new().await;
    let root = &server.root;
    let random = server.ok(Update, "sys/tools/random/16", json!({ "format": "hex" })).await;
    assert_eq!(random["data"]["random_bytes"].as_str().unwrap().len(), 32);
    let sum = server.ok(Update, "sys/tools/hash/sha2-256", json!({ "input": "YQ==" })).await;
    assert!(sum["data"]["sum"].as_str().unwrap().starts_with("ca978112"));
    server.ok(Update, "sys/audit/file", json!({ "type": "file", "options": { "file_path": "stdout" } })).await;
    assert_eq!(server.ok(Read, "sys/audit", json!({})).await["data"]["file/"]["type"], "file");
    assert!(server.ok(Update, "sys/audit-hash/file", json!({ "input": "x" })).await["data"]["hash"].is_string());
    let unknown = server.ask(root, Update, "sys/audit-hash/other", json!({ "input": "x" })).await;
    assert!(unknown.errors[0].contains("unknown audit backend"));
    server
        .ok(Update, "sys/quotas/rate-limit/q", json!({ "rate": 2, "path": "secret/limited", "interval": "600" }))
        .await;
    let quota = server.ok(Read, "sys/quotas/rate-limit/q", json!({})).await;
    assert_eq!((&quota["data"]["rate"], &quota["data"]["interval"]), (&json!(2.0), &json!(600)));
    assert_eq!(
        server.ask(root, Update, "sys/quotas/rate-limit/x", json!({ "rate": 1, "path": "nowhere" })).await.status,
        400
    );
    for status in [404, 404, 429] {
        assert_eq!(server.ask(root, Read, "secret/limited", json!({})).await.status, status);
    }
    let mounts = server.ok_as("", Read, "sys/internal/ui/mounts", json!({})).await;
    assert_eq!(mounts["data"]["secret"], json!({}));
    let mount = server.ok(Read, "sys/internal/ui/mounts/secret/a", json!({})).await;
    assert_eq!(mount["data"]["path"], "secret/");
    server
        .ok(Update, "sys/policies/password/p", json!({ "policy": "length = 8\nrule \"charset\" { charset = \"ab\" }" }))
        .await;
    let password = server.ok(Read, "sys/policies/password/p/generate", json!({})).await;
    assert_eq!(password["data"]["password"].as_str().unwrap().len(), 8);
}
