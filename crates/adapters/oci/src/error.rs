//! What can go wrong between a reference and a layer's bytes.

use std::path::PathBuf;

/// Why an image could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OciError {
    /// A file could not be read.
    #[error("cannot read {path}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A blob's bytes are not those that its digest names.
    #[error("{digest} does not match its content (got {actual})")]
    DigestMismatch {
        /// As the manifest says.
        digest: String,
        /// As the bytes are.
        actual: String,
    },
    /// A document of the image is not what the specification says.
    #[error("{what} of the image is malformed: {cause}")]
    Malformed {
        /// `manifest`, `index`, `configuration`, ...
        what: &'static str,
        /// What is wrong.
        cause: String,
    },
    /// A document is larger than any real one.
    #[error("{what} of the image is larger than {limit} bytes")]
    TooLarge {
        /// `manifest`, `index`, `configuration`, ...
        what: &'static str,
        /// Bytes.
        limit: u64,
    },
    /// The index has no image for the platform asked for.
    #[error("no image for platform {wanted}; there are: {available}")]
    NoPlatform {
        /// As asked for.
        wanted: String,
        /// Those of the index, comma-separated.
        available: String,
    },
    /// The archive or layout has no such image.
    #[error("no image {wanted} in {place}; there are: {available}")]
    NoImage {
        /// As asked for; may be empty.
        wanted: String,
        /// The archive or layout.
        place: String,
        /// Those it has.
        available: String,
    },
    /// A registry gave no image.
    #[error(transparent)]
    Registry(#[from] crate::registry::RegistryError),
    /// A daemon gave no image.
    #[error(transparent)]
    Daemon(#[from] crate::daemon::DaemonError),
    /// The reference does not name an image.
    #[error("{reference:?} is not an image reference: {cause}")]
    Reference {
        /// As given, shortened.
        reference: String,
        /// What is wrong, and what would be right.
        cause: &'static str,
    },
    /// Images can't be had from there.
    #[error("images of {scheme} cannot be read yet; {hint}")]
    Unsupported {
        /// The source, as in front of a reference.
        scheme: &'static str,
        /// What to do instead.
        hint: &'static str,
    },
}

impl OciError {
    pub(crate) fn malformed(what: &'static str, cause: impl ToString) -> Self {
        Self::Malformed { what, cause: cause.to_string() }
    }
}
