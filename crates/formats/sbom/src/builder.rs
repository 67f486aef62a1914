//! Puts a document together while it is read.

use crate::decode::{DecodeError, MAX_COMPONENTS, MAX_FILES};
use crate::{
    Component, ComponentIndex, Document, FileFact, Relationship, RelationshipKind, SourceKind, SourceLayer, Unknown,
    backfill,
};
use foldhash::{HashMap, HashSet};

/// Gathers components and files under the limits; [`Builder::finish`] brings them into the order of the model.
#[derive(Default)]
pub(crate) struct Builder {
    pub(crate) document: Document,
    layers: HashMap<String, u32>,
}

impl Builder {
    /// Adds a component, with what its purl and metadata say and the document does not.
    pub(crate) fn add(&mut self, mut component: Component) -> Result<ComponentIndex, DecodeError> {
        backfill::complete(&mut component);
        let index = self.document.components.len();
        if index >= MAX_COMPONENTS {
            return Err(DecodeError::TooMany { what: "components", limit: MAX_COMPONENTS });
        }
        self.document.components.push(component);
        Ok(ComponentIndex(u32::try_from(index).unwrap_or(u32::MAX)))
    }

    /// The component at an index given out by [`Builder::add`].
    pub(crate) fn component(&mut self, index: ComponentIndex) -> Option<&mut Component> {
        self.document.components.get_mut(index.0 as usize)
    }

    /// Adds the facts of a file.
    pub(crate) fn add_file(&mut self, file: FileFact) -> Result<(), DecodeError> {
        if self.document.files.len() >= MAX_FILES {
            return Err(DecodeError::TooMany { what: "files", limit: MAX_FILES });
        }
        self.document.files.push(file);
        Ok(())
    }

    /// Adds a file that could not be understood, from the one text that formats keep: `cataloger: cause`.
    pub(crate) fn add_unknown(&mut self, path: &str, layer: Option<u32>, text: &str) {
        let is_cataloger = |name: &str| {
            name.contains('-')
                && name.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'-' | b'0'..=b'9'))
        };
        let (cataloger, cause) = text.split_once(": ").filter(|(name, _)| is_cataloger(name)).unwrap_or(("", text));
        self.document.unknowns.push(Unknown {
            path: path.to_owned(),
            layer,
            cataloger: cataloger.to_owned(),
            cause: cause.to_owned(),
        });
    }

    /// Relates two components.
    pub(crate) fn relate(&mut self, kind: RelationshipKind, from: ComponentIndex, to: ComponentIndex) {
        self.document.relationships.push(Relationship { kind, from, to });
    }

    /// Adds a layer of the source.
    pub(crate) fn add_layer(&mut self, layer: SourceLayer) {
        let index = u32::try_from(self.document.source.layers.len()).unwrap_or(u32::MAX);
        self.layers.entry(layer.digest.clone()).or_insert(index);
        self.document.source.layers.push(layer);
    }

    /// The index of a layer by its digest; one that was not heard of is added.
    pub(crate) fn layer(&mut self, digest: &str) -> Option<u32> {
        if digest.is_empty() {
            return None;
        }
        if !self.layers.contains_key(digest) {
            self.add_layer(SourceLayer { digest: digest.to_owned(), ..SourceLayer::default() });
        }
        self.layers.get(digest).copied()
    }

    /// A document that is a bare list: nothing is known of its source.
    pub(crate) fn finish_as_list(mut self) -> Document {
        self.document.source.kind = SourceKind::Document;
        self.finish()
    }

    /// The document, sorted, with relations that point at the sorted components.
    pub(crate) fn finish(self) -> Document {
        let mut document = self.document;
        for component in &mut document.components {
            let mut seen = HashSet::with_capacity_and_hasher(component.owned_files.len(), Default::default());
            component.owned_files.retain(|path| seen.insert(path.clone()));
        }
        let mut order: Vec<usize> = (0..document.components.len()).collect();
        order.sort_by(|a, b| match (document.components.get(*a), document.components.get(*b)) {
            (Some(a), Some(b)) => component_order(a, b),
            _ => std::cmp::Ordering::Equal,
        });
        let mut moved = vec![ComponentIndex(0); order.len()];
        let mut slots: Vec<Option<Component>> = document.components.into_iter().map(Some).collect();
        document.components = Vec::with_capacity(slots.len());
        for (to, from) in order.into_iter().enumerate() {
            if let (Some(index), Some(component)) = (moved.get_mut(from), slots.get_mut(from).and_then(Option::take)) {
                *index = ComponentIndex(u32::try_from(to).unwrap_or(u32::MAX));
                document.components.push(component);
            }
        }
        let target = |index: ComponentIndex| moved.get(index.0 as usize).copied();
        document.relationships = document
            .relationships
            .into_iter()
            .filter_map(|edge| Some(Relationship { kind: edge.kind, from: target(edge.from)?, to: target(edge.to)? }))
            .collect();
        document.relationships.sort_unstable();
        document.relationships.dedup();
        document.files.sort_by(|a, b| a.path.cmp(&b.path).then(a.layer.cmp(&b.layer)));
        document.unknowns.sort();
        document
    }
}

/// Name, version, kind, then the paths it was found at (Syft, `pkg.Less`).
fn component_order(a: &Component, b: &Component) -> std::cmp::Ordering {
    let paths = |component: &Component| -> Vec<String> {
        component.locations.iter().map(|location| location.path.clone()).collect()
    };
    a.name
        .cmp(&b.name)
        .then_with(|| a.version.cmp(&b.version))
        .then_with(|| a.kind.as_str().cmp(b.kind.as_str()))
        .then_with(|| paths(a).cmp(&paths(b)))
}
