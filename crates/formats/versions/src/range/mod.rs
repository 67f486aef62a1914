//! Ranges of versions, and the notations that advisories give them in.

mod comparators;
mod intervals;

use std::cmp::Ordering;
use std::fmt;

use crate::{MissingEpoch, Scheme, compare, relate};

/// Longest text of ranges, in bytes.
pub const MAX_TEXT_BYTES: usize = 1 << 20;
/// Most ranges of one text.
pub const MAX_RANGES: usize = 10_000;

/// Where a range begins or ends.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Bound {
    /// As it was written.
    pub version: String,
    /// The version itself belongs to the range.
    pub inclusive: bool,
}

impl Bound {
    /// A bound that belongs to the range.
    pub fn inclusive(version: impl Into<String>) -> Self {
        Bound { version: version.into(), inclusive: true }
    }

    /// A bound that does not belong to the range.
    pub fn exclusive(version: impl Into<String>) -> Self {
        Bound { version: version.into(), inclusive: false }
    }

    fn flipped(&self) -> Self {
        Bound { version: self.version.clone(), inclusive: !self.inclusive }
    }
}

/// Versions between two bounds; a missing one is no bound.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct VersionRange {
    /// Where it begins.
    pub lower: Option<Bound>,
    /// Where it ends.
    pub upper: Option<Bound>,
}

/// A text of ranges that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RangeError {
    /// More than [`MAX_TEXT_BYTES`].
    #[error("the text of ranges has {0} bytes, more than {MAX_TEXT_BYTES}")]
    TooLong(usize),
    /// More than [`MAX_RANGES`].
    #[error("more than {MAX_RANGES} ranges")]
    TooMany,
    /// An operator without a version behind it.
    #[error("no version after {operator:?}")]
    MissingVersion {
        /// As it was written.
        operator: String,
    },
    /// Something that the notation does not have.
    #[error("{found:?} has no meaning here")]
    Unexpected {
        /// The text, cut after 100 characters.
        found: String,
    },
    /// A bracket or quotation mark that nothing closes.
    #[error("{0:?} is not closed")]
    Unclosed(char),
}

impl RangeError {
    fn unexpected(found: &str) -> Self {
        RangeError::Unexpected { found: found.chars().take(100).collect() }
    }
}

/// How ranges are written. In all of them nothing at all means every version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RangeSyntax {
    /// `>= 1.0, < 2.0 || = 3.0`: Grype, GHSA, Go and Conan. A comma or space means "and", `||` or `|` means "or".
    Plain,
    /// Plain, with `^1.2`, `~1.2`, `1.x` and `1.0 - 2.0` of npm.
    Npm,
    /// Plain, with RubyGems' `~> 1.2`.
    Gem,
    /// Plain, with Composer's `^1.2`, `~1.2`, `1.*`, `1.0 - 2.0`.
    Composer,
    /// Plain, with PEP 440's `~=1.2`, `==1.*`, `===1.0`.
    Python,
    /// `[1.0,2.0),[3.0]`: Maven and NuGet. A version without brackets is that version alone.
    Intervals,
}

impl RangeSyntax {
    /// The notation of the ranges that people write for a scheme: what `Constraint` reads.
    #[must_use]
    pub fn of_scheme(scheme: Scheme) -> Self {
        match scheme {
            Scheme::Semver => Self::Npm,
            Scheme::Gem => Self::Gem,
            Scheme::Packagist => Self::Composer,
            Scheme::Pep440 => Self::Python,
            _ => Self::Plain,
        }
    }

    /// The notation of a GitLab advisory's `affected_range`, by the first part of its `package_slug`.
    #[must_use]
    pub fn of_gitlab(package_type: &str) -> Self {
        match package_type {
            "npm" => Self::Npm,
            "gem" => Self::Gem,
            "packagist" => Self::Composer,
            "pypi" => Self::Python,
            "maven" | "nuget" => Self::Intervals,
            _ => Self::Plain,
        }
    }

    /// Reads ranges; a version is hit when one of them contains it. The scheme decides between several bounds of one
    /// range (`~> 2.1.4, >= 2.1.4.4`).
    ///
    /// # Errors
    /// Where the text does not fit the notation or is beyond the limits.
    pub fn parse(self, scheme: Scheme, text: &str) -> Result<Vec<VersionRange>, RangeError> {
        if text.len() > MAX_TEXT_BYTES {
            return Err(RangeError::TooLong(text.len()));
        }
        match self {
            _ if text.trim().is_empty() => Ok(vec![VersionRange::ALL]),
            Self::Intervals => intervals::parse(text),
            _ => comparators::parse(self, scheme, text),
        }
    }
}

impl VersionRange {
    /// Every version.
    pub const ALL: Self = VersionRange { lower: None, upper: None };

    /// One version alone.
    pub fn exactly(version: impl Into<String>) -> Self {
        let bound = Bound::inclusive(version);
        VersionRange { lower: Some(bound.clone()), upper: Some(bound) }
    }

    /// Whether an installed version is in the range, by [`relate`].
    #[must_use]
    pub fn contains(&self, scheme: Scheme, installed: &str, missing_epoch: MissingEpoch) -> bool {
        let within = |bound: &Option<Bound>, side: Ordering| {
            bound.as_ref().is_none_or(|bound| match relate(scheme, installed, &bound.version, missing_epoch) {
                Ordering::Equal => bound.inclusive,
                order => order == side,
            })
        };
        within(&self.lower, Ordering::Greater) && within(&self.upper, Ordering::Less)
    }

    /// No version can be in it, by [`compare`].
    #[must_use]
    pub fn is_empty(&self, scheme: Scheme) -> bool {
        match (&self.lower, &self.upper) {
            (Some(lower), Some(upper)) => match compare(scheme, &lower.version, &upper.version) {
                Ordering::Less => false,
                Ordering::Equal => !(lower.inclusive && upper.inclusive),
                Ordering::Greater => true,
            },
            _ => false,
        }
    }
}

impl fmt::Display for VersionRange {
    /// As Grype writes it: `>= 1.0, < 2.0`, `= 1.0`, nothing for all versions.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let write = |f: &mut fmt::Formatter<'_>, sign: char, bound: &Bound| {
            write!(f, "{sign}{} {}", if bound.inclusive { "=" } else { "" }, bound.version)
        };
        match (&self.lower, &self.upper) {
            (Some(lower), Some(upper)) if lower.inclusive && lower == upper => write!(f, "= {}", lower.version),
            (Some(lower), Some(upper)) => {
                write(f, '>', lower)?;
                f.write_str(", ")?;
                write(f, '<', upper)
            }
            (Some(lower), None) => write(f, '>', lower),
            (None, Some(upper)) => write(f, '<', upper),
            (None, None) => Ok(()),
        }
    }
}

/// All that is in none of the ranges, in order: what an advisory that lists patched and unaffected versions hits.
#[must_use]
pub fn complement(scheme: Scheme, ranges: &[VersionRange]) -> Vec<VersionRange> {
    let mut sorted: Vec<&VersionRange> = ranges.iter().filter(|range| !range.is_empty(scheme)).collect();
    sorted.sort_by(|a, b| compare_lower(scheme, a.lower.as_ref(), b.lower.as_ref()));
    let (mut gaps, mut start) = (Vec::new(), None);
    for range in sorted {
        if let Some(lower) = &range.lower {
            let gap = VersionRange { lower: start.clone(), upper: Some(lower.flipped()) };
            if !gap.is_empty(scheme) {
                gaps.push(gap);
            }
        }
        let Some(upper) = &range.upper else {
            return gaps;
        };
        let after = Some(upper.flipped());
        if compare_lower(scheme, after.as_ref(), start.as_ref()) == Ordering::Greater {
            start = after;
        }
    }
    gaps.push(VersionRange { lower: start, upper: None });
    gaps
}

/// By what they leave out below: no bound first, at the same version the inclusive one first.
fn compare_lower(scheme: Scheme, a: Option<&Bound>, b: Option<&Bound>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => compare(scheme, &a.version, &b.version).then_with(|| b.inclusive.cmp(&a.inclusive)),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(ranges: &[VersionRange]) -> String {
        ranges.iter().map(VersionRange::to_string).collect::<Vec<_>>().join(" || ")
    }

    fn check_complement(ranges: &str, expected: &str) {
        let ranges = RangeSyntax::Gem.parse(Scheme::Gem, ranges).unwrap();
        assert_eq!(show(&complement(Scheme::Gem, &ranges)), expected);
    }

    #[test]
    fn what_is_left_over() {
        check_complement(">= 2.0", "< 2.0");
        check_complement("~> 1.1.5 || >= 1.2.1", "< 1.1.5 || >= 1.2, < 1.2.1");
        check_complement("< 1.0 || >= 2.0", ">= 1.0, < 2.0");
        check_complement("= 1.5", "< 1.5 || > 1.5");
        check_complement("> 3 || > 1, < 4", "<= 1");
        check_complement("< 2 || >= 2", "");
        check_complement("> 2, < 1", "");
    }

    #[test]
    fn a_range_contains_what_is_between() {
        let range = VersionRange { lower: Some(Bound::exclusive("1.0")), upper: Some(Bound::inclusive("2.0")) };
        for (version, expected) in [("1.0", false), ("1.1", true), ("2.0", true), ("2.0.1", false)] {
            assert_eq!(range.contains(Scheme::Semver, version, MissingEpoch::Zero), expected, "{version}");
        }
        assert!(VersionRange::ALL.contains(Scheme::Rpm, "what", MissingEpoch::Auto));
    }
}
