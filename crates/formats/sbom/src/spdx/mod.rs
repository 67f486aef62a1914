//! SPDX 2.1 to 2.3 and 3.0.1, in the shape of Syft 1.57. NTIA's minimum elements are complete: every package has a
//! supplier, a version, an identifier and a relation, if only to say that nothing is known.

mod build;
mod document;
mod facts;
mod ids;
mod json;
mod licenses;
mod namespace;
mod read;
mod tag_value;
mod v3;

use crate::encode::EncodeOptions;
use crate::format::SpdxVersion;
use crate::view::View;
use std::io::{self, Write};

pub(crate) use read::{context_version, decode_json, decode_tag_value, decode_v3, tag_value_version};

/// Writes JSON of version 2.
pub(crate) fn encode_json(
    view: &View<'_>,
    version: SpdxVersion,
    options: EncodeOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    json::write(&build::document(view, options), version, options.pretty, out)
}

/// Writes tag-value.
pub(crate) fn encode_tag_value(
    view: &View<'_>,
    version: SpdxVersion,
    options: EncodeOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    tag_value::write(&build::document(view, options), version, out)
}

/// Writes JSON-LD of version 3.
pub(crate) fn encode_v3(view: &View<'_>, options: EncodeOptions, out: &mut dyn Write) -> io::Result<()> {
    v3::write(&build::document(view, options), options.pretty, out)
}
