//! Makes a database file. Advisories may come in any order; equal sets make equal bytes.

use super::claim;
use super::index;
use super::layout::{self, Pen, Section};
use super::record::{self, TextPlace};
use super::tables::{self, EndOfLife, Facts, SourceReport};
use super::words::WordTable;
use super::{MAX_TEXT_BLOCK_BYTES, PRODUCT};
use crate::ecosystem::{self, CPE, python_name};
use crate::order::{self, MissingEpoch, Version};
use advisory::{Affected, Ecosystem, Kev, Record};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

/// Texts are packed in blocks of about this size, unpacked: a report unpacks few, and each packs well.
const TEXT_BLOCK_BYTES: usize = 32 << 10;
const PACKING_LEVEL: i32 = 15;

/// Why a database cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// An advisory has more entries, or longer ones, than the format holds.
    #[error("advisory {id} is too large")]
    TooLarge {
        /// Its identifier.
        id: String,
    },
    /// More than 4 GiB of claims, records or texts.
    #[error("the database would be too large: {0}")]
    Full(&'static str),
    /// An advisory that cannot be kept until the end.
    #[error("advisory {id} cannot be kept")]
    Keep {
        /// Its identifier.
        id: String,
        /// The cause.
        #[source]
        source: postcard::Error,
    },
    /// The writer failed.
    #[error("the database cannot be written")]
    Write(#[source] io::Error),
}

/// Collects advisories and what goes with them.
#[derive(Debug, Default)]
pub struct Builder {
    built: String,
    kept: Vec<Kept>,
    bytes: Vec<u8>,
    exploited: BTreeMap<String, Kev>,
    epss: BTreeMap<u32, (f64, f64)>,
    epss_date: String,
    ends_of_life: BTreeSet<EndOfLife>,
    sources: BTreeMap<String, SourceReport>,
}

/// An advisory waiting to be written; its bytes are the whole of it.
#[derive(Debug)]
struct Kept {
    id: String,
    start: usize,
    end: usize,
}

impl Builder {
    /// Nothing yet. `built` is an RFC 3339 time that is recorded as is; equal inputs with equal times make equal files.
    #[must_use]
    pub fn new(built: impl Into<String>) -> Self {
        Self { built: built.into(), ..Self::default() }
    }

    /// Adds an advisory. One that was already added with the same content counts once.
    ///
    /// # Errors
    /// Where it has lists or texts that are too long for the format.
    pub fn add(&mut self, record: &Record) -> Result<(), BuildError> {
        if !within_limits(record) {
            return Err(BuildError::TooLarge { id: record.id.clone() });
        }
        let keep = |source| BuildError::Keep { id: record.id.clone(), source };
        let start = self.bytes.len();
        let bytes = std::mem::take(&mut self.bytes);
        self.bytes = postcard::to_extend(record, bytes).map_err(keep)?;
        self.kept.push(Kept { id: record.id.clone(), start, end: self.bytes.len() });
        Ok(())
    }

    /// Adds an entry of the catalogue of exploited flaws; a later one for the same CVE replaces it.
    pub fn add_kev(&mut self, kev: Kev) {
        self.exploited.insert(kev.cve.to_ascii_uppercase(), kev);
    }

    /// Adds an exploit prediction score. What is no CVE has none.
    pub fn add_epss(&mut self, cve: &str, score: f64, percentile: f64) {
        if let Some(number) = tables::cve_number(cve) {
            self.epss.insert(number, (score, percentile));
        }
    }

    /// Date of the exploit prediction scores, `YYYY-MM-DD`.
    pub fn set_epss_date(&mut self, date: impl Into<String>) {
        self.epss_date = date.into();
    }

    /// Adds the end of life of a release.
    pub fn add_eol(&mut self, end: EndOfLife) {
        self.ends_of_life.insert(end);
    }

    /// Adds a source's report; one source, one report.
    pub fn add_source(&mut self, source: SourceReport) {
        self.sources.insert(source.name.clone(), source);
    }

    /// Advisories added so far, repetitions included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether no advisory was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Writes the file.
    ///
    /// # Errors
    /// Where the writer fails, or more was added than the format holds.
    pub fn finish(mut self, out: &mut impl Write) -> Result<Facts, BuildError> {
        let bytes = std::mem::take(&mut self.bytes);
        let content = |kept: &Kept| bytes.get(kept.start..kept.end).unwrap_or_default();
        self.kept.sort_by(|a, b| a.id.cmp(&b.id).then_with(|| content(a).cmp(content(b))));
        self.kept.dedup_by(|a, b| a.id == b.id && content(a) == content(b));
        let mut writer = Writer::default();
        for kept in &self.kept {
            let keep = |source| BuildError::Keep { id: kept.id.clone(), source };
            writer.add(postcard::from_bytes(content(kept)).map_err(keep)?)?;
        }
        drop(bytes);
        writer.finish(self, out)
    }
}

fn within_limits(record: &Record) -> bool {
    let texts = record.details.len() + record.summary.len();
    let lists = [record.aliases.len(), record.related.len(), record.cwes.len(), record.references.len()];
    let references: usize = record.references.iter().map(|reference| reference.url.len() + 64).sum();
    let affected = |affected: &Affected| tables::fits(affected.ranges.len()) && tables::fits(affected.versions.len());
    lists.iter().all(|length| tables::fits(*length))
        && tables::fits(record.affected.len())
        && texts + references < MAX_TEXT_BLOCK_BYTES / 4
        && record.affected.iter().all(affected)
}

/// What is being written, section by section.
#[derive(Default)]
struct Writer {
    words: WordTable,
    record_offsets: Pen,
    records: Pen,
    record_count: u32,
    ids: Vec<(u64, u32)>,
    block: Pen,
    text_offsets: Pen,
    texts: Vec<u8>,
    block_count: u32,
    claims: Vec<KeptClaim>,
    claim_bytes: Pen,
}

/// A claim waiting to stand beside the others on its package.
struct KeptClaim {
    ecosystem: String,
    /// Lower case.
    name: String,
    start: usize,
    end: usize,
}

impl Writer {
    fn add(&mut self, record: Record) -> Result<(), BuildError> {
        let number = self.record_count;
        let mut packages = Vec::new();
        for affected in record.affected.iter().cloned().map(settled) {
            let key = ecosystem::key(&affected.package.ecosystem);
            let name = affected.package.name.to_ascii_lowercase();
            packages.push((key.clone(), affected.package.name.clone()));
            let start = self.claim_bytes.bytes.len();
            claim::write(&mut self.claim_bytes, &mut self.words, number, &affected);
            let end = self.claim_bytes.bytes.len();
            self.claims.push(KeptClaim { ecosystem: key, name, start, end });
        }
        packages.sort();
        packages.dedup();
        let text = TextPlace { block: self.block_count, offset: self.block.bytes.len() as u32 };
        record::write_text(&mut self.block, &record, &packages);
        if self.block.bytes.len() >= TEXT_BLOCK_BYTES {
            self.close_block()?;
        }
        self.record_offsets.u32(offset(self.records.bytes.len(), "records")?);
        record::write(&mut self.records, &mut self.words, &record, text);
        let mut ids: Vec<u64> = [&record.id]
            .into_iter()
            .chain(&record.aliases)
            .chain(&record.related)
            .map(|id| index::hash(&[id]))
            .collect();
        ids.sort_unstable();
        ids.dedup();
        self.ids.extend(ids.into_iter().map(|hash| (hash, number)));
        self.record_count += 1;
        Ok(())
    }

    fn close_block(&mut self) -> Result<(), BuildError> {
        let packed = zstd::bulk::compress(&self.block.bytes, PACKING_LEVEL).map_err(BuildError::Write)?;
        self.text_offsets.u32(offset(self.texts.len(), "texts")?);
        self.texts.extend_from_slice(&packed);
        self.block.bytes.clear();
        self.block_count += 1;
        Ok(())
    }

    fn finish(mut self, builder: Builder, out: &mut impl Write) -> Result<Facts, BuildError> {
        if !self.block.bytes.is_empty() {
            self.close_block()?;
        }
        self.text_offsets.u32(offset(self.texts.len(), "texts")?);
        let claim_count = self.claims.len() as u32;
        let WrittenClaims { claims, packages, ecosystems } = self.write_claims()?;
        let facts = Facts {
            built: builder.built,
            epss_date: builder.epss_date,
            records: self.record_count,
            claims: claim_count,
            packages: packages.len() as u32,
        };
        let package_index = index::write(packages);
        let id_index = index::write(self.ids);
        let exploited: Vec<Kev> = builder.exploited.into_values().collect();
        let epss: Vec<_> =
            builder.epss.into_iter().map(|(number, (score, percentile))| (number, score, percentile)).collect();
        let ends: Vec<_> = builder.ends_of_life.into_iter().collect();
        let sources: Vec<_> = builder.sources.into_values().collect();
        let sections: Vec<(Section, Vec<u8>)> = vec![
            (Section::Facts, tables::write_facts(&facts)),
            (Section::Words, self.words.write()),
            (Section::Ecosystems, ecosystems),
            (Section::PackageBuckets, package_index.buckets),
            (Section::PackageEntries, package_index.entries),
            (Section::Claims, claims),
            (Section::RecordOffsets, self.record_offsets.bytes),
            (Section::Records, self.records.bytes),
            (Section::IdBuckets, id_index.buckets),
            (Section::IdEntries, id_index.entries),
            (Section::TextOffsets, self.text_offsets.bytes),
            (Section::Texts, self.texts),
            (Section::Exploited, tables::write_exploited(&exploited)),
            (Section::Epss, tables::write_epss(&epss)),
            (Section::EndOfLife, tables::write_end_of_life(&ends)),
            (Section::Sources, tables::write_sources(&sources)),
        ];
        write_sections(&sections, out).map_err(BuildError::Write)?;
        Ok(facts)
    }

    /// Claims grouped by package, the index of the groups, and the list of ecosystems.
    fn write_claims(&mut self) -> Result<WrittenClaims, BuildError> {
        // The sort keeps the order of advisories within a package.
        self.claims.sort_by(|a, b| (&a.ecosystem, &a.name).cmp(&(&b.ecosystem, &b.name)));
        let mut pen = Pen::default();
        let mut packages = Vec::new();
        let mut ecosystems: Vec<&str> = Vec::new();
        let mut products: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for group in self.claims.chunk_by(|a, b| a.ecosystem == b.ecosystem && a.name == b.name) {
            let Some(first) = group.first() else { continue };
            packages.push((index::hash(&[&first.ecosystem, &first.name]), offset(pen.bytes.len(), "claims")?));
            pen.number(self.words.number(&first.ecosystem));
            pen.text(&first.name);
            pen.number(group.len() as u32);
            for claim in group {
                pen.block(self.claim_bytes.bytes.get(claim.start..claim.end).unwrap_or_default());
            }
            if ecosystems.last() != Some(&first.ecosystem.as_str()) {
                ecosystems.push(&first.ecosystem);
            }
            if first.ecosystem == CPE {
                let product = first.name.splitn(3, ':').nth(2).unwrap_or_default();
                products.entry(product).or_default().push(&first.name);
            }
        }
        for (product, names) in products {
            packages.push((index::hash(&[PRODUCT, product]), offset(pen.bytes.len(), "claims")?));
            pen.number(self.words.number(PRODUCT));
            pen.text(product);
            pen.number(names.len() as u32);
            names.iter().for_each(|name| pen.text(name));
        }
        let mut list = Pen::default();
        list.number(ecosystems.len() as u32);
        ecosystems.iter().for_each(|key| list.text(key));
        Ok(WrittenClaims { claims: pen.bytes, packages, ecosystems: list.bytes })
    }
}

/// The claims, where each package's start by the hash of its name, and the list of ecosystems.
struct WrittenClaims {
    claims: Vec<u8>,
    packages: Vec<(u64, u32)>,
    ecosystems: Vec<u8>,
}

/// What is written of a claim: the package's name as lookups spell it, and no version that its ranges hold anyway.
fn settled(mut affected: Affected) -> Affected {
    if affected.package.ecosystem == Ecosystem::PyPi {
        affected.package.name = python_name(&affected.package.name);
    }
    if !affected.versions.is_empty() && !affected.ranges.is_empty() {
        let scheme = order::scheme_of(&ecosystem::key(&affected.package.ecosystem));
        let ranges = &affected.ranges;
        affected.versions.retain(|version| {
            let version = Version { text: version, scheme, missing_epoch: MissingEpoch::Zero };
            !ranges.iter().any(|range| version.is_within(range.into()))
        });
    }
    affected
}

fn offset(length: usize, what: &'static str) -> Result<u32, BuildError> {
    u32::try_from(length).map_err(|_| BuildError::Full(what))
}

fn write_sections(sections: &[(Section, Vec<u8>)], out: &mut impl Write) -> io::Result<()> {
    let borrowed: Vec<(Section, &[u8])> =
        sections.iter().map(|(section, bytes)| (*section, bytes.as_slice())).collect();
    out.write_all(&layout::header(&borrowed))?;
    for (_, bytes) in sections {
        out.write_all(bytes)?;
        let padding = bytes.len().next_multiple_of(layout::ALIGNMENT as usize) - bytes.len();
        out.write_all(&vec![0; padding])?;
    }
    out.flush()
}
