//! Large files that are mapped, never copied, and replaced whole or not at all: the advisory database.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A mapped file.
pub struct MappedFile {
    map: memmap2::Mmap,
}

impl MappedFile {
    /// Maps the file at `path`.
    ///
    /// # Errors
    /// Where it is not there or can't be mapped.
    #[expect(unsafe_code, reason = "mapping is how a file of any size opens in no time")]
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        // SAFETY: the file is only ever replaced by renaming another one over it ([`replace`]), never written in place,
        // so the mapped bytes stay as they are while the map lives. A user who overwrites it by hand can at worst feed
        // the reader other bytes: it checks every bound on every access and holds no references across calls into it.
        let map = unsafe { memmap2::Mmap::map(&file)? };
        Ok(Self { map })
    }

    /// The whole file.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.map
    }
}

/// Puts what `write` produces in place of the file at `path`. The old file stays until the new one is complete and on
/// disk, and stays for good where `write` fails.
///
/// # Errors
/// Where `write` fails, or the folder can't be written.
pub fn replace<E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<(), E>,
) -> Result<(), E> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    let temporary = beside(path);
    let result = (|| {
        let mut out = BufWriter::with_capacity(1 << 20, File::create(&temporary)?);
        write(&mut out)?;
        out.flush()?;
        out.into_inner().map_err(|error| E::from(error.into_error()))?.sync_all()?;
        Ok(fs::rename(&temporary, path)?)
    })();
    if result.is_err() {
        // A part of the file is of no use to anybody.
        let _ = fs::remove_file(&temporary);
    }
    result
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.tmp", std::process::id()));
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_replacement_keeps_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er/db");
        replace::<io::Error>(&path, |out| out.write_all(b"one")).unwrap();
        let failed = replace::<io::Error>(&path, |out| {
            out.write_all(b"two")?;
            Err(io::Error::other("no"))
        });
        assert!(failed.is_err());
        assert_eq!(MappedFile::open(&path).unwrap().bytes(), b"one");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }
}
