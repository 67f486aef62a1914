//! `javascript-lock-cataloger`: the lock files of npm and its kin.

use super::package_json::PackageJson;
use super::{bun, deno, npm, pnpm, yarn};
use crate::catalogers::dependency::{self, Needs};
use crate::catalogers::license_files;
use crate::{Assembly, Cataloger, Extraction, File, Found, ParseError, UsedFor, View, Want};
use sbom::{Component, ComponentIndex, License};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Finds what JavaScript projects lock.
pub(crate) struct JavaScriptLock;

/// What a `package.json` says to a lock file: that at the root, or one below the `node_modules` beside it.
#[derive(Serialize, Deserialize)]
struct Manifest {
    licenses: Vec<License>,
    dependencies: Vec<String>,
    dev_dependencies: Vec<String>,
}

/// A locked package and what it offers and needs.
pub(super) type Locked = (Component, Needs);

impl Cataloger for JavaScriptLock {
    fn name(&self) -> &'static str {
        "javascript-lock-cataloger"
    }

    fn used_for(&self) -> UsedFor {
        UsedFor::Directory
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "declared", "language", "javascript", "node", "npm", "deno"]
    }

    fn wants(&self) -> &'static [Want] {
        &[
            Want::Glob("**/{package-lock.json,npm-shrinkwrap.json,yarn.lock,pnpm-lock.yaml,bun.lock,deno.lock}"),
            Want::Glob("**/package.json"),
        ]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        let text = file.text();
        let name = file.name();
        if name == "package.json" {
            // One that is broken says nothing; it is no lock file, so it is not reported here.
            if let Some(found) = PackageJson::parse(&text).ok().and_then(|mut found| found.pop()) {
                out.kept = keep(&manifest(found))?;
            }
            return Ok(());
        }
        // npm and yarn packages may bring the lock of their own development along.
        let is_dependency = file.path.split(['/', '\\']).any(|part| part == "node_modules");
        let packages = match name {
            "package-lock.json" | "npm-shrinkwrap.json" | "yarn.lock" if is_dependency => return Ok(()),
            "package-lock.json" | "npm-shrinkwrap.json" => npm::parse(&text)?,
            "yarn.lock" => yarn::parse(&text)?,
            "pnpm-lock.yaml" => pnpm::parse(&text, out)?,
            "bun.lock" => bun::parse(&text)?,
            _ => deno::parse(&text)?,
        };
        add_all(packages, out)?;
        if out.components.is_empty() {
            return Err(ParseError::malformed("unable to determine packages"));
        }
        Ok(())
    }

    fn assemble(&self, view: &View<'_>, out: &mut Assembly) {
        for found in view.extractions().iter().filter(|found| !found.body.components.is_empty()) {
            assemble_lock(view, found, out);
        }
    }
}

fn keep<T: Serialize>(value: &T) -> Result<Vec<u8>, ParseError> {
    postcard::to_stdvec(value).map_err(|error| ParseError::malformed(error.to_string()))
}

fn manifest(found: PackageJson) -> Manifest {
    Manifest {
        licenses: found.licenses.iter().flat_map(|license| license_files::declared(license)).collect(),
        dependencies: found.dependencies,
        dev_dependencies: found.dev_dependencies,
    }
}

fn add_all(packages: Vec<Locked>, out: &mut Extraction) -> Result<(), ParseError> {
    let (components, needs): (Vec<Component>, Vec<Needs>) = packages.into_iter().unzip();
    let indices: Vec<ComponentIndex> = components.into_iter().map(|component| out.add(component)).collect();
    for (needed, needing) in dependency::edges(&needs)? {
        if let (Some(needed), Some(needing)) = (indices.get(needed), indices.get(needing)) {
            out.dependency(*needed, *needing);
        }
    }
    Ok(())
}

/// Adds the packages with the licences of those that are installed beside the lock, without yarn's development ones.
fn assemble_lock(view: &View<'_>, found: &Found<'_>, out: &mut Assembly) {
    let folder = found.file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let manifest_at = |path: &str| -> Option<Manifest> {
        let manifest = view.beside(found, &format!("{path}package.json"))?;
        postcard::from_bytes(&manifest.body.kept).ok()
    };
    // As the peer: what is for development only is told by the manifest at the root, wherever the lock file is.
    let manifest = manifest_at("/").filter(|_| found.file.path.ends_with("/yarn.lock"));
    let skipped = manifest.as_ref().map(|manifest| development_only(found, manifest)).unwrap_or_default();
    let mut indices: Vec<Option<ComponentIndex>> = Vec::with_capacity(found.body.components.len());
    for component in &found.body.components {
        if skipped.contains(component.name.as_str()) {
            indices.push(None);
            continue;
        }
        let mut component = component.clone();
        for location in &mut component.locations {
            *location = found.location();
        }
        if component.locations.is_empty() {
            component.locations.push(found.location());
        }
        if let Some(manifest) = manifest_at(&format!("{folder}/node_modules/{}/", component.name)) {
            let new = manifest.licenses.into_iter().filter(|license| !component.licenses.contains(license));
            let new: Vec<License> = new.collect();
            component.licenses.extend(new);
        }
        indices.push(Some(out.add(component)));
    }
    let index = |at: ComponentIndex| indices.get(at.0 as usize).copied().flatten();
    for edge in &found.body.relationships {
        if let (Some(needed), Some(needing)) = (index(edge.from), index(edge.to)) {
            out.dependency(needed, needing);
        }
    }
}

/// Names of the packages that only the development dependencies of `manifest` lead to.
fn development_only<'a>(found: &'a Found<'_>, manifest: &'a Manifest) -> BTreeSet<&'a str> {
    let names: Vec<&str> = found.body.components.iter().map(|component| component.name.as_str()).collect();
    let name = |index: ComponentIndex| names.get(index.0 as usize).copied().unwrap_or_default();
    let mut needs: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for edge in &found.body.relationships {
        needs.entry(name(edge.to)).or_default().push(name(edge.from));
    }
    let reachable = |roots: &'a [String]| {
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut queue: Vec<&str> = roots.iter().map(String::as_str).collect();
        while let Some(next) = queue.pop() {
            if seen.insert(next) {
                queue.extend(needs.get(next).into_iter().flatten());
            }
        }
        seen
    };
    let production = reachable(&manifest.dependencies);
    reachable(&manifest.dev_dependencies).into_iter().filter(|name| !production.contains(name)).collect()
}

#[cfg(test)]
mod tests;
