//! The PKI secrets engine, as OpenBao has it: authorities with several issuers, roles, certificates, revocation, ACME.
//!
//! Reading order: [`Pki`] (`backend`) says which path is answered where. `store` has issuers, keys and their chains, `role` and
//! `names` what may be issued, `creation` what is in a certificate; `issue` makes leaves, `authority` roots and intermediates,
//! `import` takes what others made. `revoke` and `crl` take back, `ocsp` says what was, `tidy` deletes what has ended, `fetch` and `issuers` show. `acme` has
//! clients prove names and gives them certificates, with a [`Validation`] that reaches them. X.509 itself is in the crate
//! `certificates`.

mod acme;
mod authority;
mod backend;
mod config;
mod creation;
mod crl;
mod fetch;
mod import;
mod issue;
mod issuers;
mod names;
mod ocsp;
mod revoke;
mod role;
mod serial;
mod store;
mod tidy;

pub use acme::{Answer, NetworkError, Validation};
pub use backend::Pki;
