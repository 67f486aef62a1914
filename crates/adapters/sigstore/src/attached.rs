//! Signatures and attestations on a registry: bundles as referrers, and the tags of older Cosign.

use jiff::Timestamp;
use oci::registry::{Change, Document};
use oci::{Descriptor, OciError, Referrer, Repository};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The artifact type of bundles, and the media type of their layer.
pub const BUNDLE_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
/// What all versions of it begin with.
const BUNDLE_PREFIX: &str = "application/vnd.dev.sigstore.bundle";
/// What Cosign 2 calls signatures that refer to their image.
const COSIGN_PREFIX: &str = "application/vnd.dev.cosign.artifact.";
/// A signature's payload under a legacy tag.
pub const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
/// An attestation under a legacy tag.
pub const DSSE: &str = "application/vnd.dsse.envelope.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const PREDICATE_TYPE: &str = "dev.sigstore.bundle.predicateType";
/// The media type of a configuration that says nothing.
const EMPTY_CONFIG: &str = "application/vnd.oci.empty.v1+json";
const CONTENT: &str = "dev.sigstore.bundle.content";
/// More signatures of one image than anybody checks.
const MAX_ATTACHED: usize = 2_000;

/// The kinds of legacy tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `.sig`
    Signature,
    /// `.att`
    Attestation,
    /// `.sbom`
    Sbom,
}

impl Kind {
    /// The tag's last part.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Signature => "sig",
            Self::Attestation => "att",
            Self::Sbom => "sbom",
        }
    }

    /// `sha256-<hex>.<suffix>`.
    #[must_use]
    pub fn tag(self, digest: &str) -> String {
        format!("{}.{}", digest.replace(':', "-"), self.suffix())
    }
}

/// A bundle on a registry.
#[derive(Debug, Clone)]
pub struct AttachedBundle {
    /// The manifest that refers to the image.
    pub manifest: Descriptor,
    /// The bundle's JSON, not looked at yet.
    pub json: Vec<u8>,
}

/// A layer of a legacy tag with its annotations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegacyLayer {
    /// [`SIMPLE_SIGNING`] or [`DSSE`].
    pub media_type: String,
    /// What was signed, or the envelope.
    pub payload: Vec<u8>,
    /// Signature, certificate, chain, log entry and timestamp, by Cosign's names.
    pub annotations: BTreeMap<String, String>,
}

/// The names of [`LegacyLayer::annotations`].
pub mod annotation {
    /// The signature, in base64.
    pub const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
    /// The certificate, as PEM.
    pub const CERTIFICATE: &str = "dev.sigstore.cosign/certificate";
    /// Its chain, as PEM.
    pub const CHAIN: &str = "dev.sigstore.cosign/chain";
    /// The log entry, as JSON.
    pub const BUNDLE: &str = "dev.sigstore.cosign/bundle";
    /// The timestamp, as JSON.
    pub const TIMESTAMP: &str = "dev.sigstore.cosign/rfc3161timestamp";
    /// The predicate type of an attestation.
    pub const PREDICATE_TYPE: &str = "predicateType";
}

/// The bundles that refer to the manifest `digest`.
///
/// # Errors
/// Where the registry does not answer, or a manifest is malformed.
pub fn bundles(repository: &Repository, digest: &str) -> Result<Vec<AttachedBundle>, OciError> {
    bundles_of(repository, &repository.referrers(digest, None)?)
}

/// Bundles, and the layers of a kind that older versions wrote: [`bundles`] and [`legacy`], with fewer requests.
///
/// # Errors
/// As they do.
pub fn all(
    repository: &Repository,
    digest: &str,
    kind: Kind,
) -> Result<(Vec<AttachedBundle>, Vec<LegacyLayer>), OciError> {
    let (tagged, referring) = std::thread::scope(|scope| {
        // A registry's answer takes longer than the work on it.
        let tagged = scope.spawn(|| repository.find_manifest(&kind.tag(digest)));
        let referring = repository.referrers(digest, None).and_then(|referrers| {
            let bundles = bundles_of(repository, &referrers)?;
            Ok((bundles, referrers))
        });
        (tagged.join(), referring)
    });
    let tagged = tagged.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
    let (bundles, referrers) = referring?;
    Ok((bundles, legacy_of(repository, tagged, &referrers, kind)?))
}

fn bundles_of(repository: &Repository, referrers: &[Descriptor]) -> Result<Vec<AttachedBundle>, OciError> {
    let mut all = Vec::new();
    for entry in referrers.iter().filter(|entry| may_be_bundle(entry)).take(MAX_ATTACHED) {
        let Some(manifest) = repository.find_manifest(&entry.digest)? else { continue };
        let manifest: Manifest = parse(&manifest.bytes)?;
        for layer in manifest.layers.iter().filter(|layer| layer.media_type.starts_with(BUNDLE_PREFIX)) {
            all.push(AttachedBundle { manifest: entry.clone(), json: repository.blob(&layer.digest)? });
        }
    }
    Ok(all)
}

/// Some registries and the fallback tags of some clients leave the type out, or name the configuration's instead (Cosign 2,
/// and registries built on go-containerregistry).
fn may_be_bundle(entry: &Descriptor) -> bool {
    match entry.artifact_type.as_deref() {
        None | Some("" | EMPTY_CONFIG) => true,
        Some(kind) => kind.starts_with(BUNDLE_PREFIX),
    }
}

/// The layers of a legacy tag, and of manifests of that kind that refer to the image.
///
/// # Errors
/// Where the registry does not answer, or a manifest is malformed.
pub fn legacy(repository: &Repository, digest: &str, kind: Kind) -> Result<Vec<LegacyLayer>, OciError> {
    let tagged = repository.find_manifest(&kind.tag(digest))?;
    legacy_of(repository, tagged, &repository.referrers(digest, None)?, kind)
}

fn legacy_of(
    repository: &Repository,
    tagged: Option<Document>,
    referrers: &[Descriptor],
    kind: Kind,
) -> Result<Vec<LegacyLayer>, OciError> {
    let mut manifests: Vec<Document> = tagged.into_iter().collect();
    let wanted = format!("{COSIGN_PREFIX}{}", kind.suffix());
    for entry in referrers {
        if entry.artifact_type.as_deref().is_some_and(|found| found.starts_with(&wanted)) {
            manifests.extend(repository.find_manifest(&entry.digest)?);
        }
    }
    let mut all = Vec::new();
    for manifest in manifests {
        let manifest: Manifest = parse(&manifest.bytes)?;
        for layer in manifest.layers.into_iter().take(MAX_ATTACHED) {
            let payload = repository.blob(&layer.digest)?;
            all.push(LegacyLayer { media_type: layer.media_type, payload, annotations: layer.annotations });
        }
    }
    Ok(all)
}

/// Attaches a bundle to `subject` (Cosign 3's default).
///
/// # Errors
/// Where the registry refuses it.
pub fn attach(
    repository: &Repository,
    subject: &Descriptor,
    bundle: &[u8],
    predicate_type: &str,
    now: Timestamp,
) -> Result<Document, OciError> {
    let annotations = BTreeMap::from([
        ("org.opencontainers.image.created".to_owned(), seconds(now)),
        (CONTENT.to_owned(), "dsse-envelope".to_owned()),
        (PREDICATE_TYPE.to_owned(), predicate_type.to_owned()),
    ]);
    repository
        .attach(subject, &Referrer { artifact_type: BUNDLE_TYPE, layer_type: BUNDLE_TYPE, layer: bundle, annotations })
}

/// `2026-11-24T10:00:00Z`.
fn seconds(now: Timestamp) -> String {
    now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The predicate type of an attached bundle, as its manifest says it.
#[must_use]
pub fn predicate_type(entry: &Descriptor) -> Option<&str> {
    entry.annotations.get(PREDICATE_TYPE).map(String::as_str)
}

/// What becomes of layers that are there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// They stay.
    Keep,
    /// Those of the same predicate type go (`--replace`).
    ReplacePredicate,
}

/// Adds a layer to a legacy tag, keeping those of others.
///
/// # Errors
/// Where the registry refuses it, or what is there is no such tag.
pub fn attach_legacy(
    repository: &Repository,
    digest: &str,
    kind: Kind,
    layer: &LegacyLayer,
    existing: Existing,
) -> Result<(), OciError> {
    let blob = repository.put_blob(&layer.media_type, &layer.payload)?;
    let added = Descriptor { annotations: layer.annotations.clone(), ..blob };
    let mut seen: Vec<Descriptor> = vec![added.clone()];
    repository.update_tag(&kind.tag(digest), &mut |current| {
        let before = current.map(|current| parse::<Manifest>(&current.bytes)).transpose()?.map(|before| before.layers);
        let mut layers = before.clone().unwrap_or_default();
        if existing == Existing::ReplacePredicate {
            let predicate = layer.annotations.get(annotation::PREDICATE_TYPE);
            layers.retain(|there| *there == added || there.annotations.get(annotation::PREDICATE_TYPE) != predicate);
            seen.truncate(1);
        }
        for known in &seen {
            if !layers.contains(known) {
                layers.push(known.clone());
            }
        }
        seen.extend(layers.iter().filter(|layer| !seen.contains(layer)).cloned().collect::<Vec<_>>());
        if before.as_ref() == Some(&layers) {
            return Ok(None);
        }
        legacy_manifest(repository, layers).map(Some)
    })
}

/// A manifest of layers under a configuration that lists them, as Cosign 2 writes it.
fn legacy_manifest(repository: &Repository, layers: Vec<Descriptor>) -> Result<Change, OciError> {
    let config = serde_json::json!({
        "architecture": "",
        "created": "0001-01-01T00:00:00Z",
        "history": layers.iter().map(|_| serde_json::json!({ "created": "0001-01-01T00:00:00Z" })).collect::<Vec<_>>(),
        "os": "",
        "rootfs": { "type": "layers", "diff_ids": layers.iter().map(|layer| &layer.digest).collect::<Vec<_>>() },
        "config": {},
    });
    let config = repository.put_blob(CONFIG, config.to_string().as_bytes())?;
    let manifest = Manifest { schema_version: 2, media_type: MANIFEST.to_owned(), config: Some(config), layers };
    let bytes = serde_json::to_vec(&manifest)
        .map_err(|error| OciError::Malformed { what: "manifest", cause: error.to_string() })?;
    Ok(Change { media_type: MANIFEST, bytes })
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    #[serde(default)]
    schema_version: u32,
    #[serde(default)]
    media_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Vec<Descriptor>,
}

fn parse<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, OciError> {
    serde_json::from_slice(bytes).map_err(|error| OciError::Malformed { what: "manifest", cause: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bundles_are_found_under_every_type_that_they_are_listed_as() {
        for (kind, expected) in [
            (r#""artifactType": "application/vnd.dev.sigstore.bundle.v0.3+json","#, true),
            (r#""artifactType": "application/vnd.oci.empty.v1+json","#, true),
            (r#""artifactType": "","#, true),
            ("", true),
            (r#""artifactType": "application/spdx+json","#, false),
        ] {
            let entry = format!(r#"{{{kind} "mediaType": "{MANIFEST}", "digest": "sha256:00", "size": 1}}"#);
            assert_eq!(may_be_bundle(&serde_json::from_str(&entry).unwrap()), expected, "{entry}");
        }
    }
}
