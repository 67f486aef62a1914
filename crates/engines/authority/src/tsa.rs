//! Timestamps (RFC 3161, RFC 5816) as CMS (RFC 5652).

use crate::ca::Parts;
use crate::der::{self, DerError, Reader};
use crate::keys::{KeyError, SigningKey, sha256};
use crate::x509::serial;
use jiff::Timestamp;
use signing::KeyKind;

/// The longest request that is looked at, in bytes.
pub const MAX_REQUEST_BYTES: usize = 64 * 1024;
/// The policy of timestamps here, and of Sigstore's: 1.3.6.1.4.1.57264.2.
const POLICY: &[u8] = b"\x06\x09\x2b\x06\x01\x04\x01\x83\xbf\x30\x02";
const SHA1: &[u8] = b"\x06\x05\x2b\x0e\x03\x02\x1a";
const SHA256: &[u8] = b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01";
const SHA384: &[u8] = b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02";
const SHA512: &[u8] = b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03";
const SIGNED_DATA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02";
const TST_INFO: &[u8] = b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x04";
const CONTENT_TYPE: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x03";
const MESSAGE_DIGEST: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x04";
const SIGNING_TIME: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x05";
const SIGNING_CERTIFICATE_V2: &[u8] = b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x2f";
/// `AlgorithmIdentifier` of SHA-256, whole.
const WITH_SHA256: &[u8] = b"\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00";
/// Longest nonce, in bytes.
const MAX_NONCE_BYTES: usize = 64;

/// Why a request gets no timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// No `TimeStampReq`.
    #[error("the timestamp request could not be parsed")]
    Der(#[from] DerError),
    /// Longer than any real one.
    #[error("the timestamp request is longer than {MAX_REQUEST_BYTES} bytes")]
    TooLong,
    /// A version that is not known.
    #[error("the timestamp request is not of version 1")]
    Version,
    /// SHA-1.
    #[error("weak hash algorithm in timestamp request")]
    WeakHash,
    /// A hash that is not known.
    #[error("unsupported hash algorithm in timestamp request")]
    Hash,
    /// A digest that is not as long as its hash.
    #[error("message digest has incorrect length for specified algorithm")]
    Length,
    /// Another policy.
    #[error("unaccepted policy in timestamp request")]
    Policy,
    /// Extensions, of which none are known.
    #[error("unaccepted extension in timestamp request")]
    Extension,
}

impl RequestError {
    /// One word for metrics.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Der(_) | Self::Version => "malformed",
            Self::TooLong => "too_long",
            Self::WeakHash => "weak_hash",
            Self::Hash => "hash",
            Self::Length => "digest_length",
            Self::Policy => "policy",
            Self::Extension => "extension",
        }
    }
}

/// What a client wants a timestamp of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `MessageImprint`, DER.
    imprint: Vec<u8>,
    /// `INTEGER`, DER; empty without.
    nonce: Vec<u8>,
    certificates: bool,
}

impl Request {
    /// A request of its parts; `hash` is `sha256`, `sha384` or `sha512`.
    ///
    /// # Errors
    /// When the hash is weak or unknown, or the digest is not as long as it.
    pub fn of(hash: &str, digest: &[u8], nonce: Option<u64>, certificates: bool) -> Result<Self, RequestError> {
        let hash = match hash.to_ascii_lowercase().as_str() {
            "sha256" => SHA256,
            "sha384" => SHA384,
            "sha512" => SHA512,
            "sha1" => SHA1,
            _ => return Err(RequestError::Hash),
        };
        check_hash(hash, digest)?;
        let imprint = der::sequence(&[&der::sequence(&[hash, der::NULL]), &der::tlv(der::OCTET_STRING, digest)]);
        let nonce = nonce.map(|nonce| der::integer(&nonce.to_be_bytes())).unwrap_or_default();
        Ok(Self { imprint, nonce, certificates })
    }

    /// Reads `TimeStampReq`.
    ///
    /// # Errors
    /// When it is malformed, or asks for what is not given.
    pub fn parse(bytes: &[u8]) -> Result<Self, RequestError> {
        if bytes.len() > MAX_REQUEST_BYTES {
            return Err(RequestError::TooLong);
        }
        let mut reader = Reader::only(bytes, der::SEQUENCE)?;
        if reader.element(der::INTEGER)?.content != [1] {
            return Err(RequestError::Version);
        }
        let imprint = reader.element(der::SEQUENCE)?;
        let mut parts = Reader::new(imprint.content);
        let mut algorithm = parts.enter(der::SEQUENCE)?;
        let hash = algorithm.element(der::OID)?.whole;
        if !algorithm.is_empty() && algorithm.any()?.whole != der::NULL {
            return Err(RequestError::Hash);
        }
        algorithm.end()?;
        let digest = parts.element(der::OCTET_STRING)?.content;
        parts.end()?;
        check_hash(hash, digest)?;
        if reader.peek() == Some(der::OID) && reader.any()?.whole != POLICY {
            return Err(RequestError::Policy);
        }
        let mut nonce = Vec::new();
        if reader.peek() == Some(der::INTEGER) {
            let element = reader.any()?;
            if element.content.is_empty() || element.content.len() > MAX_NONCE_BYTES {
                return Err(DerError::Value.into());
            }
            nonce = element.whole.to_vec();
        }
        let mut certificates = false;
        if reader.peek() == Some(der::BOOLEAN) {
            certificates = match reader.any()?.content {
                [0xff] => true,
                [0] => false,
                _ => return Err(DerError::Value.into()),
            };
        }
        if reader.peek() == Some(0xa0) {
            return Err(RequestError::Extension);
        }
        reader.end()?;
        Ok(Self { imprint: imprint.whole.to_vec(), nonce, certificates })
    }
}

fn check_hash(hash: &[u8], digest: &[u8]) -> Result<(), RequestError> {
    let size = match hash {
        SHA256 => 32,
        SHA384 => 48,
        SHA512 => 64,
        SHA1 => return Err(RequestError::WeakHash),
        _ => return Err(RequestError::Hash),
    };
    if digest.len() == size { Ok(()) } else { Err(RequestError::Length) }
}

/// A timestamp authority.
#[derive(Debug)]
pub struct Tsa {
    key: SigningKey,
    chain: Vec<Vec<u8>>,
    /// `IssuerAndSerialNumber`
    signer: Vec<u8>,
    /// The attribute that binds timestamps to this certificate.
    certificate: Vec<u8>,
}

impl Tsa {
    /// An authority of its key and its chain: the certificate of this key first, the root last.
    ///
    /// # Errors
    /// When the first certificate is not of this key, or the key is not P-256.
    pub fn new(key: SigningKey, chain: Vec<Vec<u8>>) -> Result<Self, KeyError> {
        let first = chain.first().ok_or(KeyError::Absent)?;
        let parts = Parts::of(first)?;
        if parts.spki != key.spki() || key.kind() != KeyKind::P256 {
            return Err(KeyError::Weak("the certificate of the timestamp authority is of another key"));
        }
        let id = der::sequence(&[&der::tlv(der::OCTET_STRING, &sha256(first))]);
        let certificate = attribute(SIGNING_CERTIFICATE_V2, &der::sequence(&[&der::sequence(&[&id])]));
        Ok(Self { signer: der::sequence(&[&parts.issuer, &parts.serial]), certificate, key, chain })
    }

    /// Its certificates, DER, the root last.
    #[must_use]
    pub fn chain(&self) -> &[Vec<u8>] {
        &self.chain
    }

    /// `TimeStampResp` with a timestamp of now.
    ///
    /// # Errors
    /// When the key can't sign.
    pub fn respond(&self, request: &Request, now: Timestamp) -> Result<Vec<u8>, KeyError> {
        let accuracy = der::sequence(&[&der::integer(&[1])]);
        let info = der::sequence(&[
            &der::integer(&[1]),
            POLICY,
            &request.imprint,
            &serial()?,
            &der::generalized_time(now),
            &accuracy,
            &request.nonce,
        ]);
        let mut attributes = [
            attribute(CONTENT_TYPE, TST_INFO),
            attribute(SIGNING_TIME, &der::time(now)),
            attribute(MESSAGE_DIGEST, &der::tlv(der::OCTET_STRING, &sha256(&info))),
            self.certificate.clone(),
        ];
        attributes.sort();
        let attributes = attributes.concat();
        // Signed as a set, kept under an implicit tag (RFC 5652, 5.4).
        let signature = self.key.sign(&der::tlv(der::SET, &attributes))?;
        let signer = der::sequence(&[
            &der::integer(&[1]),
            &self.signer,
            WITH_SHA256,
            &der::tlv(0xa0, &attributes),
            self.key.algorithm(),
            &der::tlv(der::OCTET_STRING, &signature),
        ]);
        let content = der::sequence(&[TST_INFO, &der::tlv(0xa0, &der::tlv(der::OCTET_STRING, &info))]);
        let certificates = match self.chain.first() {
            Some(first) if request.certificates => der::tlv(0xa0, first),
            _ => Vec::new(),
        };
        let signed = der::sequence(&[
            &der::integer(&[3]),
            &der::tlv(der::SET, WITH_SHA256),
            &content,
            &certificates,
            &der::tlv(der::SET, &signer),
        ]);
        let token = der::sequence(&[SIGNED_DATA, &der::tlv(0xa0, &signed)]);
        let granted = der::sequence(&[&der::integer(&[])]);
        Ok(der::sequence(&[&granted, &token]))
    }
}

fn attribute(oid: &[u8], value: &[u8]) -> Vec<u8> {
    der::sequence(&[oid, &der::tlv(der::SET, value)])
}
