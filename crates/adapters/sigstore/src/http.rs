//! Requests to the services of a Sigstore: bounded, with a deadline, and in plain text on loopback only.

use crate::ServiceError;
use reqwest::blocking::{Client, RequestBuilder, Response};
use reqwest::{Certificate, Identity, StatusCode, Url};
use std::io::Read;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The largest answer that is read.
const MAX_ANSWER: u64 = 8 << 20;
/// How often a service that is busy or broken is asked.
const MAX_ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(300);

/// How services are reached.
#[derive(Debug, Clone, Default)]
pub struct HttpOptions {
    /// Plain HTTP also to other hosts than this one.
    pub allow_http: bool,
    /// A PEM file, trusted besides the system's certificates.
    pub ca_cert: Option<PathBuf>,
    /// The client's certificate and key, PEM.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// A client for all services of one command. It is set up when it is first used: many commands ask nobody.
#[derive(Debug, Clone)]
pub struct Http {
    options: HttpOptions,
    client: Arc<OnceLock<Client>>,
}

impl Http {
    /// A client that is not set up yet.
    #[must_use]
    pub fn new(options: &HttpOptions) -> Self {
        Self { options: options.clone(), client: Arc::default() }
    }

    fn client(&self) -> Result<&Client, ServiceError> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let made = build(&self.options)?;
        Ok(self.client.get_or_init(|| made))
    }

    /// The address `path` under the service at `base`.
    ///
    /// # Errors
    /// Where `base` is no address, or plain HTTP to another host.
    pub fn url(&self, base: &str, path: &str) -> Result<Url, ServiceError> {
        let refused = |cause: &'static str| ServiceError::Address { url: base.chars().take(200).collect(), cause };
        let url = Url::parse(&format!("{}{path}", base.trim_end_matches('/'))).map_err(|_| refused("no address"))?;
        match url.scheme() {
            "https" => Ok(url),
            "http" if self.options.allow_http || is_loopback(&url) => Ok(url),
            "http" => Err(refused("plain HTTP to another host; use https, or allow it with --allow-http")),
            _ => Err(refused("neither https nor http")),
        }
    }

    /// Sends what `build` makes, again where the service is busy, and gives the body of a success.
    ///
    /// # Errors
    /// Where nothing answers, or with the status and message of a refusal.
    pub fn send(&self, build: &dyn Fn(&Client) -> RequestBuilder) -> Result<Vec<u8>, ServiceError> {
        let client = self.client()?;
        let mut attempt = 1;
        loop {
            let result = build(client).send();
            let is_temporary = match &result {
                Ok(response) => {
                    response.status() == StatusCode::TOO_MANY_REQUESTS || response.status().is_server_error()
                }
                Err(error) => error.is_connect(),
            };
            if is_temporary && attempt < MAX_ATTEMPTS {
                std::thread::sleep(PAUSE * attempt);
                attempt += 1;
                continue;
            }
            let response = result.map_err(|source| {
                let url = source.url().map(shown).unwrap_or_default();
                ServiceError::Transport { url, source: source.without_url() }
            })?;
            return accept(response);
        }
    }

    /// The JSON of a success.
    ///
    /// # Errors
    /// As [`Self::send`], and where the answer is no such JSON.
    pub fn json<T: serde::de::DeserializeOwned>(
        &self,
        build: &dyn Fn(&Client) -> RequestBuilder,
        what: &'static str,
    ) -> Result<T, ServiceError> {
        let bytes = self.send(build)?;
        // What does not parse may hold a token.
        serde_json::from_slice(&bytes).map_err(|_| ServiceError::Answer { what, cause: "not the expected JSON".into() })
    }
}

fn build(options: &HttpOptions) -> Result<Client, ServiceError> {
    let configuration = |path: &PathBuf, cause: String| ServiceError::Configuration { path: path.clone(), cause };
    let mut builder = Client::builder()
        .user_agent(concat!("palisade/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(10))
        .timeout(Duration::from_secs(90))
        // A service that sends its clients on could send tokens on.
        .redirect(reqwest::redirect::Policy::none());
    if let Some(path) = &options.ca_cert {
        let pem = std::fs::read(path).map_err(|error| configuration(path, error.to_string()))?;
        let all = Certificate::from_pem_bundle(&pem).map_err(|error| configuration(path, error.to_string()))?;
        builder = builder.tls_certs_merge(all);
    }
    if let Some((certificate, key)) = &options.identity {
        let mut pem = std::fs::read(certificate).map_err(|error| configuration(certificate, error.to_string()))?;
        pem.extend(std::fs::read(key).map_err(|error| configuration(key, error.to_string()))?);
        let identity = Identity::from_pem(&pem).map_err(|error| configuration(key, error.to_string()))?;
        builder = builder.identity(identity);
    }
    builder.build().map_err(|source| ServiceError::Transport { url: String::new(), source })
}

/// Puts a JSON document into a request.
pub(crate) fn with_json(request: RequestBuilder, value: &serde_json::Value) -> RequestBuilder {
    request.header("Content-Type", "application/json").header("Accept", "application/json").body(value.to_string())
}

fn accept(response: Response) -> Result<Vec<u8>, ServiceError> {
    let (status, url) = (response.status(), shown(response.url()));
    let location = response.headers().get("location").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut body = Vec::new();
    let read = response.take(MAX_ANSWER + 1).read_to_end(&mut body);
    read.map_err(|error| ServiceError::Answer { what: "a service", cause: error.to_string() })?;
    if body.len() as u64 > MAX_ANSWER {
        return Err(ServiceError::Answer { what: "a service", cause: format!("more than {MAX_ANSWER} bytes") });
    }
    if status.is_success() {
        return Ok(body);
    }
    let message = message(&body);
    Err(ServiceError::Refused { url, status: status.as_u16(), message, location })
}

/// The message in a refusal, whatever JSON it is wrapped in.
fn message(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body.get(..body.len().min(2000)).unwrap_or_default()).into_owned();
    let value: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let named = ["message", "error_description", "error"].iter().find_map(|name| {
        value.as_ref().and_then(|value| value.get(name)).and_then(serde_json::Value::as_str).map(str::to_owned)
    });
    let message = named.unwrap_or(text);
    message.chars().filter(|character| !character.is_control()).take(400).collect()
}

/// Without the query, which may hold secrets.
fn shown(url: &Url) -> String {
    format!("{}://{}{}", url.scheme(), url.authority(), url.path())
}

fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_stays_on_this_host() {
        let http = Http::new(&HttpOptions::default());
        for (base, fine) in [
            ("http://127.0.0.1:8080", true),
            ("http://localhost:8080/", true),
            ("http://[::1]:8080", true),
            ("https://fulcio.example.com", true),
            ("http://fulcio.example.com", false),
            ("http://127.0.0.1.example.com", false),
            ("ftp://127.0.0.1", false),
            ("nothing", false),
        ] {
            assert_eq!(http.url(base, "/api/v2/signingCert").is_ok(), fine, "{base}");
        }
        let open = Http::new(&HttpOptions { allow_http: true, ..HttpOptions::default() });
        assert!(open.url("http://fulcio.example.com", "/").is_ok());
    }

    #[test]
    fn a_refusal_tells_its_message() {
        assert_eq!(message(br#"{"code":3,"message":"no \u0007token"}"#), "no token");
        assert_eq!(message(b"plain\nwords"), "plainwords");
        assert_eq!(message(&[b'a'; 5000]).len(), 400);
    }
}
