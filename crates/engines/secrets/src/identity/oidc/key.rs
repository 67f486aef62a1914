use super::prefix;
use super::roles::Role;
use super::signing::{ALGORITHMS, SigningKey};
use crate::answer::{Answer, found};
use crate::call::Call;
use crate::core::Core;
use crate::ttl::add;
use jiff::Timestamp;
use logical::{Batch, Error, Operation, StorageExt as _};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;

/// The key of roles that name none.
const DEFAULT: &str = "default";
const DAY: u64 = 24 * 3600;

/// A key that is rotated: one that signs, one that will, and those that only verify still.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct NamedKey {
    pub(super) algorithm: String,
    pub(super) verification_ttl: u64,
    pub(super) rotation_period: u64,
    pub(super) allowed_client_ids: Vec<String>,
    signing: SigningKey,
    next: SigningKey,
    next_rotation: Timestamp,
    /// Public keys, and until when they verify.
    old: Vec<(Value, Timestamp)>,
}

impl NamedKey {
    fn new(algorithm: &str, verification_ttl: u64, rotation_period: u64, now: Timestamp) -> Result<Self, Error> {
        Ok(Self {
            algorithm: algorithm.to_owned(),
            verification_ttl,
            rotation_period,
            allowed_client_ids: Vec::new(),
            signing: SigningKey::generate(algorithm)?,
            next: SigningKey::generate(algorithm)?,
            next_rotation: add(now, Duration::from_secs(rotation_period)),
            old: Vec::new(),
        })
    }

    /// Keys that tokens are verified with.
    pub(super) fn public(&self, now: Timestamp) -> Vec<Value> {
        let old = self.old.iter().filter(|(_, until)| *until > now).map(|(key, _)| key.clone());
        [self.signing.public.clone(), self.next.public.clone()].into_iter().chain(old).collect()
    }

    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.next_rotation <= now
    }

    /// With the next key signing, and the one before verifying as long as its tokens may live.
    pub(super) fn rotated(mut self, verification_ttl: Option<u64>, now: Timestamp) -> Result<Self, Error> {
        let ttl = Duration::from_secs(verification_ttl.unwrap_or(self.verification_ttl));
        self.old.retain(|(_, until)| *until > now);
        let next = SigningKey::generate(&self.algorithm)?;
        let before = std::mem::replace(&mut self.signing, std::mem::replace(&mut self.next, next));
        self.old.push((before.public, add(now, ttl)));
        self.next_rotation = add(now, Duration::from_secs(self.rotation_period));
        Ok(self)
    }

    pub(super) fn sign(&self, claims: &Value) -> Result<String, Error> {
        self.signing.sign(claims)
    }

    /// Whether tokens for this client may be signed.
    pub(super) fn allows(&self, client_id: &str) -> bool {
        self.allowed_client_ids.iter().any(|allowed| allowed == "*" || allowed == client_id)
    }
}

pub(super) async fn store(core: &Core, row: &str, key: &NamedKey, version: Option<u64>) -> Result<(), Error> {
    let mut batch = Batch::new();
    batch.put_json(row, key)?.require(row, version);
    core.storage().commit(batch).await.map(|_| ())
}

/// A named key; `default` is made when it is asked for first.
pub(super) async fn find(call: &Call<'_>, name: &str) -> Result<Option<NamedKey>, Error> {
    let row = format!("{}{name}", prefix(call.namespace, "key"));
    let stored = call.core.storage().get_json(&row).await?;
    if stored.is_some() || name != DEFAULT {
        return Ok(stored);
    }
    let mut key = NamedKey::new("RS256", DAY, DAY, call.request.now)?;
    key.allowed_client_ids.push("*".to_owned());
    match store(call.core, &row, &key, None).await {
        Err(Error::Conflict) => call.core.storage().get_json(&row).await,
        other => other.map(|()| Some(key)),
    }
}

/// Roles that sign with a key, by name.
async fn roles_of(call: &Call<'_>, name: &str) -> Result<Vec<(String, Role)>, Error> {
    let (storage, prefix) = (call.core.storage(), prefix(call.namespace, "role"));
    let mut roles = Vec::new();
    for row in storage.scan(&prefix, "", usize::MAX).await? {
        let role = storage.get_json::<Role>(&row).await?.filter(|role| role.key == name);
        if let (Some(role), Some(of)) = (role, row.strip_prefix(&prefix)) {
            roles.push((of.to_owned(), role));
        }
    }
    Ok(roles)
}

/// `oidc/key/<name>`.
pub(super) async fn handle(call: &Call<'_>, name: &str, operation: Operation) -> Result<Answer, Error> {
    let row = format!("{}{name}", prefix(call.namespace, "key"));
    match operation {
        Operation::Read => {
            let key = found(call.core.storage().get_json::<NamedKey>(&row).await?)?;
            Ok(Answer::json(json!({
                "rotation_period": key.rotation_period,
                "verification_ttl": key.verification_ttl,
                "algorithm": key.algorithm,
                "allowed_client_ids": key.allowed_client_ids,
            })))
        }
        Operation::Delete => {
            if name == DEFAULT {
                return Err(Error::invalid(format!("deletion of key {name:?} not allowed")));
            }
            let roles: Vec<String> = roles_of(call, name).await?.into_iter().map(|(name, _)| name).collect();
            if !roles.is_empty() {
                return Err(Error::invalid(format!(
                    "unable to delete key {name:?} because it is currently referenced by these roles: {}",
                    roles.join(", ")
                )));
            }
            call.core.storage().delete(&row).await?;
            Ok(Answer::empty())
        }
        Operation::Update => write(call, name, &row).await,
        _ => Err(Error::UnsupportedOperation),
    }
}

async fn write(call: &Call<'_>, name: &str, row: &str) -> Result<Answer, Error> {
    let (fields, now) = (call.request.fields(), call.request.now);
    let stored = call.core.storage().get_json_at::<NamedKey>(row).await?;
    let old = stored.as_ref().map(|(key, _)| key);
    let seconds = |name: &str, before: Option<u64>| -> Result<u64, Error> {
        Ok(fields.duration(name)?.map(|period| period.as_secs()).or(before).unwrap_or(DAY))
    };
    let rotation_period = seconds("rotation_period", old.map(|key| key.rotation_period))?;
    if rotation_period < 60 {
        return Err(Error::invalid("rotation_period must be at least one minute"));
    }
    let verification_ttl = seconds("verification_ttl", old.map(|key| key.verification_ttl))?;
    if verification_ttl > rotation_period.saturating_mul(10) {
        return Err(Error::invalid("verification_ttl cannot be longer than 10x rotation_period"));
    }
    if roles_of(call, name).await?.iter().any(|(_, role)| role.ttl > verification_ttl) {
        return Err(Error::invalid(format!(
            "unable to update key {name:?} because it is currently referenced by one or more roles with a token ttl \
             greater than {verification_ttl} seconds"
        )));
    }
    let algorithm = fields.text("algorithm")?.or_else(|| old.map(|key| key.algorithm.clone()));
    let algorithm = algorithm.unwrap_or_else(|| "RS256".to_owned());
    if !ALGORITHMS.contains(&algorithm.as_str()) {
        return Err(Error::invalid(format!("unknown signing algorithm {algorithm:?}")));
    }
    let mut key = match old {
        Some(old) if old.algorithm == algorithm => old.clone(),
        Some(old) => {
            let mut key = NamedKey::new(&algorithm, verification_ttl, rotation_period, now)?;
            key.allowed_client_ids.clone_from(&old.allowed_client_ids);
            let until = add(now, Duration::from_secs(old.verification_ttl));
            key.old = old.public(now).into_iter().map(|public| (public, until)).collect();
            key
        }
        None => NamedKey::new(&algorithm, verification_ttl, rotation_period, now)?,
    };
    key.verification_ttl = verification_ttl;
    key.rotation_period = rotation_period;
    key.next_rotation = key.next_rotation.min(add(now, Duration::from_secs(rotation_period)));
    if let Some(clients) = fields.list("allowed_client_ids")? {
        key.allowed_client_ids = clients;
    }
    save(call, row, &key, stored.map(|(_, version)| version)).await
}

/// `oidc/key/<name>/rotate`.
pub(super) async fn rotate(call: &Call<'_>, name: &str) -> Result<Answer, Error> {
    let row = format!("{}{name}", prefix(call.namespace, "key"));
    let stored = call.core.storage().get_json_at::<NamedKey>(&row).await?;
    let (key, version) = stored.ok_or_else(|| Error::invalid(format!("no named key found at {name:?}")))?;
    let ttl = call.request.fields().duration("verification_ttl")?.map(|ttl| ttl.as_secs());
    let mut key = key.rotated(ttl, call.request.now)?;
    if let Some(ttl) = ttl {
        key.verification_ttl = ttl;
    }
    save(call, &row, &key, Some(version)).await
}

async fn save(call: &Call<'_>, row: &str, key: &NamedKey, version: Option<u64>) -> Result<Answer, Error> {
    match store(call.core, row, key, version).await {
        Err(Error::Conflict) => Err(Error::invalid("the key has changed meanwhile, try again")),
        other => other.map(|()| Answer::empty()),
    }
}
