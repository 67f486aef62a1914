//! A copy of an authority in one file.

use crate::folder::{Folder, FolderError};
use crate::runtime::StartError;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use storage::{Place, Redb, StoreError};
use zip::ZipWriter;
use zip::result::ZipError;
use zip::write::SimpleFileOptions;

/// Files in a folder's tree; an authority has a few dozen.
const MAX_FILES: usize = 100_000;

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The folder.
    #[error("the authority's folder can't be used")]
    Folder(#[from] FolderError),
    /// The store can't be opened: perhaps the authority is being served.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A file can't be read or written.
    #[error("{}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The copy can't be written.
    #[error("the copy can't be written")]
    Zip(#[from] ZipError),
}

/// Copies an authority that is not being served into a zip file of mode 0600, secrets included. Unpacked, it is the
/// authority again; logs in a database are not in the copy. Gives the number of files.
///
/// # Errors
/// When `file` exists already, the authority is being served, or the system refuses.
pub fn backup(folder: &Path, file: &Path) -> Result<usize, BackupError> {
    let opened = Folder::open(folder)?;
    // As long as it is open here, nobody else writes to it; what was committed is in the file.
    let _store = match opened.store()? {
        Place::File(path) if path.exists() => {
            Some(Redb::open(&path).map_err(StoreError::from).map_err(StartError::from)?)
        }
        _ => None,
    };
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| BackupError::Io { path, source }
    };
    let out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map_err(failed(file))?;
    let written = (|| {
        let mut zip = ZipWriter::new(&out);
        let mut count = 0;
        let mut folders = vec![folder.to_owned()];
        while let Some(within) = folders.pop() {
            for entry in fs::read_dir(&within).map_err(failed(&within))?.take(MAX_FILES) {
                let path = entry.map_err(failed(&within))?.path();
                let name = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().into_owned();
                if path.is_dir() {
                    folders.push(path);
                } else if name != "lock" && !name.ends_with(".new") {
                    let mut content = File::open(&path).map_err(failed(&path))?;
                    let mode = content.metadata().map_err(failed(&path))?.permissions().mode();
                    zip.start_file(name, SimpleFileOptions::default().large_file(true).unix_permissions(mode & 0o777))?;
                    io::copy(&mut content, &mut zip).map_err(failed(&path))?;
                    count += 1;
                }
            }
        }
        zip.finish()?;
        out.sync_all().map_err(failed(file))?;
        Ok(count)
    })();
    if written.is_err() {
        let _ = fs::remove_file(file);
    }
    written
}
