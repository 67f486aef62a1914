//! What a repository publishes.

use super::metadata::{SPEC_VERSION, key_object, sign};
use crate::hex;
use crate::keys::{KeyError, SigningKey, sha256};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

const DAY: i64 = 24;
const ROOT_LIFETIME: SignedDuration = SignedDuration::from_hours(DAY * 3650);
const TARGETS_LIFETIME: SignedDuration = SignedDuration::from_hours(DAY * 365);
const TIMESTAMP_LIFETIME: SignedDuration = SignedDuration::from_hours(DAY * 30);

/// The keys of a repository.
#[derive(Debug, Clone, Copy)]
pub struct Signers<'a> {
    /// Signs root and targets.
    pub root: &'a SigningKey,
    /// Signs snapshot and timestamp.
    pub online: &'a SigningKey,
}

/// A file that a repository hands out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetFile {
    /// Its name.
    pub name: &'static str,
    /// Its content.
    pub content: Vec<u8>,
    /// What old clients of Sigstore look for it by, for example `Fulcio`.
    pub usage: Option<&'static str>,
}

/// A file of a repository by its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The path below the repository.
    pub path: String,
    /// The content.
    pub content: Vec<u8>,
}

fn expires(now: Timestamp, lifetime: SignedDuration) -> String {
    let at = now.saturating_add(lifetime).unwrap_or(Timestamp::MAX);
    Timestamp::from_second(at.as_second()).unwrap_or(at).to_string()
}

fn document(kind: &str, version: u64, expires: String, rest: Value) -> Value {
    let mut signed = Map::new();
    signed.insert("_type".to_owned(), kind.into());
    signed.insert("spec_version".to_owned(), SPEC_VERSION.into());
    signed.insert("version".to_owned(), version.into());
    signed.insert("expires".to_owned(), expires.into());
    if let Value::Object(rest) = rest {
        signed.extend(rest);
    }
    Value::Object(signed)
}

/// The root document of a version, signed by the new root key and, after a rotation, by the one before.
///
/// # Errors
/// When a key can't sign.
pub fn next_root(
    version: u64,
    signers: Signers<'_>,
    before: Option<&SigningKey>,
    now: Timestamp,
) -> Result<Vec<Published>, KeyError> {
    let (root_id, root) = key_object(signers.root);
    let (online_id, online) = key_object(signers.online);
    let role = |id: &str| json!({"keyids": [id], "threshold": 1});
    let keys = Map::from_iter([(root_id.clone(), root), (online_id.clone(), online)]);
    let rest = json!({
        "consistent_snapshot": true,
        "keys": keys,
        "roles": {
            "root": role(&root_id),
            "targets": role(&root_id),
            "snapshot": role(&online_id),
            "timestamp": role(&online_id),
        },
    });
    let signed = document("root", version, expires(now, ROOT_LIFETIME), rest);
    let keys: Vec<&SigningKey> = before.into_iter().chain([signers.root]).collect();
    let content = sign(signed, &keys)?;
    Ok(vec![
        Published { path: format!("{version}.root.json"), content: content.clone() },
        Published { path: "root.json".to_owned(), content },
    ])
}

/// Targets, snapshot and timestamp of a version, with the files themselves.
///
/// # Errors
/// When a key can't sign.
pub fn publish(
    version: u64,
    timestamp_version: u64,
    files: &[TargetFile],
    signers: Signers<'_>,
    now: Timestamp,
) -> Result<Vec<Published>, KeyError> {
    let mut out = Vec::new();
    let mut listed = Map::new();
    for file in files {
        let digest = hex::encode(&sha256(&file.content));
        let mut entry = json!({"length": file.content.len(), "hashes": {"sha256": digest}});
        if let (Some(usage), Some(entry)) = (file.usage, entry.as_object_mut()) {
            entry.insert("custom".to_owned(), json!({"sigstore": {"status": "Active", "usage": usage}}));
        }
        listed.insert(file.name.to_owned(), entry);
        out.push(Published { path: format!("targets/{digest}.{}", file.name), content: file.content.clone() });
    }
    let signed = document("targets", version, expires(now, TARGETS_LIFETIME), json!({"targets": listed}));
    let targets = sign(signed, &[signers.root])?;
    let meta = json!({"meta": {"targets.json": described(version, &targets)}});
    let snapshot = sign(document("snapshot", version, expires(now, TARGETS_LIFETIME), meta), &[signers.online])?;
    out.push(Published { path: format!("{version}.targets.json"), content: targets });
    out.push(Published { path: format!("{version}.snapshot.json"), content: snapshot.clone() });
    out.push(timestamp(version, &snapshot, timestamp_version, signers, now)?);
    Ok(out)
}

/// A fresh timestamp of a snapshot.
///
/// # Errors
/// When the key can't sign.
pub fn timestamp(
    snapshot_version: u64,
    snapshot: &[u8],
    version: u64,
    signers: Signers<'_>,
    now: Timestamp,
) -> Result<Published, KeyError> {
    let meta = json!({"meta": {"snapshot.json": described(snapshot_version, snapshot)}});
    let signed = document("timestamp", version, expires(now, TIMESTAMP_LIFETIME), meta);
    Ok(Published { path: "timestamp.json".to_owned(), content: sign(signed, &[signers.online])? })
}

fn described(version: u64, content: &[u8]) -> Value {
    let digest = hex::encode(&sha256(content));
    json!({"version": version, "length": content.len(), "hashes": {"sha256": digest}})
}
