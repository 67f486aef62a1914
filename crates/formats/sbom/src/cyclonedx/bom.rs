//! The parts of a CycloneDX document that are written and read, the same for JSON and XML.

use std::borrow::Cow;

/// A document.
#[derive(Debug, Default)]
pub(super) struct Bom<'a> {
    /// `urn:uuid:...`.
    pub(super) serial_number: String,
    pub(super) metadata: Metadata<'a>,
    pub(super) components: Vec<Part<'a>>,
    pub(super) dependencies: Vec<Dependency<'a>>,
}

#[derive(Debug, Default)]
pub(super) struct Metadata<'a> {
    pub(super) timestamp: Cow<'a, str>,
    pub(super) tool: Tool<'a>,
    /// Name of the author of the document; empty where not stated.
    pub(super) author: Cow<'a, str>,
    pub(super) component: Option<Part<'a>>,
    /// Name; empty where not stated.
    pub(super) supplier: Cow<'a, str>,
    pub(super) properties: Vec<Property<'a>>,
}

#[derive(Debug, Default)]
pub(super) struct Tool<'a> {
    pub(super) vendor: Cow<'a, str>,
    pub(super) name: Cow<'a, str>,
    pub(super) version: Cow<'a, str>,
}

/// A component. Empty texts and lists are not stated.
#[derive(Debug, Default)]
pub(super) struct Part<'a> {
    pub(super) bom_ref: Cow<'a, str>,
    pub(super) kind: Cow<'a, str>,
    pub(super) supplier: Cow<'a, str>,
    pub(super) author: Cow<'a, str>,
    pub(super) publisher: Cow<'a, str>,
    pub(super) group: Cow<'a, str>,
    pub(super) name: Cow<'a, str>,
    pub(super) version: Cow<'a, str>,
    pub(super) description: Cow<'a, str>,
    pub(super) hashes: Vec<Hash<'a>>,
    pub(super) licenses: Vec<Choice<'a>>,
    pub(super) cpe: Cow<'a, str>,
    pub(super) purl: Cow<'a, str>,
    pub(super) swid: Option<Swid<'a>>,
    pub(super) references: Vec<Reference<'a>>,
    pub(super) properties: Vec<Property<'a>>,
    pub(super) components: Vec<Part<'a>>,
}

#[derive(Debug)]
pub(super) struct Hash<'a> {
    /// For example `SHA-256`.
    pub(super) algorithm: Cow<'a, str>,
    pub(super) hex: Cow<'a, str>,
}

/// A licence: an identifier, a name, or an expression.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Choice<'a> {
    Id { id: Cow<'a, str>, url: Cow<'a, str> },
    Name { name: Cow<'a, str>, url: Cow<'a, str> },
    Expression(Cow<'a, str>),
}

#[derive(Debug)]
pub(super) struct Swid<'a> {
    pub(super) tag_id: Cow<'a, str>,
    pub(super) name: Cow<'a, str>,
    pub(super) version: Cow<'a, str>,
}

#[derive(Debug)]
pub(super) struct Reference<'a> {
    pub(super) url: Cow<'a, str>,
    pub(super) kind: Cow<'a, str>,
    pub(super) comment: Cow<'a, str>,
    pub(super) hashes: Vec<Hash<'a>>,
}

#[derive(Debug)]
pub(super) struct Property<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) value: Cow<'a, str>,
}

impl<'a> Property<'a> {
    pub(super) fn new(name: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}

/// What one component depends on.
#[derive(Debug)]
pub(super) struct Dependency<'a> {
    pub(super) of: Cow<'a, str>,
    pub(super) on: Vec<Cow<'a, str>>,
}

impl<'a> Reference<'a> {
    pub(super) fn new(kind: &'static str, url: impl Into<Cow<'a, str>>) -> Self {
        Self { url: url.into(), kind: kind.into(), comment: Cow::Borrowed(""), hashes: Vec::new() }
    }
}
