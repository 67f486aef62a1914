//! CycloneDX 1.0 to 1.7, as JSON and as XML, in the shape of Syft 1.57: package URL and identifier as reference,
//! `syft:` properties, files as components. Unlike Syft's, every document has a root, a connected graph and a supplier for
//! every component, and files that could not be understood are in it.

mod bom;
mod build;
mod graph;
mod json;
mod licenses;
mod properties;
mod read;
mod read_json;
mod read_xml;
mod references;
mod versions;
mod xml;

use crate::Document;
use crate::decode::DecodeError;
use crate::encode::EncodeOptions;
use crate::format::CycloneDxVersion;
use crate::view::View;
use std::io::{self, Write};

pub(crate) use read_xml::namespace_version;

/// Begins the names of the properties that say why a file could not be understood.
const UNKNOWN_PREFIX: &str = "palisade:unknown:";

/// Writes JSON.
pub(crate) fn encode_json(
    view: &View<'_>,
    version: CycloneDxVersion,
    options: EncodeOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut bom = build::bom(view, options);
    versions::downgrade(&mut bom, version);
    json::write(&bom, version, options.pretty, out)
}

/// Writes XML.
pub(crate) fn encode_xml(
    view: &View<'_>,
    version: CycloneDxVersion,
    options: EncodeOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut bom = build::bom(view, options);
    versions::downgrade(&mut bom, version);
    xml::write(&bom, version, options.pretty, out)
}

/// Reads JSON of any version.
pub(crate) fn decode_json(bytes: &[u8]) -> Result<Document, DecodeError> {
    read::document(read_json::bom(bytes)?)
}

/// Reads XML of any version.
pub(crate) fn decode_xml(bytes: &[u8]) -> Result<Document, DecodeError> {
    read_xml::with_bom(bytes, read::document)
}
