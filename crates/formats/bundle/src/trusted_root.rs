//! Whom a client trusts: certificate authorities, logs and timestamp authorities, each for a time.

use crate::error::{ParseError, at_most, read_json};
use crate::json;
use crate::{HashAlgorithm, KeyDetails};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The most of a trusted root or signing configuration that is read.
pub const MAX_CONFIG_BYTES: usize = 8 << 20;

const MAX_INSTANCES: usize = 1024;
const MAX_CHAIN: usize = 16;

/// All that a client trusts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TrustedRoot {
    /// Which version it is.
    #[serde(alias = "media_type")]
    pub media_type: RootMediaType,
    /// Transparency logs.
    #[serde(default, deserialize_with = "json::messages")]
    pub tlogs: Vec<TransparencyLog>,
    /// Authorities that issue the signers' certificates.
    #[serde(alias = "certificate_authorities", default, deserialize_with = "json::messages")]
    pub certificate_authorities: Vec<CertificateAuthority>,
    /// Certificate transparency logs.
    #[serde(default, deserialize_with = "json::messages")]
    pub ctlogs: Vec<TransparencyLog>,
    /// Timestamp authorities.
    #[serde(alias = "timestamp_authorities", default, deserialize_with = "json::messages")]
    pub timestamp_authorities: Vec<CertificateAuthority>,
}

/// The versions of trusted roots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RootMediaType {
    /// Version 0.1.
    #[serde(rename = "application/vnd.dev.sigstore.trustedroot+json;version=0.1")]
    V01,
    /// Version 0.1 in the spelling of later versions.
    #[serde(rename = "application/vnd.dev.sigstore.trustedroot.v0.1+json")]
    V01Suffix,
    /// Version 0.2.
    #[serde(rename = "application/vnd.dev.sigstore.trustedroot.v0.2+json")]
    V02,
}

/// A log and its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TransparencyLog {
    /// Where it is served; its host is the origin of Rekor v2's checkpoints.
    #[serde(alias = "base_url", default, deserialize_with = "json::null_is_default")]
    pub base_url: String,
    /// The hash of its tree.
    #[serde(alias = "hash_algorithm", default, skip_serializing_if = "Option::is_none")]
    pub hash_algorithm: Option<HashAlgorithm>,
    /// Its key.
    #[serde(alias = "public_key")]
    pub public_key: TrustedKey,
    /// Its ID.
    #[serde(rename = "logId", alias = "log_id", default, with = "json::key_id")]
    pub log_id: Vec<u8>,
    /// The ID of its checkpoint key, where that isn't the log's ID; empty if not given.
    #[serde(
        rename = "checkpointKeyId",
        alias = "checkpoint_key_id",
        default,
        with = "json::key_id",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub checkpoint_key_id: Vec<u8>,
    /// Who runs it.
    #[serde(default, deserialize_with = "json::null_is_default", skip_serializing_if = "String::is_empty")]
    pub operator: String,
}

/// A key that is trusted for a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TrustedKey {
    /// The key in DER: SubjectPublicKeyInfo, or PKCS#1 where the details say so.
    #[serde(alias = "raw_bytes", default, with = "json::bytes")]
    pub raw_bytes: Vec<u8>,
    /// What it is.
    #[serde(alias = "key_details")]
    pub key_details: KeyDetails,
    /// When it is to be trusted.
    #[serde(alias = "valid_for", default, skip_serializing_if = "Option::is_none")]
    pub valid_for: Option<TimeRange>,
}

/// A certificate authority or timestamp authority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateAuthority {
    /// The root's subject.
    #[serde(default, deserialize_with = "json::null_is_default")]
    pub subject: DistinguishedName,
    /// Where it is served.
    #[serde(default, deserialize_with = "json::null_is_default")]
    pub uri: String,
    /// Its certificates in DER, the root last.
    #[serde(alias = "cert_chain", with = "json::certificates")]
    pub cert_chain: Vec<Vec<u8>>,
    /// When it is to be trusted.
    #[serde(alias = "valid_for", default, skip_serializing_if = "Option::is_none")]
    pub valid_for: Option<TimeRange>,
    /// Who runs it.
    #[serde(default, deserialize_with = "json::null_is_default", skip_serializing_if = "String::is_empty")]
    pub operator: String,
}

/// The names of an authority.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DistinguishedName {
    /// The organization.
    #[serde(default, deserialize_with = "json::null_is_default")]
    pub organization: String,
    /// The common name.
    #[serde(alias = "common_name", default, deserialize_with = "json::null_is_default")]
    pub common_name: String,
}

/// A time with both ends in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRange {
    /// Its first instant.
    pub start: Timestamp,
    /// Its last instant, if it ends.
    pub end: Option<Timestamp>,
}

impl TimeRange {
    /// Whether `time` is in it.
    pub fn contains(&self, time: Timestamp) -> bool {
        self.start <= time && self.end.is_none_or(|end| time <= end)
    }
}

#[derive(Serialize, Deserialize)]
struct WireRange {
    start: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    end: Option<String>,
}

impl Serialize for TimeRange {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        WireRange { start: Some(self.start.to_string()), end: self.end.map(|end| end.to_string()) }
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for TimeRange {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = WireRange::deserialize(deserializer)?;
        let read = |text: String| text.parse::<Timestamp>().map_err(serde::de::Error::custom);
        // A range without a start would be trusted forever back.
        let start = wire.start.ok_or_else(|| serde::de::Error::missing_field("start"))?;
        Ok(TimeRange { start: read(start)?, end: wire.end.map(read).transpose()? })
    }
}

impl TrustedRoot {
    /// Reads a trusted root.
    pub fn parse(bytes: &[u8]) -> Result<TrustedRoot, ParseError> {
        let root: TrustedRoot = read_json("the trusted root", bytes, MAX_CONFIG_BYTES)?;
        root.validate()?;
        Ok(root)
    }

    /// The trusted root as indented JSON.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).unwrap_or_default()
    }

    pub(crate) fn validate(&self) -> Result<(), ParseError> {
        at_most("logs in the trusted root", self.tlogs.len(), MAX_INSTANCES)?;
        at_most("certificate logs in the trusted root", self.ctlogs.len(), MAX_INSTANCES)?;
        let authorities = || self.certificate_authorities.iter().chain(&self.timestamp_authorities);
        at_most("authorities in the trusted root", authorities().count(), MAX_INSTANCES)?;
        for authority in authorities() {
            at_most("certificates of an authority", authority.cert_chain.len(), MAX_CHAIN)?;
            if authority.cert_chain.is_empty() {
                return Err(ParseError::Missing("an authority's certificate"));
            }
        }
        Ok(())
    }
}
