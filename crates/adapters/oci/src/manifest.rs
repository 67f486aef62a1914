//! The documents of an image (OCI image-spec 1.1; Docker image manifest version 2, schema 2).

use crate::OciError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The largest manifest or index that is read; registries refuse larger ones too.
pub const MAX_MANIFEST: u64 = 4 << 20;
/// The largest configuration that is read.
pub const MAX_CONFIG: u64 = 16 << 20;
/// The most layers an image may have; the overlay file system of Linux allows 500.
const MAX_LAYERS: usize = 1000;

/// Names a blob.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// Media type.
    #[serde(default)]
    pub media_type: String,
    /// `sha256:...`.
    pub digest: String,
    /// Bytes.
    #[serde(default)]
    pub size: u64,
    /// What kind of artifact it is (image-spec 1.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// Of an index entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<PlatformFields>,
    /// Annotations.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// The platform of an index entry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct PlatformFields {
    /// `amd64`.
    #[serde(default)]
    pub architecture: String,
    /// `linux`.
    #[serde(default)]
    pub os: String,
    /// `v7`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub variant: String,
}

/// A manifest or an index.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Manifest {
    #[serde(default)]
    pub(crate) media_type: String,
    pub(crate) config: Option<Descriptor>,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) layers: Vec<Descriptor>,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) manifests: Vec<Descriptor>,
}

/// What matters of a configuration.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Config {
    #[serde(default)]
    pub(crate) architecture: String,
    #[serde(default)]
    pub(crate) os: String,
    #[serde(default)]
    pub(crate) rootfs: RootFs,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) config: RunConfig,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct RootFs {
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) diff_ids: Vec<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct RunConfig {
    #[serde(default, rename = "Labels", deserialize_with = "nullable")]
    pub(crate) labels: BTreeMap<String, String>,
}

fn nullable<'de, D: serde::Deserializer<'de>, T: Default + Deserialize<'de>>(input: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(input)?.unwrap_or_default())
}

impl Manifest {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, OciError> {
        let manifest: Self = serde_json::from_slice(bytes).map_err(|error| OciError::malformed("manifest", error))?;
        if manifest.layers.len() > MAX_LAYERS {
            return Err(OciError::malformed("manifest", format!("more than {MAX_LAYERS} layers")));
        }
        Ok(manifest)
    }

    pub(crate) fn is_index(&self) -> bool {
        self.config.is_none() && !self.manifests.is_empty()
    }

    /// The media type, also where the document leaves it out.
    pub(crate) fn media_type(&self) -> &str {
        match self.media_type.as_str() {
            "" if self.is_index() => "application/vnd.oci.image.index.v1+json",
            "" => "application/vnd.oci.image.manifest.v1+json",
            named => named,
        }
    }
}

impl Config {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, OciError> {
        serde_json::from_slice(bytes).map_err(|error| OciError::malformed("configuration", error))
    }
}
