//! Grype's document (grype/presenter/models, 0.121.2): the shapes, field by field in the peer's order. They are the
//! format, so they derive `Serialize`. Here: matches, how they were found, and what set them aside.

mod package;
mod source;
mod vulnerability;

pub use package::{DigestEntry, FilePath, KeyAndValue, LocationEntry, Package, PackageMetadata, UpstreamEntry};
pub use source::{
    DatabaseEntry, DatabaseStatus, DescriptorEntry, DistroEntry, ImageTarget, LayerEntry, Provider, SourceEntry, Target,
};
pub use vulnerability::{
    AdvisoryEntry, CvssEntry, CvssMetrics, CweEntry, EpssEntry, Exploited, FixDate, FixEntry, Metadata,
    VulnerabilityEntry,
};

use serde::Serialize;

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
