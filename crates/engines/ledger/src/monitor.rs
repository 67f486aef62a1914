//! What a monitor checks of a log, as functions over what it has fetched.
//!
//! A monitor that follows a log calls [`continues`] with each new checkpoint, [`entries_match`] with the entry bundles
//! that came, and [`leaves_complete`] with all leaf hashes now and then.

use tlog::{Checkpoint, Hash, ProofError, leaf_hash, node_hash, verify_consistency};

/// What a log must never do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// The checkpoint is of another log.
    #[error("the checkpoint is of the log {found:?}, not of {expected:?}")]
    OtherLog {
        /// The log that is followed.
        expected: String,
        /// The log of the checkpoint.
        found: String,
    },
    /// The log has become smaller.
    #[error("the log was rolled back from {last} to {size} entries")]
    Rollback {
        /// Entries before.
        last: u64,
        /// Entries now.
        size: u64,
    },
    /// Two roots for one size.
    #[error("the log has forked: {size} entries have the roots {last} and {root}")]
    Fork {
        /// Entries in both.
        size: u64,
        /// The root before.
        last: Hash,
        /// The root now.
        root: Hash,
    },
    /// What was in the log is not in it any more, or the proof is bent.
    #[error("the log does not continue what it was")]
    Inconsistent(#[source] ProofError),
    /// An entry is not the one whose hash is in the tree.
    #[error("entry {index} is not the one in the tree")]
    EntryChanged {
        /// Index of the entry.
        index: u64,
    },
    /// The tree has entries that are not served.
    #[error("entry {index} is in the tree and is not served")]
    EntryRemoved {
        /// Index of the first such entry.
        index: u64,
    },
    /// The hashes of the leaves do not make the root.
    #[error("the leaves lead to the root {computed}, not to {expected}")]
    OtherRoot {
        /// Root of the checkpoint.
        expected: Hash,
        /// Root of the leaves.
        computed: Hash,
    },
}

/// Checks that a checkpoint continues an earlier one.
pub fn continues(last: &Checkpoint, next: &Checkpoint, proof: &[Hash]) -> Result<(), Violation> {
    if last.origin != next.origin {
        return Err(Violation::OtherLog { expected: last.origin.clone(), found: next.origin.clone() });
    }
    if next.size < last.size {
        return Err(Violation::Rollback { last: last.size, size: next.size });
    }
    if next.size == last.size && next.root != last.root {
        return Err(Violation::Fork { size: last.size, last: last.root, root: next.root });
    }
    verify_consistency(last.size, &last.root, next.size, &next.root, proof).map_err(Violation::Inconsistent)
}

/// Checks that the entries from `first` on are those whose leaf hashes the tree has there.
pub fn entries_match(first: u64, entries: &[&[u8]], leaves: &[Hash]) -> Result<(), Violation> {
    for (place, leaf) in leaves.iter().enumerate() {
        let index = first + place as u64;
        match entries.get(place) {
            None => return Err(Violation::EntryRemoved { index }),
            Some(entry) if leaf_hash(entry) != *leaf => return Err(Violation::EntryChanged { index }),
            Some(_) => {}
        }
    }
    if entries.len() > leaves.len() {
        return Err(Violation::EntryChanged { index: first + leaves.len() as u64 });
    }
    Ok(())
}

/// Checks that these leaves, all of the tree, make the checkpoint's root. Memory grows with the logarithm of their
/// number.
pub fn leaves_complete(checkpoint: &Checkpoint, leaves: impl IntoIterator<Item = Hash>) -> Result<(), Violation> {
    let mut complete: Vec<(u32, Hash)> = Vec::new();
    let mut count = 0;
    for leaf in leaves {
        count += 1;
        let mut node = (0, leaf);
        while let Some((_, left)) = complete.pop_if(|(level, _)| *level == node.0) {
            node = (node.0 + 1, node_hash(&left, &node.1));
        }
        complete.push(node);
    }
    if count < checkpoint.size {
        return Err(Violation::EntryRemoved { index: count });
    }
    let hashes: Vec<Hash> = complete.into_iter().map(|(_, hash)| hash).collect();
    let computed = tlog::range_hash(&hashes);
    if count != checkpoint.size || computed != checkpoint.root {
        return Err(Violation::OtherRoot { expected: checkpoint.root, computed });
    }
    Ok(())
}

/// The entries from `first` on that concern whoever watches, by a test of the entry.
pub fn watched<'a>(first: u64, entries: &[&'a [u8]], concerns: impl Fn(&[u8]) -> bool) -> Vec<(u64, &'a [u8])> {
    let numbered = (first..).zip(entries.iter().copied());
    numbered.filter(|(_, entry)| concerns(entry)).collect()
}
