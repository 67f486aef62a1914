//! A client's trust: each document is believed only by the one before it, and never an older one.

use super::metadata::{canonical, key_id, text, verifying_key};
use crate::hex;
use crate::keys::sha256;
use jiff::Timestamp;
use serde_json::{Map, Value};

/// The longest document that is read, in bytes.
const MAX_DOCUMENT_BYTES: usize = 8 * 1024 * 1024;
/// Most signatures and keys that are looked at.
const MAX_SIGNATURES: usize = 256;

/// Why a document is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TufError {
    /// Not a document of this kind.
    #[error("{0}: not a TUF document: {1}")]
    Malformed(&'static str, &'static str),
    /// Too few signatures of keys that its role has.
    #[error("{role}: {valid} of the {threshold} signatures that are needed")]
    Threshold {
        /// Which document.
        role: &'static str,
        /// How many are good.
        valid: usize,
        /// How many are needed.
        threshold: u64,
    },
    /// An older document than was seen before, or one out of turn.
    #[error("{role}: version {found}, expected {expected}")]
    Version {
        /// Which document.
        role: &'static str,
        /// The version that was expected, at least.
        expected: u64,
        /// The version that is there.
        found: u64,
    },
    /// Its time is over.
    #[error("{0}: expired at {1}")]
    Expired(&'static str, Timestamp),
    /// Another length or hash than was promised.
    #[error("{0}: length or hash is not what was promised")]
    Hash(String),
    /// No such file.
    #[error("the repository has no target {0:?}")]
    NoTarget(String),
    /// Documents must come in their order: root, timestamp, snapshot, targets.
    #[error("{0} came before the document that vouches for it")]
    Order(&'static str),
}

/// A file that the repository promises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Where it is below the repository.
    pub path: String,
    name: String,
    length: u64,
    digest: String,
}

impl Target {
    /// Whether these bytes are the file.
    ///
    /// # Errors
    /// When they are not.
    pub fn check(&self, content: &[u8]) -> Result<(), TufError> {
        let same = content.len() as u64 == self.length && hex::encode(&sha256(content)) == self.digest;
        if same { Ok(()) } else { Err(TufError::Hash(self.name.clone())) }
    }
}

/// What a client believes of a repository.
#[derive(Debug, Clone)]
pub struct Trusted {
    root: Document,
    timestamp: Option<Document>,
    snapshot: Option<Document>,
    targets: Option<Document>,
}

#[derive(Debug, Clone)]
struct Document {
    signed: Map<String, Value>,
    signatures: Vec<(String, Vec<u8>)>,
    bytes: Vec<u8>,
    version: u64,
    expires: Timestamp,
}

impl Document {
    fn parse(role: &'static str, bytes: &[u8]) -> Result<Self, TufError> {
        let wrong = |what| TufError::Malformed(role, what);
        if bytes.len() > MAX_DOCUMENT_BYTES {
            return Err(wrong("too long"));
        }
        let mut whole: Map<String, Value> = serde_json::from_slice(bytes).map_err(|_| wrong("no JSON object"))?;
        let Some(Value::Object(signed)) = whole.remove("signed") else { return Err(wrong("no signed part")) };
        let Some(Value::Array(listed)) = whole.remove("signatures") else { return Err(wrong("no signatures")) };
        if listed.len() > MAX_SIGNATURES {
            return Err(wrong("too many signatures"));
        }
        let signature = |one: &Value| {
            let member = |name| one.get(name).and_then(Value::as_str);
            Some((member("keyid")?.to_owned(), hex::decode(member("sig")?)?))
        };
        let signatures = listed.iter().filter_map(signature).collect();
        if text(&signed, "_type") != Some(role) {
            return Err(wrong("another kind of document"));
        }
        if !text(&signed, "spec_version").is_some_and(|version| version.starts_with("1.")) {
            return Err(wrong("another version of the specification"));
        }
        let version = signed.get("version").and_then(Value::as_u64).ok_or(wrong("no version"))?;
        let expires = text(&signed, "expires").and_then(|at| at.parse().ok()).ok_or(wrong("no expiry"))?;
        Ok(Self { bytes: canonical(&Value::Object(signed.clone())), signed, signatures, version, expires })
    }

    fn fresh(self, role: &'static str, now: Timestamp) -> Result<Self, TufError> {
        if self.expires <= now { Err(TufError::Expired(role, self.expires)) } else { Ok(self) }
    }

    fn at_least(self, role: &'static str, expected: u64) -> Result<Self, TufError> {
        if self.version < expected {
            return Err(TufError::Version { role, expected, found: self.version });
        }
        Ok(self)
    }

    /// As a root: checks the signatures of a document of a role. Each key counts once.
    fn vouches(&self, role: &'static str, document: &Document) -> Result<(), TufError> {
        let wrong = |what| TufError::Malformed("root", what);
        let entry = self.signed.get("roles").and_then(|roles| roles.get(role)).ok_or(wrong("a role is missing"))?;
        let threshold = entry.get("threshold").and_then(Value::as_u64).filter(|count| *count > 0);
        let threshold = threshold.ok_or(wrong("a role has no threshold"))?;
        let ids = entry.get("keyids").and_then(Value::as_array).ok_or(wrong("a role has no keys"))?;
        let keys = self.signed.get("keys").ok_or(wrong("no keys"))?;
        let mut counted: Vec<Vec<u8>> = Vec::new();
        for id in ids.iter().take(MAX_SIGNATURES).filter_map(Value::as_str) {
            let Some(object) = keys.get(id).filter(|object| key_id(object) == id) else { continue };
            let Some(key) = verifying_key(object) else { continue };
            let mut own = document.signatures.iter().filter(|(by, _)| by == id);
            let signs = own.any(|(_, signature)| key.verify(&document.bytes, signature).is_ok());
            if signs && !counted.iter().any(|other| other == key.spki()) {
                counted.push(key.spki().to_vec());
            }
        }
        if (counted.len() as u64) < threshold {
            return Err(TufError::Threshold { role, valid: counted.len(), threshold });
        }
        Ok(())
    }

    /// What a timestamp or snapshot promises of another document.
    fn meta(&self, name: &str) -> Option<&Value> {
        self.signed.get("meta")?.get(name)
    }
}

/// Whether bytes are what was promised of them; a promise without length or hash holds for any.
fn kept(promise: &Value, role: &'static str, bytes: &[u8]) -> Result<(), TufError> {
    let length = promise.get("length").and_then(Value::as_u64);
    let digest = promise.get("hashes").and_then(|hashes| hashes.get("sha256")).and_then(Value::as_str);
    let same = length.is_none_or(|length| length == bytes.len() as u64)
        && digest.is_none_or(|digest| digest == hex::encode(&sha256(bytes)));
    if same { Ok(()) } else { Err(TufError::Hash(role.to_owned())) }
}

impl Trusted {
    /// Trust in a root document that came by another way.
    ///
    /// # Errors
    /// When it is no root, or not signed by its own keys.
    pub fn new(root: &[u8]) -> Result<Self, TufError> {
        let root = Document::parse("root", root)?;
        root.vouches("root", &root)?;
        Ok(Self { root, timestamp: None, snapshot: None, targets: None })
    }

    /// The version of the root document.
    #[must_use]
    pub fn root_version(&self) -> u64 {
        self.root.version
    }

    /// Goes on to the next root document, signed by the keys of both.
    ///
    /// # Errors
    /// When it is not the next, or not signed by both.
    pub fn update_root(&mut self, bytes: &[u8]) -> Result<(), TufError> {
        let next = Document::parse("root", bytes)?;
        self.root.vouches("root", &next)?;
        next.vouches("root", &next)?;
        let expected = self.root.version.saturating_add(1);
        if next.version != expected {
            return Err(TufError::Version { role: "root", expected, found: next.version });
        }
        self.root = next;
        Ok(())
    }

    /// Takes a timestamp, once no newer root is to be had.
    ///
    /// # Errors
    /// When root or timestamp are expired, or the timestamp is unsigned or older than the last.
    pub fn update_timestamp(&mut self, bytes: &[u8], now: Timestamp) -> Result<(), TufError> {
        self.root.clone().fresh("root", now)?;
        let next = Document::parse("timestamp", bytes)?;
        self.root.vouches("timestamp", &next)?;
        let promised = |document: &Document| document.meta("snapshot.json")?.get("version")?.as_u64();
        let snapshot = promised(&next).ok_or(TufError::Malformed("timestamp", "no snapshot"))?;
        let mut next = next;
        if let Some(last) = &self.timestamp {
            next = next.at_least("timestamp", last.version)?;
            let expected = promised(last).unwrap_or_default();
            if snapshot < expected {
                return Err(TufError::Version { role: "snapshot", expected, found: snapshot });
            }
        }
        self.timestamp = Some(next.fresh("timestamp", now)?);
        Ok(())
    }

    /// Where the snapshot is below the repository.
    #[must_use]
    pub fn snapshot_path(&self) -> Option<String> {
        let version = self.timestamp.as_ref()?.meta("snapshot.json")?.get("version")?.as_u64()?;
        Some(format!("{version}.snapshot.json"))
    }

    /// Takes the snapshot that the timestamp promises.
    ///
    /// # Errors
    /// When it is another, unsigned, expired, or knows older targets than the last.
    pub fn update_snapshot(&mut self, bytes: &[u8], now: Timestamp) -> Result<(), TufError> {
        let promise = self.timestamp.as_ref().and_then(|timestamp| timestamp.meta("snapshot.json"));
        let promise = promise.ok_or(TufError::Order("snapshot"))?;
        kept(promise, "snapshot", bytes)?;
        let next = Document::parse("snapshot", bytes)?;
        self.root.vouches("snapshot", &next)?;
        expect_version("snapshot", promise, next.version)?;
        let version = |document: &Document| document.meta("targets.json")?.get("version")?.as_u64();
        let found = version(&next).ok_or(TufError::Malformed("snapshot", "no targets"))?;
        if let Some(expected) = self.snapshot.as_ref().and_then(version).filter(|last| found < *last) {
            return Err(TufError::Version { role: "targets", expected, found });
        }
        self.snapshot = Some(next.fresh("snapshot", now)?);
        Ok(())
    }

    /// Where the list of targets is below the repository.
    #[must_use]
    pub fn targets_path(&self) -> Option<String> {
        let version = self.snapshot.as_ref()?.meta("targets.json")?.get("version")?.as_u64()?;
        Some(format!("{version}.targets.json"))
    }

    /// Takes the list of targets that the snapshot promises.
    ///
    /// # Errors
    /// When it is another, unsigned or expired.
    pub fn update_targets(&mut self, bytes: &[u8], now: Timestamp) -> Result<(), TufError> {
        let promise = self.snapshot.as_ref().and_then(|snapshot| snapshot.meta("targets.json"));
        let promise = promise.ok_or(TufError::Order("targets"))?;
        kept(promise, "targets", bytes)?;
        let next = Document::parse("targets", bytes)?;
        self.root.vouches("targets", &next)?;
        expect_version("targets", promise, next.version)?;
        self.targets = Some(next.fresh("targets", now)?);
        Ok(())
    }

    /// What the repository promises of a file.
    ///
    /// # Errors
    /// When it has no such file.
    pub fn target(&self, name: &str) -> Result<Target, TufError> {
        let none = || TufError::NoTarget(name.to_owned());
        let targets = self.targets.as_ref().ok_or(TufError::Order("a target"))?;
        let entry = targets.signed.get("targets").and_then(|targets| targets.get(name)).ok_or_else(none)?;
        let length = entry.get("length").and_then(Value::as_u64).ok_or_else(none)?;
        let digest = entry.get("hashes").and_then(|hashes| hashes.get("sha256")).and_then(Value::as_str);
        let digest = digest.filter(|digest| hex::decode(digest).is_some_and(|bytes| bytes.len() == 32));
        let digest = digest.ok_or_else(none)?.to_owned();
        let (folder, file) = name.rsplit_once('/').map_or(("", name), |(folder, file)| (folder, file));
        let folder = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        Ok(Target { path: format!("targets/{folder}{digest}.{file}"), name: name.to_owned(), length, digest })
    }
}

fn expect_version(role: &'static str, promise: &Value, found: u64) -> Result<(), TufError> {
    match promise.get("version").and_then(Value::as_u64) {
        Some(expected) if expected == found => Ok(()),
        expected => Err(TufError::Version { role, expected: expected.unwrap_or_default(), found }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::repository::{Published, Signers, TargetFile, next_root, publish, timestamp};
    use super::*;
    use crate::keys::SigningKey;
    use jiff::SignedDuration;
    use signing::KeyKind;

    const START: i64 = 1_800_000_000;

    fn now() -> Timestamp {
        Timestamp::from_second(START).unwrap()
    }

    fn named<'a>(files: &'a [Published], path: &str) -> &'a [u8] {
        &files.iter().find(|file| file.path == path).unwrap_or_else(|| panic!("{path}")).content
    }

    fn key() -> SigningKey {
        SigningKey::generate(KeyKind::P256).unwrap()
    }

    fn files(text: &str) -> Vec<TargetFile> {
        vec![TargetFile { name: "trusted_root.json", content: text.as_bytes().to_vec(), usage: None }]
    }

    fn follow(trusted: &mut Trusted, files: &[Published], at: Timestamp) -> Result<(), TufError> {
        trusted.update_timestamp(named(files, "timestamp.json"), at)?;
        trusted.update_snapshot(named(files, &trusted.snapshot_path().unwrap()), at)?;
        trusted.update_targets(named(files, &trusted.targets_path().unwrap()), at)
    }

    #[test]
    fn follows_a_repository_and_its_rotation() {
        let (root, online, next) = (key(), key(), SigningKey::generate(KeyKind::Ed25519).unwrap());
        let old = Signers { root: &root, online: &online };
        let first = next_root(1, old, None, now()).unwrap();
        let mut trusted = Trusted::new(named(&first, "root.json")).unwrap();
        let published = publish(1, 1, &files("one"), old, now()).unwrap();
        follow(&mut trusted, &published, now()).unwrap();
        let target = trusted.target("trusted_root.json").unwrap();
        target.check(named(&published, &target.path)).unwrap();
        assert!(target.check(b"two").is_err());
        assert!(trusted.target("other").is_err());

        let new = Signers { root: &next, online: &online };
        let unsigned = next_root(2, new, None, now()).unwrap();
        assert!(matches!(trusted.update_root(named(&unsigned, "2.root.json")), Err(TufError::Threshold { .. })));
        let skipped = next_root(3, new, Some(&root), now()).unwrap();
        assert!(matches!(trusted.update_root(named(&skipped, "3.root.json")), Err(TufError::Version { .. })));
        let second = next_root(2, new, Some(&root), now()).unwrap();
        trusted.update_root(named(&second, "2.root.json")).unwrap();
        let by_old = publish(2, 2, &files("two"), old, now()).unwrap();
        assert!(matches!(follow(&mut trusted.clone(), &by_old, now()), Err(TufError::Threshold { .. })));
        follow(&mut trusted, &publish(2, 2, &files("two"), new, now()).unwrap(), now()).unwrap();
    }

    #[test]
    fn rollback_expiry_and_forgery_are_refused() {
        let (root, online, other) = (key(), key(), key());
        let signers = Signers { root: &root, online: &online };
        let first = next_root(1, signers, None, now()).unwrap();
        let trust = || Trusted::new(named(&first, "root.json")).unwrap();
        let newer = publish(5, 5, &files("five"), signers, now()).unwrap();
        let older = publish(4, 4, &files("four"), signers, now()).unwrap();
        let mut trusted = trust();
        follow(&mut trusted, &newer, now()).unwrap();
        assert!(matches!(
            follow(&mut trusted.clone(), &older, now()),
            Err(TufError::Version { role: "timestamp", .. })
        ));
        // A newer timestamp of an older snapshot.
        let mixed = timestamp(4, named(&older, "4.snapshot.json"), 6, signers, now()).unwrap();
        let refused = trusted.update_timestamp(&mixed.content, now());
        assert!(matches!(refused, Err(TufError::Version { role: "snapshot", .. })), "{refused:?}");
        // Another snapshot than the timestamp promised.
        let another = publish(5, 5, &files("x"), signers, now()).unwrap();
        assert!(trusted.update_snapshot(named(&another, "5.snapshot.json"), now()).is_err());

        let later = now() + SignedDuration::from_hours(24 * 31);
        assert!(matches!(follow(&mut trust(), &newer, later), Err(TufError::Expired("timestamp", _))));
        let forged = publish(5, 5, &files("five"), Signers { root: &root, online: &other }, now()).unwrap();
        assert!(matches!(follow(&mut trust(), &forged, now()), Err(TufError::Threshold { .. })));
        assert_eq!(trust().update_snapshot(named(&newer, "5.snapshot.json"), now()), Err(TufError::Order("snapshot")));
        let mut bent = named(&first, "root.json").to_vec();
        let at = bent.windows(9).position(|part| part == b"threshold").unwrap();
        bent[at + 11] = b'2';
        assert!(matches!(Trusted::new(&bent), Err(TufError::Threshold { .. })));
        assert!(matches!(Trusted::new(b"{}"), Err(TufError::Malformed("root", _))));
    }
}
