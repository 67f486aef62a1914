//! What is scanned: a source to catalogue, or a document that says what is in it.

use crate::catalogue::{CatalogOptions, catalogue};
use crate::cli::Global;
use crate::outcome::advised;
use crate::settings::Settings;
use anyhow::Context;
use sbom::Document;
use std::fs::File;
use std::io::{IsTerminal, Read};
use std::path::Path;

/// What is scanned.
pub(crate) struct Input {
    pub(crate) document: Document,
    pub(crate) kind: Kind,
}

/// How it was given.
pub(crate) enum Kind {
    Source,
    SbomFile(String),
    Purl(String),
    Cpe(String),
}

/// Reads or catalogues it.
pub(crate) fn read(source: Option<&str>, settings: &Settings, global: Global) -> anyhow::Result<Input> {
    let Some(text) = source.filter(|text| !matches!(*text, "-" | "")) else {
        return standard_input(settings);
    };
    if let Some(path) = text.strip_prefix("sbom:") {
        return document(settings, &whole(Path::new(path))?, Kind::SbomFile(path.to_owned()));
    }
    if let Some(path) = text.strip_prefix("purl:").or_else(|| text.strip_prefix("cpes:")) {
        return document(settings, &whole(Path::new(path))?, Kind::SbomFile(path.to_owned()));
    }
    if text.starts_with("pkg:") {
        return document(settings, text.as_bytes(), Kind::Purl(text.to_owned()));
    }
    if text.starts_with("cpe:") {
        return document(settings, text.as_bytes(), Kind::Cpe(text.to_owned()));
    }
    let path = Path::new(text);
    if path.is_file() && looks_like_text(path) {
        let bytes = whole(path)?;
        if sbom::detect(&bytes).is_some() {
            return document(settings, &bytes, Kind::SbomFile(text.to_owned()));
        }
    }
    let mut document = catalogue(text, &CatalogOptions::new(settings)?, false, global)?;
    rename(settings, &mut document);
    Ok(Input { document, kind: Kind::Source })
}

fn standard_input(settings: &Settings) -> anyhow::Result<Input> {
    let input = std::io::stdin();
    if input.is_terminal() {
        return Err(advised(
            "nothing to scan",
            "name an image, a folder or an SBOM; `palisade scan --help` has examples",
        ));
    }
    let bytes = limited(input.lock()).context("cannot read standard input")?;
    document(settings, &bytes, Kind::SbomFile("-".to_owned()))
}

fn document(settings: &Settings, bytes: &[u8], kind: Kind) -> anyhow::Result<Input> {
    let mut document = sbom::decode(bytes).context("cannot understand the document")?;
    if settings.bool("add-cpes-if-none") {
        for component in document.components.iter_mut().filter(|component| component.cpes.is_empty()) {
            component.cpes = catalog::cpe::generate(component);
        }
    }
    rename(settings, &mut document);
    Ok(Input { document, kind })
}

fn rename(settings: &Settings, document: &mut Document) {
    if let Some(name) = settings.some("name") {
        name.clone_into(&mut document.source.name);
    }
}

/// Does the file begin like JSON, XML or text? Archives and binaries do not.
fn looks_like_text(path: &Path) -> bool {
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(512).read_to_end(&mut head));
    read.is_ok() && !head.is_empty() && !head.contains(&0)
}

fn whole(path: &Path) -> anyhow::Result<Vec<u8>> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    limited(file).with_context(|| format!("cannot read {}", path.display()))
}

fn limited(reader: impl Read) -> anyhow::Result<Vec<u8>> {
    let limit = sbom::MAX_DOCUMENT_BYTES as u64;
    let mut bytes = Vec::new();
    reader.take(limit + 1).read_to_end(&mut bytes)?;
    anyhow::ensure!(bytes.len() as u64 <= limit, "more than {limit} bytes");
    Ok(bytes)
}
