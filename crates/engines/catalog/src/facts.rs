//! What is known about one layer (or one folder) after its files passed by once.

use crate::Extraction;
use sbom::{FileFact, Unknown};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The facts of one layer. Serializable: this is what the layer cache holds.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct LayerFacts {
    /// Every entry of the layer, whiteouts excepted, sorted by path.
    pub entries: Vec<FileFact>,
    /// What the catalogers took from the entries, in the order of `entries`.
    pub extractions: Vec<Extracted>,
    /// Absolute paths that this layer removes from those below.
    pub whiteouts: Vec<String>,
    /// Absolute paths of folders whose content below this layer is hidden.
    pub opaque: Vec<String>,
    /// What could not be understood.
    pub unknowns: Vec<Unknown>,
    /// `sha256:...` of the uncompressed tar; empty for folders.
    pub diff_id: String,
}

/// One file's extraction by one cataloger.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Extracted {
    /// Index into [`LayerFacts::entries`].
    pub entry: u32,
    /// [`Cataloger::name`](crate::Cataloger::name).
    pub cataloger: Cow<'static, str>,
    /// What it took.
    pub body: Extraction,
}
