//! Requests to the server: the token, the namespace, wrapping, retries, and what is said when it refuses.

mod connection;
mod error;
mod secret;

pub(super) use error::{ApiError, TransportError};
pub(super) use secret::Secret;

use super::environment::{TokenFile, variable};
use super::failure::Failure;
use super::flags::Parsed;
use super::go;
use reqwest::blocking::Response;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde_json::{Map, Value};
use std::io::{Read, Write};
use std::thread::sleep;
use std::time::Duration;
use zeroize::Zeroizing;

/// The largest answer that is read, but for snapshots.
const MAX_ANSWER: u64 = 64 << 20;

/// Parameters of a request's address.
pub(super) type Query<'a> = &'a [(&'a str, &'a str)];

/// A server, and who asks it.
pub(super) struct Client {
    http: reqwest::blocking::Client,
    base: Url,
    /// The address as it was given.
    pub(super) address: String,
    token: Zeroizing<String>,
    headers: HeaderMap,
    wrap_ttl: Option<String>,
    follows: bool,
    retries: u32,
}

/// What the server answered: a success.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Zeroizing<Vec<u8>>,
}

impl Answer {
    /// As JSON; empty counts as null.
    pub(super) fn json(&self) -> Result<Value, ApiError> {
        if self.body.is_empty() {
            return Ok(Value::Null);
        }
        // What does not parse may hold a secret.
        serde_json::from_slice(&self.body).map_err(|_| ApiError::Answer("not the expected JSON".to_owned()))
    }
}

impl Client {
    /// A client as flags and variables say, with the token of the environment.
    pub(super) fn from_flags(flags: &Parsed) -> Result<Self, Failure> {
        let mut address = flags.text("address").to_owned();
        if !flags.text("agent-address").is_empty() {
            flags.text("agent-address").clone_into(&mut address);
        }
        if address.is_empty() {
            "https://127.0.0.1:8200".clone_into(&mut address);
        }
        let timeout = match variable("CLIENT_TIMEOUT") {
            None => 60 * 1_000_000_000,
            Some(text) => go::parse_duration(&text)
                .ok_or_else(|| Failure::remote("failed to read environment: could not parse \"BAO_CLIENT_TIMEOUT\""))?,
        };
        let timeout = Duration::from_nanos(timeout.unsigned_abs());
        let (http, base) = connection::open(flags, &address, timeout)?;
        let mut headers = HeaderMap::new();
        let mut add = |name: &str, value: &str, is_secret: bool| -> Result<(), Failure> {
            let wrong = |_| Failure::remote(format!("the header {name} has a character that headers can't have"));
            let mut value = HeaderValue::from_str(value).map_err(|_| wrong(()))?;
            value.set_sensitive(is_secret);
            headers.append(HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong(()))?, value);
            Ok(())
        };
        add("X-Vault-Request", "true", false)?;
        let namespace = if flags.has("ns") { flags.text("ns") } else { flags.text("namespace") };
        if !namespace.trim_matches('/').is_empty() {
            add("X-Vault-Namespace", &format!("{}/", namespace.trim_matches('/')), false)?;
        }
        if flags.is_on("policy-override") {
            add("X-Vault-Policy-Override", "true", false)?;
        }
        for credentials in flags.texts("mfa") {
            add("X-Vault-MFA", credentials, true)?;
        }
        for (name, value) in flags.pairs("header") {
            if name.to_ascii_lowercase().starts_with("x-vault-") {
                return Err(Failure::remote(format!(
                    "failed to setup Headers[{name}]: Header starting by 'X-Vault-' are for internal usage only"
                )));
            }
            add(name, value, true)?;
        }
        let token = Zeroizing::new(variable("TOKEN").unwrap_or_default());
        let wrap_ttl = flags.duration("wrap-ttl").filter(|ttl| *ttl != 0).map(go::duration);
        let retries = variable("MAX_RETRIES").and_then(|text| text.parse().ok()).unwrap_or(0).min(10);
        let follows = !flags.is_on("disable-redirects");
        Ok(Self { http, base, address, token, headers, wrap_ttl, follows, retries })
    }

    /// With the token of the token file, if the environment has none.
    pub(super) fn with_kept_token(mut self) -> Result<Self, Failure> {
        if self.token.is_empty() {
            self.token = TokenFile::find()?.read()?;
        }
        Ok(self)
    }

    /// As `token`.
    pub(super) fn set_token(&mut self, token: &str) {
        self.token = Zeroizing::new(token.to_owned());
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }

    /// From now on answers are not wrapped.
    pub(super) fn stop_wrapping(&mut self) {
        self.wrap_ttl = None;
    }

    /// Sends a request; a refusal is an error.
    pub(super) fn send(
        &self,
        method: &str,
        path: &str,
        query: Query<'_>,
        body: Option<&Value>,
    ) -> Result<Answer, ApiError> {
        let body = body.map(|body| Zeroizing::new(body.to_string().into_bytes()));
        self.send_bytes(method, path, query, body.as_ref().map(|body| body.as_slice()), None)
    }

    /// Sends bytes.
    pub(super) fn send_bytes(
        &self,
        method: &str,
        path: &str,
        query: Query<'_>,
        body: Option<&[u8]>,
        kind: Option<&'static str>,
    ) -> Result<Answer, ApiError> {
        let (response, url) = self.exchange(method, path, query, body, kind)?;
        let status = response.status().as_u16();
        let namespace = response.headers().get("X-Vault-Namespace").and_then(|value| value.to_str().ok());
        let namespace = namespace.unwrap_or_default().to_owned();
        let mut bytes = Zeroizing::new(Vec::new());
        let read = response.take(MAX_ANSWER + 1).read_to_end(&mut bytes);
        read.map_err(|error| ApiError::Answer(error.to_string()))?;
        if bytes.len() as u64 > MAX_ANSWER {
            return Err(ApiError::Answer(format!("more than {MAX_ANSWER} bytes")));
        }
        if (200..400).contains(&status) || (status == 429 && path == "sys/health") {
            return Ok(Answer { status, body: bytes });
        }
        Err(ApiError::refused(method, &url, status, &namespace, &bytes))
    }

    /// Streams the answer to `out`, however large.
    pub(super) fn download(&self, path: &str, out: &mut dyn Write) -> Result<u64, ApiError> {
        let (mut response, url) = self.exchange("GET", path, &[], None, None)?;
        let status = response.status().as_u16();
        if !response.status().is_success() {
            let mut bytes = Vec::new();
            let _ = response.take(1 << 20).read_to_end(&mut bytes);
            return Err(ApiError::refused("GET", &url, status, "", &bytes));
        }
        std::io::copy(&mut response, out).map_err(|error| ApiError::Answer(error.to_string()))
    }

    fn exchange(
        &self,
        method: &str,
        path: &str,
        query: Query<'_>,
        body: Option<&[u8]>,
        kind: Option<&'static str>,
    ) -> Result<(Response, Url), ApiError> {
        let verb = Method::from_bytes(method.as_bytes()).map_err(|_| ApiError::Answer("no such method".to_owned()))?;
        let mut url = connection::url(&self.base, path, query);
        let mut left = self.retries;
        let mut may_follow = self.follows;
        loop {
            let mut request = self.http.request(verb.clone(), url.clone()).headers(self.headers.clone());
            if !self.token.is_empty() {
                let mut token = HeaderValue::from_str(&self.token).map_err(|_| ApiError::Token)?;
                token.set_sensitive(true);
                request = request.header("X-Vault-Token", token);
            }
            let wraps_by_itself = path == "sys/wrapping/wrap" && matches!(method, "PUT" | "POST");
            if let Some(ttl) = self.wrap_ttl.as_deref().or(wraps_by_itself.then_some("5m")) {
                request = request.header("X-Vault-Wrap-TTL", ttl);
            }
            if let Some(kind) = kind {
                request = request.header("Content-Type", kind);
            }
            if let Some(body) = body {
                request = request.body(body.to_vec());
            }
            let result = request.send();
            let is_temporary = match &result {
                Ok(response) => {
                    response.status().as_u16() == 412
                        || response.status().is_server_error() && response.status().as_u16() != 501
                }
                Err(error) => error.is_connect(),
            };
            if is_temporary && left > 0 {
                left -= 1;
                sleep(Duration::from_secs(1));
                continue;
            }
            let response = result.map_err(|error| TransportError::new(method, &url, &error))?;
            if may_follow && matches!(response.status().as_u16(), 301 | 302 | 307) {
                may_follow = false;
                let to =
                    response.headers().get("location").and_then(|to| to.to_str().ok()).and_then(|to| url.join(to).ok());
                let to = to.ok_or_else(|| ApiError::Answer("a redirection to nowhere".to_owned()))?;
                if url.scheme() == "https" && to.scheme() != "https" {
                    return Err(ApiError::Answer("redirect would cause protocol downgrade".to_owned()));
                }
                url = to;
                continue;
            }
            return Ok((response, url));
        }
    }

    /// A secret, if there is one: not found is none.
    fn secret(
        &self,
        method: &str,
        path: &str,
        query: Query<'_>,
        body: Option<&Value>,
    ) -> Result<Option<Secret>, ApiError> {
        match self.send(method, path, query, body) {
            Ok(answer) => Secret::parse(&answer.body),
            Err(error) => error.found(),
        }
    }

    pub(super) fn read(&self, path: &str, query: Query<'_>) -> Result<Option<Secret>, ApiError> {
        self.secret("GET", path, query, None)
    }

    pub(super) fn list(&self, path: &str, query: Query<'_>) -> Result<Option<Secret>, ApiError> {
        self.secret("GET", path, &[&[("list", "true")], query].concat(), None)
    }

    pub(super) fn scan(&self, path: &str, query: Query<'_>) -> Result<Option<Secret>, ApiError> {
        self.secret("GET", path, &[&[("scan", "true")], query].concat(), None)
    }

    /// Writes; what is not found is an error that may come with a secret.
    pub(super) fn write(&self, path: &str, data: &Value) -> Result<Option<Secret>, ApiError> {
        Secret::parse(&self.send("PUT", path, &[], Some(data))?.body)
    }

    pub(super) fn patch(&self, path: &str, data: &Value) -> Result<Option<Secret>, ApiError> {
        let body = Zeroizing::new(data.to_string().into_bytes());
        let answer = self.send_bytes("PATCH", path, &[], Some(&body), Some("application/merge-patch+json"))?;
        Secret::parse(&answer.body)
    }

    pub(super) fn delete(&self, path: &str, query: Query<'_>) -> Result<Option<Secret>, ApiError> {
        self.secret("DELETE", path, query, None)
    }

    /// What is under `data` of an answer.
    pub(super) fn data(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Map<String, Value>, ApiError> {
        let answer = Secret::parse(&self.send(method, path, &[], body)?.body)?;
        Ok(answer.and_then(|secret| secret.data).unwrap_or_default())
    }
}
