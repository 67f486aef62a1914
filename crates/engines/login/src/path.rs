//! Paths below a mount.

use logical::{Context, Error, Operation, Pending, Request, Response};

/// How often a write is tried again when another came first.
const ATTEMPTS: usize = 64;

/// The path's segments; a slash at its end makes no difference.
pub(crate) fn segments(request: &Request) -> Vec<&str> {
    let path = request.path.as_str();
    path.strip_suffix('/').unwrap_or(path).split('/').collect()
}

/// A name as the peer's paths take it: letters, digits and `_`, within also `.` and `-`.
pub(crate) fn name(text: &str) -> Result<&str, Error> {
    named(text, b".-")
}

/// A name with other characters within.
pub(crate) fn named<'a>(text: &'a str, within: &[u8]) -> Result<&'a str, Error> {
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let bytes = text.as_bytes();
    let ends = bytes.first().is_some_and(word) && bytes.last().is_some_and(word);
    if ends && bytes.iter().all(|byte| word(byte) || within.contains(byte)) {
        Ok(text)
    } else {
        Err(Error::UnsupportedPath)
    }
}

/// The names under a prefix.
pub(crate) async fn list(context: Context<'_>, request: &Request, prefix: &str) -> Result<Response, Error> {
    if request.operation != Operation::List {
        return Err(Error::UnsupportedOperation);
    }
    let (after, limit) = request.page()?;
    Ok(Response::keys(context.storage.list(prefix, after, limit).await?))
}

/// Does a conditional write, again where another came first.
pub(crate) async fn retry<'a, T>(mut attempt: impl FnMut() -> Pending<'a, T>) -> Result<T, Error> {
    for _ in 1..ATTEMPTS {
        match attempt().await {
            Err(Error::Conflict) => {}
            other => return other,
        }
    }
    attempt().await
}

/// Whether the role of a path `role/<name>` is there.
pub(crate) async fn role_exists(context: Context<'_>, request: &Request) -> Result<Option<bool>, Error> {
    let segments = segments(request);
    let ["role", role] = segments.as_slice() else { return Ok(None) };
    let Ok(role) = name(role) else { return Ok(None) };
    Ok(Some(context.storage.get(&format!("role/{}", role.to_lowercase())).await?.is_some()))
}

/// The row of a role.
pub(crate) fn role_row(name: &str) -> String {
    format!("role/{name}")
}
