use crate::failure::Failure;
use aws_lc_rs::digest::{self, Algorithm};
use aws_lc_rs::hmac;

/// A hash function by the peer's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hash {
    /// The input is a digest of a function that isn't told.
    None,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
    Sha3_256,
    Sha3_384,
    Sha3_512,
}

impl Hash {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "none" => Self::None,
            "sha1" => Self::Sha1,
            "sha2-224" => Self::Sha224,
            "sha2-256" => Self::Sha256,
            "sha2-384" => Self::Sha384,
            "sha2-512" => Self::Sha512,
            "sha3-256" => Self::Sha3_256,
            "sha3-384" => Self::Sha3_384,
            "sha3-512" => Self::Sha3_512,
            _ => return None,
        })
    }

    pub(crate) fn algorithm(self) -> Option<&'static Algorithm> {
        Some(match self {
            Self::None => return None,
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha224 => &digest::SHA224,
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
            Self::Sha3_256 => &digest::SHA3_256,
            Self::Sha3_384 => &digest::SHA3_384,
            Self::Sha3_512 => &digest::SHA3_512,
        })
    }

    /// The digest, or the input itself where no function is told.
    pub(crate) fn digest(self, input: &[u8]) -> Vec<u8> {
        self.algorithm().map_or_else(|| input.to_vec(), |algorithm| digest::digest(algorithm, input).as_ref().to_vec())
    }

    pub(crate) fn hmac(self, key: &[u8], input: &[u8]) -> Result<Vec<u8>, Failure> {
        let algorithm = match self {
            Self::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha224 => hmac::HMAC_SHA224,
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha384 => hmac::HMAC_SHA384,
            Self::Sha512 => hmac::HMAC_SHA512,
            Self::Sha3_256 | Self::Sha3_384 | Self::Sha3_512 => {
                let algorithm = self.algorithm().ok_or_else(|| Failure::internal("unsupported hash algorithm"))?;
                return Ok(hmac_of(algorithm, key, input));
            }
            Self::None => return Err(Failure::user("unsupported algorithm \"none\"")),
        };
        Ok(hmac::sign(&hmac::Key::new(algorithm, key), input).as_ref().to_vec())
    }
}

/// HMAC (RFC 2104) for the functions that the library has it not for.
fn hmac_of(algorithm: &'static Algorithm, key: &[u8], input: &[u8]) -> Vec<u8> {
    let short =
        if key.len() > algorithm.block_len() { digest::digest(algorithm, key).as_ref().to_vec() } else { key.to_vec() };
    let short = zeroize::Zeroizing::new(short);
    let pad = |byte: u8| {
        let padded = short.iter().copied().chain(std::iter::repeat(0)).take(algorithm.block_len());
        zeroize::Zeroizing::new(padded.map(|part| part ^ byte).collect::<Vec<u8>>())
    };
    let mut inner = digest::Context::new(algorithm);
    inner.update(&pad(0x36));
    inner.update(input);
    let mut outer = digest::Context::new(algorithm);
    outer.update(&pad(0x5c));
    outer.update(inner.finish().as_ref());
    outer.finish().as_ref().to_vec()
}
