//! Encodings and digests.

use crate::function::{Function, Type};
use Type::Text;
use aws_lc_rs::digest::{self, Algorithm};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write as _;

pub(super) const ALL: &[Function] = &[
    Function::new("b64enc", &[Text], |given| Ok(STANDARD.encode(given.text(0)).into())),
    Function::new("b64dec", &[Text], |given| Ok(base64(given.text(0)).into())),
    Function::new("b32enc", &[Text], |given| Ok(base32(given.text(0).as_bytes()).into())),
    Function::new("b32dec", &[Text], |given| Ok(from_base32(given.text(0)).into())),
    Function::new("sha1sum", &[Text], |given| Ok(sha1_smol::Sha1::from(given.text(0)).digest().to_string().into())),
    Function::new("sha256sum", &[Text], |given| Ok(sum(&digest::SHA256, given.text(0)).into())),
    Function::new("sha512sum", &[Text], |given| Ok(sum(&digest::SHA512, given.text(0)).into())),
    Function::new("adler32sum", &[Text], |given| Ok(adler32(given.text(0)).to_string().into())),
];

fn sum(algorithm: &'static Algorithm, text: &str) -> String {
    let mut out = String::new();
    for byte in digest::digest(algorithm, text.as_bytes()).as_ref() {
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// What cannot be decoded gives Go's complaint as text, as in sprig.
fn base64(text: &str) -> String {
    let plain: String = text.chars().filter(|char| !matches!(char, '\r' | '\n')).collect();
    match STANDARD.decode(&plain) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(base64::DecodeError::InvalidByte(at, _) | base64::DecodeError::InvalidLastSymbol(at, _)) => {
            format!("illegal base64 data at input byte {at}")
        }
        Err(_) => format!("illegal base64 data at input byte {}", plain.len()),
    }
}

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn base32(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.chunks(5) {
        let bits = chunk.iter().fold(0u64, |bits, byte| bits << 8 | u64::from(*byte)) << (8 * (5 - chunk.len()));
        let used = (chunk.len() * 8).div_ceil(5);
        for index in 0..8 {
            let letter = ALPHABET.get((bits >> (35 - 5 * index)) as usize & 31).copied().unwrap_or_default();
            out.push(if index < used { char::from(letter) } else { '=' });
        }
    }
    out
}

fn from_base32(text: &str) -> String {
    let plain: String = text.chars().filter(|char| !matches!(char, '\r' | '\n')).collect();
    let (mut bits, mut count, mut bytes) = (0u32, 0, Vec::new());
    for (at, byte) in plain.trim_end_matches('=').bytes().enumerate() {
        let Some(value) = ALPHABET.iter().position(|letter| *letter == byte) else {
            return format!("illegal base32 data at input byte {at}");
        };
        bits = bits << 5 | value as u32;
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn adler32(text: &str) -> u32 {
    let (a, b) = text.bytes().fold((1, 0), |(a, b), byte| {
        let a = (a + u32::from(byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    b << 16 | a
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_hold() {
        // RFC 4648, section 10.
        for (plain, coded) in [("", ""), ("f", "MY======"), ("foob", "MZXW6YQ="), ("foobar", "MZXW6YTBOI======")] {
            assert_eq!(base32(plain.as_bytes()), coded);
            assert_eq!(from_base32(coded), plain);
        }
        assert_eq!(base64("a!b="), "illegal base64 data at input byte 1");
        assert_eq!(adler32("Wikipedia"), 0x11E6_0398);
        assert_eq!(sum(&digest::SHA256, "abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
