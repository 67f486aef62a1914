//! The parts of an SPDX document that are read, the same for all notations. Texts that say `NOASSERTION` are kept.

/// A document.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) created: String,
    /// `Tool: name-version`, `Organization: ...`.
    pub(super) creators: Vec<String>,
    /// Identifiers that the document describes, where it says so without a relation.
    pub(super) described: Vec<String>,
    pub(super) packages: Vec<RawPackage>,
    pub(super) files: Vec<RawFile>,
    pub(super) licenses: Vec<RawLicense>,
    pub(super) relationships: Vec<RawRelationship>,
    pub(super) annotations: Vec<RawAnnotation>,
}

#[derive(Default)]
pub(super) struct RawPackage {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) version: String,
    /// `Person: name (address)`.
    pub(super) supplier: String,
    pub(super) originator: String,
    pub(super) homepage: String,
    pub(super) source_info: String,
    pub(super) description: String,
    pub(super) license_concluded: String,
    pub(super) license_declared: String,
    pub(super) purpose: String,
    pub(super) checksums: Vec<RawChecksum>,
    /// Type and locator.
    pub(super) references: Vec<(String, String)>,
    /// Identifiers of files that it contains.
    pub(super) files: Vec<String>,
}

pub(super) struct RawChecksum {
    pub(super) algorithm: String,
    pub(super) value: String,
}

#[derive(Default)]
pub(super) struct RawFile {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) comment: String,
    pub(super) types: Vec<String>,
    pub(super) checksums: Vec<RawChecksum>,
}

/// A licence that is not on the list.
#[derive(Default)]
pub(super) struct RawLicense {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) text: String,
}

#[derive(Default)]
pub(super) struct RawRelationship {
    pub(super) from: String,
    pub(super) kind: String,
    pub(super) to: String,
    pub(super) comment: String,
}

/// What is said about an element.
#[derive(Default)]
pub(super) struct RawAnnotation {
    pub(super) subject: String,
    pub(super) annotator: String,
    pub(super) text: String,
}
