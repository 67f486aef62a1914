//! Signature algorithms as X.509 and CMS name them.

use crate::der::{self, DerError, NULL, OID, Reader, SEQUENCE};
use crate::public_key::{KeyKind, PublicKey, SignatureError};
use bundle::HashAlgorithm;

pub(crate) const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
pub(crate) const SHA384: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02];
pub(crate) const SHA512: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03];
const ECDSA_SHA2: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03];
const PKCS1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// How something was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignatureAlgorithm {
    Ecdsa(HashAlgorithm),
    RsaPkcs1(HashAlgorithm),
    RsaPss(HashAlgorithm),
    Ed25519,
}

impl SignatureAlgorithm {
    /// Reads the content of an AlgorithmIdentifier. CMS may name the key's algorithm alone; then `digest` is the hash.
    pub(crate) fn read(mut reader: Reader<'_>, digest: Option<HashAlgorithm>) -> Result<SignatureAlgorithm, DerError> {
        let oid = reader.expect(OID)?.content;
        let parameters = if reader.is_empty() { None } else { Some(reader.any()?) };
        reader.end()?;
        let plain = parameters.is_none_or(|found| found.tag == NULL && found.content.is_empty());
        let unsupported = DerError("a signature algorithm that isn't supported");
        if oid == PKCS1.iter().chain(&[10]).copied().collect::<Vec<_>>() {
            let parameters = parameters.ok_or(unsupported)?;
            return pss_hash(parameters.all).map(SignatureAlgorithm::RsaPss);
        }
        if !plain {
            return Err(DerError("parameters of a signature algorithm"));
        }
        if let Some([last]) = oid.strip_prefix(ECDSA_SHA2) {
            return match last {
                2 => Ok(SignatureAlgorithm::Ecdsa(HashAlgorithm::Sha256)),
                3 => Ok(SignatureAlgorithm::Ecdsa(HashAlgorithm::Sha384)),
                4 => Ok(SignatureAlgorithm::Ecdsa(HashAlgorithm::Sha512)),
                _ => Err(unsupported),
            };
        }
        if let Some([last]) = oid.strip_prefix(PKCS1) {
            return match (last, digest) {
                (1, Some(hash)) => Ok(SignatureAlgorithm::RsaPkcs1(hash)),
                (11, _) => Ok(SignatureAlgorithm::RsaPkcs1(HashAlgorithm::Sha256)),
                (12, _) => Ok(SignatureAlgorithm::RsaPkcs1(HashAlgorithm::Sha384)),
                (13, _) => Ok(SignatureAlgorithm::RsaPkcs1(HashAlgorithm::Sha512)),
                _ => Err(unsupported),
            };
        }
        match (oid, digest) {
            (ED25519, _) => Ok(SignatureAlgorithm::Ed25519),
            (EC_PUBLIC_KEY, Some(hash)) => Ok(SignatureAlgorithm::Ecdsa(hash)),
            _ => Err(unsupported),
        }
    }

    pub(crate) fn verify(self, key: &PublicKey, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        let is_ecdsa = matches!(key.kind(), KeyKind::P256 | KeyKind::P384 | KeyKind::P521);
        match self {
            SignatureAlgorithm::Ecdsa(hash) if is_ecdsa => key.verify_with(hash, message, signature),
            SignatureAlgorithm::RsaPkcs1(hash) if key.kind().is_rsa() => key.verify_with(hash, message, signature),
            SignatureAlgorithm::RsaPss(hash) => key.verify_pss(hash, message, signature),
            SignatureAlgorithm::Ed25519 if key.kind() == KeyKind::Ed25519 => key.verify(message, signature),
            _ => Err(SignatureError::Invalid),
        }
    }
}

/// The hash of RSASSA-PSS-params. Its other values must be those of the hash, or verification fails.
fn pss_hash(parameters: &[u8]) -> Result<HashAlgorithm, DerError> {
    let mut parameters = der::whole(parameters, SEQUENCE)?;
    let hash = der::whole(parameters.expect(0xa0)?.content, SEQUENCE)?;
    read_hash(hash)
}

/// Reads the content of a hash's AlgorithmIdentifier.
pub(crate) fn read_hash(mut reader: Reader<'_>) -> Result<HashAlgorithm, DerError> {
    let oid = reader.expect(OID)?.content;
    if let Some(null) = reader.optional(NULL)?
        && !null.content.is_empty()
    {
        return Err(DerError("parameters of a hash"));
    }
    reader.end()?;
    match oid {
        SHA256 => Ok(HashAlgorithm::Sha256),
        SHA384 => Ok(HashAlgorithm::Sha384),
        SHA512 => Ok(HashAlgorithm::Sha512),
        _ => Err(DerError("a hash that isn't supported")),
    }
}
