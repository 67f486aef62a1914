use crate::barrier::Barrier;
use crate::cipher::Key;
use crate::keyring::Keyring;
use crate::lifecycle::{RECOVERY, SEAL, SealRecord, Shares, root_key};
use crate::rows::seal_row;
use crate::sealing::{Seal, wrap_by_shares};
use logical::{Error, Secret};
use space::{Batch, CommitError};
use zeroize::Zeroizing;

impl Barrier {
    /// Unseals with the key of the seal that the store has, put together of unseal keys or recovery keys, and puts the
    /// configured seal in its place. Those keys stay people's: unseal keys become recovery keys, and recovery keys unseal
    /// keys.
    pub(crate) async fn migrate(&self, key: &Secret) -> Result<(), Error> {
        let rows = self.rows();
        let (record, version) = self.require_seal_record().await?;
        let from_shamir = record.kind == Seal::Shamir.kind();
        let root = if from_shamir { self.unwrap_root(key).await? } else { self.root_by_earlier(&record).await? };
        let keyring = self.read_keyring(&root).await?;
        if !from_shamir {
            self.check_recovery_key(&keyring, key).await?;
        }
        let mut batch = Batch::new();
        batch.require(rows.key(SEAL), Some(version));
        let record = self.record_of_new_seal(record, &keyring, key, &mut batch).await?;
        batch.put(rows.key(SEAL), record.encode()?);
        match rows.space.commit(batch).await {
            Ok(_) => {}
            Err(CommitError::Condition { .. }) => return Err(Error::Conflict),
            Err(error) => return Err(Error::internal(error)),
        }
        rows.install(keyring, true);
        Ok(())
    }

    async fn root_by_earlier(&self, record: &SealRecord) -> Result<Key, Error> {
        let earlier = self.rows().earlier.as_ref().filter(|earlier| earlier.kind() == record.kind);
        let missing = || {
            let kind = &record.kind;
            Error::Status(500, format!("the store has a {kind:?} seal, which is not configured to migrate from"))
        };
        root_key(&earlier.ok_or_else(missing)?.decrypt(&record.root).await.map_err(Error::internal)?)
    }

    async fn record_of_new_seal(
        &self,
        earlier: SealRecord,
        keyring: &Keyring,
        key: &Secret,
        batch: &mut Batch,
    ) -> Result<SealRecord, Error> {
        let rows = self.rows();
        let peoples = earlier.needed();
        let kind = rows.seal.kind().to_owned();
        match &rows.seal {
            Seal::Shamir => {
                let wrong_size = |_| Error::internal("the recovery key has another size than a key");
                let key: Key = Zeroizing::new(key.as_slice().try_into().map_err(wrong_size)?);
                batch.delete(rows.key(RECOVERY));
                let root = wrap_by_shares(&key, &*keyring.root).map_err(Error::internal)?;
                Ok(SealRecord { kind, shares: peoples, recovery: Shares::default(), root })
            }
            Seal::Auto(wrap) => {
                // An earlier recovery key may have been there: this is a later generation.
                let generation = rows.space.sequence().await.map_err(Error::internal)?;
                batch.put(rows.key(RECOVERY), seal_row(keyring, RECOVERY, generation, key)?);
                let root = wrap.encrypt(&*keyring.root).await.map_err(Error::internal)?;
                Ok(SealRecord { kind, shares: Shares { shares: 1, threshold: 1 }, recovery: peoples, root })
            }
        }
    }
}
