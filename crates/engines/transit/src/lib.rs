//! The transit secrets engine: encryption, signatures and HMACs with keys that stay inside.
//!
//! Semantics and formats are those of OpenBao 2.7 (`internal/builtin/logical/transit`, `sdk/helper/keysutil`): ciphertexts,
//! signatures and backups of either are read by the other. A key with all its versions is one row, in the form that a
//! backup has it ([`policy`]). What a request needs of it is prepared once and kept ([`ring`]), until the row changes here
//! or another node says that it changed.

mod aead;
mod der;
mod failure;
mod hash;
mod kind;
mod material;
mod number;
mod paths;
mod policy;
mod ring;
mod signature;

pub use paths::Transit;
