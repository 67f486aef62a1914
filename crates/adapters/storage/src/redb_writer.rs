//! Group commit: one thread gathers the commits that wait into one durable transaction, and answers when it is synced.

use std::sync::Arc;

use redb::{Database, ReadableDatabase, ReadableTable, TableError, WriteTransaction};
use space::{Batch, Changes, CommitError, Sequence, SpaceError, Write};
use tokio::sync::{mpsc, oneshot};

use crate::redb_space::{NUMBERS, SEQUENCE, Table, Views, encode, failed, version_of};

/// A transaction takes no more commits than this, and none once it has that many bytes: others should not wait longer.
const MAX_GROUP_COMMITS: usize = 512;
const MAX_GROUP_BYTES: usize = 32 << 20;

/// A commit that waits.
pub(crate) struct Request {
    pub(crate) table: Arc<str>,
    pub(crate) changes: Arc<Changes>,
    pub(crate) batch: Batch,
    pub(crate) answer: oneshot::Sender<Result<Sequence, CommitError>>,
}

pub(crate) struct Writer {
    database: Arc<Database>,
    views: Arc<Views>,
    sequence: Sequence,
}

/// The last commit in the file.
pub(crate) fn stored_sequence(database: &Database) -> Result<Sequence, redb::Error> {
    match database.begin_read()?.open_table(NUMBERS) {
        Ok(numbers) => Ok(numbers.get(SEQUENCE)?.map_or(0, |number| number.value())),
        Err(TableError::TableDoesNotExist(_)) => Ok(0),
        Err(error) => Err(error.into()),
    }
}

impl Writer {
    pub(crate) fn new(database: Arc<Database>, views: Arc<Views>, sequence: Sequence) -> Self {
        Self { database, views, sequence }
    }

    /// Works until every sender is gone.
    pub(crate) fn run(mut self, mut queue: mpsc::Receiver<Request>) {
        while let Some(first) = queue.blocking_recv() {
            let mut bytes = first.batch.bytes();
            let mut group = vec![first];
            while group.len() < MAX_GROUP_COMMITS && bytes < MAX_GROUP_BYTES {
                let Ok(next) = queue.try_recv() else { break };
                bytes += next.batch.bytes();
                group.push(next);
            }
            self.commit(group);
        }
    }

    fn commit(&mut self, group: Vec<Request>) {
        let before = self.sequence;
        let written = self.write(&group);
        self.views.forget();
        match written {
            Ok(outcomes) => {
                for (request, outcome) in group.into_iter().zip(outcomes) {
                    if let Ok(sequence) = outcome {
                        let keys = request.batch.writes.iter().map(|write| write.key().to_vec()).collect();
                        request.changes.publish(sequence, keys);
                    }
                    // Whoever no longer waits needs no answer.
                    let _ = request.answer.send(outcome);
                }
            }
            Err(error) => {
                self.sequence = before;
                let error = Arc::new(error);
                for request in group {
                    let source = SpaceError::Store(Box::new(Arc::clone(&error)));
                    let _ = request.answer.send(Err(source.into()));
                }
            }
        }
    }

    /// The whole group in one transaction. Nothing in it is answered unless all of it is durable.
    fn write(&mut self, group: &[Request]) -> Result<Vec<Result<Sequence, CommitError>>, SpaceError> {
        let mut transaction = self.database.begin_write().map_err(failed)?;
        // Without it the file is read whole after a crash, before it can be used again.
        transaction.set_quick_repair(true);
        let mut outcomes = Vec::with_capacity(group.len());
        let mut stored = Vec::new();
        for request in group {
            outcomes.push(self.apply(&transaction, request, &mut stored)?);
        }
        if outcomes.iter().all(Result::is_err) {
            transaction.abort().map_err(failed)?;
            return Ok(outcomes);
        }
        {
            let mut numbers = transaction.open_table(NUMBERS).map_err(failed)?;
            numbers.insert(SEQUENCE, self.sequence).map_err(failed)?;
        }
        transaction.commit().map_err(failed)?;
        Ok(outcomes)
    }

    fn apply(
        &mut self,
        transaction: &WriteTransaction,
        request: &Request,
        stored: &mut Vec<u8>,
    ) -> Result<Result<Sequence, CommitError>, SpaceError> {
        let mut table = transaction.open_table(Table::new(&request.table)).map_err(failed)?;
        let version = |key: &[u8]| match table.get(key).map_err(failed)? {
            Some(value) => version_of(value.value()).map(Some),
            None => Ok(None),
        };
        if let Err(refused) = request.batch.check_conditions(version)? {
            return Ok(Err(refused));
        }
        let sequence = self.sequence + 1;
        for write in &request.batch.writes {
            match write {
                Write::Put { key, value } => {
                    encode(sequence, value, stored);
                    table.insert(key.as_slice(), stored.as_slice()).map_err(failed)?;
                }
                Write::Delete { key } => {
                    table.remove(key.as_slice()).map_err(failed)?;
                }
            }
        }
        self.sequence = sequence;
        Ok(Ok(sequence))
    }
}
