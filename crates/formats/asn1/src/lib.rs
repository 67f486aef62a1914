//! DER (X.690): a writer, and a strict reader of what strangers send.
//!
//! The reader takes definite lengths in their shortest form and low tag numbers only, never recurses, and never
//! allocates, so a hostile message costs no more than its own length.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

/// The tag of `BOOLEAN`.
pub const BOOLEAN: u8 = 0x01;
/// The tag of `INTEGER`.
pub const INTEGER: u8 = 0x02;
/// The tag of `BIT STRING`.
pub const BIT_STRING: u8 = 0x03;
/// The tag of `OCTET STRING`.
pub const OCTET_STRING: u8 = 0x04;
/// The tag of `ENUMERATED`.
pub const ENUMERATED: u8 = 0x0a;
/// The tag of `PrintableString`.
pub const PRINTABLE_STRING: u8 = 0x13;
/// The tag of `IA5String`.
pub const IA5_STRING: u8 = 0x16;
/// The tag of `OID`.
pub const OID: u8 = 0x06;
/// The tag of `UTF8 STRING`.
pub const UTF8_STRING: u8 = 0x0c;
/// The tag of `UTC TIME`.
pub const UTC_TIME: u8 = 0x17;
/// The tag of `GENERALIZED TIME`.
pub const GENERALIZED_TIME: u8 = 0x18;
/// The tag of `SEQUENCE`.
pub const SEQUENCE: u8 = 0x30;
/// The tag of `SET`.
pub const SET: u8 = 0x31;
/// `NULL`, whole.
pub const NULL: &[u8] = &[0x05, 0x00];
/// What says that something never ends.
const NO_END: &[u8] = b"99991231235959Z";
/// `TRUE`, whole.
pub const TRUE: &[u8] = &[BOOLEAN, 0x01, 0xff];

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
pub fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len() + 6);
    out.push(tag);
    length(&mut out, content.len());
    out.extend_from_slice(content);
    out
}

/// One value around several parts.
pub fn wrap(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
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
pub fn sequence(parts: &[&[u8]]) -> Vec<u8> {
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
pub fn oid(arcs: &[u64]) -> Vec<u8> {
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
pub fn integer(bytes: &[u8]) -> Vec<u8> {
    let skip = bytes.iter().take_while(|byte| **byte == 0).count();
    let mut content = Vec::with_capacity(bytes.len() + 1);
    if bytes.get(skip).is_none_or(|byte| *byte >= 0x80) {
        content.push(0);
    }
    content.extend(bytes.iter().skip(skip));
    tlv(INTEGER, &content)
}

/// A bit string of whole bytes.
pub fn bit_string(bytes: &[u8]) -> Vec<u8> {
    wrap(BIT_STRING, &[&[0], bytes])
}

/// A named bit list: trailing zero bits are left off.
pub fn bits(byte: u8) -> Vec<u8> {
    tlv(BIT_STRING, &[byte.trailing_zeros().min(8) as u8, byte])
}

/// X.509's time: `UTCTime` up to 2049, then `GeneralizedTime`.
pub fn time(at: Timestamp) -> Vec<u8> {
    let date = Offset::UTC.to_datetime(at);
    if (1950..2050).contains(&date.year()) {
        tlv(UTC_TIME, date.strftime("%y%m%d%H%M%SZ").to_string().as_bytes())
    } else {
        generalized_time(at)
    }
}

/// `GeneralizedTime` in whole seconds. The latest time there is stands for no end (RFC 5280, 4.1.2.5).
pub fn generalized_time(at: Timestamp) -> Vec<u8> {
    if at.as_second() == Timestamp::MAX.as_second() {
        return tlv(GENERALIZED_TIME, NO_END);
    }
    let date = Offset::UTC.to_datetime(at);
    tlv(GENERALIZED_TIME, date.strftime("%Y%m%d%H%M%SZ").to_string().as_bytes())
}

/// An object identifier of its text, `2.5.29.17`, whole.
///
/// # Errors
/// [`DerError::Value`] for any other text.
pub fn oid_of_text(text: &str) -> Result<Vec<u8>, DerError> {
    if text.len() > 256 {
        return Err(DerError::Value);
    }
    let arcs = text.split('.').map(|arc| arc.parse::<u64>().map_err(|_| DerError::Value));
    let arcs = arcs.collect::<Result<Vec<u64>, DerError>>()?;
    match arcs.as_slice() {
        [0 | 1, 0..=39, ..] | [2, 0..=47, ..] => Ok(oid(&arcs)),
        _ => Err(DerError::Value),
    }
}

/// The text of an object identifier's content.
///
/// # Errors
/// Where it has an arc of more than 63 bits, or ends within one.
pub fn oid_text(content: &[u8]) -> Result<String, DerError> {
    let mut out = String::new();
    let mut arc = 0u64;
    for byte in content {
        arc = arc.checked_mul(128).ok_or(DerError::Value)? | u64::from(byte & 0x7f);
        if byte & 0x80 != 0 {
            continue;
        }
        if out.is_empty() {
            let first = (arc / 40).min(2);
            out = format!("{first}.{}", arc - first * 40);
        } else {
            out.push_str(&format!(".{arc}"));
        }
        arc = 0;
    }
    if out.is_empty() || content.last().is_some_and(|byte| byte & 0x80 != 0) {
        return Err(DerError::Value);
    }
    Ok(out)
}

/// X.509's time, of either kind, in whole seconds and UTC.
///
/// # Errors
/// Where it is no such time.
pub fn read_time(element: &Element<'_>) -> Result<Timestamp, DerError> {
    if element.tag == GENERALIZED_TIME && element.content == NO_END {
        return Ok(Timestamp::MAX);
    }
    let text = std::str::from_utf8(element.content).map_err(|_| DerError::Value)?;
    let text = match element.tag {
        UTC_TIME => format!("{}{text}", if text < "50" { "20" } else { "19" }),
        GENERALIZED_TIME => text.to_owned(),
        found => return Err(DerError::Tag { expected: GENERALIZED_TIME, found }),
    };
    let digits = text.strip_suffix('Z').filter(|digits| digits.len() == 14).ok_or(DerError::Value)?;
    let date = DateTime::strptime("%Y%m%d%H%M%S", digits).map_err(|_| DerError::Value)?;
    Offset::UTC.to_timestamp(date).map_err(|_| DerError::Value)
}

/// A value as it stands in its message.
#[derive(Debug, Clone, Copy)]
pub struct Element<'a> {
    /// Its tag.
    pub tag: u8,
    /// Its content.
    pub content: &'a [u8],
    /// With tag and length.
    pub whole: &'a [u8],
}

/// Reads values one after another.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads what these bytes hold.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The content of the one value of `tag` that `bytes` are.
    ///
    /// # Errors
    /// Where it is something else.
    pub fn only(bytes: &'a [u8], tag: u8) -> Result<Self, DerError> {
        let mut reader = Self::new(bytes);
        let inner = reader.enter(tag)?;
        reader.end()?;
        Ok(inner)
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Refuses what is left.
    ///
    /// # Errors
    /// Where something is.
    pub fn end(&self) -> Result<(), DerError> {
        if self.is_empty() { Ok(()) } else { Err(DerError::Trailing) }
    }

    /// The tag of the next value.
    pub fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// The next value, of any type.
    ///
    /// # Errors
    /// Where it is something else.
    pub fn any(&mut self) -> Result<Element<'a>, DerError> {
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
    ///
    /// # Errors
    /// Where it is something else.
    pub fn element(&mut self, tag: u8) -> Result<Element<'a>, DerError> {
        let element = self.any()?;
        if element.tag != tag {
            return Err(DerError::Tag { expected: tag, found: element.tag });
        }
        Ok(element)
    }

    /// Reads on within the next value, which must be of `tag`.
    ///
    /// # Errors
    /// Where it is something else.
    pub fn enter(&mut self, tag: u8) -> Result<Self, DerError> {
        Ok(Self::new(self.element(tag)?.content))
    }

    /// The bytes of a bit string of whole bytes.
    ///
    /// # Errors
    /// Where it is something else.
    pub fn bit_string(&mut self) -> Result<&'a [u8], DerError> {
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
        for at in [at, "2049-12-31T23:59:59Z".parse().unwrap(), "1999-02-28T00:00:00Z".parse().unwrap()] {
            assert_eq!(read_time(&Reader::new(&time(at)).any().unwrap()), Ok(at));
        }
        assert_eq!(time(Timestamp::MAX), b"\x18\x0f99991231235959Z");
        assert_eq!(read_time(&Reader::new(&time(Timestamp::MAX)).any().unwrap()), Ok(Timestamp::MAX));
        for text in ["2.5.29.17", "1.3.6.1.4.1.57264.1.8", "0.9.2342.19200300.100.1.1"] {
            assert_eq!(oid_text(Reader::new(&oid_of_text(text).unwrap()).any().unwrap().content).unwrap(), text);
        }
        for text in ["", "1", "3.1", "1.40", "1.2.x", "1..2", "1.2.99999999999999999999"] {
            assert_eq!(oid_of_text(text), Err(DerError::Value), "{text}");
        }
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
