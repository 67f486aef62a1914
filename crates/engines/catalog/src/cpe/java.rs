//! Vendors and products of Java archives: from Maven coordinates and the manifest.

use super::candidates::{Candidates, Derive};
use super::ecosystems::person_name;
use super::record::{Coordinates, Java, Manifest};
use crate::maven;
use sbom::Component;

/// Fields of the manifest that name who made it.
const NAME_FIELDS: [&str; 2] = ["Specification-Vendor", "Implementation-Vendor"];

pub(super) fn vendors(component: &Component, java: &Java) -> Candidates {
    let mut vendors = Candidates::default();
    for group in group_ids(component, java) {
        vendors.add_with(&group, Derive::Nothing);
        let parts = group.split('.').skip(1).map(str::trim);
        parts.filter(|part| !is_one_of(part, &["", "plugin", "plugins"])).for_each(|part| vendors.add(part));
    }
    let names = java.manifest.iter().flat_map(|manifest| NAME_FIELDS.iter().flat_map(|field| manifest.values(field)));
    for name in names.filter(|name| !maven::looks_like_group(name)) {
        vendors.add_with(&person_name(name), Derive::Delimiters);
    }
    vendors
}

pub(super) fn products(component: &Component, java: &Java) -> Candidates {
    let artifact = artifact_id(java);
    let mut products = Candidates::default();
    if !artifact.is_empty() {
        products.add(artifact);
    }
    for group in group_ids(component, java) {
        let is_plugin = artifact.contains("plugin") || group.contains("plugin");
        let parts = group.split('.').skip(2).map(str::trim);
        for part in parts.filter(|part| !is_one_of(part, &["", "plugin", "plugins", "client"])) {
            // Parts of an umbrella project begin or end with the project's name.
            let is_project = artifact.starts_with(part) || artifact.ends_with(part);
            if artifact.is_empty() || (is_project && !is_plugin) {
                products.add(part);
            }
        }
    }
    products
}

fn is_one_of(part: &str, words: &[&str]) -> bool {
    words.iter().any(|word| part.eq_ignore_ascii_case(word))
}

/// The artifact; empty where what stands there is really a group.
fn artifact_id(java: &Java) -> &str {
    let artifact = java.pom_properties.as_ref().map_or("", |properties| properties.artifact_id.trim());
    if artifact.contains('.') { "" } else { artifact }
}

/// Every Maven group that the archive may belong to.
fn group_ids(component: &Component, java: &Java) -> Vec<String> {
    let parent = java.pom_project.as_ref().and_then(|project| project.parent.as_ref());
    let coordinates = [java.pom_properties.as_ref(), java.pom_project.as_ref().map(|project| &project.own), parent];
    let mut all: Vec<String> = coordinates.into_iter().flatten().flat_map(groups_of_coordinates).collect();
    match maven::well_known(&component.name, &component.version) {
        Some(group) => all.push(group.to_owned()),
        None => all.extend(java.manifest.iter().flat_map(groups_of_manifest)),
    }
    all
}

/// Some publishers write the group where the artifact belongs.
fn groups_of_coordinates(coordinates: &Coordinates) -> Vec<String> {
    let artifact = Some(coordinates.artifact_id.as_str()).filter(|artifact| artifact.contains('.'));
    let values = [Some(coordinates.group_id.as_str()), artifact].into_iter().flatten();
    values.filter(|value| maven::looks_like_group(value)).map(maven::clean_group).collect()
}

fn groups_of_manifest(manifest: &Manifest) -> Vec<String> {
    let groups_in = |fields: &[&str]| -> Vec<String> {
        let values = fields.iter().flat_map(|field| manifest.values(field));
        values.filter(|value| maven::looks_like_group(value)).map(maven::clean_group).collect()
    };
    let primary = groups_in(&maven::PRIMARY_FIELDS);
    if primary.is_empty() { groups_in(&maven::SECONDARY_FIELDS) } else { primary }
}
