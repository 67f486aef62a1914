//! Which stored hashes make up a root or a proof.
//!
//! A log stores the hash of each complete subtree: a [`Node`]. Any range of leaves that a proof needs is a short row of
//! such nodes, folded from the right by [`range_hash`]. The functions here name the nodes; reading them is the
//! caller's.

use crate::hash::{EMPTY_ROOT, Hash, node_hash};

/// A complete subtree: the 2^`level` leaves from `index` * 2^`level` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Node {
    /// Height above the leaves.
    pub level: u8,
    /// Index among the nodes of that level.
    pub index: u64,
}

/// The complete subtrees that cover the leaves from `start` to before `end`, from left to right, largest that align
/// first. For a range that the tree hash splits off (it starts at a multiple of its own rounded-up size) their fold is
/// its hash.
pub fn range_nodes(start: u64, end: u64) -> Vec<Node> {
    let (mut nodes, mut at) = (Vec::new(), start);
    while at < end {
        let fits = 63 - (end - at).leading_zeros();
        let level = if at == 0 { fits } else { fits.min(at.trailing_zeros()) };
        // At most 63 by construction.
        nodes.push(Node { level: u8::try_from(level).unwrap_or(63), index: at >> level });
        at += 1 << level;
    }
    nodes
}

/// The nodes under the root of a tree with `size` leaves.
pub fn root_nodes(size: u64) -> Vec<Node> {
    range_nodes(0, size)
}

/// The nodes of each hash of the inclusion proof of leaf `index` in a tree of `size` leaves, from the leaf upwards.
/// Nothing for a leaf outside the tree.
pub fn inclusion_nodes(index: u64, size: u64) -> Vec<Vec<Node>> {
    let mut proof = Vec::new();
    let (mut start, mut end) = (0, size);
    if index >= size {
        return proof;
    }
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            proof.push(range_nodes(middle, end));
            end = middle;
        } else {
            proof.push(range_nodes(start, middle));
            start = middle;
        }
    }
    proof.reverse();
    proof
}

/// The nodes of each hash of the consistency proof between the trees of `old_size` and `new_size` leaves. Nothing when
/// no proof is needed: equal sizes, an empty earlier tree, or sizes the wrong way around.
pub fn consistency_nodes(old_size: u64, new_size: u64) -> Vec<Vec<Node>> {
    let mut proof = Vec::new();
    if old_size == 0 || old_size >= new_size {
        return proof;
    }
    let (mut start, mut end, mut known) = (0, new_size, true);
    while old_size != end {
        let middle = start + split(end - start);
        if old_size <= middle {
            proof.push(range_nodes(middle, end));
            end = middle;
        } else {
            proof.push(range_nodes(start, middle));
            (start, known) = (middle, false);
        }
    }
    if !known {
        proof.push(range_nodes(start, end));
    }
    proof.reverse();
    proof
}

/// The largest power of two below `leaves`, which is at least 2.
fn split(leaves: u64) -> u64 {
    1 << (63 - (leaves - 1).leading_zeros())
}

/// Folds the hashes of [`range_nodes`] into the hash of the range; no hashes are the empty tree.
pub fn range_hash(hashes: &[Hash]) -> Hash {
    let mut rest = hashes.iter().rev();
    match rest.next() {
        Some(last) => rest.fold(*last, |right, left| node_hash(left, &right)),
        None => EMPTY_ROOT,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{ProofError, leaf_hash, verify_consistency, verify_inclusion};

    fn leaves(count: u64) -> Vec<Hash> {
        (0..count).map(|index| leaf_hash(&index.to_be_bytes())).collect()
    }

    /// The tree hash by its definition, RFC 6962 section 2.1.
    fn tree_hash(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => EMPTY_ROOT,
            [leaf] => *leaf,
            _ => {
                let (left, right) = leaves.split_at(split(leaves.len() as u64) as usize);
                node_hash(&tree_hash(left), &tree_hash(right))
            }
        }
    }

    fn read(leaves: &[Hash], nodes: &[Node]) -> Hash {
        let hash = |node: &Node| {
            let (start, length) = ((node.index << node.level) as usize, 1usize << node.level);
            tree_hash(&leaves[start..start + length])
        };
        range_hash(&nodes.iter().map(hash).collect::<Vec<_>>())
    }

    fn read_all(leaves: &[Hash], proof: &[Vec<Node>]) -> Vec<Hash> {
        proof.iter().map(|nodes| read(leaves, nodes)).collect()
    }

    #[test]
    fn every_proof_in_small_trees_holds_and_no_bent_one_does() {
        let all = leaves(40);
        for size in 1..=40_u64 {
            let tree = &all[..size as usize];
            let root = tree_hash(tree);
            assert_eq!(read(tree, &root_nodes(size)), root);
            for index in 0..size {
                let proof = read_all(tree, &inclusion_nodes(index, size));
                let leaf = &tree[index as usize];
                assert_eq!(verify_inclusion(leaf, index, size, &proof, &root), Ok(()));
                for other in (0..size).filter(|other| *other != index) {
                    assert!(verify_inclusion(leaf, other, size, &proof, &root).is_err());
                }
                bend(&proof, |bent| verify_inclusion(leaf, index, size, bent, &root));
            }
            for old in 0..=size {
                let proof = read_all(tree, &consistency_nodes(old, size));
                let old_root = tree_hash(&tree[..old as usize]);
                assert_eq!(verify_consistency(old, &old_root, size, &root, &proof), Ok(()), "{old} {size}");
                let forged = leaf_hash(b"another");
                assert!(verify_consistency(old, &forged, size, &root, &proof).is_err());
                if old != 0 {
                    assert!(verify_consistency(old, &old_root, size, &forged, &proof).is_err());
                }
                bend(&proof, |bent| verify_consistency(old, &old_root, size, &root, bent));
            }
        }
        let root = tree_hash(&all);
        assert_eq!(
            verify_inclusion(&root, 40, 40, &[], &root),
            Err(ProofError::IndexOutsideTree { index: 40, size: 40 })
        );
        assert_eq!(verify_consistency(3, &root, 2, &root, &[]), Err(ProofError::SizeShrunk { old: 3, new: 2 }));
    }

    /// Each single change to a proof must be refused.
    fn bend(proof: &[Hash], check: impl Fn(&[Hash]) -> Result<(), ProofError>) {
        for at in 0..proof.len() {
            let mut bent = proof.to_vec();
            bent[at].0[7] ^= 1;
            assert!(check(&bent).is_err());
            bent.remove(at);
            assert!(check(&bent).is_err());
        }
        let mut longer = proof.to_vec();
        longer.push(EMPTY_ROOT);
        assert!(check(&longer).is_err());
    }

    proptest! {
        /// Sizes and indices near the limits neither panic nor run on.
        #[test]
        fn any_numbers_are_answered(old: u64, new: u64, index: u64) {
            let _ = verify_inclusion(&EMPTY_ROOT, index, new, &[], &EMPTY_ROOT);
            let _ = verify_consistency(old, &EMPTY_ROOT, new, &EMPTY_ROOT, &[EMPTY_ROOT]);
            prop_assert!(inclusion_nodes(index, new).len() <= crate::MAX_PROOF_HASHES);
            prop_assert!(consistency_nodes(old, new).len() <= crate::MAX_PROOF_HASHES + 1);
        }
    }
}
