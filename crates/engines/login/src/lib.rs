//! Auth methods: who a client is.
//!
//! Each is a [`logical::Backend`] that answers `login` with a [`logical::Auth`], of which the server makes a token. What they
//! need from outside they ask of traits: passwords are hashed by [`Workers`], other servers asked by [`Fetch`],
//! directories by [`Directory`].
//!
//! ```
//! use logical::Backend as _;
//!
//! let approle = login::AppRole::new();
//! assert_eq!(approle.special_paths().unauthenticated, ["login"]);
//! ```
//!
//! Reading order: `token` has the parameters that all roles share, `cidr` the addresses that they are bound to, `path` what all
//! do with paths and conditional writes, `fetch` and `keys` what they ask of issuers; then the methods, one module each.

mod approle;
mod cert;
mod cidr;
mod fetch;
mod glob;
mod jwt;
mod keys;
mod kubernetes;
mod ldap;
mod path;
mod random;
#[cfg(test)]
mod testing;
mod token;
mod userpass;
mod workers;

pub use approle::AppRole;
pub use cert::Cert;
pub use fetch::{Fetch, FetchError, Fetching, Incoming, Outgoing};
pub use jwt::Jwt;
pub use kubernetes::{Kubernetes, NoPod, Pod};
pub use ldap::{
    Asking, Directory, DirectoryEntry, DirectoryError, DirectorySearch, DirectoryServer, DirectorySession, Ldap, Scope,
};
pub use userpass::UserPass;
pub use workers::{Inline, Job, Workers};
