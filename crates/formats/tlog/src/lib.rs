//! The formats of a transparency log: Merkle tree hashes and proofs (RFC 6962, RFC 9162), signed notes, checkpoints
//! and tiles (C2SP signed-note, tlog-checkpoint, tlog-tiles, tlog-cosignature).
//!
//! Nothing here knows a kind of key: a signature is checked by a closure that the caller brings, and a stored hash is
//! read by one. All parsing is bounded, and a failed check is an error, never a value.
//!
//! ```
//! let leaves: Vec<tlog::Hash> = ["a", "b", "c"].iter().map(|entry| tlog::leaf_hash(entry.as_bytes())).collect();
//! let left = tlog::node_hash(&leaves[0], &leaves[1]);
//! let root = tlog::node_hash(&left, &leaves[2]);
//! tlog::verify_inclusion(&leaves[2], 2, 3, &[left], &root)?;
//! assert!(tlog::verify_inclusion(&leaves[2], 1, 3, &[left], &root).is_err());
//! # Ok::<(), tlog::ProofError>(())
//! ```

mod checkpoint;
mod hash;
mod note;
mod proof;
mod tile;
mod tree;

pub use checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint};
pub use hash::{EMPTY_ROOT, Hash, leaf_hash, node_hash, sha256};
pub use note::{
    KeyId, Note, NoteError, NoteSignature, NoteVerifyError, cosignature_key_id, cosigned_message, ecdsa_key_id,
    ed25519_key_id, is_key_name, note_key_id, rsa_key_id,
};
pub use proof::{MAX_PROOF_HASHES, ProofError, root_from_inclusion, verify_consistency, verify_inclusion};
pub use tile::{ENTRY_BUNDLE_ENTRIES, EntryBundleError, TILE_HEIGHT, TILE_WIDTH, TilePath, TilePathError, TileRow};
pub use tile::{append_to_bundle, parse_entry_bundle};
pub use tree::{Node, consistency_nodes, inclusion_nodes, range_hash, range_nodes, root_nodes};
