//! The log of certificates: one task appends what waits, so that one sync of the disk serves many.

use authority::{CtKey, Entry, KeyError, SigningKey};
use jiff::Timestamp;
use ledger::{AppendError, CheckpointSigner, LedgerError, Reader, SignError, Writer};
use space::Space;
use std::sync::Arc;
use std::time::Duration;
use tlog::{KeyId, TilePath, ecdsa_key_id};
use tokio::sync::{mpsc, oneshot};

/// Before all keys of the log in its space.
pub(crate) const PREFIX: &[u8] = b"ct/";
/// Certificates that wait; beyond them requests are turned away.
const QUEUED: usize = 8192;
const BATCH: usize = 1024;
/// How long a batch waits for more.
const GATHER: Duration = Duration::from_millis(3);

/// Why a certificate is not logged.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum LogCertificateError {
    /// Too many wait.
    #[error("too many certificates wait to be logged")]
    Busy,
    /// The server stops.
    #[error("the log of certificates is closing")]
    Closed,
    /// The log can't be written.
    #[error("the log of certificates could not be written")]
    Append(#[source] Arc<AppendError>),
    /// The key can't sign.
    #[error("the log's key could not sign")]
    Sign(#[from] KeyError),
}

struct Waiting {
    entry: ledger::Entry,
    answer: oneshot::Sender<Result<(), LogCertificateError>>,
}

/// The log of certificates.
pub(crate) struct CtLog {
    key: CtKey,
    queue: mpsc::Sender<Waiting>,
    reader: Reader,
}

struct NamedKey {
    name: String,
    key: SigningKey,
}

impl CheckpointSigner for NamedKey {
    fn name(&self) -> &str {
        &self.name
    }

    fn key_id(&self) -> KeyId {
        ecdsa_key_id(self.key.spki())
    }

    fn sign(&self, text: &[u8]) -> Result<Vec<u8>, SignError> {
        self.key.sign(text).map_err(|error| SignError(Box::new(error)))
    }
}

impl CtLog {
    /// Opens the log in this space, or begins it. `sct` and `checkpoint` are the same key twice.
    pub(crate) async fn open(
        space: Arc<dyn Space>,
        origin: &str,
        sct: CtKey,
        checkpoint: SigningKey,
    ) -> Result<Self, LedgerError> {
        let name = format!("{origin}/ct");
        let signer = Arc::new(NamedKey { name: name.clone(), key: checkpoint });
        let writer = Writer::open(Arc::clone(&space), PREFIX, &name, signer).await?;
        let (queue, waiting) = mpsc::channel(QUEUED);
        tokio::spawn(append(writer, waiting));
        Ok(Self { key: sct, queue, reader: Reader::new(space, PREFIX) })
    }

    /// The signed checkpoint.
    pub(crate) async fn checkpoint(&self) -> Result<Option<String>, LedgerError> {
        Ok(self.reader.view().await?.map(|view| view.latest().checkpoint.clone()))
    }

    /// A tile of hashes, or a bundle of entries (`MerkleTreeLeaf`).
    pub(crate) async fn tile(&self, path: TilePath) -> Result<Option<Vec<u8>>, LedgerError> {
        match self.reader.view().await? {
            Some(view) => view.tile(path).await,
            None => Ok(None),
        }
    }

    /// Signs an entry once it is durable.
    pub(crate) async fn sct(&self, entry: &Entry, now: Timestamp) -> Result<Vec<u8>, LogCertificateError> {
        let timestamp_ms = now.as_millisecond().unsigned_abs();
        // An entry is far below the longest that a log takes.
        let logged = ledger::Entry::new(entry.leaf(timestamp_ms, &[]), Vec::new());
        let logged = logged.map_err(|_| LogCertificateError::Busy)?;
        let (answer, answered) = oneshot::channel();
        self.queue.try_send(Waiting { entry: logged, answer }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => LogCertificateError::Busy,
            mpsc::error::TrySendError::Closed(_) => LogCertificateError::Closed,
        })?;
        answered.await.map_err(|_| LogCertificateError::Closed)??;
        Ok(self.key.sct(entry, now, &[])?)
    }
}

/// Appends what waits until nobody is left who could send more.
async fn append(mut writer: Writer, mut queue: mpsc::Receiver<Waiting>) {
    while let Some(first) = queue.recv().await {
        tokio::time::sleep(GATHER).await;
        let (mut entries, mut answers) = (vec![first.entry], vec![first.answer]);
        while entries.len() < BATCH
            && let Ok(next) = queue.try_recv()
        {
            entries.push(next.entry);
            answers.push(next.answer);
        }
        let now = Timestamp::now().as_second().unsigned_abs();
        let appended = writer.append(&entries, now).await.map(drop).map_err(Arc::new);
        if let Err(error) = &appended {
            tracing::error!(error = &**error as &dyn std::error::Error, "the log of certificates could not be written");
        }
        for answer in answers {
            // Whoever no longer waits needs no answer.
            let _ = answer.send(appended.clone().map_err(LogCertificateError::Append));
        }
    }
}
