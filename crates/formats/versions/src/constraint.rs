//! Constraints as Grype's database and configuration have them: `>= 1.0, < 2.0 || = 3.0`.

use std::fmt;

use crate::range::{RangeError, RangeSyntax, VersionRange};
use crate::{MissingEpoch, Scheme, parse_check};

/// Which versions an advisory hits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constraint {
    scheme: Scheme,
    text: String,
    ranges: Vec<VersionRange>,
}

impl Constraint {
    /// Reads a constraint in the notation of its scheme ([`RangeSyntax::of_scheme`]). Nothing at all holds always.
    ///
    /// # Errors
    /// As [`RangeSyntax::parse`].
    pub fn parse(scheme: Scheme, text: &str) -> Result<Self, RangeError> {
        let ranges = RangeSyntax::of_scheme(scheme).parse(scheme, text)?;
        Ok(Constraint { scheme, text: text.to_owned(), ranges })
    }

    /// A constraint of ranges that are already read, of which one must hold.
    #[must_use]
    pub fn of_ranges(scheme: Scheme, ranges: Vec<VersionRange>) -> Self {
        let text = ranges.iter().map(VersionRange::to_string).collect::<Vec<_>>().join(" || ");
        Constraint { scheme, text, ranges }
    }

    /// Whether an installed version is hit, with Grype's default for missing epochs.
    ///
    /// A version that does not fit the scheme ([`parse_check`]) is hit only where every version is, as in Grype: whoever
    /// asks should report it as unknown.
    #[must_use]
    pub fn satisfied(&self, version: &str) -> bool {
        self.satisfied_with(version, MissingEpoch::default_for(self.scheme))
    }

    /// As [`satisfied`](Self::satisfied), with a choice for missing epochs.
    #[must_use]
    pub fn satisfied_with(&self, version: &str, missing_epoch: MissingEpoch) -> bool {
        self.ranges.contains(&VersionRange::ALL)
            || (parse_check(self.scheme, version).is_ok()
                && self.ranges.iter().any(|range| range.contains(self.scheme, version, missing_epoch)))
    }

    /// The scheme of its versions.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The text as it was given.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its ranges, of which one must hold.
    #[must_use]
    pub fn ranges(&self) -> &[VersionRange] {
        &self.ranges
    }
}

impl fmt::Display for Constraint {
    /// As Grype prints it: `< 1.0 (deb)`, `none (deb)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = if self.text.is_empty() { "none" } else { &self.text };
        write!(f, "{text} ({})", self.scheme.grype_name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(scheme: Scheme, constraint: &str, hit: &[&str], not_hit: &[&str]) {
        let constraint = Constraint::parse(scheme, constraint).unwrap();
        for (versions, expected) in [(hit, true), (not_hit, false)] {
            for version in versions {
                assert_eq!(constraint.satisfied(version), expected, "{version} in {constraint}");
            }
        }
    }

    #[test]
    fn as_grype_decides() {
        check(Scheme::Deb, "", &["2.3.1", "what"], &[]);
        check(Scheme::Deb, "> 0.1.0, < 0.5.0 || > 1.0.0, < 2.0.0", &["0.2.0", "1.5.0"], &["0.0.1", "0.6.0", "2.5.0"]);
        check(Scheme::Rpm, "< 1:2.0-1", &["1.9-1", "1:1.9-1"], &["2.1-1", "2:1.9-1"]);
        check(Scheme::Rpm, "< 2.0-1", &["4:1.9-1"], &["4:2.0-1"]);
        check(Scheme::Deb, "< 1:2.0-1", &["1.9-1", "2.1-1"], &["1:2.1-1"]);
        check(Scheme::Go, ">= 9.6.0b1, < 9.6.3", &["v9.6.0"], &["v9.5.9", "v9.6.3", "(devel)"]);
        check(Scheme::Go, "<=3.2.0", &["v3.2.0+incompatible"], &[]);
        check(Scheme::Gem, "= 1.19.3", &["1.19.3-aarch64-linux-gnu"], &["1.19.4-java"]);
        check(Scheme::Pep440, "= 1.0", &["1.0", "1.0+cu118"], &["1.0.post1"]);
        check(Scheme::Pep440, "= 1.0+cu118", &["1.0+cu118"], &["1.0", "1.0+cu117"]);
        check(Scheme::Jvm, "= 1.8.0_131-b001", &["1.8.0_131", "8.0.131"], &["1.8.0_132"]);
        check(Scheme::Bitnami, "> 2.3.1", &["2.3.2-0"], &["2.3.1-1"]);
        check(Scheme::Portage, "< 1.2.3", &["1.2.2-r9"], &["none", "latest"]);
        check(Scheme::Kb, "4480966", &["4480966"], &["4480967"]);
        check(Scheme::Semver, "^1.2 || ~3.1", &["1.9.0", "3.1.7"], &["2.0.0", "3.2.0", "2.0.0-rc1"]);
        check(Scheme::Generic, ">1.0, <2.0 || > 3.0", &["1.2+beta-3", "3.2+beta-3"], &["2.2+beta-3"]);
    }

    #[test]
    fn shown_as_grype_shows_it() {
        assert_eq!(Constraint::parse(Scheme::Go, "< 1.3.4").unwrap().to_string(), "< 1.3.4 (go)");
        assert_eq!(Constraint::parse(Scheme::Rpm, "").unwrap().to_string(), "none (rpm)");
    }
}
