//! Component model to Syft JSON.

use super::SCHEMA_VERSION;
use crate::json::JsonWriter;
use crate::view::{FileEntry, FileRelation, View};
use crate::{
    Component, CpeSource, Digest, Distro, Document, FileFact, FileKind, License, LicenseOrigin, Location, Relationship,
    RelationshipKind, Source, SourceKind,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use foldhash::HashSet;
use std::io::{self, Write};

/// Writes a whole document.
pub(crate) fn encode(view: &View<'_>, pretty: bool, out: &mut dyn Write) -> io::Result<()> {
    let mut json = JsonWriter::new(out, pretty.then_some(" "));
    let document = view.document;
    json.object(|json| {
        json.objects("artifacts", view.components(), |json, (_, component, id)| artifact(json, view, component, id));
        json.objects("artifactRelationships", relationships(view), |json, edge| edge.write(json));
        if !view.files.is_empty() {
            json.objects("files", &view.files, |json, entry| file(json, view, entry));
        }
        json.member("source").object(|json| source(json, &document.source, &view.source_id));
        json.member("distro").object(|json| distro(json, document.distro.as_ref()));
        json.member("descriptor").object(|json| descriptor(json, document));
        // The schema stays last: readers look for it in the tail.
        json.member("schema").object(|json| {
            json.text_member("version", SCHEMA_VERSION);
            let url =
                format!("https://raw.githubusercontent.com/anchore/syft/main/schema/json/schema-{SCHEMA_VERSION}.json");
            json.text_member("url", &url);
        });
    });
    json.finish()
}

fn artifact(json: &mut JsonWriter<'_>, view: &View<'_>, component: &Component, id: &str) {
    json.text_member("id", id);
    json.text_member("name", &component.name);
    json.text_member("version", &component.version);
    json.text_member("type", component.kind.as_str());
    json.text_member("foundBy", &component.found_by);
    json.objects("locations", &component.locations, |json, at| location(json, view, at));
    json.objects("licenses", &component.licenses, |json, of| license(json, view, component, of));
    json.text_member("language", component.language.as_str());
    json.objects("cpes", &component.cpes, |json, cpe| {
        json.text_member("cpe", &cpe.name);
        json.text_member("source", cpe_source(cpe.source));
    });
    json.text_member("purl", &component.purl);
    if let Some(metadata) = &component.metadata {
        json.optional_text("metadataType", &metadata.kind);
        json.member("metadata").raw(&metadata.json);
    }
}

fn location(json: &mut JsonWriter<'_>, view: &View<'_>, location: &Location) {
    coordinates(json, &location.path, view.layer_digest(location.layer));
    json.text_member("accessPath", &location.access_path);
    let evidence = match location {
        Location { primary: true, .. } => "primary",
        Location { unannotated: true, .. } => "",
        _ => "supporting",
    };
    if evidence.is_empty() && location.visible.is_none() {
        return;
    }
    json.member("annotations").object(|json| {
        json.optional_text("evidence", evidence);
        if let Some(visible) = location.visible {
            json.text_member("visible", if visible { "true" } else { "false" });
        }
    });
}

/// A file inside an archive that was opened (`/a.war!/b.jar`) is named twice: by the archive and in full.
fn coordinates(json: &mut JsonWriter<'_>, path: &str, layer: &str) {
    let archive = path.split_once("!/").map(|(archive, _)| archive);
    json.text_member("path", archive.unwrap_or(path));
    json.optional_text("layerID", layer);
    if archive.is_some() {
        json.text_member("fullPath", path);
    }
}

fn license(json: &mut JsonWriter<'_>, view: &View<'_>, component: &Component, license: &License) {
    json.text_member("value", &license.value);
    json.text_member("spdxExpression", &license.spdx_expression);
    json.text_member(
        "type",
        match license.origin {
            LicenseOrigin::Declared => "declared",
            LicenseOrigin::Concluded => "concluded",
        },
    );
    json.texts("urls", &license.urls);
    let at = license.location.as_ref().or_else(|| component.locations.first());
    json.objects("locations", at, |json, at| location(json, view, at));
    json.optional_text("contents", &license.contents);
}

fn cpe_source(source: CpeSource) -> &'static str {
    match source {
        CpeSource::Declared => "declared",
        CpeSource::NvdDictionary => "nvd-cpe-dictionary",
        CpeSource::Generated => "syft-generated",
    }
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Edge<'a> {
    parent: &'a str,
    child: &'a str,
    kind: &'static str,
    note: Note<'a>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Note<'a> {
    None,
    Kind(&'static str),
    Files(Vec<&'a str>),
}

impl Edge<'_> {
    fn write(&self, json: &mut JsonWriter<'_>) {
        json.text_member("parent", self.parent);
        json.text_member("child", self.child);
        json.text_member("type", self.kind);
        match &self.note {
            Note::None => {}
            Note::Kind(kind) => json.member("metadata").object(|json| json.text_member("kind", kind)),
            Note::Files(files) => json.member("metadata").object(|json| json.texts("files", files)),
        }
    }
}

fn relationships<'a>(view: &'a View<'_>) -> Vec<Edge<'a>> {
    let mut edges: Vec<Edge<'a>> = Vec::new();
    for relation in &view.document.relationships {
        let kind = match relation.kind {
            RelationshipKind::DependencyOf => "dependency-of",
            RelationshipKind::OwnershipByFileOverlap => "ownership-by-file-overlap",
            RelationshipKind::Contains => "contains",
        };
        edges.push(Edge {
            parent: view.component_id(relation.from),
            child: view.component_id(relation.to),
            kind,
            note: overlap(view, relation),
        });
    }
    for (_, _, id) in view.components() {
        edges.push(Edge { parent: &view.source_id, child: id, kind: "contains", note: Note::None });
    }
    for edge in &view.file_edges {
        let (kind, note) = match edge.kind {
            FileRelation::Contains => ("contains", Note::None),
            FileRelation::PrimaryEvidence => ("evident-by", Note::Kind("primary")),
            FileRelation::SupportingEvidence => ("evident-by", Note::Kind("supporting")),
        };
        let child = view.files.get(edge.file).map_or("", |file| file.id.as_str());
        let parent = view.component_id(edge.component);
        // Read from a document, which is the only file that speaks of it.
        if view.component(edge.component).is_some_and(|component| component.found_by == "sbom-cataloger") {
            edges.push(Edge { parent, child, kind: "described-by", note: Note::None });
        }
        edges.push(Edge { parent, child, kind, note });
    }
    edges.sort_unstable();
    edges
}

/// The files by which one component owns another: those it owns and in which the other was found.
fn overlap<'a>(view: &View<'a>, relation: &Relationship) -> Note<'a> {
    if relation.kind != RelationshipKind::OwnershipByFileOverlap {
        return Note::None;
    }
    let (Some(owner), Some(owned)) = (view.component(relation.from), view.component(relation.to)) else {
        return Note::None;
    };
    let found_in: HashSet<&str> =
        owned.locations.iter().flat_map(|at| [at.path.as_str(), at.access_path.as_str()]).collect();
    let mut files: Vec<&str> =
        owner.owned_files.iter().map(String::as_str).filter(|path| found_in.contains(path)).collect();
    files.sort_unstable();
    files.dedup();
    if files.is_empty() { Note::None } else { Note::Files(files) }
}

fn file(json: &mut JsonWriter<'_>, view: &View<'_>, entry: &FileEntry<'_>) {
    json.text_member("id", &entry.id);
    json.member("location").object(|json| coordinates(json, entry.path, view.layer_digest(entry.layer)));
    let details = entry.fact.and_then(|fact| fact.details.as_deref());
    if let Some(fact) = entry.fact
        && !details.is_some_and(|details| details.unmeasured)
    {
        json.member("metadata").object(|json| file_metadata(json, fact));
    }
    if let Some(details) = details {
        json.optional_text("contents", &details.contents);
    }
    if let Some(fact) = entry.fact {
        digests(json, &crate::digests::of_file(fact));
    }
    if let Some(details) = details {
        for (name, value) in [("licenses", &details.licenses), ("executable", &details.executable)] {
            if !value.is_empty() {
                json.member(name).raw(value);
            }
        }
    }
    if !entry.unknowns.is_empty() {
        json.texts("unknowns", &entry.unknowns);
    }
}

fn file_metadata(json: &mut JsonWriter<'_>, fact: &FileFact) {
    json.member("mode").number(octal_digits(go_file_mode(fact)));
    json.text_member(
        "type",
        match fact.kind {
            FileKind::Regular => "RegularFile",
            FileKind::Directory => "Directory",
            FileKind::Symlink => "SymbolicLink",
            FileKind::HardLink => "HardLink",
            FileKind::CharacterDevice => "CharacterDevice",
            FileKind::BlockDevice => "BlockDevice",
            FileKind::Fifo => "FIFONode",
            FileKind::Socket => "Socket",
            FileKind::Irregular => "IrregularFile",
        },
    );
    json.optional_text("linkDestination", &fact.link_target);
    json.member("userID").number(fact.uid);
    json.member("groupID").number(fact.gid);
    json.text_member("mimeType", &fact.mime_type);
    json.member("size").number(fact.size_bytes);
}

/// The mode as Go's `io/fs.FileMode` has it: the kind of the file and set-id bits are in the high bits.
fn go_file_mode(fact: &FileFact) -> u32 {
    let kind = match fact.kind {
        FileKind::Directory => 1 << 31,
        FileKind::Symlink => 1 << 27,
        FileKind::BlockDevice => 1 << 26,
        FileKind::Fifo => 1 << 25,
        FileKind::Socket => 1 << 24,
        FileKind::CharacterDevice => (1 << 26) | (1 << 21),
        FileKind::Irregular => 1 << 19,
        FileKind::Regular | FileKind::HardLink => 0,
    };
    let special = [(0o4000, 1 << 23), (0o2000, 1 << 22), (0o1000, 1 << 20)];
    special.iter().filter(|(unix, _)| fact.mode & unix != 0).fold(kind | (fact.mode & 0o777), |mode, (_, go)| mode | go)
}

/// `0o755` as the number 755.
fn octal_digits(mode: u32) -> u64 {
    let digits = (0..11).map(|place| u64::from((mode >> (3 * place)) & 7) * 10_u64.pow(place));
    digits.sum()
}

fn digests(json: &mut JsonWriter<'_>, digests: &[Digest]) {
    if digests.is_empty() {
        return;
    }
    json.objects("digests", digests, |json, digest| {
        json.text_member("algorithm", &digest.algorithm);
        json.text_member("value", &digest.hex);
    });
}

fn source(json: &mut JsonWriter<'_>, source: &Source, id: &str) {
    json.text_member("id", id);
    json.text_member("name", &source.name);
    json.text_member("version", &source.version);
    json.optional_text("supplier", &source.supplier);
    match source.kind {
        SourceKind::Image => {
            json.text_member("type", "image");
            json.member("metadata").object(|json| image(json, source));
        }
        SourceKind::Directory => {
            json.text_member("type", "directory");
            json.member("metadata").object(|json| json.text_member("path", &source.user_input));
        }
        SourceKind::File => {
            json.text_member("type", "file");
            json.member("metadata").object(|json| {
                json.text_member("path", &source.user_input);
                digests(json, &source.digests);
                json.text_member("mimeType", &source.mime_type);
            });
        }
        SourceKind::Document => {
            json.text_member("type", "");
            json.member("metadata").null();
        }
    }
}

fn image(json: &mut JsonWriter<'_>, source: &Source) {
    json.text_member("userInput", &source.user_input);
    json.text_member("imageID", &source.image_id);
    json.text_member("manifestDigest", &source.manifest_digest);
    json.text_member("mediaType", &source.media_type);
    json.texts("tags", &source.tags);
    let size: u64 = source.layers.iter().fold(0, |sum, layer| sum.saturating_add(layer.size_bytes));
    json.member("imageSize").number(size);
    json.objects("layers", &source.layers, |json, layer| {
        json.text_member("mediaType", &layer.media_type);
        json.text_member("digest", &layer.digest);
        json.member("size").number(layer.size_bytes);
    });
    json.text_member("manifest", &BASE64.encode(&source.manifest));
    json.text_member("config", &BASE64.encode(&source.config));
    json.texts("repoDigests", &source.repo_digests);
    json.text_member("architecture", &source.architecture);
    json.optional_text("architectureVariant", &source.variant);
    json.text_member("os", &source.os);
    for (name, map) in [("labels", &source.labels), ("annotations", &source.annotations)] {
        if !map.is_empty() {
            json.member(name).object(|json| map.iter().for_each(|(key, value)| json.text_member(key, value)));
        }
    }
}

fn distro(json: &mut JsonWriter<'_>, distro: Option<&Distro>) {
    let Some(distro) = distro else { return };
    json.optional_text("prettyName", &distro.pretty_name);
    json.optional_text("name", &distro.name);
    json.optional_text("id", &distro.id);
    if !distro.id_like.is_empty() {
        json.texts("idLike", &distro.id_like);
    }
    json.optional_text("version", &distro.version);
    json.optional_text("versionID", &distro.version_id);
    json.optional_text("versionCodename", &distro.version_codename);
    json.optional_text("buildID", &distro.build_id);
    json.optional_text("imageID", &distro.image_id);
    json.optional_text("imageVersion", &distro.image_version);
    json.optional_text("variant", &distro.variant);
    json.optional_text("variantID", &distro.variant_id);
    json.optional_text("homeURL", &distro.home_url);
    json.optional_text("supportURL", &distro.support_url);
    json.optional_text("bugReportURL", &distro.bug_report_url);
    json.optional_text("privacyPolicyURL", &distro.privacy_policy_url);
    json.optional_text("cpeName", &distro.cpe_name);
    json.optional_text("supportEnd", &distro.support_end);
    if distro.extended_support {
        json.member("extendedSupport").flag(true);
    }
}

fn descriptor(json: &mut JsonWriter<'_>, document: &Document) {
    let descriptor = &document.descriptor;
    json.text_member("name", &descriptor.name);
    json.text_member("version", &descriptor.version);
    if !descriptor.configuration.is_empty() {
        json.member("configuration").raw(&descriptor.configuration);
    }
}
