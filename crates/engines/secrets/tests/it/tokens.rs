use crate::server::Server;
use logical::Operation::{List, Read, Update};
use serde_json::json;

#[tokio::test]
async fn a_token_is_made_found_renewed_and_revoked_with_its_children() {
    let mut server = Server::new().await;
    let made = server.ok(Update, "auth/token/create", json!({ "ttl": "1h", "policies": ["default"] })).await;
    let token = made["auth"]["client_token"].as_str().unwrap().to_owned();
    assert!(token.starts_with("hvs."));
    assert_eq!(made["auth"]["lease_duration"], 3600);
    let child = server.ok_as(&server.root, Update, "auth/token/create-orphan", json!({ "ttl": "1h" })).await;
    assert_eq!(child["auth"]["orphan"], true);
    let own = server.ok_as(&token, Read, "auth/token/lookup-self", json!({})).await;
    assert_eq!((&own["data"]["id"], &own["data"]["ttl"]), (&json!(token), &json!(3600)));
    server.pass(1000);
    let renewed = server.ok_as(&token, Update, "auth/token/renew-self", json!({ "increment": "2h" })).await;
    assert_eq!(renewed["auth"]["lease_duration"], 7200);
    let by_accessor = json!({ "accessor": made["auth"]["accessor"] });
    let looked = server.ok(Update, "auth/token/lookup-accessor", by_accessor.clone()).await;
    assert_eq!(looked["data"]["id"], "");
    server.ok(Update, "auth/token/revoke-accessor", by_accessor.clone()).await;
    assert_eq!(server.ask(&token, Read, "auth/token/lookup-self", json!({})).await.status, 403);
    assert_eq!(server.ask(&server.root, Update, "auth/token/lookup-accessor", by_accessor).await.status, 400);
    let gone = server.ask(&server.root, Update, "auth/token/lookup", json!({ "token": token })).await;
    assert_eq!((gone.status, gone.errors), (403, vec!["bad token".to_owned()]));
}

#[tokio::test]
async fn children_end_with_their_parents_and_orphans_stay() {
    let server = Server::new().await;
    let policy = r#"path "auth/token/*" { capabilities = ["create", "update", "sudo"] }"#;
    let parent = server.token_with(policy).await;
    let child = server.ok_as(&parent, Update, "auth/token/create", json!({})).await;
    let orphan = server.ok_as(&parent, Update, "auth/token/create-orphan", json!({})).await;
    let batch = server.ok_as(&parent, Update, "auth/token/create", json!({ "type": "batch", "ttl": "1h" })).await;
    let text = |made: &serde_json::Value| made["auth"]["client_token"].as_str().unwrap().to_owned();
    assert!(text(&batch).starts_with("hvb."));
    for token in [&child, &orphan, &batch] {
        server.ok_as(&text(token), Update, "auth/token/lookup", json!({})).await;
    }
    server.ok(Update, "auth/token/revoke", json!({ "token": parent })).await;
    for (token, status) in [(&child, 403), (&batch, 403), (&orphan, 200)] {
        let asked = server.ask(&text(token), Update, "auth/token/lookup", json!({})).await;
        assert_eq!(asked.status, status);
    }
}

#[tokio::test]
async fn tokens_end_on_time_and_after_their_uses() {
    let mut server = Server::new().await;
    let made =
        server.ok(Update, "auth/token/create", json!({ "num_uses": 2, "policies": ["default"], "ttl": "1h" })).await;
    let token = made["auth"]["client_token"].as_str().unwrap();
    for status in [200, 200, 403] {
        assert_eq!(server.ask(token, Read, "auth/token/lookup-self", json!({})).await.status, status);
    }
    let made = server.ok(Update, "auth/token/create", json!({ "ttl": "1h", "policies": ["default"] })).await;
    let token = made["auth"]["client_token"].as_str().unwrap();
    server.pass(3601);
    assert_eq!(server.ask(token, Read, "auth/token/lookup-self", json!({})).await.status, 403);
    server.pass(1);
    assert!(!server.core.tick(server.now).await.unwrap());
    let left = server.ok(List, "auth/token/accessors", json!({})).await;
    assert_eq!(left["data"]["keys"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_a_token_may_give_its_child_is_bounded() {
    let server = Server::new().await;
    let plain = server.token_with(r#"path "auth/token/create" { capabilities = ["update"] }"#).await;
    server
        .ok(
            Update,
            "sys/policies/acl/s",
            json!({ "policy": r#"path "auth/token/*" { capabilities = ["update", "sudo"] }"# }),
        )
        .await;
    let sudo = server.ok(Update, "auth/token/create", json!({ "policies": ["s"] })).await;
    let sudo = sudo["auth"]["client_token"].as_str().unwrap().to_owned();
    for (token, body, reason) in [
        (&plain, json!({ "policies": ["other"] }), "child policies must be subset of parent"),
        (&plain, json!({ "policies": ["root"] }), "child policies must be subset of parent"),
        (&plain, json!({ "no_parent": true }), "root or sudo privileges required to create orphan token"),
        (&plain, json!({ "period": "1h" }), "root or sudo privileges required to create periodic token"),
        (&plain, json!({ "id": "mine" }), "root or sudo privileges required to specify token id"),
        (&sudo, json!({ "policies": [" Root "] }), "root tokens may not be created without parent token being root"),
        (&sudo, json!({ "policies": ["response-wrapping"] }), "cannot assign policy \"response-wrapping\""),
        (&sudo, json!({ "num_uses": -1 }), "number of uses cannot be negative"),
        (&sudo, json!({ "type": "batch", "num_uses": 1 }), "batch tokens cannot have \"num_uses\" set"),
        (&sudo, json!({ "id": "hvs.mine" }), "custom token ID cannot have the prefix of generated tokens"),
    ] {
        let refused = server.ask(token, Update, "auth/token/create", body.clone()).await;
        assert_eq!((refused.status, refused.errors), (400, vec![reason.to_owned()]), "{body}");
    }
}

#[tokio::test]
async fn roles_say_what_their_tokens_are() {
    let server = Server::new().await;
    assert_eq!(server.ask(&server.root, List, "auth/token/roles", json!({})).await.status, 404);
    let role = json!({ "allowed_policies": "a,b", "orphan": true, "token_period": "30m", "path_suffix": "v1" });
    assert_eq!(server.ask(&server.root, Update, "auth/token/roles/r", role).await.status, 204);
    let made = server.ok(Update, "auth/token/create/r", json!({})).await;
    assert_eq!(made["auth"]["policies"], json!(["a", "b", "default"]));
    assert_eq!((&made["auth"]["orphan"], &made["auth"]["lease_duration"]), (&json!(true), &json!(1800)));
    let refused = server.ask(&server.root, Update, "auth/token/create/r", json!({ "policies": ["c"] })).await;
    assert_eq!(refused.status, 400);
}

#[tokio::test]
async fn a_login_becomes_a_token_with_an_entity() {
    let server = Server::new().await;
    let body = json!({ "password": "right", "policies": "a", "ttl": "10s" });
    let one = server.ok_as("", Update, "auth/open/login/jane", body.clone()).await;
    let two = server.ok_as("", Update, "auth/open/login/jane", body).await;
    let auth = &one["auth"];
    assert_eq!((&auth["policies"], &auth["lease_duration"]), (&json!(["a", "default"]), &json!(10)));
    assert_eq!(auth["entity_id"], two["auth"]["entity_id"]);
    let own = server.ok_as(auth["client_token"].as_str().unwrap(), Read, "auth/token/lookup-self", json!({})).await;
    assert_eq!(own["data"]["display_name"], "open-jane");
    assert_eq!(own["data"]["path"], "auth/open/login/jane");
    let root = json!({ "password": "right", "policies": "root" });
    let refused = server.ask("", Update, "auth/open/login/jane", root).await;
    assert_eq!(refused.errors, ["auth methods cannot create root tokens"]);
    // All tokens of a method end with it.
    server.ok(logical::Operation::Delete, "sys/auth/open", json!({})).await;
    let gone = server.ask(auth["client_token"].as_str().unwrap(), Read, "auth/token/lookup-self", json!({})).await;
    assert_eq!(gone.status, 403);
}
