//! What is published and which keys there are: in the folder, or in the database that several nodes share.
//!
//! Nodes have equal folders; the database tells whether they still are. It has the list of keys as the first node with a
//! new one has written it. A node whose folder lacks a key is behind: it goes on with what it has for as long as old keys
//! may sign, then answers nothing. A folder with other keys is refused, so that no log is signed by two authorities.

use crate::folder::{Folder, FolderError, Kept, TufVersions};
use crate::repository::{Change, Files};
use authority::State;
use authority::tuf::Published;
use space::{Batch, CommitError, Range, Sequence, Space, SpaceError};
use std::sync::Arc;
use storage::Store;

const SPACE: &str = "authority";
const STATE: &[u8] = b"state";
const TUF: &[u8] = b"tuf/";

/// Why nodes do not share an authority.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SharedError {
    /// The folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The database fails.
    #[error("what the nodes share can't be read or written")]
    Space(#[from] SpaceError),
    /// Other nodes were always faster.
    #[error("other nodes were always faster in publishing")]
    Contended,
    /// Too much for the database.
    #[error("what the nodes share can't be written")]
    Commit(#[source] CommitError),
    /// What is there can't be read.
    #[error("what the nodes share is damaged")]
    Damaged(#[from] serde_json::Error),
    /// Nodes need one address.
    #[error("an authority in a database needs the address that its nodes share, and its folder has none")]
    Url,
    /// The folder is of another authority.
    #[error("the database has the logs of another authority: its {what} is not the folder's")]
    Another {
        /// What differs.
        what: String,
    },
    /// The folder lacks a key that another node has made.
    #[error("another node has made the key {id}, which this node's folder does not have yet")]
    Behind {
        /// The key.
        id: String,
    },
}

/// Where it is.
#[derive(Clone)]
pub(crate) enum Shelf {
    Folder,
    Shared(Arc<dyn Space>),
}

/// What is there.
#[derive(Debug, Default)]
pub(crate) struct Shelved {
    pub(crate) versions: TufVersions,
    pub(crate) files: Files,
    /// How many keys the database knows, and since which commit; nothing before a node was there.
    known: Option<(usize, Sequence)>,
}

impl Shelf {
    pub(crate) fn of(store: &Store) -> Self {
        match store {
            Store::File(_) => Self::Folder,
            Store::Postgres(_) => Self::Shared(store.space(SPACE)),
        }
    }

    /// Reads what is published, and holds the folder's keys against those of the other nodes.
    pub(crate) async fn read(&self, folder: &Folder) -> Result<Shelved, SharedError> {
        let Self::Shared(space) = self else {
            let files = folder.read_tuf()?.into_iter().collect();
            return Ok(Shelved { versions: folder.tuf_versions(), files, known: None });
        };
        let snapshot = space.snapshot().await?;
        let Some(row) = snapshot.get(STATE).await? else { return Ok(Shelved::default()) };
        let kept: Kept = serde_json::from_slice(&row.bytes)?;
        compare(folder.state(), &kept.state)?;
        let mut files = Files::new();
        for row in snapshot.range(Range::prefix(TUF)).await? {
            let path = row.key.get(TUF.len()..).unwrap_or_default();
            files.insert(String::from_utf8_lossy(path).into_owned(), row.value.bytes);
        }
        Ok(Shelved { versions: kept.tuf, files, known: Some((kept.state.keys.len(), row.version)) })
    }

    /// Writes a change of what was read. False when another node was faster: then it must be read again.
    pub(crate) async fn write(
        &self,
        folder: &mut Folder,
        before: &Shelved,
        change: &Change,
    ) -> Result<bool, SharedError> {
        let Self::Shared(space) = self else {
            if !change.is_empty() {
                folder.note_tuf_versions(change.versions)?;
            }
            for Published { path, content } in &change.put {
                folder.write_tuf(path, content)?;
            }
            for path in &change.removed {
                folder.remove_tuf(path)?;
            }
            return Ok(true);
        };
        let has_all = before.known.is_some_and(|(keys, _)| keys == folder.state().keys.len());
        if change.is_empty() && has_all {
            return Ok(true);
        }
        let key = |path: &str| [TUF, path.as_bytes()].concat();
        let kept = Kept { state: folder.state().clone(), tuf: change.versions, storage: None };
        let mut batch = Batch::new();
        batch.require(STATE, before.known.map(|(_, version)| version)).put(STATE, serde_json::to_vec(&kept)?);
        for Published { path, content } in &change.put {
            batch.put(key(path), content.as_slice());
        }
        for path in &change.removed {
            batch.delete(key(path));
        }
        match space.commit(batch).await {
            Ok(_) => Ok(true),
            Err(CommitError::Condition { .. }) => Ok(false),
            Err(CommitError::Space(error)) => Err(error.into()),
            Err(error) => Err(SharedError::Commit(error)),
        }
    }

    /// Changes when another node has published or made keys.
    pub(crate) async fn stamp(&self) -> Result<Option<Sequence>, SpaceError> {
        match self {
            Self::Folder => Ok(None),
            Self::Shared(space) => Ok(space.snapshot().await?.get(STATE).await?.map(|row| row.version)),
        }
    }
}

/// One list of keys must go on from the other, and the folder's be no shorter.
fn compare(own: &State, shared: &State) -> Result<(), SharedError> {
    let another = |what: &str| Err(SharedError::Another { what: what.to_owned() });
    if own.url != shared.url {
        return another("address");
    }
    for (nth, theirs) in shared.keys.iter().enumerate() {
        match own.keys.get(nth) {
            Some(ours) if ours.id == theirs.id && ours.public_key == theirs.public_key => {}
            Some(ours) => return another(&ours.id),
            None => return Err(SharedError::Behind { id: theirs.id.clone() }),
        }
    }
    Ok(())
}
