//! The bodies of log entries, as a log keeps and hashes them.
//!
//! Rekor v1 keeps keys as PEM and digests as hexadecimal; v2 keeps keys as DER and digests as base64. What is printed is
//! canonical JSON, byte for byte what Rekor 1.5 and rekor-tiles 2.3 hash; `read` reads it.

mod read;

pub(crate) use read::decode_hex;

use crate::json::encode_base64;
use crate::{HashAlgorithm, KeyDetails, canonical};
use serde_json::{Value, json};

/// The body of a log entry.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Body {
    /// `hashedrekord` 0.0.1
    HashedRekordV1(HashedRekordV1),
    /// `hashedrekord` 0.0.2
    HashedRekordV2(HashedRekordV2),
    /// `dsse` 0.0.1
    DsseV1(DsseV1),
    /// `dsse` 0.0.2
    DsseV2(DsseV2),
    /// `intoto` 0.0.1
    IntotoV1(IntotoV1),
    /// `intoto` 0.0.2
    IntotoV2(IntotoV2),
}

/// A signature over a digest, in Rekor v1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HashedRekordV1 {
    /// The hash.
    pub algorithm: HashAlgorithm,
    /// The artifact's digest.
    pub digest: Vec<u8>,
    /// The signature.
    pub signature: Vec<u8>,
    /// The key or certificate, as PEM.
    pub public_key: Vec<u8>,
}

/// A signature over a digest, in Rekor v2; for an envelope the digest of what it signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HashedRekordV2 {
    /// The hash.
    pub algorithm: HashAlgorithm,
    /// The artifact's digest.
    pub digest: Vec<u8>,
    /// The signature.
    pub signature: LoggedSignature,
}

/// A signature and its verifier, in Rekor v2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedSignature {
    /// The signature.
    pub content: Vec<u8>,
    /// What the verifier's key is.
    pub key_details: KeyDetails,
    /// The verifier.
    pub verifier: Verifier,
}

/// Who verifies a signature, in Rekor v2; each in DER.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verifier {
    /// A SubjectPublicKeyInfo.
    PublicKey(Vec<u8>),
    /// A certificate.
    Certificate(Vec<u8>),
}

/// An envelope, in Rekor v1. Signatures are sorted by their base64.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DsseV1 {
    /// SHA-256 of the envelope's JSON as it was uploaded.
    pub envelope_hash: Vec<u8>,
    /// SHA-256 of the payload.
    pub payload_hash: Vec<u8>,
    /// The signatures.
    pub signatures: Vec<PemSignature>,
}

/// A signature of an envelope, in Rekor v1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PemSignature {
    /// The signature.
    pub signature: Vec<u8>,
    /// The key or certificate, as PEM.
    pub verifier: Vec<u8>,
}

/// An envelope, in Rekor v2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DsseV2 {
    /// The hash.
    pub algorithm: HashAlgorithm,
    /// The payload's digest.
    pub payload_hash: Vec<u8>,
    /// The signatures.
    pub signatures: Vec<LoggedSignature>,
}

/// An envelope as Cosign 1 and early 2 logged it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntotoV1 {
    /// SHA-256 of the envelope's JSON.
    pub envelope_hash: Vec<u8>,
    /// SHA-256 of the payload, where it is given.
    pub payload_hash: Option<Vec<u8>>,
    /// The key or certificate, as PEM.
    pub public_key: Vec<u8>,
}

/// An envelope with its signatures, in Rekor v1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntotoV2 {
    /// The envelope's payload type.
    pub payload_type: String,
    /// The payload, where the log kept it.
    pub payload: Option<Vec<u8>>,
    /// The signatures.
    pub signatures: Vec<IntotoSignature>,
    /// SHA-256 of the envelope's JSON.
    pub envelope_hash: Vec<u8>,
    /// SHA-256 of the payload.
    pub payload_hash: Vec<u8>,
}

/// A signature of an `intoto` 0.0.2 entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntotoSignature {
    /// The hint of the key; empty where there is none.
    pub keyid: String,
    /// The signature.
    pub signature: Vec<u8>,
    /// The key or certificate, as PEM.
    pub public_key: Vec<u8>,
}

impl Body {
    /// Its kind and version.
    pub fn kind_version(&self) -> (&'static str, &'static str) {
        match self {
            Body::HashedRekordV1(_) => ("hashedrekord", "0.0.1"),
            Body::HashedRekordV2(_) => ("hashedrekord", "0.0.2"),
            Body::DsseV1(_) => ("dsse", "0.0.1"),
            Body::DsseV2(_) => ("dsse", "0.0.2"),
            Body::IntotoV1(_) => ("intoto", "0.0.1"),
            Body::IntotoV2(_) => ("intoto", "0.0.2"),
        }
    }

    /// The canonical body, whose hash is the leaf.
    pub fn to_canonical(&self) -> Vec<u8> {
        let (kind, version) = self.kind_version();
        let value = json!({ "apiVersion": version, "kind": kind, "spec": self.spec() });
        // No number is in it.
        canonical::to_vec(&value).unwrap_or_default()
    }

    fn spec(&self) -> Value {
        match self {
            Body::HashedRekordV1(body) => json!({
                "data": { "hash": hash(body.algorithm, &body.digest) },
                "signature": {
                    "content": encode_base64(&body.signature),
                    "publicKey": { "content": encode_base64(&body.public_key) },
                },
            }),
            Body::HashedRekordV2(body) => json!({
                "hashedRekordV002": {
                    "data": digest(body.algorithm, &body.digest),
                    "signature": logged(&body.signature),
                },
            }),
            Body::DsseV1(body) => {
                let signatures = body.signatures.iter().map(|one| {
                    json!({ "signature": encode_base64(&one.signature), "verifier": encode_base64(&one.verifier) })
                });
                json!({
                    "envelopeHash": hash(HashAlgorithm::Sha256, &body.envelope_hash),
                    "payloadHash": hash(HashAlgorithm::Sha256, &body.payload_hash),
                    "signatures": signatures.collect::<Vec<_>>(),
                })
            }
            Body::DsseV2(body) => json!({
                "dsseV002": {
                    "payloadHash": digest(body.algorithm, &body.payload_hash),
                    "signatures": body.signatures.iter().map(logged).collect::<Vec<_>>(),
                },
            }),
            Body::IntotoV1(body) => {
                let mut content = json!({ "hash": hash(HashAlgorithm::Sha256, &body.envelope_hash) });
                if let (Some(payload), Some(content)) = (&body.payload_hash, content.as_object_mut()) {
                    content.insert("payloadHash".to_owned(), hash(HashAlgorithm::Sha256, payload));
                }
                json!({ "content": content, "publicKey": encode_base64(&body.public_key) })
            }
            Body::IntotoV2(body) => intoto_v2_spec(body),
        }
    }
}

fn intoto_v2_spec(body: &IntotoV2) -> Value {
    let twice = |bytes: &[u8]| encode_base64(encode_base64(bytes).as_bytes());
    let signatures = body.signatures.iter().map(|one| {
        let mut signature = serde_json::Map::new();
        if !one.keyid.is_empty() {
            signature.insert("keyid".to_owned(), one.keyid.clone().into());
        }
        signature.insert("publicKey".to_owned(), encode_base64(&one.public_key).into());
        signature.insert("sig".to_owned(), twice(&one.signature).into());
        Value::Object(signature)
    });
    let mut envelope = serde_json::Map::new();
    if let Some(payload) = &body.payload {
        envelope.insert("payload".to_owned(), twice(payload).into());
    }
    envelope.insert("payloadType".to_owned(), body.payload_type.clone().into());
    envelope.insert("signatures".to_owned(), signatures.collect());
    json!({
        "content": {
            "envelope": envelope,
            "hash": hash(HashAlgorithm::Sha256, &body.envelope_hash),
            "payloadHash": hash(HashAlgorithm::Sha256, &body.payload_hash),
        },
    })
}

fn hash(algorithm: HashAlgorithm, digest: &[u8]) -> Value {
    json!({ "algorithm": algorithm.plain_name(), "value": encode_hex(digest) })
}

fn digest(algorithm: HashAlgorithm, digest: &[u8]) -> Value {
    json!({ "algorithm": algorithm.proto_name(), "digest": encode_base64(digest) })
}

fn logged(signature: &LoggedSignature) -> Value {
    let (name, der) = match &signature.verifier {
        Verifier::PublicKey(der) => ("publicKey", der),
        Verifier::Certificate(der) => ("x509Certificate", der),
    };
    json!({
        "content": encode_base64(&signature.content),
        "verifier": { "keyDetails": signature.key_details.as_str(), name: { "rawBytes": encode_base64(der) } },
    })
}

fn encode_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
