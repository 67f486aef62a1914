//! Reads of a redb file, and the parts that its spaces share.

use std::collections::HashMap;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use redb::{Database, ReadOnlyTable, ReadTransaction, ReadableDatabase, TableDefinition, TableError};
use space::{Batch, Changes, CommitError, Pending, Range, Row, Sequence, Snapshot, Space, SpaceError, Value};
use tokio::sync::{mpsc, oneshot};

use crate::redb_writer::{self, Request};

/// Pages that redb keeps in memory; the system keeps the rest of the file as it sees fit.
const CACHE_BYTES: usize = 128 << 20;
/// Commits that wait for the writer; beyond them the caller waits.
const QUEUED_COMMITS: usize = 1024;
/// Names of spaces begin with this in the file; other tables are the store's own.
const SPACE_PREFIX: &str = "space/";

pub(crate) type Table<'a> = TableDefinition<'a, &'static [u8], &'static [u8]>;

/// The store's own numbers.
pub(crate) const NUMBERS: TableDefinition<'static, &'static str, u64> = TableDefinition::new("numbers");
/// The last commit, in [`NUMBERS`].
pub(crate) const SEQUENCE: &str = "sequence";

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// redb refused the file: it is no store, is damaged, or another process has it open.
    #[error("cannot open the store {}", path.display())]
    Redb {
        /// The file.
        path: PathBuf,
        /// What redb said.
        #[source]
        source: Box<redb::Error>,
    },
    /// No thread could be started.
    #[error("cannot start the writer of the store {}", path.display())]
    Writer {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

/// A store in one file, with one writer. Dropping the last handle and space closes it.
#[derive(Clone)]
pub struct Redb {
    shared: Arc<Shared>,
}

struct Shared {
    database: Arc<Database>,
    requests: Option<mpsc::Sender<Request>>,
    writer: Option<JoinHandle<()>>,
    /// The last commit when the store was opened.
    opened_at: Sequence,
    views: Arc<Views>,
    changes: Mutex<HashMap<String, Arc<Changes>>>,
}

/// Views with the generation that they are of.
type ByTable = HashMap<Arc<str>, (u64, Arc<View>)>;

/// The view of the last commit by table, made by the first who reads after it: making one costs more than a read.
#[derive(Default)]
pub(crate) struct Views {
    /// Counts commits that can be seen.
    generation: AtomicU64,
    by_table: Mutex<ByTable>,
}

impl Views {
    /// A commit can be seen, and is not answered yet: what was seen before is not shown any more, and not kept, so that
    /// its pages can be used again.
    pub(crate) fn forget(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, ByTable> {
        self.by_table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        drop(self.requests.take());
        self.views.forget();
        if let Some(writer) = self.writer.take() {
            // A writer that panicked has nothing to finish.
            let _ = writer.join();
        }
    }
}

impl Redb {
    /// Opens the file, or makes it. What was committed before a crash is there again.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let failed = |source: redb::Error| OpenError::Redb { path: path.to_owned(), source: Box::new(source) };
        let database = Database::builder().set_cache_size(CACHE_BYTES).create(path).map_err(|e| failed(e.into()))?;
        let database = Arc::new(database);
        let sequence = redb_writer::stored_sequence(&database).map_err(failed)?;
        let (requests, queue) = mpsc::channel(QUEUED_COMMITS);
        let views = Arc::<Views>::default();
        let writer = redb_writer::Writer::new(Arc::clone(&database), Arc::clone(&views), sequence);
        let writer = std::thread::Builder::new().name("store-writer".to_owned()).spawn(move || writer.run(queue));
        let writer = writer.map_err(|source| OpenError::Writer { path: path.to_owned(), source })?;
        let (requests, writer) = (Some(requests), Some(writer));
        Ok(Self {
            shared: Arc::new(Shared {
                database,
                requests,
                writer,
                opened_at: sequence,
                views,
                changes: Mutex::default(),
            }),
        })
    }

    /// The space of this name; a new one is empty.
    pub fn space(&self, name: &str) -> RedbSpace {
        let mut spaces = self.shared.changes.lock().unwrap_or_else(PoisonError::into_inner);
        let changes = spaces.entry(name.to_owned()).or_insert_with(|| Arc::new(Changes::since(self.shared.opened_at)));
        RedbSpace {
            shared: Arc::clone(&self.shared),
            table: format!("{SPACE_PREFIX}{name}").into(),
            changes: Arc::clone(changes),
        }
    }
}

/// A space in a redb file.
#[derive(Clone)]
pub struct RedbSpace {
    shared: Arc<Shared>,
    table: Arc<str>,
    changes: Arc<Changes>,
}

impl RedbSpace {
    fn view(&self) -> Result<Arc<View>, redb::Error> {
        let views = &self.shared.views;
        let generation = views.generation.load(Ordering::SeqCst);
        if let Some((known, view)) = views.lock().get(&self.table)
            && *known == generation
        {
            return Ok(Arc::clone(view));
        }
        let view = Arc::new(self.new_view()?);
        let mut all = views.lock();
        // What was committed meanwhile may not be in it.
        if views.generation.load(Ordering::SeqCst) == generation {
            all.insert(Arc::clone(&self.table), (generation, Arc::clone(&view)));
        }
        Ok(view)
    }

    fn new_view(&self) -> Result<View, redb::Error> {
        let transaction = self.shared.database.begin_read()?;
        let table = open_for_reading(&transaction, Table::new(&self.table))?;
        let sequence = match open_for_reading(&transaction, NUMBERS)? {
            Some(numbers) => numbers.get(SEQUENCE)?.map_or(0, |number| number.value()),
            None => 0,
        };
        Ok(View { table, sequence })
    }
}

/// A table that no commit has written yet does not exist.
fn open_for_reading<K: redb::Key, V: redb::Value>(
    transaction: &ReadTransaction,
    table: TableDefinition<'_, K, V>,
) -> Result<Option<ReadOnlyTable<K, V>>, redb::Error> {
    match transaction.open_table(table) {
        Ok(table) => Ok(Some(table)),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

pub(crate) fn failed(error: impl Into<redb::Error>) -> SpaceError {
    SpaceError::Store(Box::new(error.into()))
}

impl Space for RedbSpace {
    fn snapshot(&self) -> Pending<'_, Box<dyn Snapshot>> {
        Box::pin(async move {
            let snapshot: Box<dyn Snapshot> = Box::new(RedbSnapshot(self.view().map_err(failed)?));
            Ok(snapshot)
        })
    }

    fn get<'a>(&'a self, key: &'a [u8]) -> Pending<'a, Option<Value>> {
        Box::pin(async move { self.view().map_err(failed)?.get_now(key) })
    }

    fn sequence(&self) -> Pending<'_, Sequence> {
        Box::pin(async move { Ok(self.view().map_err(failed)?.sequence) })
    }

    fn commit(&self, batch: Batch) -> Pending<'_, Sequence, CommitError> {
        Box::pin(async move {
            batch.check_size()?;
            let (answer, answered) = oneshot::channel();
            let request = Request { table: Arc::clone(&self.table), changes: Arc::clone(&self.changes), batch, answer };
            let requests = self.shared.requests.as_ref().ok_or(SpaceError::Closed)?;
            requests.send(request).await.map_err(|_| SpaceError::Closed)?;
            answered.await.map_err(|_| SpaceError::Closed)?
        })
    }

    fn changed<'a>(&'a self, prefix: &'a [u8], since: Sequence) -> Pending<'a, Sequence> {
        Box::pin(async move { Ok(self.changes.changed(prefix, since).await) })
    }
}

/// Reads are made by the calling task: each is bounded by its limit, and mostly served from memory.
struct RedbSnapshot(Arc<View>);

struct View {
    table: Option<ReadOnlyTable<&'static [u8], &'static [u8]>>,
    sequence: Sequence,
}

impl View {
    fn get_now(&self, key: &[u8]) -> Result<Option<Value>, SpaceError> {
        let Some(table) = &self.table else { return Ok(None) };
        let value = table.get(key).map_err(failed)?;
        value.map(|value| decode(value.value())).transpose()
    }

    fn range_now(&self, range: &Range) -> Result<Vec<Row>, SpaceError> {
        let Some(table) = self.table.as_ref().filter(|_| !range.is_empty()) else {
            return Ok(Vec::new());
        };
        let end = range.end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let bounds = (Bound::Included(range.start.as_slice()), end);
        let mut found = table.range::<&[u8]>(bounds).map_err(failed)?;
        let mut rows = Vec::new();
        while rows.len() < range.limit {
            let next = if range.backwards { found.next_back() } else { found.next() };
            let Some(row) = next else { break };
            let (key, value) = row.map_err(failed)?;
            rows.push(Row { key: key.value().to_vec(), value: decode(value.value())? });
        }
        Ok(rows)
    }
}

impl Snapshot for RedbSnapshot {
    fn sequence(&self) -> Sequence {
        self.0.sequence
    }

    fn get<'a>(&'a self, key: &'a [u8]) -> Pending<'a, Option<Value>> {
        Box::pin(async move { self.0.get_now(key) })
    }

    fn range(&self, range: Range) -> Pending<'_, Vec<Row>> {
        Box::pin(async move { self.0.range_now(&range) })
    }
}

/// A stored value: the commit in eight bytes, big endian, and the bytes.
pub(crate) fn encode(version: Sequence, bytes: &[u8], into: &mut Vec<u8>) {
    into.clear();
    into.extend_from_slice(&version.to_be_bytes());
    into.extend_from_slice(bytes);
}

pub(crate) fn version_of(stored: &[u8]) -> Result<Sequence, SpaceError> {
    stored.first_chunk().map(|version| u64::from_be_bytes(*version)).ok_or_else(too_short)
}

fn decode(stored: &[u8]) -> Result<Value, SpaceError> {
    let (version, bytes) = stored.split_first_chunk().ok_or_else(too_short)?;
    Ok(Value { bytes: bytes.to_vec(), version: u64::from_be_bytes(*version) })
}

fn too_short() -> SpaceError {
    SpaceError::Damaged("a value is shorter than its version".to_owned())
}
