use std::error::Error;

use space::SpaceError;
use tlog::{Hash, KeyId, NoteError, leaf_hash, sha256};

/// An entry bundle gives the length of an entry in two bytes.
pub const MAX_ENTRY_BYTES: usize = 65_535;

/// An entry to append, with the terms to find it by.
#[derive(Debug, Clone)]
pub struct Entry {
    body: Vec<u8>,
    leaf: Hash,
    terms: Vec<Term>,
}

/// The entry has more bytes than an entry may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an entry of {0} bytes is too long; the limit is 65535")]
pub struct EntryTooLong(pub usize);

impl Entry {
    /// Hashes the entry.
    pub fn new(body: Vec<u8>, mut terms: Vec<Term>) -> Result<Self, EntryTooLong> {
        if body.len() > MAX_ENTRY_BYTES {
            return Err(EntryTooLong(body.len()));
        }
        let leaf = leaf_hash(&body);
        terms.push(Term::leaf(&leaf));
        terms.sort_unstable();
        terms.dedup();
        Ok(Self { body, leaf, terms })
    }

    /// The bytes that are hashed.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The hash of its leaf.
    pub fn leaf(&self) -> Hash {
        self.leaf
    }

    pub(crate) fn terms(&self) -> &[Term] {
        &self.terms
    }
}

/// What a term says of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TermKind {
    /// The hash of the entry's leaf.
    Leaf,
    /// The hash of something that was signed, as `sha256:<hex>`.
    Artifact,
    /// The hash of a public key or certificate.
    Key,
    /// Who signed: an address or URI, in lower case.
    Identity,
    /// The predicate type of an attestation.
    Predicate,
}

/// A value to find entries by: the first half of SHA-256 of its kind and text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Term(pub(crate) [u8; 16]);

impl Term {
    /// The term of this text.
    pub fn new(kind: TermKind, text: &str) -> Self {
        Self::of(kind, text.as_bytes())
    }

    /// The term of the leaf with this hash.
    pub fn leaf(hash: &Hash) -> Self {
        Self::of(TermKind::Leaf, hash.as_ref())
    }

    fn of(kind: TermKind, bytes: &[u8]) -> Self {
        let number = match kind {
            TermKind::Leaf => 0,
            TermKind::Artifact => 1,
            TermKind::Key => 2,
            TermKind::Identity => 3,
            TermKind::Predicate => 4,
        };
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, ..] = sha256(&[&[number], bytes]).0;
        Self([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p])
    }
}

/// Signs checkpoints.
pub trait CheckpointSigner: Send + Sync {
    /// Name of the key on the signature line.
    fn name(&self) -> &str;

    /// Identifier of the key on the signature line.
    fn key_id(&self) -> KeyId;

    /// Signs the text of a checkpoint.
    fn sign(&self, text: &[u8]) -> Result<Vec<u8>, SignError>;
}

/// The signer could not sign.
#[derive(Debug, thiserror::Error)]
#[error("the log's key could not sign")]
pub struct SignError(#[source] pub Box<dyn Error + Send + Sync>);

/// The log cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// The storage failed.
    #[error("the storage of the log failed")]
    Space(#[from] SpaceError),
    /// What is stored is not what a log writes.
    #[error("the stored log is damaged: {0}")]
    Damaged(String),
    /// The checkpoint could not be signed.
    #[error("the checkpoint could not be signed")]
    Sign(#[from] SignError),
    /// The log's origin or key name cannot stand in a note.
    #[error("the log's origin or key name is not fit for a checkpoint")]
    Name(#[from] NoteError),
    /// A leaf or size beyond the log was asked for.
    #[error("{asked} lies beyond a log of {size} entries")]
    Beyond {
        /// The index or size asked for.
        asked: u64,
        /// Entries in the log.
        size: u64,
    },
}
