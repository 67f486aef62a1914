use crate::server::Server;
use logical::Operation::{Delete, List, Read, Update};
use serde_json::{Value, json};

async fn accessor(server: &Server) -> String {
    let list = server.ok(Read, "sys/auth", json!({})).await;
    list["data"]["open/"]["accessor"].as_str().unwrap().to_owned()
}

async fn log_in(server: &Server, body: Value) -> Value {
    server.ok_as("", Update, "auth/open/login/jane", body).await["auth"].clone()
}

#[tokio::test]
async fn entities_and_aliases_are_kept_by_id_and_name() {
    let server = Server::new().await;
    let root = &server.root;
    let made = server.ok(Update, "identity/entity", json!({ "name": "Jane", "metadata": { "a": "b" } })).await;
    let id = made["data"]["id"].as_str().unwrap().to_owned();
    assert_eq!(server.ask(root, Update, "identity/entity/name/jane", json!({ "disabled": false })).await.status, 204);
    let read = server.ok(Read, "identity/entity/name/JANE", json!({})).await;
    assert_eq!((&read["data"]["id"], &read["data"]["metadata"]), (&json!(id), &json!({ "a": "b" })));
    assert_eq!(server.ok(List, "identity/entity/id", json!({})).await["data"]["keys"], json!([id]));
    let body = json!({ "name": "jane", "canonical_id": id, "mount_accessor": accessor(&server).await });
    let alias = server.ok(Update, "identity/entity-alias", body.clone()).await;
    assert_eq!(alias["data"]["canonical_id"], id);
    assert_eq!(server.ask(root, Update, "identity/entity-alias", body).await.status, 204);
    let looked = server.ok(Update, "identity/lookup/entity", json!({ "alias_id": alias["data"]["id"] })).await;
    assert_eq!(looked["data"]["aliases"][0]["mount_path"], "auth/open/");
    let wrong = json!({ "name": "x", "mount_accessor": "not a valid accessor" });
    let wrong = server.ask(root, Update, "identity/entity-alias", wrong).await;
    assert_eq!(wrong.errors, ["invalid mount accessor \"not a valid accessor\""]);
    let other = server.ok(Update, "identity/entity", json!({ "name": "other", "policies": ["x"] })).await;
    let merge = json!({ "from_entity_ids": other["data"]["id"], "to_entity_id": id });
    server.ok(Update, "identity/entity/merge", merge).await;
    let merged = server.ok(Read, &format!("identity/entity/id/{id}"), json!({})).await;
    assert_eq!(merged["data"]["policies"], json!(["x"]));
    server.ok(Delete, &format!("identity/entity/id/{id}"), json!({})).await;
    assert_eq!(server.ask(root, List, "identity/entity-alias/id", json!({})).await.status, 404);
    assert_eq!(server.ask(root, Update, "identity/lookup/entity", json!({ "name": "jane" })).await.status, 204);
}

#[tokio::test]
async fn groups_give_policies_at_once_and_take_them_at_once() {
    let server = Server::new().await;
    let allow = json!({ "policy": r#"path "secret/*" { capabilities = ["create", "update"] }"# });
    server.ok(Update, "sys/policies/acl/g", allow).await;
    let auth = log_in(&server, json!({ "password": "right" })).await;
    let token = auth["client_token"].as_str().unwrap();
    let write = || server.ask(token, Update, "secret/a", json!({ "v": 1 }));
    assert_eq!(write().await.status, 403);
    let inner = json!({ "name": "inner", "member_entity_ids": [auth["entity_id"]] });
    let inner = server.ok(Update, "identity/group", inner).await;
    let outer = json!({ "name": "outer", "policies": ["g"], "member_group_ids": [inner["data"]["id"]] });
    let outer = server.ok(Update, "identity/group", outer).await;
    assert_eq!(write().await.status, 204);
    let cycle = json!({ "member_group_ids": [outer["data"]["id"]] });
    assert_eq!(server.ask(&server.root, Update, "identity/group/name/inner", cycle).await.status, 400);
    let again = log_in(&server, json!({ "password": "right" })).await;
    assert_eq!(again["identity_policies"], json!(["g"]));
    server.ok(Update, "identity/group/name/inner", json!({ "member_entity_ids": [] })).await;
    assert_eq!(write().await.status, 403);
    let entity = format!("identity/entity/id/{}", auth["entity_id"].as_str().unwrap());
    server.ok(Update, &entity, json!({ "disabled": true })).await;
    assert_eq!(server.ask(token, Read, "auth/token/lookup-self", json!({})).await.status, 403);
    let refused = server.ask("", Update, "auth/open/login/jane", json!({ "password": "right" })).await;
    assert_eq!(refused.status, 403);
}

#[tokio::test]
async fn an_external_group_has_those_whom_its_method_names() {
    let server = Server::new().await;
    let alias = json!({ "name": "admins", "mount_accessor": accessor(&server).await });
    let alias = server.ok(Update, "identity/group-alias", alias).await;
    let group = alias["data"]["canonical_id"].as_str().unwrap().to_owned();
    let path = format!("identity/group/id/{group}");
    server.ok(Update, &path, json!({ "policies": ["g"] })).await;
    let changed = server.ask(&server.root, Update, &path, json!({ "type": "internal" })).await;
    assert_eq!(changed.errors, ["group type cannot be changed"]);
    let read = server.ok(Read, &path, json!({})).await;
    assert_eq!((&read["data"]["member_entity_ids"], &read["data"]["type"]), (&json!(null), &json!("external")));
    let auth = log_in(&server, json!({ "password": "right", "groups": "admins" })).await;
    assert_eq!(auth["identity_policies"], json!(["g"]));
    let auth = log_in(&server, json!({ "password": "right" })).await;
    assert_eq!(auth["policies"], json!(["default"]));
}

#[tokio::test]
async fn an_identity_never_gives_root() {
    let server = Server::new().await;
    let auth = log_in(&server, json!({ "password": "right" })).await;
    let id = auth["entity_id"].as_str().unwrap();
    for root in ["root", "ROOT", " root ", "a,Root"] {
        for path in [format!("identity/entity/id/{id}"), "identity/group/name/g".to_owned()] {
            let refused = server.ask(&server.root, Update, &path, json!({ "policies": root })).await;
            assert_eq!((refused.status, refused.errors), (400, vec!["policies cannot contain root".to_owned()]));
        }
    }
}

#[tokio::test]
async fn identity_tokens_are_signed_and_introspected() {
    let mut server = Server::new().await;
    let root = server.root.clone();
    let auth = log_in(&server, json!({ "password": "right", "policies": "oidc" })).await;
    let allow = json!({ "policy": r#"path "identity/oidc/token/*" { capabilities = ["read"] }"# });
    server.ok(Update, "sys/policies/acl/oidc", allow).await;
    server.ok(Update, "identity/oidc/config", json!({ "issuer": "https://idp.example:1234" })).await;
    for algorithm in ["ES256", "EdDSA", "RS256"] {
        let key = json!({ "algorithm": algorithm, "allowed_client_ids": "me", "verification_ttl": "1h" });
        assert_eq!(server.ask(&root, Update, &format!("identity/oidc/key/{algorithm}"), key).await.status, 204);
        let role = json!({ "key": algorithm, "client_id": "me", "ttl": "10m", "template": r#"{"n":{{identity.entity.name}}}"# });
        server.ok(Update, "identity/oidc/role/r", role).await;
        let path = "identity/oidc/token/r";
        assert_eq!(server.ask(&root, Read, path, json!({})).await.status, 400, "root has no entity");
        let made = server.ok_as(auth["client_token"].as_str().unwrap(), Read, path, json!({})).await;
        let token = made["data"]["token"].as_str().unwrap().to_owned();
        let ask = |token: &str, client: &str| json!({ "token": token, "client_id": client });
        let active = server.ok(Update, "identity/oidc/introspect", ask(&token, "me")).await;
        assert_eq!(active, json!({ "active": true }), "{algorithm}");
        server.ok(Update, &format!("identity/oidc/key/{algorithm}/rotate"), json!({})).await;
        let active = server.ok(Update, "identity/oidc/introspect", ask(&token, "")).await;
        assert_eq!(active["active"], true, "an older key still verifies");
        let (front, _) = token.rsplit_once('.').unwrap();
        for (token, client) in [(token.as_str(), "other"), (&format!("{front}.AAAA"), "me"), ("x", "me")] {
            let refused = server.ok(Update, "identity/oidc/introspect", ask(token, client)).await;
            assert_eq!(refused["active"], false);
        }
        server.pass(601);
        let ended = server.ok(Update, "identity/oidc/introspect", ask(&token, "me")).await;
        assert_eq!(ended["active"], false);
    }
    let keys = server.ok_as("", Read, "identity/oidc/.well-known/keys", json!({})).await;
    assert_eq!(keys["keys"].as_array().unwrap().len(), 9);
    let found = server.ok_as("", Read, "identity/oidc/.well-known/openid-configuration", json!({})).await;
    assert_eq!(found["issuer"], "https://idp.example:1234/v1/identity/oidc");
    let used = server.ask(&root, Delete, "identity/oidc/key/RS256", json!({})).await;
    assert_eq!(used.status, 400);
    server.core.periodic(server.now).await.unwrap();
}
