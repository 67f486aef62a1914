//! Version 1: entries with signed timestamps, found by index, UUID or hash.

mod answer;
mod entries;
mod index;
mod proposal;
mod rekord;
mod tree;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use ledger::LedgerError;
use serde::Serialize;

use crate::log::Log;

/// Envelopes are sent whole; this is more than a registry takes for one.
const MAX_BODY_BYTES: usize = 8 << 20;

pub(crate) fn router(log: Log) -> Router {
    Router::new()
        .route("/api/v1/log", get(tree::info))
        .route("/api/v1/log/publicKey", get(tree::public_key))
        .route("/api/v1/log/proof", get(tree::consistency))
        .route("/api/v1/log/entries", get(entries::by_index).post(entries::create))
        .route("/api/v1/log/entries/retrieve", post(entries::retrieve))
        .route("/api/v1/log/entries/{uuid}", get(entries::by_uuid))
        .route("/api/v1/index/retrieve", post(index::retrieve))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(log)
}

/// A body in JSON with the line break that the peer ends it with.
fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(mut bytes) => {
            bytes.push(b'\n');
            (status, [(header::CONTENT_TYPE, "application/json")], bytes).into_response()
        }
        // Nothing that is answered here has keys that are not text.
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    code: u16,
    message: &'a str,
}

fn error(status: StatusCode, message: &str) -> Response {
    json(status, &ErrorBody { code: status.as_u16(), message })
}

/// A parameter that the peer's generated checks refuse, with the number that they give the reason.
fn invalid(code: u16, message: &str) -> Response {
    json(StatusCode::UNPROCESSABLE_ENTITY, &ErrorBody { code, message })
}

const REQUIRED: u16 = 602;
const INVALID_TYPE: u16 = 601;
const PATTERN: u16 = 605;

fn failed(reason: &LedgerError) -> Response {
    tracing::error!(reason = reason as &dyn std::error::Error, "the log could not be read");
    error(StatusCode::INTERNAL_SERVER_ERROR, "unexpected error communicating with transparency log")
}
