//! Semantic versions as npm, Cargo, Hex, Swift, Pub, NuGet and Bitnami have them, and as Grype accepts them: any number
//! of parts, missing ones are 0, a `v` in front, a prerelease that is glued on (`1.0a`, `1.0.0.rc1`).
//!
//! Order: numbers, then a prerelease before none, then its identifiers (numbers before text, fewer before more). Build
//! metadata has no weight, except in Pub. A text without a leading number sorts before every number.

use std::cmp::Ordering;

use crate::scan::{Folded, Number, Scan, compare_tokens, split_once, strip_v};

/// A version cut into its parts. Empty parts are missing ones.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parts<'a> {
    /// Digits and dots.
    pub(crate) release: &'a [u8],
    /// Without its hyphen. Where there is no release, the whole text.
    pub(crate) prerelease: &'a [u8],
    /// Without its plus sign.
    pub(crate) build: &'a [u8],
}

impl<'a> Parts<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Self {
        let mut scan = Scan::new(strip_v(text));
        let release = scan.take_while(|b| b.is_ascii_digit() || b == b'.');
        if !release.iter().any(u8::is_ascii_digit) {
            return Parts { release: &[], prerelease: text, build: &[] };
        }
        let (prerelease, build) = split_once(scan.rest(), b'+').unwrap_or((scan.rest(), &[]));
        Parts { release, prerelease: prerelease.strip_prefix(b"-").unwrap_or(prerelease), build }
    }

    /// The numbers of the release; doubled dots are one.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = Number<'a>> + use<'a> {
        self.release.split(|b| *b == b'.').filter(|digits| !digits.is_empty()).map(Number::new)
    }

    /// Numbers, then whether there is a prerelease, then its `identifiers`.
    pub(crate) fn compare(&self, other: &Self, identifiers: impl FnOnce(&[u8], &[u8]) -> Ordering) -> Ordering {
        self.compare_numbers(other).then_with(|| match (self.prerelease, other.prerelease) {
            ([], []) => Ordering::Equal,
            ([], _) => Ordering::Greater,
            (_, []) => Ordering::Less,
            _ if self.release.is_empty() => Ordering::Equal,
            (a, b) => identifiers(a, b),
        })
    }

    /// What has no numbers comes first, by its text.
    fn compare_numbers(&self, other: &Self) -> Ordering {
        match (self.release.is_empty(), other.release.is_empty()) {
            (false, false) => compare_tokens(self.numbers(), other.numbers(), Number::ZERO),
            (true, true) => self.prerelease.cmp(other.prerelease),
            (a, b) => b.cmp(&a),
        }
    }
}

/// One part of a prerelease.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Identifier<'a, T = &'a [u8]> {
    End,
    Number(Number<'a>),
    Text(T),
}

impl<'a, T> Identifier<'a, T> {
    pub(crate) fn new(word: &'a [u8], text: fn(&'a [u8]) -> T) -> Self {
        match !word.is_empty() && word.iter().all(u8::is_ascii_digit) {
            true => Identifier::Number(Number::new(word)),
            false => Identifier::Text(text(word)),
        }
    }
}

fn identifiers<'a, T>(words: &'a [u8], text: fn(&'a [u8]) -> T) -> impl Iterator<Item = Identifier<'a, T>> {
    words.split(|b| *b == b'.').map(move |word| Identifier::new(word, text))
}

pub(crate) fn compare_identifiers(a: &[u8], b: &[u8]) -> Ordering {
    compare_tokens(identifiers(a, |text| text), identifiers(b, |text| text), Identifier::End)
}

fn compare_identifiers_folded(a: &[u8], b: &[u8]) -> Ordering {
    compare_tokens(identifiers(a, Folded), identifiers(b, Folded), Identifier::End)
}

/// SemVer 2.0.0, clause 11.
pub(crate) fn compare(a: &[u8], b: &[u8]) -> Ordering {
    Parts::new(a).compare(&Parts::new(b), compare_identifiers)
}

/// NuGet: prereleases regardless of case.
pub(crate) fn compare_nuget(a: &[u8], b: &[u8]) -> Ordering {
    Parts::new(a).compare(&Parts::new(b), compare_identifiers_folded)
}

/// Pub: a build comes after none, and builds are compared as prereleases are.
pub(crate) fn compare_pub(a: &[u8], b: &[u8]) -> Ordering {
    let (a, b) = (Parts::new(a), Parts::new(b));
    a.compare(&b, compare_identifiers).then_with(|| match (a.build, b.build) {
        ([], []) => Ordering::Equal,
        ([], _) => Ordering::Less,
        (_, []) => Ordering::Greater,
        (a, b) => compare_identifiers(a, b),
    })
}

/// Bitnami: what follows the numbers is the packager's revision of the same upstream source, so it has no weight.
pub(crate) fn compare_bitnami(a: &[u8], b: &[u8]) -> Ordering {
    Parts::new(a).compare_numbers(&Parts::new(b))
}

pub(crate) fn check(text: &[u8]) -> Result<(), &'static str> {
    let parts = Parts::new(text);
    if parts.release.is_empty() {
        return Err("it does not begin with a number");
    }
    let glued_word = [b"alpha".as_slice(), b"beta", b"rc"].iter().any(|word| parts.prerelease.starts_with(word));
    let release = match parts.release.strip_suffix(b".") {
        Some(release) if glued_word => release,
        _ => parts.release,
    };
    if release.split(|b| *b == b'.').any(<[u8]>::is_empty) {
        return Err("a number is missing beside a dot");
    }
    let allowed = |b: &u8| b.is_ascii_alphanumeric() || b"-.~".contains(b);
    if !parts.prerelease.iter().all(allowed) || !parts.build.iter().all(|b| allowed(b) || *b == b'+') {
        return Err("a character that is not allowed");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::Scheme::{Bitnami, NuGet, Pub, Semver};
    use crate::testing::{check_chain, check_equal, check_form};

    #[test]
    fn order() {
        check_chain(
            Semver,
            &[
                "latest",
                "0-0",
                "0",
                "1.0.0-1",
                "1.0.0-alpha",
                "1.0.0-alpha.1",
                "1.0.0-alpha.beta",
                "1.0.0-beta.2",
                "1.0.0-beta.11",
                "1.0.0-rc.1",
                "1.0.0",
                "1.0.0.1",
                "1.0.1",
                "1.10.0",
            ],
        );
        check_equal(Semver, &["1", "1.0", "v1.0.0", "V1.0.0.0", "1.0.0+build"]);
        check_equal(Semver, &["1.0.0.rc1", "1.0.0-rc1", "1.0rc1"]);
    }

    #[test]
    fn nuget() {
        check_equal(NuGet, &["1.0-Beta", "1.0.0.0-BETA+x"]);
        check_chain(NuGet, &["1.0-alpha", "1.0-Beta", "1.0", "1.0.0.1"]);
    }

    #[test]
    fn pub_dev() {
        check_chain(Pub, &["1.0.0-pre", "1.0.0-pre+build", "1.0.0", "1.0.0+2", "1.0.0+10", "1.0.0+a"]);
    }

    #[test]
    fn bitnami() {
        check_equal(Bitnami, &["2.3.1", "2.3.1-1", "2.3.1-r7"]);
        check_chain(Bitnami, &["2.3.1-9", "2.3.2-0", "2.10"]);
    }

    #[test]
    fn form() {
        check_form(
            Semver,
            &["1", "v1.2.3-rc.1+b.2", "1.0a", "1.0.0.beta2"],
            &["", "latest", "1.2.", "1..2", "1.0.Final", "1.0 0", "1:2"],
        );
    }
}
