//! The bodies of log entries, as a log keeps and hashes them.
//!
//! Rekor v1 keeps keys as PEM and digests as hexadecimal; v2 keeps keys as DER and digests as base64. What is printed is
//! canonical JSON, byte for byte what Rekor 1.5 and rekor-tiles 2.3 hash.

use crate::error::{ParseError, read_json};
use crate::json::{decode_base64, encode_base64};
use crate::{HashAlgorithm, KeyDetails, canonical, json};
use serde::Deserialize;
use serde_json::{Value, json};

const MAX_BODY_BYTES: usize = 16 << 20;

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

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    kind: &'a str,
    api_version: &'a str,
    #[serde(borrow)]
    spec: &'a serde_json::value::RawValue,
}

#[derive(Deserialize)]
struct WireHash {
    algorithm: String,
    value: String,
}

impl WireHash {
    fn read(&self, field: &'static str) -> Result<(HashAlgorithm, Vec<u8>), ParseError> {
        let algorithm = HashAlgorithm::from_plain_name(&self.algorithm)
            .ok_or_else(|| ParseError::invalid(field, format!("unknown hash {:?}", self.algorithm)))?;
        let digest = decode_hex(&self.value).ok_or_else(|| ParseError::invalid(field, "not hexadecimal"))?;
        Ok((algorithm, sized(field, algorithm, digest)?))
    }

    fn sha256(&self, field: &'static str) -> Result<Vec<u8>, ParseError> {
        match self.read(field)? {
            (HashAlgorithm::Sha256, digest) => Ok(digest),
            (other, _) => Err(ParseError::invalid(field, format!("{other} instead of sha256"))),
        }
    }
}

/// Base64 in a field.
#[derive(Deserialize)]
struct Bytes(#[serde(with = "json::bytes")] Vec<u8>);

#[derive(Deserialize)]
struct Content {
    content: Bytes,
}

#[derive(Deserialize)]
struct WireHashedRekordV1 {
    data: WireData,
    signature: WireSignatureV1,
}

#[derive(Deserialize)]
struct WireData {
    hash: WireHash,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireSignatureV1 {
    content: Bytes,
    public_key: Content,
}

#[derive(Deserialize)]
struct WireHashedRekordV2 {
    #[serde(rename = "hashedRekordV002")]
    inner: WireHashedRekordV2Inner,
}

#[derive(Deserialize)]
struct WireHashedRekordV2Inner {
    data: WireDigest,
    signature: WireLoggedSignature,
}

#[derive(Deserialize)]
struct WireDigest {
    algorithm: HashAlgorithm,
    digest: Bytes,
}

impl WireDigest {
    fn read(self, field: &'static str) -> Result<(HashAlgorithm, Vec<u8>), ParseError> {
        Ok((self.algorithm, sized(field, self.algorithm, self.digest.0)?))
    }
}

#[derive(Deserialize)]
struct WireLoggedSignature {
    content: Bytes,
    verifier: WireVerifier,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireVerifier {
    key_details: KeyDetails,
    x509_certificate: Option<json::RawBytes>,
    public_key: Option<json::RawBytes>,
}

impl WireLoggedSignature {
    fn read(self) -> Result<LoggedSignature, ParseError> {
        let verifier = match (self.verifier.public_key, self.verifier.x509_certificate) {
            (Some(key), None) => Verifier::PublicKey(key.bytes),
            (None, Some(certificate)) => Verifier::Certificate(certificate.bytes),
            (None, None) => return Err(ParseError::Missing("the log entry's verifier")),
            (Some(_), Some(_)) => return Err(ParseError::Ambiguous("publicKey and x509Certificate")),
        };
        Ok(LoggedSignature { content: self.content.0, key_details: self.verifier.key_details, verifier })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireDsseV1 {
    envelope_hash: WireHash,
    payload_hash: WireHash,
    signatures: Vec<WireDsseSignature>,
}

#[derive(Deserialize)]
struct WireDsseSignature {
    signature: Bytes,
    verifier: Bytes,
}

#[derive(Deserialize)]
struct WireDsseV2 {
    #[serde(rename = "dsseV002")]
    inner: WireDsseV2Inner,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireDsseV2Inner {
    payload_hash: WireDigest,
    signatures: Vec<WireLoggedSignature>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireIntotoV1 {
    content: WireIntotoV1Content,
    public_key: Bytes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireIntotoV1Content {
    hash: WireHash,
    payload_hash: Option<WireHash>,
}

#[derive(Deserialize)]
struct WireIntotoV2 {
    content: WireIntotoV2Content,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireIntotoV2Content {
    envelope: WireIntotoV2Envelope,
    hash: WireHash,
    payload_hash: WireHash,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireIntotoV2Envelope {
    payload: Option<Bytes>,
    payload_type: String,
    signatures: Vec<WireIntotoSignature>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireIntotoSignature {
    #[serde(default)]
    keyid: String,
    sig: Bytes,
    public_key: Bytes,
}

impl Body {
    /// Reads the canonical body of an entry.
    pub fn parse(bytes: &[u8]) -> Result<Body, ParseError> {
        let wire: Wire = read_json("the log entry's body", bytes, MAX_BODY_BYTES)?;
        let spec = wire.spec.get().as_bytes();
        match (wire.kind, wire.api_version) {
            ("hashedrekord", "0.0.1") => {
                let spec: WireHashedRekordV1 = read_spec(spec)?;
                let (algorithm, digest) = spec.data.hash.read("the entry's digest")?;
                let public_key = spec.signature.public_key.content.0;
                let signature = spec.signature.content.0;
                Ok(Body::HashedRekordV1(HashedRekordV1 { algorithm, digest, signature, public_key }))
            }
            ("hashedrekord", "0.0.2") => {
                let spec = read_spec::<WireHashedRekordV2>(spec)?.inner;
                let (algorithm, digest) = spec.data.read("the entry's digest")?;
                Ok(Body::HashedRekordV2(HashedRekordV2 { algorithm, digest, signature: spec.signature.read()? }))
            }
            ("dsse", "0.0.1") => {
                let spec: WireDsseV1 = read_spec(spec)?;
                Ok(Body::DsseV1(DsseV1 {
                    envelope_hash: spec.envelope_hash.sha256("the entry's envelope hash")?,
                    payload_hash: spec.payload_hash.sha256("the entry's payload hash")?,
                    signatures: (spec.signatures.into_iter())
                        .map(|one| PemSignature { signature: one.signature.0, verifier: one.verifier.0 })
                        .collect(),
                }))
            }
            ("dsse", "0.0.2") => {
                let spec = read_spec::<WireDsseV2>(spec)?.inner;
                let (algorithm, payload_hash) = spec.payload_hash.read("the entry's payload hash")?;
                let signatures =
                    spec.signatures.into_iter().map(WireLoggedSignature::read).collect::<Result<_, _>>()?;
                Ok(Body::DsseV2(DsseV2 { algorithm, payload_hash, signatures }))
            }
            ("intoto", "0.0.1") => {
                let spec: WireIntotoV1 = read_spec(spec)?;
                let payload_hash = spec.content.payload_hash.map(|hash| hash.sha256("the entry's payload hash"));
                Ok(Body::IntotoV1(IntotoV1 {
                    envelope_hash: spec.content.hash.sha256("the entry's envelope hash")?,
                    payload_hash: payload_hash.transpose()?,
                    public_key: spec.public_key.0,
                }))
            }
            ("intoto", "0.0.2") => read_intoto_v2(read_spec::<WireIntotoV2>(spec)?.content),
            (kind, version) => Err(ParseError::UnknownKind { kind: kind.to_owned(), version: version.to_owned() }),
        }
    }

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

fn read_spec<'a, T: Deserialize<'a>>(spec: &'a [u8]) -> Result<T, ParseError> {
    read_json("the log entry's body", spec, MAX_BODY_BYTES)
}

/// The payload and the signatures are base64 of base64 in this kind.
fn read_intoto_v2(content: WireIntotoV2Content) -> Result<Body, ParseError> {
    let inner = |bytes: Vec<u8>| {
        let text = String::from_utf8(bytes).ok();
        text.and_then(|text| decode_base64(&text).ok())
            .ok_or_else(|| ParseError::invalid("a field of the entry", "not base64 of base64"))
    };
    let signatures = content.envelope.signatures.into_iter().map(|one| {
        Ok(IntotoSignature { keyid: one.keyid, signature: inner(one.sig.0)?, public_key: one.public_key.0 })
    });
    Ok(Body::IntotoV2(IntotoV2 {
        payload_type: content.envelope.payload_type,
        payload: content.envelope.payload.map(|payload| inner(payload.0)).transpose()?,
        signatures: signatures.collect::<Result<_, ParseError>>()?,
        envelope_hash: content.hash.sha256("the entry's envelope hash")?,
        payload_hash: content.payload_hash.sha256("the entry's payload hash")?,
    }))
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

fn sized(field: &'static str, algorithm: HashAlgorithm, digest: Vec<u8>) -> Result<Vec<u8>, ParseError> {
    if digest.len() == algorithm.digest_bytes() {
        Ok(digest)
    } else {
        Err(ParseError::invalid(field, format!("{} bytes aren't a digest by {algorithm}", digest.len())))
    }
}

fn encode_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2);
    digits
        .map(|pair| match pair {
            [high, low] => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                u8::try_from(digit(high)? << 4 | digit(low)?).ok()
            }
            _ => None,
        })
        .collect()
}
