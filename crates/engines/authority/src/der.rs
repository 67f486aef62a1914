//! DER: what this crate writes, and a strict reader of what strangers send.
//!
//! The reader takes definite lengths in their shortest form and low tag numbers only, never recurses, and never
//! allocates, so a hostile message costs no more than its own length.

use jiff::Timestamp;
use jiff::tz::Offset;

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OID: u8 = 0x06;
pub(crate) const UTF8_STRING: u8 = 0x0c;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;
/// `NULL`, whole.
pub(crate) const NULL: &[u8] = &[0x05, 0x00];
/// `TRUE`, whole.
pub(crate) const TRUE: &[u8] = &[BOOLEAN, 0x01, 0xff];

/// Why bytes are no DER, or not that which was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DerError {
    /// The bytes end inside a value.
    #[error("DER ends within a value")]
    Truncated,
    /// A length in a form that DER forbids, or longer than any message here.
    #[error("DER has a length that is not in its shortest form")]
    Length,
    /// Another type stands where one was expected.
    #[error("DER has tag {found:#04x} where {expected:#04x} was expected")]
    Tag {
        /// The tag that was expected.
        expected: u8,
        /// The tag that is there.
        found: u8,
    },
    /// Bytes after the end.
    #[error("DER has bytes after its end")]
    Trailing,
    /// A value that its type does not allow.
    #[error("DER has a value that its type forbids")]
    Value,
}

/// One value: tag, length and content.
pub(crate) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len() + 6);
    out.push(tag);
    length(&mut out, content.len());
    out.extend_from_slice(content);
    out
}

/// One value around several parts.
pub(crate) fn wrap(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let size = parts.iter().map(|part| part.len()).sum();
    let mut out = Vec::with_capacity(size + 6);
    out.push(tag);
    length(&mut out, size);
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

/// A sequence of parts.
pub(crate) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    wrap(SEQUENCE, parts)
}

fn length(out: &mut Vec<u8>, size: usize) {
    if size < 0x80 {
        out.push(size as u8);
        return;
    }
    let bytes = size.to_be_bytes();
    let skip = bytes.iter().take_while(|byte| **byte == 0).count();
    out.push(0x80 | (bytes.len() - skip) as u8);
    out.extend(bytes.iter().skip(skip));
}

/// An object identifier of its arcs; the first is below 3, the second below 40.
pub(crate) fn oid(arcs: &[u64]) -> Vec<u8> {
    let mut content = Vec::with_capacity(arcs.len() * 3);
    if let [first, second, rest @ ..] = arcs {
        content.push((first * 40 + second) as u8);
        for arc in rest {
            let groups = (64 - arc.leading_zeros()).div_ceil(7).max(1);
            for group in (0..groups).rev() {
                let more = if group == 0 { 0 } else { 0x80 };
                content.push(more | (arc >> (group * 7)) as u8 & 0x7f);
            }
        }
    }
    tlv(OID, &content)
}

/// A positive integer of its big-endian bytes.
pub(crate) fn integer(bytes: &[u8]) -> Vec<u8> {
    let skip = bytes.iter().take_while(|byte| **byte == 0).count();
    let mut content = Vec::with_capacity(bytes.len() + 1);
    if bytes.get(skip).is_none_or(|byte| *byte >= 0x80) {
        content.push(0);
    }
    content.extend(bytes.iter().skip(skip));
    tlv(INTEGER, &content)
}

/// A bit string of whole bytes.
pub(crate) fn bit_string(bytes: &[u8]) -> Vec<u8> {
    wrap(BIT_STRING, &[&[0], bytes])
}

/// A named bit list: trailing zero bits are left off.
pub(crate) fn bits(byte: u8) -> Vec<u8> {
    tlv(BIT_STRING, &[byte.trailing_zeros().min(8) as u8, byte])
}

/// X.509's time: `UTCTime` up to 2049, then `GeneralizedTime`.
pub(crate) fn time(at: Timestamp) -> Vec<u8> {
    let date = Offset::UTC.to_datetime(at);
    if (1950..2050).contains(&date.year()) {
        tlv(UTC_TIME, date.strftime("%y%m%d%H%M%SZ").to_string().as_bytes())
    } else {
        generalized_time(at)
    }
}

/// `GeneralizedTime` in whole seconds.
pub(crate) fn generalized_time(at: Timestamp) -> Vec<u8> {
    let date = Offset::UTC.to_datetime(at);
    tlv(GENERALIZED_TIME, date.strftime("%Y%m%d%H%M%SZ").to_string().as_bytes())
}

/// A value as it stands in its message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) content: &'a [u8],
    /// With tag and length.
    pub(crate) whole: &'a [u8],
}

/// Reads values one after another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The content of the one value of `tag` that `bytes` are.
    pub(crate) fn only(bytes: &'a [u8], tag: u8) -> Result<Self, DerError> {
        let mut reader = Self::new(bytes);
        let inner = reader.enter(tag)?;
        reader.end()?;
        Ok(inner)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn end(&self) -> Result<(), DerError> {
        if self.is_empty() { Ok(()) } else { Err(DerError::Trailing) }
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// The next value, of any type.
    pub(crate) fn any(&mut self) -> Result<Element<'a>, DerError> {
        let (&tag, after) = self.rest.split_first().ok_or(DerError::Truncated)?;
        if tag & 0x1f == 0x1f {
            return Err(DerError::Value);
        }
        let (&first, mut after) = after.split_first().ok_or(DerError::Truncated)?;
        let mut size = usize::from(first);
        if first >= 0x80 {
            let count = usize::from(first & 0x7f);
            if !(1..=4).contains(&count) {
                return Err(DerError::Length);
            }
            let (digits, rest) = after.split_at_checked(count).ok_or(DerError::Truncated)?;
            size = digits.iter().fold(0, |size, byte| size << 8 | usize::from(*byte));
            if size < 0x80 || digits.first() == Some(&0) {
                return Err(DerError::Length);
            }
            after = rest;
        }
        let (content, rest) = after.split_at_checked(size).ok_or(DerError::Truncated)?;
        let whole = self.rest.get(..self.rest.len() - rest.len()).ok_or(DerError::Truncated)?;
        self.rest = rest;
        Ok(Element { tag, content, whole })
    }

    /// The next value, which must be of `tag`.
    pub(crate) fn element(&mut self, tag: u8) -> Result<Element<'a>, DerError> {
        let element = self.any()?;
        if element.tag != tag {
            return Err(DerError::Tag { expected: tag, found: element.tag });
        }
        Ok(element)
    }

    /// Reads on within the next value, which must be of `tag`.
    pub(crate) fn enter(&mut self, tag: u8) -> Result<Self, DerError> {
        Ok(Self::new(self.element(tag)?.content))
    }

    /// The bytes of a bit string of whole bytes.
    pub(crate) fn bit_string(&mut self) -> Result<&'a [u8], DerError> {
        match self.element(BIT_STRING)?.content.split_first() {
            Some((0, bytes)) => Ok(bytes),
            _ => Err(DerError::Value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_what_the_standard_shows() {
        assert_eq!(oid(&[1, 3, 6, 1, 4, 1, 57264, 1, 8]), b"\x06\x0a\x2b\x06\x01\x04\x01\x83\xbf\x30\x01\x08");
        assert_eq!(integer(&[0, 0x80]), b"\x02\x02\x00\x80");
        assert_eq!(integer(&[]), b"\x02\x01\x00");
        assert_eq!(bits(0b0000_0110), b"\x03\x02\x01\x06");
        assert_eq!(tlv(OCTET_STRING, &[7; 200]).get(..3), Some(&b"\x04\x81\xc8"[..]));
        let at: Timestamp = "2050-01-02T03:04:05Z".parse().unwrap();
        assert_eq!(time(at), b"\x18\x0f20500102030405Z");
    }

    #[test]
    fn refuses_what_der_forbids() {
        for (bytes, why) in [
            (&b"\x30\x80\x00\x00"[..], DerError::Length),
            (b"\x30\x81\x01\x00", DerError::Length),
            (b"\x30\x82\x00\x80", DerError::Length),
            (b"\x30\x85\x01\x00\x00\x00\x00", DerError::Length),
            (b"\x30\x84\xff\xff\xff\xff", DerError::Truncated),
            (b"\x30\x02\x00", DerError::Truncated),
            (b"\x3f\x20\x00", DerError::Value),
            (b"", DerError::Truncated),
        ] {
            assert_eq!(Reader::new(bytes).any().unwrap_err(), why, "{bytes:?}");
        }
        assert_eq!(Reader::only(b"\x30\x00\x00", SEQUENCE).unwrap_err(), DerError::Trailing);
        // Depth costs nothing: nobody recurses.
        let mut deep = Vec::new();
        for _ in 0..100 {
            deep = sequence(&[&deep]);
        }
        assert!(Reader::only(&deep, SEQUENCE).is_ok());
    }
}
