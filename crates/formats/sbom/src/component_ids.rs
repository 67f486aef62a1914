//! Identifiers of components, for documents that speak of components of another document.

use crate::Document;
use crate::view::View;

/// The identifiers under which every format writes the components of a document, in their order.
#[must_use]
pub fn component_ids(document: &Document) -> Vec<String> {
    View::new(document).components().map(|(_, _, id)| id.to_owned()).collect()
}
