//! Checks of inclusion and consistency proofs, by the algorithms of RFC 9162 sections 2.1.3.2 and 2.1.4.2.

use crate::hash::{EMPTY_ROOT, Hash, node_hash};

/// No proof in a tree of at most 2^64 leaves has more hashes.
pub const MAX_PROOF_HASHES: usize = 64;

/// Why a proof does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// The leaf lies outside the tree.
    #[error("leaf {index} is outside a tree of {size} leaves")]
    IndexOutsideTree {
        /// Index of the leaf.
        index: u64,
        /// Leaves in the tree.
        size: u64,
    },
    /// The later tree has fewer leaves than the earlier one.
    #[error("a tree of {new} leaves cannot continue one of {old} leaves")]
    SizeShrunk {
        /// Leaves in the earlier tree.
        old: u64,
        /// Leaves in the later tree.
        new: u64,
    },
    /// The proof has another number of hashes than these sizes need.
    #[error("the proof has {found} hashes, {expected} are needed")]
    WrongLength {
        /// Hashes that the sizes call for.
        expected: usize,
        /// Hashes in the proof.
        found: usize,
    },
    /// The proof leads to another root.
    #[error("the proof leads to the root {computed}, not to {expected}")]
    RootMismatch {
        /// The root that was to be reached.
        expected: Hash,
        /// The root that the proof gives.
        computed: Hash,
    },
    /// The consistency proof does not lead to the earlier root.
    #[error("the proof leads to the earlier root {computed}, not to {expected}")]
    OldRootMismatch {
        /// The earlier root.
        expected: Hash,
        /// The earlier root that the proof gives.
        computed: Hash,
    },
}

/// Checks that `leaf` is the leaf `index` of the tree with `size` leaves and this root.
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, proof: &[Hash], root: &Hash) -> Result<(), ProofError> {
    let computed = root_from_inclusion(leaf, index, size, proof)?;
    if computed != *root {
        return Err(ProofError::RootMismatch { expected: *root, computed });
    }
    Ok(())
}

/// The root that an inclusion proof leads to.
pub fn root_from_inclusion(leaf: &Hash, index: u64, size: u64, proof: &[Hash]) -> Result<Hash, ProofError> {
    if index >= size {
        return Err(ProofError::IndexOutsideTree { index, size });
    }
    let expected = inclusion_length(index, size);
    if proof.len() != expected {
        return Err(ProofError::WrongLength { expected, found: proof.len() });
    }
    let (mut node, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in proof {
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                (node, last) = (node >> 1, last >> 1);
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    Ok(hash)
}

/// Below the height where the path of the leaf leaves the right edge each level has a sibling; above it each left
/// sibling is one.
fn inclusion_length(index: u64, size: u64) -> usize {
    let inner = u64::BITS - (index ^ (size - 1)).leading_zeros();
    let border = index.checked_shr(inner).unwrap_or(0).count_ones();
    (inner + border) as usize
}

/// Checks that the tree of `new_size` leaves with root `new_root` begins with the tree of `old_size` leaves with root
/// `old_root`. A tree is consistent with itself, and every tree with the empty one, by a proof without hashes.
pub fn verify_consistency(
    old_size: u64,
    old_root: &Hash,
    new_size: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    if new_size < old_size {
        return Err(ProofError::SizeShrunk { old: old_size, new: new_size });
    }
    if old_size == new_size || old_size == 0 {
        if !proof.is_empty() {
            return Err(ProofError::WrongLength { expected: 0, found: proof.len() });
        }
        if old_size == new_size && old_root != new_root {
            return Err(ProofError::RootMismatch { expected: *new_root, computed: *old_root });
        }
        if old_size == 0 && *old_root != EMPTY_ROOT {
            return Err(ProofError::OldRootMismatch { expected: *old_root, computed: EMPTY_ROOT });
        }
        return Ok(());
    }
    // The walk begins at the last complete subtree of the earlier tree. When that is the whole earlier tree its root
    // is known and not part of the proof.
    let shift = old_size.trailing_zeros();
    let expected = consistency_length(old_size, new_size);
    if proof.len() != expected {
        return Err(ProofError::WrongLength { expected, found: proof.len() });
    }
    let (mut node, mut last) = ((old_size - 1) >> shift, (new_size - 1) >> shift);
    let mut hashes = proof.iter();
    let start = if node == 0 { old_root } else { hashes.next().unwrap_or(old_root) };
    let (mut old, mut new) = (*start, *start);
    for sibling in hashes {
        if node & 1 == 1 || node == last {
            (old, new) = (node_hash(sibling, &old), node_hash(sibling, &new));
            while node & 1 == 0 && node != 0 {
                (node, last) = (node >> 1, last >> 1);
            }
        } else {
            new = node_hash(&new, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    if old != *old_root {
        return Err(ProofError::OldRootMismatch { expected: *old_root, computed: old });
    }
    if new != *new_root {
        return Err(ProofError::RootMismatch { expected: *new_root, computed: new });
    }
    Ok(())
}

fn consistency_length(old_size: u64, new_size: u64) -> usize {
    let shift = old_size.trailing_zeros();
    let path = inclusion_length(old_size - 1, new_size) - shift as usize;
    if old_size.is_power_of_two() { path } else { path + 1 }
}
