//! Versions and ranges: which order an ecosystem has, whether a version is hit, and how that is put in words.

use crate::database::{Claim, ClaimEnd, ClaimRange};
use crate::facts::{Facts, is_jvm};
use advisory::RangeEnd;
use sbom::{Component, PackageType};
use std::cmp::Ordering;
pub use versions::{MissingEpoch, Scheme};

/// A version together with how it compares.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Version<'a> {
    pub(crate) text: &'a str,
    pub(crate) scheme: Scheme,
    pub(crate) missing_epoch: MissingEpoch,
}

/// The order of versions in an ecosystem, by its key. What is filed by CPE has none of its own.
#[must_use]
pub fn scheme_of(key: &str) -> Scheme {
    let (ecosystem, release) = key.split_once(':').unwrap_or((key, ""));
    match ecosystem {
        "debian" | "ubuntu" | "raspbian" | "echo" => Scheme::Deb,
        "alpine" | "wolfi" | "chainguard" | "minimos" | "secureos" => Scheme::Apk,
        "archlinux" => Scheme::Pacman,
        "gentoo" => Scheme::Portage,
        "windows" => Scheme::Kb,
        _ if !release.is_empty() => Scheme::Rpm,
        "pypi" => Scheme::Pep440,
        "maven" => Scheme::Maven,
        "go" | "kubernetes" => Scheme::Go,
        "rubygems" => Scheme::Gem,
        "packagist" => Scheme::Packagist,
        "nuget" => Scheme::NuGet,
        "pub" => Scheme::Pub,
        "cran" => Scheme::Cran,
        "bitnami" => Scheme::Bitnami,
        "other/hackage" => Scheme::Hackage,
        "npm" | "cargo" | "hex" | "swift" | "conan" | "github-actions" => Scheme::Semver,
        _ => Scheme::Generic,
    }
}

/// The order of a component's own versions (grype/pkg/version_format.go, 0.121.2).
pub(crate) fn scheme_of_component(component: &Component, facts: &Facts) -> Scheme {
    match component.kind {
        PackageType::Apk => Scheme::Apk,
        PackageType::Bitnami => Scheme::Bitnami,
        PackageType::Deb => Scheme::Deb,
        PackageType::JavaArchive => Scheme::Maven,
        PackageType::Rpm => Scheme::Rpm,
        PackageType::Gem => Scheme::Gem,
        PackageType::Python => Scheme::Pep440,
        PackageType::KnowledgeBase => Scheme::Kb,
        PackageType::Portage => Scheme::Portage,
        PackageType::GoModule => Scheme::Go,
        PackageType::Alpm => Scheme::Pacman,
        _ if is_jvm(component, facts) => Scheme::Jvm,
        _ => Scheme::Generic,
    }
}

impl<'a> From<&'a advisory::Range> for ClaimRange<'a> {
    fn from(range: &'a advisory::Range) -> Self {
        let end = match &range.end {
            RangeEnd::Open => ClaimEnd::Open,
            RangeEnd::Fixed(version) => ClaimEnd::Fixed(version),
            RangeEnd::LastAffected(version) => ClaimEnd::LastAffected(version),
            RangeEnd::Limit(version) => ClaimEnd::Limit(version),
        };
        Self { introduced: &range.introduced, introduced_excluded: range.introduced_excluded, end }
    }
}

impl Version<'_> {
    /// How this version stands to a bound.
    pub(crate) fn cmp(self, bound: &str) -> Ordering {
        versions::relate(self.scheme, self.text, bound, self.missing_epoch)
    }

    pub(crate) fn is_within(self, range: ClaimRange<'_>) -> bool {
        let from = match range.introduced {
            "" | "0" => true,
            introduced if range.introduced_excluded => self.cmp(introduced).is_gt(),
            introduced => self.cmp(introduced).is_ge(),
        };
        from && match range.end {
            ClaimEnd::Open => true,
            ClaimEnd::Fixed(bound) | ClaimEnd::Limit(bound) => self.cmp(bound).is_lt(),
            ClaimEnd::LastAffected(bound) => self.cmp(bound).is_le(),
        }
    }

    /// Whether the claim holds for this version. A claim that names no version holds for all.
    pub(crate) fn is_hit_by(self, claim: &Claim<'_>) -> bool {
        if claim.ranges.is_empty() && claim.versions.is_empty() {
            return true;
        }
        claim.ranges.iter().any(|range| self.is_within(*range))
            || claim.versions.iter().any(|version| self.text == *version || self.cmp(version).is_eq())
    }
}

/// Whether any range of the claim ends in a fix that is not above the version.
pub(crate) fn is_fixed_at(version: Version<'_>, claim: &Claim<'_>) -> bool {
    claim.ranges.iter().any(|range| match range.end {
        ClaimEnd::Fixed(bound) => version.cmp(bound).is_ge(),
        _ => false,
    })
}

/// The versions that ranges and single versions of a claim hit, in Grype's words: `< 1.2.3 (deb)`, `>= 2.0, < 2.3||>= 2.5, < 2.6 (semantic)`,
/// `none (unknown)` where it hits all. Of versions that are named one by one only `version` is told.
pub(crate) fn constraint(ranges: &[ClaimRange<'_>], versions: &[&str], version: Version<'_>, scheme: Scheme) -> String {
    let mut parts: Vec<String> = ranges.iter().map(|range| range_text(*range)).collect();
    if !ranges.iter().any(|range| version.is_within(*range)) {
        let named = |other: &&&str| version.text == **other || version.cmp(other).is_eq();
        parts.extend(versions.iter().filter(named).map(|version| format!("= {version}")));
    }
    parts.retain(|part| !part.is_empty());
    if parts.is_empty() {
        return "none (unknown)".to_owned();
    }
    format!("{} ({})", parts.join("||"), scheme.grype_name())
}

/// The bounds of a range, in words.
pub(crate) fn range_text(range: ClaimRange<'_>) -> String {
    let from = match range.introduced {
        "" | "0" => String::new(),
        introduced if range.introduced_excluded => format!("> {introduced}"),
        introduced => format!(">= {introduced}"),
    };
    let to = match range.end {
        ClaimEnd::Open => String::new(),
        ClaimEnd::Fixed(bound) | ClaimEnd::Limit(bound) => format!("< {bound}"),
        ClaimEnd::LastAffected(bound) => format!("<= {bound}"),
    };
    if from.is_empty() || to.is_empty() { from + &to } else { format!("{from}, {to}") }
}

/// Whether nothing can be compared with a version.
pub(crate) fn is_unknown(version: &str) -> bool {
    version.is_empty() || version.eq_ignore_ascii_case("unknown")
}
