//! Where reports go: files that appear whole or not at all, and standard output.

use anyhow::Context;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Writes what `write` produces to `path`, through a file beside it that is renamed when it is complete.
pub(crate) fn to_file(path: &Path, write: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let temporary = temporary(path);
    let result: anyhow::Result<()> = (|| {
        let mut file = io::BufWriter::with_capacity(1 << 16, fs::File::create(&temporary)?);
        write(&mut file)?;
        file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        Ok(fs::rename(&temporary, path)?)
    })();
    if result.is_err() {
        // What is left would look like a report.
        let _ = fs::remove_file(&temporary);
    }
    result.with_context(|| format!("cannot write {}", path.display()))
}

fn temporary(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.tmp", std::process::id()));
    path.with_file_name(name)
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
