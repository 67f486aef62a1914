//! Where reports go: files that appear whole or not at all, and standard output.

use anyhow::Context;
use std::io::{self, Write};
use std::path::Path;

/// Writes what `write` produces to `path`, whole or not at all.
pub(crate) fn to_file(path: &Path, write: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>) -> anyhow::Result<()> {
    mapped::replace::<anyhow::Error>(path, |out| write(out)).with_context(|| format!("cannot write {}", path.display()))
}

/// Writes what `write` produces to standard output. A reader that went away (`| head`) is no failure.
pub(crate) fn to_stdout(write: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let mut out = io::BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let result = write(&mut out).and_then(|()| Ok(out.flush()?));
    match result {
        Err(error) if is_broken_pipe(&error) => Ok(()),
        other => other.context("cannot write to standard output"),
    }
}

/// Documents on standard output, one a line.
pub(crate) fn lines(documents: &[Vec<u8>]) -> anyhow::Result<()> {
    to_stdout(|out| {
        for document in documents {
            out.write_all(document)?;
            writeln!(out)?;
        }
        Ok(())
    })
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Are documents to be the same to the byte each time? `SOURCE_DATE_EPOCH` asks for it.
pub(crate) fn is_reproducible() -> bool {
    std::env::var_os("SOURCE_DATE_EPOCH").is_some()
}

/// Columns two spaces apart, as wide as their widest cell.
pub(crate) fn table(out: &mut dyn Write, rows: &[Vec<String>]) -> anyhow::Result<()> {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        widths.resize(widths.len().max(row.len()), 0);
        row.iter().zip(&mut widths).for_each(|(cell, width)| *width = cell.chars().count().max(*width));
    }
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}
