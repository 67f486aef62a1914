//! The parts of an SPDX document to the component model (Syft `format/common/spdxhelpers/to_syft_model.go`).

use super::raw::{Parts, RawChecksum, RawFile, RawLicense, RawPackage, RawRelationship};
use crate::builder::Builder;
use crate::decode::DecodeError;
use crate::{
    Component, ComponentIndex, Cpe, CpeSource, Digest, Distro, Document, FileDetails, FileFact, License, LicenseOrigin,
    Location, Metadata, PackageType, RelationshipKind, SourceKind, digests, ecosystem, license,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use purl::PackageUrl;
use serde_json::json;
use std::collections::{HashMap, HashSet};

const NO_ASSERTION: &str = "NOASSERTION";
const NO_SHA1: &str = "0000000000000000000000000000000000000000";

/// Brings a document into the component model.
pub(super) fn document(parts: Parts) -> Result<Document, DecodeError> {
    let mut builder = Builder::default();
    descriptor(&mut builder, &parts);
    let root = root(&parts);
    source(&mut builder, root, &parts.namespace);
    let root = root.map(|root| root.id.clone());
    // What something was generated from is its source code, not a package of its own.
    let skipped: HashSet<&str> =
        parts.relationships.iter().filter(|edge| edge.kind == "GENERATED_FROM").map(|edge| edge.to.as_str()).collect();

    let licenses: HashMap<&str, &RawLicense> =
        parts.licenses.iter().map(|license| (license.id.as_str(), license)).collect();
    let mut components: HashMap<&str, ComponentIndex> = HashMap::with_capacity(parts.packages.len());
    for package in &parts.packages {
        if root.as_deref() == Some(package.id.as_str()) || skipped.contains(package.id.as_str()) {
            continue;
        }
        let component = component(package, &licenses);
        if builder.document.distro.is_none() {
            builder.document.distro = distro(&component.purl);
        }
        components.insert(&package.id, builder.add(component)?);
    }
    let mut files: HashMap<&str, (String, Option<u32>)> = HashMap::with_capacity(parts.files.len());
    for file in &parts.files {
        let fact = fact(file, &mut builder);
        files.insert(&file.id, (fact.path.clone(), fact.layer));
        if has_facts(&fact) {
            builder.add_file(fact)?;
        }
    }
    let graph = Graph { components: &components, files: &files };
    parts.relationships.iter().for_each(|edge| graph.relate(edge, &mut builder));
    for package in &parts.packages {
        package.files.iter().for_each(|file| graph.own(&package.id, file, &mut builder));
        graph.order_locations(package, &mut builder);
    }
    for annotation in parts.annotations.iter().filter(|annotation| annotation.annotator.starts_with("Tool:")) {
        if let Some((path, layer)) = files.get(annotation.subject.as_str()) {
            builder.add_unknown(path, *layer, &annotation.text);
        }
    }
    Ok(builder.finish())
}

fn descriptor(builder: &mut Builder, parts: &Parts) {
    let descriptor = &mut builder.document.descriptor;
    parts.created.clone_into(&mut descriptor.created);
    if let Some(tool) = parts.creators.iter().find_map(|creator| creator.strip_prefix("Tool:")) {
        let (name, version) = tool.trim().split_once('-').unwrap_or((tool.trim(), ""));
        name.clone_into(&mut descriptor.name);
        version.clone_into(&mut descriptor.version);
    }
}

/// The one package that the document describes, where it stands for what was catalogued.
fn root(parts: &Parts) -> Option<&RawPackage> {
    let by_relation = parts.relationships.iter().filter_map(|edge| match edge.kind.as_str() {
        "DESCRIBES" if edge.from == "SPDXRef-DOCUMENT" => Some(edge.to.as_str()),
        "DESCRIBED_BY" if edge.to == "SPDXRef-DOCUMENT" => Some(edge.from.as_str()),
        _ => None,
    });
    let described: HashSet<&str> = by_relation.chain(parts.described.iter().map(String::as_str)).collect();
    let mut packages = parts.packages.iter().filter(|package| described.contains(package.id.as_str()));
    match (packages.next(), packages.next()) {
        (Some(root), None) => root_kind(root).map(|_| root),
        _ => None,
    }
}

/// What kind of source a root stands for; `None` where it is a package like others.
fn root_kind(root: &RawPackage) -> Option<SourceKind> {
    let stated = element_name(&root.id).strip_prefix("DocumentRoot-").and_then(|rest| rest.split('-').next());
    match (root.purpose.as_str(), stated) {
        (_, Some("Image")) => Some(SourceKind::Image),
        (_, Some("Directory")) => Some(SourceKind::Directory),
        (_, Some("File")) => Some(SourceKind::File),
        (_, Some("Unknown")) => Some(SourceKind::Document),
        ("CONTAINER", _) => Some(SourceKind::Image),
        ("FILE", _) => {
            let name = root.name.rsplit('/').next().unwrap_or_default();
            Some(if name.contains('.') && name != "." && name != ".." {
                SourceKind::File
            } else {
                SourceKind::Directory
            })
        }
        _ => None,
    }
}

/// The identifier without what versions 2 and 3 put in front.
fn element_name(id: &str) -> &str {
    let id = id.rsplit('#').next().unwrap_or(id);
    id.trim_start_matches("SPDXRef-").trim_start_matches("SPDXRef:")
}

fn source(builder: &mut Builder, root: Option<&RawPackage>, namespace: &str) {
    let source = &mut builder.document.source;
    let Some(root) = root else {
        let kind = namespace.split('/').find_map(|part| match part {
            "image" => Some(SourceKind::Image),
            "dir" => Some(SourceKind::Directory),
            "file" => Some(SourceKind::File),
            _ => None,
        });
        source.kind = kind.unwrap_or(SourceKind::Document);
        return;
    };
    source.kind = root_kind(root).unwrap_or(SourceKind::Document);
    source.name.clone_from(&root.name);
    stated(&root.version).clone_into(&mut source.version);
    source.supplier = stated(&root.supplier).trim_start_matches("Organization:").trim().to_owned();
    source.user_input.clone_from(&root.name);
    match source.kind {
        SourceKind::Image => {
            if let Some(checksum) = root.checksums.first() {
                source.manifest_digest = format!("{}:{}", checksum.algorithm.to_ascii_lowercase(), checksum.value);
            }
            if let Some(purl) = purl_of(root).and_then(|purl| purl.parse::<PackageUrl>().ok()) {
                let qualifier = |key| purl.qualifier_value(key).unwrap_or_default();
                qualifier("arch").clone_into(&mut source.architecture);
                if !qualifier("tag").is_empty() {
                    source.user_input = format!("{}:{}", root.name, qualifier("tag"));
                }
            }
        }
        SourceKind::File => source.digests = root.checksums.iter().map(digest).collect(),
        SourceKind::Directory | SourceKind::Document => {}
    }
}

fn stated(text: &str) -> &str {
    match text {
        NO_ASSERTION | "NONE" => "",
        text => text,
    }
}

fn purl_of(package: &RawPackage) -> Option<&str> {
    package.references.iter().find(|(kind, _)| kind == "purl").map(|(_, locator)| locator.as_str())
}

fn component(package: &RawPackage, licenses: &HashMap<&str, &RawLicense>) -> Component {
    let purl = purl_of(package).filter(|purl| purl.parse::<PackageUrl>().is_ok()).unwrap_or_default();
    let parsed: Option<PackageUrl> = purl.parse().ok();
    let mut component = Component {
        id: identifier(&package.id),
        name: package.name.clone(),
        version: stated(&package.version).to_owned(),
        kind: parsed.as_ref().map_or(PackageType::Unknown, ecosystem::kind_of_purl),
        licenses: [
            license_of(&package.license_concluded, LicenseOrigin::Concluded, licenses),
            license_of(&package.license_declared, LicenseOrigin::Declared, licenses),
        ]
        .into_iter()
        .flatten()
        .collect(),
        cpes: package
            .references
            .iter()
            .filter(|(kind, _)| kind == "cpe23Type")
            .filter_map(|(_, locator)| locator.parse::<purl::cpe::Cpe>().ok())
            .map(|cpe| Cpe { name: cpe.to_string(), source: CpeSource::Declared })
            .collect(),
        purl: purl.to_owned(),
        ..Component::default()
    };
    component.metadata = metadata(package, &component, parsed.as_ref());
    component
}

/// The sixteen digits that our identifiers and the peer's end in; otherwise the whole identifier.
fn identifier(id: &str) -> String {
    let name = element_name(id);
    match name.rsplit_once('-') {
        Some((_, digits)) if digits.len() == 16 && digits.bytes().all(|b| b.is_ascii_hexdigit()) => digits.to_owned(),
        _ => name.to_owned(),
    }
}

fn license_of(expression: &str, origin: LicenseOrigin, licenses: &HashMap<&str, &RawLicense>) -> Option<License> {
    let expression = stated(expression);
    if expression.is_empty() {
        return None;
    }
    let extracted = licenses.get(expression);
    let bare = expression.strip_prefix(license::REFERENCE_PREFIX);
    let value = match (extracted, bare) {
        (Some(extracted), _) if !extracted.name.is_empty() => extracted.name.as_str(),
        (_, Some(bare)) => bare,
        _ => expression,
    };
    Some(License {
        spdx_expression: if bare.is_some() { String::new() } else { license::normalize(expression) },
        contents: extracted.map_or("", |extracted| stated(&extracted.text)).to_owned(),
        origin,
        ..License::declared(value)
    })
}

/// What the package's own database would say, as far as the document has it.
fn metadata(package: &RawPackage, component: &Component, purl: Option<&PackageUrl>) -> Option<Metadata> {
    let qualifier = |key| purl.and_then(|purl| purl.qualifier_value(key)).unwrap_or_default();
    let upstream = qualifier("upstream");
    let (source, source_version) = upstream.split_once('@').unwrap_or((upstream, ""));
    let party = |text: &str| stated(text).split_once(": ").map_or("", |(_, name)| name).to_owned();
    let (kind, record) = match component.kind {
        PackageType::Apk => (
            "apk-db-entry",
            json!({
                "package": component.name,
                "originPackage": source,
                "maintainer": party(&package.supplier),
                "version": component.version,
                "architecture": qualifier("arch"),
                "url": package.homepage,
                "description": package.description,
            }),
        ),
        PackageType::Deb => (
            "dpkg-db-entry",
            json!({
                "package": component.name,
                "source": source,
                "version": component.version,
                "sourceVersion": source_version,
                "architecture": qualifier("arch"),
                "maintainer": party(&package.originator),
            }),
        ),
        PackageType::Rpm => (
            "rpm-db-entry",
            json!({
                "name": component.name,
                "version": component.version,
                "epoch": qualifier("epoch").parse::<u32>().ok(),
                "architecture": qualifier("arch"),
                "sourceRpm": upstream,
                "vendor": party(&package.originator),
            }),
        ),
        PackageType::JavaArchive => {
            let digests: Vec<_> = package
                .checksums
                .iter()
                .map(digest)
                .map(|digest| json!({ "algorithm": digest.algorithm, "value": digest.hex }))
                .collect();
            ("java-archive", json!({ "virtualPath": "", "digest": digests }))
        }
        PackageType::GoModule => {
            let sha256 = package.checksums.iter().find(|checksum| checksum.algorithm.eq_ignore_ascii_case("sha256"));
            let bytes = sha256.and_then(|checksum| digests::from_hex::<32>(&checksum.value));
            let h1 = bytes.map_or_else(String::new, |bytes| format!("h1:{}", BASE64.encode(bytes)));
            ("go-module-buildinfo-entry", json!({ "goCompiledVersion": "", "architecture": "", "h1Digest": h1 }))
        }
        _ => return None,
    };
    Some(Metadata { kind: kind.into(), json: record.to_string() })
}

/// The distribution, from the first purl that names one: `debian-12`.
fn distro(purl: &str) -> Option<Distro> {
    let purl: PackageUrl = purl.parse().ok()?;
    let stated = purl.qualifier_value("distro")?;
    let (name, version) = stated.split_once('-').unwrap_or((stated, ""));
    Some(Distro {
        pretty_name: name.to_owned(),
        name: name.to_owned(),
        id: name.to_owned(),
        id_like: vec![name.to_owned()],
        version: version.to_owned(),
        version_id: version.to_owned(),
        ..Distro::default()
    })
}

fn fact(file: &RawFile, builder: &mut Builder) -> FileFact {
    let layer = builder.layer(file.comment.strip_prefix("layerID: ").unwrap_or_default());
    let name = file.name.trim_start_matches("./").trim_start_matches('/');
    let mut fact = FileFact { path: format!("/{name}"), layer, ..FileFact::default() };
    let mut details = FileDetails { unmeasured: true, ..FileDetails::default() };
    for digest in file.checksums.iter().map(digest).filter(|digest| digest.hex != NO_SHA1) {
        digests::keep(digest, &mut fact, &mut details);
    }
    let is = |kind: &str| file.types.iter().any(|stated| stated == kind);
    let mime_type = match () {
        () if is("BINARY") => "application/x-executable",
        () if is("ARCHIVE") => "application/x-archive",
        () if is("APPLICATION") => "application/octet-stream",
        () if is("TEXT") => "text/plain",
        () if is("IMAGE") => "image/",
        () if is("VIDEO") => "video/",
        () if is("AUDIO") => "audio/",
        () => "",
    };
    fact.mime_type = mime_type.into();
    fact.details = Some(Box::new(details));
    fact
}

/// Files that are only named, as evidence, follow from the rest of the document.
fn has_facts(fact: &FileFact) -> bool {
    let digests = fact.details.as_ref().is_some_and(|details| !details.digests.is_empty());
    digests || !digests::has_none(fact) || !fact.mime_type.is_empty()
}

fn digest(checksum: &RawChecksum) -> Digest {
    let algorithm = checksum.algorithm.to_ascii_lowercase().replace('-', "");
    Digest { algorithm: algorithm.into(), hex: checksum.value.to_ascii_lowercase() }
}

/// Relations, by identifier.
struct Graph<'p> {
    components: &'p HashMap<&'p str, ComponentIndex>,
    files: &'p HashMap<&'p str, (String, Option<u32>)>,
}

impl Graph<'_> {
    fn relate(&self, edge: &RawRelationship, builder: &mut Builder) {
        let component = |id: &str| self.components.get(id).copied();
        if let (Some(from), Some(to)) = (component(&edge.from), component(&edge.to)) {
            match edge.kind.as_str() {
                "DEPENDENCY_OF" => builder.relate(RelationshipKind::DependencyOf, from, to),
                "DEPENDS_ON" => builder.relate(RelationshipKind::DependencyOf, to, from),
                "CONTAINS" => builder.relate(RelationshipKind::Contains, from, to),
                "CONTAINED_BY" => builder.relate(RelationshipKind::Contains, to, from),
                "OTHER" if edge.comment.starts_with("ownership-by-file-overlap") => {
                    builder.relate(RelationshipKind::OwnershipByFileOverlap, from, to);
                }
                _ => {}
            }
            return;
        }
        match edge.kind.as_str() {
            "CONTAINS" => self.own(&edge.from, &edge.to, builder),
            "OTHER" if edge.comment.starts_with("evident-by") => {
                if let (Some(&from), Some((path, layer))) =
                    (self.components.get(edge.from.as_str()), self.files.get(edge.to.as_str()))
                    && let Some(component) = builder.component(from)
                {
                    component.locations.push(Location {
                        path: path.clone(),
                        access_path: path.clone(),
                        layer: *layer,
                        ..Location::default()
                    });
                }
            }
            _ => {}
        }
    }

    fn own(&self, package: &str, file: &str, builder: &mut Builder) {
        if let (Some(&owner), Some((path, _))) = (self.components.get(package), self.files.get(file))
            && let Some(owner) = builder.component(owner)
        {
            owner.owned_files.push(path.clone());
        }
    }

    /// The source information names the files in their order; the first is primary.
    fn order_locations(&self, package: &RawPackage, builder: &mut Builder) {
        let Some(&index) = self.components.get(package.id.as_str()) else { return };
        let Some(component) = builder.component(index) else { return };
        let listed = package.source_info.split_once(": ").map_or("", |(_, paths)| paths);
        let order: HashMap<&str, usize> = listed.split(", ").enumerate().map(|(at, path)| (path, at)).collect();
        component.locations.sort_by_key(|at| order.get(at.path.as_str()).copied().unwrap_or(usize::MAX));
        if let Some(first) = component.locations.first_mut() {
            first.primary = true;
        }
    }
}
