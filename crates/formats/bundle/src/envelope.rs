//! DSSE, the Dead Simple Signing Envelope, version 1.0.

use crate::error::{ParseError, at_most, read_json};
use crate::json;
use serde::{Deserialize, Serialize};

/// The payload type of in-toto statements.
pub const IN_TOTO_PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

const MAX_SIGNATURES: usize = 64;

/// A payload, its type, and signatures over both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Envelope {
    /// What the payload is; part of what is signed.
    #[serde(alias = "payload_type", default, deserialize_with = "json::null_is_default")]
    pub payload_type: String,
    /// The payload.
    #[serde(default, with = "json::bytes")]
    pub payload: Vec<u8>,
    /// The signatures, each over [`Envelope::signed_bytes`].
    #[serde(default, deserialize_with = "json::messages")]
    pub signatures: Vec<EnvelopeSignature>,
}

/// One signature of an envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvelopeSignature {
    /// A hint of the key; not signed, so nothing may depend on it.
    #[serde(default, deserialize_with = "json::null_is_default")]
    pub keyid: String,
    /// The signature.
    #[serde(default, with = "json::bytes")]
    pub sig: Vec<u8>,
}

impl Envelope {
    /// Reads an envelope that stands alone.
    pub fn parse(bytes: &[u8]) -> Result<Envelope, ParseError> {
        let envelope: Envelope = read_json("the envelope", bytes, crate::MAX_BUNDLE_BYTES)?;
        envelope.validate()?;
        Ok(envelope)
    }

    /// The envelope as JSON, in the order of fields that Cosign writes.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// What the signatures are made over.
    pub fn signed_bytes(&self) -> Vec<u8> {
        pae(&self.payload_type, &self.payload)
    }

    pub(crate) fn validate(&self) -> Result<(), ParseError> {
        at_most("signatures in the envelope", self.signatures.len(), MAX_SIGNATURES)?;
        if self.signatures.is_empty() {
            return Err(ParseError::Missing("the envelope's signature"));
        }
        if self.signatures.iter().any(|signature| signature.sig.is_empty()) {
            return Err(ParseError::invalid("an envelope's signature", "it is empty"));
        }
        if self.payload_type.is_empty() {
            return Err(ParseError::Missing("the envelope's payload type"));
        }
        Ok(())
    }
}

/// DSSE's pre-authentication encoding.
///
/// ```
/// assert_eq!(bundle::pae("a/b", b"hello"), b"DSSEv1 3 a/b 5 hello");
/// ```
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut out = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    out.extend_from_slice(payload);
    out
}
