//! The component graph of an image or a folder, and the documents it is written as.
//!
//! [`model`] is what the rest of the house works with. The other modules turn a [`Document`] into bytes and
//! bytes into a [`Document`]; they do no I/O and read no clock.

pub mod license;
pub mod model;

mod backfill;
mod builder;
mod component_ids;
mod cyclonedx;
mod decode;
mod digests;
mod ecosystem;
mod encode;
mod format;
mod github;
mod identity;
mod json;
mod lists;
mod maker;
mod party;
mod record;
mod spdx;
mod syft_json;
mod table;
mod text;
mod view;
mod xml;

pub use component_ids::component_ids;
pub use decode::{DecodeError, MAX_COMPONENTS, MAX_DEPTH, MAX_DOCUMENT_BYTES, MAX_FILES, decode, detect};
pub use ecosystem::kind_of_target_software;
pub use encode::{EncodeError, EncodeOptions, encode};
pub use format::{CycloneDxVersion, Format, SpdxVersion};

pub use model::{
    Component, ComponentIndex, Cpe, CpeSource, Descriptor, Digest, Distro, Document, FileDetails, FileFact, FileKind,
    Language, License, LicenseOrigin, Location, Metadata, PackageType, Relationship, RelationshipKind, Source,
    SourceKind, SourceLayer, Unknown, Upstream,
};
