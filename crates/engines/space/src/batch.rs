use crate::{Sequence, SpaceError};

/// A longer key is refused: the index of one of the stores takes no more.
pub const MAX_KEY_BYTES: usize = 2048;
/// A longer value is refused.
pub const MAX_VALUE_BYTES: usize = 16 << 20;
/// A batch with more bytes of keys and values is refused.
pub const MAX_BATCH_BYTES: usize = 64 << 20;

/// Writes to commit together, and what must hold for them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// All must hold.
    pub conditions: Vec<Condition>,
    /// Done in this order.
    pub writes: Vec<Write>,
}

/// What must hold of a key before the batch is applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The key.
    pub key: Vec<u8>,
    /// Its state.
    pub expected: Expected,
}

/// The state of a key that a condition asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// There is no such key.
    Absent,
    /// The key was last written by this commit.
    Version(Sequence),
}

/// A change of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Writes the value.
    Put {
        /// The key.
        key: Vec<u8>,
        /// The value.
        value: Vec<u8>,
    },
    /// Removes the key if it is there.
    Delete {
        /// The key.
        key: Vec<u8>,
    },
}

impl Write {
    /// The key that it changes.
    pub fn key(&self) -> &[u8] {
        match self {
            Self::Put { key, .. } | Self::Delete { key } => key,
        }
    }
}

/// Why a batch was not committed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// A condition did not hold. Nothing was written.
    #[error("the key {} is not in the state that the commit asked for", key.escape_ascii())]
    Condition {
        /// The key.
        key: Vec<u8>,
        /// The version that it has.
        found: Option<Sequence>,
    },
    /// The batch is larger than a batch, a key or a value may be. Nothing was written.
    #[error("a commit with {what} of {bytes} bytes is too large")]
    TooLarge {
        /// A key, a value, or a batch.
        what: &'static str,
        /// Its size.
        bytes: usize,
    },
    /// The store failed. The batch may have been committed.
    #[error(transparent)]
    Space(#[from] SpaceError),
}

impl Batch {
    /// A batch without writes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes a value.
    pub fn put(&mut self, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> &mut Self {
        self.writes.push(Write::Put { key: key.into(), value: value.into() });
        self
    }

    /// Removes a key.
    pub fn delete(&mut self, key: impl Into<Vec<u8>>) -> &mut Self {
        self.writes.push(Write::Delete { key: key.into() });
        self
    }

    /// Commits only if the key is at this version, or absent for `None`.
    pub fn require(&mut self, key: impl Into<Vec<u8>>, version: Option<Sequence>) -> &mut Self {
        let expected = version.map_or(Expected::Absent, Expected::Version);
        self.conditions.push(Condition { key: key.into(), expected });
        self
    }

    /// Bytes of all keys and values.
    pub fn bytes(&self) -> usize {
        let writes = self.writes.iter().map(|write| match write {
            Write::Put { key, value } => key.len() + value.len(),
            Write::Delete { key } => key.len(),
        });
        writes.chain(self.conditions.iter().map(|condition| condition.key.len())).sum()
    }

    /// Refuses what no store takes. Each store calls it first.
    pub fn check_size(&self) -> Result<(), CommitError> {
        let keys = self.writes.iter().map(Write::key).chain(self.conditions.iter().map(|condition| &*condition.key));
        if let Some(long) = keys.map(<[u8]>::len).find(|length| *length > MAX_KEY_BYTES) {
            return Err(CommitError::TooLarge { what: "a key", bytes: long });
        }
        for write in &self.writes {
            if let Write::Put { value, .. } = write
                && value.len() > MAX_VALUE_BYTES
            {
                return Err(CommitError::TooLarge { what: "a value", bytes: value.len() });
            }
        }
        let bytes = self.bytes();
        if bytes > MAX_BATCH_BYTES {
            return Err(CommitError::TooLarge { what: "a batch", bytes });
        }
        Ok(())
    }

    /// Whether every condition holds, by the version that `version` finds for a key.
    pub fn check_conditions<E>(
        &self,
        mut version: impl FnMut(&[u8]) -> Result<Option<Sequence>, E>,
    ) -> Result<Result<(), CommitError>, E> {
        for condition in &self.conditions {
            let found = version(&condition.key)?;
            let holds = match condition.expected {
                Expected::Absent => found.is_none(),
                Expected::Version(wanted) => found == Some(wanted),
            };
            if !holds {
                return Ok(Err(CommitError::Condition { key: condition.key.clone(), found }));
            }
        }
        Ok(Ok(()))
    }
}
