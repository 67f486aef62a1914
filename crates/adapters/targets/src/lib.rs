//! The databases that credentials are made in: PostgreSQL, MariaDB and MySQL.
//!
//! [`Sql`] makes the targets of the engine `database`. Each keeps its connections, so that a credential costs one
//! transaction and no login: with PostgreSQL one message and one answer. Every wait has an end, and no error has a password in
//! it that the server or driver was not made to repeat.
//!
//! Reading order: `pool`; `postgres` with its `postgres_url` and `scram`; `mysql` with its `mysql_dsn`.

mod mysql;
mod mysql_dsn;
mod pool;
mod postgres;
mod postgres_url;
mod scram;

use database::{Dialect, Settings, Target, TargetError, Targets};
use std::sync::Arc;

/// Targets that are reached by SQL. Needs a Tokio runtime.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sql;

impl Targets for Sql {
    fn open(&self, settings: &Settings) -> Result<Arc<dyn Target>, TargetError> {
        Ok(match settings.plugin.dialect() {
            Dialect::PostgreSql => Arc::new(postgres::Postgres::open(settings)?),
            Dialect::MySql => Arc::new(mysql::MySql::open(settings)?),
        })
    }
}
