//! One list of components from what each cataloger added: without duplicates, in a stable order.

use super::Graph;
use crate::Assembly;
use foldhash::HashMap;
use sbom::{Component, ComponentIndex, Document, Relationship};

/// What a component without a version is given, as the peer does (Syft 1.57, `cataloging.UnknownStubValue`).
const NO_VERSION: &str = "UNKNOWN";

/// What makes two components one: the same package, known from the same files.
#[derive(PartialEq, Eq, Hash, Clone)]
pub(super) struct Identity {
    name: String,
    version: String,
    purl: String,
    kind: sbom::PackageType,
    metadata: String,
    paths: Vec<String>,
}

/// The identity of `component`; its layers do not count.
pub(super) fn identity(component: &Component) -> Identity {
    let mut paths: Vec<String> = component.locations.iter().map(|location| location.access_path.clone()).collect();
    paths.sort_unstable();
    paths.dedup();
    Identity {
        name: component.name.clone(),
        version: component.version.clone(),
        purl: component.purl.clone(),
        kind: component.kind,
        metadata: component.metadata.as_ref().map(|metadata| metadata.json.clone()).unwrap_or_default(),
        paths,
    }
}

/// Joins the parts; equal components become one with all locations, nameless ones go.
pub(super) fn merge(parts: Vec<Assembly>) -> Graph {
    let mut components: Vec<Component> = Vec::new();
    let mut relationships: Vec<Relationship> = Vec::new();
    let mut known: HashMap<Identity, u32> = HashMap::default();
    for part in parts {
        let mut places: Vec<Option<u32>> = Vec::with_capacity(part.components.len());
        for mut component in part.components {
            if component.name.trim().is_empty() {
                places.push(None);
                continue;
            }
            if component.version.trim().is_empty() {
                NO_VERSION.clone_into(&mut component.version);
            }
            let next = u32::try_from(components.len()).unwrap_or(u32::MAX);
            let index = *known.entry(identity(&component)).or_insert(next);
            match components.get_mut(index as usize) {
                Some(first) => add_evidence(first, component),
                None => components.push(component),
            }
            places.push(Some(index));
        }
        relationships.extend(part.relationships.iter().filter_map(|edge| renumbered(edge, &places)));
    }
    (components, relationships)
}

fn add_evidence(first: &mut Component, other: Component) {
    for location in other.locations {
        if !first.locations.contains(&location) {
            first.locations.push(location);
        }
    }
    for license in other.licenses {
        if !first.licenses.contains(&license) {
            first.licenses.push(license);
        }
    }
}

/// The edge with its ends where `places` says they are now; `None` where an end is gone or both became one.
pub(super) fn renumbered(edge: &Relationship, places: &[Option<u32>]) -> Option<Relationship> {
    let place = |index: ComponentIndex| places.get(index.0 as usize).copied().flatten().map(ComponentIndex);
    let (from, to) = (place(edge.from)?, place(edge.to)?);
    (from != to).then_some(Relationship { kind: edge.kind, from, to })
}

/// Keeps the components for which `keep` is true, and the edges between them.
pub(super) fn retain((components, relationships): Graph, keep: &[bool]) -> Graph {
    let mut places = Vec::with_capacity(components.len());
    let mut kept = Vec::with_capacity(components.len());
    for (component, keep) in components.into_iter().zip(keep) {
        places.push(keep.then(|| u32::try_from(kept.len()).unwrap_or(u32::MAX)));
        if *keep {
            kept.push(component);
        }
    }
    let relationships = relationships.iter().filter_map(|edge| renumbered(edge, &places)).collect();
    (kept, relationships)
}

/// Sorts components by name, version, type and first location, and makes the edges follow.
pub(super) fn sort(document: &mut Document) {
    let components = &document.components;
    let mut order: Vec<u32> = (0..u32::try_from(components.len()).unwrap_or(u32::MAX)).collect();
    order.sort_by(|a, b| match (components.get(*a as usize), components.get(*b as usize)) {
        (Some(a), Some(b)) => sort_key(a).cmp(&sort_key(b)),
        (a, b) => a.is_some().cmp(&b.is_some()),
    });
    let mut places = vec![None; components.len()];
    for (new, old) in order.iter().enumerate() {
        if let Some(place) = places.get_mut(*old as usize) {
            *place = u32::try_from(new).ok();
        }
    }
    document.relationships = document.relationships.iter().filter_map(|edge| renumbered(edge, &places)).collect();
    document.relationships.sort_unstable();
    document.relationships.dedup();
    let mut components: Vec<Option<Component>> =
        std::mem::take(&mut document.components).into_iter().map(Some).collect();
    document.components = order.iter().filter_map(|old| components.get_mut(*old as usize)?.take()).collect();
}

fn sort_key(component: &Component) -> impl Ord {
    let location = component.locations.first();
    (
        &component.name,
        &component.version,
        component.kind.as_str(),
        location.map(|location| (&location.path, &location.access_path, location.layer)),
        component.metadata.as_ref().map(|metadata| &metadata.json),
    )
}
