//! How a command fails: what is said, and the exit code.

use std::fmt;

/// A failure of a command. The peers print it without a prefix.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) code: u8,
    pub(super) message: String,
    pub(super) hint: Option<String>,
    /// An error of another command, that is told as this program's errors are.
    pub(super) other: Option<anyhow::Error>,
}

impl Failure {
    pub(super) fn new(code: u8, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None, other: None }
    }

    /// The command line or what is here is wrong.
    pub(super) fn local(message: impl Into<String>) -> Self {
        Self::new(1, message)
    }

    /// The server refused or could not be reached.
    pub(super) fn remote(message: impl Into<String>) -> Self {
        Self::new(2, message)
    }

    /// With words of what to do.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self { code: 1, message: String::new(), hint: None, other: Some(error) }
    }
}

/// What a command gives: its exit code.
pub(super) type Run = Result<u8, Failure>;

/// Says what was tried when the server refuses, as `what: error`.
pub(super) trait While<T> {
    fn during(self, what: impl fmt::Display) -> Result<T, Failure>;
}

impl<T, E: fmt::Display> While<T> for Result<T, E> {
    fn during(self, what: impl fmt::Display) -> Result<T, Failure> {
        self.map_err(|error| Failure::remote(format!("{what}: {error}")))
    }
}
