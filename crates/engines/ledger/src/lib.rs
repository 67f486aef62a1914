//! An append-only Merkle log over a [`space::Space`].
//!
//! [`Writer::append`] takes a batch of entries, makes it durable, and answers with a signed checkpoint that has them
//! and an inclusion proof for each. An entry that the log has already keeps its index. [`Reader::view`] reads entries,
//! tiles and proofs for any size, and finds entries by [`Term`]. [`Merger`] keeps the index small in the background.
//!
//! What a batch costs does not grow with the log: a few tiles, the entries in a row, one sorted run of index rows and the
//! checkpoint, in one commit. Several writers on one space are safe: a commit holds only if the checkpoint is the one
//! that the writer went on from.
//!
//! The [`Witness`] and the [`monitor`] are pure functions over what a log publishes.

mod entry;
mod filter;
mod keys;
mod merge;
pub mod monitor;
mod reader;
mod run;
mod tiles;
mod witness;
mod writer;

pub use entry::{CheckpointSigner, Entry, EntryTooLong, LedgerError, MAX_ENTRY_BYTES, SignError, Term, TermKind};
pub use merge::{Merged, Merger};
pub use reader::{Latest, MAX_FOUND, Reader, Stored, View};
pub use tiles::ProofTiles;
pub use witness::{Refused, Witness, Witnessed};
pub use writer::{AppendError, Appended, Place, Published, Writer};
