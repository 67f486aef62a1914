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
//! writes Cosign's encrypted key files. [`verify()`] is the verification of bundles, by a [`Policy`] and a [`Trust`] that is
//! prepared once; below it are `log_entry`, `timestamp`, `sct`, `identity` and `x509`. [`legacy`] is
//! the same for what Cosign wrote before bundles. [`pem`], `der` and `algorithm` read
//! what they are made of.

mod algorithm;
mod der;
mod identity;
pub mod key_file;
pub mod legacy;
mod log_entry;
pub mod pem;
mod policy;
mod private_key;
mod public_key;
mod sct;
mod timestamp;
mod trust;
mod verify;
mod x509;

pub use der::DerError;
pub use identity::Identity;
pub use log_entry::LogError;
pub use policy::{IdentityPolicy, Policy, RegexpError, SignerPolicy, TextMatch};
pub use private_key::{PrivateKey, SignError, Signer};
pub use public_key::{KeyError, KeyKind, PublicKey, SignatureError};
pub use timestamp::TimestampError;
pub use trust::{Trust, TrustError};
pub use verify::{
    Artifact, QuorumError, TimeSource, Verified, VerifiedCertificate, VerifiedEntry, VerifiedSigner, VerifiedTime,
    VerifyError, verify, verify_entry, verify_quorum, verify_timestamp,
};
pub use x509::{Certificate, CertificateError, ChainError, GeneralName};
