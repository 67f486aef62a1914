use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{Batch, Changes, CommitError, Pending, Range, Row, Sequence, Snapshot, Space, Value, Write};

/// A space in memory: the model of all others, and enough for tests of what is built on one.
#[derive(Debug, Default)]
pub struct Memory {
    state: Mutex<View>,
    changes: Changes,
}

#[derive(Debug, Clone, Default)]
struct View {
    rows: Arc<BTreeMap<Vec<u8>, Value>>,
    sequence: Sequence,
}

impl Memory {
    /// An empty space.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, View> {
        // A commit replaces the view in two assignments that cannot panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn commit_now(&self, batch: &Batch) -> Result<Sequence, CommitError> {
        batch.check_size()?;
        let mut view = self.lock();
        let version = |key: &[u8]| Ok::<_, CommitError>(view.rows.get(key).map(|value| value.version));
        batch.check_conditions(version)??;
        let sequence = view.sequence + 1;
        let rows = Arc::make_mut(&mut view.rows);
        for write in &batch.writes {
            match write {
                Write::Put { key, value } => {
                    rows.insert(key.clone(), Value { bytes: value.clone(), version: sequence });
                }
                Write::Delete { key } => {
                    rows.remove(key);
                }
            }
        }
        view.sequence = sequence;
        drop(view);
        self.changes.publish(sequence, batch.writes.iter().map(|write| write.key().to_vec()).collect());
        Ok(sequence)
    }
}

impl Space for Memory {
    fn snapshot(&self) -> Pending<'_, Box<dyn Snapshot>> {
        let view: Box<dyn Snapshot> = Box::new(self.lock().clone());
        Box::pin(async move { Ok(view) })
    }

    fn commit(&self, batch: Batch) -> Pending<'_, Sequence, CommitError> {
        Box::pin(async move { self.commit_now(&batch) })
    }

    fn changed<'a>(&'a self, prefix: &'a [u8], since: Sequence) -> Pending<'a, Sequence> {
        Box::pin(async move { Ok(self.changes.changed(prefix, since).await) })
    }
}

impl Snapshot for View {
    fn sequence(&self) -> Sequence {
        self.sequence
    }

    fn get<'a>(&'a self, key: &'a [u8]) -> Pending<'a, Option<Value>> {
        Box::pin(async move { Ok(self.rows.get(key).cloned()) })
    }

    fn range(&self, range: Range) -> Pending<'_, Vec<Row>> {
        Box::pin(async move {
            if range.is_empty() {
                return Ok(Vec::new());
            }
            let end = range.end.map_or(Bound::Unbounded, Bound::Excluded);
            let rows = self.rows.range((Bound::Included(range.start), end));
            let row = |(key, value): (&Vec<u8>, &Value)| Row { key: key.clone(), value: value.clone() };
            Ok(if range.backwards {
                rows.rev().take(range.limit).map(row).collect()
            } else {
                rows.take(range.limit).map(row).collect()
            })
        })
    }
}
