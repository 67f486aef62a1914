//! Syft's own JSON, the form that loses nothing (schema 16.1.13, `syft/format/syftjson` 1.57).

mod legacy;
mod read;
mod write;

pub(crate) use read::{decode, schema_version};
pub(crate) use write::encode;

/// Version of the schema that is written. Every older one is read.
pub(crate) const SCHEMA_VERSION: &str = "16.1.13";
