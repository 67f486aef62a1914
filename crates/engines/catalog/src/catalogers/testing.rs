//! Runs one cataloger over a folder that exists only in the test.

use crate::{AssembleOptions, Budget, Cataloger, LayerOptions, LayerScanner, Plan, assemble};
use sbom::{Document, FileFact, Source};

/// What `cataloger` finds in `files`, given as absolute path and content.
pub(crate) fn catalogue(cataloger: &'static dyn Cataloger, files: &[(&str, &[u8])]) -> Document {
    let plan = Plan::new(vec![cataloger]);
    let budget = Budget::new(1 << 30);
    let mut scanner = LayerScanner::new(&plan, LayerOptions::new(&budget));
    for (path, bytes) in files {
        let fact =
            FileFact { path: (*path).to_owned(), mode: 0o644, size_bytes: bytes.len() as u64, ..FileFact::default() };
        if scanner.wants(path, bytes) {
            scanner.file(fact, bytes).unwrap();
        } else {
            scanner.entry(fact).unwrap();
        }
    }
    assemble(Source::default(), &[scanner.finish()], &plan, AssembleOptions::default())
}

/// The purls, in the document's order.
pub(crate) fn purls(document: &Document) -> Vec<&str> {
    document.components.iter().map(|component| component.purl.as_str()).collect()
}

/// The edges as "NEEDED -> NEEDING", by name.
pub(crate) fn edges(document: &Document) -> Vec<String> {
    let name = |index: sbom::ComponentIndex| document.components[index.0 as usize].name.as_str();
    document.relationships.iter().map(|edge| format!("{} -> {}", name(edge.from), name(edge.to))).collect()
}

/// The record of the component of that name, as JSON text.
pub(crate) fn record<'a>(document: &'a Document, name: &str) -> &'a str {
    let component = document.components.iter().find(|component| component.name == name).unwrap();
    &component.metadata.as_ref().unwrap().json
}

/// The causes of what could not be understood, by path.
pub(crate) fn unknowns(document: &Document) -> Vec<(&str, &str)> {
    document.unknowns.iter().map(|unknown| (unknown.path.as_str(), unknown.cause.as_str())).collect()
}
