//! An OpenID provider: where clients are sent, and what the code that they bring back is exchanged for.

use super::config::Config;
use crate::fetch::{Fetch, FetchError, Incoming, Outgoing, ask};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use logical::Map;
use serde::{Deserialize, Deserializer};
use std::sync::{Arc, Mutex, PoisonError};
use url::form_urlencoded::{Serializer, byte_serialize};
use zeroize::Zeroizing;

const FRESH_SECONDS: i64 = 10 * 60;
const FORM: &str = "application/x-www-form-urlencoded";

/// What a provider's discovery document tells.
#[derive(Deserialize)]
pub(super) struct Provider {
    issuer: String,
    #[serde(default)]
    pub(super) authorization_endpoint: String,
    #[serde(default)]
    token_endpoint: String,
    #[serde(default)]
    userinfo_endpoint: String,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
}

/// What a code was exchanged for.
#[derive(Deserialize)]
pub(super) struct Tokens {
    #[serde(default, deserialize_with = "secret")]
    pub(super) id_token: Option<Zeroizing<String>>,
    #[serde(default, deserialize_with = "secret")]
    pub(super) access_token: Option<Zeroizing<String>>,
    #[serde(default, deserialize_with = "secret")]
    pub(super) refresh_token: Option<Zeroizing<String>>,
}

fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Zeroizing<String>>, D::Error> {
    Ok(Option::<String>::deserialize(from)?.map(Zeroizing::new))
}

/// Why a provider gives nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProviderError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("the provider's discovery document is not what it should be")]
    Document,
    #[error("the provider's issuer is {0:?}, not the address of its discovery")]
    Issuer(String),
    #[error("the provider refused the code with status {0}")]
    Refused(u16),
    #[error("the provider's answer has no token")]
    NoToken,
    #[error("the provider tells of another user than its token")]
    Subject,
}

/// The provider of a mount, kept for a while.
#[derive(Default)]
pub(super) struct Providers {
    kept: Mutex<Option<(crate::keys::Server, Arc<Provider>, Timestamp)>>,
}

impl Providers {
    pub(super) async fn of(
        &self,
        fetch: &dyn Fetch,
        config: &Config,
        now: Timestamp,
    ) -> Result<Arc<Provider>, ProviderError> {
        let server = config.issuer();
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, provider, _)) = kept
            .filter(|(of, _, since)| *of == server && now.as_second().saturating_sub(since.as_second()) < FRESH_SECONDS)
        {
            return Ok(provider);
        }
        let document = server.discover(fetch).await?;
        let provider: Provider = serde_json::from_slice(&document).map_err(|_| ProviderError::Document)?;
        if provider.issuer != server.url {
            return Err(ProviderError::Issuer(provider.issuer.chars().take(200).collect()));
        }
        let provider = Arc::new(provider);
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some((server, Arc::clone(&provider), now));
        Ok(provider)
    }
}

impl Provider {
    /// Exchanges a code. The client's secret is sent as the provider wants it; where it does not tell, in the header,
    /// and if that is refused in the body.
    pub(super) async fn exchange(
        &self,
        fetch: &dyn Fetch,
        config: &Config,
        code: &str,
        redirect_uri: &str,
        verifier: &str,
    ) -> Result<Tokens, ProviderError> {
        let supported = |name: &str| self.token_endpoint_auth_methods_supported.iter().any(|method| method == name);
        let told = !self.token_endpoint_auth_methods_supported.is_empty();
        let mut ways = vec![];
        if !told || supported("client_secret_basic") {
            ways.push(true);
        }
        if !told || supported("client_secret_post") {
            ways.push(false);
        }
        let mut status = 0;
        for in_header in ways {
            let mut request = config.issuer().get(&self.token_endpoint);
            request.authorization = in_header.then(|| basic(config));
            let mut fields = vec![
                ("grant_type", "authorization_code"),
                ("code", code),
                ("redirect_uri", redirect_uri),
                ("code_verifier", verifier),
            ];
            if !in_header {
                fields.push(("client_id", &config.oidc_client_id));
                fields.push(("client_secret", &config.oidc_client_secret));
            }
            request.body = Some((FORM, form(&fields)));
            let answer = fetch.fetch(request).await?;
            if answer.status == 200 {
                return serde_json::from_slice(&answer.body).map_err(|_| ProviderError::NoToken);
            }
            status = answer.status;
            if !is_about_client(&answer) {
                break;
            }
        }
        Err(ProviderError::Refused(status))
    }

    /// Adds what the provider tells of the user to the claims of its token; what the token itself says of who it is
    /// stays.
    pub(super) async fn user_info(
        &self,
        fetch: &dyn Fetch,
        config: &Config,
        access_token: &str,
        claims: &mut Map,
    ) -> Result<(), ProviderError> {
        if self.userinfo_endpoint.is_empty() {
            return Ok(());
        }
        let request = Outgoing {
            authorization: Some(Zeroizing::new(format!("Bearer {access_token}"))),
            ..config.issuer().get(&self.userinfo_endpoint)
        };
        let answer = ask(fetch, request).await?;
        let found: Map = serde_json::from_slice(&answer).map_err(|_| ProviderError::Document)?;
        if found.get("sub") != claims.get("sub") {
            return Err(ProviderError::Subject);
        }
        claims.extend(found.into_iter().filter(|(name, _)| !["iss", "aud", "exp", "sub"].contains(&name.as_str())));
        Ok(())
    }
}

/// Whether it was the client that was refused, and not its code.
fn is_about_client(answer: &Incoming) -> bool {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
    }
    answer.status == 401
        || serde_json::from_slice(&answer.body).is_ok_and(|refusal: Refusal| refusal.error == "invalid_client")
}

fn form(fields: &[(&str, &str)]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(Serializer::new(String::new()).extend_pairs(fields).finish().into_bytes())
}

/// RFC 6749, section 2.3.1: both parts are encoded as in a form first.
fn basic(config: &Config) -> Zeroizing<String> {
    let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let pair = Zeroizing::new(format!("{}:{}", encode(&config.oidc_client_id), encode(&config.oidc_client_secret)));
    Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())))
}
