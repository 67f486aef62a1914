//! The mount's configuration: whose tokens are taken.

use crate::fetch::Fetch;
use crate::keys::{Server, Source};
use jose::{Algorithm, JwkSet};
use logical::{Error, Fields, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub(super) const ROW: &str = "config";

/// Field names as in the peer's API.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Config {
    pub(super) oidc_discovery_url: String,
    pub(super) oidc_discovery_ca_pem: String,
    pub(super) oidc_client_id: String,
    pub(super) oidc_client_secret: String,
    pub(super) oidc_response_mode: String,
    pub(super) oidc_response_types: Vec<String>,
    pub(super) jwks_url: String,
    pub(super) jwks_ca_pem: String,
    pub(super) default_role: String,
    pub(super) jwt_validation_pubkeys: Vec<String>,
    pub(super) jwt_supported_algs: Vec<String>,
    pub(super) bound_issuer: String,
    pub(super) override_allowed_server_names: Vec<String>,
    pub(super) namespace_in_state: bool,
}

impl Config {
    /// A configuration is written as a whole.
    pub(super) fn read(fields: Fields<'_>, found: Option<&Self>) -> Result<Self, Error> {
        let text = |name: &str| fields.text(name).map(Option::unwrap_or_default);
        let list = |name: &str| fields.list(name).map(Option::unwrap_or_default);
        let config = Self {
            oidc_discovery_url: text("oidc_discovery_url")?,
            oidc_discovery_ca_pem: text("oidc_discovery_ca_pem")?,
            oidc_client_id: text("oidc_client_id")?,
            oidc_client_secret: text("oidc_client_secret")?,
            oidc_response_mode: text("oidc_response_mode")?,
            oidc_response_types: list("oidc_response_types")?,
            jwks_url: text("jwks_url")?,
            jwks_ca_pem: text("jwks_ca_pem")?,
            default_role: text("default_role")?.to_lowercase(),
            jwt_validation_pubkeys: list("jwt_validation_pubkeys")?,
            jwt_supported_algs: list("jwt_supported_algs")?,
            bound_issuer: text("bound_issuer")?,
            override_allowed_server_names: list("override_allowed_server_names")?,
            namespace_in_state: match fields.boolean("namespace_in_state")? {
                Some(given) => given,
                None => found.is_none_or(|found| found.namespace_in_state),
            },
        };
        config.consistent(fields)?;
        Ok(config)
    }

    fn consistent(&self, fields: Fields<'_>) -> Result<(), Error> {
        let refuse = |text: String| Err(Error::invalid(text));
        let ways =
            [!self.oidc_discovery_url.is_empty(), !self.jwt_validation_pubkeys.is_empty(), !self.jwks_url.is_empty()];
        if ways.iter().filter(|way| **way).count() != 1 {
            let text = "exactly one of 'jwt_validation_pubkeys', 'jwks_url', 'jwks_pairs', 'oidc_discovery_url', or \
                        'provider_config' must be set";
            return refuse(text.to_owned());
        }
        if self.oidc_client_id.is_empty() != self.oidc_client_secret.is_empty() {
            return refuse("both 'oidc_client_id' and 'oidc_client_secret' must be set for OIDC".to_owned());
        }
        if self.oidc_discovery_url.contains(".well-known/openid-configuration") {
            return refuse("'oidc_discovery_url' contains '.well-known' component".to_owned());
        }
        if !self.oidc_client_id.is_empty() && self.oidc_discovery_url.is_empty() {
            return refuse("'oidc_discovery_url' must be set for OIDC".to_owned());
        }
        if let Some(name) = self.jwt_supported_algs.iter().find(|name| Algorithm::parse(name).is_none()) {
            return refuse(format!("invalid jwt_supported_algs: unsupported signing algorithm {name:?}"));
        }
        let types = &self.oidc_response_types;
        if types.iter().any(|name| name != "code" && name != "id_token") {
            return refuse(format!("invalid response_types {types:?}. 'code' and 'id_token' are allowed"));
        }
        match self.oidc_response_mode.as_str() {
            "" | "query" if self.implicit() => {
                return refuse("query response_mode may not be used with an id_token response_type".to_owned());
            }
            "" | "query" | "form_post" => {}
            mode => return refuse(format!("invalid response_mode: {mode:?}")),
        }
        let provider = fields.map("provider_config")?.unwrap_or_default();
        if provider.is_empty() {
            return Ok(());
        }
        let name = provider.get("provider").cloned().unwrap_or_default();
        refuse(format!("invalid provider_config: provider {name:?} not found in custom providers"))
    }

    /// Checks that keys can be had, unless the request says not to.
    pub(super) async fn check(&self, fetch: &dyn Fetch, fields: Fields<'_>) -> Result<Response, Error> {
        let skip = fields.boolean("skip_jwks_validation")?.unwrap_or_default();
        let text = match self.source() {
            Some(source @ Source::Pems(_)) => {
                let keys = source.keys(fetch).await;
                keys.map_err(|_| {
                    Error::invalid("error parsing public key: data does not contain any valid public keys")
                })?;
                return Ok(Response::empty());
            }
            Some(source @ Source::Jwks(_)) => {
                source.keys(fetch).await.err().map(|error| format!("error checking jwks URL: {error}"))
            }
            // As with the peer, keys are not asked for yet: an issuer may make the first one later.
            Some(Source::Discovery(server)) => {
                server.key_set(fetch).await.err().map(|error| format!("error checking oidc discovery URL: {error}"))
            }
            None => None,
        };
        match text {
            None => Ok(Response::empty()),
            Some(text) if skip => Ok(Response::empty().warn(text)),
            Some(text) => Err(Error::invalid(text)),
        }
    }

    /// Where the keys are.
    pub(super) fn source(&self) -> Option<Source> {
        if !self.jwt_validation_pubkeys.is_empty() {
            return Some(Source::Pems(self.jwt_validation_pubkeys.clone()));
        }
        if !self.jwks_url.is_empty() {
            let server = Server {
                url: self.jwks_url.clone(),
                ca_pem: self.jwks_ca_pem.clone(),
                names: self.override_allowed_server_names.clone(),
            };
            return Some(Source::Jwks(server));
        }
        (!self.oidc_discovery_url.is_empty()).then(|| Source::Discovery(self.issuer()))
    }

    /// The OpenID issuer.
    pub(super) fn issuer(&self) -> Server {
        Server {
            url: self.oidc_discovery_url.clone(),
            ca_pem: self.oidc_discovery_ca_pem.clone(),
            names: self.override_allowed_server_names.clone(),
        }
    }

    /// Whether clients may log in by a browser.
    pub(super) fn has_flow(&self) -> bool {
        !self.oidc_discovery_url.is_empty() && !self.oidc_client_id.is_empty()
    }

    /// Whether the provider sends an ID token, and no code for one.
    pub(super) fn implicit(&self) -> bool {
        self.oidc_response_types.iter().any(|name| name == "id_token")
    }

    /// Algorithms that tokens may be signed with.
    pub(super) fn algorithms(&self) -> Vec<Algorithm> {
        if self.jwt_supported_algs.is_empty() {
            return Algorithm::ALL.to_vec();
        }
        self.jwt_supported_algs.iter().filter_map(|name| Algorithm::parse(name)).collect()
    }

    pub(super) fn show(&self) -> Response {
        let valid = match self.source() {
            Some(Source::Pems(pems)) => JwkSet::from_pems(pems.iter().map(String::as_str)).is_ok(),
            other => other.is_some(),
        };
        Response::json(json!({
            "oidc_discovery_url": self.oidc_discovery_url,
            "oidc_discovery_ca_pem": self.oidc_discovery_ca_pem,
            "oidc_client_id": self.oidc_client_id,
            "oidc_response_mode": self.oidc_response_mode,
            "oidc_response_types": self.oidc_response_types,
            "default_role": self.default_role,
            "jwt_validation_pubkeys": self.jwt_validation_pubkeys,
            "jwt_supported_algs": self.jwt_supported_algs,
            "jwks_url": self.jwks_url,
            "jwks_ca_pem": self.jwks_ca_pem,
            "bound_issuer": self.bound_issuer,
            "provider_config": {},
            "override_allowed_server_names": self.override_allowed_server_names,
            "namespace_in_state": self.namespace_in_state,
            "status": if valid { "valid" } else { "invalid" },
        }))
    }
}
