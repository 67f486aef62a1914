//! Property lists of Apple, as XML and in the binary form: the texts and lists of texts of the outermost dictionary.

use crate::ParseError;
use roxmltree::{Document, Node, ParsingOptions};
use std::collections::BTreeMap;

/// Larger lists are cut by the peer too.
const MAX_BYTES: usize = 5 << 20;
/// More than any list has.
const MAX_NODES: u32 = 500_000;

/// What stands under a key.
#[derive(Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    Texts(Vec<String>),
}

impl Value {
    /// The text; of a list nothing.
    pub(super) fn text(&self) -> &str {
        if let Self::Text(text) = self { text } else { "" }
    }

    /// The texts of a list; of a text none.
    pub(super) fn texts(&self) -> Vec<&str> {
        if let Self::Texts(texts) = self { texts.iter().map(String::as_str).collect() } else { Vec::new() }
    }
}

/// The dictionary; what is neither text nor list of texts is left out.
///
/// # Errors
/// Where it is neither form, or damaged.
pub(super) fn parse(bytes: &[u8]) -> Result<BTreeMap<String, Value>, ParseError> {
    if bytes.len() > MAX_BYTES {
        return Err(ParseError::Limit { what: "bytes in a property list", limit: MAX_BYTES as u64 });
    }
    if bytes.starts_with(b"bplist0") { binary(bytes).ok_or_else(damaged) } else { xml(bytes) }
}

fn damaged() -> ParseError {
    ParseError::malformed("unable to parse plist")
}

fn xml(bytes: &[u8]) -> Result<BTreeMap<String, Value>, ParseError> {
    // Every list names its document type; roxmltree bounds what entities may become.
    let options = ParsingOptions { allow_dtd: true, nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    let text = std::str::from_utf8(bytes).map_err(|_| damaged())?;
    let document = Document::parse_with_options(text, options).map_err(|_| damaged())?;
    let list = document.root_element();
    let dictionary = list.children().find(|node| node.has_tag_name("dict")).ok_or_else(damaged)?;
    let mut values = BTreeMap::new();
    let mut key = "";
    let text = |node: Node<'_, '_>| node.text().unwrap_or_default().to_owned();
    for node in dictionary.children().filter(Node::is_element) {
        let value = match node.tag_name().name() {
            "key" => {
                key = node.text().unwrap_or_default();
                continue;
            }
            "string" => Value::Text(text(node)),
            "array" => Value::Texts(node.children().filter(|node| node.has_tag_name("string")).map(text).collect()),
            _ => continue,
        };
        values.insert(key.to_owned(), value);
    }
    Ok(values)
}

/// Objects by number, then a table of their offsets, then a trailer (Apple's `CFBinaryPList.c`).
struct Binary<'a> {
    bytes: &'a [u8],
    offsets: &'a [u8],
    offset_bytes: usize,
    reference_bytes: usize,
}

fn binary(bytes: &[u8]) -> Option<BTreeMap<String, Value>> {
    let trailer = bytes.last_chunk::<32>()?;
    let number = |at: usize| usize::try_from(big_endian(trailer.get(at..at + 8)?)).ok();
    let (count, top, table) = (number(8)?, number(16)?, number(24)?);
    let (offset_bytes, reference_bytes) = (usize::from(*trailer.get(6)?), usize::from(*trailer.get(7)?));
    if !(1..=8).contains(&offset_bytes) || !(1..=8).contains(&reference_bytes) {
        return None;
    }
    let offsets = bytes.get(table..table.checked_add(count.checked_mul(offset_bytes)?)?)?;
    let list = Binary { bytes, offsets, offset_bytes, reference_bytes };
    let (kind, count, references) = list.object(top)?;
    if kind != 0xd {
        return None;
    }
    let mut values = BTreeMap::new();
    for index in 0..count {
        let key = list.text(list.reference(references, index)?)?;
        let value = list.reference(references, count.checked_add(index)?)?;
        if let Some(text) = list.text(value) {
            values.insert(key, Value::Text(text));
        } else if let Some((0xa, length, items)) = list.object(value) {
            let texts = (0..length).map_while(|item| list.reference(items, item));
            values.insert(key, Value::Texts(texts.filter_map(|item| list.text(item)).collect()));
        }
    }
    Some(values)
}

impl<'a> Binary<'a> {
    /// Kind, count and content of an object. The content goes on to the end of the file.
    fn object(&self, number: usize) -> Option<(u8, usize, &'a [u8])> {
        let offset = self.offsets.chunks_exact(self.offset_bytes).nth(number)?;
        let (mark, rest) = self.bytes.get(usize::try_from(big_endian(offset)).ok()?..)?.split_first()?;
        if mark & 0x0f != 0x0f {
            return Some((mark >> 4, usize::from(mark & 0x0f), rest));
        }
        // The count is a number object of its own.
        let (size, rest) = rest.split_first()?;
        let (count, rest) = rest.split_at_checked(1_usize.checked_shl(u32::from(size & 0x0f))?.min(16))?;
        let count = usize::try_from(big_endian(count)).ok().filter(|count| *count <= self.bytes.len())?;
        Some((mark >> 4, count, rest))
    }

    fn reference(&self, references: &[u8], index: usize) -> Option<usize> {
        let start = index.checked_mul(self.reference_bytes)?;
        usize::try_from(big_endian(references.get(start..start.checked_add(self.reference_bytes)?)?)).ok()
    }

    fn text(&self, number: usize) -> Option<String> {
        match self.object(number)? {
            (5, count, content) => Some(String::from_utf8_lossy(content.get(..count)?).into_owned()),
            (6, count, content) => {
                let (units, _) = content.get(..count.checked_mul(2)?)?.as_chunks::<2>();
                let units: Vec<u16> = units.iter().map(|unit| u16::from_be_bytes(*unit)).collect();
                Some(String::from_utf16_lossy(&units))
            }
            _ => None,
        }
    }
}

fn big_endian(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn deep_and_growing_lists() {
        let _ = parse("<plist>".repeat(200_000).as_bytes());
        let mut bomb = "<!DOCTYPE plist [<!ENTITY a0 \"xxxxxxxxxx\">".to_owned();
        for n in 1..30 {
            bomb.push_str(&format!("<!ENTITY a{n} \"{}\">", format!("&a{};", n - 1).repeat(10)));
        }
        bomb.push_str("]><plist><dict><key>CFBundleName</key><string>&a29;</string></dict></plist>");
        assert!(parse(bomb.as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn never_panics(noise in proptest::collection::vec(any::<u8>(), 0..80), text in "[<>/dictkeystring&;! ]{0,60}") {
            let _ = parse(&[b"bplist00", noise.as_slice()].concat());
            let _ = parse(text.as_bytes());
        }
    }
}
