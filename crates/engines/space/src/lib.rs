//! An ordered key-value space with atomic conditional commits: the one idea of storage.
//!
//! Reads are made at a [`Snapshot`]. A [`Batch`] of puts and deletes is committed whole, under conditions (a key is
//! absent, a key is at a version), and answers with its [`Sequence`] or with the condition that failed. It is durable
//! when it answers. [`Space::changed`] waits for a commit under a prefix.
//!
//! Futures are boxed and name no runtime. [`Memory`] is the model that every adapter is tested against.

mod batch;
mod changes;
mod memory;
mod range;

use std::error::Error;
use std::future::Future;
use std::pin::Pin;

pub use batch::{Batch, CommitError, Condition, Expected, MAX_BATCH_BYTES, MAX_KEY_BYTES, MAX_VALUE_BYTES, Write};
pub use changes::Changes;
pub use memory::Memory;
pub use range::{MAX_RANGE_ROWS, Range};

/// The place of a commit in the order of all commits; the first is 1. Commits of several spaces in one store share it.
pub type Sequence = u64;

/// An answer that is awaited.
pub type Pending<'a, T, E = SpaceError> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'a>>;

/// A value and the commit that wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The commit that wrote them.
    pub version: Sequence,
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The key.
    pub key: Vec<u8>,
    /// The value.
    pub value: Value,
}

/// The storage cannot serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpaceError {
    /// The store failed; nothing is known of a commit that was under way.
    #[error("the store failed")]
    Store(#[source] Box<dyn Error + Send + Sync>),
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// What is stored is not what was written.
    #[error("the store is damaged: {0}")]
    Damaged(String),
}

/// A space of keys in byte order.
pub trait Space: Send + Sync {
    /// A view that later commits do not change. It sees every commit that was answered before.
    fn snapshot(&self) -> Pending<'_, Box<dyn Snapshot>>;

    /// The value of a key now, as a snapshot of this moment has it. Cheaper than a snapshot where that is a transaction.
    fn get<'a>(&'a self, key: &'a [u8]) -> Pending<'a, Option<Value>> {
        Box::pin(async move { self.snapshot().await?.get(key).await })
    }

    /// The last commit; no earlier one than any that was answered before.
    fn sequence(&self) -> Pending<'_, Sequence> {
        Box::pin(async move { Ok(self.snapshot().await?.sequence()) })
    }

    /// Commits the batch whole or not at all. When it answers with a sequence the batch is durable. Later writes to a
    /// key in one batch win.
    fn commit(&self, batch: Batch) -> Pending<'_, Sequence, CommitError>;

    /// Waits until a key under the prefix has been written or deleted after `since`, and answers with a sequence to go
    /// on from. It may answer without a change, never miss one.
    fn changed<'a>(&'a self, prefix: &'a [u8], since: Sequence) -> Pending<'a, Sequence>;
}

/// A view of a space at a moment. It should not be kept: the store cannot free what it sees.
pub trait Snapshot: Send + Sync {
    /// The last commit that it sees.
    fn sequence(&self) -> Sequence;

    /// The value of a key.
    fn get<'a>(&'a self, key: &'a [u8]) -> Pending<'a, Option<Value>>;

    /// The rows of a range, at most its limit.
    fn range(&self, range: Range) -> Pending<'_, Vec<Row>>;
}
