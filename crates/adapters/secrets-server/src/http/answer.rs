//! From an answer of the core to an HTTP response.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, STRICT_TRANSPORT_SECURITY};
use axum::http::{Response, StatusCode};
use logical::Raw;
use secrets::CoreResponse;
use serde::Serialize;
use serde_json::json;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A response with the headers that each has.
fn with(status: StatusCode, content_type: Option<HeaderValue>, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000; includeSubDomains"));
    if let Some(content_type) = content_type {
        headers.insert(CONTENT_TYPE, content_type);
    }
    response
}

/// JSON on a line.
pub(crate) fn json_of(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    json_bytes(status, serde_json::to_vec(value))
}

fn json_bytes(status: StatusCode, bytes: serde_json::Result<Vec<u8>>) -> Response<Body> {
    match bytes {
        Ok(mut bytes) => {
            bytes.push(b'\n');
            with(status, Some(JSON), bytes)
        }
        Err(_) => refuse(StatusCode::INTERNAL_SERVER_ERROR, "the answer has no JSON"),
    }
}

/// A status without a body.
pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    with(status, None, Vec::new())
}

/// A body as it is.
pub(crate) fn raw(raw: &Raw) -> Response<Body> {
    let status = StatusCode::from_u16(raw.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let content_type = HeaderValue::from_str(&raw.content_type).ok().filter(|value| !value.is_empty());
    with(status, content_type, raw.body.clone())
}

/// An error; an empty text is none.
pub(crate) fn refuse(status: StatusCode, text: &str) -> Response<Body> {
    let errors: Vec<&str> = Some(text).filter(|text| !text.is_empty()).into_iter().collect();
    json_of(status, &json!({ "errors": errors }))
}

/// The answer of the core.
pub(crate) fn response(answer: &CoreResponse) -> Response<Body> {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = match &answer.raw {
        Some(body) => raw(body),
        None if answer.has_body() => json_bytes(status, answer.to_bytes()),
        None => empty(status),
    };
    for (name, value) in &answer.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().append(name, value);
        }
    }
    response
}
