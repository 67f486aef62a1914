//! The interface that a cataloger implements, and what it is given.

use sbom::{Component, ComponentIndex, Distro, FileFact, Location, Relationship, RelationshipKind, Unknown};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Finds the packages of one ecosystem.
pub trait Cataloger: Send + Sync {
    /// The peer's name for it, for example `dpkg-db-cataloger`. Becomes `foundBy`.
    fn name(&self) -> &'static str;

    /// The kinds of source on which it runs by default.
    fn used_for(&self) -> UsedFor {
        UsedFor::Both
    }

    /// The peer's selection tags besides image/directory, for example `["package", "installed", "os", "linux", "debian"]`.
    fn tags(&self) -> &'static [&'static str];

    /// The files it wants to see.
    fn wants(&self) -> &'static [Want];

    /// Takes what matters from one file. Must not depend on other files. Called once for each wanted file, on any
    /// thread, with the whole content.
    ///
    /// # Errors
    /// Where the file is not what its name says. Whatever was put into `out` before is kept.
    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError>;

    /// Makes components from what is visible in the whole image. The default adds every extracted component with the
    /// file as its primary location.
    fn assemble(&self, view: &View<'_>, out: &mut Assembly) {
        for found in view.extractions() {
            out.add_extracted(&found);
        }
    }
}

/// The kinds of source on which a cataloger runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsedFor {
    /// Images only: what is installed.
    Image,
    /// Folders and files only: what is declared.
    Directory,
    /// Both.
    Both,
    /// Neither: only where it is asked for.
    Asked,
}

/// Which files a cataloger wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// Files whose path (without the leading `/`) matches: `**` any folders, `*` and `?` within a name, `{a,b}`, `[ab]`.
    Glob(&'static str),
    /// Regular files that begin like an ELF, PE or Mach-O (fat too) file.
    Executable,
}

/// A file that a cataloger asked for.
#[derive(Debug, Clone, Copy)]
pub struct File<'a> {
    /// Absolute path.
    pub path: &'a str,
    /// Permission bits.
    pub mode: u32,
    /// The whole content.
    pub bytes: &'a [u8],
}

impl<'a> File<'a> {
    /// The last part of the path.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.path.rsplit('/').next().unwrap_or(self.path)
    }

    /// The content as text; bytes that are not UTF-8 become U+FFFD.
    #[must_use]
    pub fn text(&self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.bytes)
    }
}

/// What one cataloger took from one file.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Extraction {
    /// Components; their locations stay empty for the file itself (assembly fills it in) or hold nested
    /// `access_path`s (`:inner.jar`, appended to the file's path).
    pub components: Vec<Component>,
    /// Relations between `components`.
    pub relationships: Vec<Relationship>,
    /// Anything else that the cataloger's `assemble` needs, in a form of its own (postcard or text).
    pub kept: Vec<u8>,
    /// Parts that could not be read, as (path inside the file or empty, cause).
    pub unknowns: Vec<(String, String)>,
}

impl Extraction {
    /// Adds a component.
    pub fn add(&mut self, component: Component) -> ComponentIndex {
        push(&mut self.components, component)
    }

    /// Records that `from` is needed by `to`.
    pub fn dependency(&mut self, from: ComponentIndex, to: ComponentIndex) {
        self.relationships.push(Relationship { kind: RelationshipKind::DependencyOf, from, to });
    }

    /// Fails where no component was taken from a file that is there to list some.
    pub(crate) fn not_empty(&self) -> Result<(), ParseError> {
        if self.components.is_empty() { Err(ParseError::malformed("unable to determine packages")) } else { Ok(()) }
    }

    /// Nothing was taken.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.components.is_empty() && self.kept.is_empty() && self.unknowns.is_empty()
    }
}

/// Why a file could not be understood. One line, no content of the file beyond a short token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// Not what its name says.
    #[error("{0}")]
    Malformed(String),
    /// Over a limit: which one, and its value.
    #[error("more than {limit} {what}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much is allowed.
        limit: u64,
    },
    /// Not JSON, or JSON of another shape.
    #[error("not the expected JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// Not readable as a stream (a compressed part, usually).
    #[error("not readable: {0}")]
    Io(#[from] std::io::Error),
}

impl ParseError {
    /// A malformed file.
    pub fn malformed(cause: impl Into<String>) -> Self {
        Self::Malformed(cause.into())
    }
}

/// The visible files of a source, as one cataloger may see them.
pub struct View<'a> {
    pub(crate) image: &'a dyn Visible,
    pub(crate) cataloger: &'static str,
}

/// What the squashed image answers; implemented by the assembly.
pub(crate) trait Visible {
    fn distro(&self) -> Option<&Distro>;
    fn extractions(&self, cataloger: &'static str) -> Vec<Found<'_>>;
    fn beside(&self, cataloger: &'static str, layer: Option<u32>, path: &str) -> Option<Found<'_>>;
    fn file(&self, layer: Option<u32>, path: &str) -> Option<(&FileFact, Option<u32>)>;
    fn under(&self, layer: Option<u32>, folder: &str) -> Vec<(&FileFact, Option<u32>)>;
    fn layer_digest(&self, layer: Option<u32>) -> &str;
}

/// A visible file and what the cataloger took from it.
#[derive(Clone, Copy)]
pub struct Found<'a> {
    /// The file.
    pub file: &'a FileFact,
    /// Index of the layer it is in.
    pub layer: Option<u32>,
    /// What was taken.
    pub body: &'a Extraction,
}

impl Found<'_> {
    /// The file as primary evidence.
    #[must_use]
    pub fn location(&self) -> Location {
        let path = self.file.path.clone();
        Location { access_path: path.clone(), path, layer: self.layer, primary: true, ..Location::default() }
    }

    /// The file as the place of a licence, which is no evidence of the package.
    #[must_use]
    pub fn unannotated(&self) -> Location {
        Location { unannotated: true, ..self.supporting() }
    }

    /// The file as supporting evidence.
    #[must_use]
    pub fn supporting(&self) -> Location {
        Location { primary: false, ..self.location() }
    }
}

impl<'a> View<'a> {
    /// The distribution.
    #[must_use]
    pub fn distro(&self) -> Option<&'a Distro> {
        self.image.distro()
    }

    /// Everything this cataloger extracted and that is in scope, by path.
    #[must_use]
    pub fn extractions(&self) -> Vec<Found<'a>> {
        self.image.extractions(self.cataloger)
    }

    /// What another cataloger extracted and that is in scope, by path.
    pub(crate) fn extractions_of(&self, cataloger: &'static str) -> Vec<Found<'a>> {
        self.image.extractions(cataloger)
    }

    /// What this cataloger extracted at the absolute `path`, as seen from `found`'s layer; symlinks are followed.
    #[must_use]
    pub fn beside(&self, found: &Found<'_>, path: &str) -> Option<Found<'a>> {
        self.image.beside(self.cataloger, found.layer, path)
    }

    /// The file at the absolute `path` and its layer, as seen from `found`'s layer; symlinks are followed.
    #[must_use]
    pub fn file(&self, found: &Found<'_>, path: &str) -> Option<(&'a FileFact, Option<u32>)> {
        self.image.file(found.layer, path)
    }

    /// The files below the absolute `folder`, as seen from `found`'s layer, by path.
    #[must_use]
    pub fn under(&self, found: &Found<'_>, folder: &str) -> Vec<(&'a FileFact, Option<u32>)> {
        self.image.under(found.layer, folder)
    }

    /// The visible files below the absolute `folder`, by path.
    pub(crate) fn whole_folder(&self, folder: &str) -> Vec<(&'a FileFact, Option<u32>)> {
        self.image.under(None, folder)
    }

    /// `sha256:...` of the uncompressed layer, for records that name it; empty for folders.
    #[must_use]
    pub fn layer_digest(&self, layer: Option<u32>) -> &'a str {
        self.image.layer_digest(layer)
    }
}

/// Where a cataloger puts its components.
#[derive(Debug, Default)]
pub struct Assembly {
    pub(crate) components: Vec<Component>,
    pub(crate) relationships: Vec<Relationship>,
    pub(crate) unknowns: Vec<Unknown>,
}

impl Assembly {
    /// Adds a component whose locations are complete.
    pub fn add(&mut self, component: Component) -> ComponentIndex {
        push(&mut self.components, component)
    }

    /// Adds all components and relations of one extraction; the file becomes their primary location.
    pub fn add_extracted(&mut self, found: &Found<'_>) {
        let base = u32::try_from(self.components.len()).unwrap_or(u32::MAX);
        for component in &found.body.components {
            let mut component = component.clone();
            if component.locations.is_empty() {
                component.locations.push(found.location());
            } else {
                for location in &mut component.locations {
                    location.path.clone_from(&found.file.path);
                    location.access_path.insert_str(0, &found.file.path);
                    location.layer = found.layer;
                }
            }
            self.components.push(component);
        }
        self.relationships.extend(found.body.relationships.iter().map(|edge| Relationship {
            kind: edge.kind,
            from: ComponentIndex(edge.from.0.saturating_add(base)),
            to: ComponentIndex(edge.to.0.saturating_add(base)),
        }));
    }

    /// The components so far.
    #[must_use]
    pub fn components(&self) -> &[Component] {
        &self.components
    }

    /// Records that `from` is needed by `to`.
    pub fn dependency(&mut self, from: ComponentIndex, to: ComponentIndex) {
        self.relationships.push(Relationship { kind: RelationshipKind::DependencyOf, from, to });
    }

    /// Records a file that could not be understood.
    pub fn unknown(&mut self, found: &Found<'_>, cause: impl Into<String>) {
        self.unknowns.push(Unknown {
            path: found.file.path.clone(),
            layer: found.layer,
            cataloger: String::new(),
            cause: cause.into(),
        });
    }
}

fn push(components: &mut Vec<Component>, component: Component) -> ComponentIndex {
    let index = ComponentIndex(u32::try_from(components.len()).unwrap_or(u32::MAX));
    components.push(component);
    index
}
