//! Writing the component model as a document.

use crate::format::{Format, SpdxVersion};
use crate::view::View;
use crate::{Document, cyclonedx, github, lists, spdx, syft_json, table, text};
use std::io::{self, Write};

/// How a document is written.
#[derive(Debug, Clone, Copy, Default)]
pub struct EncodeOptions {
    /// With line breaks and indentation, where the format leaves a choice.
    pub pretty: bool,
    /// Serial number and namespace are derived from the content; otherwise they are random, so that each document is
    /// told from every other.
    pub reproducible: bool,
    /// For a terminal: the table greys out what is secondary.
    pub color: bool,
}

/// Why a document could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The destination does not take it.
    #[error("the document could not be written")]
    Io(#[from] io::Error),
    /// A format that is only read.
    #[error("{0} is a format that is only read")]
    ReadOnly(&'static str),
}

/// Writes `document` to `out`, in chunks of some 64 KiB. Equal documents give equal bytes where
/// [`EncodeOptions::reproducible`] is set. The time of creation is the document's own.
///
/// # Errors
/// Where `out` fails, or the format is only read.
pub fn encode(
    document: &Document,
    format: Format,
    options: EncodeOptions,
    out: &mut dyn Write,
) -> Result<(), EncodeError> {
    match format {
        // Lists need no identifiers.
        Format::Purls => lists::encode_purls(document, out)?,
        Format::Table => table::encode(document, options.color, out)?,
        Format::Text => text::encode(document, out)?,
        Format::Cpes => return Err(EncodeError::ReadOnly(format.name())),
        format => encode_graph(&View::new(document), format, options, out)?,
    }
    Ok(())
}

/// The formats in which things are named by identifiers.
fn encode_graph(
    view: &View<'_>,
    format: Format,
    options: EncodeOptions,
    out: &mut dyn Write,
) -> Result<(), EncodeError> {
    match format {
        Format::SyftJson => syft_json::encode(view, options.pretty, out)?,
        Format::CycloneDxJson(version) => cyclonedx::encode_json(view, version, options, out)?,
        Format::CycloneDxXml(version) => cyclonedx::encode_xml(view, version, options, out)?,
        Format::SpdxJson(SpdxVersion::V3_0) => spdx::encode_v3(view, options, out)?,
        Format::SpdxJson(version) => spdx::encode_json(view, version, options, out)?,
        Format::SpdxTagValue(version) => spdx::encode_tag_value(view, version, options, out)?,
        Format::GithubJson => github::encode(view, out)?,
        other => return Err(EncodeError::ReadOnly(other.name())),
    }
    Ok(())
}
