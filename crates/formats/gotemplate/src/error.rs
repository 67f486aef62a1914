//! What can go wrong, in Go's words.

use std::io;

/// The text is no template. The message is Go's: `template: NAME:LINE: what`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("template: {name}:{line}: {message}")]
#[non_exhaustive]
pub struct ParseError {
    /// Name of the template.
    pub name: String,
    /// Line, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

/// A template could not be carried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExecuteError {
    /// The template asks for what cannot be done. The message is Go's: `template: NAME:LINE:COLUMN: executing "NAME" at
    /// <what>: why`.
    #[error("{0}")]
    Template(String),
    /// The output could not be written.
    #[error("cannot write the output")]
    Write(#[source] io::Error),
}
