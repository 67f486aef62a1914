/// Why a request was refused or failed. The text of the variants with text is what the client reads.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// 400: the request makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// 403: the token may not do this.
    #[error("permission denied")]
    Denied,
    /// 403 with a reason, for logins.
    #[error("{0}")]
    DeniedBecause(String),
    /// 404: no backend, or no such path in it.
    #[error("unsupported path")]
    UnsupportedPath,
    /// 405: the path is there and can't do this.
    #[error("unsupported operation")]
    UnsupportedOperation,
    /// 404 without a reason: nothing is stored there.
    #[error("not found")]
    NotFound,
    /// 412: the node has not yet seen what the client has, or a precondition failed.
    #[error("{0}")]
    Precondition(String),
    /// 413.
    #[error("request body too large")]
    TooLarge,
    /// 429: a quota is used up.
    #[error("{0}")]
    TooMany(String),
    /// 500, 503 and the like: another status with its text.
    #[error("{1}")]
    Status(u16, String),
    /// A conditional write found another version than asked. Backends retry or translate it; unhandled it is a 500.
    #[error("another write came first")]
    Conflict,
    /// 503: sealed.
    #[error("Vault is sealed")]
    Sealed,
    /// 500: storage or another part failed. The cause is for the log, not for the client.
    #[error("internal error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// 400 with this text.
    pub fn invalid(text: impl Into<String>) -> Self {
        Self::Invalid(text.into())
    }

    /// 500; the cause is logged, never sent.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(cause.into())
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::Invalid(_) => 400,
            Self::Denied | Self::DeniedBecause(_) => 403,
            Self::UnsupportedPath | Self::NotFound => 404,
            Self::UnsupportedOperation => 405,
            Self::Precondition(_) => 412,
            Self::TooLarge => 413,
            Self::TooMany(_) => 429,
            Self::Status(status, _) => *status,
            Self::Sealed => 503,
            Self::Conflict | Self::Internal(_) => 500,
        }
    }
}
