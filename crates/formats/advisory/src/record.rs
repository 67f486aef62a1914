//! The one shape of an advisory.

use serde::{Deserialize, Serialize};

/// One flaw as one publisher tells it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The publisher's identifier: `CVE-2021-44228`, `GHSA-jfh8-c2jp-5v3q`, `GO-2022-0969`, `DSA-5020-1`, `ALSA-2022:0001`.
    pub id: String,
    /// Identifiers of the same flaw elsewhere (an erratum that covers several CVEs lists them in `related`).
    pub aliases: Vec<String>,
    /// Identifiers of flaws that this erratum fixes.
    pub related: Vec<String>,
    /// Grype's namespace: `debian:distro:debian:12`, `github:language:java`, `nvd:cpe`, `redhat:distro:redhat:9`,
    /// `alpine:distro:alpine:3.18`, `bitnami:...`. For records that cover several, of the first affected.
    pub namespace: String,
    /// The source's name in the configuration, for example `debian`, `ghsa`, `nvd`.
    pub source: String,
    /// One line.
    pub summary: String,
    /// The description.
    pub details: String,
    /// The publisher's word, where it gives one.
    pub severity: Severity,
    /// Scores.
    pub cvss: Vec<Cvss>,
    /// `CWE-502`, ...
    pub cwes: Vec<String>,
    /// Addresses; the first is the advisory's own page.
    pub references: Vec<Reference>,
    /// RFC 3339 or a date; empty when not given.
    pub published: String,
    /// RFC 3339 or a date; empty when not given.
    pub modified: String,
    /// RFC 3339 or a date; set when the advisory was withdrawn or rejected.
    pub withdrawn: String,
    /// What it hits. Empty: the publisher only describes or scores the flaw (many CVE records), or names products
    /// that no scanner can recognise.
    pub affected: Vec<Affected>,
    /// Decisions of coordinators (CISA's Vulnrichment) about how urgent the flaw is.
    pub ssvc: Vec<Ssvc>,
}

/// A package, or a set of CPEs, that an advisory speaks of.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Affected {
    /// Whose package.
    pub package: PackageName,
    /// Hit when any range holds or the version is one of `versions`. None of either: every version is hit.
    pub ranges: Vec<Range>,
    /// Versions named one by one.
    pub versions: Vec<String>,
    /// What the publisher says about a fix.
    pub state: FixState,
    /// Date on which the fix was first there, `YYYY-MM-DD`; empty when not known.
    pub fix_date: String,
    /// Advisory that carries the fix (`DSA-5020-1`, `RHSA-2022:0001`).
    pub advisory: String,
    /// RHEL module `name:stream`; empty: outside modules; `None`: not said.
    pub module: Option<String>,
    /// Architectures (rpm); empty: all. `src` alone: `package.name` is the source package, and every binary package
    /// built from it is meant.
    pub architectures: Vec<String>,
    /// Go packages and symbols, as (import path, symbols); empty: the whole module.
    pub symbols: Vec<(String, Vec<String>)>,
    /// Operating systems, where the advisory says (Go `goos`); empty: all.
    pub platforms: Vec<String>,
    /// CPE 2.3 names that must be present besides (NVD's running-on configurations); empty: none.
    pub platform_cpes: Vec<String>,
    /// This package's own severity where the publisher gives one (Debian urgency, Ubuntu priority).
    pub severity: Severity,
}

/// The name of a package in its ecosystem.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PackageName {
    /// The ecosystem, with the distribution's release where it has one.
    pub ecosystem: Ecosystem,
    /// The ecosystem's name: the source package for deb and apk, the binary package for rpm,
    /// `group:artifact` for Maven, normalized (PEP 503) for PyPI. For [`Ecosystem::Cpe`]: `part:vendor:product`.
    pub name: String,
    /// The full CPE 2.3 criterion for [`Ecosystem::Cpe`] (target software and the like narrow the match). Version and
    /// update are always `*`: ranges and versions say them.
    pub cpe: String,
}

/// Where a package lives.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Ecosystem {
    /// A distribution (Grype's id) and its release: (`debian`, `12`), (`ubuntu`, `22.04`), (`alpine`, `3.18`),
    /// (`redhat`, `9`), (`almalinux`, `9`), (`wolfi`, `rolling`), (`azurelinux`, `3.0`), (`mariner`, `1.0`),
    /// (`debian`, `unstable`), (`alpine`, `edge`). A support channel follows a plus sign: (`redhat`, `9.2+eus`),
    /// (`ubuntu`, `18.04+esm`). A Red Hat release with a minor version (`8.9`) tells what holds on that minor release
    /// only; there it goes before what the same record says of (`redhat`, `8`).
    Distro(String, String),
    /// npm.
    Npm,
    /// PyPI.
    PyPi,
    /// Maven.
    Maven,
    /// Go modules; `stdlib` and `toolchain` too.
    Go,
    /// RubyGems.
    RubyGems,
    /// The Rust registry.
    Cargo,
    /// Packagist.
    Packagist,
    /// NuGet.
    NuGet,
    /// Hex.
    Hex,
    /// Pub.
    Pub,
    /// Swift packages by URL.
    Swift,
    /// CRAN.
    Cran,
    /// Conan.
    Conan,
    /// GitHub Actions.
    GithubActions,
    /// Bitnami components.
    Bitnami,
    /// Kubernetes components.
    Kubernetes,
    /// Anything that is matched by CPE.
    Cpe,
    /// An ecosystem known by its OSV name only.
    #[default]
    Unknown,
    /// An ecosystem with an OSV name that has no variant here.
    Other(String),
}

/// A range of versions; the order is the ecosystem's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// First version hit; empty: from the very first.
    pub introduced: String,
    /// The introduced version itself is not hit (NVD `versionStartExcluding`).
    pub introduced_excluded: bool,
    /// Where it ends.
    pub end: RangeEnd,
}

/// The end of a range.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RangeEnd {
    /// No end known.
    #[default]
    Open,
    /// The first version that is not hit any more, and carries the fix.
    Fixed(String),
    /// The last version that is hit.
    LastAffected(String),
    /// The first version that is not hit, without saying that it is a fix (OSV `limit`, NVD `versionEndExcluding`
    /// of a non-fix bound).
    Limit(String),
}

/// What the publisher says about a fix.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum FixState {
    /// Nothing.
    #[default]
    Unknown,
    /// There is one; the range's end says in which version.
    Fixed,
    /// There is none yet.
    NotFixed,
    /// There will be none.
    WontFix,
    /// The package does not have the flaw, whatever other sources say.
    NotAffected,
}

/// How bad.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Severity {
    /// Not said.
    #[default]
    Unknown,
    /// Hardly matters.
    Negligible,
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
    /// Critical.
    Critical,
}

/// A CVSS score.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Cvss {
    /// Who scored, for example `nvd@nist.gov`.
    pub source: String,
    /// `Primary` or `Secondary`.
    pub kind: String,
    /// `2.0`, `3.0`, `3.1`, `4.0`.
    pub version: String,
    /// The vector string.
    pub vector: String,
    /// The score, 0.0 to 10.0: of the vector, or the publisher's where there is no valid vector.
    pub base_score: f64,
}

/// A stakeholder-specific vulnerability categorization (SSVC 2.0.3).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ssvc {
    /// Who decided, for example `CISA-ADP`.
    pub source: String,
    /// In which role, for example `CISA Coordinator`.
    pub role: String,
    /// The scheme's version.
    pub version: String,
    /// RFC 3339.
    pub timestamp: String,
    /// `none`, `poc` or `active`.
    pub exploitation: String,
    /// `yes` or `no`.
    pub automatable: String,
    /// `partial` or `total`.
    pub technical_impact: String,
}

/// An address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// The address.
    pub url: String,
    /// OSV's type or NVD's tags, lower case; may be empty.
    pub tags: Vec<String>,
}

/// An entry of CISA's catalogue of flaws that are known to be exploited.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kev {
    /// The CVE.
    pub cve: String,
    /// Vendor.
    pub vendor: String,
    /// Product.
    pub product: String,
    /// Date of the entry.
    pub date_added: String,
    /// What to do.
    pub required_action: String,
    /// By when.
    pub due_date: String,
    /// `Known` or `Unknown` use in ransomware campaigns.
    pub ransomware: String,
    /// Further notes.
    pub notes: String,
    /// Addresses.
    pub urls: Vec<String>,
    /// CWEs.
    pub cwes: Vec<String>,
}

impl Severity {
    /// Reads a publisher's word, any case: Grype's, CVSS's, Debian's urgencies and Ubuntu's priorities.
    #[must_use]
    pub fn parse(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "critical" => Self::Critical,
            "high" | "important" => Self::High,
            "medium" | "moderate" => Self::Medium,
            "low" => Self::Low,
            "negligible" | "unimportant" | "none" => Self::Negligible,
            _ => Self::Unknown,
        }
    }

    /// Grype's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "Unknown",
            Self::Negligible => "Negligible",
            Self::Low => "Low",
            Self::Medium => "Medium",
            Self::High => "High",
            Self::Critical => "Critical",
        }
    }

    /// From a CVSS base score.
    #[must_use]
    pub fn from_score(score: f64) -> Self {
        match score {
            s if s >= 9.0 => Self::Critical,
            s if s >= 7.0 => Self::High,
            s if s >= 4.0 => Self::Medium,
            s if s > 0.0 => Self::Low,
            _ => Self::Negligible,
        }
    }
}
