//! Why a document is no advisory.

use crate::Record;

/// The largest document that a parser takes, in bytes. The largest real ones, NVD's yearly files and Debian's tracker,
/// stay under a third of it.
pub const MAX_DOCUMENT_BYTES: usize = 512 << 20;

/// Why a document, or one record of it, could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdvisoryError {
    /// The bytes are not JSON, or not of the format's shape.
    #[error("not a {format} document")]
    Json {
        /// The publisher's format.
        format: &'static str,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// The bytes are not XML.
    #[error("not a {format} document")]
    Xml {
        /// The publisher's format.
        format: &'static str,
        /// Where and why.
        #[source]
        source: roxmltree::Error,
    },
    /// The bytes are not text.
    #[error("a {format} document that is not UTF-8")]
    Utf8 {
        /// The publisher's format.
        format: &'static str,
        /// Where.
        #[source]
        source: std::str::Utf8Error,
    },
    /// A field without which the record means nothing.
    #[error("{format} record without {field}")]
    Missing {
        /// The publisher's format.
        format: &'static str,
        /// The field.
        field: &'static str,
    },
    /// A field holds what the format does not allow.
    #[error("{format} record whose {field} is {value:?}")]
    Invalid {
        /// The publisher's format.
        format: &'static str,
        /// The field.
        field: &'static str,
        /// What it holds, cut to 200 characters.
        value: String,
    },
    /// More of something than any real document has.
    #[error("{format} document with more than {limit} {what}")]
    TooMany {
        /// The publisher's format.
        format: &'static str,
        /// Of what.
        what: &'static str,
        /// How many are allowed.
        limit: usize,
    },
}

impl AdvisoryError {
    pub(crate) fn invalid(format: &'static str, field: &'static str, value: &str) -> Self {
        Self::Invalid { format, field, value: value.chars().take(200).collect() }
    }
}

/// One record of a document that could not be read, while the others could.
#[derive(Debug, thiserror::Error)]
#[error("{place}")]
pub struct Rejection {
    /// Where in the document: a key, an index or a line.
    pub place: String,
    /// Why.
    #[source]
    pub cause: AdvisoryError,
}

/// Takes the records of a document that holds many, in the document's order.
pub type Sink<'a> = &'a mut dyn FnMut(Result<Record, Rejection>);

/// Reads one JSON document of a publisher's format, under [`MAX_DOCUMENT_BYTES`] and serde's depth of 128.
pub(crate) fn read_json<'de, T: serde::Deserialize<'de>>(
    format: &'static str,
    json: &'de [u8],
) -> Result<T, AdvisoryError> {
    if json.len() > MAX_DOCUMENT_BYTES {
        return Err(AdvisoryError::TooMany { format, what: "bytes", limit: MAX_DOCUMENT_BYTES });
    }
    serde_json::from_slice(json).map_err(|source| AdvisoryError::Json { format, source })
}

/// Reads a text document, under [`MAX_DOCUMENT_BYTES`].
pub(crate) fn read_text<'a>(format: &'static str, bytes: &'a [u8]) -> Result<&'a str, AdvisoryError> {
    if bytes.len() > MAX_DOCUMENT_BYTES {
        return Err(AdvisoryError::TooMany { format, what: "bytes", limit: MAX_DOCUMENT_BYTES });
    }
    std::str::from_utf8(bytes).map_err(|source| AdvisoryError::Utf8 { format, source })
}
