//! Executables as the catalogers see them: sections by name, bytes by address. ELF, PE and Mach-O; fat Mach-O as parts.
//!
//! Only headers are read here. Everything in them is hostile: counts are bounded, ranges are checked against the file.

mod elf;
mod facts;
mod macho;
mod pe;

pub(super) use elf::imported_libraries;
pub(crate) use facts::{ExecutableFacts, NAME as FACTS};
pub(super) use pe::directories;

/// More sections or segments than any linker makes; the rest is not looked at.
const MAX_HEADERS: usize = 65_536;

/// The headers of one executable.
pub(super) struct Executable<'a> {
    bytes: &'a [u8],
    /// The processor, spelled as the peer does where the Go build settings do not tell it.
    pub(super) machine: String,
    pub(super) sections: Vec<Section<'a>>,
    segments: Vec<Segment>,
    pub(super) symbols: Vec<Symbols<'a>>,
}

/// A section that has a name.
pub(super) struct Section<'a> {
    pub(super) name: &'a [u8],
    pub(super) address: u64,
    /// Size in memory, bytes; `bytes` may be shorter.
    pub(super) size: u64,
    /// What the file holds of it; empty where it holds nothing.
    pub(super) bytes: &'a [u8],
}

/// A range of the file and where it is mapped.
struct Segment {
    address: u64,
    memory_bytes: u64,
    file_offset: u64,
    file_bytes: u64,
    is_writable_data: bool,
}

/// A symbol table, not yet read.
pub(super) struct Symbols<'a> {
    /// The names, each ended by a NUL.
    pub(super) names: &'a [u8],
    table: &'a [u8],
    layout: Layout,
}

/// Where in an entry of a symbol table its fields are.
#[derive(Clone, Copy)]
struct Layout {
    entry_bytes: usize,
    value_offset: usize,
    value_bytes: usize,
    is_big_endian: bool,
}

impl<'a> Executable<'a> {
    /// Reads the headers; `None` where `bytes` is none of the known formats or is corrupt from the start.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        match bytes {
            [0x7f, b'E', b'L', b'F', ..] => elf::parse(bytes),
            [b'M', b'Z', ..] => pe::parse(bytes),
            _ => macho::parse(bytes),
        }
    }

    /// The section called `name`.
    pub(super) fn section(&self, name: &str) -> Option<&Section<'a>> {
        self.sections.iter().find(|section| section.name == name.as_bytes())
    }

    /// What the file holds from `address` to the end of the segment that it is in.
    pub(super) fn at_address(&self, address: u64) -> Option<&'a [u8]> {
        let segment = self.segments.iter().find(|segment| {
            segment.file_bytes > 0
                && address.checked_sub(segment.address).is_some_and(|offset| offset < segment.file_bytes)
        })?;
        let start = segment.file_offset.checked_add(address - segment.address)?;
        let end = segment.file_offset.checked_add(segment.file_bytes)?.min(self.bytes.len() as u64);
        self.bytes.get(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
    }

    /// Address and size of the first segment that holds data to be written.
    pub(super) fn writable_data(&self) -> Option<(u64, u64)> {
        let segment = self.segments.iter().find(|segment| segment.is_writable_data)?;
        Some((segment.address, segment.memory_bytes))
    }

    /// The value of the symbol called `name`.
    pub(super) fn symbol(&self, name: &str) -> Option<u64> {
        self.symbols.iter().find_map(|symbols| symbols.value(name))
    }
}

impl Symbols<'_> {
    /// Is there a symbol of this name? Names of a COFF file that are short stand in the table itself.
    fn has(&self, name: &str) -> bool {
        const INLINE: usize = 8;
        let padded = |entry: &[u8]| {
            let inline = entry.get(..INLINE).unwrap_or_default();
            inline.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.iter().all(|byte| *byte == 0))
        };
        let quoted = [b"\0", name.as_bytes(), b"\0"].concat();
        memchr::memmem::find(self.names, &quoted).is_some()
            || (name.len() <= INLINE && self.table.chunks_exact(self.layout.entry_bytes).any(padded))
    }

    /// Is any symbol of a Mach-O file there for others? The entry point and the header's own name are not.
    fn exports(&self) -> bool {
        const EXTERNAL: u8 = 0x01;
        const PRIVATE: u8 = 0x10;
        const KIND: u8 = 0x0e;
        let mut entries = self.table.chunks_exact(self.layout.entry_bytes);
        entries.any(|entry| {
            let kind = entry.get(4).copied().unwrap_or_default();
            let is_defined = kind & EXTERNAL != 0 && kind & PRIVATE == 0 && kind & KIND != 0;
            is_defined && !matches!(self.name(entry), b"_main" | b"__mh_execute_header")
        })
    }

    fn name(&self, entry: &[u8]) -> &[u8] {
        let offset = entry.first_chunk::<4>().copied().unwrap_or_default();
        let offset = if self.layout.is_big_endian { u32::from_be_bytes(offset) } else { u32::from_le_bytes(offset) };
        let name = usize::try_from(offset).ok().and_then(|offset| self.names.get(offset..));
        name.and_then(|name| name.split(|byte| *byte == 0).next()).unwrap_or_default()
    }

    fn value(&self, name: &str) -> Option<u64> {
        let quoted = [b"\0", name.as_bytes(), b"\0"].concat();
        let start = u32::try_from(memchr::memmem::find(self.names, &quoted)? + 1).ok()?;
        let entry = self.table.chunks_exact(self.layout.entry_bytes).find(|entry| {
            let offset = entry.first_chunk::<4>().copied().unwrap_or_default();
            start == if self.layout.is_big_endian { u32::from_be_bytes(offset) } else { u32::from_le_bytes(offset) }
        })?;
        let value = entry.get(self.layout.value_offset..)?.get(..self.layout.value_bytes)?;
        let mut wide = [0; 8];
        if self.layout.is_big_endian {
            wide.get_mut(8 - value.len()..)?.copy_from_slice(value);
            return Some(u64::from_be_bytes(wide));
        }
        wide.get_mut(..value.len())?.copy_from_slice(value);
        Some(u64::from_le_bytes(wide))
    }
}

/// The executables in a file: the parts of a fat Mach-O, else the file itself.
pub(super) fn parts(bytes: &[u8]) -> Vec<&[u8]> {
    if bytes.starts_with(&[0xca, 0xfe, 0xba, 0xbe]) { macho::fat_parts(bytes) } else { vec![bytes] }
}

/// `count` bytes of `bytes` from `offset`; `None` where they are not all there.
fn range(bytes: &[u8], offset: u64, count: u64) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    bytes.get(start..start.checked_add(usize::try_from(count).ok()?)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn own_program() {
        let bytes = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let file = Executable::parse(&bytes).unwrap();
        let text = file.section(".text").unwrap();
        assert_eq!(file.at_address(text.address).unwrap().get(..16), text.bytes.get(..16));
        assert_eq!(file.machine, "x86_64");
        assert!(imported_libraries(&bytes).iter().any(|name| name.starts_with("libc.so")));
        assert!(file.symbol("main").is_some());
        assert_eq!(file.symbol("no such symbol"), None);
        assert!(file.writable_data().is_some());
    }

    proptest! {
        #[test]
        fn never_panics(magic in 0..6_usize, noise in proptest::collection::vec(any::<u8>(), 0..600)) {
            let magics: [&[u8]; 6] = [
                b"\x7fELF\x02\x01\x01", b"\x7fELF\x01\x02\x01", b"MZ", b"\xcf\xfa\xed\xfe", b"\xfe\xed\xfa\xce",
                b"\xca\xfe\xba\xbe\0\0\0\x02",
            ];
            let bytes = [magics[magic], &noise].concat();
            for part in parts(&bytes) {
                if let Some(file) = Executable::parse(part) {
                    let _ = (file.writable_data(), file.at_address(7), file.symbol("x"));
                }
                imported_libraries(part);
            }
        }

        #[test]
        fn survives_damage(at in 0..4096_usize, noise in proptest::collection::vec(any::<u8>(), 1..64)) {
            let mut bytes = std::fs::read("/bin/sh").unwrap_or_default();
            bytes.truncate(200_000);
            if let Some(place) = bytes.get_mut(at..at + noise.len()) {
                place.copy_from_slice(&noise);
            }
            if let Some(file) = Executable::parse(&bytes) {
                let _ = (file.writable_data(), file.symbol("x"));
            }
            imported_libraries(&bytes);
        }
    }
}
