//! `dotnet-packages-lock-cataloger`: `packages.lock.json`.

use super::{MAX_EDGES, component};
use crate::{Cataloger, Extraction, File, ParseError, Want};
use foldhash::HashSet;
use sbom::ComponentIndex;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Finds the packages that NuGet locked.
pub(crate) struct PackagesLock;

#[derive(Deserialize)]
struct LockFile {
    /// By target framework (`net8.0`, `net8.0/win-x64`), then by name.
    #[serde(default)]
    dependencies: BTreeMap<String, BTreeMap<String, Entry>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(default)]
    r#type: String,
    /// Empty for projects.
    #[serde(default)]
    resolved: String,
    #[serde(default)]
    content_hash: String,
    /// Names and the lower bounds of what they may be.
    #[serde(default)]
    dependencies: BTreeMap<String, String>,
}

impl Entry {
    /// How directly the project asks for it; smaller is more direct.
    fn directness(&self) -> (usize, &str) {
        let order = ["Project", "Direct", "CentralTransitive", "Transitive"];
        (order.iter().position(|kind| *kind == self.r#type).unwrap_or(order.len()), &self.r#type)
    }

    /// Names are the same in any case.
    fn key(&self, name: &str) -> String {
        format!("{}/{}", name.to_lowercase(), self.resolved)
    }
}

/// The `dotnet-packages-lock-entry` record of Syft's JSON schema 16.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    name: &'a str,
    version: &'a str,
    content_hash: &'a str,
    r#type: &'a str,
}

/// One framework's entries by lower-case name.
type Framework<'a> = BTreeMap<String, &'a Entry>;

impl Cataloger for PackagesLock {
    fn name(&self) -> &'static str {
        "dotnet-packages-lock-cataloger"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "declared", "language", "dotnet", "c#"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Glob("**/packages.lock.json")]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        let lock: LockFile = serde_json::from_slice(file.bytes)?;
        let mut merged: BTreeMap<String, (&str, &Entry)> = BTreeMap::new();
        for (name, entry) in lock.dependencies.values().flatten() {
            let known = merged.entry(entry.key(name)).or_insert((name, entry));
            if entry.directness() < known.1.directness() {
                *known = (name, entry);
            }
        }
        let mut indexes = BTreeMap::new();
        for (key, (name, entry)) in merged {
            let version = entry.resolved.as_str();
            let mut package = component(name, version);
            let record = Record { name, version, content_hash: &entry.content_hash, r#type: &entry.r#type };
            package.set_metadata("dotnet-packages-lock-entry", &record)?;
            indexes.insert(key, out.add(package));
        }
        add_edges(&lock, &indexes, out)
    }
}

fn add_edges(
    lock: &LockFile,
    indexes: &BTreeMap<String, ComponentIndex>,
    out: &mut Extraction,
) -> Result<(), ParseError> {
    let frameworks: BTreeMap<&str, Framework<'_>> = lock
        .dependencies
        .iter()
        .map(|(name, entries)| {
            (name.as_str(), entries.iter().map(|(name, entry)| (name.to_lowercase(), entry)).collect())
        })
        .collect();
    let mut known = HashSet::default();
    for (framework, entries) in &lock.dependencies {
        // What is special to a platform may need what is common to the framework.
        let base = framework.split('/').next().unwrap_or(framework);
        let find = |name: &str| {
            let find_in = |framework: &str| frameworks.get(framework)?.get(name).copied();
            find_in(framework).or_else(|| find_in(base))
        };
        for (name, entry) in entries {
            let Some(needing) = indexes.get(&entry.key(name)) else { continue };
            for needed in entry.dependencies.keys().map(|name| name.to_lowercase()) {
                let index = find(&needed).and_then(|entry| indexes.get(&entry.key(&needed)));
                let Some(index) = index.filter(|index| *index != needing) else { continue };
                if known.len() >= MAX_EDGES {
                    return Err(ParseError::Limit { what: "dependencies in a lock file", limit: MAX_EDGES as u64 });
                }
                if known.insert((*index, *needing)) {
                    out.dependency(*index, *needing);
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogers::testing::{catalogue, edges, purls, record, unknowns};

    #[test]
    fn frameworks() {
        let text = r#"{"version":1,"dependencies":{
"net8.0":{"A":{"type":"Transitive","resolved":"1.0.0","contentHash":"x","dependencies":{"b":"1.0.0","missing":"1.0.0"}},
"B":{"type":"Transitive","resolved":"2.0.0","contentHash":"y"},"proj":{"type":"Project","dependencies":{"A":"[1.0.0, )"}}},
"net8.0/linux-x64":{"a":{"type":"Direct","requested":"[1.0.0, )","resolved":"1.0.0","contentHash":"x","dependencies":{"B":"1.0.0"}}}}}"#;
        let document = catalogue(&PackagesLock, &[("/packages.lock.json", text.as_bytes())]);
        assert_eq!(purls(&document), ["pkg:nuget/B@2.0.0", "pkg:nuget/a@1.0.0", "pkg:nuget/proj"]);
        assert_eq!(edges(&document), ["B -> a", "a -> proj"]);
        assert_eq!(record(&document, "a"), r#"{"name":"a","version":"1.0.0","contentHash":"x","type":"Direct"}"#);
    }

    #[test]
    fn other_files() {
        assert_eq!(unknowns(&catalogue(&PackagesLock, &[("/packages.lock.json", b"[")])).len(), 1);
    }
}
