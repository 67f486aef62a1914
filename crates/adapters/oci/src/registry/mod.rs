//! Images of a registry (OCI distribution-spec 1.1).

mod blob;
mod challenge;
mod client;
mod docker_config;
mod error;
mod options;
mod referrers;
mod repository;
mod transport;

pub use error::RegistryError;
pub use options::{Mirror, RegistryCredentials, RegistryOptions, Timeouts};
pub use referrers::{Referrer, fallback_tag};
pub use repository::{Change, Document, Merge, Repository};

use crate::manifest::{MAX_MANIFEST, Manifest};
use crate::{BlobSource, Descriptor, Image, OciError, Platform, Reference, verify};
use blob::Blob;
use client::Client;
use reqwest::header::CONTENT_TYPE;
use std::io::{Cursor, Read};

const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";

/// Opens the image `reference`, from a mirror where one has it.
///
/// # Errors
/// Where the reference is none, the registry refuses it or can't be reached, or the image is malformed.
pub fn open(reference: &str, platform: Option<&Platform>, options: &RegistryOptions) -> Result<Image, OciError> {
    let reference: Reference = reference.parse()?;
    let (source, root) = connect(&reference, options)?;
    let digest = root.digest.clone();
    let mut image = Image::open(Box::new(source), &root, platform)?;
    if let Some(wanted) = platform
        && (wanted.os != image.os || wanted.architecture != image.architecture)
    {
        let available = format!("{}/{}", image.os, image.architecture);
        return Err(OciError::NoPlatform { wanted: wanted.to_string(), available });
    }
    let name = format!("{}/{}", reference.registry(), reference.repository());
    image.repo_digests.push(format!("{name}@{digest}"));
    image.tags.extend(reference.tag().map(|tag| format!("{name}:{tag}")));
    Ok(image)
}

/// The first of mirrors and registry that has the manifest.
fn connect(reference: &Reference, options: &RegistryOptions) -> Result<(Source, Descriptor), OciError> {
    let mirrors =
        options.mirrors.iter().filter(|mirror| options::is_same_registry(&mirror.registry, reference.registry()));
    for mirror in mirrors {
        let (host, prefix) = mirror.location.split_once('/').unwrap_or((&mirror.location, ""));
        let repository = format!("{prefix}/{}", reference.repository());
        match Source::connect(host, repository.trim_start_matches('/'), reference, options) {
            Ok(found) => return Ok(found),
            Err(error) => tracing::warn!(mirror = mirror.location, %error, "the mirror does not have the image"),
        }
    }
    Source::connect(reference.registry(), reference.repository(), reference, options)
}

struct Source {
    client: Client,
    root_digest: String,
    root: Vec<u8>,
}

impl Source {
    fn connect(
        host: &str,
        repository: &str,
        reference: &Reference,
        options: &RegistryOptions,
    ) -> Result<(Self, Descriptor), OciError> {
        let client = Client::connect(host, repository, options)?;
        let path = format!("manifests/{}", reference.identifier());
        let response = client.get(&path, ACCEPT, 0)?;
        let named = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let media_type = named(CONTENT_TYPE.as_str()).unwrap_or_default();
        let announced = named("docker-content-digest").filter(|digest| digest.starts_with("sha"));
        let root = client.document(response, &path, MAX_MANIFEST)?;
        // Of a tag nothing but the registry's word is known.
        let expected = reference.digest().map(str::to_owned).or(announced);
        let root_digest = expected.unwrap_or_else(|| verify::sha256(&root));
        verify::check(&root, &root_digest)?;
        if media_type.starts_with("application/vnd.docker.distribution.manifest.v1") {
            return Err(OciError::malformed("manifest", "schema 1, which registries gave up; push the image again"));
        }
        Manifest::parse(&root)?;
        let descriptor =
            Descriptor { media_type, digest: root_digest.clone(), size: root.len() as u64, ..Descriptor::default() };
        Ok((Self { client, root_digest, root }, descriptor))
    }
}

impl BlobSource for Source {
    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send + '_>, OciError> {
        let digest = &descriptor.digest;
        if *digest == self.root_digest {
            return Ok(Box::new(Cursor::new(&self.root)));
        }
        // The digest becomes a part of an address.
        crate::layout::blob_path(digest)?;
        if is_manifest(&descriptor.media_type) {
            let path = format!("manifests/{digest}");
            let response = self.client.get(&path, ACCEPT, 0)?;
            return Ok(Box::new(Cursor::new(self.client.document(response, &path, MAX_MANIFEST)?)));
        }
        Ok(Box::new(Blob::open(&self.client, digest, descriptor.size)?))
    }
}

fn is_manifest(media_type: &str) -> bool {
    ACCEPT.split(", ").any(|known| known == media_type)
}
