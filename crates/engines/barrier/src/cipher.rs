use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::rand;
use smallvec::SmallVec;
use zeroize::Zeroizing;

/// Bytes of every key.
pub const KEY_BYTES: usize = 32;
/// A key of AES-256.
pub type Key = Zeroizing<[u8; KEY_BYTES]>;

const FORMAT: u8 = 1;
const HEADER_BYTES: usize = 1 + 4 + 8;
const TAG_BYTES: usize = 16;

/// The machine gave no random bytes, or the cipher refused. Neither happens.
#[derive(Debug, thiserror::Error)]
#[error("the cipher or its random source failed")]
pub struct CipherError;

/// Stored bytes that were not written by this barrier, or not for this place.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
#[error("stored bytes are not those that were written there")]
pub struct NotAuthentic;

/// What stands before encrypted bytes, and is authenticated with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    /// Which key.
    pub(crate) term: u32,
    /// Grows with each write to the same place.
    pub(crate) generation: u64,
}

/// A new key.
pub(crate) fn generate_key() -> Result<Key, CipherError> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    rand::fill(&mut *key).map_err(|_| CipherError)?;
    Ok(key)
}

/// Makes a key ready for use.
pub(crate) fn prepare(key: &Key) -> Result<LessSafeKey, CipherError> {
    Ok(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &**key).map_err(|_| CipherError)?))
}

/// Encrypts for one place: `format, term, generation, nonce, ciphertext, tag`.
pub(crate) fn seal(key: &LessSafeKey, place: &Place<'_>, header: Header, plain: &[u8]) -> Result<Vec<u8>, CipherError> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES + NONCE_LEN + plain.len() + TAG_BYTES);
    bytes.push(FORMAT);
    bytes.extend_from_slice(&header.term.to_be_bytes());
    bytes.extend_from_slice(&header.generation.to_be_bytes());
    let context = place.context(&bytes);
    let mut nonce = [0; NONCE_LEN];
    rand::fill(&mut nonce).map_err(|_| CipherError)?;
    bytes.extend_from_slice(&nonce);
    bytes.extend_from_slice(plain);
    let (_, text) = bytes.split_at_mut(HEADER_BYTES + NONCE_LEN);
    let nonce = Nonce::assume_unique_for_key(nonce);
    let tag = key.seal_in_place_separate_tag(nonce, Aad::from(&*context), text).map_err(|_| CipherError)?;
    bytes.extend_from_slice(tag.as_ref());
    Ok(bytes)
}

/// What the bytes say of themselves. Nothing is proven of it before [`open`].
pub(crate) fn header(bytes: &[u8]) -> Result<Header, NotAuthentic> {
    let (&format, rest) = bytes.split_first().ok_or(NotAuthentic)?;
    let (term, rest) = rest.split_first_chunk().ok_or(NotAuthentic)?;
    let (generation, rest) = rest.split_first_chunk().ok_or(NotAuthentic)?;
    if format != FORMAT || rest.len() < NONCE_LEN + TAG_BYTES {
        return Err(NotAuthentic);
    }
    Ok(Header { term: u32::from_be_bytes(*term), generation: u64::from_be_bytes(*generation) })
}

/// Decrypts what was encrypted for this place, in its own buffer.
pub(crate) fn open(
    key: &LessSafeKey,
    place: &Place<'_>,
    bytes: Vec<u8>,
) -> Result<(Header, Zeroizing<Vec<u8>>), NotAuthentic> {
    let header = header(&bytes)?;
    let mut bytes = Zeroizing::new(bytes);
    let (head, rest) = bytes.split_at_checked(HEADER_BYTES).ok_or(NotAuthentic)?;
    let context = place.context(head);
    let nonce = rest.first_chunk::<NONCE_LEN>().ok_or(NotAuthentic)?;
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let text = HEADER_BYTES + NONCE_LEN..;
    let length = key.open_within(nonce, Aad::from(&*context), &mut bytes, text).map_err(|_| NotAuthentic)?.len();
    bytes.truncate(length);
    Ok((header, bytes))
}

/// Where encrypted bytes belong.
pub(crate) struct Place<'a> {
    /// What they are.
    pub(crate) purpose: &'static str,
    /// The whole path.
    pub(crate) path: &'a [u8],
}

impl Place<'_> {
    /// What is authenticated with them. The purpose has no zero byte and the header a fixed length: no two places have
    /// the same.
    fn context(&self, header: &[u8]) -> SmallVec<[u8; 256]> {
        let mut context = SmallVec::new();
        context.extend_from_slice(self.purpose.as_bytes());
        context.push(0);
        context.extend_from_slice(header);
        context.extend_from_slice(self.path);
        context
    }
}
