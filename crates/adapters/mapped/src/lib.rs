//! Large files that are mapped, never copied, and replaced whole or not at all: the advisory database.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

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
/// disk, and stays for good where `write` fails. What is no plain file (a device, a pipe) is written to as it is.
///
/// # Errors
/// Where `write` fails, or the folder can't be written.
pub fn replace<E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<(), E>,
) -> Result<(), E> {
    if fs::metadata(path).is_ok_and(|known| !known.is_file()) {
        return write_out(OpenOptions::new().write(true).open(path)?, write).map(drop);
    }
    // Of a link, the file that it leads to.
    let target = fs::canonicalize(path);
    let path = target.as_deref().unwrap_or(path);
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    let temporary = Temporary::beside(path);
    write_out(File::create(&temporary.path)?, write)?.sync_all()?;
    Ok(fs::rename(&temporary.path, path)?)
}

/// Removes the unfinished files of all replacements under way, and lets no other begin: for a process that is about to
/// end.
pub fn abandon() {
    let unfinished = unfinished();
    for path in unfinished.iter() {
        let _ = fs::remove_file(path);
    }
    // Never given back: whoever would write on waits for the end.
    std::mem::forget(unfinished);
}

static UNFINISHED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn unfinished() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A part of a file is of no use to anybody: it goes when this is dropped, unless it was renamed.
struct Temporary {
    path: PathBuf,
}

impl Temporary {
    fn beside(path: &Path) -> Self {
        let path = beside(path);
        unfinished().insert(path.clone());
        Self { path }
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
        unfinished().remove(&self.path);
    }
}

fn write_out<E: From<io::Error>>(
    file: File,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<(), E>,
) -> Result<File, E> {
    let mut out = BufWriter::with_capacity(1 << 20, file);
    write(&mut out)?;
    out.into_inner().map_err(|error| E::from(error.into_error()))
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.tmp", std::process::id()));
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

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

    #[test]
    fn links_stay_links_and_devices_devices() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        fs::write(folder.path().join("file"), "old").unwrap();
        std::os::unix::fs::symlink("file", &link).unwrap();
        replace::<io::Error>(&link, |out| out.write_all(b"new")).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(folder.path().join("file")).unwrap(), b"new");
        let device = folder.path().join("device");
        std::os::unix::fs::symlink("/dev/null", &device).unwrap();
        replace::<io::Error>(&device, |out| out.write_all(b"new")).unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }
}
