//! Commits of one node to PostgreSQL: those that wait go into one transaction and are answered when it is durable.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use space::{Batch, CommitError, Sequence, SpaceError, Write};
use tokio::sync::{mpsc, oneshot};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Transaction};

use crate::connection::Connection;
use crate::postgres::{CHANNEL, RETRY, connect, failed, sequence};

const MAX_GROUP_COMMITS: usize = 128;
const MAX_GROUP_BYTES: usize = 32 << 20;
/// PostgreSQL takes payloads of less than 8000 bytes; a longer common prefix is as good cut.
const MAX_NOTIFIED_PREFIX: usize = 1024;

/// A commit that waits.
pub(crate) struct Request {
    pub(crate) space: Arc<str>,
    pub(crate) batch: Batch,
    pub(crate) answer: oneshot::Sender<Result<Sequence, CommitError>>,
}

/// Works until every sender is gone. A transaction that failed is not tried again: whether it was committed is not
/// known, and whoever asked must look.
pub(crate) async fn run(connection: Connection, first: Client, mut queue: mpsc::Receiver<Request>) {
    let mut client = Some(first);
    while let Some(request) = queue.recv().await {
        let mut bytes = request.batch.bytes();
        let mut group = vec![request];
        while group.len() < MAX_GROUP_COMMITS && bytes < MAX_GROUP_BYTES {
            let Ok(next) = queue.try_recv() else { break };
            bytes += next.batch.bytes();
            group.push(next);
        }
        if client.as_ref().is_none_or(Client::is_closed) {
            client = connect(&connection).await.inspect_err(|error| tracing::warn!(%error, "no connection")).ok();
        }
        let outcome = match &mut client {
            Some(client) => write(client, &group).await,
            None => {
                tokio::time::sleep(RETRY).await;
                Err(SpaceError::Closed)
            }
        };
        if outcome.is_err() {
            client = None;
        }
        answer(group, outcome);
    }
}

fn answer(group: Vec<Request>, outcome: Result<Vec<Result<Sequence, CommitError>>, SpaceError>) {
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

async fn write(client: &mut Client, group: &[Request]) -> Result<Vec<Result<Sequence, CommitError>>, SpaceError> {
    let transaction = client.transaction().await.map_err(failed)?;
    // Whoever has the counter has the last word: what is read from here on is what all earlier commits have left.
    let last = transaction.query_typed("SELECT last FROM palisade_sequence FOR UPDATE", &[]).await.map_err(failed)?;
    let last = last.first().ok_or_else(|| SpaceError::Damaged("the counter of commits is missing".to_owned()))?;
    let mut last = sequence(last.try_get(0).map_err(failed)?);
    let before = last;
    let mut outcomes = Vec::with_capacity(group.len());
    for request in group {
        let outcome = apply(&transaction, request, last + 1).await?;
        if outcome.is_ok() {
            last += 1;
        }
        outcomes.push(outcome);
    }
    if last == before {
        transaction.rollback().await.map_err(failed)?;
        return Ok(outcomes);
    }
    let counter = signed(last)?;
    let parameters: [(&(dyn ToSql + Sync), Type); 1] = [(&counter, Type::INT8)];
    transaction.query_typed("UPDATE palisade_sequence SET last = $1", &parameters).await.map_err(failed)?;
    notify(&transaction, group, &outcomes).await?;
    transaction.commit().await.map_err(failed)?;
    Ok(outcomes)
}

fn signed(sequence: Sequence) -> Result<i64, SpaceError> {
    i64::try_from(sequence).map_err(|_| SpaceError::Damaged("the counter of commits is full".to_owned()))
}

async fn apply(
    transaction: &Transaction<'_>,
    request: &Request,
    sequence: Sequence,
) -> Result<Result<Sequence, CommitError>, SpaceError> {
    let versions = versions(transaction, request).await?;
    let version = |key: &[u8]| Ok::<_, SpaceError>(versions.get(key).copied());
    if let Err(refused) = request.batch.check_conditions(version)? {
        return Ok(Err(refused));
    }
    // A statement may change a row once, so the last write of each key is what is sent.
    let mut writes: BTreeMap<&[u8], Option<&[u8]>> = BTreeMap::new();
    for write in &request.batch.writes {
        match write {
            Write::Put { key, value } => writes.insert(key, Some(value)),
            Write::Delete { key } => writes.insert(key, None),
        };
    }
    let deleted: Vec<&[u8]> = writes.iter().filter(|(_, value)| value.is_none()).map(|(key, _)| *key).collect();
    let (keys, values): (Vec<&[u8]>, Vec<&[u8]>) =
        writes.iter().filter_map(|(key, value)| value.map(|value| (*key, value))).unzip();
    let (space, version) = (&*request.space, signed(sequence)?);
    if !deleted.is_empty() {
        let parameters: [(&(dyn ToSql + Sync), Type); 2] = [(&space, Type::TEXT), (&deleted, Type::BYTEA_ARRAY)];
        let delete = "DELETE FROM palisade_rows WHERE space = $1 AND key = ANY($2)";
        transaction.query_typed(delete, &parameters).await.map_err(failed)?;
    }
    if !keys.is_empty() {
        let parameters: [(&(dyn ToSql + Sync), Type); 4] =
            [(&space, Type::TEXT), (&keys, Type::BYTEA_ARRAY), (&values, Type::BYTEA_ARRAY), (&version, Type::INT8)];
        let put = "INSERT INTO palisade_rows (space, key, value, version) \
                   SELECT $1, row.key, row.value, $4 FROM unnest($2, $3) AS row (key, value) \
                   ON CONFLICT (space, key) DO UPDATE SET value = excluded.value, version = excluded.version";
        transaction.query_typed(put, &parameters).await.map_err(failed)?;
    }
    Ok(Ok(sequence))
}

async fn versions(transaction: &Transaction<'_>, request: &Request) -> Result<HashMap<Vec<u8>, Sequence>, SpaceError> {
    let keys: BTreeSet<&[u8]> = request.batch.conditions.iter().map(|condition| &*condition.key).collect();
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let (space, keys): (&str, Vec<&[u8]>) = (&request.space, keys.into_iter().collect());
    let parameters: [(&(dyn ToSql + Sync), Type); 2] = [(&space, Type::TEXT), (&keys, Type::BYTEA_ARRAY)];
    let query = "SELECT key, version FROM palisade_rows WHERE space = $1 AND key = ANY($2)";
    let rows = transaction.query_typed(query, &parameters).await.map_err(failed)?;
    let row = |row: &tokio_postgres::Row| Ok((row.try_get(0)?, sequence(row.try_get(1)?)));
    rows.iter().map(row).collect::<Result<_, _>>().map_err(failed)
}

/// One notification for each space that was changed: the last commit, what its changed keys begin with, its name.
async fn notify(
    transaction: &Transaction<'_>,
    group: &[Request],
    outcomes: &[Result<Sequence, CommitError>],
) -> Result<(), SpaceError> {
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
    for (space, (sequence, common)) in changed {
        let Some(common) = common else { continue };
        let hex: String = common.iter().map(|byte| format!("{byte:02x}")).collect();
        let payload = format!("{sequence} {hex} {space}");
        let parameters: [(&(dyn ToSql + Sync), Type); 2] = [(&CHANNEL, Type::TEXT), (&payload, Type::TEXT)];
        transaction.query_typed("SELECT pg_notify($1, $2)", &parameters).await.map_err(failed)?;
    }
    Ok(())
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
