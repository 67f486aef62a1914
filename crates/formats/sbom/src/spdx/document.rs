//! The parts of an SPDX 2 document that are written, the same for JSON and tag-value. SPDX 3 is made from them too.

use std::borrow::Cow;

/// What is said where nothing is known.
pub(super) const NO_ASSERTION: &str = "NOASSERTION";

/// A document.
pub(super) struct SpdxDocument<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) namespace: String,
    pub(super) created: Cow<'a, str>,
    pub(super) organization: &'static str,
    /// `name-version`.
    pub(super) tool: String,
    /// The last one is the root.
    pub(super) packages: Vec<Package<'a>>,
    pub(super) files: Vec<File<'a>>,
    pub(super) licenses: Vec<ExtractedLicense<'a>>,
    pub(super) relationships: Vec<Relationship>,
}

/// A package. Empty texts are not stated.
#[derive(Default)]
pub(super) struct Package<'a> {
    pub(super) name: Cow<'a, str>,
    /// `SPDXRef-...`.
    pub(super) id: String,
    pub(super) version: Cow<'a, str>,
    pub(super) supplier: Option<Agent>,
    pub(super) originator: Option<Agent>,
    pub(super) download_location: Cow<'a, str>,
    /// For example `CONTAINER`; known from 2.3 on.
    pub(super) purpose: &'static str,
    /// Present where files of the package are in the document.
    pub(super) verification_code: Option<String>,
    pub(super) checksums: Vec<Checksum<'a>>,
    pub(super) homepage: Cow<'a, str>,
    pub(super) source_info: String,
    pub(super) license_concluded: String,
    pub(super) license_declared: String,
    pub(super) description: Cow<'a, str>,
    pub(super) cpes: Vec<&'a str>,
    pub(super) purl: Cow<'a, str>,
}

/// A person or an organization: `kind: name (address)`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Agent {
    pub(super) kind: &'static str,
    pub(super) name: String,
    pub(super) email: String,
}

impl Agent {
    /// `Person: name (address)`.
    pub(super) fn shown(&self) -> String {
        match (self.name.as_str(), self.email.as_str()) {
            (name, "") => format!("{}: {name}", self.kind),
            ("", email) => format!("{}: {email}", self.kind),
            (name, email) => format!("{}: {name} ({email})", self.kind),
        }
    }
}

pub(super) struct Checksum<'a> {
    /// For example `SHA256`.
    pub(super) algorithm: Cow<'a, str>,
    pub(super) value: Cow<'a, str>,
}

/// A file.
pub(super) struct File<'a> {
    pub(super) name: &'a str,
    /// `SPDXRef-...`.
    pub(super) id: String,
    pub(super) types: Vec<&'static str>,
    pub(super) checksums: Vec<Checksum<'a>>,
    pub(super) comment: String,
    /// What is said about it: why it could not be understood.
    pub(super) annotations: &'a [String],
}

/// A licence that is not on the SPDX list.
pub(super) struct ExtractedLicense<'a> {
    /// `LicenseRef-...`.
    pub(super) id: String,
    pub(super) text: Cow<'a, str>,
    pub(super) name: Cow<'a, str>,
    pub(super) urls: Vec<&'a str>,
}

/// A relation between two elements.
pub(super) struct Relationship {
    pub(super) from: String,
    pub(super) kind: &'static str,
    pub(super) to: String,
    pub(super) comment: &'static str,
}
