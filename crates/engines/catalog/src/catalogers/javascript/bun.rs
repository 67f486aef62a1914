//! `bun.lock` (bun.sh, "Lockfile").

use super::jsonc;
use super::lock::Locked;
use super::package::component;
use crate::ParseError;
use crate::catalogers::dependency::Needs;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

type Names = BTreeMap<String, Value>;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Lock {
    workspaces: BTreeMap<String, Workspace>,
    packages: BTreeMap<String, Value>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Workspace {
    dependencies: Names,
    dev_dependencies: Names,
}

/// The `javascript-bun-lock-entry` record of Syft's JSON schema 16; `null` for none, as the peer writes it.
#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct Record {
    integrity: String,
    dependencies: Option<BTreeMap<String, String>>,
    optional_dependencies: Option<BTreeMap<String, String>>,
    peer_dependencies: Option<BTreeMap<String, String>>,
    bin: Option<BTreeMap<String, String>>,
    os: String,
    cpu: String,
}

struct Package {
    name: String,
    version: String,
    record: Record,
}

/// The packages of a lock file; not those that are only needed for development.
pub(super) fn parse(text: &str) -> Result<Vec<Locked>, ParseError> {
    let lock: Lock = serde_json::from_str(&jsonc::plain(text))?;
    let packages: Vec<Package> = lock.packages.values().filter_map(package).collect();
    let skipped = development_only(&lock, &packages);
    let mut locked = Vec::new();
    for package in packages.into_iter().filter(|package| !skipped.contains(&package.name)) {
        let requires = package.record.needs().cloned().collect();
        let component = component(&package.name, &package.version, "javascript-bun-lock-entry", &package.record)?;
        locked.push((component, Needs { provides: vec![package.name], requires }));
    }
    Ok(locked)
}

/// One entry: `["name@version", ...]`; where the object and the digest stand depends on the source. Local packages
/// are not dependencies.
fn package(entry: &Value) -> Option<Package> {
    let (identifier, rest) = entry.as_array()?.split_first()?;
    let (name, version) = identifier.as_str()?.rsplit_once('@').filter(|(name, _)| !name.is_empty())?;
    if ["root:", "workspace:", "link:", "file:"].iter().any(|local| version.starts_with(local)) {
        return None;
    }
    let mut record = Record::default();
    for item in rest {
        match item {
            Value::Object(fields) => {
                let names = |key: &str| fields.get(key).and_then(names);
                record.dependencies = names("dependencies");
                record.optional_dependencies = names("optionalDependencies");
                record.peer_dependencies = names("peerDependencies");
                record.bin = names("bin");
                let text = |key: &str| fields.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
                (record.os, record.cpu) = (text("os"), text("cpu"));
            }
            Value::String(text) if is_digest(text) => record.integrity.clone_from(text),
            _ => {}
        }
    }
    Some(Package { name: name.to_owned(), version: version.to_owned(), record })
}

fn names(value: &Value) -> Option<BTreeMap<String, String>> {
    let fields = value.as_object()?;
    Some(fields.iter().filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect())
}

/// Subresource Integrity.
fn is_digest(text: &str) -> bool {
    ["sha512-", "sha384-", "sha256-", "sha1-"].iter().any(|algorithm| text.starts_with(algorithm))
}

impl Record {
    fn needs(&self) -> impl Iterator<Item = &String> {
        [&self.dependencies, &self.optional_dependencies].into_iter().flatten().flat_map(BTreeMap::keys)
    }
}

/// Names that only the development dependencies of the workspaces lead to.
fn development_only(lock: &Lock, packages: &[Package]) -> BTreeSet<String> {
    let needs: BTreeMap<&str, Vec<&String>> =
        packages.iter().map(|package| (package.name.as_str(), package.record.needs().collect())).collect();
    let reachable = |pick: fn(&Workspace) -> &Names| {
        let mut seen: BTreeSet<&String> = BTreeSet::new();
        let mut queue: Vec<&String> = lock.workspaces.values().flat_map(|workspace| pick(workspace).keys()).collect();
        while let Some(next) = queue.pop() {
            if seen.insert(next) {
                queue.extend(needs.get(next.as_str()).into_iter().flatten());
            }
        }
        seen
    };
    let production = reachable(|workspace| &workspace.dependencies);
    reachable(|workspace| &workspace.dev_dependencies).difference(&production).map(|name| (*name).clone()).collect()
}
