//! What was scanned, with what tool and database.

use serde::Serialize;
use std::collections::BTreeMap;

/// What was scanned.
#[derive(Debug, Clone, Serialize)]
pub struct SourceEntry {
    /// `image`, `directory`, `file`, `sbom-file`, `purl`, `cpe`, `unknown`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// A path, or what is known of the image.
    pub target: Target,
}

/// What was scanned, by kind.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Target {
    /// A path, a purl, a CPE.
    Text(String),
    /// An image.
    Image(Box<ImageTarget>),
}

/// A scanned image.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields of sbom::Source under the peer's names")]
pub struct ImageTarget {
    pub user_input: String,
    #[serde(rename = "imageID")]
    pub image_id: String,
    pub manifest_digest: String,
    pub media_type: String,
    pub tags: Vec<String>,
    pub image_size: u64,
    pub layers: Vec<LayerEntry>,
    /// Base64.
    pub manifest: Option<String>,
    /// Base64.
    pub config: Option<String>,
    pub repo_digests: Vec<String>,
    pub architecture: String,
    #[serde(rename = "architectureVariant", skip_serializing_if = "String::is_empty")]
    pub variant: String,
    pub os: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// A layer of a scanned image.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LayerEntry {
    /// Media type.
    pub media_type: String,
    /// diffID.
    pub digest: String,
    /// Bytes.
    pub size: u64,
}

/// The distribution of what was scanned.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DistroEntry {
    /// Grype's type.
    pub name: String,
    /// The release.
    pub version: String,
    /// Relatives; null where there is no distribution.
    pub id_like: Option<Vec<String>>,
    /// Support channels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<String>,
}

/// The tool.
#[derive(Debug, Clone, Serialize)]
pub struct DescriptorEntry {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configuration: Option<serde_json::Value>,
    /// The database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub db: Option<DatabaseEntry>,
    /// When it ran, RFC 3339.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub timestamp: String,
}

/// The database.
#[derive(Debug, Clone, Serialize)]
pub struct DatabaseEntry {
    /// Its state.
    pub status: DatabaseStatus,
    /// The publishers, by name.
    pub providers: BTreeMap<String, Provider>,
}

/// The state of the database.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DatabaseStatus {
    /// Version of its format.
    pub schema_version: String,
    /// Where it came from.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub from: String,
    /// When it was built.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub built: String,
    /// Where it is.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// Whether it can be used.
    pub valid: bool,
}

/// A publisher.
#[derive(Debug, Clone, Serialize)]
pub struct Provider {
    /// When its data was taken.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub captured: String,
    /// Digest of its data.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub input: String,
}
