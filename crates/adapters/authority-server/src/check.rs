//! Whether an authority is whole: keys, certificates, TUF and every entry of its logs.

use crate::certificates;
use crate::folder::{Folder, FolderError};
use crate::repository::Files;
use crate::runtime::StartError;
use crate::shelf::{SharedError, Shelf};
use authority::tuf::{Trusted, TufError};
use authority::{Ca, KeyError, KeyRecord, Role, Tsa};
use jiff::Timestamp;
use ledger::monitor::{Violation, leaves_complete};
use ledger::{LedgerError, Reader, View};
use signing::{PublicKey, SignatureError, Trust, TrustError};
use std::collections::BTreeMap;
use std::path::Path;
use storage::{Connection, Place, Store};
use tlog::{Hash, SignedCheckpoint, TILE_WIDTH, TilePath, TileRow, leaf_hash, parse_entry_bundle};

/// What is wrong with an authority.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// The folder or a key.
    #[error("the authority's folder can't be used")]
    Folder(#[from] FolderError),
    /// The store can't be opened: perhaps the authority is being served.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The database has another authority, or can't be read.
    #[error(transparent)]
    Shared(#[from] SharedError),
    /// A certificate is not of its key.
    #[error("the certificate of {id} is wrong")]
    Certificate {
        /// The key.
        id: String,
        /// What is wrong.
        #[source]
        source: KeyError,
    },
    /// The trust root can't be used.
    #[error("the trust root can't be used")]
    Trust(#[from] TrustError),
    /// TUF's repository.
    #[error("the TUF repository can't be followed")]
    Tuf(#[from] TufError),
    /// A document of TUF that is missing.
    #[error("the TUF repository has no {0}")]
    TufFile(String),
    /// A log can't be read.
    #[error("log {log} can't be read")]
    Ledger {
        /// Which.
        log: &'static str,
        /// What is wrong.
        #[source]
        source: LedgerError,
    },
    /// The checkpoint is none, or no key of the trust root signed it.
    #[error("the checkpoint of log {log} is not signed by a key of the trust root")]
    Checkpoint {
        /// Which.
        log: &'static str,
    },
    /// Entries and checkpoint contradict each other.
    #[error("log {log} contradicts its checkpoint")]
    Log {
        /// Which.
        log: &'static str,
        /// How.
        #[source]
        source: Violation,
    },
}

/// What was checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// Keys whose files have what is listed.
    pub keys: usize,
    /// Version of TUF's root document.
    pub tuf_root: u64,
    /// Entries of each log, every one held against the checkpoint.
    pub entries: BTreeMap<&'static str, u64>,
}

/// The logs: name, space, prefix of its keys there (as `rekor` has them), role of its key.
const LOGS: [(&str, &str, &[u8], Role); 3] = [
    ("v1", "log", b"v1/", Role::LogV1),
    ("v2", "log", b"v2/", Role::Log),
    ("ct", "ct", certificates::PREFIX, Role::Ct),
];

/// Checks an authority; one whose logs are in its folder must not be served meanwhile. `storage` is the database where
/// that is not the one that the folder names.
///
/// # Errors
/// The first thing that is wrong.
pub async fn check(path: &Path, storage: Option<&Connection>, now: Timestamp) -> Result<Checked, CheckError> {
    let folder = Folder::open(path)?;
    folder.issuers()?;
    let mut checked = Checked { keys: keys(&folder)?, ..Checked::default() };
    let store = open(&folder, storage).await?;
    let shelf = store.as_ref().map_or(Shelf::Folder, Shelf::of);
    checked.tuf_root = tuf(&shelf.read(&folder).await?.files, now)?;
    let views = views(store.as_ref()).await?;
    for (log, view) in &views {
        checked.entries.insert(log.0, entries(&folder, *log, view).await?);
    }
    Ok(checked)
}

/// How many entries each log has; as [`check`].
///
/// # Errors
/// When the store can't be opened or read.
pub async fn sizes(folder: &Folder, storage: Option<&Connection>) -> Result<BTreeMap<&'static str, u64>, CheckError> {
    let store = open(folder, storage).await?;
    let views = views(store.as_ref()).await?;
    Ok(views.iter().map(|(log, view)| (log.0, view.latest().size)).collect())
}

type Log = (&'static str, &'static str, &'static [u8], Role);

/// The store; nothing where none was begun.
async fn open(folder: &Folder, storage: Option<&Connection>) -> Result<Option<Store>, CheckError> {
    let place = match storage {
        Some(connection) => Place::Postgres(connection.clone()),
        None => folder.store()?,
    };
    match &place {
        Place::File(path) if !path.exists() => Ok(None),
        place => Ok(Some(Store::open(place).await.map_err(StartError::from)?)),
    }
}

/// What the logs hold. It can be read as long as the store is open.
async fn views(store: Option<&Store>) -> Result<Vec<(Log, View)>, CheckError> {
    let mut views = Vec::new();
    for (log, store) in LOGS.into_iter().flat_map(|log| store.map(|store| (log, store))) {
        let reader = Reader::new(store.space(log.1), log.2);
        let view = reader.view().await.map_err(|source| CheckError::Ledger { log: log.0, source })?;
        views.extend(view.map(|view| (log, view)));
    }
    Ok(views)
}

fn keys(folder: &Folder) -> Result<usize, CheckError> {
    let wrong = |record: &KeyRecord| {
        let id = record.id.clone();
        move |source| CheckError::Certificate { id, source }
    };
    for record in &folder.state().keys {
        let key = folder.key(record)?;
        match record.role {
            Role::Ca => drop(Ca::new(key, record.chain()).map_err(wrong(record))?),
            Role::Tsa => drop(Tsa::new(key, record.chain()).map_err(wrong(record))?),
            _ => {}
        }
    }
    // Reads every certificate, and follows each chain to its root.
    Trust::new(&[folder.state().trusted_root()])?;
    Ok(folder.state().keys.len())
}

fn tuf(files: &Files, now: Timestamp) -> Result<u64, CheckError> {
    if files.is_empty() {
        // Never served.
        return Ok(0);
    }
    let file = |path: Option<String>| {
        let path = path.unwrap_or_default();
        files.get(&path).ok_or(CheckError::TufFile(path))
    };
    let mut trusted = Trusted::new(file(Some("1.root.json".to_owned()))?)?;
    while let Some(next) = files.get(&format!("{}.root.json", trusted.root_version() + 1)) {
        trusted.update_root(next)?;
    }
    trusted.update_timestamp(file(Some("timestamp.json".to_owned()))?, now)?;
    trusted.update_snapshot(file(trusted.snapshot_path())?, now)?;
    trusted.update_targets(file(trusted.targets_path())?, now)?;
    let target = trusted.target("trusted_root.json")?;
    target.check(file(Some(target.path.clone()))?)?;
    Ok(trusted.root_version())
}

async fn entries(folder: &Folder, (log, _, _, role): Log, view: &View) -> Result<u64, CheckError> {
    let latest = view.latest();
    let signed = SignedCheckpoint::parse(latest.checkpoint.as_bytes()).map_err(|_| CheckError::Checkpoint { log })?;
    let is_signed = |record: &KeyRecord| {
        let Ok(key) = PublicKey::from_spki(&record.public_key) else { return false };
        let Some(&id) = record.log_id.first_chunk() else { return false };
        let mut lines = signed.note.signatures.iter().filter(|line| line.key_id == id);
        let check = |text: &[u8], signature: &[u8]| -> Result<(), SignatureError> { key.verify(text, signature) };
        lines.any(|line| signed.note.verify(&line.name, id, check).is_ok())
    };
    let agrees = signed.checkpoint.size == latest.size && signed.checkpoint.root == latest.root;
    if !agrees || !folder.state().of(role).any(is_signed) {
        return Err(CheckError::Checkpoint { log });
    }
    let failed = |source| CheckError::Ledger { log, source };
    let mut leaves: Vec<Hash> = Vec::new();
    for index in 0..latest.size.div_ceil(u64::from(TILE_WIDTH)) {
        let damaged = || failed(LedgerError::Damaged(format!("tile {index} of entries")));
        let path = TilePath::in_tree(TileRow::Entries, index, latest.size).ok_or_else(damaged)?;
        let bundle = view.tile(path).await.map_err(failed)?.ok_or_else(damaged)?;
        let bodies = parse_entry_bundle(&bundle, path.width).map_err(|_| damaged())?;
        leaves.extend(bodies.into_iter().map(leaf_hash));
    }
    leaves_complete(&signed.checkpoint, leaves).map_err(|source| CheckError::Log { log, source })?;
    Ok(latest.size)
}
