//! What a PE file says about itself: its version resource, and whether it is a .NET program.
//!
//! Formats: Microsoft's PE format, ".rsrc section", and `VS_VERSIONINFO`. Read as leniently as Syft 1.57 does
//! (`syft/pkg/cataloger/internal/dotnet/pe/pe.go`).

use super::executable;
use std::collections::{BTreeMap, BTreeSet};

/// What was found.
#[derive(Debug, Default)]
pub(super) struct PeInfo {
    /// The strings of the version resource, such as `ProductName`.
    pub(super) version: BTreeMap<String, String>,
    /// There are signs of .NET.
    pub(super) is_dotnet: bool,
    /// A part that could not be read.
    pub(super) gap: Option<&'static str>,
}

/// Reads a PE file; `None` where it is none.
pub(super) fn read(bytes: &[u8]) -> Option<PeInfo> {
    const RESOURCES: usize = 2;
    const DOTNET: usize = 14;
    let [resources, dotnet] = executable::directories(bytes, [RESOURCES, DOTNET])?;
    let mut info = PeInfo::default();
    let mut has_debug_info = false;
    match resources.map(|directory| (directory.address, directory.content)) {
        Some((address, Some(section))) => {
            let mut walk = Walk::new(section, address);
            if walk.directory(0, 0).is_none() {
                info.gap = Some("the PE resources could not be read to their end");
            }
            has_debug_info = walk.has_debug_info;
            info.version = walk.strings;
        }
        Some((_, None)) => info.gap = Some("the PE resources are not all in the file"),
        None => {}
    }
    let header = dotnet.and_then(|directory| directory.content).unwrap_or_default();
    let (major, minor) = (Reader { bytes: header, at: 4 }.number(), Reader { bytes: header, at: 6 }.number());
    let has_runtime = major.is_some_and(|major| major != 0) && minor.is_some_and(|minor| minor != 0);
    info.is_dotnet = has_debug_info || has_runtime;
    Some(info)
}

/// Is the file of Microsoft's?
pub(super) fn is_microsoft(strings: &BTreeMap<String, String>) -> bool {
    let says_so = |key| strings.get(key).is_some_and(|value| value.to_lowercase().contains("microsoft"));
    ["CompanyName", "ProductName"].into_iter().any(says_so)
}

/// The name of the product. Microsoft's own files say more in their description than there.
pub(super) fn name(strings: &BTreeMap<String, String>, file_name: &str) -> String {
    let keys = if is_microsoft(strings) {
        ["FileDescription", "InternalName", "OriginalFilename", "ProductName"]
    } else {
        ["ProductName", "FileDescription", "InternalName", "OriginalFilename"]
    };
    let stem = file_name.strip_suffix(".exe").unwrap_or(file_name);
    let stem = stem.strip_suffix(".dll").unwrap_or(stem);
    let mut names = keys.into_iter().map(|key| strings.get(key).map(|value| tidy(value)).unwrap_or_default());
    names.find(|name| !name.is_empty()).unwrap_or_else(|| stem.to_owned())
}

/// The words up to the last number in a row: `v 1.2 b3 for all` is `v 1.2 b3`.
pub(super) fn version_words(text: Option<&String>) -> String {
    let has_number = |text: &str| text.contains(|c: char| c.is_ascii_digit());
    let mut out = String::new();
    for word in text.map(String::as_str).unwrap_or_default().split_whitespace() {
        if has_number(&out) && !has_number(word) {
            break;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// Blanks of any kind become one space; other control characters go.
pub(super) fn tidy(text: &str) -> String {
    let is_blank = |c: char| matches!(c, ' ' | '\t' | '\n' | '\x0c' | '\r' | '\u{a0}');
    let words = text.trim().split(is_blank).map(|word| word.replace(|c: char| c < ' ', ""));
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// One pass through the tree of resources. Offsets are those in the section; every one is checked by reading there.
struct Walk<'a> {
    section: &'a [u8],
    address: u32,
    /// Directories that were visited: a tree may name itself.
    visited: BTreeSet<usize>,
    /// Bytes that may still be read. Entries of real files do not overlap; hostile ones name the same bytes often.
    budget: usize,
    strings: BTreeMap<String, String>,
    has_debug_info: bool,
}

impl<'a> Walk<'a> {
    fn new(section: &'a [u8], address: u32) -> Self {
        let budget = section.len().saturating_mul(4);
        let (visited, strings) = (BTreeSet::new(), BTreeMap::new());
        Self { section, address, visited, budget, strings, has_debug_info: false }
    }

    /// `None` where the budget is used up or the tree is deeper than the format's three levels by far.
    fn directory(&mut self, at: usize, depth: usize) -> Option<()> {
        const MAX_DEPTH: usize = 32;
        const MAX_ENTRIES: usize = 0x1000;
        const HEADER_BYTES: usize = 16;
        const ENTRY_BYTES: usize = 8;
        self.spend(HEADER_BYTES)?;
        let mut header = self.reader(at + 12);
        let (Some(named), Some(numbered)) = (header.number(), header.number()) else { return Some(()) };
        let count = usize::from(named) + usize::from(numbered);
        if depth > MAX_DEPTH || count > MAX_ENTRIES {
            return None;
        }
        for index in 0..count {
            self.spend(ENTRY_BYTES)?;
            let mut entry = self.reader(at + HEADER_BYTES + index * ENTRY_BYTES);
            let (Some(name), Some(target)) = (entry.long(), entry.long()) else { break };
            if let Some(name) = flagged(name) {
                self.name(name)?;
            }
            match flagged(target) {
                Some(directory) if self.visited.insert(directory) => self.directory(directory, depth + 1)?,
                Some(_) => {}
                None => self.data(usize::try_from(target).ok()?)?,
            }
        }
        Some(())
    }

    /// The name of a resource: its length in UTF-16 units, then those.
    fn name(&mut self, at: usize) -> Option<()> {
        const DEBUG_INFO: &str = "CLRDEBUGINFO";
        let mut reader = self.reader(at);
        let length = usize::from(reader.number().unwrap_or_default());
        self.spend(length * 2)?;
        if length == DEBUG_INFO.len() {
            self.has_debug_info |= DEBUG_INFO.bytes().all(|letter| reader.number() == Some(letter.into()));
        }
        Some(())
    }

    /// A leaf: address and size of a resource.
    fn data(&mut self, at: usize) -> Option<()> {
        self.spend(16)?;
        let mut entry = self.reader(at);
        let (Some(address), Some(size)) = (entry.long(), entry.long()) else { return Some(()) };
        let start = address.checked_sub(self.address).and_then(|offset| usize::try_from(offset).ok());
        let resource = start.and_then(|start| self.section.get(start..start.checked_add(size as usize)?));
        let Some(resource) = resource else { return Some(()) };
        self.spend(resource.len())?;
        version_info(resource, &mut self.strings);
        Some(())
    }

    fn reader(&self, at: usize) -> Reader<'a> {
        Reader { bytes: self.section, at }
    }

    fn spend(&mut self, bytes: usize) -> Option<()> {
        self.budget = self.budget.checked_sub(bytes)?;
        Some(())
    }
}

/// The offset in a value whose highest bit says that it is one.
fn flagged(value: u32) -> Option<usize> {
    const FLAG: u32 = 0x8000_0000;
    (value & FLAG != 0).then_some((value & !FLAG) as usize)
}

/// Takes the strings of a version resource; leaves any other alone.
fn version_info(resource: &[u8], strings: &mut BTreeMap<String, String>) -> Option<()> {
    let mut reader = Reader { bytes: resource, at: 0 };
    if reader.block()?.key != "VS_VERSION_INFO" {
        return None;
    }
    reader.align();
    reader.at += 8;
    let file_version = [reader.long()?, reader.long()?];
    reader.at += 36;
    while reader.at < resource.len() {
        reader.align();
        let Some(block) = reader.block() else { break };
        if block.key != "StringFileInfo" {
            reader.at += usize::from(block.value_length);
            continue;
        }
        let start = reader.at;
        let Some(table) = reader.block() else { break };
        while reader.at - start < usize::from(table.length) {
            let Some(entry) = reader.block() else { break };
            reader.align();
            let value = if entry.value_length > 0 { reader.text() } else { String::new() };
            strings.insert(entry.key, value);
            reader.align();
        }
    }
    let version = strings.entry("FileVersion".to_owned()).or_default();
    if version.is_empty() {
        let parts = file_version.map(|part| format!("{}.{}", part >> 16, part & 0xffff));
        *version = parts.join(".");
    }
    Some(())
}

/// The head of a block of a version resource.
struct Block {
    /// Of all of it, bytes.
    length: u16,
    value_length: u16,
    key: String,
}

/// Little-endian numbers and UTF-16 texts, one after the other.
#[derive(Clone, Copy)]
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn number(&mut self) -> Option<u16> {
        let number = u16::from_le_bytes(*self.bytes.get(self.at..)?.first_chunk()?);
        self.at += 2;
        Some(number)
    }

    fn long(&mut self) -> Option<u32> {
        let number = u32::from_le_bytes(*self.bytes.get(self.at..)?.first_chunk()?);
        self.at += 4;
        Some(number)
    }

    /// A text up to its NUL or the end.
    fn text(&mut self) -> String {
        let mut text = String::new();
        while let Some(unit) = self.number().filter(|unit| *unit != 0) {
            text.push(char::from_u32(unit.into()).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        text
    }

    fn block(&mut self) -> Option<Block> {
        let (length, value_length, _) = (self.number()?, self.number()?, self.number()?);
        Some(Block { length, value_length, key: self.text() })
    }

    fn align(&mut self) {
        self.at = self.at.next_multiple_of(4);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn utf16(text: &str) -> Vec<u8> {
        text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
    }

    fn padded(mut bytes: Vec<u8>) -> Vec<u8> {
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn block(value_length: u16, key: &str, body: &[u8]) -> Vec<u8> {
        let head = padded([&[0; 6][..], &utf16(key)].concat());
        let mut all = [head, body.to_vec()].concat();
        let length = u16::try_from(all.len()).unwrap().to_le_bytes();
        all.splice(0..4, [length, value_length.to_le_bytes()].concat());
        padded(all)
    }

    fn version_resource(strings: &[(&str, &str)]) -> Vec<u8> {
        let entries =
            strings.iter().flat_map(|(key, value)| block(u16::try_from(value.len()).unwrap() + 1, key, &utf16(value)));
        let table = block(0, "040904b0", &entries.collect::<Vec<u8>>());
        let mut fixed = vec![0; 52];
        fixed.splice(8..16, [2, 0, 1, 0, 4, 0, 3, 0]);
        block(52, "VS_VERSION_INFO", &[fixed, block(0, "StringFileInfo", &table)].concat())
    }

    /// A tree of `depth` directories of one entry each, then `resource`.
    fn section(depth: usize, resource: &[u8], address: u32) -> Vec<u8> {
        let mut out = Vec::new();
        for level in 1..=depth {
            let next = u32::try_from(level * 24).unwrap() | if level < depth { 0x8000_0000 } else { 0 };
            out.extend([0; 14]);
            out.extend([1, 0]);
            out.extend(16_u32.to_le_bytes());
            out.extend(next.to_le_bytes());
        }
        let start = address + u32::try_from(out.len()).unwrap() + 16;
        out.extend(start.to_le_bytes());
        out.extend(u32::try_from(resource.len()).unwrap().to_le_bytes());
        out.extend([0; 8]);
        out.extend(resource);
        out
    }

    fn strings(section: &[u8], address: u32) -> Option<BTreeMap<String, String>> {
        let mut walk = Walk::new(section, address);
        walk.directory(0, 0).map(|()| walk.strings)
    }

    #[test]
    fn version_strings() {
        let resource = version_resource(&[("ProductName", "JRuby"), ("ProductVersion", "9.3.15.0"), ("Empty", "")]);
        let found = strings(&section(3, &resource, 0x4000), 0x4000).unwrap();
        let found: Vec<(&str, &str)> = found.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let expected =
            [("Empty", ""), ("FileVersion", "1.2.3.4"), ("ProductName", "JRuby"), ("ProductVersion", "9.3.15.0")];
        assert_eq!(found, expected);
    }

    #[test]
    fn hostile_trees() {
        let resource = version_resource(&[]);
        assert_eq!(strings(&section(40, &resource, 0), 0), None, "too deep");
        let mut itself = section(1, &resource, 0);
        itself.splice(20..24, [0, 0, 0, 0x80]);
        assert!(strings(&itself, 0).unwrap().is_empty());
        let mut many = section(1, &resource, 0);
        many.splice(12..16, [0xff; 4]);
        assert_eq!(strings(&many, 0), None, "too many");
        assert!(strings(&section(3, &resource, 0x4000), 0x9000).unwrap().is_empty());
    }

    proptest! {
        #[test]
        fn never_panics(noise in proptest::collection::vec(any::<u8>(), 0..300), at in 0..200_usize) {
            let mut bytes = section(3, &version_resource(&[("A", "b")]), 0);
            strings(&noise, 0);
            bytes.splice(at..(at + noise.len()).min(bytes.len()).max(at), noise);
            strings(&bytes, 0);
        }
    }
}
