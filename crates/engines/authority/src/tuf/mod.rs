//! The Update Framework 1.0: the repository that hands out the trust root, and a client for such repositories.
//!
//! Everything here is bytes: the binary and the adapters fetch and keep them.

mod client;
mod metadata;
mod repository;

pub use client::{Target, Trusted, TufError};
pub use repository::{Published, Signers, TargetFile, next_root, publish, timestamp};
