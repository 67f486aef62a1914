//! Go: module versions (`v1.2.3`, pseudo-versions, `+incompatible`) and toolchain versions (`go1.21rc2`).
//!
//! Modules have the order of semantic versions. Of a toolchain version, `go1.21rc2` is `1.21.0-rc.2`, as in the Go
//! vulnerability database, and a vendor's suffix (`go1.21.3-custom`, `go1.21.3 X:boringcrypto`) has no weight, as in
//! the Go standard library's `go/version`.

use std::cmp::Ordering;

use crate::scan::{Scan, compare_tokens};
use crate::semver::{self, Identifier, Parts};

struct Version<'a> {
    parts: Parts<'a>,
    toolchain: bool,
}

impl<'a> Version<'a> {
    fn new(text: &'a [u8]) -> Self {
        match text.strip_prefix(b"go") {
            Some(rest) if rest.first().is_some_and(u8::is_ascii_digit) => {
                let mut scan = Scan::new(rest);
                let known = scan.take_while(|b| b != b'-' && !b.is_ascii_whitespace());
                Version { parts: Parts::new(known), toolchain: true }
            }
            _ => Version { parts: Parts::new(text), toolchain: false },
        }
    }
}

/// Of a toolchain version also parted between letters and digits.
fn identifiers(prerelease: &[u8], toolchain: bool) -> impl Iterator<Item = Identifier<'_>> {
    prerelease
        .split(|b| *b == b'.')
        .flat_map(move |word| {
            let letters = word.iter().position(|b| toolchain && b.is_ascii_digit());
            let (head, tail) = word.split_at(letters.unwrap_or(word.len()));
            [head, tail]
        })
        .filter(|word| !word.is_empty())
        .map(|word| Identifier::new(word, |text| text))
}

pub(crate) fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let (a, b) = (Version::new(a), Version::new(b));
    a.parts.compare(&b.parts, |prerelease_a, prerelease_b| {
        let (words_a, words_b) = (identifiers(prerelease_a, a.toolchain), identifiers(prerelease_b, b.toolchain));
        compare_tokens(words_a, words_b, Identifier::End)
    })
}

pub(crate) fn check(text: &[u8]) -> Result<(), &'static str> {
    match Version::new(text) {
        Version { toolchain: true, parts } if parts.release.ends_with(b".") => Err("a number is missing after a dot"),
        Version { toolchain: true, .. } => Ok(()),
        _ => semver::check(text),
    }
}

#[cfg(test)]
mod tests {
    use crate::Scheme::Go;
    use crate::testing::{check_chain, check_equal, check_form};

    #[test]
    fn order() {
        check_chain(
            Go,
            &[
                "(devel)",
                "v0.0.0-20180116102854-5a71ef0e047d",
                "v0.0.0-20190116102854-8a3f0e047d5a",
                "v0.0.1",
                "v1.2.3-pre.0.20200101000000-0123456789ab",
                "v1.2.3-rc.1",
                "v1.2.3",
                "v3.2.0+incompatible",
                "9.6.0b1",
                "v9.6.0",
            ],
        );
        check_equal(Go, &["v3.2.0", "3.2.0+incompatible", "v3.2.0+incompatible+dirty"]);
    }

    #[test]
    fn toolchains() {
        check_chain(Go, &["go1.21rc2", "go1.21rc10", "go1.21", "go1.21.3", "go1.24.1"]);
        check_equal(Go, &["go1.21rc2", "1.21.0-rc.2"]);
        check_equal(Go, &["go1.21.3", "1.21.3", "go1.21.3-custom", "go1.21.3 X:boringcrypto"]);
    }

    #[test]
    fn form() {
        check_form(
            Go,
            &["v1.2.3", "go1.21rc2", "9.6.0b1", "v24.0.7+incompatible+dirty"],
            &["", "(devel)", "go", "invalid"],
        );
    }
}
