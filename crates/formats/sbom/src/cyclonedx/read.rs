//! CycloneDX to the component model (Syft `format/internal/cyclonedxutil/helpers/decoder.go`).

use super::bom::{Bom, Choice, Dependency, Hash, Metadata, Part, Property, Reference};
use super::{UNKNOWN_PREFIX, properties};
use crate::builder::Builder;
use crate::decode::DecodeError;
use crate::{
    Component, ComponentIndex, Cpe, CpeSource, Digest, Distro, Document, FileDetails, FileFact, Language, License,
    Location, PackageType, RelationshipKind, SourceKind, digests, ecosystem, license,
};
use purl::PackageUrl;
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

/// Most locations of one component that are read.
const MAX_LOCATIONS: usize = 10_000;

/// Where a reference leads.
enum Target {
    Component(ComponentIndex),
    File(String),
}

struct Reading {
    builder: Builder,
    targets: HashMap<String, Target>,
}

/// Brings a document into the component model.
pub(super) fn document(bom: Bom<'_>) -> Result<Document, DecodeError> {
    let mut reading = Reading { builder: Builder::default(), targets: HashMap::new() };
    source(&mut reading.builder, &bom.metadata);
    for part in &bom.components {
        reading.part(part, None)?;
    }
    if let Some(root) = &bom.metadata.component {
        reading.part_of_root(root)?;
    }
    reading.dependencies(bom.dependencies);
    place_files(&mut reading.builder.document);
    Ok(reading.builder.finish())
}

/// Files are written without their layers; those in which a component was found are in the layer of that evidence.
fn place_files(document: &mut Document) {
    let locations = document.components.iter().flat_map(|component| &component.locations);
    let layers: HashMap<&str, Option<u32>> = locations.map(|at| (at.path.as_str(), at.layer)).collect();
    for file in document.files.iter_mut().filter(|file| file.layer.is_none()) {
        file.layer = layers.get(file.path.as_str()).copied().flatten();
    }
}

impl Reading {
    /// Reads one component and what is in it; `container` is the archive that a file is in.
    fn part(&mut self, part: &Part<'_>, container: Option<&str>) -> Result<(), DecodeError> {
        let mut path = None;
        match part.kind.as_ref() {
            "application" | "firmware" | "framework" | "library" | "machine-learning-model" => {
                let component = component(part, &mut self.builder);
                let index = self.builder.add(component)?;
                self.targets.insert(part.bom_ref.clone().into_owned(), Target::Component(index));
            }
            "operating-system" if self.builder.document.distro.is_none() => {
                self.builder.document.distro = Some(distro(part));
            }
            "file" => {
                let full = match container {
                    Some(archive) => format!("{archive}!/{}", part.name.trim_start_matches('/')),
                    None => format!("/{}", part.name.trim_start_matches('/')),
                };
                self.file(part, &full)?;
                path = Some(full);
            }
            _ => {}
        }
        part.components.iter().try_for_each(|inner| self.part(inner, path.as_deref()))
    }

    /// What is catalogued counts as a component of its own where it is software rather than a container or a file.
    fn part_of_root(&mut self, root: &Part<'_>) -> Result<(), DecodeError> {
        match root.kind.as_ref() {
            "container" | "file" | "operating-system" => {
                root.components.iter().try_for_each(|inner| self.part(inner, None))
            }
            _ => self.part(root, None),
        }
    }

    fn file(&mut self, part: &Part<'_>, path: &str) -> Result<(), DecodeError> {
        let layer = property(&part.properties, "syft:location:0:layerID").unwrap_or_default();
        let layer = self.builder.layer(layer);
        for unknown in part.properties.iter().filter(|property| property.name.starts_with(UNKNOWN_PREFIX)) {
            self.builder.add_unknown(path, layer, &unknown.value);
        }
        self.targets.insert(part.bom_ref.clone().into_owned(), Target::File(path.to_owned()));
        let mut fact = FileFact { path: path.to_owned(), layer, ..FileFact::default() };
        let mut details = FileDetails { unmeasured: true, ..FileDetails::default() };
        for digest in part.hashes.iter().map(digest) {
            digests::keep(digest, &mut fact, &mut details);
        }
        fact.details = Some(Box::new(details));
        self.builder.add_file(fact)
    }

    fn dependencies(&mut self, dependencies: Vec<Dependency<'_>>) {
        for dependency in dependencies {
            let Some(&Target::Component(of)) = self.targets.get(dependency.of.as_ref()) else { continue };
            for on in dependency.on {
                match self.targets.get(on.as_ref()) {
                    Some(&Target::Component(on)) => self.builder.relate(RelationshipKind::DependencyOf, on, of),
                    Some(Target::File(path)) => {
                        if let Some(owner) = self.builder.component(of) {
                            owner.owned_files.push(path.clone());
                        }
                    }
                    None => {}
                }
            }
        }
    }
}

fn source(builder: &mut Builder, metadata: &Metadata<'_>) {
    let document = &mut builder.document;
    document.descriptor.name = metadata.tool.name.clone().into_owned();
    document.descriptor.version = metadata.tool.version.clone().into_owned();
    document.descriptor.created = metadata.timestamp.clone().into_owned();
    let source = &mut document.source;
    source.kind = SourceKind::Document;
    let Some(root) = &metadata.component else { return };
    let suppliers = [&root.supplier, &metadata.supplier];
    let stated = suppliers.into_iter().find(|name| !matches!(name.as_ref(), "" | "NOASSERTION"));
    source.supplier = stated.cloned().unwrap_or_default().into_owned();
    source.name = root.name.clone().into_owned();
    source.version = root.version.clone().into_owned();
    match root.kind.as_ref() {
        "container" => {
            source.kind = SourceKind::Image;
            source.user_input = root.name.clone().into_owned();
            source.image_id = root.bom_ref.clone().into_owned();
            if root.version.contains(':') {
                source.manifest_digest = root.version.clone().into_owned();
            }
            source.labels = metadata
                .properties
                .iter()
                .filter_map(|property| {
                    let key = property.name.strip_prefix("syft:image:labels:")?;
                    Some((key.to_owned(), property.value.clone().into_owned()))
                })
                .collect();
        }
        // Folders are written the same way; as the peer, this takes it for a file.
        "file" => {
            source.kind = SourceKind::File;
            source.user_input = root.name.clone().into_owned();
        }
        _ => {}
    }
}

fn property<'p>(properties: &'p [Property<'_>], name: &str) -> Option<&'p str> {
    properties.iter().find(|property| property.name == name).map(|property| property.value.as_ref())
}

fn component(part: &Part<'_>, builder: &mut Builder) -> Component {
    let stated: BTreeMap<&str, &str> =
        part.properties.iter().map(|property| (property.name.as_ref(), property.value.as_ref())).collect();
    let text = |name: &str| stated.get(name).copied().unwrap_or_default();
    let mut kind = PackageType::parse(text("syft:package:type"));
    let purl = purl_of(part, kind);
    if kind == PackageType::Unknown
        && let Ok(purl) = purl.parse::<PackageUrl>()
    {
        kind = ecosystem::kind_of_purl(&purl);
    }
    let mut component = Component {
        id: identifier(&part.bom_ref),
        name: name(part, kind),
        version: part.version.clone().into_owned(),
        kind,
        found_by: text("syft:package:foundBy").to_owned().into(),
        language: Language::parse(text("syft:package:language")),
        locations: locations(&stated, builder),
        licenses: part.licenses.iter().map(license_of).collect(),
        cpes: cpes(part),
        purl,
        ..Component::default()
    };
    let metadata_kind = match text("syft:package:metadataType") {
        "" if kind == PackageType::JavaArchive && !part.group.is_empty() => "java-archive",
        stated => stated,
    };
    if !metadata_kind.is_empty() {
        let record = Value::Object(metadata(metadata_kind, &stated, part));
        component.metadata = Some(crate::Metadata { kind: metadata_kind.to_owned().into(), json: record.to_string() });
    }
    component
}

/// The identifier that a reference of ours or of the peer's carries; otherwise the reference itself.
fn identifier(bom_ref: &str) -> String {
    let purl = bom_ref.starts_with("pkg:").then(|| bom_ref.parse::<PackageUrl>().ok()).flatten();
    let carried = purl.as_ref().and_then(|purl| purl.qualifier_value("package-id"));
    carried.unwrap_or(bom_ref).to_owned()
}

fn name(part: &Part<'_>, kind: PackageType) -> String {
    let with_group = !part.group.is_empty()
        && kind != PackageType::JavaArchive
        && !ecosystem::name_is_without_namespace(ecosystem::purl_type(kind));
    if with_group { format!("{}/{}", part.group, part.name) } else { part.name.clone().into_owned() }
}

fn purl_of(part: &Part<'_>, kind: PackageType) -> String {
    if !part.purl.is_empty() {
        return part.purl.clone().into_owned();
    }
    if part.bom_ref.starts_with("pkg:") && part.bom_ref.parse::<PackageUrl>().is_ok() {
        return part.bom_ref.clone().into_owned();
    }
    match ecosystem::purl_type(kind) {
        "" | "generic" => String::new(),
        kind => PackageUrl::new(kind, part.name.as_ref())
            .namespace(part.group.as_ref())
            .version(part.version.as_ref())
            .build()
            .to_string(),
    }
}

fn locations(stated: &BTreeMap<&str, &str>, builder: &mut Builder) -> Vec<Location> {
    let mut found = Vec::new();
    for at in 0..MAX_LOCATIONS {
        let text = |name: &str| stated.get(format!("syft:location:{at}:{name}").as_str()).copied();
        let Some(path) = text("fullPath").or_else(|| text("path")) else { break };
        found.push(Location {
            path: path.to_owned(),
            access_path: path.to_owned(),
            layer: builder.layer(text("layerID").unwrap_or_default()),
            primary: at == 0,
            ..Location::default()
        });
    }
    found
}

fn license_of(choice: &Choice<'_>) -> License {
    let (value, url) = match choice {
        Choice::Expression(expression) => (expression.as_ref(), ""),
        Choice::Id { id, url } => (id.as_ref(), url.as_ref()),
        Choice::Name { name, url } if name.is_empty() => (license::id_for_url(url).unwrap_or_default(), url.as_ref()),
        Choice::Name { name, url } => (name.as_ref(), url.as_ref()),
    };
    License {
        spdx_expression: license::normalize(value),
        urls: Some(url.to_owned()).into_iter().filter(|url| !url.is_empty()).collect(),
        ..License::declared(value)
    }
}

fn cpes(part: &Part<'_>) -> Vec<Cpe> {
    let others = part.properties.iter().filter(|property| property.name == "syft:cpe23");
    let all = std::iter::once(&part.cpe).chain(others.map(|property| &property.value));
    let valid = all.filter_map(|name| name.parse::<purl::cpe::Cpe>().ok());
    valid.map(|cpe| Cpe { name: cpe.to_string(), source: CpeSource::Declared }).collect()
}

fn digest(hash: &Hash<'_>) -> Digest {
    let algorithm = hash.algorithm.to_ascii_lowercase().replace('-', "");
    Digest { algorithm: algorithm.into(), hex: hash.hex.to_ascii_lowercase() }
}

/// The record of a package, as far as properties and members of the component tell of it.
fn metadata(kind: &str, stated: &BTreeMap<&str, &str>, part: &Part<'_>) -> Map<String, Value> {
    let mut record = properties::to_metadata(kind, stated);
    let mut set = |key: &str, value: &str| {
        if !value.is_empty() {
            record.insert(key.to_owned(), Value::from(value));
        }
    };
    match kind {
        "apk-db-entry" => {
            set("maintainer", &part.publisher);
            set("description", &part.description);
            set("url", url(&part.references, "distribution"));
        }
        "dpkg-db-entry" => {
            set("package", &part.name);
            set("version", &part.version);
            set("maintainer", &part.publisher);
        }
        "rpm-db-entry" => {
            set("name", &part.name);
            set("vendor", &part.publisher);
        }
        "javascript-npm-package" => {
            set("author", &part.author);
            set("description", &part.description);
            set("url", url(&part.references, "distribution"));
            set("homepage", url(&part.references, "website"));
        }
        "rust-cargo-lock-entry" => set("source", url(&part.references, "distribution")),
        "python-package" => {
            let (author, email) = part.author.split_once(" <").unwrap_or((&part.author, ""));
            set("author", author);
            set("authorEmail", email.trim_end_matches('>'));
            let origin = part.references.iter().find(|reference| reference.kind == "vcs");
            if let Some(origin) = origin {
                let commit = origin.comment.trim_start_matches("commit: ");
                record.insert("directUrlOrigin".to_owned(), json!({ "url": origin.url, "commitId": commit }));
            }
        }
        "ruby-gemspec" => {
            set("homepage", url(&part.references, "website"));
            if !part.author.is_empty() {
                let authors: Vec<&str> = part.author.split(',').collect();
                record.insert("authors".to_owned(), json!(authors));
            }
        }
        "java-archive" => java(&mut record, part),
        _ => {}
    }
    record
}

fn java(record: &mut Map<String, Value>, part: &Part<'_>) {
    record.entry("virtualPath").or_insert_with(|| Value::from(""));
    if !part.group.is_empty() {
        let pom = record.entry("pomProperties").or_insert_with(|| Value::Object(Map::new()));
        if let Some(pom) = pom.as_object_mut() {
            // The peer always writes these.
            pom.entry("path").or_insert_with(|| Value::from(""));
            pom.entry("name").or_insert_with(|| Value::from(""));
            pom.entry("groupId").or_insert_with(|| Value::from(part.group.as_ref()));
            pom.entry("artifactId").or_insert_with(|| Value::from(part.name.as_ref()));
            pom.entry("version").or_insert_with(|| Value::from(part.version.as_ref()));
        }
    }
    let build = part.references.iter().filter(|reference| reference.kind == "build-meta");
    let digests: Vec<Value> = build
        .flat_map(|reference| &reference.hashes)
        .map(digest)
        .map(|digest| json!({ "algorithm": digest.algorithm, "value": digest.hex }))
        .collect();
    if !digests.is_empty() {
        record.insert("digest".to_owned(), Value::from(digests));
    }
}

fn url<'p>(references: &'p [Reference<'_>], kind: &str) -> &'p str {
    references.iter().find(|reference| reference.kind == kind).map_or("", |reference| reference.url.as_ref())
}

/// The distribution; its properties say more than the component itself.
fn distro(part: &Part<'_>) -> Distro {
    let text = |name: &str| property(&part.properties, &format!("syft:distro:{name}")).unwrap_or_default().to_owned();
    let or = |first: String, second: &Cow<'_, str>| if first.is_empty() { second.clone().into_owned() } else { first };
    let swid = part.swid.as_ref();
    let name = or(swid.map_or_else(String::new, |swid| swid.name.clone().into_owned()), &part.name);
    let version = or(swid.map_or_else(String::new, |swid| swid.version.clone().into_owned()), &part.version);
    let likes = (0..MAX_LOCATIONS).map_while(|at| property(&part.properties, &format!("syft:distro:idLike:{at}")));
    let likes: Vec<String> = likes.map(str::to_owned).collect();
    let reference = |kind: &str, comment: &str| {
        let found = part.references.iter().find(|reference| reference.kind == kind && reference.comment == comment);
        found.map_or_else(String::new, |reference| reference.url.clone().into_owned())
    };
    let name: Cow<'_, str> = name.into();
    let version: Cow<'_, str> = version.into();
    Distro {
        pretty_name: or(text("prettyName"), &name),
        id: or(text("id"), &name),
        id_like: if likes.is_empty() { vec![name.clone().into_owned()] } else { likes },
        version_id: or(text("versionID"), &version),
        version_codename: text("versionCodename"),
        build_id: text("buildID"),
        image_id: text("imageID"),
        image_version: text("imageVersion"),
        variant: text("variant"),
        variant_id: text("variantID"),
        home_url: reference("website", ""),
        support_url: reference("other", "support"),
        bug_report_url: reference("issue-tracker", ""),
        privacy_policy_url: reference("other", "privacyPolicy"),
        cpe_name: part.cpe.clone().into_owned(),
        extended_support: text("extendedSupport") == "true",
        name: name.into_owned(),
        version: version.into_owned(),
        support_end: String::new(),
    }
}
