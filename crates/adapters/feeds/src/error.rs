//! Why feeds could not be read or fetched.

use std::io;
use std::path::PathBuf;

/// Why reading or fetching failed as a whole. A single bad record is no error: it is in the report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FeedError {
    /// A file or folder.
    #[error("cannot read {}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A folder holds no feed.
    #[error("no advisory feed in {}", folder.display())]
    NothingFound {
        /// The folder.
        folder: PathBuf,
    },
    /// Files of a source were there, but no record of it could be read.
    #[error("no record of {name} could be read; first cause: {cause}")]
    EmptySource {
        /// The source.
        name: String,
        /// Where and why the first record was refused.
        cause: String,
    },
    /// The configuration names a source that does not exist.
    #[error("unknown source {name}")]
    UnknownSource {
        /// As written.
        name: String,
    },
    /// A source without an address.
    #[error("{name} has no address of its own")]
    NoAddress {
        /// The source.
        name: String,
    },
    /// The configuration file.
    #[error("the configuration of the feeds is not valid")]
    Configuration(#[source] toml::de::Error),
    /// A request.
    #[error("cannot fetch {address}")]
    Request {
        /// Where.
        address: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// An answer other than success.
    #[error("{address} answered {status}")]
    Status {
        /// Where.
        address: String,
        /// The HTTP status.
        status: u16,
    },
    /// An answer that is larger than the limit.
    #[error("{address} sends more than {limit_bytes} bytes")]
    TooLarge {
        /// Where.
        address: String,
        /// The limit.
        limit_bytes: u64,
    },
    /// A file whose digest is not the published one.
    #[error("{address} has SHA-256 {found}, its publisher says {expected}")]
    Checksum {
        /// Where.
        address: String,
        /// Published.
        expected: String,
        /// Computed.
        found: String,
    },
    /// An address that is no HTTPS address (or no HTTP address of this machine).
    #[error("{address} is not an address that feeds may be fetched from")]
    Address {
        /// As written.
        address: String,
    },
}

impl FeedError {
    pub(crate) fn io(path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::Io { path: path.into(), source }
    }
}
