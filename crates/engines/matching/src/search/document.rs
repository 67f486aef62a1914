//! What a search gives, in the words of `grype db search` (cmd/grype/cli/commands/internal/dbsearch, 0.121.2).

use serde::Serialize;

/// An advisory and the packages it speaks of.
#[derive(Debug, Clone, Serialize)]
pub struct Match {
    /// The advisory.
    pub vulnerability: Info,
    /// What it speaks of.
    pub packages: Vec<Affected>,
}

/// An advisory and how much it speaks of.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// The advisory.
    #[serde(flatten)]
    pub vulnerability: Info,
    /// The releases that it speaks of; `None` where of none.
    pub operating_systems: Option<Vec<OperatingSystem>>,
    /// How many packages.
    pub affected_packages: usize,
}

/// An advisory.
#[derive(Debug, Clone, Default, Serialize)]
#[expect(missing_docs, reason = "the peer's own fields")]
pub struct Info {
    pub id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refs: Vec<Reference>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub severities: Vec<Severity>,
    /// In lower case.
    pub severity: String,
    pub provider: String,
    /// `active` or `rejected`.
    pub status: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub published_date: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub modified_date: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub withdrawn_date: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub known_exploited: Vec<Exploited>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub epss: Vec<crate::report::EpssEntry>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cwes: Vec<crate::report::CweEntry>,
}

/// A page.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the peer's own fields")]
pub struct Reference {
    pub url: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub id: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

/// A CVSS score.
#[derive(Debug, Clone, Serialize)]
pub struct Severity {
    /// `CVSS`.
    pub scheme: &'static str,
    /// The score.
    pub value: Cvss,
    /// Who scored.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// 1: the publisher's own.
    pub rank: u8,
}

/// A CVSS vector with its numbers.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the peer's own fields")]
pub struct Cvss {
    pub vector: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    pub metrics: crate::report::CvssMetrics,
}

/// An entry of the catalogue of exploited flaws.
#[derive(Debug, Clone, Serialize)]
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

/// A package that an advisory speaks of.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the peer's own fields")]
pub struct Affected {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os: Option<OperatingSystem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<Package>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cpe: String,
    pub namespace: String,
    pub detail: Detail,
}

/// A release of a distribution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the peer's own fields")]
pub struct OperatingSystem {
    pub name: String,
    pub version: String,
}

/// A package.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the peer's own fields")]
pub struct Package {
    pub name: String,
    pub ecosystem: String,
}

/// Which versions, and where else.
#[derive(Debug, Clone, Default, Serialize)]
#[expect(missing_docs, reason = "the peer's own fields")]
pub struct Detail {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cves: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qualifiers: Option<Qualifiers>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ranges: Vec<Range>,
}

/// What must hold besides.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the peer's own fields")]
pub struct Qualifiers {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rpm_modularity: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub platform_cpes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub go_imports: Vec<GoImport>,
}

/// A Go package and the symbols of it that have the flaw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the peer's own fields")]
pub struct GoImport {
    pub path: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub symbols: Vec<String>,
}

/// Versions that have the flaw.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the peer's own fields")]
pub struct Range {
    pub version: Version,
    pub fix: Fix,
}

/// The versions' order, and their bounds in words.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the peer's own fields")]
pub struct Version {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub constraint: String,
}

/// About a fix.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the peer's own fields")]
pub struct Fix {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    pub state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<FixDetail>,
}

/// When a fix was there, and who says so.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the peer's own fields")]
pub struct FixDetail {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub available: Option<Available>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<Reference>,
}

/// The day on which a fix was first there.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the peer's own fields")]
pub struct Available {
    pub date: String,
}
