//! A document prepared for writing: every component, file and source has its identifier, files are joined from the
//! facts, the locations and the unknowns, and relations to files are derived. All formats write from this.

use crate::identity::StableHash;
use crate::{Component, ComponentIndex, Document, FileFact, Location, Unknown};
use foldhash::{HashMap, HashSet};
use std::borrow::Cow;

/// What every format writes from.
pub(crate) struct View<'d> {
    pub(crate) document: &'d Document,
    /// Every file that has facts, is evidence of a component, or could not be understood; by layer, then path.
    pub(crate) files: Vec<FileEntry<'d>>,
    /// Relations from components to files; by component, then kind, then file.
    pub(crate) file_edges: Vec<FileEdge>,
    /// Identifier of the source.
    pub(crate) source_id: Cow<'d, str>,
    /// Identifier of the source among the components and files, for formats that have them in one space.
    pub(crate) root_id: String,
    component_ids: Vec<Cow<'d, str>>,
}

/// One file of the document.
pub(crate) struct FileEntry<'d> {
    pub(crate) path: &'d str,
    pub(crate) layer: Option<u32>,
    /// Sixteen hexadecimal digits.
    pub(crate) id: String,
    pub(crate) fact: Option<&'d FileFact>,
    /// Why it could not be understood: `cataloger: cause`, as Syft words it.
    pub(crate) unknowns: Vec<String>,
}

/// A relation from a component to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FileEdge {
    pub(crate) component: ComponentIndex,
    pub(crate) kind: FileRelation,
    /// Index into [`View::files`].
    pub(crate) file: usize,
}

/// How a component relates to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FileRelation {
    /// The package manager says that the file belongs to the package.
    Contains,
    /// The file is the one that the facts were read from.
    PrimaryEvidence,
    /// The file supports the facts.
    SupportingEvidence,
}

type Place<'d> = (Option<u32>, &'d str);

impl<'d> View<'d> {
    pub(crate) fn new(document: &'d Document) -> Self {
        let mut taken =
            HashSet::with_capacity_and_hasher(document.components.len() + document.files.len(), Default::default());
        let component_ids = component_ids(document, &mut taken);
        let source_id = match document.source.id.as_str() {
            "" => Cow::Owned(source_hash(document).hex()),
            id => Cow::Borrowed(id),
        };
        let (files, places) = join_files(document, &mut taken);
        let file_edges = file_edges(document, &places);
        let root_id = reserve(StableHash::new("root").text(&source_id).hex().into(), &mut taken).into_owned();
        Self { document, files, file_edges, source_id, root_id, component_ids }
    }

    /// The identifier of a component; empty for an index that points nowhere.
    pub(crate) fn component_id(&self, index: ComponentIndex) -> &str {
        self.component_ids.get(index.0 as usize).map_or("", AsRef::as_ref)
    }

    /// The components with their identifiers.
    pub(crate) fn components(&self) -> impl Iterator<Item = (ComponentIndex, &'d Component, &str)> {
        let indexes = (0..).map(ComponentIndex);
        indexes.zip(&self.document.components).zip(&self.component_ids).map(|((index, c), id)| (index, c, id.as_ref()))
    }

    /// A component by its index.
    pub(crate) fn component(&self, index: ComponentIndex) -> Option<&'d Component> {
        self.document.components.get(index.0 as usize)
    }

    /// The diffID of a layer; empty for folders.
    pub(crate) fn layer_digest(&self, layer: Option<u32>) -> &'d str {
        layer.and_then(|index| self.document.source.layers.get(index as usize)).map_or("", |layer| &layer.digest)
    }

    /// A hash of everything a reader of the document would notice.
    pub(crate) fn content_hash(&self, domain: &str) -> u64 {
        let descriptor = &self.document.descriptor;
        let mut hash = StableHash::new(domain)
            .text(&self.source_id)
            .text(&self.document.source.name)
            .text(&self.document.source.version)
            .text(&self.document.source.supplier)
            .text(&descriptor.name)
            .text(&descriptor.version)
            .text(&descriptor.created);
        for (_, component, id) in self.components() {
            hash = hash.text(id).text(&component.purl).text(&component.found_by);
            hash = component.cpes.iter().fold(hash, |hash, cpe| hash.text(&cpe.name));
        }
        for relation in &self.document.relationships {
            hash = hash.number(u64::from(relation.from.0)).number(u64::from(relation.to.0));
            hash = hash.number(relation.kind as u64);
        }
        for file in &self.files {
            hash = hash.text(&file.id).bytes(file.fact.map_or(&[], |fact| &fact.sha256));
            hash = file.unknowns.iter().fold(hash, |hash, cause| hash.text(cause));
        }
        hash.finish()
    }
}

/// The identifiers of the components, in their order.
pub(crate) fn component_ids<'d>(document: &'d Document, taken: &mut HashSet<Cow<'d, str>>) -> Vec<Cow<'d, str>> {
    let wanted = document.components.iter().map(|component| match component.id.as_str() {
        "" => Cow::Owned(component_hash(component).hex()),
        id => Cow::Borrowed(id),
    });
    wanted.map(|wanted| reserve(wanted, taken)).collect()
}

/// What makes a component that component: not who found it, nor what can be derived (purl, CPEs).
fn component_hash(component: &Component) -> StableHash {
    let mut hash = StableHash::new("component")
        .text(&component.name)
        .text(&component.version)
        .text(component.kind.as_str())
        .number(component.locations.len() as u64);
    for location in &component.locations {
        hash = hash.text(&location.path).text(&location.access_path);
    }
    hash = hash.number(component.licenses.len() as u64);
    for license in &component.licenses {
        hash = hash.text(&license.value).text(&license.spdx_expression).number(license.origin as u64);
    }
    match &component.metadata {
        Some(metadata) => hash.text(&metadata.kind).text(&metadata.json),
        None => hash,
    }
}

fn source_hash(document: &Document) -> StableHash {
    let source = &document.source;
    let hash = StableHash::new("source").text(&source.manifest_digest).text(&source.image_id);
    hash.text(&source.name).text(&source.version).text(&source.user_input)
}

/// Gives out `wanted`, or, where something else has it already, an identifier made from it.
fn reserve<'d>(wanted: Cow<'d, str>, taken: &mut HashSet<Cow<'d, str>>) -> Cow<'d, str> {
    if taken.insert(wanted.clone()) {
        return wanted;
    }
    let mut ordinal = 1;
    loop {
        let other: Cow<'d, str> = Cow::Owned(StableHash::new("again").text(&wanted).number(ordinal).hex());
        if taken.insert(other.clone()) {
            return other;
        }
        ordinal += 1;
    }
}

fn join_files<'d>(
    document: &'d Document,
    taken: &mut HashSet<Cow<'d, str>>,
) -> (Vec<FileEntry<'d>>, HashMap<Place<'d>, usize>) {
    let mut files: Vec<FileEntry<'d>> = Vec::with_capacity(document.files.len());
    let mut places: HashMap<Place<'d>, usize> =
        HashMap::with_capacity_and_hasher(document.files.len(), Default::default());
    let mut at = |place: Place<'d>, files: &mut Vec<FileEntry<'d>>| {
        *places.entry(place).or_insert_with(|| {
            let (layer, path) = place;
            files.push(FileEntry { path, layer, id: String::new(), fact: None, unknowns: Vec::new() });
            files.len() - 1
        })
    };
    for fact in &document.files {
        let index = at((fact.layer, &fact.path), &mut files);
        if let Some(file) = files.get_mut(index) {
            file.fact = Some(fact);
        }
    }
    for location in document.components.iter().flat_map(|component| &component.locations) {
        at((location.layer, &location.path), &mut files);
    }
    let known: HashSet<Place<'_>> = files.iter().map(|file| (file.layer, file.path)).collect();
    for unknown in &document.unknowns {
        let (path, inner) = archive_and_entry(unknown, &known);
        let index = at((unknown.layer, path), &mut files);
        if let Some(file) = files.get_mut(index) {
            file.unknowns.push(cause(unknown, inner));
        }
    }
    files.sort_by(|a, b| place_order(a).cmp(&place_order(b)));
    places.clear();
    for (index, file) in files.iter_mut().enumerate() {
        let layer = file.layer.and_then(|layer| document.source.layers.get(layer as usize));
        let hash = StableHash::new("file").text(file.path).text(layer.map_or("", |layer| &layer.digest));
        file.id = reserve(Cow::Owned(hash.hex()), taken).into_owned();
        places.insert((file.layer, file.path), index);
    }
    (files, places)
}

/// Layers from the base up, then files of no known layer; by path within.
fn place_order<'a>(file: &FileEntry<'a>) -> (u32, &'a str) {
    (file.layer.unwrap_or(u32::MAX), file.path)
}

/// Splits `/app.war:WEB-INF/lib/a.jar` where `/app.war` is a file of the document.
fn archive_and_entry<'d>(unknown: &'d Unknown, known: &HashSet<Place<'_>>) -> (&'d str, &'d str) {
    let path = unknown.path.as_str();
    if known.contains(&(unknown.layer, path)) {
        return (path, "");
    }
    path.match_indices(':')
        .map(|(at, _)| path.split_at(at))
        .find(|(archive, _)| known.contains(&(unknown.layer, *archive)))
        .map_or((path, ""), |(archive, inner)| (archive, inner.trim_start_matches(':')))
}

fn cause(unknown: &Unknown, inner: &str) -> String {
    let mut text = String::new();
    for part in [unknown.cataloger.as_str(), inner] {
        if !part.is_empty() {
            text.push_str(part);
            text.push_str(": ");
        }
    }
    text + &unknown.cause
}

fn file_edges(document: &Document, places: &HashMap<Place<'_>, usize>) -> Vec<FileEdge> {
    let mut by_path: HashMap<&str, Vec<Option<u32>>> =
        HashMap::with_capacity_and_hasher(document.files.len(), Default::default());
    for fact in &document.files {
        by_path.entry(&fact.path).or_default().push(fact.layer);
    }
    let mut edges = Vec::new();
    for (index, component) in (0..).map(ComponentIndex).zip(&document.components) {
        let mut add = |kind, layer, path: &str| {
            if let Some(&file) = places.get(&(layer, path)) {
                edges.push(FileEdge { component: index, kind, file });
            }
        };
        for path in &component.owned_files {
            for layer in by_path.get(path.as_str()).into_iter().flatten() {
                add(FileRelation::Contains, *layer, path);
            }
        }
        for location in &component.locations {
            add(evidence(location), location.layer, &location.path);
        }
    }
    edges.sort_unstable();
    edges.dedup();
    edges
}

fn evidence(location: &Location) -> FileRelation {
    if location.primary { FileRelation::PrimaryEvidence } else { FileRelation::SupportingEvidence }
}
