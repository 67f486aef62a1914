//! What Cosign before version 3 wrote: payloads of image signatures, and the JSON that it keeps beside a signature.

use crate::error::{ParseError, read_json};
use crate::json::{self, decode_base64};
use crate::{Body, KindVersion, TlogEntry};
use serde::{Deserialize, Serialize};

/// The type of a payload.
pub const SIMPLE_SIGNING_TYPE: &str = "cosign container image signature";

const MAX_PAYLOAD_BYTES: usize = 8 << 20;

/// The payload of an image's signature (containers-signature.5, "simple signing").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SimpleSigning {
    critical: Critical,
    /// Annotations of the signer.
    pub optional: Option<serde_json::Map<String, serde_json::Value>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Critical {
    identity: ImageIdentity,
    image: Image,
    #[serde(rename = "type")]
    payload_type: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ImageIdentity {
    #[serde(rename = "docker-reference")]
    docker_reference: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Image {
    #[serde(rename = "docker-manifest-digest")]
    docker_manifest_digest: String,
}

impl SimpleSigning {
    /// The payload for an image: what it is called, and the digest of its manifest, `sha256:` and hexadecimal.
    pub fn new(docker_reference: impl Into<String>, digest: impl Into<String>) -> SimpleSigning {
        SimpleSigning {
            critical: Critical {
                identity: ImageIdentity { docker_reference: docker_reference.into() },
                image: Image { docker_manifest_digest: digest.into() },
                payload_type: SIMPLE_SIGNING_TYPE.to_owned(),
            },
            optional: None,
        }
    }

    /// Reads a payload.
    pub fn parse(bytes: &[u8]) -> Result<SimpleSigning, ParseError> {
        let payload: SimpleSigning = read_json("the signature's payload", bytes, MAX_PAYLOAD_BYTES)?;
        if payload.critical.payload_type != SIMPLE_SIGNING_TYPE {
            let media_type = payload.critical.payload_type;
            return Err(ParseError::MediaType { what: "the signature's payload", media_type });
        }
        Ok(payload)
    }

    /// The payload as Cosign writes it.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// What the signer calls the image.
    pub fn docker_reference(&self) -> &str {
        &self.critical.identity.docker_reference
    }

    /// The digest of the image's manifest.
    pub fn digest(&self) -> &str {
        &self.critical.image.docker_manifest_digest
    }
}

/// An entry of Rekor v1 with its promise: the annotation `dev.sigstore.cosign/bundle`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RekorBundle {
    #[serde(rename = "SignedEntryTimestamp", with = "json::bytes")]
    signed_entry_timestamp: Vec<u8>,
    #[serde(rename = "Payload")]
    payload: RekorPayload,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct RekorPayload {
    #[serde(with = "json::bytes")]
    body: Vec<u8>,
    #[serde(rename = "integratedTime")]
    integrated_time: i64,
    #[serde(rename = "logIndex")]
    log_index: i64,
    #[serde(rename = "logID")]
    log_id: String,
}

impl RekorBundle {
    /// Reads the annotation.
    pub fn parse(bytes: &[u8]) -> Result<RekorBundle, ParseError> {
        read_json("the Rekor bundle", bytes, MAX_PAYLOAD_BYTES)
    }

    /// What is kept of an entry.
    pub fn of(entry: &TlogEntry) -> RekorBundle {
        RekorBundle {
            signed_entry_timestamp: entry.signed_entry_timestamp.clone(),
            payload: RekorPayload {
                body: entry.canonicalized_body.clone(),
                integrated_time: entry.integrated_time,
                log_index: entry.log_index,
                log_id: entry.log_id.iter().map(|byte| format!("{byte:02x}")).collect(),
            },
        }
    }

    /// The annotation as Cosign writes it.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The entry, without an inclusion proof.
    pub fn to_entry(&self) -> Result<TlogEntry, ParseError> {
        let body = Body::parse(&self.payload.body)?;
        let (kind, version) = body.kind_version();
        let log_id = crate::body::decode_hex(&self.payload.log_id)
            .ok_or_else(|| ParseError::invalid("the log's ID", "not hexadecimal"))?;
        let entry = TlogEntry {
            log_index: self.payload.log_index,
            log_id,
            kind_version: KindVersion { kind: kind.to_owned(), version: version.to_owned() },
            integrated_time: self.payload.integrated_time,
            signed_entry_timestamp: self.signed_entry_timestamp.clone(),
            inclusion_proof: None,
            canonicalized_body: self.payload.body.clone(),
        };
        if entry.signed_entry_timestamp.is_empty() {
            return Err(ParseError::Missing("the signed entry timestamp"));
        }
        entry.validate()?;
        Ok(entry)
    }
}

/// A timestamp: the annotation `dev.sigstore.cosign/rfc3161timestamp`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rfc3161Timestamp {
    /// The response, in DER.
    #[serde(rename = "SignedRFC3161Timestamp", with = "json::bytes")]
    pub response: Vec<u8>,
}

impl Rfc3161Timestamp {
    /// Reads the annotation.
    pub fn parse(bytes: &[u8]) -> Result<Rfc3161Timestamp, ParseError> {
        read_json("the timestamp", bytes, MAX_PAYLOAD_BYTES)
    }

    /// The annotation as Cosign writes it.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// A signature in a file of its own: what `sign-blob --bundle` wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalSignedPayload {
    /// The signature.
    #[serde(rename = "base64Signature", with = "json::bytes")]
    pub signature: Vec<u8>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    cert: String,
    /// The log's entry.
    #[serde(rename = "rekorBundle", default, skip_serializing_if = "Option::is_none")]
    pub rekor_bundle: Option<RekorBundle>,
}

impl LocalSignedPayload {
    /// A signature with its certificate in PEM.
    pub fn new(signature: Vec<u8>, certificate_pem: Option<&[u8]>, rekor_bundle: Option<RekorBundle>) -> Self {
        let cert = certificate_pem.map(json::encode_base64).unwrap_or_default();
        LocalSignedPayload { signature, cert, rekor_bundle }
    }

    /// Reads such a file.
    pub fn parse(bytes: &[u8]) -> Result<LocalSignedPayload, ParseError> {
        read_json("the bundle", bytes, MAX_PAYLOAD_BYTES)
    }

    /// The file as Cosign writes it.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// What is given as the certificate in PEM, that the file may have once more as base64.
    pub fn certificate_pem(&self) -> Option<Vec<u8>> {
        if self.cert.is_empty() {
            return None;
        }
        Some(decode_base64(&self.cert).unwrap_or_else(|_| self.cert.clone().into_bytes()))
    }
}
