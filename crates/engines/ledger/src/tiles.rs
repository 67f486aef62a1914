//! Hashes of nodes out of tiles, and the growing right edge of the tree.

use std::collections::BTreeMap;

use tlog::{Hash, Node, TILE_HEIGHT, TILE_WIDTH, inclusion_nodes, node_hash, range_hash, root_nodes};

const WIDTH: usize = TILE_WIDTH as usize;

/// Place of a tile: its level and index.
pub(crate) type TilePlace = (u8, u64);

/// The tile that has the hashes under a node, and the part of it.
pub(crate) fn place_of(node: Node) -> (TilePlace, std::ops::Range<usize>) {
    let (level, height) = (node.level / TILE_HEIGHT, node.level % TILE_HEIGHT);
    // Both are below 256 by construction.
    let width = 1_usize << height;
    let within = usize::try_from(node.index & ((1 << (TILE_HEIGHT - height)) - 1)).unwrap_or(0) * width;
    ((level, node.index >> (TILE_HEIGHT - height)), within..within + width)
}

/// The hash of a complete subtree of these hashes.
pub(crate) fn complete_hash(hashes: &[Hash]) -> Option<Hash> {
    match hashes {
        [hash] => Some(*hash),
        [] => None,
        _ => {
            let (left, right) = hashes.split_at(hashes.len() / 2);
            Some(node_hash(&complete_hash(left)?, &complete_hash(right)?))
        }
    }
}

/// A tile with every node inside it: the first row are its hashes.
#[derive(Debug, Clone)]
struct Expanded(Vec<Vec<Hash>>);

impl Expanded {
    fn new(hashes: Vec<Hash>) -> Self {
        let mut rows = vec![hashes];
        while let Some(below) = rows.last().filter(|row| row.len() > 1) {
            let pairs = below.chunks_exact(2);
            let above = pairs.filter_map(|pair| Some(node_hash(pair.first()?, pair.last()?))).collect();
            rows.push(above);
        }
        Self(rows)
    }
}

/// The tiles at the right edge of a tree of some size: enough for the proofs of the entries that were appended last.
#[derive(Debug)]
pub struct ProofTiles {
    size: u64,
    tiles: BTreeMap<TilePlace, Expanded>,
}

impl ProofTiles {
    /// The inclusion proof of an entry among the last appended; nothing for one further left.
    pub fn inclusion(&self, index: u64) -> Option<Vec<Hash>> {
        if index >= self.size {
            return None;
        }
        inclusion_nodes(index, self.size).iter().map(|nodes| self.range(nodes)).collect()
    }

    fn range(&self, nodes: &[Node]) -> Option<Hash> {
        let hashes: Option<Vec<Hash>> = nodes.iter().map(|node| self.node(*node)).collect();
        hashes.map(|hashes| range_hash(&hashes))
    }

    fn node(&self, node: Node) -> Option<Hash> {
        let (place, within) = place_of(node);
        let row = self.tiles.get(&place)?.0.get(usize::from(node.level % TILE_HEIGHT))?;
        row.get(within.start / within.len()).copied()
    }

    fn root(&self) -> Option<Hash> {
        self.range(&root_nodes(self.size))
    }
}

/// The incomplete tile of each level.
#[derive(Debug, Clone, Default)]
pub(crate) struct Edge {
    pub(crate) size: u64,
    levels: Vec<Vec<Hash>>,
}

/// What appending leaves changes.
pub(crate) struct Growth {
    pub(crate) edge: Edge,
    pub(crate) root: Hash,
    pub(crate) proofs: ProofTiles,
    /// Tiles to write, from what they have changed on.
    pub(crate) tiles: Vec<(TilePlace, Vec<u8>)>,
}

impl Edge {
    /// The edge of a tree of `size` leaves, of the incomplete tiles that `tile` reads for each level.
    pub(crate) fn new(size: u64, levels: Vec<Vec<Hash>>) -> Self {
        Self { size, levels }
    }

    /// The incomplete tiles of a tree of this size, and how many hashes each has.
    pub(crate) fn places(size: u64) -> Vec<(TilePlace, usize)> {
        let mut places = Vec::new();
        let mut nodes = size;
        while nodes > 0 {
            let level = u8::try_from(places.len()).unwrap_or(u8::MAX);
            let width = usize::try_from(nodes % u64::from(TILE_WIDTH)).unwrap_or(0);
            places.push(((level, nodes / u64::from(TILE_WIDTH)), width));
            nodes /= u64::from(TILE_WIDTH);
        }
        places
    }

    /// The tree with these leaves appended. `None` only if the tree cannot hold them.
    pub(crate) fn grow(&self, leaves: &[Hash]) -> Option<Growth> {
        let size = self.size.checked_add(u64::try_from(leaves.len()).ok()?)?;
        let mut levels = self.levels.clone();
        let mut tiles = BTreeMap::new();
        let mut written = Vec::new();
        let (mut added, mut level, mut before) = (leaves.to_vec(), 0_usize, self.size);
        while level < levels.len() || !added.is_empty() {
            if levels.len() == level {
                levels.push(Vec::new());
            }
            let edge = levels.get_mut(level)?;
            let mut index = before / u64::from(TILE_WIDTH);
            let mut above = Vec::new();
            let mut rest = added.as_slice();
            let number = u8::try_from(level).ok()?;
            loop {
                let (taken, left) = rest.split_at(rest.len().min(WIDTH - edge.len()));
                edge.extend_from_slice(taken);
                rest = left;
                if !edge.is_empty() {
                    if !taken.is_empty() {
                        written.push(((number, index), edge.iter().flat_map(|hash| hash.0).collect()));
                    }
                    let expanded = Expanded::new(edge.clone());
                    if edge.len() == WIDTH {
                        above.push(*expanded.0.last()?.first()?);
                        edge.clear();
                    }
                    tiles.insert((number, index), expanded);
                    index += 1;
                }
                if rest.is_empty() {
                    break;
                }
            }
            (added, before, level) = (above, before / u64::from(TILE_WIDTH), level + 1);
        }
        let proofs = ProofTiles { size, tiles };
        let root = proofs.root()?;
        Some(Growth { edge: Self { size, levels }, root, proofs, tiles: written })
    }
}

#[cfg(test)]
mod tests {
    use tlog::{leaf_hash, verify_inclusion};

    use super::*;

    #[test]
    fn every_leaf_of_a_batch_has_its_proof() {
        let mut edge = Edge::default();
        let mut number = 0_u64;
        for batch in [0, 1, 2, 250, 3, 1, 511, 256, 1, 65_000, 1000, 1] {
            let leaves: Vec<Hash> = (number..number + batch).map(|leaf| leaf_hash(&leaf.to_be_bytes())).collect();
            let growth = edge.grow(&leaves).unwrap();
            for (leaf, index) in leaves.iter().zip(number..).step_by(7) {
                let proof = growth.proofs.inclusion(index).unwrap();
                verify_inclusion(leaf, index, number + batch, &proof, &growth.root).unwrap();
            }
            edge = growth.edge;
            number += batch;
            let places: Vec<usize> = Edge::places(number).iter().map(|(_, width)| *width).collect();
            assert_eq!(places, edge.levels.iter().map(Vec::len).collect::<Vec<_>>());
        }
        assert_eq!(edge.size, number);
    }
}
