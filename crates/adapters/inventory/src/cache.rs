//! Facts of layers, kept between runs by the digest of the stored blob; and documents of images, by the digest of the
//! manifest.
//!
//! A hit needs no byte of the layer: the digest in the verified manifest names the content. Files are written beside
//! and renamed, so that any number of runs may share the folder without a lock; one that is damaged or of another
//! form counts as absent. Facts depend on the catalogers and on their sources, so both are in the path.

use aws_lc_rs::digest::{SHA256, digest};
use catalog::{FileDigests, Plan, facts};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A folder of layer facts.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
    max_bytes: u64,
}

/// Of the folders' names.
const PREFIX: &str = "facts-";
const CHECKSUM: usize = 32;
/// Facts of the largest layers take some 20 MB unpacked; more than this is damage.
const MAX_UNPACKED: usize = 1 << 30;

impl Cache {
    /// A cache below `root` for what `plan` finds. `digests`: those that facts hold of every file.
    #[must_use]
    pub fn new(root: &Path, plan: &Plan, digests: FileDigests) -> Self {
        let mut names: Vec<&str> = plan.catalogers().iter().map(|cataloger| cataloger.name()).collect();
        names.push(facts::SOURCES);
        names.extend(digests.sha1.then_some("sha1"));
        names.extend(digests.sha256.then_some("sha256"));
        let key = hex(digest(&SHA256, names.join(",").as_bytes()).as_ref());
        let folder = root.join(format!("{PREFIX}{}", key.get(..16).unwrap_or(&key)));
        Self { folder, max_bytes: 2 << 30 }
    }

    /// What is kept for the content `digest`, where it is there and whole.
    #[must_use]
    pub fn load<T: DeserializeOwned>(&self, digest: &str) -> Option<T> {
        let path = self.path(digest)?;
        let bytes = fs::read(&path).ok()?;
        let facts = decode(&bytes);
        if facts.is_none() {
            tracing::debug!(path = %path.display(), "ignoring a damaged cache entry");
        }
        facts
    }

    /// Keeps what was made of the content `digest`. Failing to is no error: the cache is only there to save time.
    pub fn store(&self, digest: &str, facts: &impl Serialize) {
        if let Some(path) = self.path(digest)
            && let Err(error) = self.write(&path, facts)
        {
            tracing::debug!(path = %path.display(), %error, "cannot keep what was found");
        }
    }

    fn path(&self, digest: &str) -> Option<PathBuf> {
        let (algorithm, hex) = digest.split_once(':')?;
        let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        (plain(algorithm) && plain(hex)).then(|| self.folder.join(format!("{algorithm}-{hex}")))
    }

    fn write(&self, path: &Path, facts: &impl Serialize) -> std::io::Result<()> {
        create_private(&self.folder)?;
        let bytes = encode(facts)?;
        let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
        let result = fs::File::create(&temporary)
            .and_then(|mut file| file.write_all(&bytes))
            .and_then(|()| fs::rename(&temporary, path));
        if result.is_err() {
            // Nothing half-written stays.
            let _ = fs::remove_file(&temporary);
        }
        self.prune();
        result
    }

    /// Removes the entries that were written longest ago, other catalogers' too, until all are within the bound.
    fn prune(&self) {
        let entries = |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten();
        let folders = self.folder.parent().into_iter().flat_map(entries);
        let folders = folders.filter(|folder| folder.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes()));
        let mut files: Vec<(SystemTime, u64, PathBuf)> = folders
            .flat_map(|folder| entries(&folder.path()))
            .filter_map(|entry| {
                let metadata = entry.metadata().ok()?;
                Some((metadata.modified().ok()?, metadata.len(), entry.path()))
            })
            .collect();
        let mut total: u64 = files.iter().map(|(_, size, _)| size).sum();
        files.sort();
        for (_, size, path) in files {
            if total <= self.max_bytes {
                return;
            }
            if fs::remove_file(&path).is_ok() {
                total = total.saturating_sub(size);
            }
            // Only goes where nothing is in it any more.
            let _ = path.parent().map(fs::remove_dir);
        }
    }
}

fn encode(facts: &impl Serialize) -> std::io::Result<Vec<u8>> {
    let plain = postcard::to_stdvec(facts).map_err(std::io::Error::other)?;
    let packed = zstd::bulk::compress(&plain, 1)?;
    let mut bytes = digest(&SHA256, &packed).as_ref().to_vec();
    bytes.extend_from_slice(&(plain.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&packed);
    Ok(bytes)
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let (checksum, rest) = bytes.split_at_checked(CHECKSUM)?;
    let (length, packed) = rest.split_at_checked(8)?;
    let length = usize::try_from(u64::from_le_bytes(length.try_into().ok()?)).ok()?;
    if length > MAX_UNPACKED || digest(&SHA256, packed).as_ref() != checksum {
        return None;
    }
    let plain = zstd::bulk::decompress(packed, length).ok()?;
    postcard::from_bytes(&plain).ok()
}

/// Only the user may read what images hold.
fn create_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use catalog::LayerFacts;

    #[test]
    fn keeps_and_gives_back_and_ignores_damage() {
        let root = tempfile::tempdir().unwrap();
        let cache = Cache::new(root.path(), &Plan::new(Vec::new()), FileDigests::ALL);
        let digest = "sha256:00ff";
        assert!(cache.load::<LayerFacts>(digest).is_none());
        let facts = LayerFacts { diff_id: "sha256:11".to_owned(), ..LayerFacts::default() };
        cache.store(digest, &facts);
        assert_eq!(cache.load::<LayerFacts>(digest).unwrap().diff_id, "sha256:11");

        let path = cache.path(digest).unwrap();
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            fs::write(&path, &damaged).unwrap();
            let loaded: Option<LayerFacts> = cache.load(digest);
            assert!(loaded.is_none_or(|loaded| loaded.diff_id == facts.diff_id), "byte {at}");
        }
        fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        assert!(cache.load::<LayerFacts>(digest).is_none());
    }

    #[test]
    fn stays_within_its_bound() {
        let root = tempfile::tempdir().unwrap();
        let cache = Cache { max_bytes: 200, ..Cache::new(root.path(), &Plan::new(Vec::new()), FileDigests::ALL) };
        Cache { max_bytes: 1 << 20, ..Cache::new(root.path(), &Plan::new(Vec::new()), FileDigests::NONE) }
            .store("sha256:00", &LayerFacts::default());
        for index in 0..20 {
            cache.store(&format!("sha256:{index:02}"), &LayerFacts::default());
        }
        let total: u64 = fs::read_dir(&cache.folder).unwrap().map(|e| e.unwrap().metadata().unwrap().len()).sum();
        assert!(total <= 200, "{total}");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
        assert!(cache.load::<LayerFacts>("sha256:19").is_some());
    }

    #[test]
    fn a_digest_never_leaves_the_folder() {
        let cache = Cache::new(Path::new("/nowhere"), &Plan::new(Vec::new()), FileDigests::ALL);
        for digest in ["sha256:../x", "sha256:a/b", "../a:00", "sha256:", "plain"] {
            assert!(cache.path(digest).is_none(), "{digest}");
        }
    }
}
