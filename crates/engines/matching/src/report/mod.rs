//! What users see: Grype's document and the formats it is written in.
//!
//! [`Report::new`] joins findings with the texts of the database; the writers turn it into a table, JSON, CycloneDX or
//! SARIF. Templates get [`template_value`]; [`explain`] reads a JSON document of this or the peer's.

mod artifact;
mod build;
mod cvss;
mod cyclonedx;
mod document;
mod explain;
mod metadata;
mod risk;
mod sarif;
mod sort;
mod table;
mod template;

pub use cyclonedx::{CycloneDxError, write_cyclonedx_json, write_cyclonedx_xml};
pub use document::{
    AdvisoryEntry, Alert, AppliedRule, AppliedRulePackage, CvssEntry, CvssMetrics, CweEntry, DatabaseEntry,
    DatabaseStatus, DescriptorEntry, DigestEntry, DistroEntry, Document, EpssEntry, Exploited, FilePath, FixDate,
    FixEntry, FoundEntry, IgnoredEntry, ImageTarget, KeyAndValue, LayerEntry, LocationEntry, MatchDetail, MatchEntry,
    Metadata, NameAndType, NameAndVersion, Package, PackageAlerts, PackageMetadata, Provider, Searched, SourceEntry,
    SuggestedFix, Target, UpstreamEntry, VulnerabilityEntry,
};
pub use explain::explain;
pub(crate) use metadata::{evidence, metrics};
pub use sarif::write_sarif;
pub use sort::SortBy;
pub use table::{TableOptions, write_table};
pub use template::{TEMPLATE_FUNCTIONS, template_value};

use crate::database::{Database, DatabaseError};
use crate::distro::Release;
use crate::finding::Findings;
use std::io::{self, BufWriter, Write};

/// What a report is made of.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The components.
    pub document: &'a sbom::Document,
    /// What matching found in them.
    pub findings: &'a Findings,
    /// The database it was found in.
    pub database: &'a Database<'a>,
    /// The order of the matches.
    pub sort_by: SortBy,
    /// What was scanned, where the document does not say: the input was an SBOM file, purls or CPEs.
    pub scanned: Scanned<'a>,
    /// The distribution that the user named, where one was.
    pub distro: Option<&'a Release>,
    /// The tool.
    pub tool: Tool<'a>,
}

/// What was scanned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Scanned<'a> {
    /// What the document says.
    #[default]
    Source,
    /// An SBOM file, by its path.
    SbomFile(&'a str),
    /// A package URL.
    Purl(&'a str),
    /// A CPE name.
    Cpe(&'a str),
}

/// The tool that reports.
#[derive(Debug, Clone, Copy)]
pub struct Tool<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its version.
    pub version: &'a str,
    /// Its page.
    pub uri: &'a str,
    /// Its settings.
    pub configuration: Option<&'a serde_json::Value>,
    /// When it ran, RFC 3339; empty: not told.
    pub timestamp: &'a str,
    /// Where the database is; may be empty.
    pub database_path: &'a str,
    /// Where the database came from; may be empty.
    pub database_from: &'a str,
}

/// A report with what it was made of.
#[derive(Debug, Clone)]
pub struct Report<'a> {
    /// What it was made of.
    pub input: Input<'a>,
    /// Grype's document.
    pub document: Document,
}

impl<'a> Report<'a> {
    /// Joins findings with the texts of the database and sorts them.
    ///
    /// # Errors
    /// Where the database turns out to be corrupt.
    pub fn new(input: Input<'a>) -> Result<Self, DatabaseError> {
        build::document(&input).map(|document| Self { input, document })
    }
}

/// Writes the document as JSON; `pretty` indents by one blank, as the peer does.
///
/// # Errors
/// Where `out` fails.
pub fn write_json(document: &Document, pretty: bool, out: &mut dyn Write) -> io::Result<()> {
    use serde::Serialize;
    let mut out = BufWriter::new(out);
    if pretty {
        let formatter = serde_json::ser::PrettyFormatter::with_indent(b" ");
        document.serialize(&mut serde_json::Serializer::with_formatter(&mut out, formatter))?;
    } else {
        serde_json::to_writer(&mut out, document)?;
    }
    out.write_all(b"\n")?;
    out.flush()
}
