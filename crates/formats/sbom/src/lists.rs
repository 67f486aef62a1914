//! Lists of purls and of CPEs, one a line (Syft `format/purls`, `format/cpes`).

use crate::builder::Builder;
use crate::decode::DecodeError;
use crate::format::Format;
use crate::{Component, Cpe, CpeSource, Document};
use foldhash::HashSet;
use purl::PackageUrl;
use std::io::{self, BufWriter, Write};

/// Every valid purl once, in the order of the components.
pub(crate) fn encode_purls(document: &Document, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    let mut seen = HashSet::default();
    for component in &document.components {
        let purl = component.purl.trim();
        if seen.insert(purl) && purl.parse::<PackageUrl>().is_ok() {
            writeln!(out, "{purl}")?;
        }
    }
    out.flush()
}

/// Tells a list of purls or of CPEs by its first line that is not blank.
pub(crate) fn identify(bytes: &[u8]) -> Option<Format> {
    for line in bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()) {
        let line = std::str::from_utf8(line).ok()?;
        if line.starts_with("pkg:") {
            // As the peer does: purls that cannot be read are passed over.
            if line.parse::<PackageUrl>().is_ok() {
                return Some(Format::Purls);
            }
            continue;
        }
        return line.parse::<purl::cpe::Cpe>().ok().map(|_| Format::Cpes);
    }
    None
}

/// A component for every valid purl.
pub(crate) fn decode_purls(bytes: &[u8]) -> Result<Document, DecodeError> {
    let mut builder = Builder::default();
    let mut seen = HashSet::default();
    for line in std::str::from_utf8(bytes)?.lines().map(str::trim) {
        if line.parse::<PackageUrl>().is_ok() && seen.insert(line) {
            builder.add(Component { purl: line.to_owned(), ..Component::default() })?;
        }
    }
    Ok(builder.finish_as_list())
}

/// A component for every valid CPE.
pub(crate) fn decode_cpes(bytes: &[u8]) -> Result<Document, DecodeError> {
    let mut builder = Builder::default();
    for line in std::str::from_utf8(bytes)?.lines().map(str::trim) {
        let Ok(cpe) = line.parse::<purl::cpe::Cpe>() else { continue };
        let text = |attribute: &purl::cpe::Attribute| attribute.text().unwrap_or_default().into_owned();
        builder.add(Component {
            name: text(&cpe.product),
            version: text(&cpe.version),
            cpes: vec![Cpe { name: cpe.to_string(), source: CpeSource::Declared }],
            ..Component::default()
        })?;
    }
    Ok(builder.finish_as_list())
}
