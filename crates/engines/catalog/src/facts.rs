//! What is known about one layer (or one folder) after its files passed by once.

use crate::Extraction;
use sbom::{FileFact, Unknown};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Names the sources that facts are made by: facts that another one made may differ in content and form.
pub const SOURCES: &str = env!("CATALOG_SOURCES");

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

impl LayerFacts {
    /// Leaves out the entries of which `keep` (given the absolute path) says no, and what was taken from them.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        let kept: Vec<bool> = self.entries.iter().map(|entry| keep(&entry.path)).collect();
        let places: Vec<u32> = kept
            .iter()
            .scan(0, |next, kept| {
                let place = *next;
                *next += u32::from(*kept);
                Some(place)
            })
            .collect();
        let is_kept = |entry: u32| kept.get(entry as usize).copied().unwrap_or_default();
        self.extractions.retain(|extracted| is_kept(extracted.entry));
        for extracted in &mut self.extractions {
            extracted.entry = places.get(extracted.entry as usize).copied().unwrap_or(u32::MAX);
        }
        let mut kept = kept.iter();
        self.entries.retain(|_| kept.next().copied().unwrap_or_default());
        self.unknowns.retain(|unknown| keep(&unknown.path));
    }

    /// These facts and `more`, which win where both tell of a path.
    pub(crate) fn with(mut self, more: Self) -> Self {
        let shift = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        self.entries.extend(more.entries);
        let shifted = |extracted: Extracted| Extracted { entry: extracted.entry.saturating_add(shift), ..extracted };
        self.extractions.extend(more.extractions.into_iter().map(shifted));
        self.unknowns.extend(more.unknowns);
        self.sorted()
    }

    /// Sorts the entries by path, the last of equal paths winning, and makes the extractions follow.
    pub(crate) fn sorted(mut self) -> Self {
        let mut order: Vec<u32> = (0..u32::try_from(self.entries.len()).unwrap_or(u32::MAX)).collect();
        let path = |index: &u32| self.entries.get(*index as usize).map(|entry| entry.path.as_str());
        order.sort_by(|a, b| path(a).cmp(&path(b)).then(b.cmp(a)));
        order.dedup_by(|later, kept| path(later) == path(kept));
        let mut place = vec![u32::MAX; self.entries.len()];
        for (new, old) in order.iter().enumerate() {
            if let Some(place) = place.get_mut(*old as usize) {
                *place = u32::try_from(new).unwrap_or(u32::MAX);
            }
        }
        let mut entries: Vec<Option<FileFact>> = self.entries.into_iter().map(Some).collect();
        self.entries = order.iter().filter_map(|old| entries.get_mut(*old as usize)?.take()).collect();
        for extracted in &mut self.extractions {
            extracted.entry = place.get(extracted.entry as usize).copied().unwrap_or(u32::MAX);
        }
        self.extractions.retain(|extracted| extracted.entry != u32::MAX);
        self.extractions.sort_by(|a, b| (a.entry, &a.cataloger).cmp(&(b.entry, &b.cataloger)));
        self.unknowns.sort();
        self.unknowns.dedup();
        self
    }
}
