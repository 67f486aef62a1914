use std::collections::BTreeMap;
use std::sync::Arc;

use space::{Range, Sequence, Snapshot, Space};
use tlog::{
    Hash, Node, TILE_WIDTH, TilePath, TileRow, append_to_bundle, consistency_nodes, inclusion_nodes, range_hash,
    root_nodes,
};

use crate::entry::{LedgerError, MAX_ENTRY_BYTES, Term};
use crate::keys::Keys;
use crate::run::{find_in_run, list_runs};
use crate::tiles::{TilePlace, complete_hash, place_of};

/// [`View::find`] answers with no more indices.
pub const MAX_FOUND: usize = 1000;

const HASH_BYTES: usize = 32;
/// Before the entries of a stored batch: when they were integrated.
const TIME_BYTES: usize = 8;

/// Reads the log. Cheap to clone.
#[derive(Clone)]
pub struct Reader {
    space: Arc<dyn Space>,
    keys: Keys,
}

/// The log at its latest checkpoint; further growth does not change what it reads.
pub struct View {
    snapshot: Box<dyn Snapshot>,
    keys: Keys,
    latest: Latest,
}

/// The latest checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Latest {
    /// Entries in the log.
    pub size: u64,
    /// Root of the tree.
    pub root: Hash,
    /// The signed note.
    pub checkpoint: String,
    pub(crate) version: Sequence,
}

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its place in the log.
    pub index: u64,
    /// The bytes that are hashed.
    pub body: Vec<u8>,
    /// When it was appended, in seconds since 1970.
    pub integrated_at_seconds: u64,
}

fn damaged(what: &str) -> LedgerError {
    LedgerError::Damaged(what.to_owned())
}

impl Reader {
    /// Reads the log whose keys begin with `prefix`.
    pub fn new(space: Arc<dyn Space>, prefix: &[u8]) -> Self {
        Self { space, keys: Keys::new(prefix) }
    }

    /// The log as it is now; nothing before a writer has opened it.
    pub async fn view(&self) -> Result<Option<View>, LedgerError> {
        let snapshot = self.space.snapshot().await?;
        let latest = match snapshot.get(&self.keys.checkpoint()).await? {
            Some(stored) => Latest::decode(&stored.bytes, stored.version)?,
            None => return Ok(None),
        };
        Ok(Some(View { snapshot, keys: self.keys.clone(), latest }))
    }

    /// Waits until the log may have grown beyond the view.
    pub async fn grown(&self, view: &View) -> Result<(), LedgerError> {
        let key = self.keys.checkpoint();
        self.space.changed(&key, view.latest.version).await?;
        Ok(())
    }
}

impl Latest {
    pub(crate) fn encode(size: u64, root: &Hash, checkpoint: &str) -> Vec<u8> {
        [&size.to_be_bytes()[..], root.as_ref(), checkpoint.as_bytes()].concat()
    }

    fn decode(bytes: &[u8], version: Sequence) -> Result<Self, LedgerError> {
        let parts = || {
            let (size, rest) = bytes.split_first_chunk()?;
            let (root, note) = rest.split_at_checked(HASH_BYTES)?;
            let checkpoint = std::str::from_utf8(note).ok()?.to_owned();
            Some(Self { size: u64::from_be_bytes(*size), root: Hash::try_from(root).ok()?, checkpoint, version })
        };
        parts().ok_or_else(|| damaged("the checkpoint cannot be read"))
    }
}

impl View {
    /// The checkpoint of this view.
    pub fn latest(&self) -> &Latest {
        &self.latest
    }

    /// The inclusion proof of an entry in the tree of `size` entries.
    pub async fn inclusion(&self, index: u64, size: u64) -> Result<Vec<Hash>, LedgerError> {
        self.within(size)?;
        if index >= size {
            return Err(LedgerError::Beyond { asked: index, size });
        }
        self.ranges(&inclusion_nodes(index, size)).await
    }

    /// The proof that the tree of `size` entries begins with that of `old_size`.
    pub async fn consistency(&self, old_size: u64, size: u64) -> Result<Vec<Hash>, LedgerError> {
        self.within(size)?;
        if old_size > size {
            return Err(LedgerError::Beyond { asked: old_size, size });
        }
        self.ranges(&consistency_nodes(old_size, size)).await
    }

    /// The root of the tree of `size` entries.
    pub async fn root(&self, size: u64) -> Result<Hash, LedgerError> {
        self.within(size)?;
        let root = self.ranges(&[root_nodes(size)]).await?;
        root.first().copied().ok_or_else(|| damaged("there is no root"))
    }

    /// The hash of an entry's leaf.
    pub async fn leaf(&self, index: u64) -> Result<Hash, LedgerError> {
        if index >= self.latest.size {
            return Err(LedgerError::Beyond { asked: index, size: self.latest.size });
        }
        let leaf = self.ranges(&[vec![Node { level: 0, index }]]).await?;
        leaf.first().copied().ok_or_else(|| damaged("there is no leaf"))
    }

    /// The entry at this index.
    pub async fn entry(&self, index: u64) -> Result<Option<Stored>, LedgerError> {
        if index >= self.latest.size {
            return Ok(None);
        }
        let start = self.keys.entries(index - index % u64::from(TILE_WIDTH));
        let mut end = self.keys.entries(index);
        end.push(0);
        let rows = self.snapshot.range(Range::between(start, end).backwards().limit(1)).await?;
        let row = rows.first().ok_or_else(|| damaged("an entry is missing"))?;
        let first = Keys::number(&row.key).ok_or_else(|| damaged("entries have no number"))?;
        let (integrated_at_seconds, bodies) = decode_entries(&row.value.bytes)?;
        let within = usize::try_from(index.saturating_sub(first)).unwrap_or(usize::MAX);
        let body = bodies.get(within).ok_or_else(|| damaged("an entry is missing"))?;
        Ok(Some(Stored { index, body: body.to_vec(), integrated_at_seconds }))
    }

    /// The bytes of a tile or entry bundle, if the log has it at that width.
    pub async fn tile(&self, path: TilePath) -> Result<Option<Vec<u8>>, LedgerError> {
        let whole = TilePath::in_tree(path.row, path.index, self.latest.size);
        if whole.is_none_or(|whole| whole.width < path.width) {
            return Ok(None);
        }
        match path.row {
            TileRow::Hashes(level) => {
                let tile = self.snapshot.get(&self.keys.tile(level, path.index)).await?;
                let mut bytes = tile.ok_or_else(|| damaged("a tile is missing"))?.bytes;
                let length = usize::from(path.width) * HASH_BYTES;
                if bytes.len() < length {
                    return Err(damaged("a tile is too short"));
                }
                bytes.truncate(length);
                Ok(Some(bytes))
            }
            TileRow::Entries => self.bundle(path.index, path.width).await.map(Some),
        }
    }

    async fn bundle(&self, index: u64, width: u16) -> Result<Vec<u8>, LedgerError> {
        let first = index * u64::from(TILE_WIDTH);
        let end = self.keys.entries(first + u64::from(width));
        let rows = self.snapshot.range(Range::between(self.keys.entries(first), end)).await?;
        let (mut bundle, mut count) = (Vec::new(), 0);
        for row in &rows {
            for body in decode_entries(&row.value.bytes)?.1 {
                if count < width {
                    append_to_bundle(&mut bundle, body).map_err(|_| damaged("an entry is too long"))?;
                    count += 1;
                }
            }
        }
        if count < width {
            return Err(damaged("an entry is missing"));
        }
        Ok(bundle)
    }

    /// Indices of the entries that have the term, ascending, from `from` on, at most `limit` and [`MAX_FOUND`].
    pub async fn find(&self, term: &Term, from: u64, limit: usize) -> Result<Vec<u64>, LedgerError> {
        let limit = limit.min(MAX_FOUND);
        let mut found = Vec::new();
        for (run, _) in list_runs(&*self.snapshot, &self.keys).await? {
            if found.len() >= limit {
                break;
            }
            find_in_run(&*self.snapshot, &self.keys, run, (*term, from), limit, &mut found).await?;
        }
        Ok(found)
    }

    /// The index of the entry with this leaf hash.
    pub async fn index_of(&self, leaf: &Hash) -> Result<Option<u64>, LedgerError> {
        for index in self.find(&Term::leaf(leaf), 0, MAX_FOUND).await? {
            if self.leaf(index).await? == *leaf {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    /// Leaf hashes from the tile `index` of the lowest level on, from several tiles at once; for rebuilding the filter.
    pub(crate) async fn leaves(&self, index: u64) -> Result<Vec<Hash>, LedgerError> {
        const TILES: usize = 64;
        let range = Range::between(self.keys.tile(0, index), self.keys.tile(0, u64::MAX)).limit(TILES);
        let mut leaves = Vec::new();
        for row in self.snapshot.range(range).await? {
            leaves.extend(decode_hashes(&row.value.bytes)?);
        }
        Ok(leaves)
    }

    /// The first hashes of a tile.
    pub(crate) async fn hashes(&self, (level, index): TilePlace, count: usize) -> Result<Vec<Hash>, LedgerError> {
        if count == 0 {
            return Ok(Vec::new());
        }
        let tile = self.snapshot.get(&self.keys.tile(level, index)).await?;
        let tile = tile.ok_or_else(|| damaged("a tile is missing"))?;
        let hashes = decode_hashes(&tile.bytes)?;
        hashes.get(..count).map(<[Hash]>::to_vec).ok_or_else(|| damaged("a tile is too short"))
    }

    fn within(&self, size: u64) -> Result<(), LedgerError> {
        if size > self.latest.size {
            return Err(LedgerError::Beyond { asked: size, size: self.latest.size });
        }
        Ok(())
    }

    /// The hash of each range, with each tile read once.
    async fn ranges(&self, ranges: &[Vec<Node>]) -> Result<Vec<Hash>, LedgerError> {
        let mut tiles: BTreeMap<TilePlace, Vec<Hash>> = BTreeMap::new();
        for node in ranges.iter().flatten() {
            let (place, _) = place_of(*node);
            if let std::collections::btree_map::Entry::Vacant(vacant) = tiles.entry(place) {
                let tile = self.snapshot.get(&self.keys.tile(place.0, place.1)).await?;
                let tile = tile.ok_or_else(|| damaged("a tile is missing"))?;
                vacant.insert(decode_hashes(&tile.bytes)?);
            }
        }
        let node = |node: &Node| {
            let (place, within) = place_of(*node);
            let hash = tiles.get(&place).and_then(|tile| complete_hash(tile.get(within)?));
            hash.ok_or_else(|| damaged("a tile is too short"))
        };
        let range = |nodes: &Vec<Node>| {
            let hashes: Result<Vec<Hash>, LedgerError> = nodes.iter().map(node).collect();
            Ok(range_hash(&hashes?))
        };
        ranges.iter().map(range).collect()
    }
}

fn decode_hashes(bytes: &[u8]) -> Result<Vec<Hash>, LedgerError> {
    let hashes = bytes.chunks(HASH_BYTES).map(Hash::try_from);
    hashes.collect::<Result<_, _>>().map_err(|_| damaged("a tile is not made of hashes"))
}

pub(crate) fn encode_entries<'a>(time_seconds: u64, bodies: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut bytes = time_seconds.to_be_bytes().to_vec();
    for body in bodies {
        debug_assert!(body.len() <= MAX_ENTRY_BYTES, "an entry is measured when it is made");
        bytes.extend_from_slice(&u16::try_from(body.len()).unwrap_or(u16::MAX).to_be_bytes());
        bytes.extend_from_slice(body);
    }
    bytes
}

fn decode_entries(bytes: &[u8]) -> Result<(u64, Vec<&[u8]>), LedgerError> {
    let (time, mut rest) = bytes.split_first_chunk::<TIME_BYTES>().ok_or_else(|| damaged("entries have no time"))?;
    let mut bodies = Vec::new();
    while !rest.is_empty() {
        let cut = || damaged("entries end within an entry");
        let (length, after) = rest.split_first_chunk().ok_or_else(cut)?;
        let (body, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length))).ok_or_else(cut)?;
        bodies.push(body);
        rest = after;
    }
    Ok((u64::from_be_bytes(*time), bodies))
}
