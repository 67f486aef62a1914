//! Digests in the spellings of the formats.

use crate::{Digest, FileDetails, FileFact};
use std::borrow::Cow;

/// Every digest known of a file, SHA-1 and SHA-256 last.
pub(crate) fn of_file(fact: &FileFact) -> Vec<Digest> {
    let mut digests = fact.details.as_ref().map_or_else(Vec::new, |details| details.digests.clone());
    let mut push = |algorithm, bytes: &[u8]| {
        if bytes.iter().any(|byte| *byte != 0) {
            digests.push(Digest { algorithm: Cow::Borrowed(algorithm), hex: hex(bytes) });
        }
    };
    push("sha1", &fact.sha1);
    push("sha256", &fact.sha256);
    digests
}

/// Keeps a digest that a document tells of a file.
pub(crate) fn keep(digest: Digest, fact: &mut FileFact, details: &mut FileDetails) {
    let kept = match &*digest.algorithm {
        "sha1" => from_hex(&digest.hex).map(|bytes| fact.sha1 = bytes),
        "sha256" => from_hex(&digest.hex).map(|bytes| fact.sha256 = bytes),
        _ => None,
    };
    if kept.is_none() {
        details.digests.push(digest);
    }
}

/// Whether a file has neither of the usual digests.
pub(crate) fn has_none(fact: &FileFact) -> bool {
    fact.sha1 == [0; 20] && fact.sha256 == [0; 32]
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Reads what [`hex`] writes, of exactly `N` bytes.
pub(crate) fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        let digit = |ascii: u8| char::from(ascii).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}
