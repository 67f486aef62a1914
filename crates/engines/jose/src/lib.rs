//! Signed tokens of others: JWS in compact form (RFC 7515, RFC 7519), and the keys that they are verified with (RFC 7517,
//! RFC 7518, RFC 8037). Only signatures that need no shared secret.
//!
//! ```
//! use jose::{Jws, JwsError};
//!
//! // {"alg":"none"}.{}
//! assert!(matches!(Jws::parse("eyJhbGciOiJub25lIn0.e30."), Err(JwsError::Algorithm(_))));
//! ```
//!
//! Reading order: [`Jws`] is a token that is parsed, [`JwkSet`] the keys of an issuer.

mod jwk;
mod jws;

pub use jwk::{Algorithm, DiscoveryError, JwkSet, MAX_JWKS_BYTES, jwks_address};
pub use jws::{Jws, JwsError, MAX_TOKEN_BYTES};
