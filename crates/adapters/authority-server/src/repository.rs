//! The TUF repository: published anew when what it hands out changes, refreshed before it expires.

use crate::folder::{Folder, FolderError, TufVersions};
use crate::shelf::{SharedError, Shelf, Shelved};
use authority::tuf::{Published, Signers, TargetFile, next_root, publish, timestamp};
use authority::{KeyError, Role, SigningKey, pem};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// A document is signed anew when it has less time left than this.
const RENEW_BEFORE: SignedDuration = SignedDuration::from_hours(24 * 15);

/// What the repository publishes, by path.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// The files that clients get of a state: today's and those of old clients.
fn targets(folder: &Folder, oidc: Option<&str>) -> Vec<TargetFile> {
    let state = folder.state();
    let certificates = |role: Role| {
        let chains = state.of(role).flat_map(|key| key.chain());
        chains.map(|der| pem::encode("CERTIFICATE", &der)).collect::<String>().into_bytes()
    };
    let public = |role: Role| {
        let newest = state.active(role).map(|key| pem::encode("PUBLIC KEY", &key.public_key));
        newest.unwrap_or_default().into_bytes()
    };
    let file = |name, content, usage| TargetFile { name, content, usage };
    let signing_config = state.signing_config(oidc).to_json();
    vec![
        file("trusted_root.json", state.trusted_root().to_json(), None),
        file("signing_config.v0.2.json", signing_config, None),
        file("fulcio.crt.pem", certificates(Role::Ca), Some("Fulcio")),
        file("rekor.pub", public(Role::LogV1), Some("Rekor")),
        file("ctfe.pub", public(Role::Ct), Some("CTFE")),
        file("tsa.crt.pem", certificates(Role::Tsa), Some("TSA")),
    ]
}

fn expires(files: &Files, path: &str) -> Option<Timestamp> {
    let document: serde_json::Value = serde_json::from_slice(files.get(path)?).ok()?;
    document.get("signed")?.get("expires")?.as_str()?.parse().ok()
}

/// The key that the newest root document names for targets, and whether it is this one.
fn root_is_of(files: &Files, version: u64, key: &SigningKey, online: &SigningKey) -> bool {
    let document = files.get(&format!("{version}.root.json")).map(|bytes| String::from_utf8_lossy(bytes));
    let names = |key: &SigningKey| {
        let text = pem::encode("PUBLIC KEY", key.spki()).replace('\n', "\\n");
        document.as_ref().is_some_and(|document| document.contains(&text))
    };
    names(key) && names(online)
}

/// How often a change is made anew because another node was faster.
const ATTEMPTS: u32 = 16;

/// What has to be published.
#[derive(Debug, Default)]
pub(crate) struct Change {
    pub(crate) versions: TufVersions,
    /// In their order: what a document vouches for is there before it.
    pub(crate) put: Vec<Published>,
    pub(crate) removed: Vec<String>,
}

impl Change {
    pub(crate) fn is_empty(&self) -> bool {
        self.put.is_empty() && self.removed.is_empty()
    }
}

/// Brings the repository up to date, where it is kept and in memory.
///
/// # Errors
/// When a key can't be read, a document can't be written, or other nodes have other keys.
pub(crate) async fn refresh(
    folder: &mut Folder,
    shelf: &Shelf,
    oidc: Option<&str>,
    now: Timestamp,
) -> Result<Files, SharedError> {
    for _ in 0..ATTEMPTS {
        let mut before = shelf.read(folder).await?;
        let change = next(folder, &before, oidc, now)?;
        if shelf.write(folder, &before, &change).await? {
            let mut files = std::mem::take(&mut before.files);
            apply(&mut files, &change);
            return Ok(files);
        }
    }
    Err(SharedError::Contended)
}

fn apply(files: &mut Files, change: &Change) {
    files.extend(change.put.iter().map(|one| (one.path.clone(), one.content.clone())));
    files.retain(|path, _| !change.removed.contains(path));
}

fn next(folder: &Folder, before: &Shelved, oidc: Option<&str>, now: Timestamp) -> Result<Change, FolderError> {
    let wrong = |source: KeyError| FolderError::Key { id: "tuf".to_owned(), source };
    let (files, mut versions) = (&before.files, before.versions);
    let mut change = Change::default();
    let (root, _) = folder.active(Role::TufRoot)?;
    let (online, _) = folder.active(Role::Tuf)?;
    let signers = Signers { root: &root, online: &online };
    let soon = now.saturating_add(RENEW_BEFORE).unwrap_or(Timestamp::MAX);
    let stale = |path: &str| expires(files, path).is_none_or(|at| at <= soon);

    let root_path = format!("{}.root.json", versions.root);
    let renew_root = !root_is_of(files, versions.root, &root, &online) || stale(&root_path);
    if renew_root {
        // The key that clients know signs the next root too.
        let known = folder.state().of(Role::TufRoot).filter(|key| key.end.is_some()).last().cloned();
        let before = known.filter(|_| versions.root > 0).map(|record| folder.key(&record)).transpose()?;
        versions.root += 1;
        change.put.extend(next_root(versions.root, signers, before.as_ref(), now).map_err(wrong)?);
    }
    let wanted = targets(folder, oidc);
    let current = |file: &TargetFile| {
        let suffix = format!(".{}", file.name);
        files
            .iter()
            .any(|(path, content)| path.starts_with("targets/") && path.ends_with(&suffix) && *content == file.content)
    };
    let listed = files.get(&format!("{}.targets.json", versions.targets)).cloned().unwrap_or_default();
    let listed = String::from_utf8_lossy(&listed).into_owned();
    let names_all = wanted.iter().all(|file| current(file) && listed.contains(&digest_of(files, file)));
    let path = format!("{}.targets.json", versions.targets);
    let snapshot_path = format!("{}.snapshot.json", versions.targets);
    if renew_root || !names_all || stale(&path) || stale(&snapshot_path) {
        versions.targets += 1;
        versions.timestamp += 1;
        change.put.extend(publish(versions.targets, versions.timestamp, &wanted, signers, now).map_err(wrong)?);
        let mut published = files.clone();
        apply(&mut published, &change);
        change.removed = outdated(&published, versions);
    } else if stale("timestamp.json") {
        versions.timestamp += 1;
        let snapshot = files.get(&snapshot_path).cloned().unwrap_or_default();
        change.put.push(timestamp(versions.targets, &snapshot, versions.timestamp, signers, now).map_err(wrong)?);
    }
    change.versions = versions;
    Ok(change)
}

/// The digest under which a file is published.
fn digest_of(files: &Files, file: &TargetFile) -> String {
    let suffix = format!(".{}", file.name);
    let path = files.iter().find(|(path, content)| path.ends_with(&suffix) && **content == file.content);
    path.and_then(|(path, _)| path.strip_prefix("targets/")?.split('.').next()).unwrap_or("none").to_owned()
}

/// What neither this version nor the one before names; a client may be in the middle of the latter.
fn outdated(files: &Files, versions: TufVersions) -> Vec<String> {
    let kept = [versions.targets, versions.targets.saturating_sub(1)].map(|version| format!("{version}.targets.json"));
    let listed: Vec<&[u8]> = kept.iter().filter_map(|path| files.get(path).map(Vec::as_slice)).collect();
    let listed = String::from_utf8_lossy(&listed.concat()).into_owned();
    let is_old = |path: &str| match path.strip_prefix("targets/") {
        Some(name) => name.split('.').next().is_none_or(|digest| !listed.contains(digest)),
        None => {
            let version = path.strip_suffix(".targets.json").or_else(|| path.strip_suffix(".snapshot.json"));
            let version = version.and_then(|version| version.parse::<u64>().ok());
            version.is_some_and(|version| version.saturating_add(1) < versions.targets)
        }
    };
    files.keys().filter(|path| is_old(path)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::Plan;
    use authority::tuf::Trusted;

    fn follow(trusted: &mut Trusted, files: &Files, now: Timestamp) -> Vec<u8> {
        while let Some(root) = files.get(&format!("{}.root.json", trusted.root_version() + 1)) {
            trusted.update_root(root).unwrap();
        }
        trusted.update_timestamp(&files["timestamp.json"], now).unwrap();
        trusted.update_snapshot(&files[&trusted.snapshot_path().unwrap()], now).unwrap();
        trusted.update_targets(&files[&trusted.targets_path().unwrap()], now).unwrap();
        let target = trusted.target("trusted_root.json").unwrap();
        target.check(&files[&target.path]).unwrap();
        files[&target.path].clone()
    }

    async fn refresh(folder: &mut Folder, now: Timestamp) -> Result<Files, SharedError> {
        super::refresh(folder, &Shelf::Folder, None, now).await
    }

    #[tokio::test]
    async fn clients_follow_rotations_and_time() {
        let parent = tempfile::tempdir().unwrap();
        let now = Timestamp::now();
        let mut folder = Folder::init(&parent.path().join("a"), &Plan::new("example.org"), now).unwrap();
        let files = refresh(&mut folder, now).await.unwrap();
        let mut trusted = Trusted::new(&files["1.root.json"]).unwrap();
        let first = follow(&mut trusted, &files, now);
        assert_eq!(refresh(&mut folder, now).await.unwrap(), files, "nothing changes without a reason");

        let later = now + SignedDuration::from_hours(24 * 20);
        let files = refresh(&mut folder, later).await.unwrap();
        assert_eq!(folder.tuf_versions(), TufVersions { root: 1, targets: 1, timestamp: 2 });
        follow(&mut trusted, &files, later);

        for what in ["ca", "log", "tsa", "ct", "tuf", "tuf"] {
            folder.rotate(what, &[], later).unwrap();
            let files = refresh(&mut folder, later).await.unwrap();
            assert!(!follow(&mut trusted, &files, later).is_empty());
        }
        let files = refresh(&mut folder, later).await.unwrap();
        let last = follow(&mut trusted, &files, later);
        assert_eq!(trusted.root_version(), 3);
        let (first, last) = (bundle::TrustedRoot::parse(&first).unwrap(), bundle::TrustedRoot::parse(&last).unwrap());
        assert_eq!((first.tlogs.len(), last.tlogs.len()), (2, 4));
        assert_eq!((first.ctlogs.len(), last.ctlogs.len()), (1, 2));
        assert!(parent.path().join("a/tuf/1.root.json").exists());
        let snapshots = files.keys().filter(|path| path.ends_with(".snapshot.json")).count();
        assert_eq!((snapshots, folder.read_tuf().unwrap().len()), (2, files.len()), "older ones are gone");
    }
}
