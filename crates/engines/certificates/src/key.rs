use crate::{Algorithm, Hash, PublicKey};
use asn1::{INTEGER, OCTET_STRING, Reader, SEQUENCE, bit_string, oid, sequence, tlv};
use aws_lc_rs::encoding::{AsBigEndian as _, AsDer as _, Curve25519SeedBin, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RsaKeyPair};
use std::fmt;
use zeroize::Zeroizing;

/// A kind of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyType {
    /// RSA.
    Rsa,
    /// ECDSA on a NIST curve.
    Ec,
    /// Ed25519.
    Ed25519,
}

impl KeyType {
    /// As the API calls it: `rsa`, `ec`, `ed25519`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rsa => "rsa",
            Self::Ec => "ec",
            Self::Ed25519 => "ed25519",
        }
    }
}

/// Why a key can't be made, read or used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// A kind or size that this library does not have.
    #[error("unsupported key type or length")]
    Unsupported,
    /// Not a key.
    #[error("the key could not be parsed")]
    Invalid,
    /// The library refused.
    #[error("the key could not be made or used")]
    Crypto,
    /// A signature that this key did not make.
    #[error("the signature does not match the key")]
    Signature,
}

enum Pair {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// A private key. Its memory is cleared when it is dropped.
pub struct PrivateKey {
    pair: Pair,
    public: PublicKey,
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({} {})", self.public.kind().name(), self.public.bits())
    }
}

impl PrivateKey {
    /// Makes a key; the bits of Ed25519 don't matter.
    ///
    /// # Errors
    /// For a size that is not offered: RSA has 2048, 3072, 4096 and 8192, EC has 256, 384 and 521.
    pub fn generate(kind: KeyType, bits: u32) -> Result<Self, KeyError> {
        let rsa = |size| RsaKeyPair::generate(size).map(Pair::Rsa);
        let pair = match (kind, bits) {
            (KeyType::Rsa, 2048) => rsa(KeySize::Rsa2048),
            (KeyType::Rsa, 3072) => rsa(KeySize::Rsa3072),
            (KeyType::Rsa, 4096) => rsa(KeySize::Rsa4096),
            (KeyType::Rsa, 8192) => rsa(KeySize::Rsa8192),
            (KeyType::Ec, bits) => EcdsaKeyPair::generate(curve(bits)?).map(Pair::Ec),
            (KeyType::Ed25519, _) => Ed25519KeyPair::generate().map(Pair::Ed25519),
            _ => return Err(KeyError::Unsupported),
        };
        Self::of(pair.map_err(|_| KeyError::Crypto)?)
    }

    /// Reads PKCS#8, PKCS#1 or SEC 1 in DER.
    ///
    /// # Errors
    /// Where it is none of them.
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        let curves = || [256, 384, 521].into_iter().filter_map(|bits| curve(bits).ok());
        let pair = (curves().find_map(|curve| EcdsaKeyPair::from_pkcs8(curve, der).ok()).map(Pair::Ec))
            .or_else(|| Ed25519KeyPair::from_pkcs8(der).ok().map(Pair::Ed25519))
            .or_else(|| RsaKeyPair::from_pkcs8(der).ok().map(Pair::Rsa))
            .or_else(|| RsaKeyPair::from_der(der).ok().map(Pair::Rsa))
            .or_else(|| curves().find_map(|curve| EcdsaKeyPair::from_private_key_der(curve, der).ok()).map(Pair::Ec));
        Self::of(pair.ok_or(KeyError::Invalid)?)
    }

    /// Reads the first private key of a PEM text.
    ///
    /// # Errors
    /// Where there is none that is understood.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let blocks = signing::pem::parse(text.as_bytes()).map_err(|_| KeyError::Invalid)?;
        let block = blocks.iter().find(|block| block.label.ends_with("PRIVATE KEY")).ok_or(KeyError::Invalid)?;
        Self::from_der(&block.content)
    }

    fn of(pair: Pair) -> Result<Self, KeyError> {
        let spki: Result<PublicKeyX509Der<'_>, _> = match &pair {
            Pair::Rsa(pair) => pair.public_key().as_der(),
            Pair::Ec(pair) => pair.public_key().as_der(),
            Pair::Ed25519(pair) => pair.public_key().as_der(),
        };
        let public = PublicKey::from_spki(spki.map_err(|_| KeyError::Invalid)?.as_ref())?;
        Ok(Self { pair, public })
    }

    /// The key that verifies what it signs.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// PKCS#8 version 1 in DER.
    ///
    /// # Errors
    /// Where the library refuses.
    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let bytes = match &self.pair {
            Pair::Ec(pair) => pair.to_pkcs8v1().map(|document| Zeroizing::new(document.as_ref().to_vec())),
            Pair::Rsa(pair) => {
                let der: Result<Pkcs8V1Der<'_>, _> = pair.as_der();
                der.map(|der| Zeroizing::new(der.as_ref().to_vec()))
            }
            Pair::Ed25519(pair) => pair.to_pkcs8v1().map(|document| Zeroizing::new(document.as_ref().to_vec())),
        };
        bytes.map_err(|_| KeyError::Crypto)
    }

    /// The form that is older than PKCS#8 with its PEM label: PKCS#1, SEC 1; for Ed25519 there is none but PKCS#8.
    ///
    /// # Errors
    /// Where the library refuses.
    pub fn to_traditional(&self) -> Result<(&'static str, Zeroizing<Vec<u8>>), KeyError> {
        let pkcs8 = self.to_pkcs8()?;
        let inner = || -> Result<Zeroizing<Vec<u8>>, asn1::DerError> {
            let mut reader = Reader::only(&pkcs8, SEQUENCE)?;
            reader.element(INTEGER)?;
            reader.element(SEQUENCE)?;
            Ok(Zeroizing::new(reader.element(OCTET_STRING)?.content.to_vec()))
        };
        match &self.pair {
            Pair::Rsa(_) => Ok(("RSA PRIVATE KEY", inner().map_err(|_| KeyError::Crypto)?)),
            Pair::Ed25519(_) => Ok(("PRIVATE KEY", pkcs8)),
            Pair::Ec(_) => {
                let inner = inner().map_err(|_| KeyError::Crypto)?;
                let secret = Reader::only(&inner, SEQUENCE).and_then(|mut reader| {
                    reader.element(INTEGER)?;
                    reader.element(OCTET_STRING)
                });
                let secret = secret.map_err(|_| KeyError::Crypto)?;
                let curve = tlv(0xa0, self.public.curve().unwrap_or_default());
                let point = tlv(0xa1, &bit_string(self.public.raw()));
                let version = [INTEGER, 1, 1];
                Ok(("EC PRIVATE KEY", Zeroizing::new(sequence(&[&version, secret.whole, &curve, &point]))))
            }
        }
    }

    /// [`Self::to_traditional`] in PEM.
    ///
    /// # Errors
    /// Where the library refuses.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, KeyError> {
        let (label, der) = self.to_traditional()?;
        Ok(signing::pem::encode(label, &der))
    }

    /// PKCS#8 in PEM.
    ///
    /// # Errors
    /// Where the library refuses.
    pub fn to_pkcs8_pem(&self) -> Result<Zeroizing<String>, KeyError> {
        Ok(signing::pem::encode("PRIVATE KEY", &self.to_pkcs8()?))
    }

    /// The 32 bytes that an Ed25519 key is made of; none for other kinds.
    pub fn seed(&self) -> Option<Zeroizing<Vec<u8>>> {
        match &self.pair {
            Pair::Ed25519(pair) => {
                let seed = pair.seed().ok()?;
                let bytes: Curve25519SeedBin<'_> = seed.as_be_bytes().ok()?;
                Some(Zeroizing::new(bytes.as_ref().to_vec()))
            }
            _ => None,
        }
    }

    /// The algorithm that this key signs with where nothing else is said; `bits` of zero is the usual hash.
    pub fn algorithm(&self, bits: u32, pss: bool) -> Algorithm {
        let hash = match bits {
            384 => Hash::Sha384,
            512 => Hash::Sha512,
            _ => Hash::Sha256,
        };
        match (self.public.kind(), self.public.bits()) {
            (KeyType::Rsa, _) if pss => Algorithm::RsaPss(hash),
            (KeyType::Rsa, _) => Algorithm::RsaPkcs1(hash),
            (KeyType::Ed25519, _) => Algorithm::Ed25519,
            (KeyType::Ec, 384) => Algorithm::Ecdsa(Hash::Sha384),
            (KeyType::Ec, 521) => Algorithm::Ecdsa(Hash::Sha512),
            (KeyType::Ec, _) => Algorithm::Ecdsa(Hash::Sha256),
        }
    }

    /// Signs; ECDSA in DER, with the hash that belongs to its curve.
    ///
    /// # Errors
    /// For an algorithm of another kind of key.
    pub fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let random = SystemRandom::new();
        let signature = match (&self.pair, algorithm) {
            (Pair::Ec(pair), Algorithm::Ecdsa(_)) => {
                pair.sign(&random, message).map(|signature| signature.as_ref().to_vec())
            }
            (Pair::Ed25519(pair), Algorithm::Ed25519) => {
                pair.try_sign(message).map(|signature| signature.as_ref().to_vec())
            }
            (Pair::Rsa(pair), algorithm) => {
                let encoding: &'static dyn signature::RsaEncoding = match algorithm {
                    Algorithm::RsaPkcs1(Hash::Sha256) => &signature::RSA_PKCS1_SHA256,
                    Algorithm::RsaPkcs1(Hash::Sha384) => &signature::RSA_PKCS1_SHA384,
                    Algorithm::RsaPkcs1(Hash::Sha512) => &signature::RSA_PKCS1_SHA512,
                    Algorithm::RsaPss(Hash::Sha256) => &signature::RSA_PSS_SHA256,
                    Algorithm::RsaPss(Hash::Sha384) => &signature::RSA_PSS_SHA384,
                    Algorithm::RsaPss(Hash::Sha512) => &signature::RSA_PSS_SHA512,
                    _ => return Err(KeyError::Unsupported),
                };
                let mut out = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &random, message, &mut out).map(|()| out)
            }
            _ => return Err(KeyError::Unsupported),
        };
        signature.map_err(|_| KeyError::Crypto)
    }
}

fn curve(bits: u32) -> Result<&'static EcdsaSigningAlgorithm, KeyError> {
    match bits {
        256 => Ok(&signature::ECDSA_P256_SHA256_ASN1_SIGNING),
        384 => Ok(&signature::ECDSA_P384_SHA384_ASN1_SIGNING),
        521 => Ok(&signature::ECDSA_P521_SHA512_ASN1_SIGNING),
        _ => Err(KeyError::Unsupported),
    }
}

/// The size of a curve, of its whole object identifier.
pub(crate) fn curve_bits(curve: &[u8]) -> Option<u32> {
    [(256, oid(P256)), (384, oid(P384)), (521, oid(P521))]
        .into_iter()
        .find_map(|(bits, known)| (known == curve).then_some(bits))
}

const P256: &[u64] = &[1, 2, 840, 10045, 3, 1, 7];
const P384: &[u64] = &[1, 3, 132, 0, 34];
const P521: &[u64] = &[1, 3, 132, 0, 35];
