//! Why a document was refused.

use crate::json::Message;
use thiserror::Error;

/// Why a document can't be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ParseError {
    /// More bytes than such a document may have.
    #[error("{what} of {size_bytes} bytes is larger than {limit_bytes}")]
    TooLarge {
        /// What was read.
        what: &'static str,
        /// Its size.
        size_bytes: usize,
        /// The most that is read.
        limit_bytes: usize,
    },
    /// Not JSON, or not of this shape.
    #[error("{what} isn't valid JSON of its kind")]
    Json {
        /// What was read.
        what: &'static str,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// A media type that isn't known.
    #[error("{what} has the unknown media type {media_type:?}")]
    MediaType {
        /// What was read.
        what: &'static str,
        /// The one it claims.
        media_type: String,
    },
    /// A field that must be there isn't.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// Fields of which only one may be there.
    #[error("more than one of {0}")]
    Ambiguous(&'static str),
    /// More elements than a list may have.
    #[error("{count} {what}, at most {limit} are read")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How many.
        count: usize,
        /// The most that is read.
        limit: usize,
    },
    /// A value that can't be.
    #[error("{field} is invalid: {reason}")]
    Invalid {
        /// The field.
        field: &'static str,
        /// Why.
        reason: String,
    },
    /// A kind of log entry that isn't known.
    #[error("log entries of kind {kind:?} version {version:?} aren't known")]
    UnknownKind {
        /// Its kind.
        kind: String,
        /// Its API version.
        version: String,
    },
}

impl ParseError {
    pub(crate) fn invalid(field: &'static str, reason: impl Into<String>) -> ParseError {
        ParseError::Invalid { field, reason: reason.into() }
    }
}

/// Reads JSON of at most `limit_bytes`.
pub(crate) fn read_json<'a, T: serde::Deserialize<'a>>(
    what: &'static str,
    bytes: &'a [u8],
    limit_bytes: usize,
) -> Result<T, ParseError> {
    if bytes.len() > limit_bytes {
        return Err(ParseError::TooLarge { what, size_bytes: bytes.len(), limit_bytes });
    }
    let message = serde_json::from_slice::<Message<T>>(bytes).map_err(|source| ParseError::Json { what, source })?;
    Ok(message.0)
}

/// Refuses lists that are too long.
pub(crate) fn at_most(what: &'static str, count: usize, limit: usize) -> Result<(), ParseError> {
    if count > limit { Err(ParseError::TooMany { what, count, limit }) } else { Ok(()) }
}
