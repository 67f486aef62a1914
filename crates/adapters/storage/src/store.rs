//! Either store, where a program leaves the choice to its user.

use std::path::PathBuf;
use std::sync::Arc;

use space::Space;

use crate::connection::Connection;
use crate::postgres::{ConnectError, Postgres};
use crate::redb_space::{OpenError, Redb};

/// Where a store is.
#[derive(Debug, Clone)]
pub enum Place {
    /// A file of this machine, for one process at a time.
    File(PathBuf),
    /// A database, for several nodes.
    Postgres(Connection),
}

/// Why a store is not open.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file.
    #[error(transparent)]
    File(#[from] OpenError),
    /// The database.
    #[error(transparent)]
    Postgres(#[from] ConnectError),
}

/// An open store. Cheap to clone.
#[derive(Clone)]
pub enum Store {
    /// In a file.
    File(Redb),
    /// In a database.
    Postgres(Postgres),
}

impl Store {
    /// Opens it, or begins it. A database needs a Tokio runtime.
    ///
    /// # Errors
    /// When another process has the file, or the database can't be reached.
    pub async fn open(place: &Place) -> Result<Self, StoreError> {
        Ok(match place {
            Place::File(path) => Self::File(Redb::open(path)?),
            Place::Postgres(connection) => Self::Postgres(Postgres::connect(connection).await?),
        })
    }

    /// The space of this name; a new one is empty.
    #[must_use]
    pub fn space(&self, name: &str) -> Arc<dyn Space> {
        match self {
            Self::File(store) => Arc::new(store.space(name)),
            Self::Postgres(store) => Arc::new(store.space(name)),
        }
    }
}
