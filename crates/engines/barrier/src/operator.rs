use crate::barrier::Barrier;
use crate::lifecycle::{InitKeys, Shares};
use crate::procedure::Collected;
use crate::sealing::decode_hex;
use crate::shapes::{InitRequest, SealStatus};
use crate::{KEY_BYTES, SHARE_OVERHEAD};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use logical::{Error, Secret};
use std::sync::{Mutex, MutexGuard, PoisonError};
use zeroize::Zeroizing;

/// No shorter key is looked at, as the peer has it.
const SHORTEST_KEY_BYTES: usize = 16;
const LONGEST_KEY_BYTES: usize = KEY_BYTES + SHARE_OVERHEAD;

/// What operators do with keys, as `sys/init`, `sys/unseal`, `sys/rekey` and `sys/generate-root` have it: it collects
/// shares until they are enough. What is collected to unseal is of this node and this process alone; rekeys and root
/// tokens are rows of the barrier, so that shares can be handed in at any node, and are not given up by sealing.
pub struct Operator {
    pub(crate) barrier: Barrier,
    unseal: Mutex<Option<Collected>>,
}

impl Operator {
    /// For this barrier.
    pub fn new(barrier: Barrier) -> Self {
        Self { barrier, unseal: Mutex::default() }
    }

    /// The barrier.
    pub fn barrier(&self) -> &Barrier {
        &self.barrier
    }

    /// `sys/init`: makes the keys, and leaves the barrier unsealed so that the caller can write what belongs to a new
    /// server. With [`crate::Seal::Shamir`] the caller then seals it.
    ///
    /// # Errors
    /// With the peer's texts.
    pub async fn initialize(&self, request: &InitRequest, now: Timestamp) -> Result<InitKeys, Error> {
        let seal = self.barrier.seal_type();
        request.check(seal)?;
        let shares = Shares::of(request.secret_shares, request.secret_threshold);
        let recovery = Shares::of(request.recovery_shares, request.recovery_threshold);
        self.barrier.initialize(shares, recovery, now).await
    }

    /// `sys/seal-status`.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn seal_status(&self) -> Result<SealStatus, Error> {
        let seal = self.barrier.seal_type();
        let record = self.barrier.seal_record().await?;
        let needed = record.as_ref().map(|(record, _)| record.needed()).unwrap_or_default();
        let (progress, nonce) = {
            let unseal = lock(&self.unseal);
            unseal.as_ref().map(|unseal| (unseal.len(), unseal.nonce.clone())).unwrap_or_default()
        };
        Ok(SealStatus {
            kind: seal.kind().to_owned(),
            initialized: record.is_some(),
            sealed: self.barrier.is_sealed(),
            t: needed.threshold,
            n: needed.shares,
            progress,
            nonce,
            migration: record.as_ref().is_some_and(|(record, _)| record.kind != seal.kind()),
            recovery_seal: seal.has_recovery_keys(),
            recovery_seal_type: if seal.has_recovery_keys() { "shamir" } else { "unsupported" },
        })
    }

    /// `sys/unseal` with a key in hexadecimal or base64. The same key twice counts once. When there are enough they are
    /// tried, and collected anew where they are wrong. With `migrate` they are the keys of the seal that the store still
    /// has, and the configured one takes its place.
    ///
    /// # Errors
    /// With the peer's texts.
    pub async fn unseal(&self, key: &str, migrate: bool) -> Result<SealStatus, Error> {
        if key.is_empty() {
            let text = "'key' must be specified in request body as JSON, or 'reset' set to true";
            return Err(Error::invalid(text));
        }
        let part = decode_key(key)?;
        let seal = self.barrier.seal_type();
        let record = self.barrier.require_seal_record().await?.0;
        let needed = record.needed();
        let refused = match (record.kind != seal.kind(), migrate) {
            (false, true) => Some("can't perform a seal migration, no migration seal found"),
            (true, false) => Some("migrate option not provided and seal migration is pending"),
            _ => None,
        };
        if let Some(text) = refused {
            return Err(Error::Status(500, text.to_owned()));
        }
        if !self.barrier.is_sealed() {
            return self.seal_status().await;
        }
        check_length(&part).map_err(|text| Error::invalid(format!("invalid key: {text}")))?;
        let parts = {
            let mut unseal = lock(&self.unseal);
            let collected = unseal.get_or_insert_with(Collected::new);
            let enough = collected.add(&part) && collected.len() >= needed.threshold.into();
            if enough { unseal.take().map(|mut collected| collected.take()) } else { None }
        };
        if let Some(parts) = parts {
            let failed = |error| Error::invalid(format!("invalid key: failed to compute combined key: {error}"));
            let key = needed.combine(&parts).map_err(failed)?;
            if migrate {
                self.barrier.migrate(&key).await?;
            } else if seal.has_recovery_keys() {
                self.barrier.unseal_with_recovery_key(&key).await?;
            } else {
                self.barrier.unseal_with_seal_key(&key).await?;
            }
        }
        self.seal_status().await
    }

    /// `sys/unseal` with `reset`: forgets the keys that were handed in.
    ///
    /// # Errors
    /// `vault is unsealed` where it is.
    pub async fn reset_unseal(&self) -> Result<SealStatus, Error> {
        if !self.barrier.is_sealed() {
            return Err(Error::invalid("vault is unsealed"));
        }
        *lock(&self.unseal) = None;
        self.seal_status().await
    }

    /// `sys/seal`: forgets every key, and what was collected to unseal.
    pub fn seal(&self) {
        self.barrier.seal();
        *lock(&self.unseal) = None;
    }
}

/// Reads a share: hexadecimal where that gives a key's length, otherwise base64.
pub(crate) fn decode_key(text: &str) -> Result<Secret, Error> {
    let hex = decode_hex(text.as_bytes());
    if let Some(key) = hex.filter(|key| (SHORTEST_KEY_BYTES..=LONGEST_KEY_BYTES).contains(&key.len())) {
        return Ok(key);
    }
    let bytes = STANDARD.decode(text).map_err(|_| Error::invalid("'key' must be a valid hex or base64 string"))?;
    Ok(Zeroizing::new(bytes))
}

/// Reads a share for a procedure that has begun.
pub(crate) fn decode_share(text: &str) -> Result<Secret, Error> {
    if text.is_empty() {
        return Err(Error::invalid("'key' must be specified in request body as JSON"));
    }
    let key = decode_key(text)?;
    check_length(&key).map_err(Error::invalid)?;
    Ok(key)
}

fn check_length(key: &Secret) -> Result<(), String> {
    if key.len() < SHORTEST_KEY_BYTES {
        return Err(format!("key is shorter than minimum {SHORTEST_KEY_BYTES} bytes"));
    }
    if key.len() > LONGEST_KEY_BYTES {
        return Err(format!("key is longer than maximum {LONGEST_KEY_BYTES} bytes"));
    }
    Ok(())
}

/// What is held is replaced whole: another's panic leaves nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
