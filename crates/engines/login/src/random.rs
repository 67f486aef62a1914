//! Random names and keys, and hashes of names for rows.

use aws_lc_rs::{digest, hmac, rand};
use logical::Error;
use std::fmt::Write as _;

/// Random bytes.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| Error::internal("the system gives no random numbers"))?;
    Ok(bytes)
}

/// A random UUID.
pub(crate) fn uuid() -> Result<String, Error> {
    Ok(uuid::Builder::from_random_bytes(bytes()?).into_uuid().to_string())
}

/// The SHA-256 of a text that may be anything, in hex: a name for a row.
pub(crate) fn name_of(text: &str) -> String {
    hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

/// The HMAC-SHA256 of a secret text, in hex.
pub(crate) fn keyed_name_of(key: &str, text: &str) -> String {
    hex(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()), text.as_bytes()).as_ref())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        // A string takes all that is written.
        let _ = write!(out, "{byte:02x}");
        out
    })
}
