//! From the facts of the layers to one document.

mod merge;
mod ownership;

use crate::cataloger::Visible;
use crate::tree::{Place, Tree};
use crate::{Assembly, Cataloger, Found, LayerFacts, Plan, View, distro, distro_files};
use foldhash::HashSet;
use rayon::prelude::*;
use sbom::{Component, CpeSource, Distro, Document, FileFact, FileKind, Relationship, Source, Unknown};
use std::sync::OnceLock;

/// Which files count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Scope {
    /// What a container would see.
    #[default]
    Squashed,
    /// Every file of every layer, also hidden ones.
    AllLayers,
    /// What a container would see, with the locations in every layer.
    DeepSquashed,
}

/// Which files stand in the document.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FileSelection {
    /// None.
    None,
    /// Those that packages own.
    #[default]
    OwnedByPackage,
    /// All.
    All,
}

/// How to assemble.
#[derive(Debug, Clone, Copy, Default)]
pub struct AssembleOptions {
    /// Which files count.
    pub scope: Scope,
    /// Which files stand in the document.
    pub files: FileSelection,
}

/// Turns the layers' facts (base first; one for a folder) into a document about `source`.
#[must_use]
pub fn assemble(source: Source, layers: &[LayerFacts], plan: &Plan, options: AssembleOptions) -> Document {
    let image = Image::new(layers, options.scope, source.layers.is_empty());
    let mut parts: Vec<Assembly> =
        plan.catalogers().par_iter().map(|cataloger| run(*cataloger, &image)).collect::<Vec<_>>();
    let unknowns = unknowns(&image, &mut parts);
    let (components, relationships) = deep_squashed(&image, plan, merge::merge(parts));
    let (components, relationships) = ownership::apply(&image, components, relationships);
    let mut document =
        Document { source, distro: image.distro.clone(), components, relationships, unknowns, ..Document::default() };
    merge::sort(&mut document);
    document.files = ownership::files(&image, &document.components, options.files);
    document
}

fn run(cataloger: &'static dyn Cataloger, image: &Image<'_>) -> Assembly {
    let mut assembly = Assembly::default();
    cataloger.assemble(&View { image, cataloger: cataloger.name() }, &mut assembly);
    for component in &mut assembly.components {
        if component.found_by.is_empty() {
            component.found_by = cataloger.name().into();
        }
        finish(component);
    }
    for unknown in &mut assembly.unknowns {
        unknown.cataloger = cataloger.name().to_owned();
    }
    assembly
}

/// What is the same for every component: licence expressions, CPE names, order.
fn finish(component: &mut Component) {
    for license in &mut component.licenses {
        if license.spdx_expression.is_empty() {
            license.spdx_expression = sbom::license::normalize(&license.value);
        }
    }
    // A package that states its own names knows best.
    if !component.cpes.iter().any(|cpe| cpe.source != CpeSource::Generated) {
        let generated = crate::cpe::generate(component);
        component.cpes.extend(generated);
    }
    component.owned_files.sort_unstable();
    component.owned_files.dedup();
}

fn unknowns(image: &Image<'_>, parts: &mut [Assembly]) -> Vec<Unknown> {
    let visible = image.layers.iter().enumerate().flat_map(|(index, layer)| {
        let layer_index = u32::try_from(index).unwrap_or(u32::MAX);
        layer.unknowns.iter().map(move |unknown| Unknown { layer: image.shown(layer_index), ..unknown.clone() })
    });
    let late = parts.iter_mut().flat_map(|part| std::mem::take(&mut part.unknowns));
    let mut all: Vec<Unknown> = visible.chain(late).collect();
    all.sort();
    all.dedup();
    all
}

/// The layers with their squashed trees.
pub(crate) struct Image<'a> {
    pub(crate) layers: &'a [LayerFacts],
    scope: Scope,
    /// A folder has no layers to name.
    is_folder: bool,
    /// The tree as of each layer; the last is the whole image.
    trees: Vec<OnceLock<Tree<'a>>>,
    empty: Tree<'a>,
    distro: Option<Distro>,
}

impl<'a> Image<'a> {
    fn new(layers: &'a [LayerFacts], scope: Scope, is_folder: bool) -> Self {
        let trees = layers.iter().map(|_| OnceLock::new()).collect();
        let empty = Tree::squash(&[]);
        let mut image = Self { layers, scope, is_folder, trees, empty, distro: None };
        image.distro = image.read_distro();
        image
    }

    /// The distribution, from the files that [`crate::distro_files`] kept.
    fn read_distro(&self) -> Option<Distro> {
        let mut distro = distro::PATHS.iter().find_map(|path| distro::parse(path, self.distro_file(path)?))?;
        if let Some(version) = self.distro_file(distro::DEBIAN_VERSION) {
            distro::refine(&mut distro, version);
        }
        distro.extended_support |= self
            .extractions(distro_files::NAME)
            .iter()
            .any(|found| distro::has_extended_support(&distro, &found.file.path, &found.body.kept));
        Some(distro)
    }

    fn distro_file(&self, path: &str) -> Option<&'a [u8]> {
        let place = self.whole().resolve(path)?;
        self.extraction(self.whole(), place, distro_files::NAME).map(|found| found.body.kept.as_slice())
    }

    /// The whole image.
    pub(crate) fn whole(&self) -> &Tree<'a> {
        match self.layers.len().checked_sub(1) {
            Some(top) => self.tree(top),
            None => &self.empty,
        }
    }

    fn tree(&self, layer: usize) -> &Tree<'a> {
        match self.trees.get(layer) {
            Some(tree) => tree.get_or_init(|| Tree::squash(self.layers.get(..=layer).unwrap_or_default())),
            None => &self.empty,
        }
    }

    /// The tree from which a file of `layer` sees its neighbours.
    fn seen_from(&self, layer: Option<u32>) -> &Tree<'a> {
        match (self.scope, layer) {
            (Scope::Squashed, _) | (_, None) => self.whole(),
            (_, Some(layer)) => self.tree(layer as usize),
        }
    }

    /// The layer of `place`, as documents name it.
    fn layer_of(&self, place: Place) -> Option<u32> {
        self.shown(place.layer)
    }

    fn shown(&self, layer: u32) -> Option<u32> {
        (!self.is_folder).then_some(layer)
    }

    fn extraction(&self, tree: &Tree<'a>, place: Place, cataloger: &str) -> Option<Found<'a>> {
        let extracted = tree.extracted(place).iter().find(|extracted| extracted.cataloger == cataloger)?;
        Some(Found { file: tree.entry(place)?, layer: self.shown(place.layer), body: &extracted.body })
    }

    fn places(&self) -> Vec<Place> {
        if self.scope == Scope::Squashed {
            return self.whole().all().to_vec();
        }
        let number = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
        let layers = self.layers.iter().enumerate();
        layers
            .flat_map(|(layer, facts)| {
                (0..facts.entries.len()).map(move |entry| Place { layer: number(layer), entry: number(entry) })
            })
            .collect()
    }
}

impl Visible for Image<'_> {
    fn distro(&self) -> Option<&Distro> {
        self.distro.as_ref()
    }

    fn extractions(&self, cataloger: &'static str) -> Vec<Found<'_>> {
        let whole = self.whole();
        let mut found: Vec<Found<'_>> = self
            .layers
            .iter()
            .enumerate()
            .flat_map(|(layer, facts)| {
                let layer = u32::try_from(layer).unwrap_or(u32::MAX);
                facts.extractions.iter().filter_map(move |extracted| {
                    let place = Place { layer, entry: extracted.entry };
                    let in_scope =
                        extracted.cataloger == cataloger && (self.scope != Scope::Squashed || whole.shows(place));
                    let file = whole.entry(place).filter(|_| in_scope)?;
                    Some(Found { file, layer: self.shown(layer), body: &extracted.body })
                })
            })
            .collect();
        found.sort_by(|a, b| (&a.file.path, a.layer).cmp(&(&b.file.path, b.layer)));
        found
    }

    fn beside(&self, cataloger: &'static str, layer: Option<u32>, path: &str) -> Option<Found<'_>> {
        let tree = self.seen_from(layer);
        self.extraction(tree, tree.resolve(path)?, cataloger)
    }

    fn file(&self, layer: Option<u32>, path: &str) -> Option<(&FileFact, Option<u32>)> {
        let tree = self.seen_from(layer);
        let place = tree.resolve(path)?;
        Some((tree.entry(place)?, self.shown(place.layer)))
    }

    fn under(&self, layer: Option<u32>, folder: &str) -> Vec<(&FileFact, Option<u32>)> {
        let tree = self.seen_from(layer);
        let places = tree.under(folder).iter();
        places.filter_map(|place| Some((tree.entry(*place)?, self.shown(place.layer)))).collect()
    }

    fn layer_digest(&self, layer: Option<u32>) -> &str {
        layer.and_then(|layer| self.layers.get(layer as usize)).map_or("", |layer| layer.diff_id.as_str())
    }
}

/// For [`Scope::DeepSquashed`]: of the components of all layers, those that a container would see.
fn deep_squashed(image: &Image<'_>, plan: &Plan, graph: Graph) -> Graph {
    if image.scope != Scope::DeepSquashed {
        return graph;
    }
    let visible = Image::new(image.layers, Scope::Squashed, image.is_folder);
    let (visible, _) = merge::merge(plan.catalogers().iter().map(|cataloger| run(*cataloger, &visible)).collect());
    let visible: HashSet<merge::Identity> = visible.iter().map(merge::identity).collect();
    let keep: Vec<bool> = graph.0.iter().map(|component| visible.contains(&merge::identity(component))).collect();
    merge::retain(graph, &keep)
}

/// The regular files of the scope, with their layers.
fn regular_files<'a>(image: &'a Image<'_>) -> impl Iterator<Item = FileFact> + 'a {
    let is_regular = |place: &Place| image.whole().entry(*place).is_some_and(|entry| entry.kind == FileKind::Regular);
    image.places().into_iter().filter(is_regular).filter_map(|place| ownership::fact(image, place))
}

/// Components and the relations between them, indices into the components.
type Graph = (Vec<Component>, Vec<Relationship>);
