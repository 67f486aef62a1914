//! What is said when the server refuses or can't be reached: as the peers' Go client says it.

use super::Secret;
use reqwest::Url;
use serde_json::Value;
use std::error::Error;
use std::fmt;
use std::io::ErrorKind;

/// Why a request failed.
#[derive(Debug)]
pub(in crate::vault) enum ApiError {
    /// The server answered with an error.
    Refused { method: String, url: String, status: u16, namespace: String, errors: Vec<String>, body: Vec<u8> },
    /// Nobody answered.
    Transport(TransportError),
    /// The answer makes no sense.
    Answer(String),
    /// The token is none that a header can have.
    Token,
}

/// Why nobody answered.
#[derive(Debug)]
pub(in crate::vault) struct TransportError(String);

impl From<TransportError> for ApiError {
    fn from(error: TransportError) -> Self {
        Self::Transport(error)
    }
}

/// The longest body that is shown where it is no JSON.
const MAX_SHOWN: usize = 4096;

impl ApiError {
    pub(super) fn refused(method: &str, url: &Url, status: u16, namespace: &str, body: &[u8]) -> Self {
        let value: Option<Value> = serde_json::from_slice(body).ok();
        let errors = value.and_then(|value| {
            let errors = value.as_object()?.get("errors").and_then(Value::as_array).cloned().unwrap_or_default();
            Some(errors.iter().map(|error| format!("* {}", error.as_str().unwrap_or_default())).collect())
        });
        let raw = || vec![String::from_utf8_lossy(body.get(..MAX_SHOWN).unwrap_or(body)).into_owned()];
        Self::Refused {
            method: method.to_owned(),
            url: url.to_string(),
            status,
            namespace: namespace.to_owned(),
            errors: errors.unwrap_or_else(raw),
            body: body.to_vec(),
        }
    }

    pub(in crate::vault) fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Not found is no error; it may even bring data or warnings.
    pub(in crate::vault) fn found(self) -> Result<Option<Secret>, Self> {
        match &self {
            Self::Refused { status: 404, body, .. } => {
                let secret = Secret::parse(body).ok().flatten();
                Ok(secret.filter(|secret| {
                    secret.has_warnings() || secret.data.as_ref().is_some_and(|data| !data.is_empty())
                }))
            }
            _ => Err(self),
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { method, url, status, namespace, errors, .. } => {
                f.write_str("Error making API request.\n\n")?;
                if !namespace.is_empty() && namespace != "root/" {
                    writeln!(f, "Namespace: {namespace}")?;
                }
                let is_raw = errors.iter().any(|error| !error.starts_with("* "));
                let title = if is_raw { "Raw Message" } else { "Errors" };
                write!(f, "URL: {method} {url}\nCode: {status}. {title}:\n\n{}", errors.concat())
            }
            Self::Transport(TransportError(text)) | Self::Answer(text) => f.write_str(text),
            Self::Token => f.write_str("configured Vault token contains non-printable characters and cannot be used"),
        }
    }
}

impl TransportError {
    pub(super) fn new(method: &str, url: &Url, error: &reqwest::Error) -> Self {
        let mut verb = method.to_ascii_lowercase();
        if let Some(first) = verb.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        Self(format!("{verb} \"{url}\": {}", cause(url, error)))
    }
}

/// The cause in Go's words where it is a common one.
fn cause(url: &Url, error: &reqwest::Error) -> String {
    let host = url.host_str().unwrap_or_default();
    let mut last: &dyn Error = error;
    loop {
        if let Some(system) = last.downcast_ref::<std::io::Error>() {
            let port = url.port_or_known_default().unwrap_or_default();
            match system.kind() {
                ErrorKind::ConnectionRefused => {
                    return format!("dial tcp {host}:{port}: connect: connection refused");
                }
                ErrorKind::TimedOut => return format!("dial tcp {host}:{port}: i/o timeout"),
                _ => {}
            }
        }
        let text = last.to_string();
        if text.contains("InvalidContentType") {
            return "http: server gave HTTP response to HTTPS client".to_owned();
        }
        if text.contains("failed to lookup address") {
            return format!("dial tcp: lookup {host}: no such host");
        }
        match last.source() {
            Some(source) => last = source,
            None if error.is_timeout() => return "context deadline exceeded".to_owned(),
            None => return text,
        }
    }
}
