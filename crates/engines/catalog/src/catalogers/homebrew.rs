//! Homebrew formulas, installed and in taps.
//!
//! Follows Syft 1.57 (`syft/pkg/cataloger/homebrew`).

use super::license_files;
use crate::{Assembly, Cataloger, Extraction, File, ParseError, View, Want};
use purl::PackageUrl;
use sbom::{Component, Language, PackageType};
use serde::Serialize;

/// Finds formulas.
pub(crate) struct Homebrew;

#[derive(Default, Serialize)]
struct Record<'a> {
    #[serde(skip_serializing_if = "String::is_empty")]
    tap: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    homepage: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
}

impl Cataloger for Homebrew {
    fn name(&self) -> &'static str {
        "homebrew-cataloger"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "installed", "homebrew"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Glob("**/Cellar/*/*/.brew/*.rb"), Want::Glob("**/Library/Taps/*/*/Formula/*.rb")]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        let text = file.text();
        let formula = Formula::parse(&text);
        let (name, version) = match (formula.name, formula.version) {
            ("", _) | (_, "") => from_path(file.path),
            stated => stated,
        };
        let mut component = Component::new(PackageType::Homebrew, Language::Unknown, name, version);
        let tap = tap(file.path);
        component.set_metadata(
            "homebrew-formula",
            &Record { tap, homepage: formula.homepage, description: formula.description },
        )?;
        component.purl = PackageUrl::new("brew", name).version(version).to_string();
        component.licenses = license_files::declared(formula.license);
        out.add(component);
        Ok(())
    }

    fn assemble(&self, view: &View<'_>, out: &mut Assembly) {
        license_files::assemble(view, out);
    }
}

/// Quoted values of a formula, the last of each.
#[derive(Default)]
struct Formula<'a> {
    name: &'a str,
    version: &'a str,
    description: &'a str,
    homepage: &'a str,
    license: &'a str,
}

impl<'a> Formula<'a> {
    fn parse(text: &'a str) -> Self {
        let mut formula = Self::default();
        for line in text.lines().map(str::trim) {
            if line.contains("class ") && line.contains(" < Formula") {
                formula = Self::default();
                continue;
            }
            let Some((word, value)) = line.split_once([' ', '\t']) else {
                continue;
            };
            let field = match word {
                "desc" => &mut formula.description,
                "homepage" => &mut formula.homepage,
                "license" => &mut formula.license,
                "name" => &mut formula.name,
                "version" => &mut formula.version,
                _ => continue,
            };
            *field = quoted(value);
        }
        formula
    }
}

/// What is between the first and the last quotation mark.
fn quoted(value: &str) -> &str {
    let inner = value.split_once('"').and_then(|(_, rest)| rest.rsplit_once('"'));
    inner.map_or("", |(inner, _)| inner)
}

/// Name and version of `.../Cellar/foo/1.0.0/.brew/foo.rb`, else the file's name.
fn from_path(path: &str) -> (&str, &str) {
    let parts: Vec<&str> = path.split('/').collect();
    let brew = parts.iter().rposition(|part| *part == ".brew");
    let installed = brew.and_then(|at| Some((*parts.get(at.checked_sub(2)?)?, *parts.get(at - 1)?)));
    let name = parts.last().and_then(|name| name.strip_suffix(".rb")).unwrap_or_default();
    installed.filter(|(name, _)| !name.is_empty()).unwrap_or((name, ""))
}

/// `org/name` of `.../Library/Taps/org/name/Formula/foo.rb`.
fn tap(path: &str) -> String {
    let parts = path.split_once("Library/Taps/").map(|(_, rest)| rest.split('/').take(2).collect::<Vec<_>>());
    parts.filter(|parts| parts.len() == 2).map_or_else(String::new, |parts| parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::Homebrew;
    use crate::catalogers::testing::{catalogue, purls, record};

    #[test]
    fn formulas() {
        let installed =
            b"name \"ignored\"\nclass Foo < Formula\n  desc \"A \\\"foo\\\"\"\n  homepage \"https://foo\"\n  \
            license \"MIT\"\nend\n";
        let document = catalogue(
            &Homebrew,
            &[
                ("/opt/homebrew/Cellar/foo/1.2.3/.brew/foo.rb", installed),
                ("/opt/homebrew/Library/Taps/org/tap/Formula/bar.rb", b"class Bar < Formula\n  version \"2\"\n"),
            ],
        );
        assert_eq!(purls(&document), ["pkg:brew/bar", "pkg:brew/foo@1.2.3"]);
        assert_eq!(record(&document, "bar"), "{\"tap\":\"org/tap\"}");
        assert_eq!(
            record(&document, "foo"),
            "{\"homepage\":\"https://foo\",\"description\":\"A \\\\\\\"foo\\\\\\\"\"}"
        );
        assert_eq!(document.components[1].licenses[0].value, "MIT");
    }
}
