//! Requests to one registry: authentication, retries, and what its answers mean.

use super::challenge::Challenge;
use super::docker_config::{self, Credentials};
use super::error::RegistryError;
use super::options::RegistryOptions;
use super::transport::Transport;
use crate::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::blocking::{RequestBuilder, Response};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, RANGE, RETRY_AFTER, WWW_AUTHENTICATE};
use reqwest::{Method, StatusCode, Url};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::Read;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// How often a failing registry is asked.
const MAX_ATTEMPTS: u32 = 4;
/// The first pause; each further one is twice as long, and half of each is chance.
const PAUSE: Duration = Duration::from_millis(200);
/// The longest `Retry-After` that is obeyed.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(30);
/// A token's document.
const MAX_TOKEN: u64 = 1 << 20;
/// A whole document, however slowly it trickles.
const DOCUMENT_DEADLINE: Duration = Duration::from_secs(60);

/// One registry, for one repository.
pub(crate) struct Client {
    transport: Transport,
    base: Url,
    /// As shown to users.
    pub(crate) host: String,
    repository: String,
    credentials: Option<Credentials>,
    authorization: Mutex<Option<HeaderValue>>,
}

impl Client {
    /// Finds out by which scheme `host` answers.
    pub(crate) fn connect(host: &str, repository: &str, options: &RegistryOptions) -> Result<Self, RegistryError> {
        let is_local = is_loopback(host);
        let transport = Transport::new(host, is_local, options);
        let schemes: &[&str] = match (is_local, options.insecure_use_http) {
            // Nothing can listen in on a loopback, and almost no registry there has a certificate.
            (true, _) => &["http", "https"],
            (false, true) => &["https", "http"],
            (false, false) => &["https"],
        };
        let base = choose_scheme(&transport, host, schemes)?;
        let credentials = credentials(host, repository, options);
        let authorization = match &credentials {
            Some(Credentials::Bearer(token)) => Some(header("Bearer ", token)),
            _ => None,
        };
        let (host, repository) = (host.to_owned(), repository.to_owned());
        Ok(Self { transport, base, host, repository, credentials, authorization: Mutex::new(authorization.flatten()) })
    }

    /// `manifests/latest` or `blobs/sha256:...` of the repository, from byte `start` on.
    pub(crate) fn get(&self, path: &str, accept: &str, start: u64) -> Result<Response, RegistryError> {
        self.request(Method::GET, &self.url(path), &|request| {
            let request = request.header(ACCEPT, accept);
            if start > 0 { request.header(RANGE, format!("bytes={start}-")) } else { request }
        })
    }

    /// The address of `path` within the repository.
    pub(crate) fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        url.set_path(&format!("/v2/{}/{path}", self.repository));
        url.set_query(Some(query).filter(|query| !query.is_empty()));
        url
    }

    /// Where a `Location` of this registry leads; only to itself are credentials sent.
    pub(crate) fn location(&self, at: &Url, location: &str) -> Result<Url, RegistryError> {
        let url = at.join(location).map_err(|error| self.unexpected("an upload", error))?;
        if url.scheme() != self.base.scheme() || url.host_str() != self.base.host_str() {
            return Err(self.unexpected("an upload", "it is to go to another host"));
        }
        Ok(url)
    }

    /// Sends what `build` makes of a request, logging in where the registry asks for it.
    pub(crate) fn request(
        &self,
        method: Method,
        url: &Url,
        build: &dyn Fn(RequestBuilder) -> RequestBuilder,
    ) -> Result<Response, RegistryError> {
        let what = url.path().trim_start_matches("/v2/").to_owned();
        let mut has_answered_challenge = false;
        loop {
            let response = self.send(&what, &method, url, &mut |request| {
                let request = build(request);
                match &*self.authorization.lock().unwrap_or_else(PoisonError::into_inner) {
                    Some(value) => request.header(AUTHORIZATION, value.clone()),
                    None => request,
                }
            })?;
            // A token may have expired meanwhile, or allow less: each request may ask for one, once.
            if response.status() == StatusCode::UNAUTHORIZED && !has_answered_challenge {
                has_answered_challenge = true;
                let value = self.answer(&response)?;
                *self.authorization.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
            } else {
                return self.accept(response, &what);
            }
        }
    }

    /// Sends until there is an answer that is neither 429 nor 5xx.
    fn send(
        &self,
        what: &str,
        method: &Method,
        url: &Url,
        build: &mut dyn FnMut(RequestBuilder) -> RequestBuilder,
    ) -> Result<Response, RegistryError> {
        let mut attempt = 1;
        loop {
            let result = self.transport.send(method, url, build)?;
            let asked_pause = match &result {
                Ok(response) if is_temporary(response.status()) => retry_after(response),
                Ok(_) => return result.map_err(|source| self.transport(source)),
                Err(_) => None,
            };
            if attempt >= MAX_ATTEMPTS {
                return match result {
                    Ok(response) => self.accept(response, what),
                    Err(source) => Err(self.transport(source)),
                };
            }
            std::thread::sleep(asked_pause.unwrap_or_else(|| pause(attempt)));
            attempt += 1;
        }
    }

    /// Says what a status means.
    fn accept(&self, response: Response, what: &str) -> Result<Response, RegistryError> {
        let (host, what) = (self.host.clone(), what.to_owned());
        let attempts = MAX_ATTEMPTS;
        match response.status() {
            status if status.is_success() => Ok(response),
            StatusCode::UNAUTHORIZED => Err(RegistryError::Unauthorized { host, what }),
            StatusCode::FORBIDDEN => Err(RegistryError::Forbidden { host, what }),
            StatusCode::NOT_FOUND => Err(RegistryError::NotFound { host, what }),
            StatusCode::TOO_MANY_REQUESTS => Err(RegistryError::RateLimited { host, attempts }),
            status if status.is_server_error() => {
                Err(RegistryError::Unavailable { host, status: status.as_u16(), attempts })
            }
            status => Err(RegistryError::Unexpected { host, what, cause: format!("status {status}") }),
        }
    }

    fn transport(&self, source: reqwest::Error) -> RegistryError {
        RegistryError::Transport { host: self.host.clone(), source: source.without_url() }
    }

    pub(crate) fn unexpected(&self, what: &str, cause: impl ToString) -> RegistryError {
        RegistryError::Unexpected { host: self.host.clone(), what: what.to_owned(), cause: cause.to_string() }
    }

    /// The `Authorization` that a 401 asks for.
    fn answer(&self, response: &Response) -> Result<HeaderValue, RegistryError> {
        let refused = || RegistryError::Unauthorized { host: self.host.clone(), what: self.repository.clone() };
        let headers = response.headers().get_all(WWW_AUTHENTICATE);
        let mut challenges = headers.iter().filter_map(|value| Challenge::parse(value.to_str().ok()?));
        match (challenges.next(), &self.credentials) {
            (Some(Challenge::Basic), Some(Credentials::Login { username, password })) => {
                header("Basic ", &basic(username, password)).ok_or_else(refused)
            }
            (Some(Challenge::Bearer { .. }), Some(Credentials::Bearer(_))) => Err(refused()),
            (Some(Challenge::Bearer { realm, service, scope }), _) => {
                let scope = if scope.is_empty() { format!("repository:{}:pull", self.repository) } else { scope };
                let token = self.token(&realm, &service, &scope)?;
                header("Bearer ", &token).ok_or_else(refused)
            }
            _ => Err(refused()),
        }
    }

    /// Asks the registry's token service (Docker's token and OAuth2 specifications).
    fn token(&self, realm: &str, service: &str, scope: &str) -> Result<Secret, RegistryError> {
        #[derive(serde::Deserialize)]
        struct Answer {
            #[serde(default)]
            token: String,
            #[serde(default)]
            access_token: String,
        }
        let what = "its token service";
        let mut url = Url::parse(realm).map_err(|error| self.unexpected(what, error))?;
        let is_safe = url.scheme() == "https" || (url.scheme() == "http" && self.base.scheme() == "http");
        if !is_safe {
            return Err(self.unexpected(what, "a token service without HTTPS"));
        }
        let response = match &self.credentials {
            Some(Credentials::IdentityToken(token)) => {
                let mut form = Url::parse("form:").map_err(|error| self.unexpected(what, error))?;
                form.query_pairs_mut()
                    .append_pair("grant_type", "refresh_token")
                    .append_pair("service", service)
                    .append_pair("scope", scope)
                    .append_pair("client_id", "palisade")
                    .append_pair("refresh_token", token.expose());
                let body = Zeroizing::new(form.query().unwrap_or_default().to_owned());
                self.send(what, &Method::POST, &url, &mut |request| {
                    request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body.as_bytes().to_vec())
                })?
            }
            login => {
                url.query_pairs_mut().append_pair("service", service).append_pair("scope", scope);
                let authorization = match login {
                    Some(Credentials::Login { username, password }) => header("Basic ", &basic(username, password)),
                    _ => None,
                };
                self.send(what, &Method::GET, &url, &mut |request| match &authorization {
                    Some(value) => request.header(AUTHORIZATION, value.clone()),
                    None => request,
                })?
            }
        };
        let response = self.accept(response, &format!("a token for {}", self.repository))?;
        let bytes = Zeroizing::new(self.document(response, what, MAX_TOKEN)?);
        // The message of a parser could quote the token.
        let answer: Answer = serde_json::from_slice(&bytes).map_err(|_| self.unexpected(what, "not a token"))?;
        let token = if answer.token.is_empty() { answer.access_token } else { answer.token };
        if token.is_empty() { Err(self.unexpected(what, "no token")) } else { Ok(token.into()) }
    }

    /// Reads a whole document.
    pub(crate) fn document(&self, mut response: Response, what: &str, limit: u64) -> Result<Vec<u8>, RegistryError> {
        let started = Instant::now();
        let mut bytes = Vec::new();
        let mut buffer = [0; 16 << 10];
        loop {
            let read = response.read(&mut buffer).map_err(|error| self.unexpected(what, error))?;
            if read == 0 {
                return Ok(bytes);
            }
            bytes.extend_from_slice(buffer.get(..read).unwrap_or_default());
            if bytes.len() as u64 > limit {
                return Err(self.unexpected(what, format!("more than {limit} bytes")));
            }
            if started.elapsed() > DOCUMENT_DEADLINE {
                return Err(self.unexpected(what, format!("not complete after {DOCUMENT_DEADLINE:?}")));
            }
        }
    }
}

/// The first scheme by which something answers `/v2/`. No credential is sent yet.
fn choose_scheme(transport: &Transport, host: &str, schemes: &[&str]) -> Result<Url, RegistryError> {
    let configuration = |error: String| RegistryError::Configuration { host: host.to_owned(), cause: error };
    let mut last = None;
    for (index, scheme) in schemes.iter().enumerate() {
        let url = Url::parse(&format!("{scheme}://{host}/v2/")).map_err(|error| configuration(error.to_string()))?;
        if schemes.len() == 1 {
            return Ok(url);
        }
        match transport.send(&Method::GET, &url, &mut |request| request)? {
            // What a TLS server says to plain HTTP.
            Ok(response) if response.status() == StatusCode::BAD_REQUEST && index + 1 < schemes.len() => {}
            Ok(_) => return Ok(url),
            Err(error) => last = last.or(Some(error)),
        }
    }
    match last {
        Some(source) => Err(RegistryError::Transport { host: host.to_owned(), source: source.without_url() }),
        None => Err(configuration("no scheme".to_owned())),
    }
}

/// Configured ones first, then Docker's.
fn credentials(host: &str, repository: &str, options: &RegistryOptions) -> Option<Credentials> {
    let copy = |secret: &Secret| Secret::from(secret.expose().to_owned());
    let configured = options.credentials(host).find_map(|entry| {
        if entry.has_login() {
            Some(Credentials::Login { username: copy(&entry.username), password: copy(&entry.password) })
        } else if entry.token.is_empty() {
            None
        } else {
            Some(Credentials::Bearer(copy(&entry.token)))
        }
    });
    configured.or_else(|| docker_config::find(host, repository, &|name| std::env::var(name).ok()))
}

fn basic(username: &Secret, password: &Secret) -> Secret {
    let plain = Zeroizing::new([username.expose(), ":", password.expose()].concat());
    STANDARD.encode(plain.as_bytes()).into()
}

fn header(scheme: &str, secret: &Secret) -> Option<HeaderValue> {
    let text = Zeroizing::new([scheme, secret.expose()].concat());
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    name == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn is_temporary(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS || (status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED)
}

fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(MAX_RETRY_AFTER))
}

/// Before the attempt after `attempt`.
pub(crate) fn pause(attempt: u32) -> Duration {
    let full = PAUSE.saturating_mul(1 << attempt.saturating_sub(1).min(6));
    let chance = RandomState::new().build_hasher().finish() % 1000;
    full / 2 + (full / 2).mul_f64(chance as f64 / 1000.0)
}
