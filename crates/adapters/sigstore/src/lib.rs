//! Clients of a Sigstore: certificate authority, transparency log, timestamp authority, identity provider; and where
//! signatures lie on a registry.
//!
//! Reading order: [`sign`] makes a bundle by asking [`fulcio`], [`tsa`] and [`rekor`] over [`http`]; [`token`] finds
//! an identity token; [`attached`] writes bundles to registries and reads what is there, also of older writers.

pub mod attached;
mod error;
pub mod fulcio;
pub mod http;
pub mod keyref;
pub mod rekor;
pub mod sign;
pub mod token;
pub mod tsa;

pub use error::ServiceError;
pub use http::{Http, HttpOptions};
