//! The SSH secrets engine, as OpenBao has it: an authority for OpenSSH's certificates, and one-time passwords for hosts that ask
//! the server.
//!
//! Reading order: [`Ssh`] (`backend`) says which path is answered where; `role` is what may be given out; `sign` makes
//! certificates with `issuers`, whose form on the wire is in `wire` and `private_key`; `otp` is the other kind.

mod backend;
mod issuers;
mod otp;
mod private_key;
mod role;
mod sign;
mod wire;

pub use backend::Ssh;
