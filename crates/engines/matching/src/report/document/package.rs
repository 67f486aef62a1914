//! A package and where it was found.

use serde::Serialize;
use std::collections::BTreeMap;

/// A package.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Package {
    /// The identifier that the SBOM has for it.
    pub id: String,
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Syft's type.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Where it was found.
    pub locations: Vec<LocationEntry>,
    /// Language.
    pub language: &'static str,
    /// Licences.
    pub licenses: Vec<String>,
    /// CPE names.
    pub cpes: Vec<String>,
    /// Package URL.
    pub purl: String,
    /// Source packages.
    pub upstreams: Vec<UpstreamEntry>,
    /// Name of what follows.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub metadata_type: &'static str,
    /// What matching used of the package's own record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<PackageMetadata>,
    /// Notes by key; under `also-found-as` the packages that are the same files under other names.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, Vec<String>>,
}

/// Where a package was found.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LocationEntry {
    /// Path with links resolved.
    pub path: String,
    /// diffID of the layer.
    #[serde(rename = "layerID", skip_serializing_if = "String::is_empty")]
    pub layer_id: String,
    /// Path by which it was reached.
    pub access_path: String,
    /// `evidence`: `primary` or `supporting`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<&'static str, &'static str>,
}

/// A source package.
#[derive(Debug, Clone, Serialize)]
pub struct UpstreamEntry {
    /// Name.
    pub name: String,
    /// Version, where it is another.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
}

/// What matching used of a package's own record, in Grype's shapes.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
#[expect(missing_docs, reason = "the peer's fields")]
pub enum PackageMetadata {
    #[serde(rename_all = "camelCase")]
    Rpm {
        epoch: Option<i64>,
        modularity_label: Option<String>,
        architecture: String,
    },
    Apk {
        files: Vec<FilePath>,
        #[serde(rename = "Arch")]
        architecture: String,
    },
    #[serde(rename_all = "camelCase")]
    GoBinary {
        #[serde(skip_serializing_if = "Vec::is_empty")]
        go_build_settings: Vec<KeyAndValue>,
        go_compiled_version: String,
        architecture: String,
        #[serde(skip_serializing_if = "String::is_empty")]
        h1_digest: String,
        #[serde(skip_serializing_if = "String::is_empty")]
        main_module: String,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        go_crypto_settings: Vec<String>,
    },
    #[serde(rename_all = "camelCase")]
    GoModule {
        #[serde(skip_serializing_if = "String::is_empty")]
        h1_digest: String,
    },
    #[serde(rename_all = "camelCase")]
    GoSource {
        #[serde(skip_serializing_if = "String::is_empty")]
        h1_digest: String,
        #[serde(skip_serializing_if = "String::is_empty")]
        os: String,
        #[serde(skip_serializing_if = "String::is_empty")]
        architecture: String,
        #[serde(skip_serializing_if = "String::is_empty")]
        build_tags: String,
        cgo_enabled: bool,
    },
    #[serde(rename_all = "camelCase")]
    Java {
        virtual_path: String,
        #[serde(rename = "pomArtifactID")]
        pom_artifact_id: String,
        #[serde(rename = "pomGroupID")]
        pom_group_id: String,
        manifest_name: String,
        archive_digests: Option<Vec<DigestEntry>>,
    },
    Jvm {
        release: BTreeMap<String, String>,
    },
}

/// A file of a package.
#[derive(Debug, Clone, Serialize)]
pub struct FilePath {
    /// Its path.
    pub path: String,
}

/// A setting.
#[derive(Debug, Clone, Serialize)]
pub struct KeyAndValue {
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// A digest.
#[derive(Debug, Clone, Serialize)]
pub struct DigestEntry {
    /// `sha1`, ...
    pub algorithm: String,
    /// Hexadecimal.
    pub value: String,
}
