use crate::salt::push_hex;
use crate::verify::Reason;
use aws_lc_rs::digest::{Context, SHA256};
use std::fmt;
use std::str::FromStr;

/// SHA-256 over a line and the hash of the one before.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Hash(pub(crate) [u8; 32]);

/// A text that is no hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a hash is 64 hexadecimal digits")]
pub struct ParseHashError;

/// Where a file stands. A new one starts at zero.
///
/// A line gets `chain_sequence`, `chain_previous` (the hash of the line before) and `chain_hash` as last fields. What is
/// hashed is everything in front of `chain_hash`. Readers of the peer's logs pass over fields that they don't know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Chain {
    /// The number of the last line.
    pub sequence: u64,
    /// Its hash.
    pub hash: Hash,
}

const SEQUENCE: &str = "\"chain_sequence\":";
const PREVIOUS: &str = ",\"chain_previous\":\"";
const HASH: &str = "\",\"chain_hash\":\"";
const END: &str = "\"}";

impl Chain {
    /// Adds the chain to a line of a [`Formatter`](crate::Formatter) and a line break. The second value is the chain after
    /// it: take it only when the line was written.
    pub fn seal(&self, line: &[u8]) -> (Vec<u8>, Self) {
        let sequence = self.sequence + 1;
        let mut text = String::with_capacity(224);
        // Of `{}` nothing is left to be parted from.
        if !line.ends_with(b"{}") {
            text.push(',');
        }
        text.push_str(SEQUENCE);
        text.push_str(&sequence.to_string());
        text.push_str(PREVIOUS);
        push_hex(&mut text, &self.hash.0);
        let mut sealed = Vec::with_capacity(line.len() + 240);
        sealed.extend_from_slice(line.strip_suffix(b"}").unwrap_or(line));
        sealed.extend_from_slice(text.as_bytes());
        let hash = Hash::of(&sealed);
        text.clear();
        text.push_str(HASH);
        push_hex(&mut text, &hash.0);
        text.push_str(END);
        text.push('\n');
        sealed.extend_from_slice(text.as_bytes());
        (sealed, Self { sequence, hash })
    }

    /// Goes on after the last whole line of a file. What comes after the last line break was never acknowledged: the
    /// device takes it away first.
    ///
    /// # Errors
    /// Where the line is not what was written.
    pub fn resume(last_line: &[u8]) -> Result<Self, Reason> {
        read(last_line.strip_suffix(b"\n").unwrap_or(last_line)).map(|(_, chain)| chain)
    }
}

/// The hash that a line says was before, and the chain after it. The line's own hash is checked.
pub(crate) fn read(line: &[u8]) -> Result<(Hash, Chain), Reason> {
    let unchained = || Reason::NotChained;
    let hash_start = line.len().checked_sub(64 + END.len()).ok_or_else(unchained)?;
    let (front, end) = line.split_at(hash_start);
    let hash = hash(end.strip_suffix(END.as_bytes()).ok_or_else(unchained)?)?;
    let hashed = front.strip_suffix(HASH.as_bytes()).ok_or_else(unchained)?;
    let previous_start = hashed.len().checked_sub(64).ok_or_else(unchained)?;
    let (front, previous) = hashed.split_at(previous_start);
    let previous = self::hash(previous)?;
    let front = front.strip_suffix(PREVIOUS.as_bytes()).ok_or_else(unchained)?;
    let digits = front.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let (front, digits) = front.split_at(front.len() - digits);
    if !front.ends_with(SEQUENCE.as_bytes()) {
        return Err(Reason::NotChained);
    }
    let sequence = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()).ok_or_else(unchained)?;
    if Hash::of(hashed) != hash {
        return Err(Reason::Changed);
    }
    Ok((previous, Chain { sequence, hash }))
}

fn hash(digits: &[u8]) -> Result<Hash, Reason> {
    let text = std::str::from_utf8(digits).map_err(|_| Reason::NotChained)?;
    text.parse().map_err(|_| Reason::NotChained)
}

impl Hash {
    fn of(bytes: &[u8]) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(b"palisade audit 1\n");
        context.update(bytes);
        let mut hash = [0; 32];
        hash.copy_from_slice(context.finish().as_ref());
        Self(hash)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for Hash {
    type Err = ParseHashError;

    fn from_str(text: &str) -> Result<Self, ParseHashError> {
        if text.len() != 64 || !text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(ParseHashError);
        }
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(text.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| ParseHashError)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| ParseHashError)?;
        }
        Ok(Self(hash))
    }
}
