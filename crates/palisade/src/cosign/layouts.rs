//! `save` and `load`: an image with its signatures as an OCI layout, to carry over an air gap.

use super::args::Registry;
use super::image::{Parts, Target, options};
use crate::outcome::{OK, Outcome, advised};
use crate::output;
use anyhow::Context;
use clap::Args;
use oci::{Descriptor, Document, OciError, Reference, Repository};
use sigstore::attached::{AttachedBundle, Kind, LegacyLayer};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The annotation by which Cosign tells what an entry of the layout is.
const KIND: &str = "kind";
const IMAGE: &str = "dev.cosignproject.cosign/image";
const INDEX: &str = "dev.cosignproject.cosign/imageIndex";
const SIGNATURES: &str = "dev.cosignproject.cosign/sigs";
const ATTESTATIONS: &str = "dev.cosignproject.cosign/atts";
/// The largest manifest or bundle that is read.
const MAX_DOCUMENT: u64 = 64 << 20;

/// `save`
#[derive(Debug, Args)]
pub(crate) struct Save {
    /// The image.
    image: String,
    /// The layout's folder; it is made.
    #[arg(long, value_name = "FOLDER", required = true)]
    dir: PathBuf,
    #[command(flatten)]
    registry: Registry,
}

/// `load`
#[derive(Debug, Args)]
pub(crate) struct Load {
    /// The image's name on its new registry.
    image: String,
    /// The layout's folder.
    #[arg(long, value_name = "FOLDER", required = true)]
    dir: PathBuf,
    #[command(flatten)]
    registry: Registry,
}

/// Saves an image with what is attached.
pub(crate) fn save(command: &Save) -> Outcome {
    if command.dir.join("index.json").exists() {
        return Err(advised(format!("{} already has a layout", command.dir.display()), "choose another folder"));
    }
    let target = Target::find(&command.image, &command.registry)?;
    std::fs::create_dir_all(command.dir.join("blobs/sha256"))
        .with_context(|| format!("cannot make {}", command.dir.display()))?;
    let mut entries = Vec::new();
    let manifests = target.manifests(true)?;
    for manifest in &manifests {
        save_manifest(&command.dir, &target.repository, manifest)?;
    }
    let kind = if manifests.len() > 1 { INDEX } else { IMAGE };
    entries.push(named(target.manifest.descriptor(), kind));
    for manifest in &manifests {
        for (attached, kind) in [(Kind::Signature, SIGNATURES), (Kind::Attestation, ATTESTATIONS)] {
            if let Some(found) = target.signatures().find_manifest(&attached.tag(&manifest.digest))? {
                save_manifest(&command.dir, target.signatures(), &found)?;
                entries.push(named(found.descriptor(), kind));
            }
        }
        for entry in target.signatures().referrers(&manifest.digest, None)? {
            let found = target.signatures().manifest(&entry.digest)?;
            save_manifest(&command.dir, target.signatures(), &found)?;
            entries.push(entry);
        }
    }
    let index = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": entries,
    });
    // The index comes last: a folder that was only half written is no layout.
    write(&command.dir.join("oci-layout"), br#"{"imageLayoutVersion":"1.0.0"}"#)?;
    write(&command.dir.join("index.json"), index.to_string().as_bytes())?;
    Ok(OK)
}

fn named(mut descriptor: Descriptor, kind: &str) -> Descriptor {
    descriptor.annotations.insert(KIND.to_owned(), kind.to_owned());
    descriptor
}

fn save_manifest(folder: &Path, repository: &Repository, manifest: &Document) -> anyhow::Result<()> {
    for blob in Parts::of(&manifest.bytes)?.blobs() {
        let path = blob_path(folder, &blob.digest)?;
        if !path.exists() {
            let mut stream = repository.open_blob(&blob)?;
            output::to_file(&path, |out| Ok(std::io::copy(&mut stream, out).map(|_| ())?))?;
        }
    }
    write(&blob_path(folder, &manifest.digest)?, &manifest.bytes)
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    output::to_file(path, |out| Ok(out.write_all(bytes)?))
}

fn blob_path(folder: &Path, digest: &str) -> anyhow::Result<PathBuf> {
    match digest.split_once(':') {
        Some(("sha256", hex)) if hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            Ok(folder.join("blobs/sha256").join(hex))
        }
        _ => Err(advised(format!("{digest:?} is no digest of SHA-256"), "the layout is malformed")),
    }
}

/// Puts a saved image on a registry.
pub(crate) fn load(command: &Load) -> Outcome {
    let reference: Reference = command.image.parse()?;
    let repository = Repository::connect(&reference, &options(&command.registry))?;
    let layout = Layout::open(&command.dir)?;
    let root = layout.image()?;
    let manifest = layout.document(root)?;
    for listed in Parts::of(&manifest.bytes)?.manifests {
        put(&layout, &repository, &layout.document(&listed)?, None)?;
    }
    put(&layout, &repository, &manifest, reference.tag())?;
    for (kind, entry) in layout.entries.iter().filter_map(|entry| Some((entry.annotations.get(KIND)?, entry))) {
        let attached = match kind.as_str() {
            SIGNATURES => Kind::Signature,
            ATTESTATIONS => Kind::Attestation,
            _ => continue,
        };
        // Cosign saves signatures of one image only, so they are the root's.
        put(&layout, &repository, &layout.document(entry)?, Some(&attached.tag(&root.digest)))?;
    }
    for entry in layout.entries.iter().filter(|entry| !entry.annotations.contains_key(KIND)) {
        let document = layout.document(entry)?;
        let Some(subject) = Parts::of(&document.bytes)?.subject else { continue };
        put(&layout, &repository, &document, None)?;
        repository.attach_manifest(&subject.digest, &document, entry)?;
    }
    Ok(OK)
}

fn put(layout: &Layout, repository: &Repository, manifest: &Document, tag: Option<&str>) -> anyhow::Result<()> {
    for blob in Parts::of(&manifest.bytes)?.blobs() {
        let path = blob_path(&layout.folder, &blob.digest)?;
        repository.put_stream(&blob, &|| {
            let file = File::open(&path).map_err(|source| OciError::File { path: path.clone(), source })?;
            Ok(Box::new(oci::verify::Verified::new(file, &blob.digest, Some(blob.size))?))
        })?;
    }
    repository.put_manifest(tag, &manifest.media_type, &manifest.bytes)?;
    Ok(())
}

/// A saved image.
pub(crate) struct Layout {
    folder: PathBuf,
    entries: Vec<Descriptor>,
}

impl Layout {
    /// Opens it.
    pub(crate) fn open(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join("index.json");
        let index = Parts::of(&read(&path)?).with_context(|| path.display().to_string())?;
        Ok(Self { folder: folder.to_path_buf(), entries: index.manifests })
    }

    /// The image or index that was saved.
    pub(crate) fn image(&self) -> anyhow::Result<&Descriptor> {
        let is_image =
            |entry: &&Descriptor| entry.annotations.get(KIND).is_some_and(|kind| kind == IMAGE || kind == INDEX);
        let found = self.entries.iter().find(is_image);
        found.ok_or_else(|| advised(format!("{} has no saved image", self.folder.display()), "make it with `save`"))
    }

    /// The bundles that refer to the image.
    pub(crate) fn bundles(&self) -> anyhow::Result<Vec<AttachedBundle>> {
        let mut all = Vec::new();
        for entry in self.entries.iter().filter(|entry| !entry.annotations.contains_key(KIND)) {
            for layer in Parts::of(&self.document(entry)?.bytes)?.layers {
                if layer.media_type.starts_with("application/vnd.dev.sigstore.bundle") {
                    all.push(AttachedBundle { manifest: entry.clone(), json: self.blob(&layer.digest)? });
                }
            }
        }
        Ok(all)
    }

    /// The layers of the legacy form.
    pub(crate) fn legacy(&self, kind: Kind) -> anyhow::Result<Vec<LegacyLayer>> {
        let wanted = if kind == Kind::Signature { SIGNATURES } else { ATTESTATIONS };
        let mut all = Vec::new();
        for entry in self.entries.iter().filter(|entry| entry.annotations.get(KIND).is_some_and(|kind| kind == wanted))
        {
            for layer in Parts::of(&self.document(entry)?.bytes)?.layers {
                let annotations: BTreeMap<String, String> = layer.annotations;
                let payload = self.blob(&layer.digest)?;
                all.push(LegacyLayer { media_type: layer.media_type, payload, annotations });
            }
        }
        Ok(all)
    }

    fn document(&self, entry: &Descriptor) -> anyhow::Result<Document> {
        let bytes = self.blob(&entry.digest)?;
        Ok(Document { media_type: entry.media_type.clone(), digest: entry.digest.clone(), bytes })
    }

    fn blob(&self, digest: &str) -> anyhow::Result<Vec<u8>> {
        let bytes = read(&blob_path(&self.folder, digest)?)?;
        oci::verify::check(&bytes, digest)?;
        Ok(bytes)
    }
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    file.take(MAX_DOCUMENT).read_to_end(&mut bytes).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(bytes)
}
