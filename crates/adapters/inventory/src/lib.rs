//! From what the user names to a document of what is in it.
//!
//! [`Inventory`] opens a source, gathers the facts of its layers in parallel (from the [`Cache`] where it has them),
//! and assembles the document. No temporary files; memory is bounded by the [`catalog::Budget`].

pub mod cache;
pub mod error;
pub mod folder;
pub mod layers;

pub use cache::Cache;
pub use error::InventoryError;

use catalog::{AssembleOptions, FileDigests, Plan};
use oci::Image;
use sbom::{Document, Source, SourceKind, SourceLayer};
use std::path::{Path, PathBuf};

/// How to take an inventory.
pub struct Inventory {
    /// The catalogers.
    pub plan: Plan,
    /// Scope and files of the document.
    pub options: AssembleOptions,
    /// Those that are computed of every file that is read; none where no file is told of.
    pub digests: FileDigests,
    /// Where facts of layers are kept between runs; `None`: nowhere.
    pub cache: Option<Cache>,
    /// Whether the document's files are wanted. Without, a document from the cache comes without them.
    pub with_files: bool,
    /// Threads; at least 1.
    pub parallelism: usize,
    /// Patterns of paths that are left out, without a leading `./`; of images, absolute.
    pub exclude: Vec<String>,
    /// Told about progress.
    pub progress: Box<dyn Progress>,
}

/// Hears what is being done.
pub trait Progress: Send + Sync {
    /// A layer is begun: its place from the base, its stored size in bytes, whether the cache has its facts.
    fn layer(&self, index: usize, size_bytes: u64, cached: bool);
    /// So many more stored bytes were read.
    fn bytes(&self, count: u64);
}

/// Says nothing.
pub struct Silent;

impl Progress for Silent {
    fn layer(&self, _index: usize, _size_bytes: u64, _cached: bool) {}
    fn bytes(&self, _count: u64) {}
}

impl Inventory {
    /// The document of an image. `user_input` is the reference as the user wrote it.
    ///
    /// # Errors
    /// Where a layer can't be read to its end or is not what its digest names: a part of an image is no inventory.
    pub fn image(&self, image: &Image, user_input: &str) -> Result<Document, InventoryError> {
        let key = self.document_key(image);
        if let Some(mut document) = key.as_deref().and_then(|key| self.kept(key)) {
            for (index, layer) in image.layers.iter().enumerate() {
                self.progress.layer(index, layer.descriptor.size, true);
            }
            // The same image may go by another name.
            document.source = image_source(image, std::mem::take(&mut document.source.layers), user_input);
            return Ok(document);
        }
        let mut facts = layers::scan(self, image)?;
        if !self.exclude.is_empty() {
            facts.iter_mut().for_each(|facts| facts.retain(|path| !self.excludes_in_image(path)));
        }
        let source = image_source(image, source_layers(image, &facts), user_input);
        let mut document = catalog::assemble(source, &facts, &self.plan, self.options);
        if let Some(key) = &key {
            self.keep(key, &mut document);
        }
        Ok(document)
    }

    /// The document that was made before, with its files only where they are wanted: they are most of it.
    fn kept(&self, key: &str) -> Option<Document> {
        let cache = self.cache.as_ref()?;
        let mut document = cache.load::<Document>(key)?;
        if self.with_files {
            document.files = cache.load(&files_key(key))?;
        }
        Some(document)
    }

    fn keep(&self, key: &str, document: &mut Document) {
        let Some(cache) = &self.cache else { return };
        let files = std::mem::take(&mut document.files);
        cache.store(&files_key(key), &files);
        cache.store(key, document);
        document.files = files;
    }

    /// As the peer does (Syft 1.57, `stereoscopesource`): patterns of whole absolute paths, and all that is below.
    fn excludes_in_image(&self, path: &str) -> bool {
        self.exclude.iter().any(|pattern| {
            let pattern = pattern.strip_prefix('/').or_else(|| pattern.starts_with('*').then_some(pattern));
            let path = path.trim_start_matches('/');
            pattern.is_some_and(|pattern| {
                catalog::glob::matches(pattern, path) || catalog::glob::matches(&format!("{pattern}/**"), path)
            })
        })
    }

    /// Under which the cache keeps the document of `image`: all that it depends on, the catalogers excepted, which are
    /// in the cache's own path. `None` where not all of the image counts.
    fn document_key(&self, image: &Image) -> Option<String> {
        if !self.exclude.is_empty() {
            return None;
        }
        let (algorithm, hex) = image.manifest_digest.split_once(':')?;
        Some(format!("{algorithm}:{hex}{:?}{:?}", self.options.scope, self.options.files))
    }

    /// The document of a folder. With `base`, paths are told relative to it.
    ///
    /// # Errors
    /// Where `root` can't be read at all. What can't be read below it is an unknown.
    pub fn folder(&self, root: &Path, base: Option<&Path>) -> Result<Document, InventoryError> {
        let facts = folder::scan(self, root, base)?;
        let name = root.display().to_string();
        let source = Source { kind: SourceKind::Directory, name: name.clone(), user_input: name, ..Source::default() };
        Ok(catalog::assemble(source, &[facts], &self.plan, self.options))
    }

    /// The document of a single file.
    ///
    /// # Errors
    /// Where it can't be read.
    pub fn file(&self, path: &Path) -> Result<Document, InventoryError> {
        let (facts, digest) = folder::scan_file(self, path)?;
        let name = path.display().to_string();
        let source = Source {
            kind: SourceKind::File,
            name: name.clone(),
            user_input: name,
            version: format!("sha256:{digest}"),
            digests: vec![sbom::Digest { algorithm: "sha256".into(), hex: digest }],
            ..Source::default()
        };
        Ok(catalog::assemble(source, &[facts], &self.plan, self.options))
    }
}

fn files_key(key: &str) -> String {
    format!("{key}Files")
}

fn source_layers(image: &Image, facts: &[catalog::LayerFacts]) -> Vec<SourceLayer> {
    let layers = image.layers.iter().zip(facts).map(|(layer, facts)| SourceLayer {
        media_type: layer.descriptor.media_type.clone(),
        digest: layer.diff_id.clone(),
        blob_digest: layer.descriptor.digest.clone(),
        size_bytes: facts.entries.iter().map(|entry| entry.size_bytes).sum(),
    });
    layers.collect()
}

fn image_source(image: &Image, layers: Vec<SourceLayer>, user_input: &str) -> Source {
    Source {
        kind: SourceKind::Image,
        name: user_input.to_owned(),
        version: image.manifest_digest.clone(),
        user_input: user_input.to_owned(),
        manifest_digest: image.manifest_digest.clone(),
        image_id: image.image_id.clone(),
        media_type: image.media_type.clone(),
        tags: image.tags.clone(),
        repo_digests: image.repo_digests.clone(),
        layers,
        manifest: image.manifest.clone(),
        config: image.config.clone(),
        architecture: image.architecture.clone(),
        os: image.os.clone(),
        labels: image.labels.clone(),
        ..Source::default()
    }
}

/// The user's cache folder: `$XDG_CACHE_HOME`, else `~/.cache`.
#[must_use]
pub fn cache_home() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use catalog::FileSelection;
    use std::fs;

    /// An OCI layout of one layer, a plain tar with the database of one apk package in it.
    fn layout(folder: &Path) {
        let database = b"P:musl\nV:1.2.3\nA:x86_64\n\n";
        let mut tar = vec![0_u8; 512];
        tar[..20].copy_from_slice(b"lib/apk/db/installed");
        tar[100..107].copy_from_slice(b"0000644");
        tar[124..135].copy_from_slice(format!("{:011o}", database.len()).as_bytes());
        tar[156] = b'0';
        tar[148..156].copy_from_slice(b"        ");
        let sum: u32 = tar.iter().map(|byte| u32::from(*byte)).sum();
        tar[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        tar.extend_from_slice(database);
        tar.resize(2048, 0);
        fs::create_dir_all(folder.join("blobs/sha256")).unwrap();
        let put = |bytes: &[u8]| {
            let digest = oci::verify::sha256(bytes);
            fs::write(folder.join("blobs").join(digest.replace(':', "/")), bytes).unwrap();
            format!(r#""digest":"{digest}","size":{}"#, bytes.len())
        };
        let layer = put(&tar);
        let diff_id = oci::verify::sha256(&tar);
        let config =
            format!(r#"{{"architecture":"amd64","os":"linux","rootfs":{{"type":"layers","diff_ids":["{diff_id}"]}}}}"#);
        let config = put(config.as_bytes());
        let kind = "application/vnd.oci.image";
        let manifest = put(format!(
            r#"{{"schemaVersion":2,"config":{{"mediaType":"{kind}.config.v1+json",{config}}},"layers":[{{"mediaType":"{kind}.layer.v1.tar",{layer}}}]}}"#
        ).as_bytes());
        let index =
            format!(r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"{kind}.manifest.v1+json",{manifest}}}]}}"#);
        fs::write(folder.join("index.json"), index).unwrap();
        fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    }

    fn take(folder: &Path, cache: Option<&Path>, exclude: &[&str]) -> Result<Document, InventoryError> {
        take_with(folder, cache, exclude, true)
    }

    fn take_with(
        folder: &Path,
        cache: Option<&Path>,
        exclude: &[&str],
        with_files: bool,
    ) -> Result<Document, InventoryError> {
        let image = oci::open(oci::ImageScheme::OciDir, folder.to_str().unwrap(), &oci::OpenOptions::default())?;
        let plan = || Plan::new(catalog::catalogers::ALL.to_vec());
        let inventory = Inventory {
            plan: plan(),
            options: AssembleOptions { files: FileSelection::All, ..AssembleOptions::default() },
            digests: FileDigests::ALL,
            with_files,
            cache: cache.map(|root| Cache::new(root, &plan(), FileDigests::ALL)),
            parallelism: 1,
            exclude: exclude.iter().map(|pattern| (*pattern).to_owned()).collect(),
            progress: Box::new(Silent),
        };
        inventory.image(&image, "the image")
    }

    #[test]
    fn a_kept_document_is_the_same_and_needs_no_layer() {
        let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        layout(folder.path());
        let shown = |document: Document| format!("{document:?}");
        let first = shown(take(folder.path(), Some(cache.path()), &[]).unwrap());
        assert!(first.contains("musl"));
        let blobs = fs::read_dir(folder.path().join("blobs/sha256")).unwrap();
        let layer =
            blobs.map(|blob| blob.unwrap().path()).find(|path| fs::metadata(path).unwrap().len() == 2048).unwrap();
        fs::remove_file(layer).unwrap();
        assert_eq!(shown(take(folder.path(), Some(cache.path()), &[]).unwrap()), first);
        assert!(take(folder.path(), None, &[]).is_err());
        let with = take(folder.path(), Some(cache.path()), &[]).unwrap();
        let without = take_with(folder.path(), Some(cache.path()), &[], false).unwrap();
        assert_eq!((with.files.is_empty(), without.files.is_empty()), (false, true));
        assert_eq!(with.components, without.components);
    }

    #[test]
    fn what_is_excluded_is_not_found() {
        let folder = tempfile::tempdir().unwrap();
        layout(folder.path());
        for (pattern, found) in [("/lib/apk", 0), ("**/installed", 0), ("/lib/**", 0), ("lib/**", 1), ("/lib/ap", 1)] {
            let document = take(folder.path(), None, &[pattern]).unwrap();
            assert_eq!(document.components.len(), found, "{pattern}");
        }
    }
}
