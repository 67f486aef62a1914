use crate::cipher::{Place, header};
use crate::keyring::Keyring;
use crate::marks::{Marks, Seen};
use crate::sealing::{Seal, SealWrap};
use arc_swap::ArcSwapOption;
use logical::{Entry, Error, Secret};
use space::{CommitError, Range, Row, Snapshot, Space, SpaceError};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Rows whose generations are remembered: 1 MiB.
const MARKED_ROWS: usize = 65_536;
/// Reads of a row that was found damaged or rolled back before it is refused.
const READS: usize = 3;
/// Commits that are tried while others write the same rows.
const COMMITS: usize = 64;
/// Encryptions after which the stored count is brought up to date.
const UNCOUNTED: u64 = 1 << 20;
const FEWEST_LISTED: usize = 16;
const MOST_LISTED: usize = 256;

/// Why a row is refused. All of these are answered as an internal error; the cause is for the log.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum RowError {
    /// It was not written by this barrier, or not under this path, or was changed since.
    #[error("the row {path:?} is not what was written there")]
    NotAuthentic {
        /// Its path.
        path: String,
    },
    /// This node has seen a later write of it, or has deleted it.
    #[error("the row {path:?} was put back: generation {seen} or its deletion was seen, and it has {found}")]
    RolledBack {
        /// Its path.
        path: String,
        /// The highest generation that was seen.
        seen: u64,
        /// The one that it has now.
        found: u64,
    },
    /// The keyring has no such term.
    #[error("the row {path:?} was encrypted in term {term}, which the keyring does not have")]
    UnknownTerm {
        /// Its path.
        path: String,
        /// The term.
        term: u32,
    },
}

/// What all views of a barrier share.
pub(crate) struct Rows {
    pub(crate) space: Arc<dyn Space>,
    /// What all its keys begin with.
    pub(crate) base: Vec<u8>,
    pub(crate) seal: Seal,
    /// The seal that the store may still have.
    pub(crate) earlier: Option<Arc<dyn SealWrap>>,
    /// None while sealed.
    pub(crate) keyring: ArcSwapOption<Keyring>,
    /// Held where the keyring is replaced, so that what is sealed stays sealed.
    pub(crate) installing: Mutex<()>,
    pub(crate) marks: Marks,
    /// The latest commit that this node knows of.
    known: AtomicU64,
}

/// Rows to write, as they are before they are encrypted.
type Puts<'a> = BTreeMap<&'a str, Option<&'a Secret>>;

impl Rows {
    pub(crate) fn new(space: Arc<dyn Space>, base: Vec<u8>, seal: Seal, earlier: Option<Arc<dyn SealWrap>>) -> Self {
        Self {
            space,
            base,
            seal,
            earlier,
            keyring: ArcSwapOption::empty(),
            installing: Mutex::default(),
            marks: Marks::new(MARKED_ROWS),
            known: AtomicU64::new(0),
        }
    }

    pub(crate) fn key(&self, path: &str) -> Vec<u8> {
        let mut key = Vec::with_capacity(self.base.len() + path.len());
        key.extend_from_slice(&self.base);
        key.extend_from_slice(path.as_bytes());
        key
    }

    pub(crate) async fn snapshot(&self) -> Result<Box<dyn Snapshot>, Error> {
        let snapshot = self.space.snapshot().await.map_err(Error::internal)?;
        self.known.fetch_max(snapshot.sequence(), Ordering::AcqRel);
        Ok(snapshot)
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Option<Entry>, Error> {
        self.check_unsealed()?;
        let key = self.key(path);
        // What was seen before the row is read bounds what the row may be; a second look is exact.
        let mut seen = self.marks.seen(&key);
        let mut refused = RowError::NotAuthentic { path: path.to_owned() };
        for _ in 0..READS {
            let Some(value) = self.space.get(&key).await.map_err(Error::internal)? else { return Ok(None) };
            match self.open(path, value.bytes)? {
                Ok((generation, plain)) if Seen::row(generation) >= seen => {
                    if Seen::row(generation) > seen {
                        self.marks.record(&key, generation);
                    }
                    return Ok(Some(Entry { value: plain, version: value.version }));
                }
                Ok((found, _)) => {
                    refused = RowError::RolledBack { path: path.to_owned(), seen: seen.generation(), found };
                }
                Err(error @ RowError::UnknownTerm { .. }) => {
                    refused = error;
                    self.reload().await?;
                }
                Err(error) => return Err(Error::internal(error)),
            }
            seen = self.marks.seen_exactly(&key);
        }
        Err(Error::internal(refused))
    }

    pub(crate) fn check_unsealed(&self) -> Result<(), Error> {
        if self.keyring.load().is_some() { Ok(()) } else { Err(Error::Sealed) }
    }

    fn open(&self, path: &str, bytes: Vec<u8>) -> Result<Result<(u64, Secret), RowError>, Error> {
        let guard = self.keyring.load();
        let keyring = guard.as_ref().ok_or(Error::Sealed)?;
        Ok(open_row(keyring, path, bytes))
    }

    /// Commits a batch of rows below `prefix`, with further writes that are not encrypted.
    pub(crate) async fn commit(&self, prefix: &str, batch: &logical::Batch, plain: space::Batch) -> Result<u64, Error> {
        self.check_unsealed()?;
        let path = |key: &String| format!("{prefix}{key}");
        let conditions: Vec<(String, Option<u64>)> =
            batch.conditions.iter().map(|(key, version)| (path(key), *version)).collect();
        let writes: Vec<(String, Option<&Secret>)> =
            batch.writes.iter().map(|(key, value)| (path(key), value.as_ref())).collect();
        // Of several writes to one row the last counts.
        let puts: Puts<'_> = writes.iter().map(|(path, value)| (path.as_str(), *value)).collect();
        for _ in 0..COMMITS {
            let ground = self.ground(&puts, &conditions).await?;
            let batch = self.encrypt(&puts, &conditions, &ground, plain.clone())?;
            match self.space.commit(batch).await {
                Ok(sequence) => {
                    self.known.fetch_max(sequence, Ordering::AcqRel);
                    for (path, value) in &puts {
                        match value {
                            Some(_) => self.marks.record(&self.key(path), ground.floor),
                            None => self.marks.record_deletion(&self.key(path)),
                        }
                    }
                    self.count_if_due().await;
                    return Ok(sequence);
                }
                Err(CommitError::Condition { key, .. }) => {
                    let implied = ground.implied.keys().any(|path| self.key(path) == key);
                    if !implied {
                        return Err(Error::Conflict);
                    }
                }
                Err(CommitError::TooLarge { .. }) => return Err(Error::TooLarge),
                Err(error) => return Err(Error::internal(error)),
            }
        }
        Err(Error::Conflict)
    }

    /// A row's generation is a commit that is not earlier than the row's own last one, and the row must not change
    /// until it is written: so generations only grow. Where the caller does not say at which version the row must be,
    /// it is looked up.
    async fn ground(&self, puts: &Puts<'_>, conditions: &[(String, Option<u64>)]) -> Result<Ground, Error> {
        let written = puts.iter().filter(|(_, value)| value.is_some()).map(|(path, _)| *path);
        let at = |path: &str| conditions.iter().find(|(condition, _)| condition == path).map(|(_, version)| *version);
        let mut ground = Ground::default();
        let mut unknown = Vec::new();
        for path in written {
            match at(path) {
                Some(Some(version)) => ground.floor = ground.floor.max(version),
                Some(None) => ground.fresh = true,
                None => unknown.push(path),
            }
        }
        if ground.fresh || !unknown.is_empty() {
            let sequence = self.space.sequence().await.map_err(Error::internal)?;
            self.known.fetch_max(sequence, Ordering::AcqRel);
            for path in unknown {
                let found = self.space.get(&self.key(path)).await.map_err(Error::internal)?;
                let version = found.map(|value| value.version);
                ground.floor = ground.floor.max(version.unwrap_or_default());
                ground.implied.insert(path.to_owned(), version);
            }
        }
        ground.floor = ground.floor.max(self.known.load(Ordering::Acquire));
        Ok(ground)
    }

    fn encrypt(
        &self,
        puts: &Puts<'_>,
        conditions: &[(String, Option<u64>)],
        ground: &Ground,
        mut batch: space::Batch,
    ) -> Result<space::Batch, Error> {
        let guard = self.keyring.load();
        let keyring = guard.as_ref().ok_or(Error::Sealed)?;
        for (path, version) in conditions.iter().map(|(path, version)| (path, version)).chain(&ground.implied) {
            batch.require(self.key(path), *version);
        }
        for (path, value) in puts {
            let key = self.key(path);
            let Some(value) = value else {
                batch.delete(key);
                continue;
            };
            batch.put(key, seal_row(keyring, path, ground.floor, value)?);
        }
        Ok(batch)
    }

    async fn count_if_due(&self) {
        let due = self
            .keyring
            .load()
            .as_ref()
            .is_some_and(|keyring| keyring.active().uncounted.load(Ordering::Relaxed) >= UNCOUNTED);
        if due {
            // The count is kept and tried again; a term that reaches its end refuses to encrypt.
            let _ = self.count_encryptions().await;
        }
    }

    /// Names right under a prefix. What lies under a name is skipped by seeking past it.
    pub(crate) async fn list(&self, prefix: &str, after: &str, limit: usize) -> Result<Vec<String>, Error> {
        self.check_unsealed()?;
        let whole = self.key(prefix);
        let end = Range::prefix(whole.clone()).end;
        let mut start = [&whole, after.as_bytes()].concat();
        if after.ends_with('/') {
            start = past(&start);
        } else if !after.is_empty() {
            start.push(0);
        }
        let snapshot = self.snapshot().await?;
        let mut names: Vec<String> = Vec::new();
        let mut page = FEWEST_LISTED;
        while names.len() < limit {
            let range = Range { start: start.clone(), end: end.clone(), backwards: false, limit: page };
            let rows = snapshot.range(range).await.map_err(Error::internal)?;
            let found = names.len();
            let complete = rows.len() < page;
            for row in rows {
                if row.key < start {
                    continue;
                }
                let rest = text(row.key.get(whole.len()..))?;
                let name = rest.split_inclusive('/').next().unwrap_or_default();
                start = if name.ends_with('/') { past(&[&whole, name.as_bytes()].concat()) } else { next(&row) };
                if !name.is_empty() && name > after && names.len() < limit {
                    names.push(name.to_owned());
                }
            }
            if complete {
                break;
            }
            // Few names in a page: large subtrees, of which no more than needed is read.
            page = if (names.len() - found) * 2 < page { FEWEST_LISTED } else { (page * 2).min(MOST_LISTED) };
        }
        Ok(names)
    }

    /// All paths under a prefix, without the first `skip` bytes.
    pub(crate) async fn scan(
        &self,
        prefix: &str,
        skip: usize,
        after: &str,
        limit: usize,
    ) -> Result<Vec<String>, Error> {
        self.check_unsealed()?;
        let whole = self.key(prefix);
        let end = Range::prefix(whole.clone()).end;
        let skip = self.base.len() + skip;
        let mut start = whole;
        if !after.is_empty() {
            let after = [start.get(..skip).unwrap_or_default(), after.as_bytes(), &[0]].concat();
            start = start.max(after);
        }
        let snapshot = self.snapshot().await?;
        let mut keys = Vec::new();
        while keys.len() < limit {
            let page = (limit - keys.len()).min(MOST_LISTED);
            let range = Range { start: start.clone(), end: end.clone(), backwards: false, limit: page };
            let rows = snapshot.range(range).await.map_err(Error::internal)?;
            let complete = rows.len() < page;
            for row in rows {
                start = next(&row);
                keys.push(text(row.key.get(skip..))?.to_owned());
            }
            if complete {
                break;
            }
        }
        Ok(keys)
    }

    pub(crate) async fn changed(&self, prefix: &str, since: u64) -> Result<u64, SpaceError> {
        let sequence = self.space.changed(&self.key(prefix), since).await?;
        self.known.fetch_max(sequence, Ordering::AcqRel);
        Ok(sequence)
    }
}

/// What the generations of a commit stand on.
#[derive(Default)]
struct Ground {
    floor: u64,
    fresh: bool,
    /// Versions that the rows must still be at.
    implied: BTreeMap<String, Option<u64>>,
}

/// Encrypts a row.
pub(crate) fn seal_row(keyring: &Keyring, path: &str, generation: u64, value: &[u8]) -> Result<Vec<u8>, Error> {
    keyring.active().seal(&place(path), generation, value).map_err(Error::internal)
}

/// Decrypts a row.
pub(crate) fn open_row(keyring: &Keyring, path: &str, bytes: Vec<u8>) -> Result<(u64, Secret), RowError> {
    let refused = || RowError::NotAuthentic { path: path.to_owned() };
    let term = header(&bytes).map_err(|_| refused())?.term;
    let key = keyring.term(term).ok_or_else(|| RowError::UnknownTerm { path: path.to_owned(), term })?;
    let (header, plain) = key.open(&place(path), bytes).map_err(|_| refused())?;
    Ok((header.generation, plain))
}

fn place(path: &str) -> Place<'_> {
    Place { purpose: "palisade barrier row", path: path.as_bytes() }
}

/// The first key after a row.
fn next(row: &Row) -> Vec<u8> {
    [&*row.key, &[0]].concat()
}

/// The first key after all that begin with this, which ends in `/`.
fn past(folder: &[u8]) -> Vec<u8> {
    let mut key = folder.to_vec();
    if let Some(last) = key.last_mut() {
        *last = b'/' + 1;
    }
    key
}

fn text(bytes: Option<&[u8]>) -> Result<&str, Error> {
    let text = bytes.and_then(|bytes| str::from_utf8(bytes).ok());
    text.ok_or_else(|| Error::internal(SpaceError::Damaged("a key is no text".to_owned())))
}
