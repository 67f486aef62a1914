//! One distribution from what its installer and its list of files tell.

use super::installed::Distribution;
use super::meta::Module;
use super::package;
use crate::catalogers::dependency::{Needs, edges};
use crate::{Assembly, ParseError};
use foldhash::HashMap;
use sbom::{ComponentIndex, License, Location};
use serde::Serialize;

/// A distribution with its evidence.
pub(super) struct Installed {
    distribution: Distribution,
    pub(super) locations: Vec<Location>,
    pub(super) licenses: Vec<License>,
    /// Modules of others.
    pub(super) needs: Vec<String>,
}

/// The `cpan-distribution` record of Syft's JSON schema 16.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    dist: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    main_module: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    author: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    path: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    modules: &'a [Module],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    files: &'a [String],
}

impl Installed {
    /// Of the file at `location`.
    pub(super) fn new(distribution: Distribution, location: Location) -> Self {
        Self { distribution, locations: vec![location], licenses: Vec::new(), needs: Vec::new() }
    }

    /// The library that it is in.
    fn library(&self) -> String {
        let path = self.locations.first().map_or("", |location| location.path.as_str());
        let parts: Vec<&str> = path.split('/').collect();
        let at = parts.iter().rposition(|part| matches!(*part, "auto" | ".meta")).unwrap_or_default();
        parts.get(..at).unwrap_or_default().join("/")
    }

    fn take_in(&mut self, other: Self) {
        self.locations.extend(other.locations);
        self.licenses.extend(other.licenses);
        self.distribution.files.extend(other.distribution.files);
    }
}

/// Adds the distributions, those that an installer tells of first; what a list of files tells of the same one is put
/// to it.
///
/// # Errors
/// Where a record can't be printed or there are too many edges, with the place among `all`.
pub(super) fn add(all: Vec<Installed>, out: &mut Assembly) -> Result<(), (usize, ParseError)> {
    let merged = merged(all);
    let mut needs = Vec::with_capacity(merged.len());
    for (at, installed) in merged.into_iter().enumerate() {
        let Distribution { name, version, dist, main_module, author, path, modules, files } = &installed.distribution;
        let mut component = package(name, version, author);
        let record = Record { dist, main_module, author, path, modules, files };
        component.set_metadata("cpan-distribution", &record).map_err(|error| (at, error.into()))?;
        component.owned_files.clone_from(files);
        component.locations = installed.locations;
        component.licenses = installed.licenses;
        let provides = modules.iter().map(|module| module.name.clone()).collect();
        needs.push(Needs { provides, requires: installed.needs });
        out.add(component);
    }
    for (needed, needing) in edges(&needs).map_err(|error| (0, error))? {
        let index = |at| ComponentIndex(u32::try_from(at).unwrap_or(u32::MAX));
        out.dependency(index(needed), index(needing));
    }
    Ok(())
}

fn merged(all: Vec<Installed>) -> Vec<Installed> {
    let mut merged: Vec<Installed> = Vec::new();
    let mut by_version: HashMap<(String, String, String), usize> = HashMap::default();
    let mut by_module: HashMap<(String, String), usize> = HashMap::default();
    for installed in all {
        let library = installed.library();
        let Distribution { name, version, main_module, .. } = &installed.distribution;
        let key = (library.clone(), name.clone(), version.clone());
        let same = by_version.get(&key).copied().or_else(|| {
            let place = *by_module.get(&(library.clone(), main_module.clone())).filter(|_| !main_module.is_empty())?;
            let known = &merged.get(place)?.distribution.version;
            (version.is_empty() || version == known).then_some(place)
        });
        if let Some(first) = same.and_then(|place| merged.get_mut(place)) {
            first.take_in(installed);
            continue;
        }
        by_version.insert(key, merged.len());
        for module in &installed.distribution.modules {
            by_module.entry((library.clone(), module.name.clone())).or_insert(merged.len());
        }
        merged.push(installed);
    }
    merged
}
