//! PEAR and PECL: the registry of installed packages, PHP values as `serialize` writes them.
//!
//! Follows Syft 1.57 (`syft/pkg/cataloger/php/parse_pecl_pear.go`).

use super::license_files;
use crate::{Cataloger, Extraction, File, ParseError, Want};
use purl::PackageUrl;
use sbom::{Component, Language, PackageType};
use serde::Serialize;

/// Finds the packages in PEAR's registry.
pub(super) struct PhpPear;

/// The `php-pear-entry` record of Syft's JSON schema 16.
#[derive(Serialize)]
struct Record<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    channel: &'a str,
    version: &'a str,
    license: [&'a str; 1],
}

impl Cataloger for PhpPear {
    fn name(&self) -> &'static str {
        "php-pear-serialized-cataloger"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "declared", "language", "php", "pear"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Glob("**/php/.registry/**/*.reg")]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        let mut reader = Reader { rest: file.bytes };
        let entry = reader.value(0)?;
        let Some(name) = entry.member("name").and_then(Value::text) else {
            return Err(ParseError::malformed("failed to parse pear package name"));
        };
        let inner = |outer: &str, inner: &str| entry.member(outer)?.member(inner)?.text();
        let channel = entry.member("channel").and_then(Value::text).unwrap_or_default();
        let version = inner("version", "release").unwrap_or_default();
        let license = inner("license", "_content").unwrap_or_default();
        let mut component = Component::new(PackageType::PhpPear, Language::Php, name, version);
        let namespace = if channel.is_empty() { "pecl.php.net" } else { channel };
        component.purl = PackageUrl::new("pear", name).namespace(namespace).version(version).to_string();
        component.licenses = license_files::declared(license);
        component.set_metadata("php-pear-entry", &Record { name, channel, version, license: [license] })?;
        out.add(component);
        Ok(())
    }
}

/// A PHP value; of numbers and the like only that they are there.
enum Value<'a> {
    Text(&'a str),
    Array(Vec<(Value<'a>, Value<'a>)>),
    Other,
}

impl<'a> Value<'a> {
    fn text(&self) -> Option<&'a str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    fn member(&self, name: &str) -> Option<&Self> {
        let Self::Array(members) = self else { return None };
        members.iter().find(|(key, _)| key.text() == Some(name)).map(|(_, value)| value)
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// `s:4:"text";`, `a:2:{key value key value}`, or a scalar up to its `;`.
    fn value(&mut self, depth: usize) -> Result<Value<'a>, ParseError> {
        const MAX_DEPTH: usize = 128;
        if depth > MAX_DEPTH {
            return Err(ParseError::Limit { what: "levels of nesting", limit: MAX_DEPTH as u64 });
        }
        let (kind, rest) = self.rest.split_first().ok_or_else(damaged)?;
        self.rest = rest;
        match kind {
            b's' => self.text().map(Value::Text),
            b'a' => {
                let count = self.length()?;
                self.expect(b"{")?;
                let mut members = Vec::new();
                for _ in 0..count {
                    members.push((self.value(depth + 1)?, self.value(depth + 1)?));
                }
                self.expect(b"}")?;
                Ok(Value::Array(members))
            }
            b'N' | b'b' | b'i' | b'd' => {
                self.up_to(b';')?;
                Ok(Value::Other)
            }
            _ => Err(damaged()),
        }
    }

    fn text(&mut self) -> Result<&'a str, ParseError> {
        let length = self.length()?;
        self.expect(b"\"")?;
        let (text, rest) = self.rest.split_at_checked(length).ok_or_else(damaged)?;
        self.rest = rest;
        self.expect(b"\";")?;
        // What is no UTF-8 is no name.
        Ok(std::str::from_utf8(text).unwrap_or_default())
    }

    /// `:4:`
    fn length(&mut self) -> Result<usize, ParseError> {
        self.expect(b":")?;
        let digits = self.up_to(b':')?;
        std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()).ok_or_else(damaged)
    }

    fn up_to(&mut self, end: u8) -> Result<&'a [u8], ParseError> {
        let at = memchr::memchr(end, self.rest).ok_or_else(damaged)?;
        let (found, rest) = self.rest.split_at_checked(at).ok_or_else(damaged)?;
        self.rest = rest.get(1..).unwrap_or_default();
        Ok(found)
    }

    fn expect(&mut self, text: &[u8]) -> Result<(), ParseError> {
        self.rest = self.rest.strip_prefix(text).ok_or_else(damaged)?;
        Ok(())
    }
}

fn damaged() -> ParseError {
    ParseError::malformed("not a serialized PHP value")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogers::testing::{catalogue, purls, record, unknowns};
    use proptest::prelude::*;

    #[test]
    fn registry() {
        let entry = br#"a:5:{s:4:"name";s:4:"Mail";s:7:"channel";s:12:"pear.php.net";s:1:"n";N;s:7:"version";a:2:{s:7:"release";s:5:"1.2.0";i:0;b:1;}s:7:"license";a:1:{s:8:"_content";s:3:"BSD";}}"#;
        let short = br#"a:1:{s:4:"name";s:1:"x";}"#;
        let files: [(&str, &[u8]); 5] = [
            ("/usr/share/php/.registry/mail.reg", entry),
            ("/usr/share/php/.registry/.channel.pecl.php.net/x.reg", short),
            ("/php/.registry/deep.reg", &b"a:1:{i:0;".repeat(10_000)),
            ("/php/.registry/long.reg", b"s:99999999999999999999:\"a\";"),
            ("/php/.registry/none.reg", b"a:1:{i:0;i:1;}"),
        ];
        let document = catalogue(&PhpPear, &files);
        assert_eq!(purls(&document), ["pkg:pear/pear.php.net/Mail@1.2.0", "pkg:pear/pecl.php.net/x"]);
        let expected = r#"{"name":"Mail","channel":"pear.php.net","version":"1.2.0","license":["BSD"]}"#;
        assert_eq!(record(&document, "Mail"), expected);
        assert_eq!(unknowns(&document).len(), 3);
    }

    proptest! {
        #[test]
        fn never_panics(text in "[as:;{}\"0-9iN]{0,40}") {
            let _ = Reader { rest: text.as_bytes() }.value(0);
        }
    }
}
