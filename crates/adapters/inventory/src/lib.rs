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

use catalog::{AssembleOptions, FileSelection, Plan};
use oci::Image;
use sbom::{Document, Source, SourceKind, SourceLayer};
use std::path::{Path, PathBuf};

/// How to take an inventory.
pub struct Inventory {
    /// The catalogers.
    pub plan: Plan,
    /// Scope and files of the document.
    pub options: AssembleOptions,
    /// Where facts of layers are kept between runs; `None`: nowhere.
    pub cache: Option<Cache>,
    /// Threads; at least 1.
    pub parallelism: usize,
    /// Patterns of paths that are left out, without a leading `/` (or `./`).
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
        let facts = layers::scan(self, image)?;
        let source = image_source(image, &facts, user_input);
        Ok(catalog::assemble(source, &facts, &self.plan, self.options))
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

    pub(crate) fn wants_digests(&self) -> bool {
        self.options.files != FileSelection::None
    }
}

fn image_source(image: &Image, facts: &[catalog::LayerFacts], user_input: &str) -> Source {
    let layers = image.layers.iter().zip(facts).map(|(layer, facts)| SourceLayer {
        media_type: layer.descriptor.media_type.clone(),
        digest: layer.diff_id.clone(),
        blob_digest: layer.descriptor.digest.clone(),
        size_bytes: facts.entries.iter().map(|entry| entry.size_bytes).sum(),
    });
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
        layers: layers.collect(),
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
