use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};

/// What values are hashed with at one device, so that they can be compared and not guessed.
pub struct Salt(Key);

impl Salt {
    /// From the bytes that are kept with the device; the peer keeps a UUID as text.
    pub fn new(bytes: &[u8]) -> Self {
        Self(Key::new(HMAC_SHA256, bytes))
    }

    /// `hmac-sha256:` and the HMAC in hexadecimal; the answer of `sys/audit-hash`.
    pub fn hash(&self, value: impl AsRef<[u8]>) -> String {
        let mut text = String::with_capacity(12 + 64);
        text.push_str("hmac-sha256:");
        push_hex(&mut text, sign(&self.0, value.as_ref()).as_ref());
        text
    }
}

pub(crate) fn push_hex(text: &mut String, bytes: &[u8]) {
    let digit = |nibble: u8| char::from(if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 });
    text.extend(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
}
