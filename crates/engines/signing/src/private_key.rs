//! Private keys, and whatever signs with one.

use crate::pem::{self, Block};
use crate::public_key::{KeyError, KeyKind, PublicKey};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RsaKeyPair};
use std::fmt;
use thiserror::Error;
use zeroize::Zeroizing;

/// Whatever signs: a key at hand, a hardware module, a service.
pub trait Signer {
    /// The key that verifies what it signs.
    fn public_key(&self) -> &PublicKey;

    /// Signs a message: ECDSA in DER with the hash of [`KeyKind::hash`], PKCS#1 v1.5 with SHA-256, Ed25519.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;
}

/// Why nothing was signed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SignError {
    /// The cryptography failed.
    #[error("the key can't sign")]
    Crypto,
    /// What holds the key failed.
    #[error("{holder} didn't sign")]
    Holder {
        /// What holds the key.
        holder: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// A private key at hand. Its memory is cleared when it is dropped.
pub struct PrivateKey {
    pair: Pair,
    public: PublicKey,
}

enum Pair {
    Ecdsa(EcdsaKeyPair),
    Rsa(RsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl PrivateKey {
    /// Makes a key.
    pub fn generate(kind: KeyKind) -> Result<PrivateKey, KeyError> {
        let rsa = |size| RsaKeyPair::generate(size).map(Pair::Rsa);
        let pair = match kind {
            KeyKind::P256 | KeyKind::P384 | KeyKind::P521 => EcdsaKeyPair::generate(curve(kind)).map(Pair::Ecdsa),
            KeyKind::Rsa2048 => rsa(KeySize::Rsa2048),
            KeyKind::Rsa3072 => rsa(KeySize::Rsa3072),
            KeyKind::Rsa4096 => rsa(KeySize::Rsa4096),
            KeyKind::Ed25519 => Ed25519KeyPair::generate().map(Pair::Ed25519),
        };
        PrivateKey::of(pair.map_err(|_| KeyError::Generate)?)
    }

    /// Reads a key in plain PEM: `PRIVATE KEY` (PKCS#8), `EC PRIVATE KEY` (SEC 1) or `RSA PRIVATE KEY` (PKCS#1).
    pub fn from_pem(bytes: &[u8]) -> Result<PrivateKey, KeyError> {
        let blocks = pem::parse(bytes)?;
        // OpenSSL writes a key's curve before it.
        let mut keys = blocks.iter().filter(|block| block.label != "EC PARAMETERS");
        match (keys.next(), keys.next()) {
            (Some(block), None) => PrivateKey::from_block(block),
            _ => Err(KeyError::Several(blocks.len())),
        }
    }

    fn from_block(block: &Block) -> Result<PrivateKey, KeyError> {
        match block.label.as_str() {
            "PRIVATE KEY" => PrivateKey::from_pkcs8(&block.content),
            "EC PRIVATE KEY" => {
                let mut curves = [KeyKind::P256, KeyKind::P384, KeyKind::P521].into_iter();
                let pair = curves.find_map(|kind| EcdsaKeyPair::from_private_key_der(curve(kind), &block.content).ok());
                PrivateKey::of(Pair::Ecdsa(pair.ok_or(KeyError::Invalid)?))
            }
            "RSA PRIVATE KEY" => {
                PrivateKey::of(Pair::Rsa(RsaKeyPair::from_der(&block.content).map_err(|_| KeyError::Invalid)?))
            }
            other => Err(KeyError::Label(other.to_owned())),
        }
    }

    /// Reads a PKCS#8 key in DER.
    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<PrivateKey, KeyError> {
        let mut curves = [KeyKind::P256, KeyKind::P384, KeyKind::P521].into_iter();
        let pair = (curves.find_map(|kind| EcdsaKeyPair::from_pkcs8(curve(kind), pkcs8).ok()).map(Pair::Ecdsa))
            .or_else(|| Ed25519KeyPair::from_pkcs8(pkcs8).ok().map(Pair::Ed25519))
            .or_else(|| RsaKeyPair::from_pkcs8(pkcs8).ok().map(Pair::Rsa));
        PrivateKey::of(pair.ok_or(KeyError::Invalid)?)
    }

    fn of(pair: Pair) -> Result<PrivateKey, KeyError> {
        let spki: Result<PublicKeyX509Der<'_>, _> = match &pair {
            Pair::Ecdsa(pair) => pair.public_key().as_der(),
            Pair::Rsa(pair) => pair.public_key().as_der(),
            Pair::Ed25519(pair) => pair.public_key().as_der(),
        };
        let public = PublicKey::from_spki(spki.map_err(|_| KeyError::Invalid)?.as_ref())?;
        Ok(PrivateKey { pair, public })
    }

    /// The key as PKCS#8 version 1 in DER, as Go writes it.
    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let bytes = match &self.pair {
            Pair::Ecdsa(pair) => pair.to_pkcs8v1().map(|document| Zeroizing::new(document.as_ref().to_vec())),
            Pair::Rsa(pair) => {
                let der: Result<Pkcs8V1Der<'_>, _> = pair.as_der();
                der.map(|der| Zeroizing::new(der.as_ref().to_vec()))
            }
            Pair::Ed25519(pair) => pair.to_pkcs8v1().map(|document| Zeroizing::new(document.as_ref().to_vec())),
        };
        bytes.map_err(|_| KeyError::Invalid)
    }

    /// The key as PKCS#8 in plain PEM.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, KeyError> {
        Ok(pem::encode("PRIVATE KEY", &self.to_pkcs8()?))
    }
}

impl Signer for PrivateKey {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let random = SystemRandom::new();
        let signature = match &self.pair {
            Pair::Ecdsa(pair) => pair.sign(&random, message).map(|signature| signature.as_ref().to_vec()),
            Pair::Rsa(pair) => {
                let mut out = vec![0; pair.public_modulus_len()];
                pair.sign(&signature::RSA_PKCS1_SHA256, &random, message, &mut out).map(|()| out)
            }
            Pair::Ed25519(pair) => pair.try_sign(message).map(|signature| signature.as_ref().to_vec()),
        };
        signature.map_err(|_| SignError::Crypto)
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({:?})", self.public.kind())
    }
}

fn curve(kind: KeyKind) -> &'static EcdsaSigningAlgorithm {
    match kind {
        KeyKind::P384 => &signature::ECDSA_P384_SHA384_ASN1_SIGNING,
        KeyKind::P521 => &signature::ECDSA_P521_SHA512_ASN1_SIGNING,
        _ => &signature::ECDSA_P256_SHA256_ASN1_SIGNING,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bundle::HashAlgorithm;

    #[test]
    fn each_kind_signs_and_is_read_back() {
        for kind in KeyKind::ALL {
            if matches!(kind, KeyKind::Rsa3072 | KeyKind::Rsa4096) {
                // Seconds to make one, and nothing new.
                continue;
            }
            let key = PrivateKey::generate(kind).unwrap();
            let again = PrivateKey::from_pem(key.to_pem().unwrap().as_bytes()).unwrap();
            let signature = again.sign(b"message").unwrap();
            let public = PublicKey::from_pem(key.public_key().to_pem().as_bytes()).unwrap();
            assert_eq!(public.kind(), kind);
            assert_eq!(&public, key.public_key());
            public.verify(b"message", &signature).unwrap();
            assert_eq!(public.verify(b"massage", &signature), Err(SignatureError::Invalid));
            let mut bent = signature.clone();
            bent[10] ^= 1;
            assert_eq!(public.verify(b"message", &bent), Err(SignatureError::Invalid));
            let digest = aws_lc_rs::digest::digest(crate::public_key::algorithm(kind.hash()), b"message");
            let by_digest = public.verify_digest(kind.hash(), digest.as_ref(), &signature);
            let expected = if kind == KeyKind::Ed25519 { Err(SignatureError::NeedsMessage) } else { Ok(()) };
            assert_eq!(by_digest, expected, "{kind:?}");
            assert!(!format!("{key:?}").contains("MI"), "{key:?}");
        }
    }

    use crate::public_key::SignatureError;

    #[test]
    fn weak_and_foreign_keys_are_refused() {
        let small = "-----BEGIN PUBLIC KEY-----\nMFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAK8CFoXrdZ5DPj4ZLT+4JQjCDjmyuLZC\n\
                     bVe39aDNJmTYF0uz9GBdRdNB5ntBWpMbN8AEwHcQkgyQY5GK+bMQsHECAwEAAQ==\n-----END PUBLIC KEY-----\n";
        assert!(matches!(PublicKey::from_pem(small.as_bytes()), Err(KeyError::RsaBits(512))));
        let key = PrivateKey::generate(KeyKind::P256).unwrap();
        assert!(matches!(PublicKey::from_pem(key.to_pem().unwrap().as_bytes()), Err(KeyError::Label(_))));
        let mut spki = key.public_key().to_spki().to_vec();
        *spki.last_mut().unwrap() ^= 1;
        assert!(matches!(PublicKey::from_spki(&spki), Err(KeyError::Invalid)));
        spki.push(0);
        assert!(matches!(PublicKey::from_spki(&spki), Err(KeyError::Der(_))));
        assert!(key.public_key().verify_with(HashAlgorithm::Sha512, b"m", &key.sign(b"m").unwrap()).is_err());
    }
}
