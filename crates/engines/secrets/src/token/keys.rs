use super::Token;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{hmac, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use logical::Error;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Keys of the token store: hashes of tokens, and the encryption of batch tokens.
pub(crate) struct Keys {
    salt: hmac::Key,
    batch: LessSafeKey,
}

/// The row of the keys.
#[derive(Serialize, Deserialize)]
pub(crate) struct StoredKeys {
    salt: Zeroizing<Vec<u8>>,
    batch: Zeroizing<Vec<u8>>,
}

impl StoredKeys {
    pub(crate) fn generate() -> Result<Self, Error> {
        Ok(Self { salt: random(32)?, batch: random(32)? })
    }

    pub(crate) fn keys(&self) -> Result<Keys, Error> {
        let batch =
            UnboundKey::new(&AES_256_GCM, &self.batch).map_err(|_| Error::internal("the batch key is damaged"))?;
        Ok(Keys { salt: hmac::Key::new(hmac::HMAC_SHA256, &self.salt), batch: LessSafeKey::new(batch) })
    }
}

impl Keys {
    /// Under which a token or accessor is stored.
    pub(crate) fn hash(&self, text: &str) -> String {
        let tag = hmac::sign(&self.salt, text.as_bytes());
        let digit = |nibble: u8| char::from(if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 });
        tag.as_ref().iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
    }

    /// The token that is its own entry.
    pub(crate) fn seal_batch(&self, token: &Token) -> Result<Zeroizing<String>, Error> {
        let failed = |_| Error::internal("a batch token could not be encrypted");
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).map_err(failed)?;
        let mut text = Zeroizing::new(serde_json::to_vec(token).map_err(Error::internal)?);
        let nonce_value = Nonce::assume_unique_for_key(nonce);
        let tag = self.batch.seal_in_place_separate_tag(nonce_value, Aad::from(b"batch"), &mut text).map_err(failed)?;
        let sealed = [&nonce[..], &text, tag.as_ref()].concat();
        Ok(Zeroizing::new(format!("hvb.{}", URL_SAFE_NO_PAD.encode(sealed))))
    }

    /// The entry of a batch token; none where it is not one of ours.
    pub(crate) fn open_batch(&self, text: &str) -> Option<Token> {
        let text = text.strip_prefix("hvb.").or_else(|| text.strip_prefix("b."))?;
        let text = text.split('.').next()?;
        if text.len() > MAX_BATCH_BYTES {
            return None;
        }
        let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (nonce, rest) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut rest = Zeroizing::new(rest.to_vec());
        let plain = self.batch.open_in_place(nonce, Aad::from(b"batch"), &mut rest).ok()?;
        serde_json::from_slice(plain).ok()
    }
}

/// Longer than any header may be.
const MAX_BATCH_BYTES: usize = 64 * 1024;

/// Random bytes.
pub(crate) fn random(length: usize) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut bytes = Zeroizing::new(vec![0; length]);
    rand::fill(&mut bytes).map_err(|_| Error::internal("the system gives no random bytes"))?;
    Ok(bytes)
}

/// Random letters and digits, about six bits each.
pub(crate) fn random_text(length: usize) -> Result<Zeroizing<String>, Error> {
    const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut text = Zeroizing::new(String::with_capacity(length));
    while text.len() < length {
        // 248 is the greatest multiple of 62 in a byte: each letter is equally likely.
        for byte in random(length)?.iter().filter(|byte| **byte < 248).take(length - text.len()) {
            text.extend(LETTERS.get(usize::from(*byte) % LETTERS.len()).map(|letter| char::from(*letter)));
        }
    }
    Ok(text)
}
