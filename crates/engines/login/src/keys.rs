//! The keys of issuers, kept between logins.

use crate::fetch::{Fetch, FetchError, Outgoing, ask};
use jiff::Timestamp;
use jose::{DiscoveryError, JwkSet, Jws, jwks_address};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// After this keys are fetched again.
const FRESH_SECONDS: i64 = 10 * 60;
/// Keys that can't be fetched again are good for so long.
const STALE_SECONDS: i64 = 24 * 3600;
/// A token without a known key makes keys be fetched again, but not more often than this.
const RETRY_SECONDS: i64 = 10;

/// Where keys are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// Here, in PEM.
    Pems(Vec<String>),
    /// At an address, behind a server with a certificate of these authorities and names.
    Jwks(Server),
    /// At the address that an issuer's discovery document tells.
    Discovery(Server),
}

/// A server, and how its certificate is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) ca_pem: String,
    pub(crate) names: Vec<String>,
}

impl Server {
    /// A request of this server, or of another address that it told.
    pub(crate) fn get(&self, url: &str) -> Outgoing {
        Outgoing {
            url: url.to_owned(),
            ca_pem: Some(self.ca_pem.clone()).filter(|pem| !pem.is_empty()),
            server_names: self.names.clone(),
            ..Outgoing::default()
        }
    }

    /// The discovery document of the issuer of this address.
    pub(crate) async fn discover(&self, fetch: &dyn Fetch) -> Result<Vec<u8>, FetchError> {
        let issuer = self.url.strip_suffix('/').unwrap_or(&self.url);
        ask(fetch, self.get(&format!("{issuer}/.well-known/openid-configuration"))).await
    }

    /// The address of the keys in that document.
    pub(crate) async fn key_set(&self, fetch: &dyn Fetch) -> Result<String, KeysError> {
        Ok(jwks_address(&self.discover(fetch).await?, &self.url)?)
    }
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeysError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error(transparent)]
    Document(#[from] DiscoveryError),
}

/// The keys of one issuer.
#[derive(Default)]
pub(crate) struct Keys {
    kept: Mutex<Option<Kept>>,
}

#[derive(Clone)]
struct Kept {
    source: Source,
    keys: Arc<JwkSet>,
    fetched: Timestamp,
    tried: Timestamp,
}

impl Keys {
    /// The keys for a token.
    pub(crate) async fn of(
        &self,
        fetch: &dyn Fetch,
        source: &Source,
        token: &Jws,
        now: Timestamp,
    ) -> Result<Arc<JwkSet>, KeysError> {
        let kept = self.lock().clone().filter(|kept| kept.source == *source);
        if let Some(kept) = &kept {
            let tried = now.as_second().saturating_sub(kept.tried.as_second());
            let age = now.as_second().saturating_sub(kept.fetched.as_second());
            let fresh = age < FRESH_SECONDS && token.has_key_in(&kept.keys);
            let waits = age < STALE_SECONDS && (0..RETRY_SECONDS).contains(&tried);
            if matches!(source, Source::Pems(_)) || fresh || waits {
                return Ok(Arc::clone(&kept.keys));
            }
            if let Some(kept) = self.lock().as_mut() {
                kept.tried = now;
            }
        }
        match source.keys(fetch).await {
            Ok(keys) => {
                let keys = Arc::new(keys);
                *self.lock() = Some(Kept { source: source.clone(), keys: Arc::clone(&keys), fetched: now, tried: now });
                Ok(keys)
            }
            Err(error) => {
                let usable = |kept: &Kept| now.as_second().saturating_sub(kept.fetched.as_second()) < STALE_SECONDS;
                kept.filter(usable).map(|kept| kept.keys).ok_or(error)
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Source {
    /// The keys as they are now.
    pub(crate) async fn keys(&self, fetch: &dyn Fetch) -> Result<JwkSet, KeysError> {
        match self {
            Self::Pems(pems) => Ok(JwkSet::from_pems(pems.iter().map(String::as_str))?),
            Self::Jwks(server) => Ok(JwkSet::parse(&ask(fetch, server.get(&server.url)).await?)?),
            Self::Discovery(server) => {
                let address = server.key_set(fetch).await?;
                Ok(JwkSet::parse(&ask(fetch, server.get(&address)).await?)?)
            }
        }
    }
}
