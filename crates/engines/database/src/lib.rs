//! The secrets engine of databases.
//!
//! A configuration says how to reach a database; a role says which statements make a user there. Reading `creds/ROLE` makes
//! one and answers with a lease, whose end drops it. A static role is a user that exists, whose password is rotated. Paths,
//! fields and answers are those of OpenBao 2.7's database engine (`internal/builtin/logical/database`), with Vault's
//! `rotation_schedule`.
//!
//! ```
//! # use database::{Database, Plugin, Settings, Target, TargetError, Targets};
//! # use std::sync::Arc;
//! struct None;
//! impl Targets for None {
//!     fn open(&self, settings: &Settings) -> Result<Arc<dyn Target>, TargetError> {
//!         Err(TargetError::Settings(format!("no driver for {:?}", settings.plugin)))
//!     }
//! }
//! let backend = Database::new(Arc::new(None));
//! assert_eq!(Plugin::parse("postgresql-database-plugin"), Some(Plugin::PostgreSql));
//! # let _: &dyn logical::Backend = &backend;
//! ```
//!
//! The engine knows no driver: a [`Target`] does what it is asked at a database. [`render`] puts values into statements so that
//! no value can become SQL. A rotation writes the new password down before it is set, so that no crash loses it.
//!
//! Reading order: [`Target`], `settings`, `statements`, `username`; then `backend`, `config`, `roles`, `creds`, `static_roles`,
//! `schedule` and `rotation`.

mod backend;
mod config;
mod creds;
mod glob;
mod password;
mod roles;
mod rotation;
mod schedule;
mod settings;
mod statements;
mod static_roles;
mod target;
mod username;

pub use backend::Database;
pub use settings::{Plugin, Settings, Tls};
pub use statements::{Dialect, RenderError, Values, quoted, render};
pub use target::{Answer, NewUser, Target, TargetError, Targets};
