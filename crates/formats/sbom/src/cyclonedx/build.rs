//! Component model to CycloneDX (Syft `format/common/cyclonedxhelpers`), plus what Syft leaves out: a root for every
//! document and a connected graph.

use super::bom::{Bom, Hash, Metadata, Part, Property, Reference, Swid, Tool};
use super::{UNKNOWN_PREFIX, graph, licenses, properties, references};
use crate::encode::EncodeOptions;
use crate::maker::{document_uuid, maker};
use crate::record::Record;
use crate::view::{FileEntry, View};
use crate::{Component, Distro, Document, FileKind, PackageType, Source, SourceKind, digests, party};
use purl::PackageUrl;
use std::borrow::Cow;

/// What is said where nothing is known, as in SPDX.
const NO_ASSERTION: &str = "NOASSERTION";

/// The whole document in the newest version.
pub(super) fn bom<'d>(view: &'d View<'d>, options: EncodeOptions) -> Bom<'d> {
    let document = view.document;
    let mut components: Vec<Part<'d>> = view.components().map(|(_, component, id)| part(component, id, view)).collect();
    let mut nodes: Vec<Cow<'d, str>> = components.iter().map(|part| part.bom_ref.clone()).collect();
    if let Some(distro) = &document.distro {
        let part = operating_system(distro);
        nodes.push(part.bom_ref.clone());
        components.push(part);
    }
    let files = view.files.iter().map(|entry| file(entry, view));
    let file_refs: Vec<Option<Cow<'d, str>>> = files
        .map(|part| {
            let part = part?;
            let bom_ref = part.bom_ref.clone();
            components.push(part);
            Some(bom_ref)
        })
        .collect();
    Bom {
        serial_number: document_uuid(view, "cyclonedx", options).urn().to_string(),
        dependencies: graph::dependencies(view, &nodes, &file_refs),
        metadata: metadata(view),
        components,
    }
}

fn metadata<'d>(view: &'d View<'d>) -> Metadata<'d> {
    let document = view.document;
    let descriptor = &document.descriptor;
    let source = &document.source;
    let vendor = maker(descriptor).vendor;
    Metadata {
        timestamp: descriptor.created.as_str().into(),
        tool: Tool {
            vendor: vendor.into(),
            name: descriptor.name.as_str().into(),
            version: descriptor.version.as_str().into(),
        },
        author: if source.supplier.is_empty() { vendor.into() } else { source.supplier.as_str().into() },
        component: Some(root(source, &view.root_id)),
        supplier: source.supplier.as_str().into(),
        properties: source
            .labels
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(key, value)| Property::new(format!("syft:image:labels:{key}"), value))
            .collect(),
    }
}

/// What was catalogued. A folder or a file is a `file`, as the peer writes it.
fn root<'d>(source: &'d Source, id: &'d str) -> Part<'d> {
    let or = |first: &'d str, second: &'d str| if first.is_empty() { second } else { first };
    let (kind, version) = match source.kind {
        SourceKind::Image => ("container", or(&source.version, &source.manifest_digest)),
        SourceKind::Directory | SourceKind::File | SourceKind::Document => ("file", source.version.as_str()),
    };
    Part {
        bom_ref: id.into(),
        kind: kind.into(),
        name: or(or(&source.name, &source.user_input), "unknown").into(),
        version: version.into(),
        supplier: or(&source.supplier, NO_ASSERTION).into(),
        ..Part::default()
    }
}

fn part<'d>(component: &'d Component, id: &'d str, view: &'d View<'d>) -> Part<'d> {
    let record = Record::of(component);
    let kind = match component.kind {
        PackageType::Binary => "application",
        PackageType::Model => "machine-learning-model",
        _ => "library",
    };
    Part {
        bom_ref: bom_ref(component, id),
        kind: kind.into(),
        supplier: supplier(component, &record, view.document),
        author: author(&record),
        publisher: match record.kind {
            "apk-db-entry" | "dpkg-db-entry" => record.text("maintainer"),
            "rpm-db-entry" => record.text("vendor"),
            _ => Cow::Borrowed(""),
        },
        group: group(&record),
        name: component.name.as_str().into(),
        version: component.version.as_str().into(),
        description: match record.kind {
            "apk-db-entry" | "javascript-npm-package" => record.text("description"),
            _ => Cow::Borrowed(""),
        },
        licenses: licenses::choices(&component.licenses),
        cpe: component.cpes.first().map_or("", |cpe| &cpe.name).into(),
        purl: component.purl.as_str().into(),
        references: references::of_component(component, &record),
        properties: part_properties(component, &record, view),
        ..Part::default()
    }
}

/// The purl, made unique with the identifier; the identifier alone where there is no purl.
fn bom_ref<'d>(component: &'d Component, id: &'d str) -> Cow<'d, str> {
    match component.purl.parse::<PackageUrl>() {
        Ok(_) => with_package_id(&component.purl, id).into(),
        Err(_) => id.into(),
    }
}

/// Adds a qualifier in its place among the others, which are in the order of their keys.
fn with_package_id(purl: &str, id: &str) -> String {
    let own = format!("package-id={id}");
    let (purl, subpath) = purl.split_at(purl.find('#').unwrap_or(purl.len()));
    let Some((start, qualifiers)) = purl.split_once('?') else { return format!("{purl}?{own}{subpath}") };
    let mut all: Vec<&str> = qualifiers.split('&').collect();
    let place = all.iter().position(|qualifier| *qualifier > own.as_str()).unwrap_or(all.len());
    all.insert(place, &own);
    format!("{start}?{}{subpath}", all.join("&"))
}

/// As the peer, the one given for the whole source goes first here.
fn supplier<'d>(component: &Component, record: &Record<'_>, document: &'d Document) -> Cow<'d, str> {
    if !document.source.supplier.is_empty() {
        return document.source.supplier.as_str().into();
    }
    party::supplier_of(component, record, document).map_or(NO_ASSERTION.into(), |party| party.shown().to_owned().into())
}

fn author<'d>(record: &Record<'d>) -> Cow<'d, str> {
    match record.kind {
        "javascript-npm-package" => record.text("author"),
        "python-package" => {
            let (name, email) = (record.text("author"), record.text("authorEmail"));
            match (name.is_empty(), email.is_empty()) {
                (_, true) => name,
                (true, false) => email,
                (false, false) => format!("{name} <{email}>").into(),
            }
        }
        "ruby-gemspec" => record.get::<Vec<String>>("authors").unwrap_or_default().join(",").into(),
        _ => Cow::Borrowed(""),
    }
}

fn group(record: &Record<'_>) -> Cow<'static, str> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Pom {
        #[serde(default)]
        group_id: String,
    }
    match record.kind {
        "java-archive" => record.get::<Pom>("pomProperties").map_or(Cow::Borrowed(""), |pom| pom.group_id.into()),
        _ => Cow::Borrowed(""),
    }
}

fn part_properties<'d>(component: &'d Component, record: &Record<'d>, view: &'d View<'d>) -> Vec<Property<'d>> {
    let mut all = Vec::new();
    let mut add = |name: &'static str, value: &'d str| {
        if !value.is_empty() {
            all.push(Property::new(name, value));
        }
    };
    add("syft:package:foundBy", &component.found_by);
    add("syft:package:language", component.language.as_str());
    add("syft:package:type", component.kind.as_str());
    add("syft:package:metadataType", record.kind);
    all.extend(component.cpes.iter().skip(1).map(|cpe| Property::new("syft:cpe23", &cpe.name)));
    let mut locations = Vec::with_capacity(2 * component.locations.len());
    for (at, location) in component.locations.iter().enumerate() {
        let layer = view.layer_digest(location.layer);
        if !layer.is_empty() {
            locations.push(Property::new(format!("syft:location:{at}:layerID"), layer));
        }
        let (path, nested) = match location.path.split_once("!/") {
            Some((archive, _)) => (archive, true),
            None => (location.path.as_str(), false),
        };
        if nested {
            locations.push(Property::new(format!("syft:location:{at}:fullPath"), location.path.as_str()));
        }
        locations.push(Property::new(format!("syft:location:{at}:path"), path));
    }
    locations.sort_by(|a, b| a.name.cmp(&b.name));
    all.append(&mut locations);
    all.append(&mut properties::of_metadata(record));
    all
}

fn operating_system(distro: &Distro) -> Part<'_> {
    let bom_ref = match (distro.id.as_str(), distro.version_id.as_str()) {
        ("", _) => "os:unknown".into(),
        (id, "") => format!("os:{id}").into(),
        (id, version) => format!("os:{id}@{version}").into(),
    };
    let cpe = distro.cpe_name.parse::<purl::cpe::Cpe>().map(|cpe| cpe.to_string()).unwrap_or_default();
    let reference = |kind, url: &'_ str, comment: &'static str| {
        let reference = Reference { comment: comment.into(), ..Reference::new(kind, url.to_owned()) };
        (!url.is_empty()).then_some(reference)
    };
    Part {
        bom_ref,
        kind: "operating-system".into(),
        name: if distro.id.is_empty() { "unknown".into() } else { distro.id.as_str().into() },
        version: distro.version_id.as_str().into(),
        description: distro.pretty_name.as_str().into(),
        cpe: cpe.into(),
        swid: Some(Swid {
            tag_id: distro.id.as_str().into(),
            name: distro.id.as_str().into(),
            version: distro.version_id.as_str().into(),
        }),
        references: [
            reference("issue-tracker", &distro.bug_report_url, ""),
            reference("website", &distro.home_url, ""),
            reference("other", &distro.support_url, "support"),
            reference("other", &distro.privacy_policy_url, "privacyPolicy"),
        ]
        .into_iter()
        .flatten()
        .collect(),
        properties: distro_properties(distro),
        ..Part::default()
    }
}

fn distro_properties(distro: &Distro) -> Vec<Property<'_>> {
    let mut all = vec![("buildID".to_owned(), distro.build_id.as_str())];
    all.push(("extendedSupport".to_owned(), if distro.extended_support { "true" } else { "false" }));
    all.push(("id".to_owned(), &distro.id));
    all.extend(distro.id_like.iter().enumerate().map(|(at, like)| (format!("idLike:{at}"), like.as_str())));
    all.push(("imageID".to_owned(), &distro.image_id));
    all.push(("imageVersion".to_owned(), &distro.image_version));
    all.push(("prettyName".to_owned(), &distro.pretty_name));
    all.push(("variant".to_owned(), &distro.variant));
    all.push(("variantID".to_owned(), &distro.variant_id));
    all.push(("versionCodename".to_owned(), &distro.version_codename));
    all.push(("versionID".to_owned(), &distro.version_id));
    let stated = all.into_iter().filter(|(_, value)| !value.is_empty());
    let mut stated: Vec<_> = stated.map(|(name, value)| Property::new(format!("syft:distro:{name}"), value)).collect();
    stated.sort_by(|a, b| a.name.cmp(&b.name));
    stated
}

/// A file of which something is known, or that could not be understood.
fn file<'d>(entry: &'d FileEntry<'d>, view: &'d View<'d>) -> Option<Part<'d>> {
    let digests = entry.fact.map_or_else(Vec::new, digests::of_file);
    let known = entry.fact.is_some_and(|fact| {
        // A file that is only known to be executable, as the peer leaves such out.
        let bare = fact.details.as_ref().is_some_and(|details| details.unmeasured && !details.executable.is_empty());
        let folder_or_link = matches!(fact.kind, FileKind::Directory | FileKind::Socket | FileKind::Symlink);
        !folder_or_link && (!bare || !digests.is_empty())
    });
    if !known && entry.unknowns.is_empty() {
        return None;
    }
    let hashes = digests.into_iter().filter_map(|digest| {
        Some(Hash { algorithm: references::hash_algorithm(&digest.algorithm)?.into(), hex: digest.hex.into() })
    });
    let mut properties = Vec::new();
    if !entry.unknowns.is_empty() {
        let layer = view.layer_digest(entry.layer);
        properties.extend((!layer.is_empty()).then(|| Property::new("syft:location:0:layerID", layer)));
        let causes = entry.unknowns.iter().enumerate();
        properties.extend(causes.map(|(at, cause)| Property::new(format!("{UNKNOWN_PREFIX}{at}"), cause)));
    }
    Some(Part {
        bom_ref: entry.id.as_str().into(),
        kind: "file".into(),
        name: entry.path.into(),
        hashes: hashes.collect(),
        properties,
        ..Part::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(purl: &str, expected: &str) {
        assert_eq!(with_package_id(purl, "0f"), expected);
    }

    #[test]
    fn references_are_purls() {
        check("pkg:npm/a@1", "pkg:npm/a@1?package-id=0f");
        check("pkg:deb/d/a@1?arch=x&upstream=b", "pkg:deb/d/a@1?arch=x&package-id=0f&upstream=b");
        check("pkg:golang/a@1?x=1#sub/path", "pkg:golang/a@1?package-id=0f&x=1#sub/path");
    }
}
