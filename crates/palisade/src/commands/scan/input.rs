//! What is scanned: a source to catalogue, or a document that says what is in it.

use super::Args;
use crate::cli::Global;
use crate::commands::sbom::catalogue;
use crate::outcome::advised;
use anyhow::Context;
use catalog::FileSelection;
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
pub(crate) fn read(args: &Args, global: Global) -> anyhow::Result<Input> {
    let Some(text) = args.source.as_deref().filter(|text| !matches!(*text, "-" | "")) else {
        return standard_input(args);
    };
    if let Some(path) = text.strip_prefix("sbom:") {
        return document(args, &whole(Path::new(path))?, Kind::SbomFile(path.to_owned()));
    }
    if let Some(path) = text.strip_prefix("purl:").or_else(|| text.strip_prefix("cpes:")) {
        return document(args, &whole(Path::new(path))?, Kind::SbomFile(path.to_owned()));
    }
    if text.starts_with("pkg:") {
        return document(args, text.as_bytes(), Kind::Purl(text.to_owned()));
    }
    if text.starts_with("cpe:") {
        return document(args, text.as_bytes(), Kind::Cpe(text.to_owned()));
    }
    let path = Path::new(text);
    if path.is_file() && looks_like_text(path) {
        let bytes = whole(path)?;
        if sbom::detect(&bytes).is_some() {
            return document(args, &bytes, Kind::SbomFile(text.to_owned()));
        }
    }
    let mut document = catalogue(text, &args.catalog, global, FileSelection::None)?;
    rename(args, &mut document);
    Ok(Input { document, kind: Kind::Source })
}

fn standard_input(args: &Args) -> anyhow::Result<Input> {
    let input = std::io::stdin();
    if input.is_terminal() {
        return Err(advised(
            "nothing to scan",
            "name an image, a folder or an SBOM; `palisade scan --help` has examples",
        ));
    }
    let bytes = limited(input.lock()).context("cannot read standard input")?;
    document(args, &bytes, Kind::SbomFile("-".to_owned()))
}

fn document(args: &Args, bytes: &[u8], kind: Kind) -> anyhow::Result<Input> {
    let mut document = sbom::decode(bytes).context("cannot understand the document")?;
    if args.add_cpes_if_none {
        for component in document.components.iter_mut().filter(|component| component.cpes.is_empty()) {
            component.cpes = catalog::cpe::generate(component);
        }
    }
    rename(args, &mut document);
    Ok(Input { document, kind })
}

fn rename(args: &Args, document: &mut Document) {
    if let Some(name) = &args.name {
        document.source.name.clone_from(name);
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
