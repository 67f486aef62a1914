//! Syft JSON to the component model. Every schema since 1 is read; what older ones wrote differently is noted where it
//! is read.

use super::legacy;
use crate::builder::Builder;
use crate::decode::DecodeError;
use crate::{
    Component, ComponentIndex, Cpe, CpeSource, Digest, Distro, Document, FileDetails, FileFact, Language, License,
    LicenseOrigin, Location, Metadata, PackageType, RelationshipKind, digests, json,
};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;

/// The version that a `schema` member states, where it is Syft's.
pub(crate) fn schema_version(schema: &serde_json::Value) -> Option<&str> {
    let version = schema.get("version")?.as_str()?;
    let url = schema.get("url")?.as_str()?;
    (url.contains("anchore/syft") && !version.is_empty()).then_some(version)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Root<'a> {
    #[serde(borrow, default)]
    artifacts: Vec<Artifact<'a>>,
    #[serde(borrow, default)]
    artifact_relationships: Vec<Edge<'a>>,
    #[serde(borrow, default)]
    files: Vec<File<'a>>,
    #[serde(borrow)]
    source: legacy::Source<'a>,
    #[serde(default)]
    distro: legacy::Release,
    #[serde(borrow)]
    descriptor: Descriptor<'a>,
}

#[derive(Deserialize)]
struct Descriptor<'a> {
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
    #[serde(borrow, default)]
    configuration: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Artifact<'a> {
    id: String,
    name: String,
    version: String,
    #[serde(rename = "type")]
    kind: String,
    found_by: String,
    locations: Option<Vec<Place>>,
    licenses: Option<Vec<legacy::LicenseEntry>>,
    language: String,
    cpes: Option<Vec<legacy::CpeEntry>>,
    purl: String,
    metadata_type: String,
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
}

/// A location, with or without its coordinates' extras.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Place {
    path: String,
    #[serde(rename = "layerID")]
    layer_id: String,
    full_path: String,
    access_path: String,
    annotations: Option<HashMap<String, String>>,
}

#[derive(Deserialize)]
struct Edge<'a> {
    #[serde(borrow)]
    parent: Cow<'a, str>,
    #[serde(borrow)]
    child: Cow<'a, str>,
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
}

#[derive(Deserialize)]
struct File<'a> {
    #[serde(default)]
    id: String,
    location: Place,
    #[serde(default)]
    metadata: Option<FileMetadata>,
    #[serde(default)]
    contents: String,
    #[serde(default)]
    digests: Option<Vec<legacy::DigestEntry>>,
    #[serde(borrow, default)]
    licenses: Option<&'a RawValue>,
    #[serde(borrow, default)]
    executable: Option<&'a RawValue>,
    #[serde(default)]
    unknowns: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct FileMetadata {
    mode: u64,
    #[serde(rename = "type")]
    kind: legacy::FileType,
    link_destination: String,
    #[serde(rename = "userID")]
    user_id: i64,
    #[serde(rename = "groupID")]
    group_id: i64,
    mime_type: String,
    size: i64,
}

pub(crate) fn decode(bytes: &[u8]) -> Result<Document, DecodeError> {
    let root: Root<'_> =
        serde_json::from_slice(bytes).map_err(|source| DecodeError::Json { format: "syft-json", source })?;
    let mut builder = Builder::default();
    root.source.read_into(&mut builder);
    builder.document.distro = Some(Distro::from(root.distro)).filter(|distro| *distro != Distro::default());
    builder.document.descriptor.name = root.descriptor.name;
    builder.document.descriptor.version = root.descriptor.version;
    builder.document.descriptor.configuration =
        root.descriptor.configuration.map_or_else(String::new, |raw| json::compact(raw.get()));

    let mut components: HashMap<String, ComponentIndex> = HashMap::with_capacity(root.artifacts.len());
    for artifact in root.artifacts {
        let id = artifact.id.clone();
        let component = component(artifact, &mut builder);
        let index = builder.add(component)?;
        components.insert(id, index);
    }
    let mut paths: HashMap<String, String> = HashMap::with_capacity(root.files.len());
    for entry in root.files {
        let path = entry.location.full();
        paths.insert(entry.id.clone(), path.clone());
        file(entry, path, &mut builder)?;
    }
    for edge in root.artifact_relationships {
        relate(&edge, &components, &paths, &mut builder);
    }
    Ok(builder.finish())
}

fn component(artifact: Artifact<'_>, builder: &mut Builder) -> Component {
    let locations: Vec<Location> =
        artifact.locations.into_iter().flatten().map(|place| place.location(builder)).collect();
    let licenses = artifact.licenses.into_iter().flatten().map(|entry| license(entry, &locations, builder)).collect();
    let metadata = artifact.metadata.filter(|raw| raw.get() != "null").map(|raw| Metadata {
        kind: legacy::metadata_kind(&artifact.metadata_type, &locations),
        json: json::compact(raw.get()),
    });
    Component {
        id: artifact.id,
        name: artifact.name,
        version: artifact.version,
        kind: PackageType::parse(&artifact.kind),
        found_by: artifact.found_by.into(),
        licenses,
        language: Language::parse(&artifact.language),
        cpes: artifact.cpes.into_iter().flatten().map(cpe).collect(),
        purl: artifact.purl,
        metadata,
        locations,
        ..Component::default()
    }
}

impl Place {
    fn full(&self) -> String {
        if self.full_path.is_empty() { self.path.clone() } else { self.full_path.clone() }
    }

    fn location(self, builder: &mut Builder) -> Location {
        let annotation = |key: &str| self.annotations.as_ref().and_then(|all| all.get(key)).map(String::as_str);
        let evidence = annotation("evidence");
        let path = self.full();
        Location {
            primary: evidence == Some("primary"),
            unannotated: evidence.is_none(),
            visible: annotation("visible").map(|value| value == "true"),
            layer: builder.layer(&self.layer_id),
            access_path: if self.access_path.is_empty() { path.clone() } else { self.access_path },
            path,
        }
    }
}

fn license(entry: legacy::LicenseEntry, found_at: &[Location], builder: &mut Builder) -> License {
    let entry = entry.into_full();
    let location = entry.locations.into_iter().flatten().next().map(|place| place.location(builder));
    License {
        value: entry.value,
        spdx_expression: entry.spdx_expression,
        origin: if entry.kind == "concluded" { LicenseOrigin::Concluded } else { LicenseOrigin::Declared },
        urls: entry.urls.unwrap_or_default(),
        contents: entry.contents,
        location: location.filter(|location| found_at.first() != Some(location)),
    }
}

fn cpe(entry: legacy::CpeEntry) -> Cpe {
    let (name, source) = entry.into_parts();
    let source = match source.as_str() {
        "nvd-cpe-dictionary" => CpeSource::NvdDictionary,
        "syft-generated" => CpeSource::Generated,
        _ => CpeSource::Declared,
    };
    Cpe { name, source }
}

fn file(entry: File<'_>, path: String, builder: &mut Builder) -> Result<(), DecodeError> {
    let layer = builder.layer(&entry.location.layer_id);
    for unknown in entry.unknowns.into_iter().flatten() {
        builder.add_unknown(&path, layer, &unknown);
    }
    let raw = |value: Option<&RawValue>| value.map_or_else(String::new, |raw| json::compact(raw.get()));
    let mut details = FileDetails {
        contents: entry.contents,
        licenses: raw(entry.licenses),
        executable: raw(entry.executable),
        unmeasured: entry.metadata.is_none(),
        ..FileDetails::default()
    };
    let mut fact = FileFact { path, layer, ..FileFact::default() };
    for digest in entry.digests.into_iter().flatten() {
        let digest = Digest { algorithm: digest.algorithm.into(), hex: digest.value };
        digests::keep(digest, &mut fact, &mut details);
    }
    let bare = FileDetails { unmeasured: true, ..FileDetails::default() };
    if details == bare && digests::has_none(&fact) {
        // Only named, as evidence or as an unknown: that follows from the rest of the document.
        return Ok(());
    }
    if let Some(metadata) = entry.metadata {
        measure(&mut fact, metadata);
    }
    fact.details = Some(details).filter(|details| *details != FileDetails::default()).map(Box::new);
    builder.add_file(fact)
}

fn measure(fact: &mut FileFact, metadata: FileMetadata) {
    let mode = go_file_mode(metadata.mode);
    let special = [(0o4000, 1 << 23), (0o2000, 1 << 22), (0o1000, 1 << 20)];
    fact.mode = special.iter().filter(|(_, go)| mode & go != 0).fold(mode & 0o777, |bits, (unix, _)| bits | unix);
    fact.kind = metadata.kind.into_kind();
    fact.link_target = metadata.link_destination;
    fact.uid = u32::try_from(metadata.user_id).unwrap_or_default();
    fact.gid = u32::try_from(metadata.group_id).unwrap_or_default();
    fact.mime_type = metadata.mime_type.into();
    fact.size_bytes = u64::try_from(metadata.size).unwrap_or_default();
}

/// The number 755 as `0o755`; digits that are none of octal count as 0.
fn go_file_mode(digits: u64) -> u32 {
    let digit = |place: u32| digits / 10_u64.pow(place) % 10;
    let mode: u64 = (0..11).map(|place| (digit(place) & 7) << (3 * place)).sum();
    u32::try_from(mode).unwrap_or_default()
}

/// Relations to files are kept as owned files; evidence and what the source contains follow from the rest.
fn relate(
    edge: &Edge<'_>,
    components: &HashMap<String, ComponentIndex>,
    paths: &HashMap<String, String>,
    builder: &mut Builder,
) {
    let Some(&from) = components.get(edge.parent.as_ref()) else { return };
    if let Some(&to) = components.get(edge.child.as_ref()) {
        let kind = match edge.kind.as_ref() {
            "contains" => RelationshipKind::Contains,
            "ownership-by-file-overlap" => RelationshipKind::OwnershipByFileOverlap,
            // As the peer reads `build-dependency-of` and its like.
            kind if kind.contains("dependency-of") => RelationshipKind::DependencyOf,
            _ => return,
        };
        builder.relate(kind, from, to);
    } else if edge.kind == "contains"
        && let Some(path) = paths.get(edge.child.as_ref())
        && let Some(owner) = builder.component(from)
    {
        owner.owned_files.push(path.clone());
    }
}
