//! `package-lock.json` of versions 1 to 3, and `npm-shrinkwrap.json` (docs.npmjs.com, "package-lock.json").

use super::lock::Locked;
use super::package::component;
use crate::ParseError;
use crate::catalogers::dependency::Needs;
use crate::catalogers::license_files;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Lock<'a> {
    lockfile_version: u64,
    /// Of version 1; later versions keep it for old clients.
    #[serde(borrow)]
    dependencies: Option<&'a RawValue>,
    packages: BTreeMap<String, Package>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Dependency {
    version: String,
    resolved: Resolved,
    integrity: String,
    dev: bool,
    dependencies: BTreeMap<String, Dependency>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Package {
    name: String,
    version: String,
    resolved: Resolved,
    integrity: String,
    license: Option<serde_json::Value>,
    dev: bool,
    dependencies: Option<BTreeMap<String, String>>,
}

/// An address, or `false` for a bundled package.
#[derive(Deserialize)]
#[serde(untagged)]
enum Resolved {
    Address(String),
    Bundled(serde::de::IgnoredAny),
}

impl Default for Resolved {
    fn default() -> Self {
        Self::Address(String::new())
    }
}

impl Resolved {
    fn address(&self) -> &str {
        match self {
            Self::Address(address) => address,
            Self::Bundled(_) => "",
        }
    }
}

/// The `javascript-npm-package-lock-entry` record of Syft's JSON schema 16.
#[derive(Serialize)]
pub(super) struct Record<'a> {
    pub(super) resolved: &'a str,
    pub(super) integrity: &'a str,
    /// `null` for none, as the peer writes it.
    pub(super) dependencies: Option<&'a BTreeMap<String, String>>,
}

pub(super) const RECORD_KIND: &str = "javascript-npm-package-lock-entry";

/// The packages of a lock file; not those that are only needed for development.
pub(super) fn parse(text: &str) -> Result<Vec<Locked>, ParseError> {
    let mut packages = Vec::new();
    for lock in serde_json::Deserializer::from_str(text).into_iter::<Lock<'_>>() {
        let lock = lock?;
        match lock.lockfile_version {
            1 => {
                let dependencies: BTreeMap<String, Dependency> =
                    lock.dependencies.map(|raw| serde_json::from_str(raw.get())).transpose()?.unwrap_or_default();
                add_tree(&dependencies, &mut BTreeSet::new(), &mut packages)?;
            }
            2 | 3 => {
                for (path, package) in &lock.packages {
                    packages.extend(locked(path, package)?);
                }
            }
            _ => {}
        }
    }
    Ok(packages)
}

/// Version 1: dependencies in dependencies. The reader of JSON bounds the depth.
fn add_tree(
    dependencies: &BTreeMap<String, Dependency>,
    seen: &mut BTreeSet<String>,
    packages: &mut Vec<Locked>,
) -> Result<(), ParseError> {
    for (name, dependency) in dependencies.iter().filter(|(_, dependency)| !dependency.dev) {
        // `"version": "npm:NAME@VERSION"` is an alias (npm RFC 1).
        let (name, version) = match dependency.version.strip_prefix("npm:") {
            Some(target) => target.rsplit_once('@').unwrap_or((target, "")),
            None => (name.as_str(), dependency.version.as_str()),
        };
        let (resolved, integrity) = (dependency.resolved.address(), dependency.integrity.as_str());
        let component = component(name, version, RECORD_KIND, &Record { resolved, integrity, dependencies: None })?;
        if seen.insert(component.purl.clone()) {
            packages.push((component, Needs { provides: vec![name.to_owned()], requires: Vec::new() }));
        }
        add_tree(&dependency.dependencies, seen, packages)?;
    }
    Ok(())
}

fn locked(path: &str, package: &Package) -> Result<Option<Locked>, ParseError> {
    // The name is there for the project itself, for aliases, and for workspaces.
    let name = if package.name.is_empty() { path } else { &package.name };
    let name = name.rsplit("node_modules/").next().unwrap_or(name);
    if name.is_empty() || package.dev {
        return Ok(None);
    }
    let dependencies = package.dependencies.as_ref();
    let (resolved, integrity) = (package.resolved.address(), package.integrity.as_str());
    let mut component = component(name, &package.version, RECORD_KIND, &Record { resolved, integrity, dependencies })?;
    component.licenses =
        licenses(package.license.as_ref()).into_iter().flat_map(|license| license_files::declared(&license)).collect();
    let mut requires = Vec::new();
    for (name, range) in dependencies.into_iter().flatten() {
        requires.push(name.clone());
        // `npm:NAME@RANGE` needs NAME, under whatever name it is used.
        if let Some(target) = range.strip_prefix("npm:") {
            let version_at = target.get(1..).and_then(|rest| rest.rfind('@')).map_or(target.len(), |at| at + 1);
            requires.extend(target.get(..version_at).map(str::to_owned));
        }
    }
    Ok(Some((component, Needs { provides: vec![name.to_owned()], requires })))
}

fn licenses(license: Option<&serde_json::Value>) -> Vec<String> {
    match license {
        Some(serde_json::Value::String(text)) => vec![text.clone()],
        Some(serde_json::Value::Array(list)) => {
            list.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<_>>().unwrap_or_default()
        }
        _ => Vec::new(),
    }
}
