//! Commits of one node to PostgreSQL: those that wait go into one transaction and are answered when it is durable.
//!
//! A transaction is two round trips: the lock with what the conditions ask for, then all writes with the commit. Where
//! the connection is lost PostgreSQL is asked what became of the transaction, so a batch is committed once or not at
//! all, also over a restart of the server.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use space::{Batch, CommitError, Sequence, SpaceError, Write};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_postgres::Client;
use tokio_postgres::types::{ToSql, Type};

use crate::connection::Connection;
use crate::postgres::{CHANNEL, PATIENCE, RETRY, connect, failed, is_passing, sequence};

const MAX_GROUP_COMMITS: usize = 256;
const MAX_GROUP_BYTES: usize = 32 << 20;
/// PostgreSQL takes payloads of less than 8000 bytes; a longer common prefix is as good cut.
const MAX_NOTIFIED_PREFIX: usize = 1024;
/// A node that stands still must not keep the lock from the others.
const SESSION: &str = "SET idle_in_transaction_session_timeout = '5s'";

/// A commit that waits.
pub(crate) struct Request {
    pub(crate) space: Arc<str>,
    pub(crate) batch: Batch,
    pub(crate) answer: oneshot::Sender<Result<Sequence, CommitError>>,
}

type Outcomes = Vec<Result<Sequence, CommitError>>;

/// Works until every sender is gone.
pub(crate) async fn run(connection: Connection, first: Client, mut queue: mpsc::Receiver<Request>) {
    let mut writer = Writer { connection, client: Some(first) };
    while let Some(request) = queue.recv().await {
        let mut bytes = request.batch.bytes();
        let mut group = vec![request];
        while group.len() < MAX_GROUP_COMMITS && bytes < MAX_GROUP_BYTES {
            let Ok(next) = queue.try_recv() else { break };
            bytes += next.batch.bytes();
            group.push(next);
        }
        let outcome = writer.settle(&group).await;
        answer(group, outcome);
    }
}

fn answer(group: Vec<Request>, outcome: Result<Outcomes, SpaceError>) {
    match outcome {
        Ok(outcomes) => {
            for (request, outcome) in group.into_iter().zip(outcomes) {
                // Whoever no longer waits needs no answer.
                let _ = request.answer.send(outcome);
            }
        }
        Err(error) => {
            let error = Arc::new(error);
            for request in group {
                let source = SpaceError::Store(Box::new(Arc::clone(&error)));
                let _ = request.answer.send(Err(source.into()));
            }
        }
    }
}

/// The connection on which is written.
struct Writer {
    connection: Connection,
    client: Option<Client>,
}

/// A transaction of which the commit was not answered.
struct Unsure {
    transaction: String,
    outcomes: Outcomes,
}

/// What went wrong with a group.
struct Failure {
    error: SpaceError,
    is_passing: bool,
    unsure: Option<Unsure>,
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self { is_passing: is_passing(&error), error: failed(error), unsure: None }
    }
}

impl Writer {
    /// Commits a group once. Connections that are lost are made again for a while.
    async fn settle(&mut self, group: &[Request]) -> Result<Outcomes, SpaceError> {
        let given_up = Instant::now() + PATIENCE;
        let mut unsure: Option<Unsure> = None;
        loop {
            let failure = match self.attempt(group, &mut unsure).await {
                Ok(outcomes) => return Ok(outcomes),
                Err(failure) => failure,
            };
            self.client = None;
            if !failure.is_passing || Instant::now() >= given_up {
                return Err(failure.error);
            }
            tracing::warn!(error = %failure.error, "commits are tried again");
            tokio::time::sleep(RETRY).await;
        }
    }

    async fn attempt(&mut self, group: &[Request], unsure: &mut Option<Unsure>) -> Result<Outcomes, Failure> {
        let client = self.client().await?;
        if let Some(earlier) = unsure {
            let has_committed = has_committed(client, &earlier.transaction).await?;
            if let Some(earlier) = unsure.take()
                && has_committed
            {
                return Ok(earlier.outcomes);
            }
        }
        write(client, group).await.map_err(|mut failure| {
            *unsure = failure.unsure.take();
            failure
        })
    }

    async fn client(&mut self) -> Result<&Client, tokio_postgres::Error> {
        let client = match self.client.take().filter(|client| !client.is_closed()) {
            Some(client) => client,
            None => begin(&self.connection).await?,
        };
        Ok(self.client.insert(client))
    }
}

/// A connection for commits.
pub(crate) async fn begin(connection: &Connection) -> Result<Client, tokio_postgres::Error> {
    let client = connect(connection).await?;
    client.batch_execute(SESSION).await?;
    Ok(client)
}

/// What became of a transaction. It had the lock, so it has ended when the lock is free.
async fn has_committed(client: &Client, transaction: &str) -> Result<bool, tokio_postgres::Error> {
    client.batch_execute("BEGIN; SELECT last FROM palisade_sequence FOR UPDATE; ROLLBACK").await?;
    let parameters: [(&(dyn ToSql + Sync), Type); 1] = [(&transaction, Type::TEXT)];
    let rows = client.query_typed("SELECT pg_xact_status($1::text::xid8)", &parameters).await?;
    let status: Option<String> = rows.first().map(|row| row.try_get(0)).transpose()?.flatten();
    Ok(status.as_deref() == Some("committed"))
}

async fn write(client: &Client, group: &[Request]) -> Result<Outcomes, Failure> {
    let (transaction, last, versions) = lock(client, group).await?;
    let mut plan = Plan { last, versions, writes: BTreeMap::new() };
    let outcomes: Outcomes = group.iter().map(|request| plan.apply(request)).collect();
    if plan.last == last {
        client.batch_execute("ROLLBACK").await?;
        return Ok(outcomes);
    }
    match plan.commit(client, &notices(group, &outcomes)).await {
        Ok(()) => Ok(outcomes),
        Err(error) => Err(Failure { unsure: Some(Unsure { transaction, outcomes }), ..error.into() }),
    }
}

type Versions<'a> = HashMap<(&'a str, &'a [u8]), Sequence>;

/// Begins a transaction. Whoever has the counter has the last word: what is read from here on is what all earlier
/// commits have left.
async fn lock<'a>(client: &Client, group: &'a [Request]) -> Result<(String, Sequence, Versions<'a>), Failure> {
    let asked: BTreeSet<(&str, &[u8])> = group
        .iter()
        .flat_map(|request| request.batch.conditions.iter().map(|condition| (&*request.space, &*condition.key)))
        .collect();
    let (spaces, keys): (Vec<&str>, Vec<&[u8]>) = asked.iter().copied().unzip();
    let parameters: [(&(dyn ToSql + Sync), Type); 2] = [(&spaces, Type::TEXT_ARRAY), (&keys, Type::BYTEA_ARRAY)];
    let found = async {
        if asked.is_empty() {
            return Ok(Vec::new());
        }
        let query = "SELECT asked.place, row.version \
                     FROM unnest($1, $2) WITH ORDINALITY AS asked (space, key, place) \
                     JOIN palisade_rows AS row ON row.space = asked.space AND row.key = asked.key";
        client.query_typed(query, &parameters).await
    };
    let counter = "SELECT last, pg_current_xact_id()::text FROM palisade_sequence FOR UPDATE";
    let ((), counter, found) =
        tokio::try_join!(biased; client.batch_execute("BEGIN"), client.query_typed(counter, &[]), found)?;
    let mut versions = HashMap::with_capacity(found.len());
    let asked: Vec<(&str, &[u8])> = asked.into_iter().collect();
    for row in &found {
        let place = usize::try_from(row.try_get::<_, i64>(0)? - 1).unwrap_or(usize::MAX);
        if let Some(at) = asked.get(place) {
            versions.insert(*at, sequence(row.try_get(1)?));
        }
    }
    let counter = counter.first().ok_or_else(|| Failure {
        error: SpaceError::Damaged("the counter of commits is missing".to_owned()),
        is_passing: false,
        unsure: None,
    })?;
    Ok((counter.try_get(1)?, sequence(counter.try_get(0)?), versions))
}

/// A value, or none where it was deleted, and the commit.
type Written<'a> = (Option<&'a [u8]>, Sequence);

/// What a group comes to.
struct Plan<'a> {
    last: Sequence,
    versions: Versions<'a>,
    /// The last write of each key, with its commit.
    writes: BTreeMap<(&'a str, &'a [u8]), Written<'a>>,
}

impl<'a> Plan<'a> {
    fn apply(&mut self, request: &'a Request) -> Result<Sequence, CommitError> {
        let space = &*request.space;
        let checked = request.batch.check_conditions(|key| {
            Ok::<_, SpaceError>(match self.writes.get(&(space, key)) {
                Some((value, sequence)) => value.is_some().then_some(*sequence),
                None => self.versions.get(&(space, key)).copied(),
            })
        });
        checked??;
        self.last += 1;
        for write in &request.batch.writes {
            let value = match write {
                Write::Put { value, .. } => Some(&**value),
                Write::Delete { .. } => None,
            };
            self.writes.insert((space, write.key()), (value, self.last));
        }
        Ok(self.last)
    }

    async fn commit(&self, client: &Client, notices: &[String]) -> Result<(), tokio_postgres::Error> {
        let (mut gone, mut put) = ((Vec::new(), Vec::new()), (Vec::new(), Vec::new(), Vec::new(), Vec::new()));
        for ((space, key), (value, version)) in &self.writes {
            match value {
                None => {
                    gone.0.push(*space);
                    gone.1.push(*key);
                }
                Some(value) => {
                    put.0.push(*space);
                    put.1.push(*key);
                    put.2.push(*value);
                    put.3.push(signed(*version));
                }
            }
        }
        let counter = signed(self.last);
        let counter: [(&(dyn ToSql + Sync), Type); 1] = [(&counter, Type::INT8)];
        let delete: [(&(dyn ToSql + Sync), Type); 2] = [(&gone.0, Type::TEXT_ARRAY), (&gone.1, Type::BYTEA_ARRAY)];
        let insert: [(&(dyn ToSql + Sync), Type); 4] = [
            (&put.0, Type::TEXT_ARRAY),
            (&put.1, Type::BYTEA_ARRAY),
            (&put.2, Type::BYTEA_ARRAY),
            (&put.3, Type::INT8_ARRAY),
        ];
        let notify: [(&(dyn ToSql + Sync), Type); 2] = [(&CHANNEL, Type::TEXT), (&notices, Type::TEXT_ARRAY)];
        let delete = run_unless(gone.0.is_empty(), client, DELETE, &delete);
        let insert = run_unless(put.0.is_empty(), client, PUT, &insert);
        let notify = run_unless(notices.is_empty(), client, NOTIFY, &notify);
        let count = run_unless(false, client, COUNT, &counter);
        // They are sent at once, in this order; one that fails makes a rollback of the commit.
        tokio::try_join!(biased; delete, insert, count, notify, client.batch_execute("COMMIT")).map(drop)
    }
}

const DELETE: &str = "DELETE FROM palisade_rows AS row USING unnest($1, $2) AS gone (space, key) \
                      WHERE row.space = gone.space AND row.key = gone.key";
const PUT: &str = "INSERT INTO palisade_rows (space, key, value, version) \
                   SELECT put.space, put.key, put.value, put.version \
                   FROM unnest($1, $2, $3, $4) AS put (space, key, value, version) \
                   ON CONFLICT (space, key) DO UPDATE SET value = excluded.value, version = excluded.version";
const COUNT: &str = "UPDATE palisade_sequence SET last = $1";
const NOTIFY: &str = "SELECT pg_notify($1, notice) FROM unnest($2) AS notice";

async fn run_unless(
    is_idle: bool,
    client: &Client,
    statement: &str,
    parameters: &[(&(dyn ToSql + Sync), Type)],
) -> Result<(), tokio_postgres::Error> {
    if is_idle { Ok(()) } else { client.query_typed(statement, parameters).await.map(drop) }
}

/// As the database keeps it. A counter that is too large for that is never reached: a commit a nanosecond takes 292 years.
fn signed(sequence: Sequence) -> i64 {
    i64::try_from(sequence).unwrap_or(i64::MAX)
}

/// One notification for each space that was changed: the last commit, what its changed keys begin with, its name.
fn notices(group: &[Request], outcomes: &Outcomes) -> Vec<String> {
    let mut changed: BTreeMap<&str, (Sequence, Option<&[u8]>)> = BTreeMap::new();
    for (request, outcome) in group.iter().zip(outcomes) {
        let Ok(sequence) = outcome else { continue };
        let (last, common) = changed.entry(&request.space).or_default();
        *last = *sequence;
        for write in &request.batch.writes {
            let key = write.key();
            let key = key.get(..MAX_NOTIFIED_PREFIX).unwrap_or(key);
            *common = Some(common.map_or(key, |common| shared_start(common, key)));
        }
    }
    let notice = |(space, (sequence, common)): (&str, (Sequence, Option<&[u8]>))| {
        let hex: String = common?.iter().map(|byte| format!("{byte:02x}")).collect();
        Some(format!("{sequence} {hex} {space}"))
    };
    changed.into_iter().filter_map(notice).collect()
}

fn shared_start<'a>(one: &'a [u8], other: &[u8]) -> &'a [u8] {
    let length = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    one.get(..length).unwrap_or(one)
}

/// Reads the payload of a notification.
pub(crate) fn parse_notification(payload: &str) -> Option<(Sequence, Vec<u8>, &str)> {
    let (sequence, rest) = payload.split_once(' ')?;
    let (hex, space) = rest.split_once(' ')?;
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let common = hex.as_bytes().chunks(2).map(pair).collect::<Option<_>>()?;
    Some((sequence.parse().ok()?, common, space))
}
