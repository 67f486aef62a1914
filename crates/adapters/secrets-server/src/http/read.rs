//! From an HTTP request to a request of the core.

use axum::body::{Body, to_bytes};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use logical::{Connection, Map, Operation, parse_duration};
use secrets::CoreRequest;
use serde_json::Value;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

pub(crate) const TOKEN: &str = "x-vault-token";
const NAMESPACE: &str = "x-vault-namespace";
const WRAP_TTL: &str = "x-vault-wrap-ttl";
const MERGE_PATCH: &str = "application/merge-patch+json";
const FORM: &str = "application/x-www-form-urlencoded";
const OCSP: &str = "application/ocsp-request";

/// A status with its text.
pub(crate) type Refused = (StatusCode, String);

fn bad(text: impl Into<String>) -> Refused {
    (StatusCode::BAD_REQUEST, text.into())
}

/// The path without percent signs.
pub(crate) fn path(raw: &str) -> Result<Cow<'_, str>, &'static str> {
    if !raw.contains('%') {
        return Ok(Cow::Borrowed(raw));
    }
    let decoded = percent(raw, false).ok_or("the path is not percent-encoded as it should be")?;
    Ok(Cow::Owned(decoded))
}

fn percent(text: &str, is_form: bool) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let high = char::from(rest.next()?).to_digit(16)?;
                let low = char::from(rest.next()?).to_digit(16)?;
                u8::try_from(high * 16 + low).ok()?
            }
            b'+' if is_form => b' ',
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

/// Pairs of a query or form; a name that comes again makes a list.
fn pairs(text: &str) -> Result<Map, Refused> {
    let mut map = Map::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decode = |part| percent(part, true).ok_or_else(|| bad("the query is not percent-encoded as it should be"));
        let (name, value) = (decode(name)?, Value::from(decode(value)?));
        match map.get_mut(&name) {
            None => {
                map.insert(name, value);
            }
            Some(Value::Array(list)) => list.push(value),
            Some(one) => *one = Value::Array(vec![one.take(), value]),
        }
    }
    Ok(map)
}

/// The value of a header that must be text.
pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Refused> {
    let text =
        |value: &'a axum::http::HeaderValue| value.to_str().map_err(|_| bad(format!("the header {name} is no text")));
    headers.get(name).map(text).transpose()
}

/// The token of a request.
pub(crate) fn token(headers: &HeaderMap) -> Result<Option<Zeroizing<String>>, Refused> {
    let given = match header(headers, TOKEN)? {
        Some(token) => Some(token),
        None => header(headers, "authorization")?.and_then(|value| value.strip_prefix("Bearer ")),
    };
    Ok(given.map(str::trim).filter(|token| !token.is_empty()).map(|token| Zeroizing::new(token.to_owned())))
}

/// A truth value of the query, as Go reads it.
fn flag(query: &mut Map, name: &str) -> Result<bool, Refused> {
    match query.get(name).and_then(Value::as_str) {
        None | Some("") => Ok(false),
        Some("1" | "t" | "T" | "true" | "TRUE" | "True") => {
            query.remove(name);
            Ok(true)
        }
        Some("0" | "f" | "F" | "false" | "FALSE" | "False") => {
            query.remove(name);
            Ok(false)
        }
        Some(_) => Err(bad(format!("{name} is neither true nor false"))),
    }
}

/// A whole body, within the limit.
pub(crate) async fn body(body: Body, limit: usize) -> Result<Vec<u8>, Refused> {
    let bytes = to_bytes(body, limit)
        .await
        .map_err(|_| (StatusCode::PAYLOAD_TOO_LARGE, "http: request body too large".to_owned()))?;
    Ok(bytes.to_vec())
}

/// An object of JSON; nothing is an empty one. The parser bounds its depth.
pub(crate) fn json(bytes: &[u8]) -> Result<Map, Refused> {
    if bytes.trim_ascii().is_empty() {
        return Ok(Map::new());
    }
    // The message of the parser could quote a secret.
    match serde_json::from_slice::<Option<Map>>(bytes) {
        Ok(map) => Ok(map.unwrap_or_default()),
        Err(error) => {
            let place = format!("line {} column {}", error.line(), error.column());
            Err(bad(format!("failed to parse JSON input: not a JSON object ({place})")))
        }
    }
}

/// The request for the core.
pub(crate) async fn request(
    path: &str,
    parts: &Parts,
    body: Body,
    connection: Connection,
    limit: usize,
) -> Result<CoreRequest, Refused> {
    let content_type = header(&parts.headers, CONTENT_TYPE.as_str())?.unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let mut request = CoreRequest::new(Operation::Read, path, Timestamp::now());
    let query = parts.uri.query().unwrap_or_default();
    match parts.method.as_str() {
        "GET" | "HEAD" => {
            request.data = pairs(query)?;
            let (list, scan) = (flag(&mut request.data, "list")?, flag(&mut request.data, "scan")?);
            request.operation = match (list, scan) {
                (true, true) => return Err(bad("list and scan at once")),
                (true, false) => Operation::List,
                (false, true) => Operation::Scan,
                (false, false) => Operation::Read,
            };
        }
        "LIST" => {
            request.operation = Operation::List;
            request.data = pairs(query)?;
        }
        "SCAN" => {
            request.operation = Operation::Scan;
            request.data = pairs(query)?;
        }
        "DELETE" => {
            request.operation = Operation::Delete;
            request.data = pairs(query)?;
        }
        "PUT" | "POST" => {
            request.operation = Operation::Update;
            let bytes = Zeroizing::new(self::body(body, limit).await?);
            let is_raw = media_type == OCSP || path.starts_with("sys/storage/raft/snapshot");
            if is_raw {
                request.body = Some((media_type, Arc::new(bytes.to_vec())));
            } else if media_type == FORM && !bytes.trim_ascii().starts_with(b"{") {
                let text = std::str::from_utf8(&bytes).map_err(|_| bad("error parsing form data"))?;
                request.data = pairs(text)?;
            } else {
                request.data = json(&bytes)?;
            }
        }
        "PATCH" => {
            request.operation = Operation::Patch;
            if media_type != MERGE_PATCH {
                let text = format!("PATCH requires Content-Type of {MERGE_PATCH}, provided {content_type}");
                return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
            }
            let bytes = Zeroizing::new(self::body(body, limit).await?);
            request.data = json(&bytes)?;
        }
        _ => return Err((StatusCode::METHOD_NOT_ALLOWED, String::new())),
    }
    if matches!(request.operation, Operation::List | Operation::Scan) && !request.path.ends_with('/') {
        request.path.push('/');
    }
    request.namespace = header(&parts.headers, NAMESPACE)?.unwrap_or_default().to_owned();
    request.token = token(&parts.headers)?;
    request.wrap_ttl = header(&parts.headers, WRAP_TTL)?.map(wrap_ttl).transpose()?.flatten();
    request.connection = connection;
    request.headers = headers(&parts.headers);
    Ok(request)
}

fn wrap_ttl(text: &str) -> Result<Option<Duration>, Refused> {
    let ttl = parse_duration(text).map_err(|error| bad(format!("error parsing wrap TTL: {error}")))?;
    Ok(Some(ttl).filter(|ttl| !ttl.is_zero()))
}

/// Headers for mounts and the audit; the token is no business of theirs.
fn headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let readable = headers.iter().filter(|(name, _)| *name != TOKEN && *name != "authorization");
    readable.filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(method: &str, target: &str, headers: &[(&str, &str)], text: &str) -> Result<CoreRequest, Refused> {
        let mut builder = axum::http::Request::builder().method(method).uri(target);
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        let (parts, body) = builder.body(Body::from(text.to_owned())).unwrap().into_parts();
        let whole = path(parts.uri.path()).unwrap().into_owned();
        request(whole.strip_prefix("/v1/").unwrap(), &parts, body, Connection::default(), 64).await
    }

    #[tokio::test]
    async fn methods_bodies_and_headers_become_requests() {
        let request =
            read("GET", "/v1/secret/a%20b?version=2", &[(TOKEN, "hvs.x"), (WRAP_TTL, "60")], "").await.unwrap();
        assert_eq!((request.path.as_str(), request.operation), ("secret/a b", Operation::Read));
        assert_eq!(request.data["version"], "2");
        assert_eq!((request.token.unwrap().as_str(), request.wrap_ttl), ("hvs.x", Some(Duration::from_secs(60))));
        assert!(request.headers.iter().all(|(name, _)| name != TOKEN));
        for (method, target) in [("GET", "/v1/a?list=true"), ("LIST", "/v1/a"), ("LIST", "/v1/a/")] {
            let request = read(method, target, &[], "").await.unwrap();
            assert_eq!((request.path.as_str(), request.operation), ("a/", Operation::List), "{method} {target}");
            assert!(request.data.is_empty());
        }
        let request = read("POST", "/v1/a", &[("authorization", "Bearer t")], r#"{"a":1}"#).await.unwrap();
        assert_eq!((request.token.unwrap().as_str(), &request.data["a"]), ("t", &Value::from(1)));
        for (method, headers, text, status) in [
            ("POST", vec![], r#"{"hunter2":"#, 400),
            ("POST", vec![], r#"["hunter2"]"#, 400),
            ("POST", vec![], &"x".repeat(65), 413),
            ("PATCH", vec![("content-type", "application/json")], "{}", 415),
            ("BREW", vec![], "", 405),
            ("GET", vec![(WRAP_TTL, "soon")], "", 400),
        ] {
            let (found, text) = read(method, "/v1/a", &headers, text).await.err().unwrap();
            assert_eq!(found.as_u16(), status);
            assert!(!text.contains("hunter2"));
        }
        assert!(path("/v1/%f").is_err() && path("/v1/%ff").is_err());
    }
}
