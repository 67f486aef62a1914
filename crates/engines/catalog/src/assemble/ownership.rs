//! Who owns which file, and what follows from it: relations, components that a package manager knows better, and the
//! files of the document. As Syft 1.57 (`internal/relationship/by_file_ownership.go`,
//! `exclude_binaries_by_file_ownership_overlap.go`).

use super::merge::retain;
use super::{FileSelection, Graph, Image, regular_files};
use crate::catalogers::executable;
use crate::glob;
use crate::tree::Place;
use foldhash::{HashMap, HashSet};
use rayon::prelude::*;
use sbom::{Component, ComponentIndex, FileFact, PackageType, Relationship, RelationshipKind};

/// Paths that no package owns: databases (the package of the package manager would own every package) and copyright
/// files (shared between packages).
const NEVER_OWNED: &[&str] = &[
    "**/lib/apk/db/installed",
    "**/var/lib/dpkg/{status,status.d/**}",
    "**/{var/lib,usr/share,usr/lib/sysimage}/rpm/{Packages,Packages.db,rpmdb.sqlite}",
    "**/rpm/{Packages,Packages.db,rpmdb.sqlite}",
    "usr/share/doc/**/copyright",
];

/// Resolves the owned files, relates owners to what was found in their files, and drops binaries that an operating
/// system package owns.
pub(super) fn apply(image: &Image<'_>, mut components: Vec<Component>, mut relationships: Vec<Relationship>) -> Graph {
    let by_path = by_path(&components);
    let claims: Vec<Vec<u32>> = {
        let direct = direct_owners(&components);
        components.par_iter().map(|owner| claims(image, owner, &by_path, &direct)).collect()
    };
    let mut keep = vec![true; components.len()];
    let number = |index: usize| ComponentIndex(u32::try_from(index).unwrap_or(u32::MAX));
    for (owner, claimed) in claims.iter().enumerate() {
        for child in claimed {
            let (from, to) = (number(owner), ComponentIndex(*child));
            if from == to {
                continue;
            }
            relationships.push(Relationship { kind: RelationshipKind::OwnershipByFileOverlap, from, to });
            if let (Some(parent), Some(child)) = (components.get(owner), components.get(*child as usize)) {
                match superseded(parent, child) {
                    Some(Superseded::Child) => drop_index(&mut keep, to),
                    Some(Superseded::Parent) => drop_index(&mut keep, from),
                    None => {}
                }
            }
        }
    }
    components.par_iter_mut().for_each(|component| resolve_owned(image, component));
    retain((components, relationships), &keep)
}

fn drop_index(keep: &mut [bool], index: ComponentIndex) {
    if let Some(keep) = keep.get_mut(index.0 as usize) {
        *keep = false;
    }
}

type ByPath = HashMap<String, Vec<u32>>;

/// Components by the paths that they were found at.
fn by_path(components: &[Component]) -> ByPath {
    let mut map = ByPath::default();
    for (index, component) in components.iter().enumerate() {
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        for location in &component.locations {
            let at = map.entry(location.access_path.clone()).or_default();
            if at.last() != Some(&index) {
                at.push(index);
            }
        }
    }
    map
}

type Direct<'a> = HashMap<PackageType, HashSet<&'a str>>;

fn direct_owners(components: &[Component]) -> Direct<'_> {
    let mut map = Direct::default();
    for component in components.iter().filter(|component| !component.owned_files.is_empty()) {
        map.entry(component.kind).or_default().extend(component.owned_files.iter().map(String::as_str));
    }
    map
}

/// The components found in files that `owner` owns.
fn claims(image: &Image<'_>, owner: &Component, by_path: &ByPath, direct: &Direct<'_>) -> Vec<u32> {
    let mut claimed = Vec::new();
    let mut claim = |path: &str| {
        let Some(found) = by_path.get(path) else { return };
        if NEVER_OWNED.iter().any(|pattern| glob::matches(pattern, path.trim_start_matches('/'))) {
            return;
        }
        claimed.extend(found);
    };
    let owned_by_same_kind = |path: &str| direct.get(&owner.kind).is_some_and(|paths| paths.contains(path));
    for path in &owner.owned_files {
        claim(path);
        if let Some(real) = real_path(image, path)
            && real != path
            && !owned_by_same_kind(real)
        {
            claim(real);
        }
    }
    claimed.sort_unstable();
    claimed.dedup();
    claimed
}

fn real_path<'a>(image: &Image<'a>, path: &str) -> Option<&'a str> {
    let tree = image.whole();
    tree.resolve(path).and_then(|place| tree.entry(place)).map(|entry| entry.path.as_str())
}

/// Replaces the paths that the package manager wrote by those of the regular files that they lead to.
fn resolve_owned(image: &Image<'_>, component: &mut Component) {
    let tree = image.whole();
    let owned = std::mem::take(&mut component.owned_files);
    let is_file = |entry: &&FileFact| entry.kind != sbom::FileKind::Directory;
    component.owned_files = owned
        .iter()
        .filter_map(|path| tree.resolve(path).and_then(|place| tree.entry(place)).filter(is_file))
        .map(|entry| entry.path.clone())
        .collect();
    component.owned_files.sort_unstable();
    component.owned_files.dedup();
}

enum Superseded {
    Parent,
    Child,
}

/// Which of owner and owned says nothing that the other does not say better.
fn superseded(parent: &Component, child: &Component) -> Option<Superseded> {
    use PackageType::{Alpm, Apk, Binary, Bitnami, Deb, Nix, Portage, Rpm};
    let metadata = |component: &Component| {
        component.metadata.as_ref().map_or(String::new(), |metadata| metadata.kind.clone().into_owned())
    };
    let from_binary = child.kind == Binary
        || matches!(
            metadata(child).as_str(),
            "elf-binary-package-note-json-payload" | "binary-signature" | "java-jvm-installation"
        );
    match parent.kind {
        Alpm | Apk | Deb | Nix | Portage | Rpm | Bitnami if from_binary => Some(Superseded::Child),
        Binary if child.kind == Binary && metadata(parent) == "java-jvm-installation" => Some(Superseded::Child),
        Binary if child.kind == Binary && metadata(child) == "java-jvm-installation" => Some(Superseded::Parent),
        _ => None,
    }
}

/// The files of the document, by path and layer.
pub(super) fn files(image: &Image<'_>, components: &[Component], selection: FileSelection) -> Vec<FileFact> {
    let tree = image.whole();
    let mut files: Vec<FileFact> = match selection {
        FileSelection::None => Vec::new(),
        FileSelection::All => regular_files(image).collect(),
        FileSelection::OwnedByPackage => {
            let owned = components.iter().flat_map(|component| {
                let evidence = component.locations.iter().map(|location| &location.path);
                component.owned_files.iter().chain(evidence)
            });
            let places: HashSet<Place> = owned.filter_map(|path| tree.resolve(path)).collect();
            places.iter().filter_map(|place| fact(image, *place)).collect()
        }
    };
    files.sort_by(|a, b| (&a.path, a.layer).cmp(&(&b.path, b.layer)));
    files
}

/// A file as it stands in the document.
pub(super) fn fact(image: &Image<'_>, place: Place) -> Option<FileFact> {
    let tree = image.whole();
    let mut fact = FileFact { layer: image.layer_of(place), ..tree.entry(place)?.clone() };
    let executable = tree.extracted(place).iter().find(|extracted| extracted.cataloger == executable::FACTS);
    if let Some(executable) = executable.map(|extracted| String::from_utf8_lossy(&extracted.body.kept)) {
        fact.details.get_or_insert_default().executable = executable.into_owned();
    }
    Some(fact)
}
