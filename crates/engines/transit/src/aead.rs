use crate::failure::Failure;
use crate::kind::Kind;
use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{hkdf, hmac, rand};
use chacha20::R20;
use zeroize::Zeroizing;

const TAG_SIZE: usize = 16;
const XNONCE_SIZE: usize = 24;

/// A cipher with associated data, with its key.
pub(crate) enum Aead {
    /// Nonces of 12 bytes.
    Plain(LessSafeKey, Kind),
    /// XChaCha20-Poly1305: a nonce's first 16 bytes and the key make the key of ChaCha20-Poly1305.
    Extended(Zeroizing<[u8; 32]>),
}

impl Aead {
    pub(crate) fn new(kind: Kind, key: &[u8]) -> Result<Self, Failure> {
        let wrong = || Failure::internal("could not derive enc key, length not correct");
        let algorithm = match kind {
            Kind::Aes128 => &AES_128_GCM,
            Kind::Aes256 => &AES_256_GCM,
            Kind::ChaCha20 => &CHACHA20_POLY1305,
            _ => return key.try_into().map(|key| Self::Extended(Zeroizing::new(key))).map_err(|_| wrong()),
        };
        Ok(Self::Plain(LessSafeKey::new(UnboundKey::new(algorithm, key).map_err(|_| wrong())?), kind))
    }

    fn nonce_size(&self) -> usize {
        match self {
            Self::Plain(..) => NONCE_LEN,
            Self::Extended(_) => XNONCE_SIZE,
        }
    }

    /// Nonce, ciphertext and tag. The nonce is random, or made of the plaintext with the key that is given for that.
    pub(crate) fn seal(
        &self,
        plaintext: &[u8],
        associated_data: &[u8],
        convergent: Option<&[u8]>,
    ) -> Result<Vec<u8>, Failure> {
        let failed = || Failure::internal("encryption failed");
        let size = self.nonce_size();
        let mut sealed = Vec::with_capacity(size + plaintext.len() + TAG_SIZE);
        match convergent {
            None => {
                sealed.resize(size, 0);
                rand::fill(&mut sealed).map_err(|_| failed())?;
            }
            Some(key) => {
                let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), plaintext);
                sealed.extend(tag.as_ref().iter().take(size));
            }
        }
        sealed.extend_from_slice(plaintext);
        let (nonce, text) = sealed.split_at_mut(size);
        let tag =
            self.with(nonce, |key, nonce| key.seal_in_place_separate_tag(nonce, Aad::from(associated_data), text));
        sealed.extend_from_slice(tag.ok_or_else(failed)?.map_err(|_| failed())?.as_ref());
        Ok(sealed)
    }

    /// The plaintext of what [`seal`](Self::seal) made.
    pub(crate) fn open(&self, sealed: &[u8], associated_data: &[u8]) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let failed = || {
            Failure::user(match self {
                Self::Plain(_, Kind::Aes128 | Kind::Aes256) => "cipher: message authentication failed",
                _ => "chacha20poly1305: message authentication failed",
            })
        };
        let (nonce, text) =
            sealed.split_at_checked(self.nonce_size()).ok_or_else(|| Failure::user("invalid ciphertext length"))?;
        let mut text = Zeroizing::new(text.to_vec());
        let size = self
            .with(nonce, |key, nonce| {
                key.open_in_place(nonce, Aad::from(associated_data), &mut text).map(|plaintext| plaintext.len())
            })
            .ok_or_else(failed)?
            .map_err(|_| failed())?;
        text.truncate(size);
        Ok(text)
    }

    /// With the key and nonce of the cipher underneath.
    fn with<T>(&self, nonce: &[u8], run: impl FnOnce(&LessSafeKey, Nonce) -> T) -> Option<T> {
        match self {
            Self::Plain(key, _) => Some(run(key, Nonce::try_assume_unique_for_key(nonce).ok()?)),
            Self::Extended(key) => {
                let (head, tail) = nonce.split_at_checked(16)?;
                let head: [u8; 16] = head.try_into().ok()?;
                let subkey = chacha20::hchacha::<R20>(&(**key).into(), &head.into());
                let subkey = Zeroizing::new(<[u8; 32]>::from(subkey));
                let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &*subkey).ok()?);
                let mut short = [0; NONCE_LEN];
                short.get_mut(4..)?.copy_from_slice(tail);
                Some(run(&key, Nonce::assume_unique_for_key(short)))
            }
        }
    }
}

/// HKDF-SHA256 without salt.
pub(crate) fn derive(key: &[u8], context: &[u8], size: usize) -> Result<Zeroizing<Vec<u8>>, Failure> {
    struct Size(usize);
    impl hkdf::KeyType for Size {
        fn len(&self) -> usize {
            self.0
        }
    }
    let mut derived = Zeroizing::new(vec![0; size]);
    let key = hkdf::Salt::new(hkdf::HKDF_SHA256, &[]).extract(key);
    let filled = key.expand(&[context], Size(size)).and_then(|output| output.fill(&mut derived));
    filled.map_err(|_| Failure::internal("unable to read enough derived bytes"))?;
    Ok(derived)
}
