//! Version 2: `POST /api/v2/log/entries`, the checkpoint, tiles, and the search.

mod answer;
mod create;
mod search;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tlog::TilePath;

use crate::log::{AddError, Log};

/// As the peer's default.
const MAX_BODY_BYTES: usize = 4 << 20;

pub(crate) fn router(log: Log) -> Router {
    Router::new()
        .route("/api/v2/log/entries", post(create_entry))
        .route("/api/v2/checkpoint", get(checkpoint))
        .route("/checkpoint", get(checkpoint))
        .route("/api/v2/tile/{*path}", get(tile))
        .route("/tile/{*path}", get(tile))
        .route("/api/v2/search", get(search::search))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(log)
}

/// An error as the peer's gateway prints it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    Unknown,
    InvalidArgument,
    NotFound,
    AlreadyExists,
    Internal,
    Unavailable,
}

pub(crate) fn error(code: Code, message: &str) -> Response {
    let (number, status) = match code {
        Code::Unknown => (2, StatusCode::INTERNAL_SERVER_ERROR),
        Code::InvalidArgument => (3, StatusCode::BAD_REQUEST),
        Code::NotFound => (5, StatusCode::NOT_FOUND),
        Code::AlreadyExists => (6, StatusCode::CONFLICT),
        Code::Internal => (13, StatusCode::INTERNAL_SERVER_ERROR),
        Code::Unavailable => (14, StatusCode::SERVICE_UNAVAILABLE),
    };
    let body = serde_json::json!({ "code": number, "message": message, "details": [] });
    (status, axum::Json(body)).into_response()
}

async fn create_entry(State(log): State<Log>, body: Bytes) -> Response {
    let request = match create::Request::parse(&body) {
        Ok(request) => request,
        Err(refused) => return error(Code::InvalidArgument, &refused.to_string()),
    };
    let proposal = match request.verify() {
        Ok(proposal) => proposal,
        Err((message, reason)) => {
            tracing::warn!(reason = &reason as &dyn std::error::Error, "an entry was refused");
            return error(Code::InvalidArgument, message);
        }
    };
    let added = match log.add(proposal.entry.clone()).await {
        Ok(added) => added,
        Err(AddError::Busy) => return error(Code::Unavailable, "reached max pushback; retry"),
        Err(AddError::Closed | AddError::Append(_)) => return error(Code::Unknown, "failed to integrate entry"),
    };
    if added.place.duplicate {
        let index = added.place.index;
        let message = format!("an equivalent entry already exists in the transparency log with index {index}");
        let mut response = error(Code::AlreadyExists, &message);
        response.headers_mut().insert("x-log-index", HeaderValue::from(index));
        return response;
    }
    match answer::created(&log.id(), proposal.kind, &added, proposal.entry.body()) {
        Some(body) => (StatusCode::CREATED, [(header::CONTENT_TYPE, "application/json")], body).into_response(),
        None => error(Code::Unknown, "failed to integrate entry"),
    }
}

pub(crate) fn failed(reason: &ledger::LedgerError) -> Response {
    tracing::error!(reason = reason as &dyn std::error::Error, "the log could not be read");
    error(Code::Internal, "the log could not be read")
}

async fn checkpoint(State(log): State<Log>) -> Response {
    match log.view().await {
        Ok(view) => {
            let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")];
            (headers, view.latest().checkpoint.clone()).into_response()
        }
        Err(reason) => failed(&reason),
    }
}

/// Tiles never change, so they may be kept for ever.
async fn tile(State(log): State<Log>, Path(path): Path<String>) -> Response {
    let Ok(path) = format!("tile/{path}").parse::<TilePath>() else {
        return error(Code::NotFound, "Not Found");
    };
    let tile = match log.view().await {
        Ok(view) => view.tile(path).await,
        Err(reason) => Err(reason),
    };
    match tile {
        Ok(Some(tile)) => {
            let headers = [
                (header::CONTENT_TYPE, "application/octet-stream"),
                (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
            ];
            (headers, tile).into_response()
        }
        Ok(None) => error(Code::NotFound, "Not Found"),
        Err(reason) => failed(&reason),
    }
}
