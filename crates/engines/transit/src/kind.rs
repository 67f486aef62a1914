use crate::hash::Hash;
use aws_lc_rs::agreement;
use aws_lc_rs::digest::{self, Algorithm};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA384_ASN1_SIGNING,
    ECDSA_P521_SHA512_ASN1, ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaSigningAlgorithm, EcdsaVerificationAlgorithm,
};
use serde::{Deserialize, Serialize};

/// A type of key. The numbers are those of the peer's backups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub(crate) enum Kind {
    Aes256 = 0,
    EcP256 = 1,
    Ed25519 = 2,
    Rsa2048 = 3,
    Rsa4096 = 4,
    ChaCha20 = 5,
    EcP384 = 6,
    EcP521 = 7,
    Aes128 = 8,
    Rsa3072 = 9,
    Hmac = 10,
    XChaCha20 = 11,
}

/// What is particular to a curve.
pub(crate) struct Curve {
    pub(crate) name: &'static str,
    pub(crate) oid: &'static [u8],
    /// Bytes of a coordinate.
    pub(crate) size: usize,
    pub(crate) signing: &'static EcdsaSigningAlgorithm,
    pub(crate) verification: &'static EcdsaVerificationAlgorithm,
    /// Of which a digest of any length is made one.
    pub(crate) digest: &'static Algorithm,
    pub(crate) agreement: &'static agreement::Algorithm,
    /// What certificates call a signature over a digest of [`hash`](Self::hash).
    pub(crate) signature_oid: &'static [u8],
    pub(crate) hash: Hash,
}

static P256: Curve = Curve {
    name: "P-256",
    oid: &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
    size: 32,
    signing: &ECDSA_P256_SHA256_ASN1_SIGNING,
    verification: &ECDSA_P256_SHA256_ASN1,
    digest: &digest::SHA256,
    agreement: &agreement::ECDH_P256,
    signature_oid: &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02],
    hash: Hash::Sha256,
};
static P384: Curve = Curve {
    name: "P-384",
    oid: &[0x2b, 0x81, 0x04, 0x00, 0x22],
    size: 48,
    signing: &ECDSA_P384_SHA384_ASN1_SIGNING,
    verification: &ECDSA_P384_SHA384_ASN1,
    digest: &digest::SHA384,
    agreement: &agreement::ECDH_P384,
    signature_oid: &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03],
    hash: Hash::Sha384,
};
static P521: Curve = Curve {
    name: "P-521",
    oid: &[0x2b, 0x81, 0x04, 0x00, 0x23],
    size: 66,
    signing: &ECDSA_P521_SHA512_ASN1_SIGNING,
    verification: &ECDSA_P521_SHA512_ASN1,
    digest: &digest::SHA512,
    agreement: &agreement::ECDH_P521,
    signature_oid: &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04],
    hash: Hash::Sha512,
};

const ALL: [(Kind, &str); 12] = [
    (Kind::Aes128, "aes128-gcm96"),
    (Kind::Aes256, "aes256-gcm96"),
    (Kind::ChaCha20, "chacha20-poly1305"),
    (Kind::XChaCha20, "xchacha20-poly1305"),
    (Kind::EcP256, "ecdsa-p256"),
    (Kind::EcP384, "ecdsa-p384"),
    (Kind::EcP521, "ecdsa-p521"),
    (Kind::Ed25519, "ed25519"),
    (Kind::Rsa2048, "rsa-2048"),
    (Kind::Rsa3072, "rsa-3072"),
    (Kind::Rsa4096, "rsa-4096"),
    (Kind::Hmac, "hmac"),
];

impl Kind {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        ALL.iter().find(|(_, other)| *other == name).map(|(kind, _)| *kind)
    }

    pub(crate) fn name(self) -> &'static str {
        ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }

    /// Bytes of the key of a cipher with associated data; none for what is no such cipher.
    pub(crate) fn aead_key_size(self) -> Option<usize> {
        match self {
            Self::Aes128 => Some(16),
            Self::Aes256 | Self::ChaCha20 | Self::XChaCha20 => Some(32),
            _ => None,
        }
    }

    pub(crate) fn is_aead(self) -> bool {
        self.aead_key_size().is_some()
    }

    pub(crate) fn rsa(self) -> Option<KeySize> {
        match self {
            Self::Rsa2048 => Some(KeySize::Rsa2048),
            Self::Rsa3072 => Some(KeySize::Rsa3072),
            Self::Rsa4096 => Some(KeySize::Rsa4096),
            _ => None,
        }
    }

    pub(crate) fn curve(self) -> Option<&'static Curve> {
        match self {
            Self::EcP256 => Some(&P256),
            Self::EcP384 => Some(&P384),
            Self::EcP521 => Some(&P521),
            _ => None,
        }
    }

    pub(crate) fn encrypts(self) -> bool {
        self.is_aead() || self.rsa().is_some()
    }

    pub(crate) fn signs(self) -> bool {
        self.hashes_input() || self == Self::Ed25519
    }

    /// Whether a signature is made over a digest.
    pub(crate) fn hashes_input(self) -> bool {
        self.rsa().is_some() || self.curve().is_some()
    }

    pub(crate) fn derives(self) -> bool {
        self.is_aead() || self == Self::Ed25519
    }

    /// Whether a public key alone can be imported.
    pub(crate) fn imports_public(self) -> bool {
        self.signs()
    }
}

impl TryFrom<u32> for Kind {
    type Error = &'static str;

    fn try_from(number: u32) -> Result<Self, Self::Error> {
        let found = ALL.iter().find(|(kind, _)| *kind as u32 == number);
        found.map(|(kind, _)| *kind).ok_or("unsupported key type")
    }
}

impl From<Kind> for u32 {
    fn from(kind: Kind) -> Self {
        kind as Self
    }
}
