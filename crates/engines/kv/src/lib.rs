//! The key-value secrets engines: [`Kv1`] keeps one value a path, [`Kv2`] keeps versions.
//!
//! Semantics are those of OpenBao 2.6 (`internal/builtin/logical/kv`). Version 2 keeps the newest version's data in the row of
//! its metadata, so a read is one row and a write one conditional commit; a write that lost against another starts over.
//! A mount that becomes version 2 takes over the rows of version 1 at its first request.

mod data;
mod v1;
mod v2;

pub use v1::Kv1;
pub use v2::Kv2;
