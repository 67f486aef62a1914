//! A running log: requests wait in a queue, one task appends them in batches, one merges the index.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use ledger::{AppendError, Entry, LedgerError, Merged, Merger, Place, Published, Reader, View, Writer};
use space::Space;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::key::{Key, NamedKey, Naming};

/// Entries that wait to be appended; beyond them requests are turned away.
const QUEUED_ENTRIES: usize = 8192;
/// A batch takes no more entries, and none once it has that many bytes.
const BATCH_ENTRIES: usize = 2048;
const BATCH_BYTES: usize = 16 << 20;
/// How long a batch waits for more entries: what a sync of the disk takes, so that it is not paid for each.
const GATHER: Duration = Duration::from_millis(5);
const MERGE_PAUSE: Duration = Duration::from_millis(500);

/// A log of one version, with the tasks that write it. Cheap to clone.
#[derive(Clone)]
pub struct Log {
    shared: Arc<Shared>,
}

struct Shared {
    key: Arc<NamedKey>,
    tree_id: u64,
    reader: Reader,
    queue: mpsc::Sender<Waiting>,
    stop: watch::Sender<bool>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

struct Waiting {
    entry: Entry,
    answer: oneshot::Sender<Result<Added, AddError>>,
}

/// An entry that is in the log.
#[derive(Debug, Clone)]
pub(crate) struct Added {
    pub(crate) place: Place,
    pub(crate) published: Arc<Published>,
    pub(crate) integrated_at_seconds: u64,
}

/// Why an entry is not in the log.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum AddError {
    #[error("too many entries wait to be appended")]
    Busy,
    #[error("the log is closing")]
    Closed,
    #[error("the log could not be written")]
    Append(#[source] Arc<AppendError>),
}

impl Log {
    /// Opens the log of version 1 in this space, or begins it. Its checkpoints are those of `<host> - <tree ID>`; the
    /// tree ID comes of the key. Needs a Tokio runtime.
    pub async fn open_v1(space: Arc<dyn Space>, host: &str, key: Arc<Key>) -> Result<Self, LedgerError> {
        Self::open(space, b"v1/", host, key, Naming::V1).await
    }

    /// Opens the log of version 2 in this space, or begins it. Its origin is the host. Needs a Tokio runtime.
    pub async fn open_v2(space: Arc<dyn Space>, host: &str, key: Arc<Key>) -> Result<Self, LedgerError> {
        Self::open(space, b"v2/", host, key, Naming::V2).await
    }

    async fn open(
        space: Arc<dyn Space>,
        prefix: &[u8],
        host: &str,
        key: Arc<Key>,
        naming: Naming,
    ) -> Result<Self, LedgerError> {
        let key = Arc::new(NamedKey { name: host.to_owned(), key, naming });
        let [a, b, c, d, e, f, g, h, ..] = key.public().id();
        // Trillian's tree IDs are positive.
        let tree_id = u64::from_be_bytes([a & 0x7f, b, c, d, e, f, g, h | 1]);
        let origin = match naming {
            Naming::V1 => format!("{host} - {tree_id}"),
            Naming::V2 => host.to_owned(),
        };
        let signer: Arc<NamedKey> = Arc::clone(&key);
        let writer = Writer::open(Arc::clone(&space), prefix, &origin, signer).await?;
        let reader = Reader::new(Arc::clone(&space), prefix);
        let (queue, waiting) = mpsc::channel(QUEUED_ENTRIES);
        let (stop, stopped) = watch::channel(false);
        let tasks = vec![
            tokio::spawn(sequence(writer, waiting, stopped.clone())),
            tokio::spawn(merge(Merger::new(space, prefix), stopped)),
        ];
        Ok(Self { shared: Arc::new(Shared { key, tree_id, reader, queue, stop, tasks: Mutex::new(tasks) }) })
    }

    /// The log's ID: what a trusted root and log entries name it by.
    pub fn id(&self) -> [u8; 32] {
        self.shared.key.log_id()
    }

    /// The key that verifies its checkpoints and promises.
    pub fn public_key(&self) -> &signing::PublicKey {
        self.shared.key.public()
    }

    /// Stops taking entries, and answers when those that wait are in the log and both tasks have ended.
    pub async fn close(&self) {
        self.shared.stop.send_replace(true);
        let tasks = std::mem::take(&mut *self.shared.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for task in tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a task of the log failed");
            }
        }
    }

    pub(crate) fn tree_id(&self) -> u64 {
        self.shared.tree_id
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, signing::SignError> {
        self.shared.key.key.sign(message)
    }

    pub(crate) async fn view(&self) -> Result<View, LedgerError> {
        let view = self.shared.reader.view().await?;
        view.ok_or_else(|| LedgerError::Damaged("the log has lost its checkpoint".to_owned()))
    }

    /// Appends an entry, and answers when it is durable and published.
    pub(crate) async fn add(&self, entry: Entry) -> Result<Added, AddError> {
        let (answer, answered) = oneshot::channel();
        self.shared.queue.try_send(Waiting { entry, answer }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => AddError::Busy,
            mpsc::error::TrySendError::Closed(_) => AddError::Closed,
        })?;
        answered.await.map_err(|_| AddError::Closed)?
    }
}

/// Appends what waits until the log is closed or forgotten.
async fn sequence(mut writer: Writer, mut queue: mpsc::Receiver<Waiting>, mut stopped: watch::Receiver<bool>) {
    loop {
        let first = tokio::select! {
            first = queue.recv() => first,
            () = ended(&mut stopped) => {
                queue.close();
                queue.recv().await
            }
        };
        let Some(first) = first else { return };
        tokio::time::sleep(GATHER).await;
        let (mut entries, mut answers, mut bytes) = (Vec::new(), Vec::new(), 0);
        let mut next = Some(first);
        while let Some(Waiting { entry, answer }) = next.take() {
            bytes += entry.body().len();
            entries.push(entry);
            answers.push(answer);
            if entries.len() < BATCH_ENTRIES && bytes < BATCH_BYTES {
                next = queue.try_recv().ok();
            }
        }
        let integrated_at_seconds = now_seconds();
        match writer.append(&entries, integrated_at_seconds).await {
            Ok(appended) => {
                for (answer, place) in answers.into_iter().zip(appended.places) {
                    let published = Arc::clone(&appended.published);
                    // Whoever no longer waits needs no answer.
                    let _ = answer.send(Ok(Added { place, published, integrated_at_seconds }));
                }
            }
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the log could not be written");
                let error = Arc::new(error);
                for answer in answers {
                    let _ = answer.send(Err(AddError::Append(Arc::clone(&error))));
                }
            }
        }
    }
}

/// Merges the index until the log is closed or forgotten.
async fn merge(merger: Merger, mut stopped: watch::Receiver<bool>) {
    loop {
        let pause = match merger.step().await {
            Ok(Merged::Some) => Duration::ZERO,
            Ok(Merged::Nothing) => MERGE_PAUSE,
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the index of the log could not be merged");
                MERGE_PAUSE
            }
        };
        if tokio::time::timeout(pause, ended(&mut stopped)).await.is_ok() {
            return;
        }
    }
}

/// The log was closed, or its last handle is gone.
async fn ended(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

fn now_seconds() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
