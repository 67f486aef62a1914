use std::collections::HashMap;
use std::sync::Arc;

use space::{Batch, CommitError, Space};
use tlog::{Checkpoint, EMPTY_ROOT, Hash, TILE_WIDTH};

use crate::entry::{CheckpointSigner, Entry, LedgerError};
use crate::filter::Filter;
use crate::keys::{Keys, RunName};
use crate::reader::{Latest, Reader, View, encode_entries};
use crate::run::{IndexRow, put_blocks};
use crate::tiles::{Edge, Growth, ProofTiles};

/// How often a batch is tried again because another writer was faster.
const ATTEMPTS: u32 = 16;

/// Appends to a log. There may be several for one log; each goes on from what the others wrote.
pub struct Writer {
    space: Arc<dyn Space>,
    keys: Keys,
    reader: Reader,
    origin: String,
    signer: Arc<dyn CheckpointSigner>,
    edge: Edge,
    filter: Filter,
    published: Arc<Published>,
    version: space::Sequence,
    /// A commit failed so that it is not known whether it was made.
    stale: bool,
}

/// A checkpoint that has been made durable.
#[derive(Debug)]
pub struct Published {
    /// Entries in the log.
    pub size: u64,
    /// Root of the tree.
    pub root: Hash,
    /// The signed note.
    pub checkpoint: String,
    /// Proofs of the entries that came with it.
    pub proofs: Option<ProofTiles>,
}

/// What became of a batch.
#[derive(Debug, Clone)]
pub struct Appended {
    /// The checkpoint that has all of it.
    pub published: Arc<Published>,
    /// The place of each entry, in the order of the batch.
    pub places: Vec<Place>,
}

/// The place of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its index.
    pub index: u64,
    /// Whether the log, or the batch before it, had it already.
    pub duplicate: bool,
}

/// Why a batch was not appended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// The log failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Other writers were always faster.
    #[error("other writers to the log were faster {ATTEMPTS} times")]
    Contended,
    /// The batch is larger than the storage takes.
    #[error("the batch of entries is too large")]
    TooLarge(#[source] CommitError),
    /// The log has as many entries as a log can have.
    #[error("the log is full")]
    Full,
}

impl Writer {
    /// Opens the log whose keys begin with `prefix`, or begins it. `origin` is the first line of its checkpoints.
    pub async fn open(
        space: Arc<dyn Space>,
        prefix: &[u8],
        origin: &str,
        signer: Arc<dyn CheckpointSigner>,
    ) -> Result<Self, LedgerError> {
        let reader = Reader::new(Arc::clone(&space), prefix);
        let published = Arc::new(Published { size: 0, root: EMPTY_ROOT, checkpoint: String::new(), proofs: None });
        let mut writer = Self {
            space,
            keys: Keys::new(prefix),
            reader,
            origin: origin.to_owned(),
            signer,
            edge: Edge::default(),
            filter: Filter::default(),
            published,
            version: 0,
            stale: false,
        };
        if writer.reader.view().await?.is_none() {
            writer.begin().await?;
        }
        writer.reload().await?;
        Ok(writer)
    }

    /// The latest checkpoint that this writer knows.
    pub fn published(&self) -> &Arc<Published> {
        &self.published
    }

    /// Appends the entries that the log does not have, and answers when they are durable.
    pub async fn append(&mut self, entries: &[Entry], now_seconds: u64) -> Result<Appended, AppendError> {
        for _ in 0..ATTEMPTS {
            if self.stale {
                self.reload().await?;
                self.stale = false;
            }
            let (places, fresh) = self.place(entries).await?;
            if fresh.is_empty() {
                return Ok(Appended { published: Arc::clone(&self.published), places });
            }
            match self.write(&fresh, now_seconds).await {
                Ok(()) => return Ok(Appended { published: Arc::clone(&self.published), places }),
                Err(AppendError::Contended) => self.stale = true,
                Err(AppendError::TooLarge(source)) => return Err(AppendError::TooLarge(source)),
                Err(error) => {
                    self.stale = true;
                    return Err(error);
                }
            }
        }
        Err(AppendError::Contended)
    }

    /// Where each entry goes, and those that are not there yet.
    async fn place<'a>(&self, entries: &'a [Entry]) -> Result<(Vec<Place>, Vec<&'a Entry>), LedgerError> {
        let mut view: Option<View> = None;
        let mut fresh: Vec<&Entry> = Vec::new();
        let mut in_batch: HashMap<Hash, u64> = HashMap::new();
        let mut places = Vec::with_capacity(entries.len());
        for entry in entries {
            let leaf = entry.leaf();
            let mut known = in_batch.get(&leaf).copied();
            if known.is_none() && self.filter.may_contain(&leaf) {
                if view.is_none() {
                    view = self.reader.view().await?;
                }
                if let Some(view) = &view {
                    known = view.index_of(&leaf).await?;
                }
            }
            let index = known.unwrap_or(self.edge.size + fresh.len() as u64);
            places.push(Place { index, duplicate: known.is_some() });
            if known.is_none() {
                in_batch.insert(leaf, index);
                fresh.push(entry);
            }
        }
        Ok((places, fresh))
    }

    async fn write(&mut self, fresh: &[&Entry], now_seconds: u64) -> Result<(), AppendError> {
        let leaves: Vec<Hash> = fresh.iter().map(|entry| entry.leaf()).collect();
        let growth = self.edge.grow(&leaves).ok_or(AppendError::Full)?;
        let checkpoint = self.sign(growth.edge.size, &growth.root)?;
        let batch = self.batch(fresh, now_seconds, &growth, &checkpoint);
        match self.space.commit(batch).await {
            Ok(version) => self.version = version,
            Err(CommitError::Condition { .. }) => return Err(AppendError::Contended),
            Err(CommitError::Space(error)) => return Err(AppendError::Ledger(error.into())),
            Err(too_large) => return Err(AppendError::TooLarge(too_large)),
        }
        leaves.iter().for_each(|leaf| self.filter.insert(leaf));
        let (size, root) = (growth.edge.size, growth.root);
        self.published = Arc::new(Published { size, root, checkpoint, proofs: Some(growth.proofs) });
        self.edge = growth.edge;
        Ok(())
    }

    fn batch(&self, fresh: &[&Entry], now_seconds: u64, growth: &Growth, checkpoint: &str) -> Batch {
        let mut batch = Batch::new();
        let key = self.keys.checkpoint();
        batch.require(key.clone(), Some(self.version));
        batch.put(key, Latest::encode(growth.edge.size, &growth.root, checkpoint));
        let (mut first, mut rest) = (self.edge.size, fresh);
        while !rest.is_empty() {
            let room = u64::from(TILE_WIDTH) - first % u64::from(TILE_WIDTH);
            let (now, later) = rest.split_at(rest.len().min(usize::try_from(room).unwrap_or(rest.len())));
            batch.put(self.keys.entries(first), encode_entries(now_seconds, now.iter().map(|entry| entry.body())));
            (first, rest) = (first + now.len() as u64, later);
        }
        for ((level, index), hashes) in &growth.tiles {
            batch.put(self.keys.tile(*level, *index), hashes.as_slice());
        }
        let indices = self.edge.size..;
        let rows =
            fresh.iter().zip(indices).flat_map(|(entry, index)| entry.terms().iter().map(move |term| (*term, index)));
        let mut rows: Vec<IndexRow> = rows.collect();
        rows.sort_unstable();
        let run = RunName { level: 0, first: self.edge.size };
        batch.put(self.keys.run(run), Vec::new());
        put_blocks(&mut batch, &self.keys, run, &rows);
        batch
    }

    fn sign(&self, size: u64, root: &Hash) -> Result<String, LedgerError> {
        let checkpoint = Checkpoint { origin: self.origin.clone(), size, root: *root, extensions: Vec::new() };
        let mut note = checkpoint.to_note()?;
        let signature = self.signer.sign(note.text.as_bytes())?;
        note.push(self.signer.name(), self.signer.key_id(), signature)?;
        Ok(note.to_string())
    }

    /// Writes the checkpoint of the empty log, unless another writer is faster.
    async fn begin(&mut self) -> Result<(), LedgerError> {
        let checkpoint = self.sign(0, &EMPTY_ROOT)?;
        let (mut batch, key) = (Batch::new(), self.keys.checkpoint());
        batch.require(key.clone(), None).put(key, Latest::encode(0, &EMPTY_ROOT, &checkpoint));
        match self.space.commit(batch).await {
            Ok(_) | Err(CommitError::Condition { .. }) => Ok(()),
            Err(CommitError::Space(error)) => Err(error.into()),
            Err(error) => Err(LedgerError::Damaged(error.to_string())),
        }
    }

    /// Goes on from what is stored. Leaves that the filter has not seen are read.
    async fn reload(&mut self) -> Result<(), LedgerError> {
        let view = self.reader.view().await?;
        let view = view.ok_or_else(|| LedgerError::Damaged("the log has lost its checkpoint".to_owned()))?;
        let latest = view.latest().clone();
        if latest.size < self.edge.size {
            return Err(LedgerError::Damaged("the log has become smaller".to_owned()));
        }
        let mut levels = Vec::new();
        for (place, count) in Edge::places(latest.size) {
            levels.push(view.hashes(place, count).await?);
        }
        let mut known = self.edge.size;
        while known < latest.size {
            let tile = known / u64::from(TILE_WIDTH);
            let leaves = view.leaves(tile).await?;
            let seen = usize::try_from(known % u64::from(TILE_WIDTH)).unwrap_or(0);
            let new = leaves.get(seen..).filter(|new| !new.is_empty());
            let new = new.ok_or_else(|| LedgerError::Damaged("a tile is too short".to_owned()))?;
            new.iter().for_each(|leaf| self.filter.insert(leaf));
            known += new.len() as u64;
        }
        let edge = Edge::new(latest.size, levels);
        if edge.grow(&[]).is_none_or(|growth| growth.root != latest.root) {
            return Err(LedgerError::Damaged("the tiles do not lead to the root of the checkpoint".to_owned()));
        }
        self.edge = edge;
        self.version = latest.version;
        let Latest { size, root, checkpoint, .. } = latest;
        self.published = Arc::new(Published { size, root, checkpoint, proofs: None });
        Ok(())
    }
}
