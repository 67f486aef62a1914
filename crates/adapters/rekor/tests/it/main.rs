//! Both versions over a log in memory, as their clients use them.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not see as tests"
)]

mod v1;
mod v2;
mod vectors;

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rekor::{Log, Logs};
use serde_json::Value;
use signing::{KeyKind, PrivateKey, Signer};
use space::Memory;
use tower::ServiceExt;

/// The answer to a request.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap()
    }
}

pub(crate) struct Server {
    pub(crate) router: Router,
    pub(crate) v1: Log,
    pub(crate) v2: Log,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let key = |kind| Arc::new(PrivateKey::generate(kind).unwrap());
        let space = Arc::new(Memory::new());
        let v1 = Log::open_v1(space.clone(), "log.example", key(KeyKind::P256)).await.unwrap();
        let v2 = Log::open_v2(space, "log.example", key(KeyKind::Ed25519)).await.unwrap();
        let router = rekor::router(&Logs { v1: Some(v1.clone()), v2: Some(v2.clone()) });
        Self { router, v1, v2 }
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 16 << 20).await.unwrap().to_vec();
        Answer { status: parts.status, headers: parts.headers, bytes }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        let request = Request::post(path).header("content-type", "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

pub(crate) fn unbase64(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().unwrap()).unwrap()
}

/// A key, and its signature over a message.
pub(crate) fn sign(message: &[u8]) -> (PrivateKey, Vec<u8>) {
    let key = PrivateKey::generate(KeyKind::P256).unwrap();
    let signature = key.sign(message).unwrap();
    (key, signature)
}

pub(crate) fn statement(subject: &str) -> Vec<u8> {
    let digest = tlog::sha256(&[subject.as_bytes()]).to_hex();
    let statement = serde_json::json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": subject, "digest": {"sha256": digest}}],
        "predicateType": "https://example.com/p",
        "predicate": {},
    });
    statement.to_string().into_bytes()
}

#[tokio::test]
async fn a_closed_log_takes_no_entries_and_what_it_answered_is_in_it() {
    let server = Server::start().await;
    assert_eq!(server.get("/healthz").await.json(), serde_json::json!({"status": "SERVING"}));
    let (key, signature) = sign(b"artifact");
    let request = v2::request(b"artifact", &key, &signature);
    let (answer, ()) = tokio::join!(server.post(v2::ENTRIES, &request), server.v2.close());
    let other = sign(b"other");
    let late = server.post(v2::ENTRIES, &v2::request(b"other", &other.0, &other.1)).await;
    assert_eq!(late.status, StatusCode::INTERNAL_SERVER_ERROR);
    // Whether the first came before the close is a race; if it did, it is logged.
    let found = server.get("/api/v2/search?hash=".to_owned().as_str()).await;
    assert_eq!(found.status, StatusCode::OK);
    let size = server.get("/api/v2/checkpoint").await;
    let logged = String::from_utf8(size.bytes).unwrap().lines().nth(1).unwrap() == "1";
    assert_eq!(answer.status == StatusCode::CREATED, logged);
}
