//! An image, wherever it came from.

use crate::manifest::{Config, MAX_CONFIG, MAX_MANIFEST, Manifest};
use crate::verify::{self, Verified};
use crate::{Descriptor, OciError, Platform, decode};
use std::collections::BTreeMap;
use std::io::{self, Read};

/// Where the blobs of an image are.
pub trait BlobSource: Send + Sync {
    /// Opens a blob as stored. The caller verifies it.
    ///
    /// # Errors
    /// Where it is not there or can't be reached.
    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send + '_>, OciError>;
}

/// An image of one platform.
pub struct Image {
    /// The manifest, verified.
    pub manifest: Vec<u8>,
    /// Its digest.
    pub manifest_digest: String,
    /// Its media type.
    pub media_type: String,
    /// The configuration, verified.
    pub config: Vec<u8>,
    /// Its digest: the image's ID.
    pub image_id: String,
    /// From the configuration.
    pub architecture: String,
    /// From the configuration.
    pub os: String,
    /// From the configuration.
    pub labels: BTreeMap<String, String>,
    /// Full names with tags.
    pub tags: Vec<String>,
    /// Full names with digests.
    pub repo_digests: Vec<String>,
    /// From the base up.
    pub layers: Vec<Layer>,
    blobs: Box<dyn BlobSource>,
}

/// A layer of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// The blob.
    pub descriptor: Descriptor,
    /// `sha256:...` of the uncompressed tar, as the configuration claims.
    pub diff_id: String,
}

impl Image {
    /// Reads manifest and configuration of `root`; of an index, the entry for `platform`.
    ///
    /// # Errors
    /// Where a document is missing, too large, malformed or not what its digest names.
    pub fn open(blobs: Box<dyn BlobSource>, root: &Descriptor, platform: Option<&Platform>) -> Result<Self, OciError> {
        /// An index of indexes is allowed; deeper ones are nonsense.
        const MAX_DEPTH: usize = 3;
        let mut descriptor = root.clone();
        for _ in 0..=MAX_DEPTH {
            let bytes = read_document(&*blobs, &descriptor, "manifest", MAX_MANIFEST)?;
            let manifest = Manifest::parse(&bytes)?;
            if manifest.is_index() {
                descriptor = choose(&manifest.manifests, platform)?.clone();
            } else {
                return Self::from_manifest(blobs, &descriptor, bytes, &manifest);
            }
        }
        Err(OciError::malformed("index", "indexes within indexes"))
    }

    fn from_manifest(
        blobs: Box<dyn BlobSource>,
        descriptor: &Descriptor,
        bytes: Vec<u8>,
        manifest: &Manifest,
    ) -> Result<Self, OciError> {
        let Some(config_descriptor) = &manifest.config else {
            return Err(OciError::malformed("manifest", "no configuration"));
        };
        let config_bytes = read_document(&*blobs, config_descriptor, "configuration", MAX_CONFIG)?;
        let config = Config::parse(&config_bytes)?;
        let diff_ids = config.rootfs.diff_ids;
        if diff_ids.len() != manifest.layers.len() {
            let (layers, diff_ids) = (manifest.layers.len(), diff_ids.len());
            return Err(OciError::malformed("configuration", format!("{layers} layers, but {diff_ids} diff_ids")));
        }
        let layers = manifest.layers.iter().zip(diff_ids);
        let layers = layers.map(|(descriptor, diff_id)| Layer { descriptor: descriptor.clone(), diff_id }).collect();
        Ok(Self {
            manifest: bytes,
            manifest_digest: descriptor.digest.clone(),
            media_type: manifest.media_type().to_owned(),
            config: config_bytes,
            image_id: config_descriptor.digest.clone(),
            architecture: config.architecture,
            os: config.os,
            labels: config.config.labels,
            tags: Vec::new(),
            repo_digests: Vec::new(),
            layers,
            blobs,
        })
    }

    /// The layer's tar. Reading it to its end verifies size and digest of the blob. `on_bytes` hears how many stored
    /// bytes were read.
    ///
    /// # Errors
    /// Where the blob can't be opened.
    pub fn layer<'a>(
        &'a self,
        layer: &Layer,
        on_bytes: &'a (dyn Fn(u64) + Sync),
    ) -> Result<Box<dyn Read + Send + 'a>, OciError> {
        let blob = Counted { reader: self.blobs.open(&layer.descriptor)?, on_bytes };
        let size = Some(layer.descriptor.size).filter(|size| *size > 0);
        let verified = Verified::new(blob, &layer.descriptor.digest, size)?;
        decode::decompress(verified)
            .map_err(|source| OciError::File { path: layer.descriptor.digest.clone().into(), source })
    }
}

struct Counted<'a, R> {
    reader: R,
    on_bytes: &'a (dyn Fn(u64) + Sync),
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        (self.on_bytes)(read as u64);
        Ok(read)
    }
}

fn choose<'a>(entries: &'a [Descriptor], platform: Option<&Platform>) -> Result<&'a Descriptor, OciError> {
    match (entries, platform) {
        // An index of one image is that image, as for the peers.
        ([only], None) => Ok(only),
        (entries, Some(platform)) => platform.choose(entries),
        (entries, None) => Platform::host().choose(entries),
    }
}

fn read_document(
    blobs: &dyn BlobSource,
    descriptor: &Descriptor,
    what: &'static str,
    limit: u64,
) -> Result<Vec<u8>, OciError> {
    let mut bytes = Vec::new();
    let reader = blobs.open(descriptor)?;
    reader
        .take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| OciError::File { path: descriptor.digest.clone().into(), source })?;
    if bytes.len() as u64 > limit {
        return Err(OciError::TooLarge { what, limit });
    }
    verify::check(&bytes, &descriptor.digest)?;
    Ok(bytes)
}
