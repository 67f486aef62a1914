//! Images in a tar: what `docker save` writes, and OCI image layouts.
//!
//! Nothing is unpacked. One pass finds where each blob is. A plain tar is then read by seeking; one that is compressed,
//! or comes from a daemon, is read again from its start for each layer.

mod tar;

pub(crate) use tar::Tar;

use crate::layout::{blob_path, pick, reference_name};
use crate::manifest::{MAX_CONFIG, MAX_MANIFEST, Manifest};
use crate::{BlobSource, Descriptor, Image, OciError, Platform, decode, verify};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use tar::Index;

const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";

/// Opens the only image of a file that `docker save` wrote, plain or compressed.
///
/// # Errors
/// Where the file can't be read, is none, or has several images.
pub fn open_docker(path: &Path) -> Result<Image, OciError> {
    from_docker_tar(Box::new(FileTar::new(path)?), &path.display().to_string())
}

/// Opens an image of a tar of an OCI image layout, plain or compressed; `name` and `platform` choose as in
/// [`layout::open`](crate::layout::open).
///
/// # Errors
/// Where the file can't be read, is no layout, or has no such image.
pub fn open_oci(path: &Path, name: Option<&str>, platform: Option<&Platform>) -> Result<Image, OciError> {
    let index = Index::read(Box::new(FileTar::new(path)?))?;
    let root = Manifest::parse(&index.document("index.json", "index", MAX_MANIFEST)?)?;
    let entry = pick(&root.manifests, name, &path.display().to_string(), platform)?;
    let mut image = Image::open(Box::new(OciArchive(index)), entry, platform)?;
    image.tags.extend(reference_name(entry).filter(|name| name.contains(['/', ':'])).map(str::to_owned));
    Ok(image)
}

/// Opens the only image of the tar of `docker save`. Its manifest is made up from its configuration, as the peers do
/// (stereoscope 0.4.1).
pub(crate) fn from_docker_tar(tar: Box<dyn Tar>, place: &str) -> Result<Image, OciError> {
    let index = Index::read(tar)?;
    let listed: Vec<Saved> = serde_json::from_slice(&index.document("manifest.json", "manifest", MAX_MANIFEST)?)
        .map_err(|error| OciError::malformed("manifest.json", error))?;
    let [saved] = listed.as_slice() else {
        let tags = listed.iter().flat_map(|saved| saved.repo_tags.iter().flatten().map(String::as_str));
        let available = tags.collect::<Vec<_>>().join(", ");
        return Err(OciError::NoImage {
            wanted: "that is the only one".to_owned(),
            place: place.to_owned(),
            available,
        });
    };
    let config = index.document(&saved.config, "configuration", MAX_CONFIG)?;
    let diff_ids = crate::manifest::Config::parse(&config)?.rootfs.diff_ids;
    let names = saved.layers.as_deref().unwrap_or_default();
    if diff_ids.len() != names.len() {
        let cause = format!("{} layers, but {} diff_ids", names.len(), diff_ids.len());
        return Err(OciError::malformed("configuration", cause));
    }
    let described = |(name, digest): (&String, &String)| Described {
        media_type: DOCKER_LAYER,
        size: index.stored_size(name),
        digest: digest.clone(),
    };
    let layers: Vec<Described> = names.iter().zip(&diff_ids).map(described).collect();
    let (size, digest) = (config.len() as u64, verify::sha256(&config));
    let config_entry = Described { media_type: DOCKER_CONFIG, size, digest: digest.clone() };
    let layers = (!layers.is_empty()).then_some(layers);
    let document = MadeManifest { schema_version: 2, media_type: DOCKER_MANIFEST, config: config_entry, layers };
    let manifest = serde_json::to_vec(&document).map_err(|error| OciError::malformed("manifest", error))?;
    let root = Descriptor { digest: verify::sha256(&manifest), ..Descriptor::default() };
    let documents = BTreeMap::from([(root.digest.clone(), manifest), (digest, config)]);
    let stored: Vec<u64> = names.iter().map(|name| plain_size(&index, name)).collect();
    let layers = diff_ids.into_iter().zip(names.iter().cloned()).collect();
    let mut image = Image::open(Box::new(DockerArchive { index, documents, layers }), &root, None)?;
    for (layer, size_bytes) in image.layers.iter_mut().zip(stored) {
        layer.descriptor.size = size_bytes;
    }
    image.tags.extend(saved.repo_tags.clone().unwrap_or_default());
    Ok(image)
}

/// The size of a layer's tar; 0, which is unknown, of a compressed one.
fn plain_size(index: &Index, name: &str) -> u64 {
    index.find(name).filter(|(_, entry)| !decode::is_compressed(&entry.head)).map_or(0, |(_, entry)| entry.size_bytes)
}

/// An entry of `manifest.json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: String,
    repo_tags: Option<Vec<String>>,
    layers: Option<Vec<String>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MadeManifest {
    schema_version: u8,
    media_type: &'static str,
    config: Described,
    layers: Option<Vec<Described>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Described {
    media_type: &'static str,
    size: u64,
    digest: String,
}

struct DockerArchive {
    index: Index,
    documents: BTreeMap<String, Vec<u8>>,
    /// Names by diff ID.
    layers: BTreeMap<String, String>,
}

impl BlobSource for DockerArchive {
    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send + '_>, OciError> {
        if let Some(bytes) = self.documents.get(&descriptor.digest) {
            return Ok(Box::new(Cursor::new(bytes)));
        }
        let name = self.layers.get(&descriptor.digest);
        let name = name.ok_or_else(|| OciError::malformed("layer", format!("no {}", descriptor.digest)))?;
        // The diff ID is of the plain tar; a few writers store it compressed.
        decode::decompress(self.index.open(name)?).map_err(|error| OciError::malformed("layer", error))
    }
}

struct OciArchive(Index);

impl BlobSource for OciArchive {
    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send + '_>, OciError> {
        self.0.open(&blob_path(&descriptor.digest)?)
    }
}

/// A tar in a file.
struct FileTar {
    path: PathBuf,
    is_compressed: bool,
}

impl FileTar {
    fn new(path: &Path) -> Result<Self, OciError> {
        let path = path.to_path_buf();
        let mut head = Vec::new();
        let read = File::open(&path).and_then(|file| file.take(tar::HEAD as u64).read_to_end(&mut head));
        match read {
            Ok(_) => Ok(Self { path, is_compressed: decode::is_compressed(&head) }),
            Err(source) => Err(OciError::File { path, source }),
        }
    }

    fn failed(&self) -> impl Fn(std::io::Error) -> OciError {
        |source| OciError::File { path: self.path.clone(), source }
    }
}

impl Tar for FileTar {
    fn stream(&self) -> Result<Box<dyn Read + Send + '_>, OciError> {
        File::open(&self.path).and_then(decode::decompress).map_err(self.failed())
    }

    fn seek(&self, offset: u64) -> Result<Option<Box<dyn Read + Send + '_>>, OciError> {
        if self.is_compressed {
            return Ok(None);
        }
        let mut file = File::open(&self.path).map_err(self.failed())?;
        file.seek(SeekFrom::Start(offset)).map_err(self.failed())?;
        // Headers are read block by block.
        Ok(Some(Box::new(std::io::BufReader::new(file))))
    }
}
