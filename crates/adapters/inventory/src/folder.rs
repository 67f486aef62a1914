//! A folder or a single file, as if it were one layer.
//!
//! Symlinks are entries, never followed while walking, so that a link can't lead out of the folder or in circles.

use crate::{Inventory, InventoryError};
use catalog::{Budget, FileDigests, LayerFacts, LayerOptions, LayerScanner};
use sbom::{FileFact, FileKind};
use std::fs::{self, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Deeper folders are reported, not entered.
const MAX_DEPTH: usize = 1024;

/// The facts of the folder `root`.
pub(crate) fn scan(inventory: &Inventory, root: &Path, base: Option<&Path>) -> Result<LayerFacts, InventoryError> {
    let failed = |source| InventoryError::File { path: root.to_path_buf(), source };
    let root = fs::canonicalize(root).map_err(failed)?;
    let base = match base {
        Some(base) => fs::canonicalize(base).map_err(failed)?,
        None => root.clone(),
    };
    let too_much = |source| InventoryError::Folder { path: root.clone(), source };
    let budget = Budget::new(u64::MAX);
    let mut walk = Walk { inventory, scanner: LayerScanner::new(&inventory.plan, LayerOptions::new(&budget)), base };
    let mut folders = vec![(root.clone(), 0)];
    fs::read_dir(&root).map_err(failed)?;
    while let Some((folder, depth)) = folders.pop() {
        for path in walk.list(&folder) {
            if let Some(below) = walk.visit(&path).map_err(too_much)? {
                if depth >= MAX_DEPTH {
                    walk.scanner.unknown(walk.shown(&below), format!("more than {MAX_DEPTH} folders deep"));
                } else {
                    folders.push((below, depth + 1));
                }
            }
        }
    }
    Ok(walk.scanner.finish())
}

/// The facts of the single file `path`, and its SHA-256 in hexadecimal.
pub(crate) fn scan_file(inventory: &Inventory, path: &Path) -> Result<(LayerFacts, String), InventoryError> {
    let failed = |source| InventoryError::File { path: path.to_path_buf(), source };
    let budget = Budget::new(u64::MAX);
    let (mut file, head) = open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    let mut scanner = LayerScanner::new(&inventory.plan, LayerOptions::new(&budget));
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let mut fact = fact(format!("/{name}"), &metadata, FileKind::Regular);
    let too_much = |source| InventoryError::Folder { path: path.to_path_buf(), source };
    let wanted = scanner.wants(&fact.path, &head);
    // A device has no end.
    let whole = (wanted || !metadata.is_file()).then(|| whole(&mut file, head.clone(), metadata.len())).transpose();
    let whole = whole.map_err(failed)?;
    // The document's own version is the SHA-256, whatever is told of files.
    let digests = FileDigests { sha256: true, ..inventory.digests };
    match &whole {
        Some(bytes) => digests.of(bytes, &mut fact),
        None => digests.of_reader(&mut head.as_slice().chain(file), &mut fact).map_err(failed)?,
    }
    let hex = fact.sha256.iter().map(|byte| format!("{byte:02x}")).collect();
    match whole.filter(|_| wanted) {
        Some(bytes) => scanner.file(fact, &bytes),
        None => scanner.entry(fact),
    }
    .map_err(too_much)?;
    Ok((scanner.finish(), hex))
}

struct Walk<'a> {
    inventory: &'a Inventory,
    scanner: LayerScanner<'a>,
    base: PathBuf,
}

impl Walk<'_> {
    fn shown(&self, path: &Path) -> String {
        format!("/{}", path.strip_prefix(&self.base).unwrap_or(path).display())
    }

    /// What is in `folder`, by name; nothing and an unknown where it can't be read.
    fn list(&mut self, folder: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
        let mut entries: Vec<PathBuf> = entries.unwrap_or_else(|error: io::Error| {
            self.scanner.unknown(self.shown(folder), error.to_string());
            Vec::new()
        });
        entries.sort_unstable();
        entries
    }

    /// Takes in one entry; a folder is given back to be walked.
    fn visit(&mut self, path: &Path) -> Result<Option<PathBuf>, catalog::ParseError> {
        let shown = self.shown(path);
        if self.is_excluded(&shown) {
            return Ok(None);
        }
        let metadata = match fs::symlink_metadata(path) {
            Ok(metadata) => metadata,
            Err(error) => {
                self.scanner.unknown(shown, error.to_string());
                return Ok(None);
            }
        };
        let kind = kind(&metadata);
        let mut fact = fact(shown, &metadata, kind);
        match kind {
            FileKind::Directory => {
                self.scanner.entry(fact)?;
                return Ok(Some(path.to_path_buf()));
            }
            FileKind::Symlink => {
                fact.link_target = self.link_target(path);
                self.scanner.entry(fact)?;
            }
            FileKind::Regular => self.file(path, fact)?,
            _ => self.scanner.entry(fact)?,
        }
        Ok(None)
    }

    /// An absolute target within the folder is told relative to the folder, as all paths are.
    fn link_target(&self, path: &Path) -> String {
        let target = fs::read_link(path).unwrap_or_default();
        match target.strip_prefix(&self.base) {
            Ok(inside) => format!("/{}", inside.display()),
            Err(_) => target.to_string_lossy().into_owned(),
        }
    }

    fn file(&mut self, path: &Path, mut fact: FileFact) -> Result<(), catalog::ParseError> {
        let whole = match open(path) {
            Ok((mut file, head)) if self.scanner.wants(&fact.path, &head) => whole(&mut file, head, fact.size_bytes),
            // Files that no cataloger wants are not read: a folder may hold terabytes of them.
            Ok(_) => return self.scanner.entry(fact),
            Err(error) => Err(error),
        };
        match whole {
            Ok(bytes) => {
                self.inventory.digests.of(&bytes, &mut fact);
                self.scanner.file(fact, &bytes)
            }
            Err(error) => {
                self.scanner.unknown(fact.path.clone(), error.to_string());
                self.scanner.entry(fact)
            }
        }
    }

    fn is_excluded(&self, shown: &str) -> bool {
        let path = shown.trim_start_matches('/');
        self.inventory.exclude.iter().any(|pattern| catalog::glob::matches(pattern, path))
    }
}

/// A file and its first bytes.
fn open(path: &Path) -> io::Result<(fs::File, Vec<u8>)> {
    let mut file = fs::File::open(path)?;
    let mut head = Vec::new();
    file.by_ref().take(8).read_to_end(&mut head)?;
    Ok((file, head))
}

/// The rest of a file after `bytes`.
fn whole(file: &mut fs::File, mut bytes: Vec<u8>, size: u64) -> io::Result<Vec<u8>> {
    const LIMIT: u64 = 1 << 30;
    let too_large = || io::Error::other(format!("more than {LIMIT} bytes, not looked into"));
    if size > LIMIT {
        return Err(too_large());
    }
    bytes.reserve(usize::try_from(size).unwrap_or(0));
    file.take(LIMIT).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LIMIT { Err(too_large()) } else { Ok(bytes) }
}

fn kind(metadata: &Metadata) -> FileKind {
    let kind = metadata.file_type();
    if kind.is_dir() {
        FileKind::Directory
    } else if kind.is_symlink() {
        FileKind::Symlink
    } else if kind.is_file() {
        FileKind::Regular
    } else {
        special(kind)
    }
}

#[cfg(unix)]
fn special(kind: fs::FileType) -> FileKind {
    use std::os::unix::fs::FileTypeExt;
    match kind {
        kind if kind.is_char_device() => FileKind::CharacterDevice,
        kind if kind.is_block_device() => FileKind::BlockDevice,
        kind if kind.is_fifo() => FileKind::Fifo,
        kind if kind.is_socket() => FileKind::Socket,
        _ => FileKind::Irregular,
    }
}

#[cfg(not(unix))]
fn special(_kind: fs::FileType) -> FileKind {
    FileKind::Irregular
}

fn fact(path: String, metadata: &Metadata, kind: FileKind) -> FileFact {
    let (mode, uid, gid) = owner(metadata);
    let size_bytes = if kind == FileKind::Regular { metadata.len() } else { 0 };
    FileFact { path, kind, mode, uid, gid, size_bytes, ..FileFact::default() }
}

#[cfg(unix)]
fn owner(metadata: &Metadata) -> (u32, u32, u32) {
    use std::os::unix::fs::MetadataExt;
    (metadata.mode() & 0o7777, metadata.uid(), metadata.gid())
}

#[cfg(not(unix))]
fn owner(_metadata: &Metadata) -> (u32, u32, u32) {
    (0, 0, 0)
}
