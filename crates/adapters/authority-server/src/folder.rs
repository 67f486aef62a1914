//! An authority on disk.
//!
//! `authority.json` has the keys over time without their secrets, `keys/` the secrets (mode 0600), `issuers.yaml` whom to
//! believe, `tuf/` what the TUF repository publishes, `store.redb` the logs; the last two are in a database where several
//! nodes serve one authority. Every file is written whole or not at all.

use crate::held::{self, HeldError, HeldKey};
use authority::{ConfigError, Issuers, KeyError, KeyRecord, Role, SigningKey, State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use storage::{Connection, ConnectionError, Place};
use zeroize::Zeroizing;

const STATE: &str = "authority.json";
const KEYS: &str = "keys";
const ISSUERS: &str = "issuers.yaml";
const TUF: &str = "tuf";
/// The address of an authority that was given none: completed by the port that it listens on.
pub const LOCAL_URL: &str = "http://127.0.0.1";
const ISSUERS_TEXT: &str = "\
# Whom this authority believes, in the format of Fulcio's configuration.
oidc-issuers: {}
#  https://accounts.example.com:
#    issuer-url: https://accounts.example.com
#    client-id: sigstore
#    type: email
";

/// Why an authority's folder can't be made, read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// There is something already.
    #[error("{} exists already and is not empty", .0.display())]
    Exists(PathBuf),
    /// There is no authority.
    #[error("{} has no authority", .0.display())]
    None(PathBuf),
    /// The system refuses.
    #[error("{}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file that was changed by hand, or damaged.
    #[error("{} is damaged", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// A key that can't be made or read, or is not the one that is listed.
    #[error("key {id}")]
    Key {
        /// Its name.
        id: String,
        /// What is wrong.
        #[source]
        source: KeyError,
    },
    /// A key that is held elsewhere.
    #[error("key {id} at {reference}")]
    Held {
        /// Its name, or what it is to sign.
        id: String,
        /// Where it should be.
        reference: String,
        /// What is wrong.
        #[source]
        source: Box<HeldError>,
    },
    /// A part whose key is held elsewhere gets no new one here.
    #[error("the key of {0} is held elsewhere, and no other is named")]
    NotHere(&'static str),
    /// A key for a part that is not rotated.
    #[error("a key is named for {0}, which is not rotated")]
    NotRotated(&'static str),
    /// A role that can't be rotated.
    #[error("{0:?} is none of ca, log, tsa, ct, tuf")]
    Rotate(String),
    /// The connection string of the database.
    #[error("the authority's storage")]
    Storage(#[from] ConnectionError),
    /// A password has no place in a folder that is copied to each node.
    #[error("the connection string of the storage has a password, which is not kept")]
    Password,
    /// `issuers.yaml` is wrong.
    #[error("{}", path.display())]
    Issuers {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: ConfigError,
    },
}

/// Versions of TUF's documents that were published.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TufVersions {
    pub(crate) root: u64,
    pub(crate) targets: u64,
    pub(crate) timestamp: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Kept {
    #[serde(flatten)]
    pub(crate) state: State,
    pub(crate) tuf: TufVersions,
    /// The database, if the logs are in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) storage: Option<String>,
}

/// What a new authority will be.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Whose it is.
    pub name: String,
    /// Where clients will reach it; otherwise on this machine.
    pub url: Option<String>,
    /// The connection string of the database that has its logs, without a password; otherwise they are in the folder.
    pub storage: Option<String>,
    /// Which keys are held elsewhere; the others are made, and kept in the folder.
    pub held: Vec<HeldKey>,
}

impl Plan {
    /// On this machine, with all in its folder.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), url: None, storage: None, held: Vec::new() }
    }
}

/// An authority's folder.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
    kept: Kept,
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> FolderError {
    let path = path.to_owned();
    move |source| FolderError::Io { path, source }
}

/// Writes a file whole: beside it, synced, then renamed over it.
fn write(path: &Path, content: &[u8], mode: u32) -> Result<(), FolderError> {
    let beside = path.with_extension(format!("{}.new", std::process::id()));
    let put = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&beside)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    };
    put().map_err(|source| {
        let _ = fs::remove_file(&beside);
        FolderError::Io { path: path.to_owned(), source }
    })
}

fn make(path: &Path) -> Result<(), FolderError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed(path))
}

impl Folder {
    /// Makes an authority: all keys and trust files, or nothing.
    ///
    /// # Errors
    /// When there is something at `path` already, the system refuses, or the connection string can't be kept.
    pub fn init(path: &Path, plan: &Plan, now: Timestamp) -> Result<Self, FolderError> {
        if let Some(storage) = &plan.storage {
            Connection::parse(storage, &|_| None)?;
            if Connection::names_password(storage) {
                return Err(FolderError::Password);
            }
        }
        let occupied = |path: &Path| fs::read_dir(path).map_or(path.exists(), |mut entries| entries.next().is_some());
        if occupied(path) {
            return Err(FolderError::Exists(path.to_owned()));
        }
        let name_of = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let beside = path.with_file_name(format!(".{name_of}.{}.new", std::process::id()));
        let made = Self::fill(&beside, plan, now).and_then(|()| {
            fs::rename(&beside, path).map_err(|source| match source.kind() {
                io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists => FolderError::Exists(path.to_owned()),
                _ => FolderError::Io { path: path.to_owned(), source },
            })
        });
        if made.is_err() {
            let _ = fs::remove_dir_all(&beside);
        }
        made?;
        Self::open(path)
    }

    fn fill(path: &Path, plan: &Plan, now: Timestamp) -> Result<(), FolderError> {
        let state = State::new(&plan.name, plan.url.as_deref().unwrap_or(LOCAL_URL));
        let kept = Kept { state, tuf: TufVersions::default(), storage: plan.storage.clone() };
        make(&path.join(KEYS))?;
        make(&path.join(TUF))?;
        let mut folder = Self { path: path.to_owned(), kept };
        for role in Role::ALL {
            folder.add(role, &plan.held, now)?;
        }
        write(&path.join(ISSUERS), ISSUERS_TEXT.as_bytes(), 0o644)?;
        folder.save()
    }

    /// Reads an authority's folder.
    ///
    /// # Errors
    /// When there is none, or it is damaged.
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        let file = path.join(STATE);
        let text = fs::read(&file).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => FolderError::None(path.to_owned()),
            _ => FolderError::Io { path: file.clone(), source },
        })?;
        let kept = serde_json::from_slice(&text).map_err(|source| FolderError::Damaged { path: file, source })?;
        Ok(Self { path: path.to_owned(), kept })
    }

    /// Name, address and keys over time.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.kept.state
    }

    /// The same authority at another address. Not written: which port it is served on may change each time.
    #[must_use]
    pub fn at(mut self, url: &str) -> Self {
        url.trim_end_matches('/').clone_into(&mut self.kept.state.url);
        self
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the logs are stored: as the folder says, with the password that the environment has (`PGPASSWORD`).
    ///
    /// # Errors
    /// When the folder's connection string is wrong.
    pub fn store(&self) -> Result<Place, FolderError> {
        match &self.kept.storage {
            Some(text) => Ok(Place::Postgres(Connection::parse(text, &|name| std::env::var(name).ok())?)),
            None => Ok(Place::File(self.path.join("store.redb"))),
        }
    }

    pub(crate) fn state_file(&self) -> PathBuf {
        self.path.join(STATE)
    }

    pub(crate) fn issuers_file(&self) -> PathBuf {
        self.path.join(ISSUERS)
    }

    fn key_file(&self, id: &str) -> PathBuf {
        self.path.join(KEYS).join(format!("{id}.pem"))
    }

    /// The key of a record, if its file or holder still has it.
    ///
    /// # Errors
    /// When it is missing, or another key is there.
    pub fn key(&self, record: &KeyRecord) -> Result<SigningKey, FolderError> {
        if let Some(reference) = &record.held {
            return held::open(reference, Some(&record.public_key)).map_err(|source| FolderError::Held {
                id: record.id.clone(),
                reference: reference.clone(),
                source: source.into(),
            });
        }
        let wrong = |source| FolderError::Key { id: record.id.clone(), source };
        let path = self.key_file(&record.id);
        let pem = fs::read_to_string(&path).map(Zeroizing::new).map_err(failed(&path))?;
        let key = SigningKey::from_pem(&pem).map_err(wrong)?;
        if key.spki() != record.public_key {
            return Err(wrong(KeyError::Weak("the file has another key than is listed")));
        }
        Ok(key)
    }

    /// The active key of a role.
    ///
    /// # Errors
    /// As [`Folder::key`].
    pub fn active(&self, role: Role) -> Result<(SigningKey, &KeyRecord), FolderError> {
        let none = || FolderError::Key { id: role.as_str().to_owned(), source: KeyError::Absent };
        let record = self.state().active(role).ok_or_else(none)?;
        Ok((self.key(record)?, record))
    }

    /// Makes a new key of a role and writes its secret, or takes the one that is held; the list is not yet written.
    fn add(&mut self, role: Role, held: &[HeldKey], now: Timestamp) -> Result<(), FolderError> {
        let parent = role.parent().map(|parent| self.active(parent)).transpose()?.map(|(key, _)| key);
        let wrong = |source| FolderError::Key { id: role.as_str().to_owned(), source };
        if let Some(HeldKey { reference, .. }) = held.iter().find(|held| held.role == role) {
            let key = held::open(reference, None).map_err(|source| FolderError::Held {
                id: role.as_str().to_owned(),
                reference: reference.clone(),
                source: source.into(),
            })?;
            return self.kept.state.add_held(role, &key, reference, parent.as_ref(), now).map_err(wrong);
        }
        let key = self.kept.state.add(role, parent.as_ref(), now).map_err(wrong)?;
        let pem = key.to_pem().map_err(wrong)?;
        let id = self.kept.state.active(role).map(|record| record.id.clone()).unwrap_or_default();
        write(&self.key_file(&id), pem.as_bytes(), 0o600)
    }

    /// Gives new keys to `ca`, `log`, `tsa`, `ct` or `tuf`. What the old ones signed stays valid; a server that runs
    /// takes the new ones within seconds. Of a key that is held elsewhere the next must be named in `held`, which may be
    /// at the same reference.
    ///
    /// # Errors
    /// When it is none of these, or a key can't be made or reached.
    pub fn rotate(&mut self, what: &str, held: &[HeldKey], now: Timestamp) -> Result<Vec<String>, FolderError> {
        let roles: &[Role] = match what {
            "ca" => &[Role::Ca],
            "log" => &[Role::LogV1, Role::Log],
            "tsa" => &[Role::Tsa],
            "ct" => &[Role::Ct],
            "tuf" => &[Role::TufRoot, Role::Tuf],
            other => return Err(FolderError::Rotate(other.to_owned())),
        };
        let _lock = self.lock()?;
        self.kept = Self::open(&self.path)?.kept;
        let names = |role: Role| held.iter().any(|held| held.role == role);
        let elsewhere = |role: &&Role| self.state().active(**role).is_some_and(|record| record.held.is_some());
        if let Some(role) = roles.iter().filter(elsewhere).find(|role| !names(**role)) {
            return Err(FolderError::NotHere(role.as_str()));
        }
        if let Some(other) = held.iter().find(|held| !roles.contains(&held.role)) {
            return Err(FolderError::NotRotated(other.role.as_str()));
        }
        for role in roles {
            self.add(*role, held, now)?;
        }
        self.save()?;
        Ok(roles.iter().filter_map(|role| self.state().active(*role)).map(|record| record.id.clone()).collect())
    }

    /// Keeps other processes from changing the list until it is dropped.
    fn lock(&self) -> Result<File, FolderError> {
        let path = self.path.join("lock");
        let open = || {
            let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path)?;
            file.lock()?;
            Ok(file)
        };
        open().map_err(failed(&path))
    }

    fn save(&self) -> Result<(), FolderError> {
        let path = self.state_file();
        let text = serde_json::to_vec_pretty(&self.kept).map_err(|source| FolderError::Damaged { path, source })?;
        write(&self.state_file(), &text, 0o644)
    }

    /// Whom the authority believes.
    ///
    /// # Errors
    /// When `issuers.yaml` can't be read or is wrong.
    pub fn issuers(&self) -> Result<Issuers, FolderError> {
        let path = self.issuers_file();
        let text = fs::read(&path).map_err(failed(&path))?;
        Issuers::parse(&text).map_err(|source| FolderError::Issuers { path, source })
    }

    pub(crate) fn tuf_versions(&self) -> TufVersions {
        self.kept.tuf
    }

    /// Notes versions before their documents are published, so that no version is ever given twice.
    pub(crate) fn note_tuf_versions(&mut self, versions: TufVersions) -> Result<(), FolderError> {
        let _lock = self.lock()?;
        // The list of keys may have been changed by another process; only the versions are ours.
        let mut kept = Self::open(&self.path)?;
        kept.kept.tuf = versions;
        self.kept.tuf = versions;
        kept.save()
    }

    pub(crate) fn read_tuf(&self) -> Result<Vec<(String, Vec<u8>)>, FolderError> {
        let mut files = Vec::new();
        for (folder, prefix) in [(self.path.join(TUF), ""), (self.path.join(TUF).join("targets"), "targets/")] {
            let Ok(entries) = fs::read_dir(&folder) else { continue };
            for entry in entries.filter_map(Result::ok) {
                let path = entry.path();
                let name = entry.file_name().to_string_lossy().into_owned();
                if path.is_file() && !name.ends_with(".new") {
                    files.push((format!("{prefix}{name}"), fs::read(&path).map_err(failed(&path))?));
                }
            }
        }
        Ok(files)
    }

    pub(crate) fn remove_tuf(&self, name: &str) -> Result<(), FolderError> {
        let path = self.path.join(TUF).join(name);
        fs::remove_file(&path).map_err(failed(&path))
    }

    pub(crate) fn write_tuf(&self, name: &str, content: &[u8]) -> Result<(), FolderError> {
        let path = self.path.join(TUF).join(name);
        if let Some(folder) = path.parent() {
            make(folder)?;
        }
        write(&path, content, 0o644)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn is_made_once_and_keeps_its_secrets() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("authority");
        let now = Timestamp::now();
        let mut folder = Folder::init(&path, &Plan::new("example.org"), now).unwrap();
        assert!(matches!(Folder::init(&path, &Plan::new("other"), now), Err(FolderError::Exists(_))));
        for record in &folder.state().keys {
            let mode = fs::metadata(folder.key_file(&record.id)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}", record.id);
            folder.key(record).unwrap();
        }
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1, "nothing is left beside it");

        let before = folder.state().active(Role::Log).unwrap().id.clone();
        assert_eq!(folder.rotate("log", &[], now).unwrap(), ["log-v1-2", "log-2"]);
        assert!(folder.rotate("everything", &[], now).is_err());
        let again = Folder::open(&path).unwrap();
        assert_ne!(again.state().active(Role::Log).unwrap().id, before);
        let (one, other) = (again.key_file("ca-1"), again.key_file("log-v1-1"));
        fs::copy(other, one).unwrap();
        assert!(matches!(again.active(Role::Ca), Err(FolderError::Key { .. })));
        assert!(matches!(Folder::open(parent.path()), Err(FolderError::None(_))));
    }
}
