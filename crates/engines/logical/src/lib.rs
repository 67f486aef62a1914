//! What a secrets engine or an auth method is to the server that mounts it.
//!
//! A [`Backend`] answers a [`Request`] with a [`Response`]. It sees its own rows as [`Storage`] and what the server does for it as
//! [`System`]; it knows neither HTTP nor where it is mounted. A secret that ends is a [`Lease`] of the response, a login an
//! [`Auth`]: the server keeps both, and asks the backend to renew and to revoke them.
//!
//! Futures are boxed and name no runtime. [`Memory`] is a storage and [`Alone`] a system for tests.

mod backend;
mod duration;
mod error;
mod fields;
mod identity;
mod memory;
mod network;
mod request;
mod response;
mod storage;

pub use backend::{Backend, Context, Entity, Grant, Group, Pending, SpecialPaths, System};
pub use duration::{ParseDurationError, format_duration, parse_duration};
pub use error::Error;
pub use fields::Fields;
pub use memory::{Alone, Memory};
pub use network::{Network, ParseNetworkError};
pub use request::{Caller, Connection, Operation, Request};
pub use response::{Alias, Auth, Lease, Raw, Response, TokenType};
pub use storage::{Batch, Entry, Secret, Storage, StorageExt, encode};

/// A JSON object.
pub type Map = serde_json::Map<String, serde_json::Value>;
