//! What the engine asks of a database.

use crate::{RenderError, Settings};
use jiff::Timestamp;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// An answer that is awaited.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, TargetError>> + Send + 'a>>;

/// Why a database did not do what it was asked. Texts are shown to clients once passwords are struck out of them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// The configuration makes no sense.
    #[error("{0}")]
    Settings(String),
    /// It could not be reached, or the connection was lost. The request can be repeated.
    #[error("the database cannot be reached, try again later: {0}")]
    Unreachable(String),
    /// It refused the login.
    #[error("the database refused the login: {0}")]
    Login(String),
    /// It refused a statement.
    #[error("failed to execute query: {0}")]
    Statement(String),
    /// A value must not stand where a statement wants it.
    #[error("failed to execute query: {0}")]
    Render(#[from] RenderError),
}

/// A user to create.
#[derive(Clone, Copy)]
pub struct NewUser<'a> {
    /// Its name.
    pub username: &'a str,
    /// Its password.
    pub password: &'a str,
    /// When the login should end by itself, where the database can do that.
    pub expires: Timestamp,
    /// What creates it; never empty.
    pub creation: &'a [String],
    /// What undoes a creation that failed halfway, where the database has no transaction around it.
    pub rollback: &'a [String],
}

/// A database with its connections. Empty statements mean the database's usual ones.
pub trait Target: Send + Sync {
    /// Connects with the configured user.
    fn verify(&self) -> Answer<'_, ()>;

    /// Creates a user, wholly or not at all.
    fn create<'a>(&'a self, user: NewUser<'a>) -> Answer<'a, ()>;

    /// Lets a user's login end later.
    fn renew<'a>(&'a self, username: &'a str, expires: Timestamp, statements: &'a [String]) -> Answer<'a, ()>;

    /// Drops a user. That it is not there is no error.
    fn revoke<'a>(&'a self, username: &'a str, statements: &'a [String]) -> Answer<'a, ()>;

    /// Sets the password of a user.
    fn change_password<'a>(&'a self, username: &'a str, password: &'a str, statements: &'a [String]) -> Answer<'a, ()>;
}

/// Makes targets.
pub trait Targets: Send + Sync {
    /// A target with these settings. It need not connect yet.
    ///
    /// # Errors
    /// [`TargetError::Settings`] where they make no sense.
    fn open(&self, settings: &Settings) -> Result<Arc<dyn Target>, TargetError>;
}
