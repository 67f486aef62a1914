//! Signing and verifying. No I/O, no clock.
//!
//! ```
//! use signing::{KeyKind, PrivateKey, Signer as _};
//!
//! let key = PrivateKey::generate(KeyKind::P256)?;
//! let signature = key.sign(b"artifact")?;
//! key.public_key().verify(b"artifact", &signature)?;
//! assert!(key.public_key().verify(b"another", &signature).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Reading order: `public_key` and `private_key` are keys, [`Signer`] whatever signs with one; [`key_file`] reads and
//! writes Cosign's encrypted key files. [`pem`] is their text form and `der` reads what is in it.

#[expect(dead_code, reason = "certificates and timestamps are read with the rest of it")]
mod der;
pub mod key_file;
pub mod pem;
mod private_key;
mod public_key;

pub use private_key::{PrivateKey, SignError, Signer};
pub use public_key::{KeyError, KeyKind, PublicKey, SignatureError};
