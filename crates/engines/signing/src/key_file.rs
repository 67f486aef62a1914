//! Cosign's encrypted key files: PEM around JSON around a secretbox of PKCS#8, under a key by scrypt.
//!
//! The layout is that of go-securesystemslib 0.11 `encrypted`, bit for bit.

use crate::pem::{self, PemError};
use crate::private_key::PrivateKey;
use crate::public_key::KeyError;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use poly1305::Poly1305;
use poly1305::universal_hash::KeyInit as _;
use salsa20::XSalsa20;
use salsa20::cipher::{KeyIvInit as _, StreamCipher as _};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::Zeroizing;

/// The label that is written.
pub const SIGSTORE_LABEL: &str = "ENCRYPTED SIGSTORE PRIVATE KEY";
/// The label that Cosign wrote before, still read.
pub const COSIGN_LABEL: &str = "ENCRYPTED COSIGN PRIVATE KEY";

/// What Cosign writes; 2^15 and 2^17 are read too.
const STANDARD_N: u64 = 65536;
const TAG_BYTES: usize = 16;
const MAX_FILE_BYTES: usize = 64 << 10;

#[derive(Serialize, Deserialize)]
struct Sealed {
    kdf: Kdf,
    cipher: Cipher,
    ciphertext: String,
}

#[derive(Serialize, Deserialize)]
struct Kdf {
    name: String,
    params: ScryptParams,
    salt: String,
}

#[derive(Serialize, Deserialize)]
struct ScryptParams {
    #[serde(rename = "N")]
    n: u64,
    r: u32,
    p: u32,
}

#[derive(Serialize, Deserialize)]
struct Cipher {
    name: String,
    nonce: String,
}

/// Why a key file can't be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// Not PEM.
    #[error("the key file isn't PEM")]
    Pem(#[from] PemError),
    /// PEM of something else.
    #[error("PEM of {0:?} isn't an encrypted key")]
    Label(String),
    /// The file isn't of Cosign's layout.
    #[error("the key file's layout is invalid: {0}")]
    Layout(&'static str),
    /// Parameters that Cosign refuses too.
    #[error("the key file's scrypt parameters aren't supported")]
    Parameters,
    /// The password is wrong, or the file was altered.
    #[error("the key can't be decrypted: wrong password or altered file")]
    Decrypt,
    /// What was encrypted isn't a key.
    #[error("the key file holds no usable key")]
    Key(#[source] KeyError),
    /// No random numbers.
    #[error("the system gives no random numbers")]
    Random,
}

/// Whether a file is an encrypted key, by its label.
pub fn is_encrypted(file: &[u8]) -> bool {
    pem::parse(file).is_ok_and(|blocks| {
        blocks.first().is_some_and(|block| block.label == SIGSTORE_LABEL || block.label == COSIGN_LABEL)
    })
}

/// Reads an encrypted key file.
pub fn decrypt(file: &[u8], password: &[u8]) -> Result<PrivateKey, KeyFileError> {
    if file.len() > MAX_FILE_BYTES {
        return Err(KeyFileError::Layout("it is too large"));
    }
    let blocks = pem::parse(file)?;
    let block = blocks.first().ok_or(PemError::Empty)?;
    if block.label != SIGSTORE_LABEL && block.label != COSIGN_LABEL {
        return Err(KeyFileError::Label(block.label.clone()));
    }
    let sealed: Sealed = serde_json::from_slice(&block.content).map_err(|_| KeyFileError::Layout("not its JSON"))?;
    if sealed.kdf.name != "scrypt" {
        return Err(KeyFileError::Layout("its key derivation isn't scrypt"));
    }
    if sealed.cipher.name != "nacl/secretbox" {
        return Err(KeyFileError::Layout("its cipher isn't nacl/secretbox"));
    }
    let decode = |text: &str| STANDARD.decode(text).map_err(|_| KeyFileError::Layout("not base64"));
    let salt = decode(&sealed.kdf.salt)?;
    let nonce: [u8; 24] =
        decode(&sealed.cipher.nonce)?.try_into().map_err(|_| KeyFileError::Layout("its nonce hasn't 24 bytes"))?;
    let key = derive(password, &salt, &sealed.kdf.params)?;
    let pkcs8 = open(&decode(&sealed.ciphertext)?, &nonce, &key).ok_or(KeyFileError::Decrypt)?;
    PrivateKey::from_pkcs8(&pkcs8).map_err(KeyFileError::Key)
}

/// Writes an encrypted key file.
pub fn encrypt(key: &PrivateKey, password: &[u8]) -> Result<String, KeyFileError> {
    let random = SystemRandom::new();
    let (mut salt, mut nonce) = ([0; 32], [0; 24]);
    random.fill(&mut salt).map_err(|_| KeyFileError::Random)?;
    random.fill(&mut nonce).map_err(|_| KeyFileError::Random)?;
    let params = ScryptParams { n: STANDARD_N, r: 8, p: 1 };
    let secret = derive(password, &salt, &params)?;
    let pkcs8 = key.to_pkcs8().map_err(KeyFileError::Key)?;
    let sealed = Sealed {
        kdf: Kdf { name: "scrypt".to_owned(), params, salt: STANDARD.encode(salt) },
        cipher: Cipher { name: "nacl/secretbox".to_owned(), nonce: STANDARD.encode(nonce) },
        ciphertext: STANDARD.encode(seal(&pkcs8, &nonce, &secret)),
    };
    let json = serde_json::to_vec(&sealed).map_err(|_| KeyFileError::Layout("not its JSON"))?;
    Ok(pem::encode(SIGSTORE_LABEL, &json).to_string())
}

fn derive(password: &[u8], salt: &[u8], params: &ScryptParams) -> Result<Zeroizing<[u8; 32]>, KeyFileError> {
    let log_n = match (params.n, params.r, params.p) {
        (32768, 8, 1) => 15,
        (STANDARD_N, 8, 1) => 16,
        (131_072, 8, 1) => 17,
        _ => return Err(KeyFileError::Parameters),
    };
    let params = scrypt::Params::new(log_n, 8, 1).map_err(|_| KeyFileError::Parameters)?;
    let mut key = Zeroizing::new([0; 32]);
    scrypt::scrypt(password, salt, &params, &mut *key).map_err(|_| KeyFileError::Parameters)?;
    Ok(key)
}

/// NaCl's secretbox: the first 32 bytes of the key stream are the key of the authenticator.
fn seal(plaintext: &[u8], nonce: &[u8; 24], key: &[u8; 32]) -> Vec<u8> {
    let mut buffer = Zeroizing::new(vec![0; 32 + plaintext.len()]);
    if let Some(part) = buffer.get_mut(32..) {
        part.copy_from_slice(plaintext);
    }
    XSalsa20::new(key.into(), nonce.into()).apply_keystream(&mut buffer);
    let Some((mac_key, ciphertext)) = buffer.split_first_chunk::<32>() else { return Vec::new() };
    let mut out = Poly1305::new(mac_key.into()).compute_unpadded(ciphertext).to_vec();
    out.extend_from_slice(ciphertext);
    out
}

fn open(sealed: &[u8], nonce: &[u8; 24], key: &[u8; 32]) -> Option<Zeroizing<Vec<u8>>> {
    let (tag, ciphertext) = sealed.split_at_checked(TAG_BYTES)?;
    let mut buffer = Zeroizing::new(vec![0; 32 + ciphertext.len()]);
    let mut cipher = XSalsa20::new(key.into(), nonce.into());
    buffer.get_mut(32..)?.copy_from_slice(ciphertext);
    cipher.apply_keystream(&mut buffer);
    let (mac_key, plaintext) = buffer.split_first_chunk::<32>()?;
    let expected = Poly1305::new(mac_key.into()).compute_unpadded(ciphertext);
    aws_lc_rs::constant_time::verify_slices_are_equal(&expected, tag).ok()?;
    Some(Zeroizing::new(plaintext.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::private_key::Signer as _;
    use crate::public_key::KeyKind;

    #[test]
    fn what_is_written_is_read() {
        let key = PrivateKey::generate(KeyKind::P256).unwrap();
        let file = encrypt(&key, b"secret").unwrap();
        assert!(is_encrypted(file.as_bytes()));
        assert_eq!(decrypt(file.as_bytes(), b"secret").unwrap().public_key(), key.public_key());
        assert!(matches!(decrypt(file.as_bytes(), b"Secret"), Err(KeyFileError::Decrypt)));
        let old = file.replace("SIGSTORE", "COSIGN");
        assert_eq!(decrypt(old.as_bytes(), b"secret").unwrap().public_key(), key.public_key());
    }

    /// The vector of NaCl's own tests (tests/secretbox.c).
    #[test]
    fn secretbox_is_that_of_nacl() {
        let key = *b"\x1b\x27\x55\x64\x73\xe9\x85\xd4\x62\xcd\x51\x19\x7a\x9a\x46\xc7\x60\x09\x54\x9e\xac\x64\x74\xf2\x06\xc4\xee\x08\x44\xf6\x83\x89";
        let nonce =
            *b"\x69\x69\x6e\xe9\x55\xb6\x2b\x73\xcd\x62\xbd\xa8\x75\xfc\x73\xd6\x82\x19\xe0\x03\x6b\x7a\x0b\x37";
        let sealed = seal(b"\xbe\x07\x5f\xc5\x3c\x81\xf2\xd5", &nonce, &key);
        assert_eq!(&sealed[16..], b"\x8e\x99\x3b\x9f\x48\x68\x12\x73");
        assert_eq!(&*open(&sealed, &nonce, &key).unwrap(), b"\xbe\x07\x5f\xc5\x3c\x81\xf2\xd5");
        for at in 0..sealed.len() {
            let mut bent = sealed.clone();
            bent[at] ^= 4;
            assert!(open(&bent, &nonce, &key).is_none(), "{at}");
        }
    }

    #[test]
    fn costly_parameters_are_refused() {
        let key = PrivateKey::generate(KeyKind::P256).unwrap();
        let file = encrypt(&key, b"").unwrap();
        let json = pem::parse(file.as_bytes()).unwrap()[0].content.to_vec();
        let json = String::from_utf8(json).unwrap();
        for (from, to) in [("65536", "1073741824"), ("\"r\":8", "\"r\":800"), ("\"p\":1", "\"p\":100")] {
            let bent = pem::encode(SIGSTORE_LABEL, json.replace(from, to).as_bytes());
            assert!(matches!(decrypt(bent.as_bytes(), b""), Err(KeyFileError::Parameters)), "{to}");
        }
    }
}
