//! Where things are in the file: the header, the table of sections, and reading numbers and texts within bounds.
//!
//! ```text
//! magic 8 | version u32 | sections u32 | file length u64 | table: (kind u32, zero u32, offset u64, length u64,
//! SHA-256 of the section) each | SHA-256 of all before
//! ```
//! Numbers are little-endian. The digest at the end of the header covers the digests of the sections, so it stands for
//! the whole file.

use super::DatabaseError;
use aws_lc_rs::digest::{SHA256, digest};

/// First bytes of every advisory database.
pub(crate) const MAGIC: [u8; 8] = *b"PALADVDB";
/// The one version of the layout that this build reads and writes.
pub const FORMAT_VERSION: u32 = 1;
/// More sections than any version will have; bounds the table.
const MAX_SECTIONS: usize = 64;
const FIXED_HEADER_BYTES: usize = 24;
const TABLE_ENTRY_BYTES: usize = 56;
pub(crate) const DIGEST_BYTES: usize = 32;
/// The longest list that is written or read.
pub(crate) const MAX_LIST: usize = 1 << 20;
/// Sections start at multiples of this.
pub(crate) const ALIGNMENT: u64 = 8;

macro_rules! sections {
    ($( $(#[$doc:meta])* $name:ident = $number:literal, )+) => {
        /// The parts of the file.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Section { $( $(#[$doc])* $name, )+ }

        impl Section {
            pub(crate) const ALL: &'static [Self] = &[ $( Self::$name, )+ ];

            pub(crate) fn number(self) -> u32 {
                match self { $( Self::$name => $number, )+ }
            }

            pub(crate) fn name(self) -> &'static str {
                match self { $( Self::$name => stringify!($name), )+ }
            }
        }
    };
}

sections! {
    /// When it was built, counts, the date of EPSS.
    Facts = 1,
    /// Texts that many records share.
    Words = 2,
    /// The ecosystems and distribution releases there are.
    Ecosystems = 3,
    /// Hash index of package names: starts of buckets.
    PackageBuckets = 4,
    /// Hash index of package names: entries.
    PackageEntries = 5,
    /// What advisories say of each package, a package's claims side by side.
    Claims = 6,
    /// Where each record starts.
    RecordOffsets = 7,
    /// What matching needs of each record.
    Records = 8,
    /// Hash index of identifiers: starts of buckets.
    IdBuckets = 9,
    /// Hash index of identifiers: entries.
    IdEntries = 10,
    /// Where each block of texts starts.
    TextOffsets = 11,
    /// What only reports need: compressed blocks.
    Texts = 12,
    /// Known exploited flaws.
    Exploited = 13,
    /// Exploit prediction scores.
    Epss = 14,
    /// Ends of life of distribution releases.
    EndOfLife = 15,
    /// The publishers, their licences and counts.
    Sources = 16,
}

/// A section of an opened file, with the digest that the header states for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SectionBytes<'a> {
    pub(crate) bytes: &'a [u8],
    sha256: &'a [u8],
    start: usize,
}

/// Sections by [`Section`], checked to lie within the file.
#[derive(Debug, Clone)]
pub(crate) struct Sections<'a> {
    list: Vec<(u32, SectionBytes<'a>)>,
    /// SHA-256 over the header, so over everything.
    pub(crate) root: &'a [u8],
    /// End of the header; sections may start here.
    header_bytes: usize,
}

impl<'a> Sections<'a> {
    /// Checks magic, version, length, the table's bounds and the header's digest. Touches nothing else.
    pub(crate) fn open(file: &'a [u8]) -> Result<Self, DatabaseError> {
        let mut cursor = Cursor::new(file, "header");
        if cursor.take(MAGIC.len()).map_err(|_| DatabaseError::NotADatabase)? != MAGIC {
            return Err(DatabaseError::NotADatabase);
        }
        let version = cursor.u32()?;
        if version != FORMAT_VERSION {
            return Err(DatabaseError::Version { found: version, known: FORMAT_VERSION });
        }
        let count = cursor.u32()? as usize;
        let stated_length = cursor.u64()?;
        if stated_length != file.len() as u64 {
            return Err(DatabaseError::Length { stated: stated_length, actual: file.len() as u64 });
        }
        if count > MAX_SECTIONS {
            return Err(DatabaseError::Corrupt("header"));
        }
        let table_end = FIXED_HEADER_BYTES + count * TABLE_ENTRY_BYTES;
        let root = file.get(table_end..table_end + DIGEST_BYTES).ok_or(DatabaseError::Corrupt("header"))?;
        let covered = file.get(..table_end).ok_or(DatabaseError::Corrupt("header"))?;
        if digest(&SHA256, covered).as_ref() != root {
            return Err(DatabaseError::Digest("header"));
        }
        let mut list = Vec::with_capacity(count);
        for _ in 0..count {
            let kind = cursor.u32()?;
            let _ = cursor.u32()?;
            let start = usize::try_from(cursor.u64()?).map_err(|_| DatabaseError::Corrupt("header"))?;
            let length = usize::try_from(cursor.u64()?).map_err(|_| DatabaseError::Corrupt("header"))?;
            let sha256 = cursor.take(DIGEST_BYTES)?;
            let end = start.checked_add(length).ok_or(DatabaseError::Corrupt("header"))?;
            let bytes = file.get(start..end).ok_or(DatabaseError::Corrupt("header"))?;
            list.push((kind, SectionBytes { bytes, sha256, start }));
        }
        Ok(Self { list, root, header_bytes: table_end + DIGEST_BYTES })
    }

    pub(crate) fn get(&self, section: Section) -> Result<SectionBytes<'a>, DatabaseError> {
        let number = section.number();
        let found = self.list.iter().find(|(kind, _)| *kind == number);
        found.map(|(_, bytes)| *bytes).ok_or(DatabaseError::Missing(section.name()))
    }

    /// Reads every section and compares its digest; then that nothing but zeros lies between them.
    pub(crate) fn verify(&self, file: &[u8]) -> Result<(), DatabaseError> {
        let mut covered = self.header_bytes;
        for (kind, section) in &self.list {
            let name =
                Section::ALL.iter().find(|known| known.number() == *kind).map_or("unknown", |known| known.name());
            if digest(&SHA256, section.bytes).as_ref() != section.sha256 {
                return Err(DatabaseError::Digest(name));
            }
            let gap = file.get(covered..section.start).ok_or(DatabaseError::Corrupt("header"))?;
            if gap.iter().any(|byte| *byte != 0) {
                return Err(DatabaseError::Digest("padding"));
            }
            covered = section.start + section.bytes.len();
        }
        match file.get(covered..) {
            Some(rest) if rest.iter().all(|byte| *byte == 0) => Ok(()),
            _ => Err(DatabaseError::Digest("padding")),
        }
    }
}

/// Lays out the header for sections that follow it in order, with padding to [`ALIGNMENT`].
pub(crate) fn header(sections: &[(Section, &[u8])]) -> Vec<u8> {
    let header_length = (FIXED_HEADER_BYTES + sections.len() * TABLE_ENTRY_BYTES + DIGEST_BYTES) as u64;
    let mut at = header_length.next_multiple_of(ALIGNMENT);
    let mut table = Vec::new();
    for (section, bytes) in sections {
        table.extend_from_slice(&section.number().to_le_bytes());
        table.extend_from_slice(&0u32.to_le_bytes());
        table.extend_from_slice(&at.to_le_bytes());
        table.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        table.extend_from_slice(digest(&SHA256, bytes).as_ref());
        at = (at + bytes.len() as u64).next_multiple_of(ALIGNMENT);
    }
    let mut out = Vec::with_capacity(FIXED_HEADER_BYTES + table.len() + DIGEST_BYTES);
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
    out.extend_from_slice(&(sections.len() as u32).to_le_bytes());
    out.extend_from_slice(&at.to_le_bytes());
    out.extend_from_slice(&table);
    let root = digest(&SHA256, &out);
    out.extend_from_slice(root.as_ref());
    out.resize(header_length.next_multiple_of(ALIGNMENT) as usize, 0);
    out
}

/// Reads forward through bytes; never past their end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
    /// What is being read, for the error.
    what: &'static str,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8], what: &'static str) -> Self {
        Self { rest: bytes, what }
    }

    /// From an offset in `bytes`.
    pub(crate) fn at(bytes: &'a [u8], offset: usize, what: &'static str) -> Result<Self, DatabaseError> {
        bytes.get(offset..).map(|rest| Self { rest, what }).ok_or(DatabaseError::Corrupt(what))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], DatabaseError> {
        match self.rest.split_at_checked(count) {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(taken)
            }
            None => Err(DatabaseError::Corrupt(self.what)),
        }
    }

    pub(crate) fn byte(&mut self) -> Result<u8, DatabaseError> {
        match self.rest.split_first() {
            Some((byte, rest)) => {
                self.rest = rest;
                Ok(*byte)
            }
            None => Err(DatabaseError::Corrupt(self.what)),
        }
    }

    pub(crate) fn u32(&mut self) -> Result<u32, DatabaseError> {
        let bytes = self.take(4)?;
        <[u8; 4]>::try_from(bytes).map(u32::from_le_bytes).map_err(|_| DatabaseError::Corrupt(self.what))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, DatabaseError> {
        let bytes = self.take(8)?;
        <[u8; 8]>::try_from(bytes).map(u64::from_le_bytes).map_err(|_| DatabaseError::Corrupt(self.what))
    }

    /// LEB128, at most five bytes.
    pub(crate) fn number(&mut self) -> Result<u32, DatabaseError> {
        let mut value = 0u64;
        for shift in (0..35).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return u32::try_from(value).map_err(|_| DatabaseError::Corrupt(self.what));
            }
        }
        Err(DatabaseError::Corrupt(self.what))
    }

    /// A count of things that each take at least one byte, so no more than are left, nor than [`MAX_LIST`].
    pub(crate) fn count(&mut self) -> Result<usize, DatabaseError> {
        let count = self.number()? as usize;
        if count > self.rest.len().min(MAX_LIST) { Err(DatabaseError::Corrupt(self.what)) } else { Ok(count) }
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], DatabaseError> {
        let length = self.number()? as usize;
        self.take(length)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, DatabaseError> {
        let bytes = self.bytes()?;
        std::str::from_utf8(bytes).map_err(|_| DatabaseError::Corrupt(self.what))
    }
}

/// Writes what [`Cursor`] reads.
#[derive(Debug, Default)]
pub(crate) struct Pen {
    pub(crate) bytes: Vec<u8>,
}

impl Pen {
    pub(crate) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn number(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.bytes.push((value as u8 & 0x7f) | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    pub(crate) fn block(&mut self, bytes: &[u8]) {
        self.number(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.block(text.as_bytes());
    }
}

/// The `index`-th of an array of u32.
pub(crate) fn u32_at(bytes: &[u8], index: usize, what: &'static str) -> Result<u32, DatabaseError> {
    let start = index.checked_mul(4).ok_or(DatabaseError::Corrupt(what))?;
    Cursor::at(bytes, start, what)?.u32()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_round_trip() {
        for value in [0, 1, 127, 128, 300, 16_383, 16_384, u32::MAX] {
            let mut pen = Pen::default();
            pen.number(value);
            assert_eq!(Cursor::new(&pen.bytes, "test").number().unwrap(), value);
        }
    }

    #[test]
    fn too_long_numbers_are_refused() {
        assert!(Cursor::new(&[0xff; 6], "test").number().is_err());
        assert!(Cursor::new(&[0xff, 0xff, 0xff, 0xff, 0x7f], "test").number().is_err());
    }

    #[test]
    fn a_header_opens_and_a_changed_one_does_not() {
        let sections: [(Section, &[u8]); 2] = [(Section::Facts, b"facts"), (Section::Words, b"w")];
        let mut file = header(&sections);
        for (_, bytes) in sections {
            file.extend_from_slice(bytes);
            file.resize(file.len().next_multiple_of(8), 0);
        }
        let opened = Sections::open(&file).unwrap();
        assert_eq!(opened.get(Section::Facts).unwrap().bytes, b"facts");
        opened.verify(&file).unwrap();
        assert!(matches!(opened.get(Section::Epss), Err(DatabaseError::Missing("Epss"))));
        let mut changed = file.clone();
        changed[40] ^= 1;
        assert!(matches!(Sections::open(&changed), Err(DatabaseError::Digest("header"))));
        assert!(matches!(Sections::open(&file[..file.len() - 1]), Err(DatabaseError::Length { .. })));
        let mut changed = file.clone();
        let last = changed.len() - 1;
        changed[last] = 1;
        let opened = Sections::open(&changed).unwrap();
        assert!(matches!(opened.verify(&changed), Err(DatabaseError::Digest("padding"))));
    }
}
