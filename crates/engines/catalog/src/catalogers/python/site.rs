//! Which installed Python packages see each other: those of one site-packages folder, and those of the system where a
//! virtual environment includes them.

use super::metadata::Fields;
use super::package::required_name;
use crate::Assembly;
use crate::catalogers::dependency::{self, Needs};
use sbom::ComponentIndex;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// `pyvenv.cfg` (PEP 405).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct VirtualEnvironment {
    /// `3.11` of `version = 3.11.2`; empty when not stated so.
    minor_version: String,
    includes_system: bool,
}

impl VirtualEnvironment {
    pub(super) fn parse(text: &str) -> Self {
        let mut found = Self::default();
        for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
            let Some((key, value)) = line.split_once('=') else { continue };
            match key.trim() {
                "version" => {
                    let parts: Vec<&str> = value.trim().splitn(3, '.').collect();
                    if let [major, minor, ..] = parts.as_slice() {
                        found.minor_version = format!("{major}.{minor}");
                    }
                }
                "include-system-site-packages" => found.includes_system = value.trim().eq_ignore_ascii_case("true"),
                _ => {}
            }
        }
        found
    }
}

/// An installed package, as far as its relations depend on it.
pub(super) struct Installed {
    index: ComponentIndex,
    site: String,
    name: String,
    requires: Vec<String>,
}

impl Installed {
    pub(super) fn new(index: ComponentIndex, path: &str, name: &str, fields: &Fields) -> Self {
        let requires = fields.requires_dist.iter().map(|requirement| required_name(requirement));
        Self {
            index,
            site: site_of(path).to_owned(),
            name: name.to_owned(),
            requires: requires.filter(|name| !name.is_empty()).collect(),
        }
    }
}

/// The innermost site-packages or dist-packages folder around `path`; empty when there is none.
fn site_of(path: &str) -> &str {
    let mut folder = path;
    while let Some((parent, _)) = folder.rsplit_once('/') {
        folder = parent;
        if folder.ends_with("/site-packages") || folder.ends_with("/dist-packages") {
            return folder;
        }
    }
    ""
}

/// Adds the edges between `installed`.
pub(super) fn relate(installed: &[Installed], environments: &[(String, VirtualEnvironment)], out: &mut Assembly) {
    // The last of a name counts, as with the peer.
    let mut sites: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for (index, package) in installed.iter().enumerate() {
        sites.entry(&package.site).or_default().insert(&package.name, index);
    }
    let matched: Vec<(&str, &VirtualEnvironment)> = environments
        .iter()
        .filter_map(|(root, environment)| {
            let folder = format!("{root}/lib/python{}/site-packages", environment.minor_version);
            let site = only(sites.keys().copied().filter(|site| site.contains(&folder)))?;
            Some((site, environment))
        })
        .collect();
    let taken: BTreeSet<&str> = matched.iter().map(|(site, _)| *site).collect();
    let global: Vec<&str> = sites.keys().copied().filter(|site| !taken.contains(site)).collect();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let members = |site: &str| sites.get(site).into_iter().flat_map(|names| names.values().copied());
    groups.extend(global.iter().map(|site| members(site).collect()));
    for (site, environment) in &matched {
        let mut group: Vec<usize> = members(site).collect();
        let version = format!("/python{}/", environment.minor_version);
        let system = only(global.iter().filter(|site| {
            let folder = site.rsplit_once('/').map_or("", |(folder, _)| folder);
            format!("{folder}/").ends_with(&version)
        }));
        if let Some(system) = system.filter(|_| environment.includes_system) {
            let own = sites.get(site);
            let names = sites.get(system).into_iter().flatten();
            let hidden = |name: &str| own.is_some_and(|own| own.contains_key(name));
            group.extend(names.filter(|(name, _)| !hidden(name)).map(|(_, index)| *index));
        }
        groups.push(group);
    }
    for group in groups {
        add_edges(installed, &group, out);
    }
}

/// The single item, if there is exactly one.
fn only<T>(mut items: impl Iterator<Item = T>) -> Option<T> {
    items.next().filter(|_| items.next().is_none())
}

fn add_edges(installed: &[Installed], group: &[usize], out: &mut Assembly) {
    let members: Vec<&Installed> = group.iter().filter_map(|index| installed.get(*index)).collect();
    let needs: Vec<Needs> = members
        .iter()
        .map(|package| Needs { provides: vec![package.name.clone()], requires: package.requires.clone() })
        .collect();
    // Names are unique in a group, so the edges are no more than the requirements.
    for (needed, needing) in dependency::edges(&needs).unwrap_or_default() {
        if let (Some(needed), Some(needing)) = (members.get(needed), members.get(needing)) {
            out.dependency(needed.index, needing.index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(packages: &[(&str, &[&str])], environments: &[(&str, &str)], expected: &[(u32, u32)]) {
        let installed: Vec<Installed> = packages
            .iter()
            .enumerate()
            .map(|(index, (path, requires))| {
                let name = path.rsplit('/').nth(1).unwrap().trim_end_matches(".dist-info");
                let requires_dist = requires.iter().map(ToString::to_string).collect();
                Installed::new(ComponentIndex(index as u32), path, name, &Fields { requires_dist, ..Fields::default() })
            })
            .collect();
        let environments: Vec<_> =
            environments.iter().map(|(root, text)| ((*root).to_owned(), VirtualEnvironment::parse(text))).collect();
        let mut out = Assembly::default();
        relate(&installed, &environments, &mut out);
        let mut edges: Vec<_> = out.relationships.iter().map(|edge| (edge.from.0, edge.to.0)).collect();
        edges.sort_unstable();
        assert_eq!(edges, expected);
    }

    #[test]
    fn edges_stay_within_a_site() {
        check(
            &[
                ("/usr/lib/python3/dist-packages/a.dist-info/METADATA", &["b"]),
                ("/usr/lib/python3/dist-packages/b.dist-info/METADATA", &[]),
                ("/opt/site-packages/b.dist-info/METADATA", &["a"]),
            ],
            &[],
            &[(1, 0)],
        );
    }

    #[test]
    fn an_environment_may_see_the_system() {
        let packages: &[(&str, &[&str])] = &[
            ("/usr/lib/python3.11/site-packages/a.dist-info/METADATA", &[]),
            ("/usr/lib/python3.11/site-packages/c.dist-info/METADATA", &["a"]),
            ("/v/lib/python3.11/site-packages/b.dist-info/METADATA", &["A", "c"]),
            ("/v/lib/python3.11/site-packages/c.dist-info/METADATA", &[]),
        ];
        check(
            packages,
            &[("/v", "version = 3.11.2\ninclude-system-site-packages = True\n")],
            &[(0, 1), (0, 2), (3, 2)],
        );
        check(packages, &[("/v", "# c\nversion = 3.11.2\n")], &[(0, 1), (3, 2)]);
    }
}
