use crate::cipher::{CipherError, Header, Key, Place, open, prepare, seal};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use logical::Secret;
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use zeroize::Zeroizing;

/// An answer of a seal.
pub type SealPending<'a, T> = Pin<Box<dyn Future<Output = Result<T, SealError>> + Send + 'a>>;

/// Why a seal did not encrypt or decrypt.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// What was encrypted is not what is to be decrypted, or by another key.
    #[error("cipher: message authentication failed")]
    NotAuthentic,
    /// It was encrypted with a key that is not configured.
    #[error("the seal has no key {0:?}")]
    UnknownKey(String),
    /// No key of 32 bytes.
    #[error("a static key must have 32 bytes, as they are, in hexadecimal or in base64")]
    KeyLength,
    /// Two keys under one name.
    #[error("the current and the previous key have the same identifier {0:?}")]
    SameIdentifier(String),
    /// The cipher failed.
    #[error(transparent)]
    Cipher(#[from] CipherError),
    /// Another server or device that holds the key did not answer, or refused.
    #[error("the {kind} seal failed")]
    Unavailable {
        /// Which kind of seal.
        kind: String,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

/// Bytes that a seal encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wrapped {
    /// With which of its keys.
    pub key_id: String,
    /// What it made of them.
    pub ciphertext: Vec<u8>,
}

/// A key outside this barrier that encrypts the root key: held by a file, another server, a plugin of a KMS or a device.
pub trait SealWrap: Send + Sync {
    /// As seal-status shows it: `static`, `transit`, `pkcs11`.
    fn kind(&self) -> &str;

    /// Encrypts with the current key.
    fn encrypt<'a>(&'a self, plaintext: &'a [u8]) -> SealPending<'a, Wrapped>;

    /// Decrypts with the key that it names.
    fn decrypt<'a>(&'a self, wrapped: &'a Wrapped) -> SealPending<'a, Secret>;

    /// Whether this was made by the current key. What was not is encrypted anew on unsealing.
    fn is_current(&self, wrapped: &Wrapped) -> bool;
}

/// How the root key is kept.
#[derive(Clone)]
pub enum Seal {
    /// Under a key of which people have shares.
    Shamir,
    /// Under a key that is there when the server starts: it unseals itself, and people have recovery keys instead.
    Auto(Arc<dyn SealWrap>),
}

impl Seal {
    /// As seal-status shows it.
    pub fn kind(&self) -> &str {
        match self {
            Self::Shamir => "shamir",
            Self::Auto(wrap) => wrap.kind(),
        }
    }

    /// Whether people have recovery keys.
    pub fn has_recovery_keys(&self) -> bool {
        matches!(self, Self::Auto(_))
    }
}

/// The seal `static` of OpenBao: a key that is given in the configuration, and the one before it.
pub struct StaticSeal {
    current: (String, Key),
    previous: Option<(String, Key)>,
}

const STATIC: Place<'static> = Place { purpose: "palisade static seal", path: b"" };

impl StaticSeal {
    /// With the current key and the one that it follows, each with its identifier.
    ///
    /// # Errors
    /// Where both have the same identifier.
    pub fn new(current: (String, Key), previous: Option<(String, Key)>) -> Result<Self, SealError> {
        if previous.as_ref().is_some_and(|(id, _)| *id == current.0) {
            return Err(SealError::SameIdentifier(current.0));
        }
        Ok(Self { current, previous })
    }

    /// Reads a key: 32 bytes as they are, in hexadecimal or in base64, with a line break or without.
    ///
    /// # Errors
    /// [`SealError::KeyLength`] for anything else.
    pub fn parse_key(bytes: &[u8]) -> Result<Key, SealError> {
        let exact = |bytes: &[u8]| bytes.try_into().ok().map(Zeroizing::new);
        if let Some(key) = exact(bytes) {
            return Ok(key);
        }
        let text = bytes.trim_ascii();
        let read = decode_hex(text).filter(|key| key.len() == crate::KEY_BYTES).or_else(|| {
            let engines = [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD];
            engines.iter().find_map(|engine| engine.decode(text).ok().map(Zeroizing::new))
        });
        read.and_then(|key| exact(&key)).ok_or(SealError::KeyLength)
    }
}

impl SealWrap for StaticSeal {
    fn kind(&self) -> &str {
        "static"
    }

    fn encrypt<'a>(&'a self, plaintext: &'a [u8]) -> SealPending<'a, Wrapped> {
        Box::pin(async move {
            let (id, key) = &self.current;
            Ok(Wrapped { key_id: id.clone(), ciphertext: wrap(&STATIC, key, plaintext)? })
        })
    }

    fn decrypt<'a>(&'a self, wrapped: &'a Wrapped) -> SealPending<'a, Secret> {
        Box::pin(async move {
            let mut keys = [Some(&self.current), self.previous.as_ref()].into_iter().flatten();
            let key = keys.find(|(id, _)| *id == wrapped.key_id);
            let (_, key) = key.ok_or_else(|| SealError::UnknownKey(wrapped.key_id.clone()))?;
            unwrap(&STATIC, key, &wrapped.ciphertext)
        })
    }

    fn is_current(&self, wrapped: &Wrapped) -> bool {
        wrapped.key_id == self.current.0
    }
}

const SHAMIR: Place<'static> = Place { purpose: "palisade shamir seal", path: b"" };

/// Encrypts with the key that people have shares of.
pub(crate) fn wrap_by_shares(key: &Key, plaintext: &[u8]) -> Result<Wrapped, CipherError> {
    Ok(Wrapped { key_id: String::new(), ciphertext: wrap(&SHAMIR, key, plaintext)? })
}

/// Decrypts with the key that was put together of shares.
pub(crate) fn unwrap_by_shares(key: &Key, wrapped: &Wrapped) -> Result<Secret, SealError> {
    unwrap(&SHAMIR, key, &wrapped.ciphertext)
}

/// Whether two secrets are equal, without telling by time where they differ.
pub(crate) fn same(left: &[u8], right: &[u8]) -> bool {
    verify_slices_are_equal(left, right).is_ok()
}

/// Bytes of a text in hexadecimal.
pub(crate) fn decode_hex(text: &[u8]) -> Option<Secret> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() / 2));
    for pair in text.chunks(2) {
        let [high, low] = pair else { return None };
        bytes.push(digit(*high)? << 4 | digit(*low)?);
    }
    Some(bytes)
}

fn wrap(place: &Place<'_>, key: &Key, plaintext: &[u8]) -> Result<Vec<u8>, CipherError> {
    seal(&prepare(key)?, place, Header { term: 0, generation: 0 }, plaintext)
}

fn unwrap(place: &Place<'_>, key: &Key, ciphertext: &[u8]) -> Result<Secret, SealError> {
    let (_, plain) = open(&prepare(key)?, place, ciphertext.to_vec()).map_err(|_| SealError::NotAuthentic)?;
    Ok(plain)
}
