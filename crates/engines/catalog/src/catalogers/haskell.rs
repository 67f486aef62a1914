//! Haskell: `stack.yaml`, `stack.yaml.lock` and `cabal.project.freeze`, as Syft 1.57 reads them
//! (`syft/pkg/cataloger/haskell`).

use super::yaml;
use crate::{Cataloger, Extraction, File, ParseError, UsedFor, Want};
use purl::PackageUrl;
use sbom::{Component, Language, PackageType};
use serde::{Deserialize, Serialize};

/// Finds the packages of Hackage that a project asks for.
pub(super) struct Haskell;

impl Cataloger for Haskell {
    fn name(&self) -> &'static str {
        "haskell-cataloger"
    }

    fn used_for(&self) -> UsedFor {
        UsedFor::Directory
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "declared", "language", "haskell", "hackage", "cabal"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Glob("**/{stack.yaml,stack.yaml.lock,cabal.project.freeze}")]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        match file.name() {
            "cabal.project.freeze" => {
                for (name, version) in file.text().lines().filter_map(frozen) {
                    out.add(component(name, version));
                }
                Ok(())
            }
            "stack.yaml" => stack(&file.text(), out),
            _ => stack_lock(&file.text(), out),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Stack {
    #[serde(default)]
    extra_deps: Vec<String>,
}

#[derive(Deserialize)]
struct StackLock {
    #[serde(default)]
    packages: Vec<Entry>,
    #[serde(default)]
    snapshots: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    completed: Completed,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Completed {
    hackage: String,
    url: String,
}

/// The records `haskell-hackage-stack-entry` and `haskell-hackage-stack-lock-entry` of Syft's JSON schema 16.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    pkg_hash: &'a str,
    #[serde(rename = "snapshotURL", skip_serializing_if = "str::is_empty")]
    snapshot_url: &'a str,
}

fn component(name: &str, version: &str) -> Component {
    let mut component = Component::new(PackageType::Hackage, Language::Haskell, name, version);
    component.purl = PackageUrl::new("hackage", name).version(version).to_string();
    component
}

/// Name and version of `constraints: any.Cabal ==3.2.1.0,`. What comes with the compiler has no version.
fn frozen(line: &str) -> Option<(&str, &str)> {
    let (_, rest) = line.trim().split_once("any.")?;
    let entry = rest.split(',').next()?;
    let mut fields = entry.split(" ==");
    Some((fields.next()?, fields.next()?))
}

fn stack(text: &str, out: &mut Extraction) -> Result<(), ParseError> {
    let stack: Stack = yaml::parse(text)?;
    for entry in &stack.extra_deps {
        let (name, version, pkg_hash) = pinned(entry);
        let mut component = component(name, version);
        component.set_metadata("haskell-hackage-stack-entry", &Record { pkg_hash, snapshot_url: "" })?;
        out.add(component);
    }
    out.not_empty()
}

fn stack_lock(text: &str, out: &mut Extraction) -> Result<(), ParseError> {
    let lock: StackLock = yaml::parse(text)?;
    let snapshot_url = lock.snapshots.last().map_or("", |snapshot| snapshot.completed.url.as_str());
    for entry in lock.packages.iter().map(|package| &package.completed.hackage).filter(|entry| !entry.is_empty()) {
        let (name, version, pkg_hash) = pinned(entry);
        let mut component = component(name, version);
        component.set_metadata("haskell-hackage-stack-lock-entry", &Record { pkg_hash, snapshot_url })?;
        out.add(component);
    }
    out.not_empty()
}

/// Name, version and digest of `HTTP-4000.3.16@sha256:6042,5947`; a pin by revision has no digest.
fn pinned(entry: &str) -> (&str, &str, &str) {
    let Some((name, rest)) = entry.rsplit_once('-') else { return (entry, "", "") };
    let (version, pin) = rest.split_once('@').unwrap_or((rest, ""));
    let pin = pin.split('@').next().unwrap_or_default();
    let digest = pin.split_once(':').and_then(|(_, digest)| digest.split_once(',')).map_or("", |(digest, _)| digest);
    (name, version, digest)
}

#[cfg(test)]
mod tests {
    use super::Haskell;
    use crate::catalogers::testing::{catalogue, purls, record, unknowns};

    #[test]
    fn projects() {
        let files: [(&str, &[u8]); 4] = [
            ("/cabal.project.freeze", b"active-repositories: x\nconstraints: any.Cabal ==3.2.1.0,\n  any.base installed,\n  any.zlib ==0.6"),
            ("/a/stack.yaml", b"resolver: x\nextra-deps:\n- Spock-0.14.0.0@rev:1\n"),
            (
                "/b/stack.yaml.lock",
                b"packages:\n- completed:\n    hackage: HTTP-4000.3.16@sha256:6042,5947\n- completed:\n    name: local\nsnapshots:\n- completed:\n    sha256: x\n    url: https://s\n",
            ),
            ("/c/stack.yaml", b"resolver: x\n"),
        ];
        let document = catalogue(&Haskell, &files);
        assert_eq!(
            purls(&document),
            [
                "pkg:hackage/Cabal@3.2.1.0",
                "pkg:hackage/HTTP@4000.3.16",
                "pkg:hackage/Spock@0.14.0.0",
                "pkg:hackage/zlib@0.6"
            ]
        );
        assert_eq!(record(&document, "HTTP"), r#"{"pkgHash":"6042","snapshotURL":"https://s"}"#);
        assert_eq!(record(&document, "Spock"), "{}");
        assert_eq!(unknowns(&document), [("/c/stack.yaml", "unable to determine packages")]);
    }
}
