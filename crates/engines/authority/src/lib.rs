//! A Sigstore authority's decisions: which identity token is believed, what certificate it gives, timestamps, the keys
//! over time and the trust root that clients get of them. No I/O, no clock.
//!
//! ```
//! use authority::{Role, State};
//!
//! let now = jiff::Timestamp::from_second(1_800_000_000)?;
//! let mut state = State::new("example.org", "https://sigstore.example.org");
//! let root = state.add(Role::CaRoot, None, now)?;
//! state.add(Role::Ca, Some(&root), now)?;
//! state.add(Role::Log, None, now)?;
//! assert_eq!(state.trusted_root().tlogs.len(), 1);
//! assert_eq!(state.origin(), "sigstore.example.org");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Reading order: a request for a certificate passes through [`Token`] and [`JwkSet`] (`jwt`, `jwk`), [`Issuers`], then
//! [`Principal`] (`identity`, `extensions`), [`Proof`] (`possession`), [`Ca`] and [`CtKey`] (`ca`, `ct`). [`Tsa`] makes
//! timestamps. [`State`] has the keys over time and makes trust roots; [`tuf`] hands them out. Below all: `keys`, `x509`,
//! [`pem`].

mod ca;
mod ct;
mod extensions;
mod hex;
mod identity;
mod issuers;
mod jwk;
mod jwt;
mod keys;
pub mod pem;
mod possession;
mod state;
mod tsa;
pub mod tuf;
mod x509;

use asn1 as der;
pub use asn1::DerError;
pub use ca::{AUTHORITY_LIFETIME, CERTIFICATE_LIFETIME, Ca, Precertificate, public_key_of};
pub use ct::{CtKey, Entry, leaf_index};
pub use extensions::Extensions;
pub use identity::{IdentityError, Principal, SubjectName};
pub use issuers::{ConfigError, Issuer, IssuerType, Issuers};
pub use jose::{DiscoveryError, JwkSet, MAX_JWKS_BYTES, MAX_TOKEN_BYTES, jwks_address};
pub use jwk::jwk;
pub use jwt::{Claims, Token, TokenError, mint};
pub use keys::{KeyError, MAX_PUBLIC_KEY_BYTES, PublicKey, SigningKey};
pub use possession::{MAX_CSR_BYTES, Proof, ProofError};
pub use signing::KeyKind;
pub use state::{Certificate, KeyRecord, ROTATION_TIME, Role, State};
pub use tsa::{MAX_REQUEST_BYTES, Request, RequestError, Tsa};
