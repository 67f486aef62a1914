//! The advisory database: one file, opened without reading it through.
//!
//! [`Builder`] makes the file, [`Database`] reads it in place (from a memory map or any bytes), touching only what a
//! question needs. Equal advisories make equal bytes. `layout` is the frame, `index` the lookups, `claim` and `record`
//! the contents, `tables` the small lists.

mod builder;
mod claim;
mod index;
mod layout;
mod record;
mod tables;
mod words;

pub use builder::{BuildError, Builder};
pub use claim::{Claim, ClaimEnd, ClaimRange, ClaimScope};
pub use layout::FORMAT_VERSION;
pub use record::{Advisory, AdvisoryText, RecordIndex, Score};
pub use tables::{EndOfLife, Epss, Facts, SourceReport};

use crate::ecosystem::CPE;
use advisory::Kev;
use index::Index;
use layout::{Cursor, Section, Sections, u32_at};
use std::collections::{BTreeSet, HashMap};
use words::Words;

/// Key under which the products of all vendors are filed.
const PRODUCT: &str = "cpe-product";
/// The longest decompressed block of texts, bytes.
const MAX_TEXT_BLOCK_BYTES: usize = 32 << 20;

/// Why a database cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// The bytes are something else.
    #[error("not an advisory database")]
    NotADatabase,
    /// Made by another version.
    #[error("the advisory database has format {found}, this build reads format {known}")]
    Version {
        /// In the file.
        found: u32,
        /// Of this build.
        known: u32,
    },
    /// Cut short, or something was appended.
    #[error("the advisory database is {actual} bytes long, its header says {stated}")]
    Length {
        /// In the header.
        stated: u64,
        /// Of the file.
        actual: u64,
    },
    /// A digest differs.
    #[error("the advisory database is damaged: the digest of its {0} differs")]
    Digest(&'static str),
    /// A section is not there.
    #[error("the advisory database has no section {0}")]
    Missing(&'static str),
    /// Contents that make no sense.
    #[error("the advisory database is damaged in its {0}")]
    Corrupt(&'static str),
}

/// An opened advisory database.
#[derive(Debug, Clone)]
pub struct Database<'a> {
    file: &'a [u8],
    sections: Sections<'a>,
    facts: Facts,
    words: Words<'a>,
    packages: Index<'a>,
    claims: &'a [u8],
    record_offsets: &'a [u8],
    records: &'a [u8],
    ids: Index<'a>,
    text_offsets: &'a [u8],
    texts: &'a [u8],
}

impl<'a> Database<'a> {
    /// Opens the bytes of a database file. Checks the header, not the contents: that is [`Self::verify`]'s.
    /// Costs a few microseconds whatever the size.
    ///
    /// # Errors
    /// Where the bytes are no database, of another format version, or cut short.
    pub fn open(file: &'a [u8]) -> Result<Self, DatabaseError> {
        let sections = Sections::open(file)?;
        let get = |section| sections.get(section).map(|found| found.bytes);
        Ok(Self {
            file,
            facts: tables::read_facts(get(Section::Facts)?)?,
            words: Words::open(get(Section::Words)?)?,
            packages: Index::open(get(Section::PackageBuckets)?, get(Section::PackageEntries)?)?,
            claims: get(Section::Claims)?,
            record_offsets: get(Section::RecordOffsets)?,
            records: get(Section::Records)?,
            ids: Index::open(get(Section::IdBuckets)?, get(Section::IdEntries)?)?,
            text_offsets: get(Section::TextOffsets)?,
            texts: get(Section::Texts)?,
            sections,
        })
    }

    /// Reads the whole file and compares every digest; for after a download, an import, and on demand.
    ///
    /// # Errors
    /// Names the section whose digest differs.
    pub fn verify(&self) -> Result<(), DatabaseError> {
        self.sections.verify(self.file)
    }

    /// SHA-256 that stands for the whole file, `sha256:...`.
    #[must_use]
    pub fn digest(&self) -> String {
        self.sections.root.iter().fold(String::from("sha256:"), |text, byte| text + &format!("{byte:02x}"))
    }

    /// Time of building and counts.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Claims on a package. `ecosystem` is a key as [`crate::ecosystem::key`] gives, the name is compared without
    /// case.
    ///
    /// # Errors
    /// Where the file is corrupt.
    pub fn claims(&self, ecosystem: &str, name: &str) -> Result<Claims<'a>, DatabaseError> {
        match self.posting(ecosystem, name)? {
            Some(posting) => Ok(Claims { cursor: posting.cursor, left: posting.count, words: self.words }),
            None => Ok(Claims { cursor: Cursor::new(&[], "claims"), left: 0, words: self.words }),
        }
    }

    /// Claims on a CPE's part, vendor and product.
    ///
    /// # Errors
    /// Where the file is corrupt.
    pub fn cpe_claims(&self, part_vendor_product: &str) -> Result<Claims<'a>, DatabaseError> {
        self.claims(CPE, part_vendor_product)
    }

    /// The `part:vendor:product` names that claims on CPEs have for a product, in order.
    ///
    /// # Errors
    /// Where the file is corrupt.
    pub fn products(&self, product: &str) -> Result<Vec<&'a str>, DatabaseError> {
        let Some(mut posting) = self.posting(PRODUCT, product)? else { return Ok(Vec::new()) };
        (0..posting.count).map(|_| posting.cursor.text()).collect()
    }

    fn posting(&self, ecosystem: &str, name: &str) -> Result<Option<Posting<'a>>, DatabaseError> {
        for offset in self.packages.candidates(index::hash(&[ecosystem, name]))? {
            let mut cursor = Cursor::at(self.claims, offset as usize, "claims")?;
            let found_ecosystem = self.words.read(&mut cursor)?;
            let found_name = cursor.text()?;
            if found_ecosystem == ecosystem && found_name.eq_ignore_ascii_case(name) {
                return Ok(Some(Posting { count: cursor.count()?, cursor }));
            }
        }
        Ok(None)
    }

    /// The publishers of its advisories, as namespaces begin with them.
    ///
    /// # Errors
    /// Where the file is corrupt.
    pub fn providers(&self) -> Result<BTreeSet<&'a str>, DatabaseError> {
        self.advisories().map(|advisory| Ok(advisory?.provider())).collect()
    }

    /// Every package that has claims, as (ecosystem key, name), in no order that means anything. Touches all claims.
    ///
    /// # Errors
    /// Where the file is corrupt.
    pub fn packages(&self) -> impl Iterator<Item = Result<(&'a str, &'a str), DatabaseError>> + '_ {
        self.packages.values().filter_map(|offset| {
            let read = || {
                let mut cursor = Cursor::at(self.claims, offset as usize, "claims")?;
                Ok((self.words.read(&mut cursor)?, cursor.text()?))
            };
            Some(read()).filter(|package| !matches!(package, Ok((PRODUCT, _))))
        })
    }

    /// What matching needs of an advisory.
    ///
    /// # Errors
    /// Where the file is corrupt or the index is of another file.
    pub fn advisory(&self, index: RecordIndex) -> Result<Advisory<'a>, DatabaseError> {
        record::read(index, self.record_cursor(index)?, self.words)
    }

    fn record_cursor(&self, index: RecordIndex) -> Result<Cursor<'a>, DatabaseError> {
        let offset = u32_at(self.record_offsets, index.0 as usize, "records")?;
        Cursor::at(self.records, offset as usize, "records")
    }

    /// Advisories that bear the identifier or have it among their aliases or the flaws they fix, in order of their
    /// numbers. Case does not matter.
    ///
    /// # Errors
    /// Where the file is corrupt.
    pub fn find(&self, id: &str) -> Result<Vec<Advisory<'a>>, DatabaseError> {
        let mut found = Vec::new();
        for number in self.ids.candidates(index::hash(&[id]))? {
            let advisory = self.advisory(RecordIndex(number))?;
            let named = |other: &&str| other.eq_ignore_ascii_case(id);
            if named(&advisory.id) || advisory.aliases.iter().chain(&advisory.related).any(named) {
                found.push(advisory);
            }
        }
        Ok(found)
    }

    /// Advisories that bear the identifier itself, in order of their numbers. Case does not matter.
    ///
    /// # Errors
    /// Where the file is corrupt.
    pub fn named(&self, id: &str) -> Result<Vec<Advisory<'a>>, DatabaseError> {
        let mut found = Vec::new();
        for number in self.ids.candidates(index::hash(&[id]))? {
            let mut cursor = self.record_cursor(RecordIndex(number))?;
            if cursor.text()?.eq_ignore_ascii_case(id) {
                found.push(self.advisory(RecordIndex(number))?);
            }
        }
        Ok(found)
    }

    /// All advisories, in order.
    ///
    /// # Errors
    /// Where the file is corrupt.
    pub fn advisories(&self) -> impl Iterator<Item = Result<Advisory<'a>, DatabaseError>> + '_ {
        (0..self.facts.records).map(|number| self.advisory(RecordIndex(number)))
    }

    /// The texts of advisories, keeping blocks that were unpacked.
    #[must_use]
    pub fn texts(&self) -> Texts<'a> {
        Texts { offsets: self.text_offsets, bytes: self.texts, unpacked: HashMap::new() }
    }

    /// The entry of a CVE in the catalogue of exploited flaws.
    ///
    /// # Errors
    /// Where the file is corrupt.
    pub fn exploited(&self, cve: &str) -> Result<Option<Kev>, DatabaseError> {
        tables::find_exploited(self.sections.get(Section::Exploited)?.bytes, &cve.to_ascii_uppercase())
    }

    /// The exploit prediction score of a CVE.
    ///
    /// # Errors
    /// Where the file is corrupt.
    pub fn epss(&self, cve: &str) -> Result<Option<Epss>, DatabaseError> {
        tables::find_epss(self.sections.get(Section::Epss)?.bytes, cve)
    }

    /// Ends of life of all releases known.
    ///
    /// # Errors
    /// Where the file is corrupt.
    pub fn ends_of_life(&self) -> Result<Vec<EndOfLife>, DatabaseError> {
        tables::read_end_of_life(self.sections.get(Section::EndOfLife)?.bytes)
    }

    /// The publishers.
    ///
    /// # Errors
    /// Where the file is corrupt.
    pub fn sources(&self) -> Result<Vec<SourceReport>, DatabaseError> {
        tables::read_sources(self.sections.get(Section::Sources)?.bytes)
    }

    /// Keys of the ecosystems that have claims, sorted: `alpine:3.18`, `debian:12`, `npm`, ...
    ///
    /// # Errors
    /// Where the file is corrupt.
    pub fn ecosystems(&self) -> Result<Vec<&'a str>, DatabaseError> {
        let mut cursor = Cursor::new(self.sections.get(Section::Ecosystems)?.bytes, "ecosystems");
        (0..cursor.count()?).map(|_| cursor.text()).collect()
    }
}

struct Posting<'a> {
    count: usize,
    cursor: Cursor<'a>,
}

/// Claims on one package, in the order of their advisories.
#[derive(Debug, Clone)]
pub struct Claims<'a> {
    cursor: Cursor<'a>,
    left: usize,
    words: Words<'a>,
}

impl<'a> Iterator for Claims<'a> {
    type Item = Result<Claim<'a>, DatabaseError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let read = self.cursor.bytes().and_then(|bytes| Claim::read(bytes, self.words));
        if read.is_err() {
            self.left = 0;
        }
        Some(read)
    }
}

/// See [`Database::texts`].
#[derive(Debug)]
pub struct Texts<'a> {
    offsets: &'a [u8],
    bytes: &'a [u8],
    unpacked: HashMap<u32, Vec<u8>>,
}

impl Texts<'_> {
    /// The texts of an advisory.
    ///
    /// # Errors
    /// Where the file is corrupt.
    pub fn of(&mut self, advisory: &Advisory<'_>) -> Result<AdvisoryText, DatabaseError> {
        const WHAT: &str = "texts";
        let place = advisory.text;
        if !self.unpacked.contains_key(&place.block) {
            let block = place.block as usize;
            let start = u32_at(self.offsets, block, WHAT)? as usize;
            let end = u32_at(self.offsets, block.saturating_add(1), WHAT)? as usize;
            let packed = self.bytes.get(start..end).ok_or(DatabaseError::Corrupt(WHAT))?;
            let unpacked =
                zstd::bulk::decompress(packed, unpacked_length(packed)?).map_err(|_| DatabaseError::Corrupt(WHAT))?;
            self.unpacked.insert(place.block, unpacked);
        }
        let block = self.unpacked.get(&place.block).ok_or(DatabaseError::Corrupt(WHAT))?;
        record::read_text(Cursor::at(block, place.offset as usize, WHAT)?)
    }
}

/// The frame says how long its content is; the builder always writes that.
fn unpacked_length(packed: &[u8]) -> Result<usize, DatabaseError> {
    let stated = zstd::zstd_safe::get_frame_content_size(packed).ok().flatten();
    let length =
        stated.and_then(|length| usize::try_from(length).ok()).filter(|length| *length <= MAX_TEXT_BLOCK_BYTES);
    length.ok_or(DatabaseError::Corrupt("texts"))
}
