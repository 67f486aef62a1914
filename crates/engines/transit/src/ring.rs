use crate::aead::Aead;
use crate::failure::{Failure, decode};
use crate::kind::Kind;
use crate::policy::Policy;
use aws_lc_rs::rsa::{
    KeyPair as RsaKeyPair, OaepPrivateDecryptingKey, OaepPublicEncryptingKey, PrivateDecryptingKey, PublicEncryptingKey,
};
use aws_lc_rs::signature::{EcdsaKeyPair, Ed25519KeyPair};
use logical::{Batch, Error, Storage, StorageExt};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use zeroize::Zeroizing;

/// Rows of keys.
pub(crate) const KEYS: &str = "keys/";

/// How often a change starts over after another came first.
const ATTEMPTS: usize = 100;

/// Keys that are kept at most.
const MAX_KEPT: usize = 100_000;

/// A named key with what was prepared of it.
pub(crate) struct Ring {
    pub(crate) policy: Policy,
    prepared: BTreeMap<u64, OnceLock<Prepared>>,
}

/// A version of a key, ready for use.
pub(crate) enum Prepared {
    /// Also of derived keys, where there is nothing to prepare.
    Raw,
    Aead(Aead),
    Rsa {
        pair: Option<RsaKeyPair>,
        decrypting: Option<OaepPrivateDecryptingKey>,
        encrypting: OaepPublicEncryptingKey,
    },
    Ec {
        pair: Option<EcdsaKeyPair>,
        point: Vec<u8>,
    },
    Ed25519 {
        pair: Option<Ed25519KeyPair>,
        public: Zeroizing<Vec<u8>>,
    },
}

impl Ring {
    pub(crate) fn new(policy: Policy) -> Self {
        let prepared = policy.keys.keys().map(|version| (*version, OnceLock::new())).collect();
        Self { policy, prepared }
    }

    /// A version, prepared at its first use.
    pub(crate) fn version(&self, version: u64) -> Result<&Prepared, Failure> {
        self.policy.entry(version)?;
        let cell = self.prepared.get(&version).ok_or_else(|| Failure::user("no such key version"))?;
        if let Some(prepared) = cell.get() {
            return Ok(prepared);
        }
        let prepared = prepare(&self.policy, version)?;
        Ok(cell.get_or_init(|| prepared))
    }
}

fn prepare(policy: &Policy, version: u64) -> Result<Prepared, Failure> {
    let entry = policy.entry(version)?;
    let missing = || Failure::internal("the key version has no key");
    if policy.derived || policy.kind == Kind::Hmac {
        return Ok(Prepared::Raw);
    }
    if policy.kind.is_aead() {
        let key = entry.key.as_ref().ok_or_else(missing)?;
        return Ok(Prepared::Aead(Aead::new(policy.kind, &key.0)?));
    }
    if let Some(curve) = policy.kind.curve() {
        return Ok(Prepared::Ec { pair: entry.ec_pair(curve)?, point: entry.point(curve).ok_or_else(missing)? });
    }
    if policy.kind == Kind::Ed25519 {
        let public = decode(&entry.public_key).map_err(|_| missing())?;
        let seed = entry.key.as_ref().and_then(|key| key.0.get(..32));
        let pair = seed.map(|seed| Ed25519KeyPair::from_seed_and_public_key(seed, &public)).transpose();
        return Ok(Prepared::Ed25519 { pair: pair.map_err(|_| missing())?, public });
    }
    let rejected = |_| Failure::internal("the RSA key can't be used");
    let unusable = |_| Failure::internal("the RSA key can't be used");
    let spki = entry.spki(policy.kind).ok_or_else(missing)?;
    let encrypting = PublicEncryptingKey::from_der(&spki).map_err(rejected)?;
    let pkcs8 = if entry.rsa_key.is_some() { entry.pkcs8(policy.kind) } else { None };
    let decrypting = pkcs8.map(|pkcs8| PrivateDecryptingKey::from_pkcs8(&pkcs8)).transpose().map_err(rejected)?;
    Ok(Prepared::Rsa {
        pair: entry.rsa_pair()?,
        decrypting: decrypting.map(OaepPrivateDecryptingKey::new).transpose().map_err(unusable)?,
        encrypting: OaepPublicEncryptingKey::new(encrypting).map_err(unusable)?,
    })
}

/// The keys of a mount, those that were used lately in memory.
#[derive(Default)]
pub(crate) struct Rings {
    kept: RwLock<HashMap<String, Arc<Ring>>>,
    /// Counts what was forgotten, so that no row that was read before is kept after.
    forgotten: AtomicU64,
}

impl Rings {
    /// A key by the name of its row, if it is there.
    pub(crate) async fn load(&self, storage: &dyn Storage, row: &str) -> Result<Option<Arc<Ring>>, Error> {
        if let Some(ring) = self.kept.read().unwrap_or_else(PoisonError::into_inner).get(row) {
            return Ok(Some(Arc::clone(ring)));
        }
        let before = self.forgotten.load(Ordering::Acquire);
        let Some(policy) = storage.get_json::<Policy>(row).await? else { return Ok(None) };
        let ring = Arc::new(Ring::new(policy));
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        if self.forgotten.load(Ordering::Acquire) == before {
            if kept.len() >= MAX_KEPT {
                kept.clear();
            }
            kept.insert(row.to_owned(), Arc::clone(&ring));
        }
        Ok(Some(ring))
    }

    /// Forgets a key.
    pub(crate) fn forget(&self, row: &str) {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        self.forgotten.fetch_add(1, Ordering::AcqRel);
        kept.remove(row);
    }

    /// Writes a key that must not be there yet; false where it is.
    pub(crate) async fn create(&self, storage: &dyn Storage, row: &str, policy: &Policy) -> Result<bool, Error> {
        self.write(storage, row, policy, Some(None)).await
    }

    /// Writes a key, whatever is there.
    pub(crate) async fn replace(&self, storage: &dyn Storage, row: &str, policy: &Policy) -> Result<(), Error> {
        self.write(storage, row, policy, None).await.map(|_| ())
    }

    /// Changes a key on top of what is there then. The change tells whether there is something to write.
    pub(crate) async fn change(
        &self,
        storage: &dyn Storage,
        row: &str,
        change: impl Fn(&mut Policy) -> Result<bool, Error>,
    ) -> Result<Option<Policy>, Error> {
        for _ in 0..ATTEMPTS {
            let Some((mut policy, version)) = storage.get_json_at::<Policy>(row).await? else { return Ok(None) };
            if !change(&mut policy)? || self.write(storage, row, &policy, Some(Some(version))).await? {
                return Ok(Some(policy));
            }
        }
        Err(Error::Conflict)
    }

    /// Deletes a key if it may be.
    pub(crate) async fn delete(
        &self,
        storage: &dyn Storage,
        row: &str,
        check: impl Fn(Option<&Policy>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        for _ in 0..ATTEMPTS {
            let found = storage.get_json_at::<Policy>(row).await?;
            check(found.as_ref().map(|(policy, _)| policy))?;
            let mut batch = Batch::new();
            batch.require(row, found.map(|(_, version)| version)).delete(row);
            let result = storage.commit(batch).await;
            self.forget(row);
            match result {
                Err(Error::Conflict) => {}
                result => return result.map(|_| ()),
            }
        }
        Err(Error::Conflict)
    }

    /// False where the row is at another version than it must be.
    async fn write(
        &self,
        storage: &dyn Storage,
        row: &str,
        policy: &Policy,
        at: Option<Option<u64>>,
    ) -> Result<bool, Error> {
        let mut batch = Batch::new();
        if let Some(version) = at {
            batch.require(row, version);
        }
        batch.put_json(row, policy)?;
        let result = storage.commit(batch).await;
        self.forget(row);
        match result {
            Err(Error::Conflict) => Ok(false),
            result => result.map(|_| true),
        }
    }
}
