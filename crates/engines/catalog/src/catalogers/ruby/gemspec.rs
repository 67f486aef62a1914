//! `ruby-installed-gemspec-cataloger` and `ruby-gemspec-cataloger`: gem specifications, read as text and never run.

use super::component;
use crate::catalogers::license_files;
use crate::{Cataloger, Extraction, File, ParseError, UsedFor, Want};
use serde::Serialize;

/// Finds gems that are installed.
pub(crate) struct InstalledGemSpec;

/// Finds gems whether installed or not.
pub(crate) struct GemSpec;

impl Cataloger for InstalledGemSpec {
    fn name(&self) -> &'static str {
        "ruby-installed-gemspec-cataloger"
    }

    fn used_for(&self) -> UsedFor {
        UsedFor::Image
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "installed", "language", "ruby", "gem", "gemspec"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Glob("**/specifications/**/*.gemspec")]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        extract(file, out)
    }
}

impl Cataloger for GemSpec {
    fn name(&self) -> &'static str {
        "ruby-gemspec-cataloger"
    }

    fn used_for(&self) -> UsedFor {
        UsedFor::Directory
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "declared", "language", "ruby", "gem", "gemspec"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Glob("**/*.gemspec")]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        extract(file, out)
    }
}

/// The `ruby-gemspec` record of Syft's JSON schema 16.
#[derive(Default, Serialize)]
struct Record {
    name: String,
    version: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    authors: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    homepage: String,
}

fn extract(file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
    let mut record = Record::default();
    let mut licenses = Vec::new();
    for line in file.text().lines() {
        let line = unescaped(&line.trim().replace(".freeze", ""));
        if let Some(name) = text(&line, ".name") {
            record.name = name;
        } else if let Some(version) = text(&line, ".version") {
            record.version = version;
        } else if let Some(homepage) = text(&line, ".homepage") {
            record.homepage = homepage;
        } else if let Some(files) = list(&line, ".files") {
            record.files = files;
        } else if let Some(authors) = list(&line, ".authors") {
            record.authors = authors;
        } else if let Some(names) = list(&line, ".licenses") {
            licenses = names;
        }
    }
    if record.name.is_empty() || record.version.is_empty() {
        return Ok(());
    }
    record.homepage = interpolated(&record.homepage, &record.name, &record.version).unwrap_or_default();
    let mut gem = component(&record.name, &record.version);
    gem.licenses = licenses.iter().flat_map(|license| license_files::declared(license)).collect();
    gem.set_metadata("ruby-gemspec", &record)?;
    out.add(gem);
    Ok(())
}

/// `s.name = "value"`: what is between the first quote and the line's last.
fn text(line: &str, field: &str) -> Option<String> {
    between(line, field, &['"', '\''], &['"', '\'']).map(str::to_owned)
}

/// `s.files = ["a", "b"]`: the items, without double quotes.
fn list(line: &str, field: &str) -> Option<Vec<String>> {
    let items = between(line, field, &['['], &[']'])?;
    Some(items.split(',').map(|item| item.trim_matches(['"', ' ']).to_owned()).collect())
}

/// The last assignment to `field` on the line; `None` where it is empty.
fn between<'a>(line: &'a str, field: &str, open: &[char], close: &[char]) -> Option<&'a str> {
    let found = line.rmatch_indices(field).find_map(|(at, _)| {
        let value = line.get(at + field.len()..)?.trim_start().strip_prefix('=')?.trim_start().strip_prefix(open)?;
        value.get(..value.rfind(close)?)
    })?;
    (!found.is_empty()).then_some(found)
}

/// Replaces `\u00E9` and its like, upper-case digits only; halves of surrogate pairs become U+FFFD.
fn unescaped(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find("\\u") {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let digits =
            escape.get(2..6).filter(|digits| digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F')));
        match digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()) {
            Some(code) => {
                out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                rest = escape.get(6..).unwrap_or_default();
            }
            None => {
                out.push_str("\\u");
                rest = escape.get(2..).unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
    out
}

/// Puts the gem's name and version where `#{s.name}` and `#{s.version}` ask for them; `None` where anything else is
/// asked for, because an address with braces is none.
fn interpolated(value: &str, name: &str, version: &str) -> Option<String> {
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some((before, after)) = rest.split_once("#{") {
        let (asked, remaining) = after.split_once('}')?;
        let asked = asked.trim();
        let (receiver, attribute) = asked.split_once('.').unwrap_or(("self", asked));
        if receiver.is_empty() || !receiver.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return None;
        }
        out.push_str(before);
        out.push_str(match attribute {
            "name" => name,
            "version" => version,
            _ => return None,
        });
        rest = remaining;
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogers::testing::{catalogue, purls, record};
    use proptest::prelude::*;

    const BUNDLER: &str = r#"
Gem::Specification.new do |s|
  s.name = "bundler".freeze
  s.version = "2.1.4"
  s.require_paths = ["lib".freeze]
  s.authors = ["Andr\u00E9 Arko".freeze, "Samuel Giddins".freeze]
  s.files = ["exe/bundle".freeze, "exe/bundler".freeze]
  s.homepage = "https://bundler.io/#{s.name}".freeze
  s.licenses = ["MIT".freeze, "Ruby".freeze]
  s.required_ruby_version = Gem::Requirement.new(">= 2.3.0".freeze)
end
"#;

    #[test]
    fn installed() {
        let path = "/usr/lib/ruby/gems/2.7.0/specifications/default/bundler-2.1.4.gemspec";
        let document = catalogue(&InstalledGemSpec, &[(path, BUNDLER.as_bytes())]);
        assert_eq!(purls(&document), ["pkg:gem/bundler@2.1.4"]);
        let expected = r#"{"name":"bundler","version":"2.1.4","files":["exe/bundle","exe/bundler"],"authors":["André Arko","Samuel Giddins"],"homepage":"https://bundler.io/bundler"}"#;
        assert_eq!(record(&document, "bundler"), expected);
        let licenses: Vec<&str> =
            document.components.iter().flat_map(|gem| &gem.licenses).map(|license| license.value.as_str()).collect();
        assert_eq!(licenses, ["MIT", "Ruby"]);
    }

    #[test]
    fn homepages() {
        fn check(homepage: &str, expected: Option<&str>) {
            assert_eq!(interpolated(homepage, "n", "1").as_deref(), expected, "{homepage}");
        }
        check("https://example.com", Some("https://example.com"));
        check("https://example.com/#{ gem.name }/#{version}", Some("https://example.com/n/1"));
        check("https://example.com/#{s.summary}", None);
        check("https://example.com/#{", None);
    }

    #[test]
    fn without_version() {
        let document = catalogue(&GemSpec, &[("/a.gemspec", b"s.name = 'a'\ns.version = A::VERSION\n")]);
        assert!(document.components.is_empty() && document.unknowns.is_empty());
    }

    proptest! {
        #[test]
        fn never_panics(text in "(s\\.(name|version|files|homepage) ?= ?[\"'\\[]?(\\\\u|#\\{|é|\\PC){0,8}[\"'\\]]?\n){0,6}") {
            let file = File { path: "/a.gemspec", mode: 0o644, bytes: text.as_bytes() };
            let _ = GemSpec.extract(&file, &mut Extraction::default());
        }
    }
}
