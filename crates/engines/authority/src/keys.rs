//! Keys: those the authority signs with, and those that strangers bring.

use crate::der::{self, DerError, Reader};
use crate::pem;
use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
    ParsedPublicKey, RSA_PKCS1_SHA256, RsaKeyPair, VerificationAlgorithm,
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// The longest public key that is looked at, in bytes: an RSA key of 8192 bits in PEM is shorter.
pub const MAX_PUBLIC_KEY_BYTES: usize = 8 * 1024;

const EC: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01";
const P256: &[u8] = b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
const P384: &[u8] = b"\x06\x05\x2b\x81\x04\x00\x22";
const P521: &[u8] = b"\x06\x05\x2b\x81\x04\x00\x23";
const RSA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
const ED25519: &[u8] = b"\x06\x03\x2b\x65\x70";
const ECDSA_SHA256: &[u8] = b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02";
const ECDSA_SHA384: &[u8] = b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03";
const ECDSA_SHA512: &[u8] = b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x04";
const RSA_SHA256: &[u8] = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00";
const ED25519_ALGORITHM: &[u8] = b"\x30\x05\x06\x03\x2b\x65\x70";

/// What kind of key the authority makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum KeyKind {
    /// ECDSA on P-256 with SHA-256.
    P256,
    /// ECDSA on P-384 with SHA-384.
    P384,
    /// Ed25519.
    Ed25519,
    /// RSA of 2048 bits, PKCS#1 v1.5 with SHA-256.
    Rsa,
}

/// Why a key can't be made, read or used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The system gave no randomness, or the library refused.
    #[error("the key could not be made or used")]
    Crypto,
    /// No PEM block of a PKCS#8 key, or one of another kind than was said.
    #[error("not a PKCS#8 private key of the kind {0:?}")]
    NotPrivate(KeyKind),
    /// Neither PEM nor DER of a public key.
    #[error("error parsing PEM or DER encoded public key")]
    NotPublic,
    /// Nothing there.
    #[error("public key not provided")]
    Absent,
    /// DER that is wrong.
    #[error("the public key's DER is wrong")]
    Der(#[from] DerError),
    /// A key that is too weak or of an unknown kind.
    #[error("the public key is not accepted: {0}")]
    Weak(&'static str),
}

/// A private key of the authority.
pub struct SigningKey {
    kind: KeyKind,
    pair: Pair,
    spki: Vec<u8>,
}

enum Pair {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// A new key of the system's randomness.
    ///
    /// # Errors
    /// When the system has none.
    pub fn generate(kind: KeyKind) -> Result<Self, KeyError> {
        let pair = match kind {
            KeyKind::P256 => EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map(Pair::Ecdsa),
            KeyKind::P384 => EcdsaKeyPair::generate(&ECDSA_P384_SHA384_ASN1_SIGNING).map(Pair::Ecdsa),
            KeyKind::Ed25519 => Ed25519KeyPair::generate().map(Pair::Ed25519),
            KeyKind::Rsa => RsaKeyPair::generate(KeySize::Rsa2048).map(Pair::Rsa),
        };
        Self::of(kind, pair.map_err(|_| KeyError::Crypto)?)
    }

    /// The key in a PEM file of PKCS#8.
    ///
    /// # Errors
    /// When it is another kind of key, or none.
    pub fn from_pem(kind: KeyKind, text: &str) -> Result<Self, KeyError> {
        let der = Zeroizing::new(pem::decode("PRIVATE KEY", text).ok_or(KeyError::NotPrivate(kind))?);
        let pair = match kind {
            KeyKind::P256 => EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &der).map(Pair::Ecdsa),
            KeyKind::P384 => EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_ASN1_SIGNING, &der).map(Pair::Ecdsa),
            KeyKind::Ed25519 => Ed25519KeyPair::from_pkcs8(&der).map(Pair::Ed25519),
            KeyKind::Rsa => RsaKeyPair::from_pkcs8(&der).map(Pair::Rsa),
        };
        Self::of(kind, pair.map_err(|_| KeyError::NotPrivate(kind))?)
    }

    fn of(kind: KeyKind, pair: Pair) -> Result<Self, KeyError> {
        let spki: PublicKeyX509Der<'_> = match &pair {
            Pair::Ecdsa(pair) => pair.public_key().as_der(),
            Pair::Ed25519(pair) => pair.public_key().as_der(),
            Pair::Rsa(pair) => pair.public_key().as_der(),
        }
        .map_err(|_| KeyError::Crypto)?;
        let spki = spki.as_ref().to_vec();
        Ok(Self { kind, pair, spki })
    }

    /// The key as PEM of PKCS#8, for its file.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, KeyError> {
        let pem = match &self.pair {
            Pair::Ecdsa(pair) => {
                pair.to_pkcs8v1().map(|document| Zeroizing::new(pem::encode("PRIVATE KEY", document.as_ref())))
            }
            Pair::Ed25519(pair) => AsDer::<Pkcs8V1Der<'_>>::as_der(pair)
                .map(|document| Zeroizing::new(pem::encode("PRIVATE KEY", document.as_ref()))),
            Pair::Rsa(pair) => AsDer::<Pkcs8V1Der<'_>>::as_der(pair)
                .map(|document| Zeroizing::new(pem::encode("PRIVATE KEY", document.as_ref()))),
        };
        pem.map_err(|_| KeyError::Crypto)
    }

    /// What kind it is.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The public key, as DER of `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// The key itself within [`SigningKey::spki`]: a point, the 32 bytes of Ed25519, or PKCS#1.
    pub(crate) fn raw(&self) -> &[u8] {
        let bits = Reader::only(&self.spki, der::SEQUENCE).and_then(|mut reader| {
            reader.any()?;
            reader.bit_string()
        });
        bits.unwrap_or_default()
    }

    /// SHA-256 of the public key: the log ID of RFC 6962, and Rekor's.
    #[must_use]
    pub fn id(&self) -> [u8; 32] {
        sha256(&self.spki)
    }

    /// Signs a message, which is hashed with the hash of its kind; ECDSA gives DER.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let random = SystemRandom::new();
        let failed = |_| KeyError::Crypto;
        Ok(match &self.pair {
            Pair::Ecdsa(pair) => pair.sign(&random, message).map_err(failed)?.as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).map_err(failed)?;
                signature
            }
        })
    }

    /// X.509's `AlgorithmIdentifier` of its signatures.
    pub(crate) fn algorithm(&self) -> &'static [u8] {
        match self.kind {
            KeyKind::P256 => ECDSA_SHA256,
            KeyKind::P384 => ECDSA_SHA384,
            KeyKind::Ed25519 => ED25519_ALGORITHM,
            KeyKind::Rsa => RSA_SHA256,
        }
    }
}

/// A public key that somebody brought, and that is strong enough.
#[derive(Debug, Clone)]
pub struct PublicKey {
    kind: PublicKind,
    parsed: ParsedPublicKey,
    spki: Vec<u8>,
    /// Length of the key itself, at the end of `spki`.
    bits: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PublicKind {
    P256,
    P384,
    P521,
    Rsa,
    Ed25519,
}

impl PublicKey {
    /// Reads PEM (`PUBLIC KEY`) or DER.
    ///
    /// # Errors
    /// When it is neither, or a key that is not accepted: P-256, P-384, P-521, Ed25519, and RSA with 2048, 3072 or 4096
    /// bits and the exponent 65537 are.
    pub fn parse(text: &[u8]) -> Result<Self, KeyError> {
        if text.is_empty() {
            return Err(KeyError::Absent);
        }
        if text.len() > MAX_PUBLIC_KEY_BYTES {
            return Err(KeyError::Weak("longer than any key that is"));
        }
        match std::str::from_utf8(text).ok().and_then(|text| pem::decode("PUBLIC KEY", text)) {
            Some(der) => Self::from_spki(&der),
            None => Self::from_spki(text).map_err(|error| match error {
                KeyError::Der(_) => KeyError::NotPublic,
                other => other,
            }),
        }
    }

    /// Reads DER of `SubjectPublicKeyInfo`.
    ///
    /// # Errors
    /// As [`PublicKey::parse`].
    pub fn from_spki(spki: &[u8]) -> Result<Self, KeyError> {
        let mut reader = Reader::only(spki, der::SEQUENCE)?;
        let mut algorithm = reader.enter(der::SEQUENCE)?;
        let bits = reader.bit_string()?;
        reader.end()?;
        let oid = algorithm.element(der::OID)?.whole;
        let kind = if oid == EC {
            match algorithm.any()?.whole {
                P256 => PublicKind::P256,
                P384 => PublicKind::P384,
                P521 => PublicKind::P521,
                _ => return Err(KeyError::Weak("an unknown curve")),
            }
        } else if oid == RSA {
            if algorithm.any()?.whole != der::NULL {
                return Err(KeyError::Weak("RSA with parameters"));
            }
            rsa_is_strong(bits)?;
            PublicKind::Rsa
        } else if oid == ED25519 {
            PublicKind::Ed25519
        } else {
            return Err(KeyError::Weak("an unknown kind of key"));
        };
        algorithm.end()?;
        let verification: &'static dyn VerificationAlgorithm = match kind {
            PublicKind::P256 => &signature::ECDSA_P256_SHA256_ASN1,
            PublicKind::P384 => &signature::ECDSA_P384_SHA384_ASN1,
            PublicKind::P521 => &signature::ECDSA_P521_SHA512_ASN1,
            PublicKind::Rsa => &signature::RSA_PKCS1_2048_8192_SHA256,
            PublicKind::Ed25519 => &signature::ED25519,
        };
        let parsed =
            ParsedPublicKey::new(verification, bits).map_err(|_| KeyError::Weak("no point or number of its kind"))?;
        Ok(Self { kind, parsed, spki: spki.to_vec(), bits: bits.len() })
    }

    /// The key as DER of `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// The content of the bit string: what X.509's key identifiers are hashes of.
    pub(crate) fn bits(&self) -> &[u8] {
        self.spki.get(self.spki.len() - self.bits..).unwrap_or_default()
    }

    /// X.509's `AlgorithmIdentifier` of the signatures that Sigstore's clients make with such a key.
    pub(crate) fn algorithm(&self) -> &'static [u8] {
        match self.kind {
            PublicKind::P256 => ECDSA_SHA256,
            PublicKind::P384 => ECDSA_SHA384,
            PublicKind::P521 => ECDSA_SHA512,
            PublicKind::Rsa => RSA_SHA256,
            PublicKind::Ed25519 => ED25519_ALGORITHM,
        }
    }

    /// Checks a signature in the scheme that Sigstore's clients use with such a key.
    ///
    /// # Errors
    /// When it is not one of this key over this message.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), KeyError> {
        self.parsed.verify_sig(message, signature).map_err(|_| KeyError::Crypto)
    }
}

/// RSA keys of 2048, 3072 or 4096 bits with the exponent 65537.
fn rsa_is_strong(key: &[u8]) -> Result<(), KeyError> {
    let mut reader = Reader::only(key, der::SEQUENCE)?;
    let modulus = reader.element(der::INTEGER)?.content;
    let exponent = reader.element(der::INTEGER)?.content;
    reader.end()?;
    let modulus = modulus.strip_prefix(&[0]).unwrap_or(modulus);
    if !matches!(modulus.len(), 256 | 384 | 512) || modulus.first().is_none_or(|byte| *byte < 0x80) {
        return Err(KeyError::Weak("RSA keys must have 2048, 3072 or 4096 bits"));
    }
    if exponent != [1, 0, 1] {
        return Err(KeyError::Weak("the exponent of an RSA key must be 65537"));
    }
    Ok(())
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&SHA256, bytes).as_ref());
    out
}

/// The key identifier of RFC 5280, 4.2.1.2 (1).
pub(crate) fn key_identifier(bits: &[u8]) -> Vec<u8> {
    digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, bits).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::rsa;

    #[test]
    fn keys_survive_their_files_and_verify() {
        for kind in [KeyKind::P256, KeyKind::P384, KeyKind::Ed25519, KeyKind::Rsa] {
            let key = SigningKey::generate(kind).unwrap();
            let again = SigningKey::from_pem(kind, &key.to_pem().unwrap()).unwrap();
            assert_eq!(key.spki(), again.spki());
            let public = PublicKey::parse(pem::encode("PUBLIC KEY", key.spki()).as_bytes()).unwrap();
            let signature = again.sign(b"message").unwrap();
            public.verify(b"message", &signature).unwrap();
            assert!(public.verify(b"massage", &signature).is_err());
            assert!(!format!("{key:?}").contains("pair"));
        }
        let p256 = SigningKey::generate(KeyKind::P256).unwrap().to_pem().unwrap();
        assert_eq!(SigningKey::from_pem(KeyKind::P384, &p256).unwrap_err(), KeyError::NotPrivate(KeyKind::P384));
    }

    #[test]
    fn weak_and_broken_keys_are_refused() {
        let rsa = rsa::KeyPair::generate(KeySize::Rsa2048).unwrap();
        let rsa: PublicKeyX509Der<'_> = rsa.public_key().as_der().unwrap();
        PublicKey::parse(rsa.as_ref()).unwrap();
        let mut exponent = rsa.as_ref().to_vec();
        *exponent.last_mut().unwrap() = 3;
        let good = SigningKey::generate(KeyKind::P256).unwrap().spki().to_vec();
        let mut point = good.clone();
        *point.last_mut().unwrap() ^= 1;
        let mut curve = good.clone();
        curve[21] = 8;
        let mut trailing = good.clone();
        trailing.push(0);
        for (bytes, why) in [
            (Vec::new(), "not provided"),
            (exponent, "65537"),
            (point, "no point"),
            (curve, "unknown curve"),
            (trailing, "error parsing"),
            (vec![b'a'; 9000], "longer"),
        ] {
            let error = PublicKey::parse(&bytes).unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
        }
    }
}
