//! Reading package URLs from text.

use crate::PackageUrl;
use crate::percent::unescape;
use crate::rules;
use std::str::FromStr;

/// Longest text that is read, in bytes.
pub const MAX_LENGTH_BYTES: usize = 64 * 1024;

/// Why a text or a set of parts is no package URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// It is longer than [`MAX_LENGTH_BYTES`].
    #[error("package URL of {0} bytes is too long")]
    TooLong(usize),
    /// It does not begin with `pkg:`.
    #[error("package URL does not begin with \"pkg:\"")]
    Scheme,
    /// The type is missing or has characters it must not have.
    #[error("package URL has no valid type: {0:?}")]
    Type(String),
    /// The name is missing.
    #[error("package URL has no name")]
    Name,
    /// A percent escape is broken in the part named.
    #[error("package URL has a broken percent escape in its {0}")]
    Escape(&'static str),
    /// A qualifier key has characters it must not have.
    #[error("package URL has an invalid qualifier key: {0:?}")]
    QualifierKey(String),
    /// A qualifier key comes twice.
    #[error("package URL has the qualifier {0:?} twice")]
    DuplicateQualifier(String),
    /// The type's own rules are broken.
    #[error("package URL of type {kind}: {rule}")]
    Rule {
        /// The package type.
        kind: String,
        /// What the type asks for.
        rule: &'static str,
    },
}

impl FromStr for PackageUrl {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let text = text.trim();
        if text.len() > MAX_LENGTH_BYTES {
            return Err(ParseError::TooLong(text.len()));
        }
        let (rest, subpath) = text.split_once('#').unwrap_or((text, ""));
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (scheme, rest) = rest.split_once(':').ok_or(ParseError::Scheme)?;
        if !scheme.eq_ignore_ascii_case("pkg") {
            return Err(ParseError::Scheme);
        }
        let rest = rest.trim_matches('/');
        let (kind, path) = rest.split_once('/').ok_or(ParseError::Name)?;
        let (path, version) = split_version(path);
        let (namespace, name) = path.rsplit_once('/').unwrap_or(("", path));
        let mut url = Self {
            kind: kind.to_owned(),
            namespace: decode(namespace, "namespace")?,
            name: decode(name, "name")?,
            version: decode(version, "version")?,
            qualifiers: read_qualifiers(query)?,
            subpath: decode(subpath, "subpath")?,
        };
        rules::normalize(&mut url)?;
        Ok(url)
    }
}

/// Splits at the last `@`, unless that begins a segment that is not the last (`@angular/core`).
fn split_version(path: &str) -> (&str, &str) {
    match path.rsplit_once('@') {
        Some((before, after)) if !(after.contains('/') && (before.is_empty() || before.ends_with('/'))) => {
            (before, after)
        }
        _ => (path, ""),
    }
}

fn decode(text: &str, part: &'static str) -> Result<String, ParseError> {
    unescape(text).map(std::borrow::Cow::into_owned).ok_or(ParseError::Escape(part))
}

fn read_qualifiers(query: &str) -> Result<Vec<(String, String)>, ParseError> {
    let mut qualifiers = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        qualifiers.push((decode(key, "qualifiers")?, decode(value, "qualifiers")?));
    }
    Ok(qualifiers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, ParseError>) {
        assert_eq!(text.parse::<PackageUrl>().map(|url| url.to_string()), expected.map(str::to_owned), "{text}");
    }

    #[test]
    fn reads() {
        check("pkg:npm/%40angular/core@12.0.0", Ok("pkg:npm/%40angular/core@12.0.0"));
        check("pkg:npm/@angular/core@12.0.0", Ok("pkg:npm/%40angular/core@12.0.0"));
        check("pkg:npm/@angular/core", Ok("pkg:npm/%40angular/core"));
        check(" PKG://NPM/core/ ", Ok("pkg:npm/core"));
        check("pkg:golang/github.com/BurntSushi/toml@v1.3.2", Ok("pkg:golang/github.com/BurntSushi/toml@v1.3.2"));
        check("pkg:golang/github.com%2Fa/b@v1#/x/../y/", Ok("pkg:golang/github.com/a/b@v1#x/y"));
        check(
            "pkg:deb/Debian/bash@1:5.2%2Bb1?b=2&&Arch=x%2Fy&c",
            Ok("pkg:deb/debian/bash@1%3A5.2%2Bb1?arch=x%2Fy&b=2"),
        );
        check("pkg:generic/a@feature/b", Ok("pkg:generic/a@feature%2Fb"));
    }

    #[test]
    fn rejects() {
        check("npm/a", Err(ParseError::Scheme));
        check("pkg:a", Err(ParseError::Name));
        check("pkg:npm/@1", Err(ParseError::Name));
        check("pkg:n?pm/a", Err(ParseError::Name));
        check("pkg:1npm/a", Err(ParseError::Type("1npm".to_owned())));
        check("pkg:npm/a%", Err(ParseError::Escape("name")));
        check("pkg:npm/a@%ff", Err(ParseError::Escape("version")));
        check("pkg:npm/a?1x=y", Err(ParseError::QualifierKey("1x".to_owned())));
        check("pkg:npm/a?x=1&X=2", Err(ParseError::DuplicateQualifier("x".to_owned())));
        check(&format!("pkg:npm/{}", "a".repeat(MAX_LENGTH_BYTES)), Err(ParseError::TooLong(MAX_LENGTH_BYTES + 8)));
    }

    proptest! {
        #[test]
        fn never_panics(text in "(pkg:[a-z]{1,4}/)?.{0,60}") {
            let _ = text.parse::<PackageUrl>();
        }

        #[test]
        fn reads_what_it_printed(
            kind in "[a-z][a-z0-9.+-]{0,8}|npm|pypi|deb|golang",
            parts in prop::array::uniform4(".{0,12}"),
            qualifiers in prop::collection::btree_map("[a-z._-][a-z0-9._-]{0,6}", ".{0,12}", 0..4),
        ) {
            let [namespace, name, version, subpath] = parts;
            let url = PackageUrl::new(kind, name).namespace(namespace).version(version).subpath(subpath);
            let url = qualifiers.into_iter().fold(url, |url, (key, value)| url.qualifier(key, value)).normalized();
            if let Ok(url) = url {
                prop_assert_eq!(url.to_string().parse(), Ok(url));
            }
        }
    }
}
