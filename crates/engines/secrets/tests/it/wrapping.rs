use crate::server::Server;
use logical::Operation::{Read, Update};
use serde_json::json;
use std::time::Duration;

async fn wrapped(server: &Server, ttl: u64) -> serde_json::Value {
    let mut request = server.request(&server.root, Update, "sys/wrapping/wrap", json!({ "a": "b" }));
    request.wrap_ttl = Some(Duration::from_secs(ttl));
    let answer = server.core.handle(request).await;
    assert_eq!(answer.status, 200, "{:?}", answer.errors);
    answer.to_json()
}

#[tokio::test]
async fn an_answer_is_unwrapped_once() {
    let server = Server::new().await;
    for with_own in [false, true] {
        let info = wrapped(&server, 60).await;
        assert_eq!((&info["data"], &info["wrap_info"]["ttl"]), (&json!(null), &json!(60)));
        let token = info["wrap_info"]["token"].as_str().unwrap();
        let looked = server.ok_as("", Update, "sys/wrapping/lookup", json!({ "token": token })).await;
        assert_eq!(looked["data"]["creation_path"], "sys/wrapping/wrap");
        let (who, body) = if with_own { (token, json!({})) } else { (server.root.as_str(), json!({ "token": token })) };
        let opened = server.ok_as(who, Update, "sys/wrapping/unwrap", body.clone()).await;
        assert_eq!(opened["data"], json!({ "a": "b" }));
        // CVE class: a wrapping token that is used twice.
        let again = server.ask(who, Update, "sys/wrapping/unwrap", body).await;
        assert_eq!(again.status, 400);
        let lookup = server.ask("", Update, "sys/wrapping/lookup", json!({ "token": token })).await;
        assert_eq!(lookup.errors, ["wrapping token is not valid or does not exist"]);
    }
}

#[tokio::test]
async fn a_wrapping_token_does_nothing_else_and_ends_on_time() {
    let mut server = Server::new().await;
    let info = wrapped(&server, 60).await;
    let token = info["wrap_info"]["token"].as_str().unwrap().to_owned();
    assert_eq!(server.ask(&token, Read, "auth/token/lookup-self", json!({})).await.status, 403);
    let info = wrapped(&server, 60).await;
    let token = info["wrap_info"]["token"].as_str().unwrap().to_owned();
    let moved = server.ok_as(&server.root, Update, "sys/wrapping/rewrap", json!({ "token": token })).await;
    let new = moved["wrap_info"]["token"].as_str().unwrap().to_owned();
    assert_ne!(new, token);
    let unwrap = json!({ "token": token });
    assert_eq!(server.ask(&server.root, Update, "sys/wrapping/unwrap", unwrap).await.status, 400);
    server.pass(61);
    assert_eq!(server.ask(&server.root, Update, "sys/wrapping/unwrap", json!({ "token": new })).await.status, 400);
}

#[tokio::test]
async fn only_a_wrapping_token_is_unwrapped() {
    let server = Server::new().await;
    let made = server.ok(Update, "auth/token/create", json!({})).await;
    for token in [made["auth"]["client_token"].as_str().unwrap(), "hvs.nothing", server.root.as_str()] {
        let refused = server.ask(&server.root, Update, "sys/wrapping/unwrap", json!({ "token": token })).await;
        assert_eq!(refused.status, 400);
    }
    let refused = server.ask(&server.root, Update, "sys/wrapping/wrap", json!({})).await;
    assert_eq!(refused.errors, ["endpoint requires response wrapping to be used"]);
}
