use crate::server::Server;
use logical::Operation::{List, Read, Update};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

async fn take(server: &Server, token: &str, name: &str) -> Value {
    server.ok_as(token, Read, &format!("secret/creds/{name}"), json!({})).await
}

#[tokio::test]
async fn a_secret_is_renewed_within_its_bound_and_ends_on_time() {
    let mut server = Server::new().await;
    let root = server.root.clone();
    let lease = take(&server, &root, "a").await;
    let id = lease["lease_id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("secret/creds/a/"));
    assert_eq!((&lease["renewable"], &lease["lease_duration"]), (&json!(true), &json!(60)));
    server.pass(50);
    let renewed = server.ok(Update, "sys/leases/renew", json!({ "lease_id": id, "increment": 1000 })).await;
    assert_eq!(renewed["lease_duration"], 50);
    let looked = server.ok(Update, "sys/leases/lookup", json!({ "lease_id": id })).await;
    assert_eq!((&looked["data"]["id"], &looked["data"]["ttl"]), (&json!(id), &json!(50)));
    server.pass(15);
    server.core.tick(server.now).await.unwrap();
    assert_eq!(server.echo.revoked.load(Ordering::SeqCst), 0, "the first end was replaced");
    server.pass(40);
    server.core.tick(server.now).await.unwrap();
    assert_eq!(server.echo.revoked.load(Ordering::SeqCst), 1);
    assert_eq!(server.ask(&root, Update, "sys/leases/lookup", json!({ "lease_id": id })).await.status, 400);
    assert_eq!(server.ask(&root, List, "sys/leases/lookup/secret", json!({})).await.status, 404);
}

#[tokio::test]
async fn secrets_end_with_their_token_and_by_prefix() {
    let server = Server::new().await;
    let token = server.token_with(r#"path "secret/*" { capabilities = ["read"] }"#).await;
    for name in ["a", "b"] {
        take(&server, &token, name).await;
        take(&server, &server.root, name).await;
    }
    server.ok(Update, "auth/token/revoke", json!({ "token": token })).await;
    assert_eq!(server.echo.revoked.load(Ordering::SeqCst), 2);
    let keys = server.ok(List, "sys/leases/lookup/secret/creds", json!({})).await;
    assert_eq!(keys["data"]["keys"], json!(["a/", "b/"]));
    server.ok(Update, "sys/leases/revoke-prefix/secret/creds/a", json!({})).await;
    assert_eq!(server.echo.revoked.load(Ordering::SeqCst), 3);
    for _ in 0..250 {
        take(&server, &server.root, "many").await;
    }
    server.ok(Update, "sys/leases/revoke-prefix/secret", json!({})).await;
    while server.core.tick(server.now).await.unwrap() {}
    assert_eq!(server.echo.revoked.load(Ordering::SeqCst), 254);
}

#[tokio::test]
async fn what_cannot_be_ended_is_tried_again_then_set_aside_and_holds_up_nothing() {
    let mut server = Server::new().await;
    let root = server.root.clone();
    let stuck = take(&server, &root, "stuck").await;
    take(&server, &root, "fine").await;
    for _ in 0..12 {
        server.pass(1000);
        server.core.tick(server.now).await.unwrap();
    }
    assert_eq!(server.echo.revoked.load(Ordering::SeqCst), 1);
    let listed = server.ok(Read, "sys/leases", json!({ "type": "irrevocable" })).await;
    assert_eq!(listed["data"]["lease_count"], 1);
    assert_eq!(listed["data"]["leases"][0]["lease_id"], stuck["lease_id"]);
    let path = format!("sys/leases/revoke-force/{}", stuck["lease_id"].as_str().unwrap());
    server.ok(Update, &path, json!({})).await;
    let listed = server.ok(Read, "sys/leases/count", json!({ "type": "irrevocable" })).await;
    assert_eq!(listed["data"]["lease_count"], 0);
}

#[tokio::test]
async fn leases_and_tokens_are_there_after_a_restart() {
    let server = Server::new().await;
    let lease = take(&server, &server.root, "a").await;
    let core = server.restarted().await;
    let body = json!({ "lease_id": lease["lease_id"] });
    let looked = core.handle(server.request(&server.root, Update, "sys/leases/lookup", body)).await;
    assert_eq!(looked.status, 200);
}
