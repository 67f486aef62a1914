//! A witness: it signs that a checkpoint continues the last one that it has seen (C2SP tlog-witness).

use std::sync::Arc;

use space::{Batch, CommitError, Space};
use tlog::{Checkpoint, Hash, NoteError, NoteSignature, ProofError, SignedCheckpoint, cosigned_message};
use tlog::{sha256, verify_consistency};

use crate::entry::{CheckpointSigner, LedgerError, SignError};

const SIZE_BYTES: usize = 8;

/// Remembers the last checkpoint of each log and cosigns those that continue it.
///
/// Its key is an Ed25519 key whose identifier is that of [`tlog::cosignature_key_id`].
pub struct Witness {
    space: Arc<dyn Space>,
    prefix: Vec<u8>,
    signer: Arc<dyn CheckpointSigner>,
}

/// A checkpoint was cosigned, and is the last one from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witnessed {
    /// The signature line to put under the checkpoint.
    pub cosignature: NoteSignature,
}

/// Why a checkpoint was not cosigned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// The log's own signature does not hold. The specification answers 403.
    #[error("the log's signature under the checkpoint does not hold")]
    LogSignature(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The request goes on from another size than the witness has seen last. The specification answers 409 with the
    /// size.
    #[error("the last checkpoint seen has {last} entries")]
    OtherLast {
        /// Entries in the last checkpoint seen.
        last: u64,
    },
    /// The checkpoint has fewer entries than the last.
    #[error("the log was rolled back from {last} to {size} entries")]
    Rollback {
        /// Entries in the last checkpoint seen.
        last: u64,
        /// Entries in this one.
        size: u64,
    },
    /// The checkpoint has as many entries as the last and another root.
    #[error("the log has forked: {size} entries have the roots {last} and {root}")]
    Fork {
        /// Entries in both.
        size: u64,
        /// Root of the last checkpoint seen.
        last: Hash,
        /// Root of this one.
        root: Hash,
    },
    /// The proof does not lead from the last checkpoint to this one. The specification answers 422.
    #[error("the checkpoint does not continue the last one")]
    Inconsistent(#[source] ProofError),
    /// The storage failed.
    #[error("the witness cannot keep checkpoints")]
    Ledger(#[from] LedgerError),
    /// The key cannot sign.
    #[error("the witness cannot sign")]
    Sign(#[from] SignError),
    /// The name of the key cannot stand in a note.
    #[error("the name of the witness is not fit for a note")]
    Name(#[source] NoteError),
}

impl Witness {
    /// Keeps what it has seen under `prefix`.
    pub fn new(space: Arc<dyn Space>, prefix: &[u8], signer: Arc<dyn CheckpointSigner>) -> Self {
        Self { space, prefix: prefix.to_vec(), signer }
    }

    /// Cosigns a checkpoint that continues the last one seen, whose size is `old_size` (0 for a log not yet seen).
    /// `check` verifies the log's own signature. What was cosigned is durable before it is answered.
    pub async fn add<E: std::error::Error + Send + Sync + 'static>(
        &self,
        old_size: u64,
        proof: &[Hash],
        signed: &SignedCheckpoint,
        now_seconds: u64,
        check: impl FnOnce(&SignedCheckpoint) -> Result<(), E>,
    ) -> Result<Witnessed, Refused> {
        check(signed).map_err(|error| Refused::LogSignature(Box::new(error)))?;
        let checkpoint = &signed.checkpoint;
        let key = [&self.prefix[..], sha256(&[checkpoint.origin.as_bytes()]).as_ref()].concat();
        let stored = async { self.space.snapshot().await?.get(&key).await }.await.map_err(LedgerError::from)?;
        let last = stored.as_ref().map(|stored| decode(&stored.bytes)).transpose()?;
        continues(last, old_size, checkpoint, proof)?;
        let mut batch = Batch::new();
        batch.require(key.clone(), stored.map(|stored| stored.version));
        batch.put(key, [&checkpoint.size.to_be_bytes()[..], checkpoint.root.as_ref()].concat());
        match self.space.commit(batch).await {
            Ok(_) => {}
            // Another checkpoint of the log was cosigned meanwhile; the caller learns its size by asking again.
            Err(CommitError::Condition { .. }) => return Err(Refused::OtherLast { last: old_size }),
            Err(CommitError::Space(error)) => return Err(LedgerError::from(error).into()),
            Err(error) => return Err(LedgerError::Damaged(error.to_string()).into()),
        }
        let signature = self.signer.sign(cosigned_message(now_seconds, &signed.note.text).as_bytes())?;
        let signature = [&now_seconds.to_be_bytes()[..], &signature].concat();
        let mut note = signed.note.clone();
        note.signatures.clear();
        note.push(self.signer.name(), self.signer.key_id(), signature).map_err(Refused::Name)?;
        let cosignature = note.signatures.pop().ok_or_else(|| LedgerError::Damaged("no signature".to_owned()))?;
        Ok(Witnessed { cosignature })
    }
}

fn continues(last: Option<(u64, Hash)>, old_size: u64, next: &Checkpoint, proof: &[Hash]) -> Result<(), Refused> {
    let (last, last_root) = last.unwrap_or((0, tlog::EMPTY_ROOT));
    if next.size < last {
        return Err(Refused::Rollback { last, size: next.size });
    }
    if old_size != last {
        return Err(Refused::OtherLast { last });
    }
    if next.size == last && next.root != last_root {
        return Err(Refused::Fork { size: last, last: last_root, root: next.root });
    }
    verify_consistency(last, &last_root, next.size, &next.root, proof).map_err(Refused::Inconsistent)
}

fn decode(bytes: &[u8]) -> Result<(u64, Hash), LedgerError> {
    let parts = bytes.split_first_chunk::<SIZE_BYTES>();
    let parts = parts.and_then(|(size, root)| Some((u64::from_be_bytes(*size), Hash::try_from(root).ok()?)));
    parts.ok_or_else(|| LedgerError::Damaged("the last checkpoint seen cannot be read".to_owned()))
}
