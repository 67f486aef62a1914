//! Spaces that last. [`Redb`] keeps them in one file of the machine, [`Postgres`] in a database that several nodes
//! share; [`Store`] is either.
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use space::{Batch, Space};
//!
//! let store = storage::Redb::open("/var/lib/palisade/store.redb".as_ref())?;
//! let space = store.space("log");
//! let mut batch = Batch::new();
//! batch.put("key", "value").require("key", None);
//! let sequence = space.commit(batch).await?;
//! # Ok(())
//! # }
//! ```

mod connection;
mod postgres;
mod postgres_writer;
mod redb_space;
mod redb_writer;
mod store;

pub use connection::{Connection, ConnectionError};
pub use postgres::{ConnectError, Postgres, PostgresSpace};
pub use redb_space::{OpenError, Redb, RedbSpace};
pub use store::{Place, Store, StoreError};
