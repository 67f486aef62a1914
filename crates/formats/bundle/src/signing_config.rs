//! Where a client signs (`SigningConfig` 0.2), and that together with whom it trusts (`ClientTrustConfig`).

use crate::error::{ParseError, at_most, read_json};
use crate::json;
use crate::trusted_root::{MAX_CONFIG_BYTES, TimeRange, TrustedRoot};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

const SIGNING_CONFIG: &str = "application/vnd.dev.sigstore.signingconfig.v0.2+json";
const CLIENT_TRUST_CONFIG: &str = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json";
const MAX_SERVICES: usize = 256;

/// Where a client signs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SigningConfig {
    #[serde(alias = "media_type", default, deserialize_with = "json::null_is_default")]
    media_type: String,
    /// Certificate authorities; the newest valid one is used.
    #[serde(alias = "ca_urls", default, deserialize_with = "json::messages", skip_serializing_if = "Vec::is_empty")]
    pub ca_urls: Vec<Service>,
    /// OpenID providers.
    #[serde(alias = "oidc_urls", default, deserialize_with = "json::messages", skip_serializing_if = "Vec::is_empty")]
    pub oidc_urls: Vec<Service>,
    /// Transparency logs.
    #[serde(
        alias = "rekor_tlog_urls",
        default,
        deserialize_with = "json::messages",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub rekor_tlog_urls: Vec<Service>,
    /// How many of the logs.
    #[serde(alias = "rekor_tlog_config", default, skip_serializing_if = "Option::is_none")]
    pub rekor_tlog_config: Option<ServiceConfiguration>,
    /// Timestamp authorities.
    #[serde(alias = "tsa_urls", default, deserialize_with = "json::messages", skip_serializing_if = "Vec::is_empty")]
    pub tsa_urls: Vec<Service>,
    /// How many of the timestamp authorities.
    #[serde(alias = "tsa_config", default, skip_serializing_if = "Option::is_none")]
    pub tsa_config: Option<ServiceConfiguration>,
}

/// A service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Service {
    /// Where it is.
    #[serde(default, deserialize_with = "json::null_is_default")]
    pub url: String,
    /// Which API it speaks.
    #[serde(alias = "major_api_version", default, deserialize_with = "json::null_is_default")]
    pub major_api_version: u32,
    /// When to use it.
    #[serde(alias = "valid_for", default, skip_serializing_if = "Option::is_none")]
    pub valid_for: Option<TimeRange>,
    /// Who runs it.
    #[serde(default, deserialize_with = "json::null_is_default", skip_serializing_if = "String::is_empty")]
    pub operator: String,
}

impl Service {
    /// Whether it may be used at a time.
    pub fn is_valid_at(&self, time: Timestamp) -> bool {
        self.valid_for.is_none_or(|range| range.contains(time))
    }
}

/// How many services of a list are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceConfiguration {
    /// Which.
    pub selector: Selector,
    /// How many, for [`Selector::Exact`].
    #[serde(default, deserialize_with = "json::null_is_default", skip_serializing_if = "is_zero")]
    pub count: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// Which services of a list are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Selector {
    /// All of them.
    All,
    /// One of them.
    Any,
    /// As many as counted.
    Exact,
}

impl SigningConfig {
    /// A configuration that names no service yet.
    pub fn new() -> SigningConfig {
        SigningConfig { media_type: SIGNING_CONFIG.to_owned(), ..SigningConfig::default() }
    }

    /// Reads a signing configuration.
    pub fn parse(bytes: &[u8]) -> Result<SigningConfig, ParseError> {
        let config: SigningConfig = read_json("the signing configuration", bytes, MAX_CONFIG_BYTES)?;
        config.validate()?;
        Ok(config)
    }

    /// The signing configuration as indented JSON.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).unwrap_or_default()
    }

    fn validate(&self) -> Result<(), ParseError> {
        if self.media_type != SIGNING_CONFIG {
            let media_type = self.media_type.clone();
            return Err(ParseError::MediaType { what: "the signing configuration", media_type });
        }
        for list in [&self.ca_urls, &self.oidc_urls, &self.rekor_tlog_urls, &self.tsa_urls] {
            at_most("services in a list", list.len(), MAX_SERVICES)?;
        }
        Ok(())
    }
}

/// Where a client signs and whom it trusts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientTrustConfig {
    #[serde(alias = "media_type", default, deserialize_with = "json::null_is_default")]
    media_type: String,
    /// Whom it trusts.
    #[serde(alias = "trusted_root")]
    pub trusted_root: TrustedRoot,
    /// Where it signs.
    #[serde(alias = "signing_config")]
    pub signing_config: SigningConfig,
}

impl ClientTrustConfig {
    /// Puts both together.
    pub fn new(trusted_root: TrustedRoot, signing_config: SigningConfig) -> ClientTrustConfig {
        ClientTrustConfig { media_type: CLIENT_TRUST_CONFIG.to_owned(), trusted_root, signing_config }
    }

    /// Reads a client trust configuration.
    pub fn parse(bytes: &[u8]) -> Result<ClientTrustConfig, ParseError> {
        let config: ClientTrustConfig = read_json("the client trust configuration", bytes, MAX_CONFIG_BYTES)?;
        if config.media_type != CLIENT_TRUST_CONFIG {
            let media_type = config.media_type;
            return Err(ParseError::MediaType { what: "the client trust configuration", media_type });
        }
        config.trusted_root.validate()?;
        config.signing_config.validate()?;
        Ok(config)
    }

    /// The client trust configuration as indented JSON.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).unwrap_or_default()
    }
}
