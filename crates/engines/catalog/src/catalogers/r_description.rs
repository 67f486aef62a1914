//! R: `DESCRIPTION`, as Syft 1.57 reads it (`syft/pkg/cataloger/r`).

use super::license_files;
use crate::{Assembly, Cataloger, Extraction, File, ParseError, View, Want};
use purl::PackageUrl;
use sbom::{Component, Language, License, PackageType};
use serde::Serialize;
use std::collections::BTreeMap;

/// Finds the packages of R, installed or not.
pub(super) struct RPackage;

/// The `r-description` record of Syft's JSON schema 16.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    title: &'a str,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    author: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    maintainer: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    url: Vec<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    repository: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    built: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    needs_compilation: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    imports: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    depends: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suggests: Vec<&'a str>,
}

impl Cataloger for RPackage {
    fn name(&self) -> &'static str {
        "r-package-cataloger"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "installed", "language", "r"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Glob("**/DESCRIPTION")]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        let fields = fields(&file.text());
        let field = |name: &str| fields.get(name).map_or("", String::as_str);
        let (name, version) = (field("Package"), field("Version"));
        // Other programs have files of this name.
        if name.is_empty() || version.is_empty() {
            return Ok(());
        }
        let mut component = Component::new(PackageType::R, Language::R, name, version);
        component.purl = PackageUrl::new("cran", name).version(version).to_string();
        component.licenses = licenses(field("License"));
        let record = Record {
            title: field("Title"),
            description: collapsed(field("Description")),
            author: field("Author"),
            maintainer: field("Maintainer"),
            url: list(field("URL")),
            repository: field("Repository"),
            built: field("Built"),
            needs_compilation: field("NeedsCompilation").eq_ignore_ascii_case("yes"),
            imports: list(field("Imports")),
            depends: list(field("Depends")),
            suggests: list(field("Suggests")),
        };
        component.set_metadata("r-description", &record)?;
        out.add(component);
        Ok(())
    }

    fn assemble(&self, view: &View<'_>, out: &mut Assembly) {
        license_files::assemble(view, out);
    }
}

/// `Name: value` with lines that go on where the line before ended.
fn fields(text: &str) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    let mut open: Option<(String, String)> = None;
    for line in text.lines().filter(|line| !line.is_empty()) {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = &mut open {
                value.push('\n');
                value.push_str(line.trim());
            }
        } else {
            fields.extend(open.take());
            open = line.split_once(':').map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
        }
    }
    fields.extend(open);
    fields
}

fn list(value: &str) -> Vec<&str> {
    value.split(',').map(str::trim).filter(|item| !item.is_empty()).collect()
}

fn collapsed(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        let c = if c.is_ascii_whitespace() { ' ' } else { c };
        if c != ' ' || !out.ends_with(' ') {
            out.push(c);
        }
    }
    out
}

/// `GPL (>= 2) | file LICENSE`: any of the parts may be chosen.
fn licenses(field: &str) -> Vec<License> {
    let named = field.split('|').map(str::trim).filter_map(|part| {
        if part.contains('(')
            && part.contains(')')
            && let Some((name, bound)) = part.split_once(' ')
        {
            return Some(format!("{name}{}", version(bound)));
        }
        if part.contains('+') && part.contains("LICENSE") {
            return part.split(' ').next().map(str::to_owned);
        }
        (part != "file LICENSE").then(|| part.to_owned())
    });
    named.flat_map(|name| license_files::declared(&name)).collect()
}

/// `2+` of `(>= 2)`; of several bounds the first that is one.
fn version(bound: &str) -> String {
    let bound = bound.replace(['(', ')'], "");
    let spelled = |operator: &str, version: &str| {
        if matches!(operator, ">" | ">=") { format!("{version}+") } else { version.to_owned() }
    };
    if bound.contains(',') {
        let found = bound.split(',').find_map(|bound| bound.split_once(' '));
        return found.map(|(operator, version)| spelled(operator, version)).unwrap_or_default();
    }
    match bound.split_once(' ') {
        Some((operator, version)) if !version.contains(' ') => spelled(operator, version),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{RPackage, licenses};
    use crate::catalogers::testing::{catalogue, purls, record};

    #[test]
    fn descriptions() {
        let description = b"Package: base\nVersion: 4.3.0\nTitle: The R Base Package\nAuthor: R Core Team and\n        others\nDescription: Base\n  functions.\nImports: a (>= 1),\n\tb\nLicense: file LICENSE\nNeedsCompilation: yes\n";
        let text = b"Permission is hereby granted";
        let files: [(&str, &[u8]); 3] =
            [("/r/base/DESCRIPTION", description), ("/r/base/LICENSE", text), ("/x/DESCRIPTION", b"Package: x\n")];
        let document = catalogue(&RPackage, &files);
        assert_eq!(purls(&document), ["pkg:cran/base@4.3.0"]);
        let expected = r#"{"title":"The R Base Package","description":"Base functions.","author":"R Core Team and\nothers","needsCompilation":true,"imports":["a (>= 1)","b"]}"#;
        assert_eq!(record(&document, "base"), expected);
        assert_eq!(document.components[0].licenses.len(), 1);
    }

    #[test]
    fn license_fields() {
        for (field, expected) in [
            ("GPL (>= 2)", "GPL2+"),
            ("GPL (>=2)", "GPL"),
            ("GPL-2 | GPL-3", "GPL-2,GPL-3"),
            ("MIT + file LICENSE", "MIT"),
            ("LGPL (>= 2.1, < 3) | file LICENSE", "LGPL2.1+"),
            ("Part of R 4.3.0", "Part of R 4.3.0"),
            ("file LICENSE", ""),
        ] {
            let found: Vec<String> = licenses(field).into_iter().map(|license| license.value).collect();
            assert_eq!(found.join(","), expected, "{field}");
        }
    }
}
