//! The TOTP secrets engine (RFC 6238): makes keys for authenticator apps, gives out codes, and verifies them.
//!
//! Semantics are those of OpenBao 2.7 (`internal/builtin/logical/totp`). A code that was accepted is remembered with its key in
//! the storage, so that no node accepts it again.

mod barcode;
mod engine;
mod key;

pub use engine::Totp;
