//! The bundle: a signature with all that is needed to verify it offline.

use crate::error::{ParseError, at_most, read_json};
use crate::json;
use crate::{Envelope, HashAlgorithm, TlogEntry};
use serde::{Deserialize, Deserializer, Serialize};

/// The most of a bundle that is read; an attested SBOM is within it.
pub const MAX_BUNDLE_BYTES: usize = 128 << 20;

const MAX_TLOG_ENTRIES: usize = 32;
const MAX_TIMESTAMPS: usize = 32;
const MAX_CERTIFICATES: usize = 16;
const MAX_SMALL_BYTES: usize = 64 << 10;

/// A signature and its verification material.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// Which version it is.
    pub media_type: MediaType,
    /// What it is verified with.
    pub material: Material,
    /// What was signed.
    pub content: Content,
}

/// The versions of bundles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MediaType {
    /// `application/vnd.dev.sigstore.bundle+json;version=0.1`
    V01,
    /// `application/vnd.dev.sigstore.bundle+json;version=0.2`
    V02,
    /// `application/vnd.dev.sigstore.bundle+json;version=0.3`
    V03Parameter,
    /// `application/vnd.dev.sigstore.bundle.v0.3+json`
    V03,
}

impl MediaType {
    /// The media type.
    pub fn as_str(self) -> &'static str {
        match self {
            MediaType::V01 => "application/vnd.dev.sigstore.bundle+json;version=0.1",
            MediaType::V02 => "application/vnd.dev.sigstore.bundle+json;version=0.2",
            MediaType::V03Parameter => "application/vnd.dev.sigstore.bundle+json;version=0.3",
            MediaType::V03 => "application/vnd.dev.sigstore.bundle.v0.3+json",
        }
    }

    /// The version of a media type.
    pub fn parse(text: &str) -> Option<MediaType> {
        let all = [MediaType::V01, MediaType::V02, MediaType::V03Parameter, MediaType::V03];
        all.into_iter().find(|media_type| media_type.as_str() == text)
    }
}

/// What a bundle is verified with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Material {
    /// The key.
    pub key: KeyMaterial,
    /// The entries in transparency logs.
    pub tlog_entries: Vec<TlogEntry>,
    /// RFC 3161 responses or tokens over the signature, in DER.
    pub timestamps: Vec<Vec<u8>>,
}

/// How the key is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyMaterial {
    /// A key that the verifier has.
    PublicKey {
        /// Which one; only a hint.
        hint: String,
    },
    /// A certificate with its chain, in DER, the leaf first. Not in version 0.3.
    Chain(Vec<Vec<u8>>),
    /// A certificate alone, in DER.
    Certificate(Vec<u8>),
}

impl KeyMaterial {
    /// The signer's certificate, in DER.
    pub fn leaf(&self) -> Option<&[u8]> {
        match self {
            KeyMaterial::PublicKey { .. } => None,
            KeyMaterial::Chain(chain) => chain.first().map(Vec::as_slice),
            KeyMaterial::Certificate(der) => Some(der),
        }
    }
}

/// What was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// The artifact's bytes.
    Message(MessageSignature),
    /// An envelope's payload.
    Envelope(Envelope),
}

/// A signature over an artifact's bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageSignature {
    /// The artifact's digest: a hint, that must be right where it is given.
    #[serde(
        alias = "message_digest",
        default,
        deserialize_with = "given_digest",
        skip_serializing_if = "Option::is_none"
    )]
    pub message_digest: Option<HashOutput>,
    /// The signature.
    #[serde(default, with = "json::bytes")]
    pub signature: Vec<u8>,
}

/// A digest and its algorithm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HashOutput {
    /// The hash.
    pub algorithm: HashAlgorithm,
    /// The digest.
    #[serde(default, with = "json::bytes")]
    pub digest: Vec<u8>,
}

/// Cosign writes an empty digest for keys that sign no digest, Ed25519's; that is none.
fn given_digest<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<HashOutput>, D::Error> {
    #[derive(Deserialize)]
    struct Given {
        algorithm: Option<HashAlgorithm>,
        #[serde(default, with = "json::bytes")]
        digest: Vec<u8>,
    }
    match json::optional::<_, Given>(deserializer)? {
        None => Ok(None),
        Some(Given { algorithm: Some(algorithm), digest }) => Ok(Some(HashOutput { algorithm, digest })),
        Some(Given { algorithm: None, digest }) if digest.is_empty() => Ok(None),
        Some(_) => Err(serde::de::Error::missing_field("algorithm")),
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    #[serde(alias = "media_type", default, deserialize_with = "json::null_is_default")]
    media_type: String,
    #[serde(alias = "verification_material", default, deserialize_with = "json::optional")]
    verification_material: Option<WireMaterial>,
    #[serde(
        alias = "message_signature",
        default,
        deserialize_with = "json::optional",
        skip_serializing_if = "Option::is_none"
    )]
    message_signature: Option<MessageSignature>,
    #[serde(
        alias = "dsse_envelope",
        default,
        deserialize_with = "json::optional",
        skip_serializing_if = "Option::is_none"
    )]
    dsse_envelope: Option<Envelope>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireMaterial {
    #[serde(
        alias = "public_key",
        default,
        deserialize_with = "json::optional",
        skip_serializing_if = "Option::is_none"
    )]
    public_key: Option<Hint>,
    #[serde(alias = "x509_certificate_chain", default, skip_serializing_if = "Option::is_none")]
    x509_certificate_chain: Option<Chain>,
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    certificate: Option<json::RawBytes>,
    #[serde(alias = "tlog_entries", default, deserialize_with = "json::messages")]
    tlog_entries: Vec<TlogEntry>,
    #[serde(alias = "timestamp_verification_data", default, deserialize_with = "json::message")]
    timestamp_verification_data: Timestamps,
}

#[derive(Serialize, Deserialize)]
struct Hint {
    #[serde(default, deserialize_with = "json::null_is_default")]
    hint: String,
}

#[derive(Serialize, Deserialize)]
struct Chain(#[serde(with = "json::certificates")] Vec<Vec<u8>>);

#[derive(Default, Serialize, Deserialize)]
struct Timestamps {
    #[serde(
        rename = "rfc3161Timestamps",
        alias = "rfc3161_timestamps",
        default,
        deserialize_with = "json::messages",
        skip_serializing_if = "Vec::is_empty"
    )]
    list: Vec<json::SignedTimestamp>,
}

impl Bundle {
    /// Reads a bundle of any version. Fields that aren't known are skipped, as newer writers may add some.
    pub fn parse(bytes: &[u8]) -> Result<Bundle, ParseError> {
        let wire: Wire = read_json("the bundle", bytes, MAX_BUNDLE_BYTES)?;
        let Some(media_type) = MediaType::parse(&wire.media_type) else {
            return Err(ParseError::MediaType { what: "the bundle", media_type: wire.media_type });
        };
        let material = wire.verification_material.ok_or(ParseError::Missing("the verification material"))?;
        let content = match (wire.message_signature, wire.dsse_envelope) {
            (Some(message), None) => Content::Message(message),
            (None, Some(envelope)) => Content::Envelope(envelope),
            (None, None) => return Err(ParseError::Missing("the signature or envelope")),
            (Some(_), Some(_)) => return Err(ParseError::Ambiguous("messageSignature and dsseEnvelope")),
        };
        let key = match (material.public_key, material.x509_certificate_chain, material.certificate) {
            (Some(key), None, None) => KeyMaterial::PublicKey { hint: key.hint },
            (None, Some(chain), None) => KeyMaterial::Chain(chain.0),
            (None, None, Some(certificate)) => KeyMaterial::Certificate(certificate.bytes),
            (None, None, None) => return Err(ParseError::Missing("the key or certificate")),
            _ => return Err(ParseError::Ambiguous("publicKey, x509CertificateChain and certificate")),
        };
        let timestamps = material.timestamp_verification_data.list.into_iter().map(|stamp| stamp.bytes).collect();
        let material = Material { key, tlog_entries: material.tlog_entries, timestamps };
        let bundle = Bundle { media_type, material, content };
        bundle.validate()?;
        Ok(bundle)
    }

    /// The bundle as JSON on one line.
    pub fn to_json(&self) -> Vec<u8> {
        let mut material = WireMaterial {
            public_key: None,
            x509_certificate_chain: None,
            certificate: None,
            tlog_entries: self.material.tlog_entries.clone(),
            timestamp_verification_data: Timestamps {
                list: (self.material.timestamps.iter())
                    .map(|stamp| json::SignedTimestamp { bytes: stamp.clone() })
                    .collect(),
            },
        };
        match &self.material.key {
            KeyMaterial::PublicKey { hint } => material.public_key = Some(Hint { hint: hint.clone() }),
            KeyMaterial::Chain(chain) => material.x509_certificate_chain = Some(Chain(chain.clone())),
            KeyMaterial::Certificate(der) => {
                material.certificate = Some(json::RawBytes { bytes: der.clone() });
            }
        }
        let (message_signature, dsse_envelope) = match &self.content {
            Content::Message(message) => (Some(message.clone()), None),
            Content::Envelope(envelope) => (None, Some(envelope.clone())),
        };
        let wire = Wire {
            media_type: self.media_type.as_str().to_owned(),
            verification_material: Some(material),
            message_signature,
            dsse_envelope,
        };
        serde_json::to_vec(&wire).unwrap_or_default()
    }

    /// What every bundle of its version must hold, whoever made it.
    fn validate(&self) -> Result<(), ParseError> {
        self.validate_key()?;
        let material = &self.material;
        at_most("log entries in the bundle", material.tlog_entries.len(), MAX_TLOG_ENTRIES)?;
        at_most("timestamps in the bundle", material.timestamps.len(), MAX_TIMESTAMPS)?;
        for (nth, entry) in material.tlog_entries.iter().enumerate() {
            entry.validate()?;
            if self.media_type == MediaType::V01 && entry.signed_entry_timestamp.is_empty() {
                return Err(ParseError::Missing("the inclusion promise, that version 0.1 asks for,"));
            }
            if self.media_type != MediaType::V01 && entry.inclusion_proof.is_none() {
                return Err(ParseError::Missing("the inclusion proof, that versions from 0.2 ask for,"));
            }
            let twice = |earlier: &TlogEntry| earlier.log_id == entry.log_id && earlier.log_index == entry.log_index;
            if material.tlog_entries.iter().take(nth).any(twice) {
                return Err(ParseError::invalid("the list of log entries", "an entry is in it twice"));
            }
        }
        for (nth, stamp) in material.timestamps.iter().enumerate() {
            if stamp.is_empty() || stamp.len() > MAX_SMALL_BYTES {
                return Err(ParseError::invalid("a timestamp", "it is empty or too large"));
            }
            if material.timestamps.iter().take(nth).any(|earlier| earlier == stamp) {
                return Err(ParseError::invalid("the list of timestamps", "one is in it twice"));
            }
        }
        match &self.content {
            Content::Envelope(envelope) => envelope.validate(),
            Content::Message(message) if message.signature.is_empty() => Err(ParseError::Missing("the signature")),
            Content::Message(message) => match &message.message_digest {
                Some(output) if output.digest.len() != output.algorithm.digest_bytes() => {
                    Err(ParseError::invalid("the message's digest", "its length isn't that of its algorithm"))
                }
                _ => Ok(()),
            },
        }
    }

    fn validate_key(&self) -> Result<(), ParseError> {
        let is_v03 = matches!(self.media_type, MediaType::V03 | MediaType::V03Parameter);
        let certificates: &[Vec<u8>] = match &self.material.key {
            KeyMaterial::PublicKey { .. } => &[],
            KeyMaterial::Chain(_) if is_v03 => {
                return Err(ParseError::invalid("the certificate chain", "version 0.3 has the certificate alone"));
            }
            KeyMaterial::Chain(chain) if chain.is_empty() => {
                return Err(ParseError::Missing("the chain's certificate"));
            }
            KeyMaterial::Chain(chain) => chain,
            KeyMaterial::Certificate(der) => std::slice::from_ref(der),
        };
        at_most("certificates in the bundle", certificates.len(), MAX_CERTIFICATES)?;
        if certificates.iter().any(|der| der.is_empty() || der.len() > MAX_SMALL_BYTES) {
            return Err(ParseError::invalid("a certificate", "it is empty or too large"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_that_peers_write() {
        let digest = |digest: &str| {
            let json = format!(
                r#"{{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":
                {{"publicKey":{{"hint":"k"}},"tlogEntries":null}},"messageSignature":{{"messageDigest":{digest},
                "signature":"AQ=="}},"newer":[1,{{}}]}}"#
            );
            Bundle::parse(json.as_bytes()).map(|bundle| match bundle.content {
                Content::Message(message) => message.message_digest,
                Content::Envelope(_) => None,
            })
        };
        // Cosign 3.1.3 for Ed25519.
        assert_eq!(digest("{}").unwrap(), None);
        assert_eq!(digest("null").unwrap(), None);
        let sha256 = format!(r#"{{"algorithm":"SHA2_256","digest":"{}="}}"#, "A".repeat(43));
        assert_eq!(digest(&sha256).unwrap().unwrap().digest, [0; 32]);
        for refused in [r#"{"digest":"AA=="}"#, r#"{"algorithm":"SHA2_256"}"#, r#"{"algorithm":"MD5"}"#, "[]", "1"] {
            assert!(digest(refused).is_err(), "{refused}");
        }
    }
}
