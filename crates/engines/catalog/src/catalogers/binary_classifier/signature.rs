//! The record of what a binary was recognised by (`binary-signature`), and CPE names for it.

use crate::{Assembly, View};
use purl::cpe::{Attribute, Cpe};
use sbom::{Component, Location};
use serde::Serialize;

/// A classifier's name and the file that it recognised.
pub(in crate::catalogers) type Evidence = (&'static str, Location);

/// Fields in the order of Syft's schema.
#[derive(Serialize)]
struct Signature<'a> {
    matches: Vec<ClassifierMatch<'a>>,
}

#[derive(Serialize)]
struct ClassifierMatch<'a> {
    classifier: &'a str,
    location: MatchLocation<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MatchLocation<'a> {
    path: &'a str,
    #[serde(rename = "layerID", skip_serializing_if = "str::is_empty")]
    layer_id: &'a str,
    access_path: &'a str,
    annotations: Annotations,
}

#[derive(Serialize)]
struct Annotations {
    evidence: &'static str,
}

/// Adds a component with its evidence as its record; primary evidence comes first.
pub(in crate::catalogers) fn add(
    mut component: Component,
    evidence: &[(impl AsRef<str>, Location)],
    view: &View<'_>,
    out: &mut Assembly,
) -> Option<sbom::ComponentIndex> {
    let matches = evidence.iter().map(|(classifier, location)| ClassifierMatch {
        classifier: classifier.as_ref(),
        location: MatchLocation {
            path: &location.path,
            layer_id: view.layer_digest(location.layer),
            access_path: &location.access_path,
            annotations: Annotations { evidence: if location.primary { "primary" } else { "supporting" } },
        },
    });
    component.locations.sort_by_key(|location| (!location.primary, location.path.clone()));
    // Its keys are all strings, so it can be written.
    component.set_metadata("binary-signature", &Signature { matches: matches.collect() }).ok()?;
    Some(out.add(component))
}

/// The same file by the same path?
pub(super) fn is_same_place(a: &Location, b: &Location) -> bool {
    (&a.path, &a.access_path, a.layer) == (&b.path, &b.access_path, b.layer)
}

/// The name of an application; `None` where the version has characters that no CPE can have.
pub(in crate::catalogers) fn cpe(vendor: &str, product: &str, version: &str, update: &str) -> Option<String> {
    let name = Cpe {
        part: Attribute::literal("a").ok()?,
        vendor: Attribute::literal(vendor).ok()?,
        product: Attribute::literal(product).ok()?,
        version: Attribute::literal(version).ok()?,
        update: Attribute::literal(update).ok()?,
        ..Cpe::default()
    };
    Some(name.to_string())
}
