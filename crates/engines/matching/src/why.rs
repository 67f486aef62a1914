//! Why a finding is there: the way from what was scanned to the component, through archives, with the layer.

use crate::finding::{Findings, Match};
use sbom::{Component, ComponentIndex, Document, RelationshipKind};
use std::collections::HashMap;

/// Longer chains of owners are cut; they would be a loop.
const MAX_STEPS: usize = 64;

/// The way to one place of a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// The flaw.
    pub vulnerability: String,
    /// The component.
    pub component: ComponentIndex,
    /// The file, then each archive entry in the one before: `/app.war`, `WEB-INF/lib/a.jar`, `lib/log4j-core.jar`.
    pub path: Vec<String>,
    /// The layer that brought the file; `None` for folders and files.
    pub layer: Option<Layer>,
    /// Components that contain or own this one, nearest first.
    pub parents: Vec<Parent>,
}

/// A layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Counted from the base, 0.
    pub index: u32,
    /// diffID; empty where not known.
    pub digest: String,
    /// The instruction that made it, of the image's history; empty where not known.
    pub created_by: String,
}

/// A component on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parent {
    /// The component.
    pub component: ComponentIndex,
    /// How it relates to the one before.
    pub relation: RelationshipKind,
}

/// The ways to every place of every finding of a flaw; its identifier or any alias may be given.
#[must_use]
pub fn why(document: &Document, findings: &Findings, id: &str) -> Vec<Why> {
    let named = |found: &&Match| {
        let vulnerability = &found.vulnerability;
        vulnerability.id.eq_ignore_ascii_case(id)
            || vulnerability.identifiers.iter().any(|other| other.eq_ignore_ascii_case(id))
    };
    let instructions = instructions(&document.source.config);
    let parents = parents(document);
    let mut all = Vec::new();
    for found in findings.matches.iter().filter(named) {
        for index in std::iter::once(found.component).chain(found.also_found_as.iter().copied()) {
            let Some(component) = document.components.get(index.0 as usize) else { continue };
            for location in &component.locations {
                all.push(Why {
                    vulnerability: found.vulnerability.id.clone(),
                    component: index,
                    path: steps(&location.path, &location.access_path),
                    layer: location.layer.map(|layer| Layer {
                        index: layer,
                        digest: layer_digest(document, layer),
                        created_by: instructions.get(layer as usize).cloned().unwrap_or_default(),
                    }),
                    parents: chain(&parents, index),
                });
            }
        }
    }
    all
}

/// One component and its place in words, for a line of text: `/app.war -> WEB-INF/lib/a.jar (layer 2 sha256:...)`.
#[must_use]
pub fn describe(why: &Why, component: &Component) -> String {
    let mut text = format!("{} {} {}", why.vulnerability, component.name, component.version);
    text.push_str(": ");
    text.push_str(&why.path.join(" -> "));
    if let Some(layer) = &why.layer {
        text.push_str(&format!(" (layer {} {})", layer.index, layer.digest));
    }
    text
}

/// The access path of something in an archive is the archive's path, then after each colon the entry's.
fn steps(path: &str, access_path: &str) -> Vec<String> {
    let full = if access_path.is_empty() { path } else { access_path };
    let split: Vec<String> = full.split(':').filter(|step| !step.is_empty()).map(str::to_owned).collect();
    if split.is_empty() { vec![path.to_owned()] } else { split }
}

fn layer_digest(document: &Document, layer: u32) -> String {
    document.source.layers.get(layer as usize).map(|layer| layer.digest.clone()).unwrap_or_default()
}

/// The instructions that made layers, by layer, of an image's configuration.
fn instructions(config: &[u8]) -> Vec<String> {
    let config: serde_json::Value = serde_json::from_slice(config).unwrap_or_default();
    let history = config.get("history").and_then(|history| history.as_array());
    let text = |entry: &serde_json::Value| entry.get("created_by").and_then(|text| text.as_str()).map(str::to_owned);
    let makes_layer =
        |entry: &&serde_json::Value| entry.get("empty_layer").and_then(serde_json::Value::as_bool) != Some(true);
    let entries = history.map(Vec::as_slice).unwrap_or_default();
    entries.iter().filter(makes_layer).map(|entry| text(entry).unwrap_or_default()).collect()
}

fn parents(document: &Document) -> HashMap<u32, Parent> {
    let mut parents = HashMap::new();
    for relation in &document.relationships {
        if matches!(relation.kind, RelationshipKind::Contains | RelationshipKind::OwnershipByFileOverlap) {
            let parent = Parent { component: relation.from, relation: relation.kind };
            parents.entry(relation.to.0).or_insert(parent);
        }
    }
    parents
}

fn chain(parents: &HashMap<u32, Parent>, from: ComponentIndex) -> Vec<Parent> {
    let mut found = Vec::new();
    let mut at = from;
    while let Some(parent) = parents.get(&at.0) {
        if found.len() == MAX_STEPS || parent.component == from {
            break;
        }
        at = parent.component;
        found.push(parent.clone());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_split_at_archives() {
        let split = |access: &str| steps("/app.war", access).join(" | ");
        assert_eq!(split("/app.war:WEB-INF/lib/a.jar:b.jar"), "/app.war | WEB-INF/lib/a.jar | b.jar");
        assert_eq!(split(""), "/app.war");
    }

    #[test]
    fn empty_layers_have_no_number() {
        let config = br#"{"history":[{"created_by":"a"},{"created_by":"b","empty_layer":true},{"created_by":"c"}]}"#;
        assert_eq!(instructions(config), ["a", "c"]);
        assert!(instructions(b"x").is_empty());
    }
}
