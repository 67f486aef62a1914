//! Reading and writing one repository: manifests, blobs, tags (OCI distribution-spec 1.1).

use super::client::{Client, pause};
use super::error::RegistryError;
use super::{ACCEPT, RegistryOptions};
use crate::manifest::MAX_MANIFEST;
use crate::{Descriptor, OciError, Reference, verify};
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, LINK, LOCATION};
use reqwest::{Method, Url};
use std::io::Read;
use std::time::{Duration, Instant};

/// The largest blob that is held in memory: a bundle, a legacy payload.
const MAX_SMALL_BLOB: u64 = 64 << 20;
/// A large blob, there or back.
const BLOB_DEADLINE: Duration = Duration::from_secs(3600);
/// Pages of a list of tags.
const MAX_PAGES: usize = 100;
/// How often a tag is written again because another writer was faster.
const MAX_ROUNDS: u32 = 200;
/// The least time after which a tag is looked at again.
const SETTLE: Duration = Duration::from_millis(20);

/// A repository of a registry.
pub struct Repository {
    pub(super) client: Client,
    reference: Reference,
}

/// A manifest as a registry holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// What it is, by the registry's word or its own.
    pub media_type: String,
    /// `sha256:...`, checked.
    pub digest: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// What a tag's manifest is to become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its media type.
    pub media_type: &'static str,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Makes the new manifest of a tag from what is there, or none where nothing is missing.
pub type Merge<'a> = dyn FnMut(Option<&Document>) -> Result<Option<Change>, OciError> + 'a;

impl Document {
    /// Names it.
    #[must_use]
    pub fn descriptor(&self) -> Descriptor {
        Descriptor {
            media_type: self.media_type.clone(),
            digest: self.digest.clone(),
            size: self.bytes.len() as u64,
            ..Descriptor::default()
        }
    }
}

impl Repository {
    /// Reaches the registry of `reference`.
    ///
    /// # Errors
    /// Where it does not answer or can't be set up.
    pub fn connect(reference: &Reference, options: &RegistryOptions) -> Result<Self, OciError> {
        let client = Client::connect(reference.registry(), reference.repository(), options)?;
        Ok(Self { client, reference: reference.clone() })
    }

    /// As it was connected.
    #[must_use]
    pub fn reference(&self) -> &Reference {
        &self.reference
    }

    /// `registry/repository`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}", self.reference.registry(), self.reference.repository())
    }

    /// The manifest or index at a tag or digest.
    ///
    /// # Errors
    /// Where it is not there or not what the digest names.
    pub fn manifest(&self, identifier: &str) -> Result<Document, OciError> {
        let path = format!("manifests/{identifier}");
        let response = self.client.get(&path, ACCEPT, 0)?;
        let named = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let media_type = named(CONTENT_TYPE.as_str()).unwrap_or_default();
        let announced = named("docker-content-digest").filter(|digest| digest.starts_with("sha"));
        let bytes = self.client.document(response, &path, MAX_MANIFEST)?;
        let expected = if identifier.contains(':') { Some(identifier.to_owned()) } else { announced };
        let digest = expected.unwrap_or_else(|| verify::sha256(&bytes));
        verify::check(&bytes, &digest)?;
        Ok(Document { media_type, digest, bytes })
    }

    /// The same, or none where the registry has none.
    ///
    /// # Errors
    /// As [`Self::manifest`], but for its absence.
    pub fn find_manifest(&self, identifier: &str) -> Result<Option<Document>, OciError> {
        absent(self.manifest(identifier))
    }

    /// Stores a manifest under a tag, or under its own digest.
    ///
    /// # Errors
    /// Where the registry refuses it.
    pub fn put_manifest(&self, tag: Option<&str>, media_type: &str, bytes: &[u8]) -> Result<Document, OciError> {
        let digest = verify::sha256(bytes);
        let url = self.client.url(&format!("manifests/{}", tag.unwrap_or(&digest)));
        self.client
            .request(Method::PUT, &url, &|request| request.header(CONTENT_TYPE, media_type).body(bytes.to_vec()))?;
        Ok(Document { media_type: media_type.to_owned(), digest, bytes: bytes.to_vec() })
    }

    /// Removes a manifest by its digest, or a tag where the registry can do that.
    ///
    /// # Errors
    /// Where the registry refuses it; many do.
    pub fn delete_manifest(&self, identifier: &str) -> Result<(), OciError> {
        let url = self.client.url(&format!("manifests/{identifier}"));
        self.client.request(Method::DELETE, &url, &|request| request)?;
        Ok(())
    }

    /// A small blob, checked.
    ///
    /// # Errors
    /// Where it is not there, larger than 64 MB, or not what the digest names.
    pub fn blob(&self, digest: &str) -> Result<Vec<u8>, OciError> {
        // The digest becomes a part of an address.
        crate::layout::blob_path(digest)?;
        let path = format!("blobs/{digest}");
        let response = self.client.get(&path, "*/*", 0)?;
        let bytes = self.client.document(response, &path, MAX_SMALL_BLOB)?;
        verify::check(&bytes, digest)?;
        Ok(bytes)
    }

    /// A blob of any size as a stream that is checked at its end.
    ///
    /// # Errors
    /// Where it is not there.
    pub fn open_blob(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send + 'static>, OciError> {
        crate::layout::blob_path(&descriptor.digest)?;
        let url = self.client.url(&format!("blobs/{}", descriptor.digest));
        let response = self.client.request(Method::GET, &url, &|request| request.timeout(BLOB_DEADLINE))?;
        Ok(Box::new(verify::Verified::new(response, &descriptor.digest, Some(descriptor.size))?))
    }

    /// Whether a blob is there.
    ///
    /// # Errors
    /// Where the registry does not say.
    pub fn has_blob(&self, digest: &str) -> Result<bool, OciError> {
        crate::layout::blob_path(digest)?;
        let url = self.client.url(&format!("blobs/{digest}"));
        let answer = self.client.request(Method::HEAD, &url, &|request| request);
        Ok(absent(answer.map_err(OciError::from))?.is_some())
    }

    /// Stores a blob; one that is there is left.
    ///
    /// # Errors
    /// Where the registry refuses it.
    pub fn put_blob(&self, media_type: &str, bytes: &[u8]) -> Result<Descriptor, OciError> {
        let digest = verify::sha256(bytes);
        let descriptor = Descriptor {
            media_type: media_type.to_owned(),
            digest: digest.clone(),
            size: bytes.len() as u64,
            ..Descriptor::default()
        };
        if !self.has_blob(&digest)? {
            let url = self.upload(&digest)?;
            self.client.request(Method::PUT, &url, &|request| {
                request.header(CONTENT_TYPE, "application/octet-stream").body(bytes.to_vec())
            })?;
        }
        Ok(descriptor)
    }

    /// Copies a blob from another repository without holding it in memory.
    ///
    /// # Errors
    /// Where it can't be read there or stored here.
    pub fn copy_blob(&self, from: &Self, descriptor: &Descriptor) -> Result<(), OciError> {
        self.put_stream(descriptor, &|| from.open_blob(descriptor))
    }

    /// Stores a blob from a stream that `open` begins; one that is there is left.
    ///
    /// # Errors
    /// Where it can't be read, is not what the digest names, or the registry refuses it.
    pub fn put_stream(
        &self,
        descriptor: &Descriptor,
        open: &dyn Fn() -> Result<Box<dyn Read + Send + 'static>, OciError>,
    ) -> Result<(), OciError> {
        if self.has_blob(&descriptor.digest)? {
            return Ok(());
        }
        let url = self.upload(&descriptor.digest)?;
        let stream = std::cell::Cell::new(Some(open()?));
        // A second attempt has no stream any more: the registry sees an empty body, and refuses it by its digest.
        self.client.request(Method::PUT, &url, &|request| {
            let request = request
                .header(CONTENT_TYPE, "application/octet-stream")
                .header(CONTENT_LENGTH, descriptor.size)
                .timeout(BLOB_DEADLINE);
            match stream.take() {
                Some(stream) => request.body(reqwest::blocking::Body::sized(stream, descriptor.size)),
                None => request,
            }
        })?;
        Ok(())
    }

    /// Begins an upload and says where its bytes go.
    fn upload(&self, digest: &str) -> Result<Url, OciError> {
        let url = self.client.url("blobs/uploads/");
        let response = self.client.request(Method::POST, &url, &|request| request.header(CONTENT_LENGTH, 0))?;
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let location = location.ok_or_else(|| self.client.unexpected("an upload", "no Location"))?;
        let mut url = self.client.location(&url, location)?;
        url.query_pairs_mut().append_pair("digest", digest);
        Ok(url)
    }

    /// All tags, in the registry's order.
    ///
    /// # Errors
    /// Where the registry does not say.
    pub fn tags(&self) -> Result<Vec<String>, OciError> {
        #[derive(serde::Deserialize)]
        struct Tags {
            tags: Option<Vec<String>>,
        }
        let mut all = Vec::new();
        let mut url = Some(self.client.url("tags/list"));
        for _ in 0..MAX_PAGES {
            let Some(at) = url.take() else { break };
            let response = self.client.request(Method::GET, &at, &|request| request)?;
            let next = response.headers().get(LINK).and_then(|value| value.to_str().ok()).and_then(next_page);
            url = next.map(|next| self.client.location(&at, &next)).transpose()?;
            let bytes = self.client.document(response, "tags/list", MAX_MANIFEST)?;
            let page: Tags =
                serde_json::from_slice(&bytes).map_err(|error| self.client.unexpected("tags/list", error))?;
            all.extend(page.tags.unwrap_or_default());
        }
        Ok(all)
    }

    /// Changes the manifest at `tag` so that it has what `merge` adds, also while others write it.
    ///
    /// Registries have no conditional write. So the tag is read again until the addition is seen there after a pause
    /// that is longer than any cycle of reading and writing was: a writer that had read before this one wrote has
    /// overwritten it by then, and is answered by another round. `merge` gets what is there and makes the new manifest
    /// with its media type, or none where nothing is missing.
    ///
    /// # Errors
    /// Where the registry refuses, what is there can't be merged with, or others never stop writing.
    pub fn update_tag(&self, tag: &str, merge: &mut Merge<'_>) -> Result<(), OciError> {
        let mut has_written = false;
        let mut slowest = SETTLE;
        for round in 1..=MAX_ROUNDS {
            let started = Instant::now();
            let current = self.find_manifest(tag)?;
            match merge(current.as_ref())? {
                None if !has_written => return Ok(()),
                None => {
                    std::thread::sleep(slowest.saturating_mul(3));
                    let current = self.find_manifest(tag)?;
                    if merge(current.as_ref())?.is_none() {
                        return Ok(());
                    }
                }
                Some(change) => {
                    self.put_manifest(Some(tag), change.media_type, &change.bytes)?;
                    has_written = true;
                    slowest = slowest.max(started.elapsed());
                }
            }
            // Writers that keep overwriting each other drift apart.
            if round > 1 {
                std::thread::sleep(pause(round.min(4)) / 4);
            }
        }
        Err(self.client.unexpected(tag, "other writers never stopped changing it").into())
    }
}

/// None instead of a 404.
pub(super) fn absent<T>(result: Result<T, OciError>) -> Result<Option<T>, OciError> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(OciError::Registry(RegistryError::NotFound { .. })) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The address in `<...>; rel="next"`.
pub(super) fn next_page(link: &str) -> Option<String> {
    link.split(',').find(|link| link.contains("rel=\"next\"") || link.contains("rel=next")).and_then(|link| {
        let (_, rest) = link.split_once('<')?;
        Some(rest.split_once('>')?.0.to_owned())
    })
}
