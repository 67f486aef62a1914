use crate::barrier::Barrier;
use crate::cipher::Key;
use crate::keyring::{FEWEST_OPERATIONS, Keyring, MOST_OPERATIONS, RotationConfig};
use crate::rows::{Rows, open_row};
use jiff::Timestamp;
use logical::Error;
use serde::Serialize;
use space::{Batch, CommitError, Write};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use zeroize::Zeroizing;

/// Changes of the keyring that are tried while other nodes change it.
const CHANGES: usize = 16;
/// Looks at what was stored where the store did not say.
const LOOKS: usize = 3;
const SHORTEST_INTERVAL_SECONDS: u64 = 24 * 60 * 60;

/// `sys/key-status`. Field names as in the peer's API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyStatus {
    /// The number of the term that rows are encrypted in; the first is 1.
    pub term: u32,
    /// When it began.
    pub install_time: Timestamp,
    /// How many rows were encrypted in it, as far as this node knows.
    pub encryptions: u64,
}

impl Barrier {
    /// Begins a new term. Rows of earlier terms stay as they are, and readable. Answers with its number.
    ///
    /// # Errors
    /// While sealed, and where the store fails.
    pub async fn rotate(&self, now: Timestamp) -> Result<u32, Error> {
        let mut term = 0;
        let begin = |keyring: &mut Keyring, _: &mut Batch| {
            keyring.begin_term(now).map_err(Error::internal)?;
            term = keyring.active().number;
            Ok(())
        };
        self.rows().change_keyring(begin).await?;
        Ok(term)
    }

    /// The active term.
    ///
    /// # Errors
    /// While sealed.
    pub fn key_status(&self) -> Result<KeyStatus, Error> {
        let keyring = self.keyring()?;
        let active = keyring.active();
        Ok(KeyStatus { term: active.number, install_time: active.installed, encryptions: active.counted() })
    }

    /// When a new term begins by itself.
    ///
    /// # Errors
    /// While sealed.
    pub fn rotation_config(&self) -> Result<RotationConfig, Error> {
        Ok(self.keyring()?.rotation)
    }

    /// Says when a new term begins by itself.
    ///
    /// # Errors
    /// For bounds beyond what is safe or sensible.
    pub async fn set_rotation_config(&self, config: RotationConfig) -> Result<(), Error> {
        if !(FEWEST_OPERATIONS..=MOST_OPERATIONS).contains(&config.max_operations) {
            let bounds = format!("max_operations must be in the range [{FEWEST_OPERATIONS},{MOST_OPERATIONS}]");
            return Err(Error::invalid(bounds));
        }
        if config.interval != 0 && config.interval < SHORTEST_INTERVAL_SECONDS {
            return Err(Error::invalid("interval must be greater or equal to 24h0m0s"));
        }
        let change = |keyring: &mut Keyring, _: &mut Batch| {
            keyring.rotation = config;
            Ok(())
        };
        self.rows().change_keyring(change).await
    }

    /// To be called about once a minute: stores the count of encryptions, and begins a new term where one is due.
    /// Answers with its number.
    ///
    /// # Errors
    /// While sealed, and where the store fails.
    pub async fn maintain(&self, now: Timestamp) -> Result<Option<u32>, Error> {
        self.rows().count_encryptions().await?;
        let keyring = self.keyring()?;
        let (active, config) = (keyring.active(), keyring.rotation);
        let full = active.counted() >= if config.enabled { config.max_operations } else { MOST_OPERATIONS };
        let age = now.duration_since(active.installed).as_secs();
        let old = config.enabled && config.interval > 0 && u64::try_from(age).is_ok_and(|age| age >= config.interval);
        if full || old { self.rotate(now).await.map(Some) } else { Ok(None) }
    }

    /// Waits for a change of the keyring by another node after the commit `since` (0 to begin), and takes it over. To be
    /// called again and again with what it answers, sealed or not. A node that has missed too much to follow (a rekey
    /// after a rotation) is sealed.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn follow(&self, since: u64) -> Result<u64, Error> {
        let rows = self.rows();
        let sequence = rows.changed(Rows::KEYRING, since).await.map_err(Error::internal)?;
        match rows.reload().await {
            Ok(()) | Err(Error::Sealed) => Ok(sequence),
            Err(error) => Err(error),
        }
    }

    fn keyring(&self) -> Result<Arc<Keyring>, Error> {
        self.rows().keyring.load_full().ok_or(Error::Sealed)
    }
}

impl Rows {
    pub(crate) const KEYRING: &'static str = "keyring";
    /// The root key that came after another, for the nodes that have the other.
    pub(crate) const ROOT: &'static str = "own/root";

    /// Replaces the keyring by a newer one. What is sealed stays sealed, except where it is being `unsealed`.
    pub(crate) fn install(&self, mut keyring: Keyring, unsealed: bool) {
        let _held = self.installing.lock().unwrap_or_else(PoisonError::into_inner);
        match self.keyring.load_full() {
            Some(earlier) if earlier.generation >= keyring.generation => return,
            Some(earlier) => keyring.take_over(&earlier),
            None if !unsealed => return,
            None => {}
        }
        self.keyring.store(Some(Arc::new(keyring)));
    }

    /// Commits a changed keyring, with what belongs to it.
    pub(crate) async fn change_keyring(
        &self,
        mut change: impl FnMut(&mut Keyring, &mut Batch) -> Result<(), Error> + Send,
    ) -> Result<(), Error> {
        for _ in 0..CHANGES {
            let current = self.keyring.load_full().ok_or(Error::Sealed)?;
            let mut keyring = current.next();
            let mut batch = Batch::new();
            change(&mut keyring, &mut batch)?;
            let bytes = keyring.encode().map_err(Error::internal)?;
            batch.require(self.key(Self::KEYRING), Some(current.version)).put(self.key(Self::KEYRING), bytes);
            match self.commit_surely(batch, &self.key(Self::KEYRING)).await {
                Ok(sequence) => {
                    keyring.version = sequence;
                    self.install(keyring, false);
                    return Ok(());
                }
                Err(CommitError::Condition { key, .. }) if key == self.key(Self::KEYRING) => self.reload().await?,
                Err(CommitError::Condition { .. }) => return Err(Error::Conflict),
                Err(error) => return Err(Error::internal(error)),
            }
        }
        Err(Error::Conflict)
    }

    /// Commits keys that are in nobody's hands yet. Where the store fails and does not say whether it has them, it is
    /// looked up by what is at `key`: keys that were put in place are handed out.
    pub(crate) async fn commit_surely(&self, batch: Batch, key: &[u8]) -> Result<u64, CommitError> {
        let puts = batch.writes.iter().rev().filter(|write| write.key() == key);
        let mut written = puts.filter_map(|write| match write {
            Write::Put { value, .. } => Some(value.clone()),
            Write::Delete { .. } => None,
        });
        let Some(written) = written.next() else { return self.space.commit(batch).await };
        let failed = match self.space.commit(batch).await {
            Err(CommitError::Space(failed)) => failed,
            answered => return answered,
        };
        for _ in 0..LOOKS {
            let Ok(found) = self.space.get(key).await else { continue };
            let found = found.filter(|found| found.bytes == written);
            return found.map(|found| found.version).ok_or(CommitError::Space(failed));
        }
        Err(CommitError::Space(failed))
    }

    /// Adds what this node has encrypted to the stored count.
    pub(crate) async fn count_encryptions(&self) -> Result<(), Error> {
        let active = self.keyring.load_full().ok_or(Error::Sealed)?.active().clone();
        let uncounted = active.uncounted.swap(0, Ordering::AcqRel);
        if uncounted == 0 {
            return Ok(());
        }
        let count = |keyring: &mut Keyring, _: &mut Batch| {
            keyring.count(active.number, uncounted);
            Ok(())
        };
        let counted = self.change_keyring(count).await;
        if counted.is_err() {
            active.uncounted.fetch_add(uncounted, Ordering::AcqRel);
        }
        counted
    }

    /// Takes over the stored keyring where it is newer. Where it cannot be read with what this node has, it is sealed.
    pub(crate) async fn reload(&self) -> Result<(), Error> {
        let current = self.keyring.load_full().ok_or(Error::Sealed)?;
        let snapshot = self.snapshot().await?;
        let stored = snapshot.get(&self.key(Self::KEYRING)).await.map_err(Error::internal)?;
        let stored = stored.ok_or_else(|| Error::internal("there is no keyring"))?;
        if stored.version == current.version {
            return Ok(());
        }
        let mut read = Keyring::decode(&stored.bytes, &current.root).ok();
        if read.is_none() {
            let root = snapshot.get(&self.key(Self::ROOT)).await.map_err(Error::internal)?;
            let root = root.and_then(|root| open_row(&current, Self::ROOT, root.bytes).ok());
            let root: Option<Key> = root.and_then(|(_, root)| root.as_slice().try_into().ok().map(Zeroizing::new));
            read = root.and_then(|root| Keyring::decode(&stored.bytes, &root).ok());
        }
        let Some(mut keyring) = read.filter(|keyring| keyring.generation >= current.generation) else {
            self.forget_keys();
            return Err(Error::Sealed);
        };
        keyring.version = stored.version;
        self.install(keyring, false);
        Ok(())
    }

    /// Seals.
    pub(crate) fn forget_keys(&self) {
        let _held = self.installing.lock().unwrap_or_else(PoisonError::into_inner);
        self.keyring.store(None);
        self.marks.clear();
    }
}
