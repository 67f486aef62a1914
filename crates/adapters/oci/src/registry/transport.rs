//! The HTTP clients of one registry: with and without TLS.

use super::error::RegistryError;
use super::options::{RegistryOptions, Timeouts};
use reqwest::blocking::{Client as Http, RequestBuilder, Response};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Certificate, Identity, Method, Url};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use zeroize::Zeroizing;

const MAX_REDIRECTS: usize = 10;
/// A file of certificates or a key.
const MAX_PEM: u64 = 16 << 20;

/// Sends requests, each by the client that its scheme needs. To set up the one for TLS the system's certificates are
/// read, which takes longer than all requests to a registry on loopback; so that is done when TLS is first needed.
pub(super) struct Transport {
    host: String,
    is_local: bool,
    insecure_skip_tls_verify: bool,
    ca_cert: Option<PathBuf>,
    client_certificate: Option<(PathBuf, PathBuf)>,
    timeouts: Timeouts,
    plain: OnceLock<Http>,
    tls: OnceLock<Http>,
}

impl Transport {
    pub(super) fn new(host: &str, is_local: bool, options: &RegistryOptions) -> Self {
        let certificate = options.credentials(host).find_map(|entry| entry.client_certificate());
        Self {
            host: host.to_owned(),
            is_local,
            insecure_skip_tls_verify: options.insecure_skip_tls_verify,
            ca_cert: options.ca_cert.clone(),
            client_certificate: certificate.map(|(certificate, key)| (certificate.clone(), key.clone())),
            timeouts: options.timeouts,
            plain: OnceLock::new(),
            tls: OnceLock::new(),
        }
    }

    /// Sends what `build` makes of a request for `url`.
    pub(super) fn send(
        &self,
        method: &Method,
        url: &Url,
        build: &mut dyn FnMut(RequestBuilder) -> RequestBuilder,
    ) -> Result<Result<Response, reqwest::Error>, RegistryError> {
        if url.scheme() == "http" {
            let answer = build(self.plain()?.request(method.clone(), url.clone())).send();
            let leads_to_tls = answer.as_ref().is_ok_and(|response| response.status().is_redirection());
            if !leads_to_tls {
                return Ok(answer);
            }
        }
        Ok(build(self.tls()?.request(method.clone(), url.clone())).send())
    }

    fn plain(&self) -> Result<&Http, RegistryError> {
        // Without a root, no TLS server is trusted.
        self.kept(&self.plain, || Ok(self.builder().tls_certs_only([]).redirect(Policy::custom(follow_plain))))
    }

    fn tls(&self) -> Result<&Http, RegistryError> {
        self.kept(&self.tls, || {
            let skips = self.insecure_skip_tls_verify;
            let mut builder = self.builder().redirect(Policy::custom(follow)).tls_danger_accept_invalid_certs(skips);
            if let Some(path) = self.ca_cert.as_ref().filter(|_| !skips) {
                builder = builder.tls_certs_merge(certificates(path)?);
            }
            if let Some((certificate, key)) = &self.client_certificate {
                let mut pem = Zeroizing::new(read_pem(certificate)?);
                let key = Zeroizing::new(read_pem(key)?);
                pem.extend_from_slice(&key);
                builder = builder.identity(Identity::from_pem(&pem).map_err(|error| error.to_string())?);
            }
            Ok(builder)
        })
    }

    fn builder(&self) -> reqwest::blocking::ClientBuilder {
        let builder = Http::builder()
            .user_agent(concat!("palisade/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(self.timeouts.connect)
            // For the answer's head, and then for each read of its body.
            .timeout(self.timeouts.idle);
        if self.is_local { builder.no_proxy() } else { builder }
    }

    fn kept<'a>(
        &self,
        client: &'a OnceLock<Http>,
        make: impl FnOnce() -> Result<reqwest::blocking::ClientBuilder, String>,
    ) -> Result<&'a Http, RegistryError> {
        if let Some(client) = client.get() {
            return Ok(client);
        }
        let made = make().and_then(|builder| builder.build().map_err(|error| error.to_string()));
        let made = made.map_err(|cause| RegistryError::Configuration { host: self.host.clone(), cause })?;
        Ok(client.get_or_init(|| made))
    }
}

/// Hosts other than the first one get no Authorization.
fn follow(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let is_downgrade = attempt.url().scheme() != "https"
        && attempt.previous().last().is_some_and(|previous| previous.scheme() == "https");
    if is_downgrade {
        attempt.error("a redirect from HTTPS to plain HTTP")
    } else if attempt.previous().len() > MAX_REDIRECTS {
        attempt.error("too many redirects")
    } else {
        attempt.follow()
    }
}

/// A redirect to TLS is left to the client that can do it.
fn follow_plain(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    if attempt.url().scheme() == "https" { attempt.stop() } else { follow(attempt) }
}

fn certificates(path: &Path) -> Result<Vec<Certificate>, String> {
    let is_certificate =
        |path: &Path| matches!(path.extension().and_then(|extension| extension.to_str()), Some("crt" | "cert" | "pem"));
    let paths = if path.is_dir() {
        let entries = fs::read_dir(path).map_err(|error| format!("{}: {error}", path.display()))?;
        entries.flatten().map(|entry| entry.path()).filter(|path| is_certificate(path)).collect()
    } else {
        vec![path.to_path_buf()]
    };
    let mut all = Vec::new();
    for path in paths {
        let bundle = Certificate::from_pem_bundle(&read_pem(&path)?);
        all.extend(bundle.map_err(|error| format!("{}: {error}", path.display()))?);
    }
    Ok(all)
}

fn read_pem(path: &Path) -> Result<Vec<u8>, String> {
    let failed = |error| format!("{}: {error}", path.display());
    let mut bytes = Vec::new();
    fs::File::open(path).map_err(failed)?.take(MAX_PEM).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}
