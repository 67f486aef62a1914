//! What refers to a manifest: the referrers API, and the tag that stands in for it (distribution-spec 1.1).

use super::error::RegistryError;
use super::repository::{Change, Document, Repository, next_page};
use crate::manifest::MAX_MANIFEST;
use crate::{Descriptor, OciError, verify};
use reqwest::Method;
use reqwest::header::LINK;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The empty configuration (image-spec 1.1), as go-containerregistry and cosign write it.
const EMPTY: &str = "application/vnd.oci.empty.v1+json";
const MAX_PAGES: usize = 100;
/// More entries than a tag may hold are refused, not cut.
const MAX_REFERRERS: usize = 10_000;

/// An artifact to attach to a manifest.
#[derive(Debug, Clone)]
pub struct Referrer<'a> {
    /// Type of the artifact, and of its only layer where that has none of its own.
    pub artifact_type: &'a str,
    /// Media type of its layer.
    pub layer_type: &'a str,
    /// Its layer.
    pub layer: &'a [u8],
    /// Annotations of the manifest.
    pub annotations: BTreeMap<String, String>,
}

impl Repository {
    /// What refers to the manifest `digest`; of one artifact type, or all.
    ///
    /// The API and the fallback tag are both read: entries written before the registry learned the API stay on the tag.
    ///
    /// # Errors
    /// Where the registry does not answer, or what it has is no index.
    pub fn referrers(&self, digest: &str, artifact_type: Option<&str>) -> Result<Vec<Descriptor>, OciError> {
        let mut all = self.referrers_api(digest)?.unwrap_or_default();
        if let Some(index) = self.find_manifest(&fallback_tag(digest))? {
            for entry in entries(&index.bytes)? {
                if all.iter().all(|known| known.digest != entry.digest) {
                    all.push(entry);
                }
            }
        }
        all.retain(|entry| artifact_type.is_none_or(|wanted| entry.artifact_type.as_deref() == Some(wanted)));
        Ok(all)
    }

    /// What the API answers; none where the registry has no such API.
    fn referrers_api(&self, digest: &str) -> Result<Option<Vec<Descriptor>>, OciError> {
        crate::layout::blob_path(digest)?;
        let mut all = Vec::new();
        let mut url = Some(self.client.url(&format!("referrers/{digest}")));
        for _ in 0..MAX_PAGES {
            let Some(at) = url.take() else { break };
            let response = match self.client.request(Method::GET, &at, &|request| request) {
                Ok(response) => response,
                // Registries without it answer 404, and some odd ones 400 or 405.
                Err(RegistryError::NotFound { .. } | RegistryError::Unexpected { .. }) if all.is_empty() => {
                    return Ok(None);
                }
                Err(error) => return Err(error.into()),
            };
            let next = response.headers().get(LINK).and_then(|value| value.to_str().ok()).and_then(next_page);
            url = next.map(|next| self.client.location(&at, &next)).transpose()?;
            let bytes = self.client.document(response, "referrers", MAX_MANIFEST)?;
            all.extend(entries(&bytes)?);
            if all.len() > MAX_REFERRERS {
                return Err(OciError::malformed("list of referrers", format!("more than {MAX_REFERRERS} entries")));
            }
        }
        Ok(Some(all))
    }

    /// Attaches an artifact to `subject`, through the API or the fallback tag, keeping everybody else's entries.
    ///
    /// # Errors
    /// Where the registry refuses it.
    pub fn attach(&self, subject: &Descriptor, referrer: &Referrer<'_>) -> Result<Document, OciError> {
        let config = self.put_blob(EMPTY, b"{}")?;
        let layer = self.put_blob(referrer.layer_type, referrer.layer)?;
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": referrer.artifact_type,
            "config": config,
            "layers": [layer],
            "subject": { "mediaType": subject.media_type, "digest": subject.digest, "size": subject.size },
            "annotations": referrer.annotations,
        });
        let bytes = serde_json::to_vec(&manifest).map_err(|error| OciError::malformed("manifest", error))?;
        let document = Document { media_type: MANIFEST.to_owned(), digest: verify::sha256(&bytes), bytes };
        let entry = Descriptor {
            artifact_type: Some(referrer.artifact_type.to_owned()),
            annotations: referrer.annotations.clone(),
            ..document.descriptor()
        };
        self.attach_manifest(&subject.digest, &document, &entry)?;
        Ok(document)
    }

    /// Attaches a manifest whose blobs are there; `entry` is how an index of referrers lists it.
    ///
    /// # Errors
    /// Where the registry refuses it.
    pub fn attach_manifest(&self, subject: &str, manifest: &Document, entry: &Descriptor) -> Result<(), OciError> {
        self.put_manifest(None, &manifest.media_type, &manifest.bytes)?;
        if self.is_listed(subject, &manifest.digest)? {
            return Ok(());
        }
        self.add_to_fallback(subject, entry)
    }

    /// Removes a manifest that refers to `subject`, also from the fallback tag.
    ///
    /// # Errors
    /// Where the registry refuses it; many do.
    pub fn detach(&self, subject: &str, referrer: &str) -> Result<(), OciError> {
        self.delete_manifest(referrer)?;
        let tag = fallback_tag(subject);
        if self.find_manifest(&tag)?.is_none() {
            return Ok(());
        }
        self.update_tag(&tag, &mut |current| {
            let Some(current) = current else { return Ok(None) };
            let mut index = index(&current.bytes)?;
            let manifests = listed(&mut index)?;
            let before = manifests.len();
            manifests.retain(|entry| entry.get("digest").and_then(Value::as_str) != Some(referrer));
            if manifests.len() == before { Ok(None) } else { change(&index).map(Some) }
        })
    }

    /// Whether the registry took the subject into account by itself.
    fn is_listed(&self, subject: &str, referrer: &str) -> Result<bool, OciError> {
        let listed = self.referrers_api(subject)?;
        Ok(listed.is_some_and(|listed| listed.iter().any(|entry| entry.digest == referrer)))
    }

    fn add_to_fallback(&self, subject: &str, entry: &Descriptor) -> Result<(), OciError> {
        // Whatever was seen there once is put back where another writer has lost it.
        let mut seen: Vec<Value> = Vec::new();
        self.update_tag(&fallback_tag(subject), &mut |current| {
            let mut index = match current {
                Some(current) => index(&current.bytes)?,
                None => json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [] }),
            };
            let manifests = listed(&mut index)?;
            if seen.is_empty() {
                seen.push(json!(entry));
            }
            let mut is_changed = false;
            for known in &seen {
                if !manifests.iter().any(|there| there.get("digest") == known.get("digest")) {
                    manifests.push(known.clone());
                    is_changed = true;
                }
            }
            if manifests.len() > MAX_REFERRERS {
                return Err(OciError::malformed("index of referrers", format!("more than {MAX_REFERRERS} entries")));
            }
            seen.clone_from(manifests);
            if is_changed { change(&index).map(Some) } else { Ok(None) }
        })
    }
}

/// `sha256-<hex>`, the tag of the index that stands in for the API.
#[must_use]
pub fn fallback_tag(digest: &str) -> String {
    digest.replace(':', "-")
}

fn index(bytes: &[u8]) -> Result<Value, OciError> {
    serde_json::from_slice(bytes).map_err(|error| OciError::malformed("index of referrers", error))
}

fn listed(index: &mut Value) -> Result<&mut Vec<Value>, OciError> {
    let manifests = index.get_mut("manifests").and_then(Value::as_array_mut);
    manifests.ok_or_else(|| OciError::malformed("index of referrers", "no manifests"))
}

fn change(index: &Value) -> Result<Change, OciError> {
    let bytes = serde_json::to_vec(index).map_err(|error| OciError::malformed("index", error))?;
    Ok(Change { media_type: INDEX, bytes })
}

fn entries(bytes: &[u8]) -> Result<Vec<Descriptor>, OciError> {
    #[derive(serde::Deserialize)]
    struct Index {
        manifests: Option<Vec<Descriptor>>,
    }
    let index: Index =
        serde_json::from_slice(bytes).map_err(|error| OciError::malformed("index of referrers", error))?;
    Ok(index.manifests.unwrap_or_default())
}
