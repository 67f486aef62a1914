//! .NET assemblies: name and version from the version resource of a PE file (Syft 1.57,
//! `syft/pkg/cataloger/dotnet/package.go`).

use super::component;
use crate::ParseError;
use crate::catalogers::pe_resources::{self, version_words};
use sbom::Component;
use serde::Serialize;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// The strings of a version resource.
pub(super) type Strings = BTreeMap<String, String>;

/// The `dotnet-portable-executable-entry` record of Syft's JSON schema 16.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record<'a> {
    assembly_version: &'a str,
    legal_copyright: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    comments: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    internal_name: &'a str,
    company_name: &'a str,
    product_name: &'a str,
    product_version: &'a str,
}

impl<'a> Record<'a> {
    pub(super) fn new(strings: &'a Strings) -> Self {
        let get = |key: &str| strings.get(key).map_or("", |value| value.trim());
        let assembly_version = [get("Assembly Version"), get("AssemblyVersion")];
        Self {
            assembly_version: assembly_version.into_iter().find(|version| !version.is_empty()).unwrap_or_default(),
            legal_copyright: get("LegalCopyright"),
            comments: get("Comments"),
            internal_name: get("InternalName"),
            company_name: get("CompanyName"),
            product_name: get("ProductName"),
            product_version: get("ProductVersion"),
        }
    }
}

/// The component for an assembly that no `deps.json` speaks of.
///
/// # Errors
/// Never for these types; passed on from the JSON printer.
pub(super) fn package(strings: &Strings, file_name: &str) -> Result<Component, ParseError> {
    let name = pe_resources::name(strings, file_name);
    let mut package = component(without_framework(&name), &version(strings));
    package.set_metadata("dotnet-portable-executable-entry", &Record::new(strings))?;
    Ok(package)
}

/// `Name` of `Name (net8.0)` or `Name (netstandard2.0)`.
fn without_framework(name: &str) -> &str {
    let framework = || {
        let (before, inside) = name.strip_suffix(')')?.rsplit_once('(')?;
        let is_framework = inside.starts_with("net") && inside.ends_with(|c: char| c.is_ascii_digit());
        (is_framework && !inside.contains(')')).then(|| before.trim())
    };
    framework().unwrap_or(name)
}

/// Of the versions of product and file the one that says more.
fn version(strings: &Strings) -> String {
    let product = version_words(strings.get("ProductVersion"));
    let file = version_words(strings.get("FileVersion"));
    let (product_numbers, file_numbers) = (Numbers::parse(&product), Numbers::parse(&file));
    if pe_resources::is_microsoft(strings)
        && let (Some(product_numbers), Some(file_numbers)) = (&product_numbers, &file_numbers)
        && product_numbers.is_beginning_of(file_numbers)
    {
        return product.split('+').next().unwrap_or_default().to_owned();
    }
    match (product_numbers, file_numbers) {
        (Some(_), None) => return product,
        (Some(product_numbers), Some(file_numbers)) => match product_numbers.compare(&file_numbers) {
            Ordering::Less => return file,
            Ordering::Greater => return product,
            Ordering::Equal => {}
        },
        (None, _) => {}
    }
    let has_number = |text: &str| text.contains(|c: char| c.is_ascii_digit());
    let (product_detail, file_detail) = (punctuation(&product), punctuation(&file));
    if has_number(&product) && product_detail >= file_detail {
        product
    } else if has_number(&file) && (file_detail > 0 || !has_number(&product)) {
        file
    } else {
        product
    }
}

/// Runs of dots and commas.
fn punctuation(text: &str) -> usize {
    let is_mark = |c: char| c == '.' || c == ',';
    let starts = text
        .char_indices()
        .filter(|(at, c)| is_mark(*c) && !text.get(..*at).is_some_and(|before| before.ends_with(is_mark)));
    starts.count()
}

/// A version as the library that the peer compares with reads it (hashicorp/go-version).
struct Numbers<'a> {
    segments: Vec<u64>,
    prerelease: &'a str,
}

impl<'a> Numbers<'a> {
    /// `v1.2.3-rc.1+build`; `None` for anything else.
    fn parse(text: &'a str) -> Option<Self> {
        let (version, build) = text.split_once('+').unwrap_or((text, "0"));
        let version = version.strip_prefix('v').unwrap_or(version);
        let end = version.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(version.len());
        let (numbers, rest) = version.split_at(end);
        let segments: Option<Vec<u64>> = numbers.split('.').map(|number| number.parse().ok()).collect();
        let prerelease = rest.strip_prefix('-').unwrap_or(rest);
        let is_words = |text: &str| {
            let is_word = |word: &str| {
                !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'~'))
            };
            text.split('.').all(is_word)
        };
        let is_whole = (rest.is_empty() || is_words(prerelease)) && is_words(build);
        Some(Self { segments: segments.filter(|_| is_whole)?, prerelease })
    }

    /// Counted as the peer's library does, which fills up to three numbers.
    fn count(&self) -> usize {
        self.segments.len().max(3)
    }

    fn segment(&self, index: usize) -> u64 {
        self.segments.get(index).copied().unwrap_or_default()
    }

    /// The same first two numbers, and fewer of them.
    fn is_beginning_of(&self, other: &Self) -> bool {
        (0..2).all(|index| self.segment(index) == other.segment(index)) && self.count() < other.count()
    }

    fn compare(&self, other: &Self) -> Ordering {
        let count = self.count().max(other.count());
        let numbers = (0..count).map(|index| self.segment(index).cmp(&other.segment(index)));
        numbers.fold(Ordering::Equal, Ordering::then).then_with(|| match (self.prerelease, other.prerelease) {
            (a, b) if a == b => Ordering::Equal,
            ("", _) => Ordering::Greater,
            (_, "") => Ordering::Less,
            (a, b) => a.split('.').map(word).cmp(b.split('.').map(word)),
        })
    }
}

/// Numbers come before words.
fn word(text: &str) -> (bool, u64, &str) {
    match text.parse() {
        Ok(number) => (false, number, ""),
        Err(_) => (true, 0, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(pairs: &[(&str, &str)]) -> Strings {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn versions() {
        for (company, product, file, expected) in [
            ("", "1.2.3", "1.2.3.0", "1.2.3.0"),
            ("", "1.2.3", "1.2.4.0", "1.2.4.0"),
            ("", "13.0.3+0a2e", "13.0.3.27908", "13.0.3.27908"),
            ("", "2.0 beta", "1.9", "2.0"),
            ("", "", "1.9", "1.9"),
            ("", "x", "", "x"),
            ("Microsoft Corporation", "8.0.1+abc", "8.0.123.58001", "8.0.1"),
            ("Microsoft Corporation", "8.1.1", "8.0.123.58001", "8.1.1"),
            ("", "1.0.0-rc1", "1.0.0", "1.0.0"),
        ] {
            let strings = strings(&[("CompanyName", company), ("ProductVersion", product), ("FileVersion", file)]);
            assert_eq!(version(&strings), expected, "{product} {file}");
        }
    }

    #[test]
    fn packages() {
        let check = |pairs: &[(&str, &str)], purl: &str| {
            assert_eq!(package(&strings(pairs), "File.dll").unwrap().purl, purl, "{pairs:?}");
        };
        check(&[("ProductName", "Json.NET (netstandard2.0)"), ("FileVersion", "1.0")], "pkg:nuget/Json.NET@1.0");
        check(
            &[("ProductName", "Microsoft .NET"), ("FileDescription", "System.Text.Json")],
            "pkg:nuget/System.Text.Json",
        );
        check(&[], "pkg:nuget/File");
    }
}
