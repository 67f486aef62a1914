//! The text for people (Syft `format/text`).

use crate::{Document, SourceKind};
use std::io::{self, BufWriter, Write};

pub(crate) fn encode(document: &Document, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    let source = &document.source;
    match source.kind {
        SourceKind::Image => {
            writeln!(out, "[Image]")?;
            for (index, layer) in source.layers.iter().enumerate() {
                writeln!(out, " Layer:\t\t {index}\n Digest:\t {}", layer.digest)?;
                writeln!(out, " Size:\t\t {}\n MediaType:\t {}\n", layer.size_bytes, layer.media_type)?;
            }
        }
        SourceKind::Directory | SourceKind::File => writeln!(out, "[Path: {}]", source.user_input)?,
        SourceKind::Document => {}
    }
    for component in &document.components {
        writeln!(out, "[{}]\n Version:\t {}", component.name, component.version)?;
        writeln!(out, " Type:\t\t {}\n Found by:\t {}\n", component.kind.as_str(), component.found_by)?;
    }
    if document.components.is_empty() {
        writeln!(out, "No packages discovered")?;
    }
    out.flush()
}
