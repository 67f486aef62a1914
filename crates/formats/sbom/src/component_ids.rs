//! Identifiers of components, for documents that speak of components of another document.

use crate::Document;
use crate::view::component_ids as component_ids_of;
use foldhash::HashSet;
use std::borrow::Cow;

/// The identifiers under which every format writes the components of a document, in their order.
#[must_use]
pub fn component_ids(document: &Document) -> Vec<String> {
    component_ids_of(document, &mut HashSet::default()).into_iter().map(Cow::into_owned).collect()
}
