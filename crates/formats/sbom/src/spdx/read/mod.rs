//! SPDX to the component model. The three notations are read into the same parts, which [`model`] brings into the model.

mod json;
mod model;
mod raw;
mod tag_value;
mod v3;

pub(crate) use tag_value::version as tag_value_version;
pub(crate) use v3::context_version;

use crate::Document;
use crate::decode::DecodeError;

/// Reads JSON of version 2.
pub(crate) fn decode_json(bytes: &[u8]) -> Result<Document, DecodeError> {
    model::document(json::parts(bytes)?)
}

/// Reads tag-value.
pub(crate) fn decode_tag_value(bytes: &[u8]) -> Result<Document, DecodeError> {
    model::document(tag_value::parts(bytes)?)
}

/// Reads JSON-LD of version 3.
pub(crate) fn decode_v3(bytes: &[u8]) -> Result<Document, DecodeError> {
    model::document(v3::parts(bytes)?)
}
