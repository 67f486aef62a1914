//! Timestamps, the trust root in all its forms, TUF, the log of certificates, metrics.

use crate::runtime::Runtime;
use authority::{MAX_REQUEST_BYTES, Request, RequestError, pem};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

const JSON: &str = "application/json";

pub(crate) fn router(runtime: Arc<Runtime>) -> axum::Router {
    axum::Router::new()
        .route("/api/v1/timestamp", post(timestamp))
        .route("/api/v1/timestamp/certchain", get(timestamp_chain))
        .route("/trusted_root.json", get(trusted_root))
        .route("/signing_config.json", get(signing_config))
        .route("/signing_config.v0.2.json", get(signing_config))
        .route("/client_trust_config.json", get(client_trust_config))
        .route("/tuf/{*path}", get(tuf))
        .route("/ct/checkpoint", get(ct_checkpoint))
        .route("/ct/tile/{*path}", get(ct_tile))
        .route("/metrics", get(metrics))
        .layer(DefaultBodyLimit::max(MAX_REQUEST_BYTES + 1))
        .with_state(runtime)
}

fn error(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({"code": status.as_u16(), "message": message}))).into_response()
}

/// A request for a timestamp in JSON (timestamp-authority 2.1).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonRequest {
    artifact_hash: String,
    #[serde(default)]
    certificates: bool,
    hash_algorithm: String,
    #[serde(default)]
    nonce: Option<u64>,
}

impl JsonRequest {
    fn parse(body: &[u8]) -> Result<Request, Option<RequestError>> {
        let asked: Self = serde_json::from_slice(body).map_err(|_| None)?;
        let digest = STANDARD.decode(&asked.artifact_hash).map_err(|_| None)?;
        Ok(Request::of(&asked.hash_algorithm, &digest, asked.nonce, asked.certificates)?)
    }
}

async fn timestamp(State(runtime): State<Arc<Runtime>>, headers: HeaderMap, body: Bytes) -> Response {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let request = match kind.split(';').next().unwrap_or_default().trim() {
        "application/timestamp-query" => Request::parse(&body).map_err(Some),
        JSON => JsonRequest::parse(&body),
        _ => return error(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content-type must be application/timestamp-query"),
    };
    let made = match request {
        Ok(request) => runtime.tsa.respond(&request, Timestamp::now()),
        Err(refused) => {
            let reason = refused.map_or("malformed", RequestError::reason);
            runtime.metrics.count("timestamp_refused_total", &[("reason", reason)]);
            let message = refused.map(|refused| refused.to_string());
            return error(StatusCode::BAD_REQUEST, &message.unwrap_or_else(|| "malformed JSON request".to_owned()));
        }
    };
    match made {
        Ok(reply) => {
            runtime.metrics.count("timestamp_total", &[]);
            (StatusCode::CREATED, [(header::CONTENT_TYPE, "application/timestamp-reply")], reply).into_response()
        }
        Err(_) => error(StatusCode::INTERNAL_SERVER_ERROR, "error generating timestamp response"),
    }
}

async fn timestamp_chain(State(runtime): State<Arc<Runtime>>) -> Response {
    let chain: String = runtime.tsa.chain().iter().map(|der| pem::encode("CERTIFICATE", der)).collect();
    ([(header::CONTENT_TYPE, "application/pem-certificate-chain")], chain).into_response()
}

async fn trusted_root(State(runtime): State<Arc<Runtime>>) -> Response {
    ([(header::CONTENT_TYPE, JSON)], runtime.state.trusted_root().to_json()).into_response()
}

async fn signing_config(State(runtime): State<Arc<Runtime>>) -> Response {
    ([(header::CONTENT_TYPE, JSON)], runtime.signing_config().to_json()).into_response()
}

async fn client_trust_config(State(runtime): State<Arc<Runtime>>) -> Response {
    ([(header::CONTENT_TYPE, JSON)], runtime.client_trust_config().to_json()).into_response()
}

async fn tuf(State(runtime): State<Arc<Runtime>>, Path(path): Path<String>) -> Response {
    let kind = if path.ends_with(".json") { JSON } else { "application/octet-stream" };
    match runtime.tuf_file(&path) {
        Some(content) => ([(header::CONTENT_TYPE, kind)], content).into_response(),
        None => error(StatusCode::NOT_FOUND, "no such file"),
    }
}

async fn ct_checkpoint(State(runtime): State<Arc<Runtime>>) -> Response {
    match runtime.ct.checkpoint().await {
        Ok(Some(text)) => ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response(),
        Ok(None) => error(StatusCode::NOT_FOUND, "the log has no checkpoint"),
        Err(_) => error(StatusCode::INTERNAL_SERVER_ERROR, "the log could not be read"),
    }
}

async fn ct_tile(State(runtime): State<Arc<Runtime>>, Path(path): Path<String>) -> Response {
    let Ok(path) = format!("tile/{path}").parse() else { return error(StatusCode::NOT_FOUND, "no such tile") };
    match runtime.ct.tile(path).await {
        Ok(Some(tile)) => ([(header::CONTENT_TYPE, "application/octet-stream")], tile).into_response(),
        Ok(None) => error(StatusCode::NOT_FOUND, "no such tile"),
        Err(_) => error(StatusCode::INTERNAL_SERVER_ERROR, "the log could not be read"),
    }
}

async fn metrics(State(runtime): State<Arc<Runtime>>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], runtime.metrics.render()).into_response()
}
