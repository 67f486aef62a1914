//! A reader of DER that lends the bytes it was given, so that signatures are checked over exactly what was read.
//!
//! Lengths are minimal and definite; every element is bounded by the one around it.

use thiserror::Error;

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const NULL: u8 = 0x05;
pub(crate) const OID: u8 = 0x06;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

/// Bytes that aren't the DER that was looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("invalid DER: {0}")]
pub struct DerError(pub(crate) &'static str);

/// One element: its tag, its content and all of its bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) content: &'a [u8],
    pub(crate) all: &'a [u8],
}

/// What is left to read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader(bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Refuses what follows the last element.
    pub(crate) fn end(&self) -> Result<(), DerError> {
        if self.0.is_empty() { Ok(()) } else { Err(DerError("bytes follow")) }
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// The next element, whatever it is.
    pub(crate) fn any(&mut self) -> Result<Element<'a>, DerError> {
        let (&tag, rest) = self.0.split_first().ok_or(DerError("an element is missing"))?;
        if tag & 0x1f == 0x1f {
            return Err(DerError("a tag of several bytes"));
        }
        let (&first, rest) = rest.split_first().ok_or(DerError("a length is missing"))?;
        let (length, rest) = if first < 0x80 {
            (usize::from(first), rest)
        } else {
            let count = usize::from(first & 0x7f);
            if count == 0 || count > 4 {
                return Err(DerError("a length that is indefinite or too long"));
            }
            let (digits, rest) = rest.split_at_checked(count).ok_or(DerError("a length is cut off"))?;
            let length = digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit));
            if length < 0x80 || digits.first() == Some(&0) {
                return Err(DerError("a length that isn't minimal"));
            }
            (length, rest)
        };
        let (content, after) = rest.split_at_checked(length).ok_or(DerError("an element is cut off"))?;
        let size = self.0.len() - after.len();
        let all = self.0.get(..size).ok_or(DerError("an element is cut off"))?;
        self.0 = after;
        Ok(Element { tag, content, all })
    }

    /// The next element, that must have this tag.
    pub(crate) fn expect(&mut self, tag: u8) -> Result<Element<'a>, DerError> {
        match self.peek() {
            Some(found) if found == tag => self.any(),
            Some(_) => Err(DerError("another element than expected")),
            None => Err(DerError("an element is missing")),
        }
    }

    /// The next element, if it has this tag.
    pub(crate) fn optional(&mut self, tag: u8) -> Result<Option<Element<'a>>, DerError> {
        if self.peek() == Some(tag) { self.any().map(Some) } else { Ok(None) }
    }

    /// What is in the next element, that must have this tag.
    pub(crate) fn inside(&mut self, tag: u8) -> Result<Reader<'a>, DerError> {
        Ok(Reader(self.expect(tag)?.content))
    }

    /// The bytes of a bit string of whole bytes.
    pub(crate) fn bit_string(&mut self) -> Result<&'a [u8], DerError> {
        match self.expect(BIT_STRING)?.content.split_first() {
            Some((0, bytes)) => Ok(bytes),
            _ => Err(DerError("a bit string that isn't of whole bytes")),
        }
    }
}

/// Reads one element that is all there is, and gives what is in it.
pub(crate) fn whole(bytes: &[u8], tag: u8) -> Result<Reader<'_>, DerError> {
    let mut reader = Reader::new(bytes);
    let inside = reader.inside(tag)?;
    reader.end()?;
    Ok(inside)
}

/// Reads one element that is all there is, and gives its content.
pub(crate) fn whole_content(bytes: &[u8], tag: u8) -> Result<&[u8], DerError> {
    whole(bytes, tag).map(|inside| inside.0)
}

/// Writes an element.
pub(crate) fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = vec![tag];
    if let (true, Ok(short)) = (length < 0x80, u8::try_from(length)) {
        out.push(short);
    } else {
        let digits: Vec<u8> = length.to_be_bytes().into_iter().skip_while(|digit| *digit == 0).collect();
        // A length has at most eight digits.
        out.push(0x80 | u8::try_from(digits.len()).unwrap_or(8));
        out.extend(digits);
    }
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out
}
