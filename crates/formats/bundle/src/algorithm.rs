//! The names of hashes and keys.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// A hash, by its protobuf name in bundles (`SHA2_256`) and its plain one in log entries (`sha256`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HashAlgorithm {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl HashAlgorithm {
    /// The length of a digest.
    pub fn digest_bytes(self) -> usize {
        match self {
            HashAlgorithm::Sha256 => 32,
            HashAlgorithm::Sha384 => 48,
            HashAlgorithm::Sha512 => 64,
        }
    }

    /// The name in log entries and statements: `sha256`.
    pub fn plain_name(self) -> &'static str {
        match self {
            HashAlgorithm::Sha256 => "sha256",
            HashAlgorithm::Sha384 => "sha384",
            HashAlgorithm::Sha512 => "sha512",
        }
    }

    /// The algorithm of a plain name.
    pub fn from_plain_name(name: &str) -> Option<HashAlgorithm> {
        Self::ALL.into_iter().find(|algorithm| algorithm.plain_name() == name)
    }

    /// The name of the protobuf enumeration: `SHA2_256`.
    pub fn proto_name(self) -> &'static str {
        match self {
            HashAlgorithm::Sha256 => "SHA2_256",
            HashAlgorithm::Sha384 => "SHA2_384",
            HashAlgorithm::Sha512 => "SHA2_512",
        }
    }

    /// The algorithm of a protobuf name.
    pub fn from_proto_name(name: &str) -> Option<HashAlgorithm> {
        Self::ALL.into_iter().find(|algorithm| algorithm.proto_name() == name)
    }

    const ALL: [HashAlgorithm; 3] = [HashAlgorithm::Sha256, HashAlgorithm::Sha384, HashAlgorithm::Sha512];
}

impl fmt::Display for HashAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.plain_name())
    }
}

impl Serialize for HashAlgorithm {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.proto_name())
    }
}

impl<'de> Deserialize<'de> for HashAlgorithm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either<'a> {
            Number(i64),
            Name(#[serde(borrow)] Cow<'a, str>),
        }
        match Either::deserialize(deserializer)? {
            Either::Number(1) => Ok(HashAlgorithm::Sha256),
            Either::Number(2) => Ok(HashAlgorithm::Sha384),
            Either::Number(3) => Ok(HashAlgorithm::Sha512),
            Either::Number(other) => Err(serde::de::Error::custom(format!("unknown hash algorithm {other}"))),
            Either::Name(name) => HashAlgorithm::from_proto_name(&name)
                .ok_or_else(|| serde::de::Error::custom(format!("unknown hash algorithm {name:?}"))),
        }
    }
}

macro_rules! key_details {
    ($($variant:ident = $name:literal,)*) => {
        /// What a key is and how it signs. Numbers and names of protobuf-specs' `PublicKeyDetails`.
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum KeyDetails {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
            /// A name that isn't known; such a key can't be used.
            Other(String),
        }

        impl KeyDetails {
            /// The name of the protobuf enumeration.
            pub fn as_str(&self) -> &str {
                match self {
                    $(KeyDetails::$variant => $name,)*
                    KeyDetails::Other(name) => name,
                }
            }
        }

        impl From<&str> for KeyDetails {
            fn from(name: &str) -> Self {
                match name {
                    $($name => KeyDetails::$variant,)*
                    _ => KeyDetails::Other(name.to_owned()),
                }
            }
        }
    };
}

key_details! {
    Pkcs1RsaPkcs1V5 = "PKCS1_RSA_PKCS1V5",
    Pkcs1RsaPss = "PKCS1_RSA_PSS",
    PkixRsaPkcs1V5 = "PKIX_RSA_PKCS1V5",
    PkixRsaPss = "PKIX_RSA_PSS",
    PkixRsaPkcs1V15Size2048Sha256 = "PKIX_RSA_PKCS1V15_2048_SHA256",
    PkixRsaPkcs1V15Size3072Sha256 = "PKIX_RSA_PKCS1V15_3072_SHA256",
    PkixRsaPkcs1V15Size4096Sha256 = "PKIX_RSA_PKCS1V15_4096_SHA256",
    PkixRsaPss2048Sha256 = "PKIX_RSA_PSS_2048_SHA256",
    PkixRsaPss3072Sha256 = "PKIX_RSA_PSS_3072_SHA256",
    PkixRsaPss4096Sha256 = "PKIX_RSA_PSS_4096_SHA256",
    PkixEcdsaP256Sha256 = "PKIX_ECDSA_P256_SHA_256",
    PkixEcdsaP384Sha384 = "PKIX_ECDSA_P384_SHA_384",
    PkixEcdsaP521Sha512 = "PKIX_ECDSA_P521_SHA_512",
    PkixEcdsaP384Sha256 = "PKIX_ECDSA_P384_SHA_256",
    PkixEcdsaP521Sha256 = "PKIX_ECDSA_P521_SHA_256",
    PkixEd25519 = "PKIX_ED25519",
    PkixEd25519Ph = "PKIX_ED25519_PH",
}

impl Serialize for KeyDetails {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for KeyDetails {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<str>::deserialize(deserializer)?;
        Ok(KeyDetails::from(&*name))
    }
}
