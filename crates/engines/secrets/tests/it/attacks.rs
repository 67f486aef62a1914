//! Classes of past vulnerabilities.

use crate::server::Server;
use logical::Operation::{Delete, List, Read, Update};
use serde_json::json;

#[tokio::test]
async fn path_tricks_reach_nothing_that_is_denied() {
    let server = Server::new().await;
    server.ok(Update, "secret/deep/key", json!({ "v": 1 })).await;
    let policy = r#"
        path "secret/*" { capabilities = ["read", "list", "create", "update"] }
        path "secret/deep/*" { capabilities = ["deny"] }
    "#;
    let token = server.token_with(policy).await;
    for path in [
        "secret/deep/key",
        "secret/x/../deep/key",
        "secret/./deep/key",
        "/secret/deep/key",
        "secret//deep/key",
        "secret/deep/key/",
        "secret/deep\n/key",
        "SECRET/deep/key",
        "secret/deep/../deep/key",
    ] {
        let answer = server.ask(&token, Read, path, json!({})).await;
        assert!(matches!(answer.status, 400 | 403 | 404), "{path:?}: {}", answer.status);
    }
    // LIST against a deny, with and without the slash.
    for path in ["secret/deep", "secret/deep/"] {
        assert_eq!(server.ask(&token, List, path, json!({})).await.status, 403, "{path}");
    }
    assert_eq!(server.ask(&token, Update, "secret/a/", json!({ "v": 1 })).await.status, 400);
}

#[tokio::test]
async fn sudo_paths_need_sudo_and_unknown_paths_a_token() {
    let server = Server::new().await;
    let token =
        server.token_with(r#"path "*" { capabilities = ["create", "read", "update", "delete", "list"] }"#).await;
    for (operation, path) in [
        (Read, "sys/audit"),
        (Update, "sys/audit/x"),
        (Update, "sys/auth/x"),
        (Delete, "sys/auth/open"),
        (Update, "sys/remount"),
        (Read, "sys/config/cors"),
        (Update, "sys/leases/revoke-force/secret"),
        (Update, "sys/revoke-prefix/secret"),
        (List, "sys/leases/lookup/secret"),
        (Read, "sys/leases"),
        (List, "auth/token/accessors"),
        (Update, "sys/seal"),
        (Update, "sys/step-down"),
        (Update, "sys/rotate"),
    ] {
        assert_eq!(server.ask(&token, operation, path, json!({})).await.status, 403, "{path}");
    }
    for path in ["nothing/here", "sys/mounts", "secret/a", "auth/open/other"] {
        assert_eq!(server.ask("", Read, path, json!({})).await.status, 403, "{path}");
    }
}

#[tokio::test]
async fn logins_of_a_name_are_locked_after_failures_whether_it_exists_or_not() {
    let mut server = Server::new().await;
    server.ok(Update, "sys/auth/up", json!({ "type": "userpass" })).await;
    let login = |password: &str| json!({ "password": password });
    for _ in 0..5 {
        assert_eq!(server.ask("", Update, "auth/up/login/jane", login("wrong")).await.status, 400);
    }
    assert_eq!(server.ask("", Update, "auth/up/login/jane", login("right")).await.status, 403);
    assert_eq!(server.ask("", Update, "auth/up/login/joe", login("right")).await.status, 200);
    let locked = server.ok(Read, "sys/locked-users", json!({})).await;
    assert_eq!(locked["data"]["total"], 1);
    server.pass(901);
    assert_eq!(server.ask("", Update, "auth/up/login/jane", login("right")).await.status, 200);
}

#[tokio::test]
async fn batch_tokens_can_not_do_what_needs_a_row() {
    let server = Server::new().await;
    server.token_with(r#"path "*" { capabilities = ["create", "read", "update", "delete", "list", "sudo"] }"#).await;
    let body = json!({ "type": "batch", "ttl": "1h", "policies": ["p"] });
    let made = server.ok(Update, "auth/token/create", body).await;
    let token = made["auth"]["client_token"].as_str().unwrap();
    for (path, body) in [
        ("auth/token/create", json!({})),
        ("auth/token/renew-self", json!({})),
        ("auth/token/revoke-self", json!({})),
        ("cubbyhole/a", json!({ "v": 1 })),
    ] {
        assert_eq!(server.ask(token, Update, path, body).await.status, 400, "{path}");
    }
    let mut changed = token.to_owned();
    let last = changed.pop().unwrap();
    changed.push(if last == 'A' { 'B' } else { 'A' });
    for forged in [changed.as_str(), "hvb.", "hvb.AAAA", "b.x"] {
        assert_eq!(server.ask(forged, Read, "secret/a", json!({})).await.status, 403, "{forged}");
    }
}

#[tokio::test]
async fn a_sealed_server_answers_nothing() {
    let server = Server::new().await;
    server.core.unload();
    assert_eq!(server.ask(&server.root, Read, "secret/a", json!({})).await.status, 503);
    server.core.load(server.now).await.unwrap();
    assert_eq!(server.ask(&server.root, Read, "secret/a", json!({})).await.status, 404);
}

#[tokio::test]
async fn a_token_bound_to_networks_is_none_elsewhere() {
    let server = Server::new().await;
    let role = json!({ "token_bound_cidrs": "10.0.0.0/8", "allowed_policies": "default" });
    server.ok(Update, "auth/token/roles/bound", role).await;
    let made = server.ok(Update, "auth/token/create/bound", json!({})).await;
    let token = made["auth"]["client_token"].as_str().unwrap();
    for (address, status) in [(Some("10.1.2.3"), 200), (Some("11.1.2.3"), 403), (Some("::1"), 403), (None, 403)] {
        let mut request = server.request(token, Read, "auth/token/lookup-self", json!({}));
        request.connection.address = address.map(|address| address.parse().unwrap());
        assert_eq!(server.core.handle(request).await.status, status, "{address:?}");
    }
}

#[tokio::test]
async fn templates_give_each_entity_its_own_and_no_other() {
    let server = Server::new().await;
    let mut own = Vec::new();
    for name in ["jane", "joe"] {
        let body = json!({ "password": "right" });
        let made = server.ok_as("", Update, &format!("auth/open/login/{name}"), body).await;
        let text = |field: &str| made["auth"][field].as_str().unwrap().to_owned();
        own.push((text("client_token"), format!("identity/entity/id/{}", text("entity_id"))));
    }
    for (at, (token, _)) in own.iter().enumerate() {
        for (other, (_, path)) in own.iter().enumerate() {
            let status = if at == other { 200 } else { 403 };
            assert_eq!(server.ask(token, Read, path, json!({})).await.status, status);
        }
    }
}

#[tokio::test]
async fn no_mount_hides_a_namespace_and_no_namespace_a_mount() {
    let server = Server::new().await;
    server.ok(Update, "sys/namespaces/team", json!({})).await;
    for path in ["sys/mounts/team", "sys/mounts/team/x", "sys/mounts/auth", "sys/mounts/a/../b", "sys/mounts/a//b"] {
        assert_eq!(server.ask(&server.root, Update, path, json!({ "type": "echo" })).await.status, 400, "{path}");
    }
    assert_eq!(server.ask(&server.root, Update, "sys/namespaces/secret", json!({})).await.status, 400);
    let moved = json!({ "from": "secret", "to": "team/sys/x" });
    assert_eq!(server.ask(&server.root, Update, "sys/remount", moved).await.status, 400);
}
