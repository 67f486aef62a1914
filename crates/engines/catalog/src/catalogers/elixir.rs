//! Elixir: `mix.lock`, as Syft 1.57 reads it (`syft/pkg/cataloger/elixir`).

use super::dependency::{Needs, edges};
use crate::{Cataloger, Extraction, File, ParseError, UsedFor, Want};
use purl::PackageUrl;
use sbom::{Component, ComponentIndex, Language, PackageType};
use serde::Serialize;

/// Finds the packages that a project locks.
pub(super) struct MixLock;

/// The `elixir-mix-lock-entry` record of Syft's JSON schema 16.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    name: &'a str,
    version: &'a str,
    pkg_hash: &'a str,
    pkg_hash_ext: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dependencies: Vec<&'a str>,
}

impl Cataloger for MixLock {
    fn name(&self) -> &'static str {
        "elixir-mix-lock-cataloger"
    }

    fn used_for(&self) -> UsedFor {
        UsedFor::Directory
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "declared", "language", "elixir"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Glob("**/mix.lock")]
    }

    /// One package a line: `"name": {:hex, :name, "version", "hash", [:mix], [needs], "hexpm", "outer hash"},`.
    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        let mut needs = Vec::new();
        for (number, line) in (1..).zip(file.text().lines()) {
            let is_border = |c: char| "%{}\n\r\" ,:".contains(c);
            let tokens: Vec<&str> = line.split(is_border).filter(|token| !token.is_empty()).collect();
            if tokens.is_empty() {
                continue;
            }
            let token = |index: usize| tokens.get(index).copied().unwrap_or_default();
            if tokens.len() < 4 {
                out.unknowns.push((String::new(), format!("unable to read mix lock line {number}")));
                continue;
            }
            let source = token(1);
            let (version, pkg_hash, pkg_hash_ext) = match source {
                "git" => (token(4), "", ""),
                "path" => ("", "", ""),
                _ => (token(3), token(4), tokens.last().copied().unwrap_or_default()),
            };
            let name = token(0);
            let mut component = Component::new(PackageType::Hex, Language::Elixir, name, version);
            if source == "hex" {
                component.purl = PackageUrl::new("hex", name).version(version).to_string();
            }
            let dependencies = dependencies(line);
            let requires = dependencies.iter().map(|name| (*name).to_owned()).collect();
            needs.push(Needs { provides: vec![name.to_owned()], requires });
            let record = Record { name, version, pkg_hash, pkg_hash_ext, dependencies };
            component.set_metadata("elixir-mix-lock-entry", &record)?;
            out.add(component);
        }
        for (needed, needing) in edges(&needs)? {
            let index = |at| ComponentIndex(u32::try_from(at).unwrap_or(u32::MAX));
            out.dependency(index(needed), index(needing));
        }
        out.not_empty()
    }
}

/// The names in `{:name,` behind the first, which is the kind of source.
fn dependencies(line: &str) -> Vec<&str> {
    let name = |rest: &'_ str| -> Option<usize> {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
        (end > 0 && rest.get(end..)?.trim_start().starts_with(',')).then_some(end)
    };
    let openings = line.split('{').skip(1).filter_map(|part| part.trim_start().strip_prefix(':'));
    openings.filter_map(|rest| rest.get(..name(rest)?)).skip(1).collect()
}

#[cfg(test)]
mod tests {
    use super::MixLock;
    use crate::catalogers::testing::{catalogue, edges, purls, record, unknowns};

    #[test]
    fn sources() {
        let lock = br#"%{
  "cowboy": {:hex, :cowboy, "2.9.0", "865d", [:make, :rebar3], [{:cowlib, "2.11.0", [hex: :cowlib, repo: "hexpm", optional: false]}, {:ranch, "1.8.0", []}], "hexpm", "2c72"},
  "ranch": {:hex, :ranch, "1.8.0", "8c7a", [:make], [], "hexpm", "49fb"},
  "dep": {:git, "https://example.org/dep.git", "abc", [ref: "abc"]},
  "own": {:path, "../own", []},
  bad
}
"#;
        let document = catalogue(&MixLock, &[("/mix.lock", lock)]);
        assert_eq!(purls(&document), ["pkg:hex/cowboy@2.9.0", "", "", "pkg:hex/ranch@1.8.0"]);
        let versions: Vec<&str> = document.components.iter().map(|component| component.version.as_str()).collect();
        assert_eq!(versions, ["2.9.0", "abc", "UNKNOWN", "1.8.0"]);
        let expected = r#"{"name":"cowboy","version":"2.9.0","pkgHash":"865d","pkgHashExt":"2c72","dependencies":["cowlib","ranch"]}"#;
        assert_eq!(record(&document, "cowboy"), expected);
        assert_eq!(unknowns(&document), [("/mix.lock", "unable to read mix lock line 6")]);
        assert_eq!(edges(&document), ["ranch -> cowboy"]);
    }
}
