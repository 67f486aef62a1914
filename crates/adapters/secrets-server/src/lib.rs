//! The secrets server over HTTP: Vault's API, its configuration files, seals and audit devices.
//!
//! [`Config`] is what the peers' configuration files say. [`Server`] has the storage, the barrier and the core, and
//! [`serve`] serves it at all its listeners until it is told to stop.

mod audit;
mod config;
mod harden;
mod http;
mod kinds;
mod metrics;
mod operator;
mod outside;
mod seals;
mod serve;
mod server;

pub use crate::audit::Devices;
pub use config::{Config, ConfigError, ListenerConfig, SealConfig, StorageConfig};
pub use harden::{Hardening, MemoryLock, harden};
pub use http::{Surface, router};
pub use seals::SealSettingsError;
pub use serve::{Bound, ServeError};
pub use server::{Server, StartError, VERSION};
