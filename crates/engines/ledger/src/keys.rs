//! Where things stand in the space. All keys of a log begin with its prefix.

use crate::entry::Term;

/// A sorted run of index rows: how often it was merged, and the first entry it has rows of. The name is never used for
/// other rows, so whoever writes it writes the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RunName {
    pub(crate) level: u8,
    pub(crate) first: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct Keys {
    prefix: Vec<u8>,
}

impl Keys {
    pub(crate) fn new(prefix: &[u8]) -> Self {
        Self { prefix: prefix.to_vec() }
    }

    fn key(&self, kind: u8, parts: &[&[u8]]) -> Vec<u8> {
        let mut key = self.prefix.clone();
        key.push(kind);
        parts.iter().for_each(|part| key.extend_from_slice(part));
        key
    }

    /// The size, root and signed note of the log.
    pub(crate) fn checkpoint(&self) -> Vec<u8> {
        self.key(b'c', &[])
    }

    /// Entries of one batch from `first` on, never across the end of an entry bundle.
    pub(crate) fn entries(&self, first: u64) -> Vec<u8> {
        self.key(b'e', &[&first.to_be_bytes()])
    }

    pub(crate) fn tile(&self, level: u8, index: u64) -> Vec<u8> {
        self.key(b't', &[&[level], &index.to_be_bytes()])
    }

    pub(crate) fn runs(&self) -> Vec<u8> {
        self.key(b'r', &[])
    }

    pub(crate) fn run(&self, name: RunName) -> Vec<u8> {
        self.key(b'r', &[&[name.level], &name.first.to_be_bytes()])
    }

    /// A run that has been merged into another and whose rows are to be removed.
    pub(crate) fn merged_run(&self, name: RunName) -> Vec<u8> {
        self.key(b'd', &[&[name.level], &name.first.to_be_bytes()])
    }

    pub(crate) fn merged_runs(&self) -> Vec<u8> {
        self.key(b'd', &[])
    }

    /// All blocks of a run.
    pub(crate) fn blocks(&self, name: RunName) -> Vec<u8> {
        self.key(b'x', &[&[name.level], &name.first.to_be_bytes()])
    }

    /// The block of a run whose first row is this one.
    pub(crate) fn block(&self, name: RunName, term: &Term, index: u64) -> Vec<u8> {
        self.key(b'x', &[&[name.level], &name.first.to_be_bytes(), &term.0, &index.to_be_bytes()])
    }

    /// The name in a key of [`Keys::run`] or [`Keys::merged_run`].
    pub(crate) fn run_name(&self, key: &[u8]) -> Option<RunName> {
        let (level, first) = key.get(self.prefix.len() + 1..)?.split_first()?;
        Some(RunName { level: *level, first: u64::from_be_bytes(first.try_into().ok()?) })
    }

    /// The number at the end of a key of [`Keys::entries`].
    pub(crate) fn number(key: &[u8]) -> Option<u64> {
        key.last_chunk().map(|bytes| u64::from_be_bytes(*bytes))
    }
}
