//! Reads the bodies of log entries.

use super::{
    Body, DsseV1, DsseV2, HashedRekordV1, HashedRekordV2, IntotoSignature, IntotoV1, IntotoV2, LoggedSignature,
    PemSignature, Verifier,
};
use crate::error::{ParseError, read_json};
use crate::json::decode_base64;
use crate::{HashAlgorithm, KeyDetails, json};
use serde::Deserialize;

const MAX_BODY_BYTES: usize = 16 << 20;

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

fn sized(field: &'static str, algorithm: HashAlgorithm, digest: Vec<u8>) -> Result<Vec<u8>, ParseError> {
    if digest.len() == algorithm.digest_bytes() {
        Ok(digest)
    } else {
        Err(ParseError::invalid(field, format!("{} bytes aren't a digest by {algorithm}", digest.len())))
    }
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
