use crate::barrier::Barrier;
use crate::cipher::{KEY_BYTES, Key, generate_key};
use crate::keyring::Keyring;
use crate::rows::{Rows, open_row, seal_row};
use crate::sealing::{Seal, SealError, Wrapped, same, unwrap_by_shares, wrap_by_shares};
use crate::{combine, split};
use jiff::Timestamp;
use logical::{Error, Secret};
use serde::{Deserialize, Serialize};
use space::{Batch, CommitError};
use zeroize::Zeroizing;

pub(crate) const SEAL: &str = "seal";
/// Where the recovery key is, as a row.
pub(crate) const RECOVERY: &str = "own/recovery";

/// Into how many shares a key is split, and how many of them give it back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shares {
    /// How many there are; one is the key itself.
    pub shares: u16,
    /// How many are needed.
    pub threshold: u16,
}

/// What is stored of the seal, in the clear but for the root key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SealRecord {
    pub(crate) kind: String,
    pub(crate) shares: Shares,
    pub(crate) recovery: Shares,
    pub(crate) root: Wrapped,
}

/// Keys to hand out to people, once.
#[derive(Default)]
pub struct InitKeys {
    /// Unseal keys; none with a seal that unseals by itself.
    pub shares: Vec<Secret>,
    /// Recovery keys; only with a seal that unseals by itself.
    pub recovery_shares: Vec<Secret>,
}

impl Shares {
    /// As a request has them: what no number of shares can be is one that [`Shares::validate`] refuses.
    pub(crate) fn of(shares: i64, threshold: i64) -> Self {
        let bounded = |number: i64| u16::try_from(number.max(0)).unwrap_or(u16::MAX);
        Self { shares: bounded(shares), threshold: bounded(threshold) }
    }

    /// # Errors
    /// Where no split has these numbers; with the peer's text.
    pub fn validate(self) -> Result<Self, Error> {
        if self.shares < 1 {
            return Err(Error::invalid("shares must be at least one"));
        }
        if self.threshold < 1 {
            return Err(Error::invalid("threshold must be at least one"));
        }
        self.validate_recovery()
    }

    /// The same for recovery keys, of which there may be none.
    ///
    /// # Errors
    /// Where no split has these numbers; with the peer's text.
    pub fn validate_recovery(self) -> Result<Self, Error> {
        let refused = if self.shares > 1 && self.threshold < 2 {
            "threshold must be greater than one for multiple shares"
        } else if self.shares > 255 {
            "shares must be less than 256"
        } else if self.threshold > 255 {
            "threshold must be less than 256"
        } else if self.threshold > self.shares {
            "threshold cannot be larger than shares"
        } else {
            return Ok(self);
        };
        Err(Error::invalid(refused))
    }

    /// A new key and its shares.
    pub(crate) fn generate(self) -> Result<(Key, Vec<Secret>), Error> {
        let key = generate_key().map_err(Error::internal)?;
        let shares = if self.shares == 1 {
            vec![Zeroizing::new(key.to_vec())]
        } else {
            split(&*key, self.shares.into(), self.threshold.into()).map_err(Error::internal)?
        };
        Ok((key, shares))
    }

    /// The key that enough shares give.
    pub(crate) fn combine(self, parts: &[Secret]) -> Result<Secret, crate::ShamirError> {
        match parts {
            [part] if self.threshold == 1 => Ok(part.clone()),
            parts => combine(parts),
        }
    }
}

impl Barrier {
    /// Whether there are keys at all.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn is_initialized(&self) -> Result<bool, Error> {
        Ok(self.seal_record().await?.is_some())
    }

    /// Makes the keys, once for the store, and leaves it unsealed. With [`Seal::Shamir`] the keys to hand out are
    /// `shares`, otherwise `recovery_shares`, of which there may be none.
    ///
    /// # Errors
    /// Where it was initialized before, perhaps at the same time by another node, or the numbers make no sense.
    pub async fn initialize(&self, shares: Shares, recovery: Shares, now: Timestamp) -> Result<InitKeys, Error> {
        let prefixed = |what: &str, error: Error| Error::invalid(format!("invalid {what} configuration: {error}"));
        let rows = self.rows();
        let already = || Error::invalid("Vault is already initialized");
        if self.is_initialized().await? {
            return Err(already());
        }
        let mut keyring = Keyring::generate(now).map_err(Error::internal)?;
        let mut keys = InitKeys::default();
        let mut batch = Batch::new();
        let (shares, recovery, root) = match &rows.seal {
            Seal::Shamir => {
                let shares = shares.validate().map_err(|error| prefixed("seal", error))?;
                let (key, parts) = shares.generate()?;
                keys.shares = parts;
                (shares, Shares::default(), wrap_by_shares(&key, &*keyring.root).map_err(Error::internal)?)
            }
            Seal::Auto(wrap) => {
                let recovery = recovery.validate_recovery().map_err(|error| prefixed("recovery", error))?;
                if recovery.shares > 0 {
                    let (key, parts) = recovery.generate()?;
                    keys.recovery_shares = parts;
                    batch.put(rows.key(RECOVERY), seal_row(&keyring, RECOVERY, 0, &*key)?);
                }
                let root = wrap.encrypt(&*keyring.root).await.map_err(Error::internal)?;
                (Shares { shares: 1, threshold: 1 }, recovery, root)
            }
        };
        let record = SealRecord { kind: rows.seal.kind().to_owned(), shares, recovery, root };
        batch.require(rows.key(SEAL), None).require(rows.key(Rows::KEYRING), None);
        batch
            .put(rows.key(SEAL), record.encode()?)
            .put(rows.key(Rows::KEYRING), keyring.encode().map_err(Error::internal)?);
        match rows.commit_surely(batch, &rows.key(Rows::KEYRING)).await {
            Ok(sequence) => keyring.version = sequence,
            Err(CommitError::Condition { .. }) => return Err(already()),
            Err(error) => return Err(Error::internal(error)),
        }
        rows.install(keyring, true);
        Ok(keys)
    }

    /// Unseals with the root key itself.
    ///
    /// # Errors
    /// `unseal failed, invalid key` where it is not the root key.
    pub async fn unseal_with(&self, root: &Key) -> Result<(), Error> {
        let keyring = self.read_keyring(root).await?;
        self.rows().install(keyring, true);
        Ok(())
    }

    /// Unseals with the key that was put together of unseal keys.
    ///
    /// # Errors
    /// Where it is another key.
    pub async fn unseal_with_seal_key(&self, key: &Secret) -> Result<(), Error> {
        let root = self.unwrap_root(key).await?;
        self.unseal_with(&root).await
    }

    /// Unseals by the seal, without a person; and encrypts the root key anew where the seal has a newer key.
    ///
    /// # Errors
    /// Where it is not initialized, has no such seal, or the seal does not decrypt.
    pub async fn unseal_by_seal(&self) -> Result<(), Error> {
        let (root, record, version) = self.root_by_seal().await?;
        self.unseal_with(&root).await?;
        self.wrap_anew(&root, record, version).await
    }

    /// Unseals by the seal where these are the recovery key's bytes.
    ///
    /// # Errors
    /// Where they are not, and as [`Barrier::unseal_by_seal`].
    pub(crate) async fn unseal_with_recovery_key(&self, key: &Secret) -> Result<(), Error> {
        let (root, ..) = self.root_by_seal().await?;
        let keyring = self.read_keyring(&root).await?;
        self.check_recovery_key(&keyring, key).await?;
        self.rows().install(keyring, true);
        Ok(())
    }

    /// Proves a recovery key while still sealed.
    pub(crate) async fn check_recovery_key(&self, keyring: &Keyring, key: &Secret) -> Result<(), Error> {
        let refused = |error| Error::invalid(format!("invalid key: failed to verify recovery key: {error}"));
        let stored = self.rows().space.get(&self.rows().key(RECOVERY)).await.map_err(Error::internal)?;
        let stored = stored.ok_or_else(|| refused(Error::invalid("there is no recovery key")))?;
        let (_, stored) = open_row(keyring, RECOVERY, stored.bytes).map_err(Error::internal)?;
        check_recovery(&stored, key).map_err(refused)
    }

    /// Forgets every key. Requests that have begun to decrypt end; everything after is refused. Keys are wiped from
    /// memory as the last of those ends.
    pub fn seal(&self) {
        self.rows().forget_keys();
    }

    /// Whether there is no key in memory.
    pub fn is_sealed(&self) -> bool {
        self.rows().keyring.load().is_none()
    }

    pub(crate) async fn seal_record(&self) -> Result<Option<(SealRecord, u64)>, Error> {
        let rows = self.rows();
        let Some(value) = rows.space.get(&rows.key(SEAL)).await.map_err(Error::internal)? else {
            return Ok(None);
        };
        let record = serde_json::from_slice(&value.bytes).map_err(Error::internal)?;
        Ok(Some((record, value.version)))
    }

    pub(crate) async fn require_seal_record(&self) -> Result<(SealRecord, u64), Error> {
        self.seal_record().await?.ok_or_else(|| Error::invalid("Vault is not initialized"))
    }

    /// The root key, by the key that people have shares of.
    pub(crate) async fn unwrap_root(&self, key: &Secret) -> Result<Key, Error> {
        let refused =
            |error: SealError| Error::invalid(format!("invalid key: failed to decrypt keys from storage: {error}"));
        let (record, _) = self.require_seal_record().await?;
        let wrong_size = |_| Error::invalid("invalid key: failed to setup unseal key: a key has 32 bytes");
        let key: Key = Zeroizing::new(key.as_slice().try_into().map_err(wrong_size)?);
        root_key(&unwrap_by_shares(&key, &record.root).map_err(refused)?)
    }

    async fn root_by_seal(&self) -> Result<(Key, SealRecord, u64), Error> {
        let Seal::Auto(wrap) = &self.rows().seal else {
            return Err(Error::invalid("the shamir seal is unsealed with unseal keys"));
        };
        let (record, version) = self.require_seal_record().await?;
        if record.kind != wrap.kind() {
            return Err(Error::Status(500, "cannot auto-unseal during seal migration".to_owned()));
        }
        let root = wrap.decrypt(&record.root).await.map_err(Error::internal)?;
        Ok((root_key(&root)?, record, version))
    }

    async fn wrap_anew(&self, root: &Key, mut record: SealRecord, version: u64) -> Result<(), Error> {
        let Seal::Auto(wrap) = &self.rows().seal else { return Ok(()) };
        if wrap.is_current(&record.root) {
            return Ok(());
        }
        record.root = wrap.encrypt(&**root).await.map_err(Error::internal)?;
        let mut batch = Batch::new();
        let key = self.rows().key(SEAL);
        batch.require(&*key, Some(version)).put(&*key, record.encode()?);
        match self.rows().space.commit(batch).await {
            // Another node did it.
            Ok(_) | Err(CommitError::Condition { .. }) => Ok(()),
            Err(error) => Err(Error::internal(error)),
        }
    }

    pub(crate) async fn read_keyring(&self, root: &Key) -> Result<Keyring, Error> {
        let rows = self.rows();
        let stored = rows.space.get(&rows.key(Rows::KEYRING)).await.map_err(Error::internal)?;
        let stored = stored.ok_or_else(|| Error::invalid("Vault is not initialized"))?;
        let mut keyring =
            Keyring::decode(&stored.bytes, root).map_err(|_| Error::invalid("unseal failed, invalid key"))?;
        keyring.version = stored.version;
        Ok(keyring)
    }

    /// Proves that a key is the one that unseals: put together of unseal keys or, with a seal that unseals by itself, of
    /// recovery keys.
    pub(crate) async fn authenticate(&self, key: &Secret) -> Result<(), Error> {
        let rows = self.rows();
        if rows.seal.has_recovery_keys() {
            return self.verify_recovery_key(key).await;
        }
        let root = self.unwrap_root(key).await?;
        // Another node may have replaced it.
        rows.reload().await?;
        let guard = rows.keyring.load();
        let keyring = guard.as_ref().ok_or(Error::Sealed)?;
        if same(&*root, &*keyring.root) { Ok(()) } else { Err(Error::invalid("unseal failed, invalid key")) }
    }

    pub(crate) async fn verify_recovery_key(&self, key: &Secret) -> Result<(), Error> {
        let stored = self.rows().get(RECOVERY).await?;
        let stored = stored.ok_or_else(|| Error::invalid("there is no recovery key"))?;
        check_recovery(&stored.value, key)
    }

    /// Puts a new root key in place, under a new key of which people have shares, or under the seal. The old shares and
    /// the old root key are worth nothing from then on for this store (an older copy of it they still open).
    pub(crate) async fn replace_root(&self, sharing: Option<(Shares, &Key)>) -> Result<(), Error> {
        let rows = self.rows();
        let (mut record, version) = self.require_seal_record().await?;
        let root = generate_key().map_err(Error::internal)?;
        record.root = match (&rows.seal, sharing) {
            (Seal::Shamir, Some((shares, key))) => {
                record.shares = shares;
                wrap_by_shares(key, &*root).map_err(Error::internal)?
            }
            (Seal::Auto(wrap), None) => wrap.encrypt(&*root).await.map_err(Error::internal)?,
            _ => return Err(Error::internal("a rekey without the key that it needs")),
        };
        let encoded = record.encode()?;
        rows.change_keyring(|keyring, batch| {
            batch.require(rows.key(SEAL), Some(version)).put(rows.key(SEAL), &*encoded);
            // The other nodes have this term's key and not the new root key.
            let handed_over = seal_row(keyring, Rows::ROOT, keyring.generation, &*root)?;
            batch.put(rows.key(Rows::ROOT), handed_over);
            keyring.root = root.clone();
            Ok(())
        })
        .await
    }

    /// Puts a new recovery key in place.
    pub(crate) async fn replace_recovery(&self, shares: Shares, key: &Key) -> Result<(), Error> {
        let rows = self.rows();
        let (mut record, version) = self.require_seal_record().await?;
        record.recovery = shares;
        let generation = rows.space.sequence().await.map_err(Error::internal)?;
        let encrypted = {
            let guard = rows.keyring.load();
            seal_row(guard.as_ref().ok_or(Error::Sealed)?, RECOVERY, generation, &**key)?
        };
        let mut batch = Batch::new();
        batch.require(rows.key(SEAL), Some(version)).put(rows.key(SEAL), record.encode()?);
        batch.put(rows.key(RECOVERY), encrypted);
        match rows.commit_surely(batch, &rows.key(RECOVERY)).await {
            Ok(_) => Ok(()),
            Err(CommitError::Condition { .. }) => Err(Error::Conflict),
            Err(error) => Err(Error::internal(error)),
        }
    }
}

impl SealRecord {
    /// The keys that people have: of the seal, or for recovery.
    pub(crate) fn needed(&self) -> Shares {
        if self.kind == Seal::Shamir.kind() { self.shares } else { self.recovery }
    }

    pub(crate) fn encode(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(self).map_err(Error::internal)
    }
}

pub(crate) fn root_key(bytes: &Secret) -> Result<Key, Error> {
    let bytes: &[u8; KEY_BYTES] =
        bytes.as_slice().try_into().map_err(|_| Error::internal("the stored root key has another size than a key"))?;
    Ok(Zeroizing::new(*bytes))
}

fn check_recovery(stored: &Secret, key: &Secret) -> Result<(), Error> {
    if same(stored, key) { Ok(()) } else { Err(Error::invalid("recovery key does not match submitted values")) }
}
