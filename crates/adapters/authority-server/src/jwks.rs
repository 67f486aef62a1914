//! Issuers' keys over HTTP: discovery, then the key set, kept for a while, and bounded in every way.

use authority::{DiscoveryError, Issuer, IssuerType, JwkSet, MAX_JWKS_BYTES, Token, jwks_address};
use reqwest::{Certificate, Client, Url, redirect};
use std::collections::HashMap;
use std::error::Error;
use std::fs;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long keys are used without a look at the issuer.
const KEEP: Duration = Duration::from_secs(600);
/// An issuer is not asked more often for a key that it does not have.
const ASK_AGAIN: Duration = Duration::from_secs(10);
const DEADLINE: Duration = Duration::from_secs(10);
/// Issuers whose keys are kept.
const MAX_ISSUERS: usize = 1024;
/// Where a pod finds what it needs to ask its own cluster.
const CLUSTER_TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";
const CLUSTER_CA: [&str; 2] = ["/var/run/fulcio/ca.crt", "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"];

/// Why an issuer's keys are not to be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeysError {
    /// An address that is not asked.
    #[error("the issuer's address {0:?} is not asked: https only, or loopback")]
    Address(String),
    /// Nothing answers, or with an error.
    #[error("the issuer's keys can't be fetched")]
    Fetch(#[source] Box<dyn Error + Send + Sync>),
    /// Documents that are wrong.
    #[error("the issuer's documents are wrong")]
    Document(#[from] DiscoveryError),
}

struct Known {
    keys: Arc<JwkSet>,
    fetched: Instant,
}

/// Keys of issuers.
#[derive(Default)]
pub(crate) struct KeySource {
    known: Mutex<HashMap<String, Known>>,
    /// When an issuer was last asked in vain.
    failed: Mutex<HashMap<String, Instant>>,
}

impl KeySource {
    /// The keys by which a token of an issuer may be checked.
    pub(crate) async fn keys(&self, issuer: &Issuer, token: &Token) -> Result<Arc<JwkSet>, KeysError> {
        let known = {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.get(&issuer.url).map(|known| (Arc::clone(&known.keys), known.fetched.elapsed()))
        };
        if let Some((keys, age)) = &known {
            let lacking = !token.has_key_in(keys);
            if *age < ASK_AGAIN || (*age < KEEP && !lacking) {
                return Ok(Arc::clone(keys));
            }
        }
        let recently = {
            let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
            failed.get(&issuer.url).is_some_and(|at| at.elapsed() < ASK_AGAIN)
        };
        let fetched =
            if recently { Err(KeysError::Fetch("it failed a moment ago".into())) } else { fetch(issuer).await };
        match fetched {
            Ok(keys) => {
                let keys = Arc::new(keys);
                let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
                if all.len() >= MAX_ISSUERS {
                    all.clear();
                }
                all.insert(issuer.url.clone(), Known { keys: Arc::clone(&keys), fetched: Instant::now() });
                Ok(keys)
            }
            // An issuer that is away for a while has not changed its keys.
            Err(error) => {
                let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
                if failed.len() >= MAX_ISSUERS {
                    failed.clear();
                }
                if !recently {
                    failed.insert(issuer.url.clone(), Instant::now());
                }
                known.filter(|(keys, _)| token.has_key_in(keys)).map(|(keys, _)| keys).ok_or(error)
            }
        }
    }
}

async fn fetch(issuer: &Issuer) -> Result<JwkSet, KeysError> {
    let cluster = issuer.kind == IssuerType::Kubernetes && in_cluster(&issuer.url);
    let client = client(issuer, cluster)?;
    let bearer = if cluster { fs::read_to_string(CLUSTER_TOKEN).ok() } else { None };
    let base = allowed(&issuer.url)?;
    let discovery = format!("{}/.well-known/openid-configuration", issuer.url.trim_end_matches('/'));
    let document = ask(&client, allowed(&discovery)?, bearer.as_deref()).await?;
    let address = allowed(&jwks_address(&document, &issuer.url)?)?;
    // The pod's own token goes to its cluster's address alone.
    let bearer = bearer.filter(|_| address.host_str() == base.host_str());
    Ok(JwkSet::parse(&ask(&client, address, bearer.as_deref()).await?)?)
}

fn in_cluster(url: &str) -> bool {
    url.trim_end_matches('/').starts_with("https://kubernetes.default.svc")
}

fn client(issuer: &Issuer, cluster: bool) -> Result<Client, KeysError> {
    let failed = |error: reqwest::Error| KeysError::Fetch(Box::new(error));
    let mut builder = Client::builder().timeout(DEADLINE).redirect(redirect::Policy::custom(|attempt| {
        let same = attempt.previous().first().is_some_and(|first| first.host_str() == attempt.url().host_str());
        if same && attempt.previous().len() < 5 { attempt.follow() } else { attempt.stop() }
    }));
    let mut authorities = issuer.ca_cert.clone();
    if cluster {
        authorities.push_str(&CLUSTER_CA.iter().find_map(|path| fs::read_to_string(path).ok()).unwrap_or_default());
    }
    if !authorities.is_empty() {
        builder = builder.tls_certs_merge(Certificate::from_pem_bundle(authorities.as_bytes()).map_err(failed)?);
    }
    builder.build().map_err(failed)
}

/// An address that may be asked: https, or this machine.
fn allowed(text: &str) -> Result<Url, KeysError> {
    let refused = || KeysError::Address(text.chars().take(200).collect());
    let url = Url::parse(text).map_err(|_| refused())?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let loopback = host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
    match url.scheme() {
        "https" => Ok(url),
        "http" if loopback => Ok(url),
        _ => Err(refused()),
    }
}

async fn ask(client: &Client, url: Url, bearer: Option<&str>) -> Result<Vec<u8>, KeysError> {
    let failed = |error: reqwest::Error| KeysError::Fetch(Box::new(error));
    let mut request = client.get(url);
    if let Some(token) = bearer {
        request = request.bearer_auth(token.trim());
    }
    let mut response = request.send().await.and_then(reqwest::Response::error_for_status).map_err(failed)?;
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(failed)? {
        if body.len() + part.len() > MAX_JWKS_BYTES {
            return Err(DiscoveryError::TooLong.into());
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_safe_addresses_are_asked() {
        for good in ["https://a.example/x", "http://127.0.0.1:1/", "http://[::1]:1/", "http://localhost/"] {
            allowed(good).unwrap();
        }
        for bad in ["http://a.example/", "file:///etc/passwd", "http://127.0.0.1.evil.example/", "nonsense"] {
            assert!(allowed(bad).is_err(), "{bad}");
        }
        assert!(!in_cluster("https://kubernetes.example"));
    }
}
