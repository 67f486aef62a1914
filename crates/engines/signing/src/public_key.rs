//! Public keys.

use crate::der::{self, DerError, INTEGER, NULL, OID, Reader, SEQUENCE};
use crate::pem::{self, PemError};
use aws_lc_rs::digest::{self, Digest};
use aws_lc_rs::signature::{self, ParsedPublicKey, UnparsedPublicKey, VerificationAlgorithm};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bundle::{HashAlgorithm, KeyDetails};
use std::fmt;
use std::sync::Arc;
use thiserror::Error;

const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const CURVE_P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const CURVE_P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const CURVE_P521: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x23];
const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// What a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyKind {
    /// ECDSA on P-256.
    P256,
    /// ECDSA on P-384.
    P384,
    /// ECDSA on P-521.
    P521,
    /// RSA of up to 2048 bits' modulus; smaller ones are refused.
    Rsa2048,
    /// RSA of up to 3072 bits.
    Rsa3072,
    /// RSA of up to 4096 bits; larger ones are refused.
    Rsa4096,
    /// Ed25519.
    Ed25519,
}

impl KeyKind {
    /// All kinds.
    pub const ALL: [KeyKind; 7] = [
        KeyKind::P256,
        KeyKind::P384,
        KeyKind::P521,
        KeyKind::Rsa2048,
        KeyKind::Rsa3072,
        KeyKind::Rsa4096,
        KeyKind::Ed25519,
    ];

    /// The hash it signs with. Ed25519 signs the message itself, and logs take SHA-256 of it.
    pub fn hash(self) -> HashAlgorithm {
        match self {
            KeyKind::P384 => HashAlgorithm::Sha384,
            KeyKind::P521 => HashAlgorithm::Sha512,
            _ => HashAlgorithm::Sha256,
        }
    }

    /// Its name in protobuf.
    pub fn details(self) -> KeyDetails {
        match self {
            KeyKind::P256 => KeyDetails::PkixEcdsaP256Sha256,
            KeyKind::P384 => KeyDetails::PkixEcdsaP384Sha384,
            KeyKind::P521 => KeyDetails::PkixEcdsaP521Sha512,
            KeyKind::Rsa2048 => KeyDetails::PkixRsaPkcs1V15Size2048Sha256,
            KeyKind::Rsa3072 => KeyDetails::PkixRsaPkcs1V15Size3072Sha256,
            KeyKind::Rsa4096 => KeyDetails::PkixRsaPkcs1V15Size4096Sha256,
            KeyKind::Ed25519 => KeyDetails::PkixEd25519,
        }
    }

    pub(crate) fn is_rsa(self) -> bool {
        matches!(self, KeyKind::Rsa2048 | KeyKind::Rsa3072 | KeyKind::Rsa4096)
    }

    fn verification(self, hash: HashAlgorithm, pss: bool) -> &'static dyn VerificationAlgorithm {
        use HashAlgorithm::{Sha256, Sha384, Sha512};
        match (self, hash, pss) {
            (KeyKind::P256, Sha256, _) => &signature::ECDSA_P256_SHA256_ASN1,
            (KeyKind::P256, Sha384, _) => &signature::ECDSA_P256_SHA384_ASN1,
            (KeyKind::P256, Sha512, _) => &signature::ECDSA_P256_SHA512_ASN1,
            (KeyKind::P384, Sha256, _) => &signature::ECDSA_P384_SHA256_ASN1,
            (KeyKind::P384, Sha384, _) => &signature::ECDSA_P384_SHA384_ASN1,
            (KeyKind::P384, Sha512, _) => &signature::ECDSA_P384_SHA512_ASN1,
            (KeyKind::P521, Sha256, _) => &signature::ECDSA_P521_SHA256_ASN1,
            (KeyKind::P521, Sha384, _) => &signature::ECDSA_P521_SHA384_ASN1,
            (KeyKind::P521, Sha512, _) => &signature::ECDSA_P521_SHA512_ASN1,
            (KeyKind::Ed25519, _, _) => &signature::ED25519,
            (_, Sha256, false) => &signature::RSA_PKCS1_2048_8192_SHA256,
            (_, Sha384, false) => &signature::RSA_PKCS1_2048_8192_SHA384,
            (_, Sha512, false) => &signature::RSA_PKCS1_2048_8192_SHA512,
            (_, Sha256, true) => &signature::RSA_PSS_2048_8192_SHA256,
            (_, Sha384, true) => &signature::RSA_PSS_2048_8192_SHA384,
            (_, Sha512, true) => &signature::RSA_PSS_2048_8192_SHA512,
        }
    }
}

/// A public key.
#[derive(Clone)]
pub struct PublicKey {
    kind: KeyKind,
    spki: Arc<[u8]>,
    /// The key itself: a point, an RSAPublicKey, 32 bytes.
    raw: Arc<[u8]>,
    parsed: Arc<ParsedPublicKey>,
}

/// Why a key can't be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Not PEM.
    #[error("the key isn't PEM")]
    Pem(#[from] PemError),
    /// PEM, but of something else.
    #[error("PEM of {0:?} isn't a key that can be used here")]
    Label(String),
    /// More than one key.
    #[error("{0} blocks of PEM instead of one")]
    Several(usize),
    /// Not the DER of a key.
    #[error("the key isn't valid DER")]
    Der(#[from] DerError),
    /// A kind of key that isn't supported.
    #[error("keys of this algorithm or curve aren't supported")]
    Unsupported,
    /// RSA of a size that is too small to be safe or too large to be quick.
    #[error("an RSA key of {0} bits; 2048 to 4096 are accepted")]
    RsaBits(usize),
    /// The numbers aren't a key.
    #[error("not a valid key")]
    Invalid,
    /// No key could be made.
    #[error("the system's random numbers or the key's making failed")]
    Generate,
}

/// A signature that isn't the key's over the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// It isn't valid.
    #[error("the signature isn't valid for the key and message")]
    Invalid,
    /// The key signs messages, of which the digest alone isn't enough.
    #[error("an Ed25519 signature can't be verified by the artifact's digest alone")]
    NeedsMessage,
    /// The digest isn't one of the hash.
    #[error("a digest of a wrong length")]
    DigestLength,
}

impl PublicKey {
    /// Reads PEM with one block `PUBLIC KEY` or `RSA PUBLIC KEY`.
    pub fn from_pem(bytes: &[u8]) -> Result<PublicKey, KeyError> {
        let blocks = pem::parse(bytes)?;
        let [block] = blocks.as_slice() else { return Err(KeyError::Several(blocks.len())) };
        match block.label.as_str() {
            "PUBLIC KEY" => PublicKey::from_spki(&block.content),
            "RSA PUBLIC KEY" => PublicKey::from_pkcs1(&block.content),
            other => Err(KeyError::Label(other.to_owned())),
        }
    }

    /// Reads a SubjectPublicKeyInfo in DER.
    pub fn from_spki(spki: &[u8]) -> Result<PublicKey, KeyError> {
        let mut info = der::whole(spki, SEQUENCE)?;
        let mut algorithm = info.inside(SEQUENCE)?;
        let raw = info.bit_string()?;
        info.end()?;
        let oid = algorithm.expect(OID)?.content;
        let kind = match oid {
            EC_PUBLIC_KEY => match algorithm.expect(OID)?.content {
                CURVE_P256 => KeyKind::P256,
                CURVE_P384 => KeyKind::P384,
                CURVE_P521 => KeyKind::P521,
                _ => return Err(KeyError::Unsupported),
            },
            RSA_ENCRYPTION => {
                algorithm.optional(NULL)?;
                rsa_kind(raw)?
            }
            ED25519 => KeyKind::Ed25519,
            _ => return Err(KeyError::Unsupported),
        };
        algorithm.end()?;
        let parsed = ParsedPublicKey::new(kind.verification(kind.hash(), false), raw).map_err(|_| KeyError::Invalid)?;
        Ok(PublicKey { kind, spki: spki.into(), raw: raw.into(), parsed: Arc::new(parsed) })
    }

    /// Reads an RSAPublicKey (PKCS#1) in DER.
    pub fn from_pkcs1(rsa: &[u8]) -> Result<PublicKey, KeyError> {
        let algorithm = der::element(SEQUENCE, &[&der::element(OID, &[RSA_ENCRYPTION]), &der::element(NULL, &[])]);
        let bits = der::element(der::BIT_STRING, &[&[0], rsa]);
        PublicKey::from_spki(&der::element(SEQUENCE, &[&algorithm, &bits]))
    }

    /// What it is.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// Its SubjectPublicKeyInfo in DER.
    pub fn to_spki(&self) -> &[u8] {
        &self.spki
    }

    /// Its SubjectPublicKeyInfo in PEM.
    pub fn to_pem(&self) -> String {
        pem::encode("PUBLIC KEY", &self.spki).to_string()
    }

    /// The bytes of the key without its algorithm: a point, an RSAPublicKey, Ed25519's 32 bytes.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// SHA-256 of its SubjectPublicKeyInfo: a log's ID, and a key's fingerprint.
    pub fn id(&self) -> [u8; 32] {
        sha256(&self.spki)
    }

    /// The hint by which Cosign's bundles name it: its ID as base64.
    pub fn hint(&self) -> String {
        STANDARD.encode(self.id())
    }

    /// Verifies a signature over a message.
    ///
    /// P-384 and P-521 may also have signed SHA-256, as Cosign before version 3 did.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        if self.parsed.verify_sig(message, signature).is_ok() {
            return Ok(());
        }
        if self.kind.hash() == HashAlgorithm::Sha256 {
            return Err(SignatureError::Invalid);
        }
        self.verify_with(HashAlgorithm::Sha256, message, signature)
    }

    /// Verifies a signature over a message's digest. Not for Ed25519.
    pub fn verify_digest(&self, hash: HashAlgorithm, digest: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        if self.kind == KeyKind::Ed25519 {
            return Err(SignatureError::NeedsMessage);
        }
        let digest = Digest::import_less_safe(digest, algorithm(hash)).map_err(|_| SignatureError::DigestLength)?;
        if hash == self.kind.hash() {
            return self.parsed.verify_digest_sig(&digest, signature).map_err(|_| SignatureError::Invalid);
        }
        let key = UnparsedPublicKey::new(self.kind.verification(hash, false), &*self.raw);
        key.verify_digest(&digest, signature).map_err(|_| SignatureError::Invalid)
    }

    /// Verifies a signature made with exactly this hash (PKCS#1 v1.5 for RSA).
    pub fn verify_with(&self, hash: HashAlgorithm, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        if hash == self.kind.hash() {
            return self.parsed.verify_sig(message, signature).map_err(|_| SignatureError::Invalid);
        }
        let key = UnparsedPublicKey::new(self.kind.verification(hash, false), &*self.raw);
        key.verify(message, signature).map_err(|_| SignatureError::Invalid)
    }

    /// Verifies an RSA-PSS signature whose salt is as long as the hash.
    pub fn verify_pss(&self, hash: HashAlgorithm, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        if !self.kind.is_rsa() {
            return Err(SignatureError::Invalid);
        }
        let key = UnparsedPublicKey::new(self.kind.verification(hash, true), &*self.raw);
        key.verify(message, signature).map_err(|_| SignatureError::Invalid)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({:?} {})", self.kind, self.hint())
    }
}

impl PartialEq for PublicKey {
    /// Keys are the same if their numbers are, whatever the parameters beside them.
    fn eq(&self, other: &PublicKey) -> bool {
        self.kind == other.kind && self.raw == other.raw
    }
}

impl Eq for PublicKey {}

fn rsa_kind(raw: &[u8]) -> Result<KeyKind, KeyError> {
    let mut numbers = der::whole(raw, SEQUENCE)?;
    let modulus = positive(&mut numbers)?;
    positive(&mut numbers)?;
    numbers.end()?;
    let first = modulus.first().ok_or(KeyError::Invalid)?;
    let bits = modulus.len() * 8 - first.leading_zeros() as usize;
    match bits {
        2041..=2048 => Ok(KeyKind::Rsa2048),
        2049..=3072 => Ok(KeyKind::Rsa3072),
        3073..=4096 => Ok(KeyKind::Rsa4096),
        _ => Err(KeyError::RsaBits(bits)),
    }
}

fn positive<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], KeyError> {
    match reader.expect(INTEGER)?.content {
        [0, rest @ ..] => Ok(rest),
        [first, ..] if *first >= 0x80 => Err(KeyError::Invalid),
        all => Ok(all),
    }
}

pub(crate) fn algorithm(hash: HashAlgorithm) -> &'static digest::Algorithm {
    match hash {
        HashAlgorithm::Sha256 => &digest::SHA256,
        HashAlgorithm::Sha384 => &digest::SHA384,
        HashAlgorithm::Sha512 => &digest::SHA512,
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = digest::digest(&digest::SHA256, bytes);
    let mut out = [0; 32];
    out.copy_from_slice(digest.as_ref());
    out
}
