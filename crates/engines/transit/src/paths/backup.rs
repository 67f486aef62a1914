use super::{Call, row};
use crate::failure::{decode, encode, failed};
use crate::policy::{Entry, Mark, Policy};
use crate::ring::Ring;
use jiff::Timestamp;
use logical::{Error, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// More versions than a key can have had: a backup has a place for each that there was.
const MAX_VERSIONS: u64 = 100_000;

/// Go's zero time, which a place without key has.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// The peer's backup: a key with the versions that can be used, and all versions in order.
#[derive(Serialize, Deserialize)]
struct Backup {
    policy: Policy,
    archived_keys: Option<Archive>,
}

#[derive(Serialize, Deserialize)]
struct Archive {
    /// From the oldest that is left, or zero, which is none.
    keys: Vec<Entry>,
}

pub(super) async fn backup(call: &Call<'_>, name: &str) -> Result<Response, Error> {
    let change = |policy: &mut Policy| {
        policy.check_usable().map_err(|failure| failed(failure.text()))?;
        if !policy.exportable {
            return Err(failed("exporting is disallowed on the policy"));
        }
        if !policy.allow_plaintext_backup {
            return Err(failed("plaintext backup is disallowed on the policy"));
        }
        policy.backup_info = Some(Mark { time: call.now(), version: policy.latest_version });
        Ok(true)
    };
    let policy = call.rings.change(call.storage, &row(name), change).await?;
    let mut policy = policy.ok_or_else(|| failed(format!("key {name:?} not found")))?;
    let never: Timestamp = NEVER.parse().map_err(Error::internal)?;
    let places = policy.min_available_version..=policy.latest_version;
    let keys = places.map(|place| policy.keys.get(&place).cloned().unwrap_or_else(|| Entry::empty(never, 0)));
    let archived_keys = Some(Archive { keys: keys.collect() });
    policy.archive_min_version = policy.min_available_version;
    policy.archive_version = policy.latest_version;
    policy.keys = policy.keys.split_off(&policy.min_decryption_version);
    let text = logical::encode(&Backup { policy, archived_keys })?;
    Ok(Response::json(json!({ "backup": encode(&text) })))
}

pub(super) async fn restore(call: &Call<'_>, name: Option<&str>) -> Result<Response, Error> {
    let text = call.text("backup")?;
    let force = call.flag("force")?;
    if text.is_empty() {
        return Err(Error::invalid("'backup' must be supplied"));
    }
    let bytes = decode(&text).map_err(failed)?;
    let backup: Backup =
        serde_json::from_slice(&bytes).map_err(|_| failed("the backup is not what a backup gives out"))?;
    let mut policy = whole(backup)?;
    if let Some(name) = name {
        name.clone_into(&mut policy.name);
    }
    super::named(&policy.name).map_err(|_| failed("key names cannot be paths"))?;
    policy.restore_info = Some(Mark { time: call.now(), version: policy.latest_version });
    let row = row(&policy.name);
    if force {
        call.rings.replace(call.storage, &row, &policy).await?;
    } else if !call.rings.create(call.storage, &row, &policy).await? {
        return Err(failed(format!("key {:?} already exists", policy.name)));
    }
    Ok(Response::empty())
}

/// The key with all its versions; none of it that can't be used later.
fn whole(backup: Backup) -> Result<Policy, Error> {
    let Backup { mut policy, archived_keys } = backup;
    let (first, latest) = (policy.min_available_version, policy.latest_version);
    let apart = || failed("the versions of the backup don't fit each other");
    if latest > MAX_VERSIONS || first > latest {
        return Err(apart());
    }
    let archived = archived_keys.map(|archive| archive.keys).unwrap_or_default();
    for (version, entry) in (first..).zip(archived) {
        let is_empty = entry.hmac_key.is_none() && entry.is_public() && entry.public_key.is_empty();
        if version > 0 && !is_empty {
            policy.keys.entry(version).or_insert(entry);
        }
    }
    let from = policy.min_decryption_version;
    let bounds = latest >= 1 && (1..=latest).contains(&from) && policy.min_encryption_version <= latest;
    let there = policy.keys.keys().all(|version| (1..=latest).contains(version));
    if !bounds || !there || policy.keys.range(from..).count() as u64 != latest - from + 1 {
        return Err(apart());
    }
    let ring = Ring::new(policy);
    for version in from..=latest {
        ring.version(version).map_err(|failure| failed(failure.text()))?;
    }
    Ok(ring.policy)
}
