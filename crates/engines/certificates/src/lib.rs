//! X.509 (RFC 5280), certificate requests (RFC 2986), revocation lists and OCSP (RFC 6960): read and made. No I/O, no clock.
//!
//! Reading order: `key` and `public` are keys and algorithms; `name`, `alternative` and [`extension`] what certificates say; `certificate` reads
//! and `template` makes one; `request`, `revocation` and `ocsp` do the same for the others.

mod alternative;
mod certificate;
pub mod extension;
mod key;
mod name;
mod ocsp;
mod public;
mod request;
mod revocation;
mod template;

pub use alternative::{AltName, AltNameError};
pub use certificate::{Certificate, ParseError};
pub use extension::{Extension, Policy};
pub use key::{KeyError, KeyType, PrivateKey};
pub use name::Subject;
pub use ocsp::{CertificateId, CertificateStatus, OcspRequest, OcspSingle, ocsp_failure, ocsp_response};
pub use public::{Algorithm, Hash, PublicKey};
pub use request::CertificateRequest;
pub use revocation::{RevocationList, Revoked};
pub use signing::pem;
pub use template::Template;
