//! An advisory as the file keeps it: what matching needs by itself, texts in compressed blocks.

use super::DatabaseError;
use super::claim::{severity_number, severity_of};
use super::layout::{Cursor, Pen};
use super::words::{WordTable, Words};
use advisory::{Record, Reference, Severity, Ssvc};

const WHAT: &str = "records";

/// Number of a record in one database file; no meaning beyond it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordIndex(pub u32);

/// What matching needs of an advisory.
#[derive(Debug, Clone, PartialEq)]
pub struct Advisory<'a> {
    /// Its number.
    pub index: RecordIndex,
    /// The publisher's identifier.
    pub id: &'a str,
    /// Grype's namespace, as the feed gave it (of the first affected package).
    pub namespace: &'a str,
    /// The source's name.
    pub source: &'a str,
    /// The publisher's word.
    pub severity: Severity,
    /// Withdrawn or rejected.
    pub withdrawn: bool,
    /// Identifiers of the same flaw elsewhere.
    pub aliases: Vec<&'a str>,
    /// Flaws that this erratum fixes.
    pub related: Vec<&'a str>,
    /// `CWE-502`, ...
    pub cwes: Vec<&'a str>,
    /// Scores.
    pub cvss: Vec<Score<'a>>,
    pub(super) text: TextPlace,
}

impl<'a> Advisory<'a> {
    /// Who published it, as its namespace begins.
    #[must_use]
    pub fn provider(&self) -> &'a str {
        self.namespace.split(':').next().filter(|part| !part.is_empty()).unwrap_or(self.source)
    }
}

/// A CVSS score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score<'a> {
    /// Who scored.
    pub source: &'a str,
    /// `Primary` or `Secondary`; may be empty.
    pub kind: &'a str,
    /// `2.0`, `3.0`, `3.1`, `4.0`.
    pub version: &'a str,
    /// The vector string.
    pub vector: &'a str,
    /// 0.0 to 10.0.
    pub base_score: f64,
}

/// What only reports need of an advisory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AdvisoryText {
    /// One line.
    pub summary: String,
    /// The description.
    pub details: String,
    /// Addresses; the first is the advisory's own page.
    pub references: Vec<Reference>,
    /// As the publisher wrote it; may be empty.
    pub published: String,
    /// As the publisher wrote it; may be empty.
    pub modified: String,
    /// As the publisher wrote it; may be empty.
    pub withdrawn: String,
    /// The packages it speaks of, as (ecosystem key, name).
    pub packages: Vec<(String, String)>,
    /// Decisions of coordinators about how urgent it is.
    pub ssvc: Vec<Ssvc>,
}

/// Where a record's texts are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TextPlace {
    pub(super) block: u32,
    pub(super) offset: u32,
}

pub(super) fn write(pen: &mut Pen, words: &mut WordTable, record: &Record, text: TextPlace) {
    pen.text(&record.id);
    pen.number(words.number(&record.namespace));
    pen.number(words.number(&record.source));
    pen.number(severity_number(record.severity) | u32::from(!record.withdrawn.is_empty()) << 3);
    for list in [&record.aliases, &record.related] {
        pen.number(list.len() as u32);
        list.iter().for_each(|id| pen.text(id));
    }
    pen.number(record.cwes.len() as u32);
    record.cwes.iter().for_each(|cwe| pen.number(words.number(cwe)));
    pen.number(record.cvss.len() as u32);
    for score in &record.cvss {
        for word in [&score.source, &score.kind, &score.version, &score.vector] {
            pen.number(words.number(word));
        }
        // CVSS has one decimal, 10.0 at most.
        pen.byte((score.base_score * 10.0).round().clamp(0.0, 100.0) as u8);
    }
    pen.number(text.block);
    pen.number(text.offset);
}

pub(super) fn read<'a>(
    index: RecordIndex,
    mut cursor: Cursor<'a>,
    words: Words<'a>,
) -> Result<Advisory<'a>, DatabaseError> {
    let id = cursor.text()?;
    let namespace = words.read(&mut cursor)?;
    let source = words.read(&mut cursor)?;
    let flags = cursor.number()?;
    let aliases = read_texts(&mut cursor)?;
    let related = read_texts(&mut cursor)?;
    let cwes = (0..cursor.count()?).map(|_| words.read(&mut cursor)).collect::<Result<_, _>>()?;
    let mut cvss = Vec::new();
    for _ in 0..cursor.count()? {
        cvss.push(Score {
            source: words.read(&mut cursor)?,
            kind: words.read(&mut cursor)?,
            version: words.read(&mut cursor)?,
            vector: words.read(&mut cursor)?,
            base_score: f64::from(cursor.byte()?) / 10.0,
        });
    }
    Ok(Advisory {
        index,
        id,
        namespace,
        source,
        severity: severity_of(flags & 7).ok_or(DatabaseError::Corrupt(WHAT))?,
        withdrawn: flags & 8 != 0,
        aliases,
        related,
        cwes,
        cvss,
        text: TextPlace { block: cursor.number()?, offset: cursor.number()? },
    })
}

fn read_texts<'a>(cursor: &mut Cursor<'a>) -> Result<Vec<&'a str>, DatabaseError> {
    (0..cursor.count()?).map(|_| cursor.text()).collect()
}

pub(super) fn write_text(pen: &mut Pen, record: &Record, packages: &[(String, String)]) {
    for text in [&record.summary, &record.details, &record.published, &record.modified, &record.withdrawn] {
        pen.text(text);
    }
    pen.number(record.references.len() as u32);
    for reference in &record.references {
        pen.text(&reference.url);
        pen.number(reference.tags.len() as u32);
        reference.tags.iter().for_each(|tag| pen.text(tag));
    }
    pen.number(packages.len() as u32);
    for (ecosystem, name) in packages {
        pen.text(ecosystem);
        pen.text(name);
    }
    pen.number(record.ssvc.len() as u32);
    for ssvc in &record.ssvc {
        for text in [
            &ssvc.source,
            &ssvc.role,
            &ssvc.version,
            &ssvc.timestamp,
            &ssvc.exploitation,
            &ssvc.automatable,
            &ssvc.technical_impact,
        ] {
            pen.text(text);
        }
    }
}

pub(super) fn read_text(mut cursor: Cursor<'_>) -> Result<AdvisoryText, DatabaseError> {
    let mut text = AdvisoryText {
        summary: cursor.text()?.to_owned(),
        details: cursor.text()?.to_owned(),
        published: cursor.text()?.to_owned(),
        modified: cursor.text()?.to_owned(),
        withdrawn: cursor.text()?.to_owned(),
        ..AdvisoryText::default()
    };
    for _ in 0..cursor.count()? {
        let url = cursor.text()?.to_owned();
        let tags = (0..cursor.count()?).map(|_| cursor.text().map(str::to_owned)).collect::<Result<_, _>>()?;
        text.references.push(Reference { url, tags });
    }
    for _ in 0..cursor.count()? {
        text.packages.push((cursor.text()?.to_owned(), cursor.text()?.to_owned()));
    }
    for _ in 0..cursor.count()? {
        text.ssvc.push(Ssvc {
            source: cursor.text()?.to_owned(),
            role: cursor.text()?.to_owned(),
            version: cursor.text()?.to_owned(),
            timestamp: cursor.text()?.to_owned(),
            exploitation: cursor.text()?.to_owned(),
            automatable: cursor.text()?.to_owned(),
            technical_impact: cursor.text()?.to_owned(),
        });
    }
    Ok(text)
}
