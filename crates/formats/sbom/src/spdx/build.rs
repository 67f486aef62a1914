//! Component model to SPDX 2 (Syft `format/common/spdxhelpers`).

use super::document::{Agent, Checksum, File, NO_ASSERTION, Package, Relationship, SpdxDocument};
use super::licenses::Extracted;
use super::namespace::{document_name, namespace};
use super::{facts, ids, licenses};
use crate::encode::EncodeOptions;
use crate::maker::{document_uuid, maker};
use crate::party::{self, Party};
use crate::record::Record;
use crate::view::{FileEntry, FileRelation, View};
use crate::{Component, LicenseOrigin, RelationshipKind, Source, SourceKind, digests};
use foldhash::HashSet;
use purl::PackageUrl;
use sha1_smol::Sha1;
use std::borrow::Cow;

/// SPDX 2 asks for a SHA-1 of every file. This one says that there is none, as the peer does.
const NO_SHA1: &str = "0000000000000000000000000000000000000000";
/// The time where none is given: SPDX asks for one.
const NO_TIME: &str = "1970-01-01T00:00:00Z";

const OWNERSHIP: &str = "ownership-by-file-overlap: indicates that the parent package claims ownership of a child package \
                         since the parent metadata indicates overlap with a location that a cataloger found the child \
                         package by";
const EVIDENCE: &str = "evident-by: indicates the package's existence is evident by the given file";

/// The whole document in the newest version 2.
pub(super) fn document<'d>(view: &'d View<'d>, options: EncodeOptions) -> SpdxDocument<'d> {
    let descriptor = &view.document.descriptor;
    let mut extracted = Extracted::new();
    let mut packages: Vec<Package<'d>> =
        view.components().map(|(_, component, id)| package(component, id, view, &mut extracted)).collect();
    let mut files: Vec<Option<File<'d>>> = view.files.iter().map(|entry| file(entry, view)).collect();
    let mut relationships = relationships(view, &packages, &files);
    verification_codes(view, &mut packages, &files);

    let mut root = root(&view.document.source);
    relate_root(&mut root, view, &packages, &files, &mut relationships);
    relationships.push(Relationship {
        from: ids::DOCUMENT.to_owned(),
        kind: "DESCRIBES",
        to: root.id.clone(),
        comment: "",
    });
    packages.push(root);

    let mut files: Vec<File<'d>> = files.drain(..).flatten().collect();
    files.sort_by(|a, b| (a.name, &a.id).cmp(&(b.name, &b.id)));
    SpdxDocument {
        name: document_name(&view.document.source).into(),
        namespace: namespace(view.document, document_uuid(view, "spdx", options)),
        created: if descriptor.created.is_empty() { NO_TIME } else { descriptor.created.as_str() }.into(),
        organization: maker(descriptor).organization,
        tool: format!("{}-{}", descriptor.name, descriptor.version),
        packages,
        files,
        licenses: extracted.into_values().collect(),
        relationships,
    }
}

fn package<'d>(component: &'d Component, id: &str, view: &'d View<'d>, extracted: &mut Extracted<'d>) -> Package<'d> {
    let record = Record::of(component);
    let document = view.document;
    Package {
        name: component.name.as_str().into(),
        id: ids::of_component(component, id),
        version: stated(&component.version),
        supplier: party::supplier_of(component, &record, document).map(agent),
        originator: party::originator(&record).map(agent),
        download_location: facts::download_location(&record),
        checksums: facts::checksums(&record),
        homepage: facts::homepage(&record),
        source_info: facts::source_info(component),
        license_concluded: licenses::expression(&component.licenses, LicenseOrigin::Concluded, extracted),
        license_declared: licenses::expression(&component.licenses, LicenseOrigin::Declared, extracted),
        description: match record.kind {
            "apk-db-entry" | "javascript-npm-package" => record.text("description"),
            _ => Cow::Borrowed(""),
        },
        cpes: component.cpes.iter().map(|cpe| cpe.name.as_str()).collect(),
        purl: component.purl.as_str().into(),
        ..Package::default()
    }
}

/// NTIA's minimum elements ask for a version of everything.
fn stated(version: &str) -> Cow<'_, str> {
    if version.is_empty() { NO_ASSERTION } else { version }.into()
}

fn agent(party: Party) -> Agent {
    Agent { kind: party.kind.as_str(), name: party.name, email: party.email }
}

fn file<'d>(entry: &'d FileEntry<'d>, view: &View<'_>) -> Option<File<'d>> {
    // The scanned folder itself is the root package.
    let name = entry.path.trim_start_matches('/');
    if name.is_empty() {
        return None;
    }
    let fact = entry.fact;
    let digests = fact.map_or_else(Vec::new, digests::of_file);
    let mut checksums: Vec<Checksum<'d>> = digests
        .into_iter()
        .map(|digest| Checksum {
            algorithm: facts::checksum_algorithm(&digest.algorithm).into(),
            value: digest.hex.into(),
        })
        .filter(|checksum| facts::is_known(&checksum.algorithm))
        .collect();
    if !checksums.iter().any(|checksum| checksum.algorithm == "SHA1") {
        checksums.insert(0, Checksum { algorithm: "SHA1".into(), value: NO_SHA1.into() });
    }
    let layer = view.layer_digest(entry.layer);
    let known = fact
        .filter(|fact| !fact.mime_type.is_empty() || !fact.details.as_ref().is_some_and(|details| details.unmeasured));
    Some(File {
        name,
        id: ids::of_file(entry),
        types: known.map_or_else(Vec::new, |fact| facts::file_types(&fact.mime_type)),
        checksums,
        comment: if layer.is_empty() { String::new() } else { format!("layerID: {layer}") },
        annotations: &entry.unknowns,
    })
}

fn relationships(view: &View<'_>, packages: &[Package<'_>], files: &[Option<File<'_>>]) -> Vec<Relationship> {
    let package = |index: usize| packages.get(index).map(|package| package.id.clone());
    let mut all = Vec::new();
    for edge in &view.document.relationships {
        let (kind, comment) = match edge.kind {
            RelationshipKind::Contains => ("CONTAINS", ""),
            RelationshipKind::DependencyOf => ("DEPENDENCY_OF", ""),
            RelationshipKind::OwnershipByFileOverlap => ("OTHER", OWNERSHIP),
        };
        if let (Some(from), Some(to)) = (package(edge.from.0 as usize), package(edge.to.0 as usize)) {
            all.push(Relationship { from, kind, to, comment });
        }
    }
    for edge in &view.file_edges {
        let (kind, comment) = match edge.kind {
            FileRelation::Contains => ("CONTAINS", ""),
            FileRelation::PrimaryEvidence | FileRelation::SupportingEvidence => ("OTHER", EVIDENCE),
        };
        let file = files.get(edge.file).and_then(Option::as_ref);
        if let (Some(from), Some(file)) = (package(edge.component.0 as usize), file) {
            all.push(Relationship { from, kind, to: file.id.clone(), comment });
        }
    }
    all.sort_by(|a, b| (a.kind, &a.from, &a.to, a.comment).cmp(&(b.kind, &b.from, &b.to, b.comment)));
    all.dedup_by(|a, b| a.kind == b.kind && a.from == b.from && a.to == b.to && a.comment == b.comment);
    all
}

/// A package that contains files must have analysed them, so it has a code over their SHA-1s.
fn verification_codes(view: &View<'_>, packages: &mut [Package<'_>], files: &[Option<File<'_>>]) {
    let contained = |edge: &&crate::view::FileEdge| edge.kind == FileRelation::Contains;
    let mut edges = view.file_edges.iter().filter(contained).peekable();
    for (index, package) in packages.iter_mut().enumerate() {
        let mut sha1s = Vec::new();
        while let Some(edge) = edges.next_if(|edge| edge.component.0 as usize == index) {
            sha1s.extend(files.get(edge.file).and_then(Option::as_ref).and_then(sha1));
        }
        package.verification_code = verification_code(sha1s);
    }
}

fn sha1<'f>(file: &'f File<'_>) -> Option<&'f str> {
    file.checksums.iter().find(|checksum| checksum.algorithm == "SHA1").map(|checksum| checksum.value.as_ref())
}

/// SPDX 2.3, 7.9: the SHA-1 of all SHA-1s, sorted, one after the other.
fn verification_code(mut sha1s: Vec<&str>) -> Option<String> {
    if sha1s.is_empty() {
        return None;
    }
    sha1s.sort_unstable();
    let mut hasher = Sha1::new();
    sha1s.iter().for_each(|sha1| hasher.update(sha1.as_bytes()));
    Some(hasher.digest().to_string())
}

/// What was catalogued, as a package.
fn root(source: &Source) -> Package<'_> {
    let mut checksums = Vec::new();
    let mut purl = String::new();
    let name = match source.name.as_str() {
        "" if source.kind == SourceKind::Image => repository(&source.user_input),
        "" => document_name(source),
        name => name,
    };
    let (prefix, purpose) = match source.kind {
        SourceKind::Image => ("Image", "CONTAINER"),
        SourceKind::Directory => ("Directory", "FILE"),
        SourceKind::File => ("File", "FILE"),
        SourceKind::Document => ("Unknown", "OTHER"),
    };
    if source.kind == SourceKind::Image
        && let Some((algorithm, hex)) = source.manifest_digest.split_once(':')
    {
        checksums.push(Checksum { algorithm: facts::checksum_algorithm(algorithm).into(), value: hex.into() });
        let image = PackageUrl::new("oci", name).version(&source.manifest_digest);
        purl =
            image.qualifier("arch", &source.architecture).qualifier("tag", tag(&source.user_input)).build().to_string();
    }
    checksums.extend(source.digests.iter().map(|digest| Checksum {
        algorithm: facts::checksum_algorithm(&digest.algorithm).into(),
        value: digest.hex.as_str().into(),
    }));
    checksums.retain(|checksum| facts::is_known(&checksum.algorithm));
    Package {
        name: name.into(),
        id: ids::of_root(prefix, name),
        version: stated(&source.version),
        supplier: (!source.supplier.is_empty()).then(|| Agent {
            kind: "Organization",
            name: source.supplier.clone(),
            email: String::new(),
        }),
        download_location: NO_ASSERTION.into(),
        purpose,
        checksums,
        license_concluded: NO_ASSERTION.to_owned(),
        license_declared: NO_ASSERTION.to_owned(),
        purl: purl.into(),
        ..Package::default()
    }
}

/// The image's name with neither tag nor digest.
fn repository(reference: &str) -> &str {
    let named = reference.split('@').next().unwrap_or_default();
    match named.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => named,
    }
}

/// The tag of an image reference; empty where it has none.
fn tag(reference: &str) -> &str {
    let named = reference.split('@').next().unwrap_or_default();
    let tag = named.strip_prefix(repository(reference)).and_then(|rest| rest.strip_prefix(':')).unwrap_or_default();
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if tag.chars().all(allowed) { tag } else { "" }
}

/// The root contains every package, and each file that nothing else contains. A source that is itself a file is
/// described rather than contained.
fn relate_root(
    root: &mut Package<'_>,
    view: &View<'_>,
    packages: &[Package<'_>],
    files: &[Option<File<'_>>],
    relationships: &mut Vec<Relationship>,
) {
    let mut contained: HashSet<usize> =
        view.file_edges.iter().filter(|edge| edge.kind == FileRelation::Contains).map(|edge| edge.file).collect();
    let from = root.id.clone();
    let relate = |kind, to: &str| Relationship { from: from.clone(), kind, to: to.to_owned(), comment: "" };
    let source = &view.document.source;
    if source.kind == SourceKind::File {
        let name = source.user_input.rsplit('/').next().unwrap_or_default();
        let own = files.iter().position(|file| file.as_ref().is_some_and(|file| file.name == name));
        if let Some((index, file)) = own.and_then(|index| Some((index, files.get(index)?.as_ref()?))) {
            relationships.push(relate("DESCRIBES", &file.id));
            contained.insert(index);
        }
    }
    relationships.extend(packages.iter().map(|package| relate("CONTAINS", &package.id)));
    let mut sha1s = Vec::new();
    for (index, file) in files.iter().enumerate() {
        if let Some(file) = file
            && !contained.contains(&index)
        {
            relationships.push(relate("CONTAINS", &file.id));
            sha1s.extend(sha1(file));
        }
    }
    root.verification_code = verification_code(sha1s);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(reference: &str, expected: (&str, &str)) {
        assert_eq!((repository(reference), tag(reference)), expected, "{reference}");
    }

    #[test]
    fn image_references() {
        check("img", ("img", ""));
        check("img:1.2", ("img", "1.2"));
        check("h:5000/a/b", ("h:5000/a/b", ""));
        check("h:5000/a/b:t@sha256:00", ("h:5000/a/b", "t"));
    }

    #[test]
    fn code_over_files() {
        assert_eq!(verification_code(vec![]), None);
        let code = verification_code(vec!["b", "a"]).unwrap();
        assert_eq!(code, Sha1::from("ab").digest().to_string());
    }
}
