//! What a service can refuse.

use std::path::PathBuf;

/// Why a service gave nothing. No message holds a token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// A file that says how services are reached.
    #[error("{path} can't be used for TLS: {cause}")]
    Configuration {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        cause: String,
    },
    /// An address that is not gone to.
    #[error("{url:?} is not asked: {cause}")]
    Address {
        /// The service's.
        url: String,
        /// Why not.
        cause: &'static str,
    },
    /// No answer.
    #[error("cannot reach {url}; check that it runs, the network, proxies and certificates")]
    Transport {
        /// Without its query.
        url: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// A refusal.
    #[error("{url} refused with status {status}: {message}")]
    Refused {
        /// Without its query.
        url: String,
        /// HTTP's.
        status: u16,
        /// What the service says.
        message: String,
        /// Where it points to.
        location: Option<String>,
    },
    /// An answer that makes no sense.
    #[error("{what} answered with something unexpected: {cause}")]
    Answer {
        /// Which service.
        what: &'static str,
        /// What was wrong.
        cause: String,
    },
    /// A key that can't be used.
    #[error("{key} can't be used as a key: {cause}")]
    Key {
        /// As it was named.
        key: String,
        /// Why not.
        cause: String,
    },
    /// No identity token was found.
    #[error("no identity token: {cause}")]
    Token {
        /// What was tried, and what to do.
        cause: String,
    },
}

impl ServiceError {
    pub(crate) fn answer(what: &'static str, cause: impl ToString) -> Self {
        Self::Answer { what, cause: cause.to_string() }
    }
}
