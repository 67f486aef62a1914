//! Why there is no inventory.

use std::path::PathBuf;

/// Why a source could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InventoryError {
    /// The image itself.
    #[error("cannot open the image")]
    Image(#[from] oci::OciError),
    /// One of its layers.
    #[error("cannot read layer {index} ({digest})")]
    Layer {
        /// From the base, 0 first.
        index: usize,
        /// The blob's digest.
        digest: String,
        /// Why.
        #[source]
        source: catalog::ParseError,
    },
    /// A file or folder.
    #[error("cannot read {path}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A folder with too much in it.
    #[error("cannot take in {path}")]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: catalog::ParseError,
    },
}
