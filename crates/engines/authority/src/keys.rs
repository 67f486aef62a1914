//! Keys: those the authority signs with, and those that strangers bring.

use crate::der::{self, DerError, Reader};
use crate::pem;
use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use signing::{KeyKind, PrivateKey, SignError, Signer};
use std::error::Error;
use std::fmt;
use zeroize::Zeroizing;

/// The longest public key that is looked at, in bytes: an RSA key of 8192 bits in PEM is shorter.
pub const MAX_PUBLIC_KEY_BYTES: usize = 8 * 1024;

/// Why a key can't be made, read or used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The system gave no randomness, or the library refused.
    #[error("the key could not be made or used")]
    Crypto,
    /// No PEM block of a private key.
    #[error("not a private key")]
    NotPrivate,
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
    /// The key can't be taken out of what holds it.
    #[error("the key is held elsewhere")]
    Elsewhere,
    /// What holds the key does not sign.
    #[error("what holds the key does not sign: {0}")]
    Holder(String),
}

/// A private key of the authority: its own, or one that a service or a hardware module holds.
pub struct SigningKey(Holder);

enum Holder {
    Own(PrivateKey),
    Elsewhere(Box<dyn Signer + Send + Sync>),
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "SigningKey({:?})", self.kind())
    }
}

impl SigningKey {
    /// A new key of the system's randomness.
    ///
    /// # Errors
    /// When the system has none.
    pub fn generate(kind: KeyKind) -> Result<Self, KeyError> {
        PrivateKey::generate(kind).map(Holder::Own).map(Self).map_err(|_| KeyError::Crypto)
    }

    /// The key in a PEM file of PKCS#8.
    ///
    /// # Errors
    /// When there is none.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        PrivateKey::from_pem(text.as_bytes()).map(Holder::Own).map(Self).map_err(|_| KeyError::NotPrivate)
    }

    /// A key that something else holds.
    #[must_use]
    pub fn held(holder: Box<dyn Signer + Send + Sync>) -> Self {
        Self(Holder::Elsewhere(holder))
    }

    /// The key as PEM of PKCS#8, for its file.
    ///
    /// # Errors
    /// When the library refuses, or the key is held elsewhere.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, KeyError> {
        match &self.0 {
            Holder::Own(key) => key.to_pem().map_err(|_| KeyError::Crypto),
            Holder::Elsewhere(_) => Err(KeyError::Elsewhere),
        }
    }

    fn signer(&self) -> &dyn Signer {
        match &self.0 {
            Holder::Own(key) => key,
            Holder::Elsewhere(holder) => &**holder,
        }
    }

    /// What kind it is.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        self.signer().public_key().kind()
    }

    /// The public key, as DER of `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        self.signer().public_key().to_spki()
    }

    /// The key itself within [`SigningKey::spki`]: a point, the 32 bytes of Ed25519, or PKCS#1.
    pub(crate) fn raw(&self) -> &[u8] {
        self.signer().public_key().raw()
    }

    /// SHA-256 of the public key: the log ID of RFC 6962, and Rekor's.
    #[must_use]
    pub fn id(&self) -> [u8; 32] {
        self.signer().public_key().id()
    }

    /// Signs a message, which is hashed with the hash of its kind; ECDSA gives DER.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.signer().sign(message).map_err(|error| match &error {
            SignError::Holder { source, .. } => KeyError::Holder(format!("{error}: {}", chain(&**source))),
            _ => KeyError::Crypto,
        })
    }

    /// X.509's `AlgorithmIdentifier` of its signatures.
    pub(crate) fn algorithm(&self) -> &'static [u8] {
        algorithm(self.kind())
    }
}

impl Signer for SigningKey {
    fn public_key(&self) -> &signing::PublicKey {
        self.signer().public_key()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.signer().sign(message)
    }
}

/// An error and its causes on one line.
fn chain(error: &dyn Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}

/// X.509's `AlgorithmIdentifier` of the signatures that Sigstore's clients make with a kind of key.
fn algorithm(kind: KeyKind) -> &'static [u8] {
    match kind {
        KeyKind::P256 => b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02",
        KeyKind::P384 => b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03",
        KeyKind::P521 => b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x04",
        KeyKind::Ed25519 => b"\x30\x05\x06\x03\x2b\x65\x70",
        KeyKind::Rsa2048 | KeyKind::Rsa3072 | KeyKind::Rsa4096 => {
            b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00"
        }
    }
}

/// A public key that somebody brought, and that is strong enough.
#[derive(Debug, Clone)]
pub struct PublicKey(signing::PublicKey);

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
            None => Self::from_spki(text),
        }
    }

    /// Reads DER of `SubjectPublicKeyInfo`.
    ///
    /// # Errors
    /// As [`PublicKey::parse`].
    pub fn from_spki(spki: &[u8]) -> Result<Self, KeyError> {
        let key = signing::PublicKey::from_spki(spki).map_err(|error| match error {
            signing::KeyError::Unsupported => KeyError::Weak("an unknown kind of key"),
            signing::KeyError::Invalid => KeyError::Weak("no point or number of its kind"),
            _ => KeyError::NotPublic,
        })?;
        if matches!(key.kind(), KeyKind::Rsa2048 | KeyKind::Rsa3072 | KeyKind::Rsa4096) {
            rsa_is_strong(key.raw())?;
        }
        Ok(Self(key))
    }

    /// The key as DER of `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        self.0.to_spki()
    }

    /// The content of the bit string: what X.509's key identifiers are hashes of.
    pub(crate) fn bits(&self) -> &[u8] {
        self.0.raw()
    }

    /// X.509's `AlgorithmIdentifier` of the signatures that Sigstore's clients make with it.
    pub(crate) fn algorithm(&self) -> &'static [u8] {
        algorithm(self.0.kind())
    }

    /// Checks a signature in the scheme that Sigstore's clients use with such a key.
    ///
    /// # Errors
    /// When it is not one of this key over this message.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), KeyError> {
        self.0.verify_with(self.0.kind().hash(), message, signature).map_err(|_| KeyError::Crypto)
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

    #[test]
    fn keys_survive_their_files_and_verify() {
        for kind in [KeyKind::P256, KeyKind::P384, KeyKind::Ed25519, KeyKind::Rsa2048] {
            let key = SigningKey::generate(kind).unwrap();
            let again = SigningKey::from_pem(&key.to_pem().unwrap()).unwrap();
            assert_eq!(key.spki(), again.spki());
            let public = PublicKey::parse(pem::encode("PUBLIC KEY", key.spki()).as_bytes()).unwrap();
            let signature = again.sign(b"message").unwrap();
            public.verify(b"message", &signature).unwrap();
            assert!(public.verify(b"massage", &signature).is_err());
        }
        assert_eq!(SigningKey::from_pem("").unwrap_err(), KeyError::NotPrivate);
    }

    #[test]
    fn weak_and_broken_keys_are_refused() {
        let rsa = SigningKey::generate(KeyKind::Rsa2048).unwrap().spki().to_vec();
        PublicKey::parse(&rsa).unwrap();
        let mut exponent = rsa;
        *exponent.last_mut().unwrap() = 3;
        let good = SigningKey::generate(KeyKind::P256).unwrap().spki().to_vec();
        let mut point = good.clone();
        *point.last_mut().unwrap() ^= 1;
        let mut curve = good.clone();
        curve[22] = 8;
        let mut trailing = good.clone();
        trailing.push(0);
        for (bytes, why) in [
            (Vec::new(), "not provided"),
            (exponent, "65537"),
            (point, "no point"),
            (curve, "unknown kind"),
            (trailing, "error parsing"),
            (vec![b'a'; 9000], "longer"),
        ] {
            let error = PublicKey::parse(&bytes).unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
        }
    }
}
