//! Grype's document (grype/presenter/models, 0.121.2): the shapes, field by field in the peer's order. They are the
//! format, so they derive `Serialize`.
//!
//! tidy: long because it is one document of the peer's, struct after struct, and is read against it.

use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// The whole report.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    /// What counts.
    pub matches: Vec<MatchEntry>,
    /// What was set aside.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignored_matches: Vec<IgnoredEntry>,
    /// Concerns about packages that are no flaws.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alerts_by_package: Vec<PackageAlerts>,
    /// What was scanned.
    pub source: Option<SourceEntry>,
    /// Its distribution.
    pub distro: DistroEntry,
    /// The tool.
    pub descriptor: DescriptorEntry,
}

/// A flaw on a package.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MatchEntry {
    /// The flaw.
    pub vulnerability: VulnerabilityEntry,
    /// The same flaw elsewhere.
    pub related_vulnerabilities: Vec<Metadata>,
    /// How it was found.
    pub match_details: Vec<MatchDetail>,
    /// The package.
    pub artifact: Package,
}

/// A match that was set aside.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IgnoredEntry {
    /// The match.
    #[serde(flatten)]
    pub entry: MatchEntry,
    /// Why.
    pub applied_ignore_rules: Vec<AppliedRule>,
}

/// A flaw with its fix.
#[derive(Debug, Clone, Serialize)]
pub struct VulnerabilityEntry {
    /// What is known of it.
    #[serde(flatten)]
    pub metadata: Metadata,
    /// About a fix.
    pub fix: FixEntry,
    /// Advisories that carry the fix.
    pub advisories: Vec<AdvisoryEntry>,
    /// 0 to 100.
    #[serde(serialize_with = "number")]
    pub risk: f64,
}

/// What is known of a flaw.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// Identifier.
    pub id: String,
    /// The advisory's own page.
    pub data_source: String,
    /// Namespace.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// `Critical`, `High`, ...
    #[serde(skip_serializing_if = "String::is_empty")]
    pub severity: String,
    /// Further pages.
    pub urls: Vec<String>,
    /// The description.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Scores.
    pub cvss: Vec<CvssEntry>,
    /// Known to be exploited.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub known_exploited: Vec<Exploited>,
    /// Exploit prediction.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub epss: Vec<EpssEntry>,
    /// Weaknesses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cwes: Vec<CweEntry>,
}

/// A CVSS score.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CvssEntry {
    /// Who scored.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// `Primary` or `Secondary`.
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// `3.1`, ...
    pub version: String,
    /// The vector.
    pub vector: String,
    /// The numbers.
    pub metrics: CvssMetrics,
    /// Always empty.
    pub vendor_metadata: BTreeMap<String, String>,
}

/// Numbers of a CVSS score.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CvssMetrics {
    /// 0 to 10.
    #[serde(serialize_with = "number")]
    pub base_score: f64,
    /// Not for version 4.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "optional_number")]
    pub exploitability_score: Option<f64>,
    /// Not for version 4.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "optional_number")]
    pub impact_score: Option<f64>,
}

/// An entry of the catalogue of exploited flaws.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields of advisory::Kev")]
pub struct Exploited {
    pub cve: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub vendor_project: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub product: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub date_added: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub required_action: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub due_date: String,
    pub known_ransomware_campaign_use: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub notes: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cwes: Vec<String>,
}

/// An exploit prediction score.
#[derive(Debug, Clone, Serialize)]
pub struct EpssEntry {
    /// The CVE.
    pub cve: String,
    /// Probability, 0 to 1.
    #[serde(serialize_with = "number")]
    pub epss: f64,
    /// 0 to 1.
    #[serde(serialize_with = "number")]
    pub percentile: f64,
    /// `YYYY-MM-DD`.
    pub date: String,
}

/// A weakness.
#[derive(Debug, Clone, Serialize)]
pub struct CweEntry {
    /// The CVE that has it.
    pub cve: String,
    /// `CWE-502`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cwe: String,
    /// Who says so.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub source: String,
}

/// About a fix.
#[derive(Debug, Clone, Serialize)]
pub struct FixEntry {
    /// Versions with the fix, lowest first.
    pub versions: Vec<String>,
    /// `fixed`, `not-fixed`, `wont-fix`, `unknown` or empty.
    pub state: String,
    /// When they came.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub available: Vec<FixDate>,
}

/// When a fix came.
#[derive(Debug, Clone, Serialize)]
pub struct FixDate {
    /// The version.
    pub version: String,
    /// `YYYY-MM-DD`.
    pub date: String,
    /// What the date is of.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
}

/// An advisory that carries a fix.
#[derive(Debug, Clone, Serialize)]
pub struct AdvisoryEntry {
    /// Identifier.
    pub id: String,
    /// Its page.
    pub link: String,
}

/// How a match was found.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MatchDetail {
    /// `exact-direct-match`, ...
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// `dpkg-matcher`, ...
    pub matcher: &'static str,
    /// What was asked for.
    pub searched_by: Searched,
    /// What the advisory said.
    pub found: FoundEntry,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<SuggestedFix>,
}

/// The version to go to.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SuggestedFix {
    /// The lowest version with the fix above the installed one.
    pub suggested_version: String,
}

/// What was asked for.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
#[expect(missing_docs, reason = "the fields of finding::SearchedBy under the peer's names")]
pub enum Searched {
    Distro {
        distro: NameAndType,
        package: NameAndVersion,
        namespace: String,
    },
    Ecosystem {
        language: String,
        namespace: String,
        package: NameAndVersion,
    },
    Cpe {
        namespace: String,
        cpes: Vec<String>,
        package: NameAndVersion,
    },
    #[serde(rename_all = "PascalCase")]
    Vex {
        vulnerability: String,
        product: String,
    },
}

/// A distribution.
#[derive(Debug, Clone, Serialize)]
pub struct NameAndType {
    /// Grype's type.
    #[serde(rename = "type")]
    pub kind: String,
    /// The release.
    pub version: String,
}

/// A package.
#[derive(Debug, Clone, Serialize)]
pub struct NameAndVersion {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// What the advisory said.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FoundEntry {
    /// The advisory's identifier.
    #[serde(rename = "vulnerabilityID")]
    pub vulnerability_id: String,
    /// The versions hit.
    pub version_constraint: String,
    /// The criteria of a match by CPE.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpes: Option<Vec<String>>,
    /// Vulnerable functions that a Go binary has.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub matched_symbols: Vec<String>,
}

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

/// A rule that set something aside.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the fields of ignore::IgnoreRule under the peer's names")]
pub struct AppliedRule {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub vulnerability: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    pub namespace: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub fix_state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<AppliedRulePackage>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub vex_status: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub vex_justification: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub match_type: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub expires: String,
}

/// What a rule asked of the package.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the fields of ignore::IgnoreRulePackage under the peer's names")]
pub struct AppliedRulePackage {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    pub language: String,
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    pub kind: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub location: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub upstream_name: String,
}

/// Concerns about a package.
#[derive(Debug, Clone, Serialize)]
pub struct PackageAlerts {
    /// The package.
    pub package: Package,
    /// The concerns.
    pub alerts: Vec<Alert>,
}

/// A concern.
#[derive(Debug, Clone, Serialize)]
pub struct Alert {
    /// `distro-eol`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// For people.
    pub message: String,
    /// The distribution.
    pub metadata: NameAndVersion,
}

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

/// As Go writes numbers: whole ones without a fraction.
fn number<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        serializer.serialize_i64(*value as i64)
    } else {
        serializer.serialize_f64(*value)
    }
}

fn optional_number<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    number(&value.unwrap_or_default(), serializer)
}
