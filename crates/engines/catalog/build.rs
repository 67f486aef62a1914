//! Names the sources on which the facts of a layer depend, so that a cache never gives out facts of other catalogers.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// What decides the facts and their form: the catalogers, the formats below them, and the versions of all dependencies.
const SOURCES: [&str; 5] =
    ["src", "../../formats/purl/src", "../../formats/sbom/src", "../../formats/versions/src", "../../../Cargo.lock"];

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let mut files = Vec::new();
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
        list(&root.join(source), &mut files)?;
    }
    files.sort();
    let mut digest = Digest(0xcbf2_9ce4_8422_2325);
    for file in &files {
        digest.take(file.strip_prefix(&root).unwrap_or(file).to_string_lossy().as_bytes());
        digest.take(&fs::read(file)?);
    }
    println!("cargo::rustc-env=CATALOG_SOURCES={:016x}", digest.0);
    Ok(())
}

fn list(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            list(&entry?.path(), files)?;
        }
    } else {
        files.push(path.to_path_buf());
    }
    Ok(())
}

/// FNV-1a, 64 bits, over parts with their lengths. Nobody gains by making two sources equal.
struct Digest(u64);

impl Digest {
    fn take(&mut self, part: &[u8]) {
        for byte in part.len().to_le_bytes().iter().chain(part) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}
