//! The barrier of the secrets server: what is stored is encrypted, and only while unsealed can it be read.
//!
//! [`Barrier`] lies over a [`space::Space`]. [`Barrier::view`] gives the rows under a prefix as a
//! [`logical::Storage`]. Rows are encrypted with AES-256-GCM by the key of a *term*; the terms' keys are the *keyring*,
//! which is encrypted by the *root key*, which is encrypted by the [`Seal`]: by a key of which people have shares
//! ([`Seal::Shamir`]), or by one that is there when the server starts ([`Seal::Auto`]).
//!
//! [`Operator`] is what people do with shares: unseal, rekey, generate a root token; with the peer's answers.
//!
//! # What is detected
//! A row's path, term and *generation* are authenticated with it. A generation is a number of a commit before the row's
//! own, so it grows with every write of a row, also when the row was deleted in between. So these are refused, each with
//! [`RowError`]:
//! - a row of which any byte was changed, or that was written by another barrier;
//! - a row that was moved or copied to another path;
//! - an earlier state of a row of which this node has read or written a later one, or which it has deleted, as long as it
//!   is unsealed and the row is among some 65,000 most recently written ones it has seen;
//! - an earlier keyring, as long as the node is unsealed.
//!
//! These are *not* detected: a row that was taken away; an earlier state of a row that this node has not seen since it was
//! unsealed; a whole store that was put back to an earlier state while no node was running. Paths, sizes and times of
//! writing are not hidden.
//!
//! A row that is created, deleted and created again within the time of one commit, by three nodes, may be refused by a
//! fourth until it is next written. Nothing else that nodes do is mistaken for a rollback.

mod barrier;
mod cipher;
mod generate_root;
mod keyring;
mod lifecycle;
mod marks;
mod migration;
mod operator;
mod procedure;
mod rekey;
mod rotation;
mod rows;
mod sealing;
mod shamir;
mod shapes;
mod view;

#[cfg(test)]
mod operator_tests;
#[cfg(test)]
mod tests;

pub use barrier::Barrier;
pub use cipher::{CipherError, KEY_BYTES, Key, NotAuthentic};
pub use generate_root::{ROOT_TOKEN_BYTES, RootGrant, RootUpdate};
pub use keyring::{FEWEST_OPERATIONS, MOST_OPERATIONS, RotationConfig};
pub use lifecycle::{InitKeys, Shares};
pub use operator::Operator;
pub use rotation::KeyStatus;
pub use rows::RowError;
pub use sealing::{Seal, SealError, SealPending, SealWrap, StaticSeal, Wrapped};
pub use shamir::{SHARE_OVERHEAD, ShamirError, combine, split};
pub use shapes::{
    EncodedKeys, GenerateRootStatus, InitRequest, InitResponse, RekeyComplete, RekeyRequest, RekeyStatus, RekeyUpdate,
    RekeyVerification, RekeyVerificationStatus, SealStatus, Subject,
};
pub use view::View;
