//! Spaces in PostgreSQL, shared by any number of nodes.
//!
//! All rows stand in one table. A counter, locked by each transaction that writes, orders the commits of all nodes; a
//! snapshot is a read-only transaction. Every commit notifies, and a connection of each node listens.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use space::{Batch, Changes, CommitError, Pending, Range, Row, Sequence, Snapshot, Space, SpaceError, Value};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::Instant;
use tokio_postgres::types::Type;
use tokio_postgres::{AsyncMessage, Client};

use crate::connection::Connection;
use crate::postgres_writer::{self, Request};

/// Snapshots that are open at once; more wait.
const READERS: usize = 16;
/// Commits that wait for the writer; beyond them the caller waits.
const QUEUED_COMMITS: usize = 1024;
/// How long a lost connection is left alone before it is tried again.
pub(crate) const RETRY: Duration = Duration::from_millis(100);
/// How long a server that is not there is waited for before a question or a commit fails: it may be starting again.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);
pub(crate) const CHANNEL: &str = "palisade_commits";

/// Keys are compared by their bytes, and the name of a space by its own. Tables that are there are not touched: to alter
/// one waits for every reader, and whoever comes after waits for that.
const SCHEMA: &str = r#"
BEGIN;
SELECT pg_advisory_xact_lock(7809063105236789);
DO $$ BEGIN
    IF to_regclass('palisade_sequence') IS NULL THEN
        CREATE TABLE palisade_rows (
            space text COLLATE "C" NOT NULL,
            key bytea NOT NULL,
            value bytea NOT NULL,
            version bigint NOT NULL,
            PRIMARY KEY (space, key)
        );
        ALTER TABLE palisade_rows ALTER COLUMN value SET STORAGE EXTERNAL;
        CREATE TABLE palisade_sequence (single boolean PRIMARY KEY CHECK (single), last bigint NOT NULL);
        INSERT INTO palisade_sequence VALUES (true, 0);
    END IF;
END $$;
COMMIT;
"#;

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The server was not reached, or refused.
    #[error("PostgreSQL cannot be reached")]
    Connect(#[source] tokio_postgres::Error),
    /// The tables are not there and cannot be made.
    #[error("the tables cannot be made")]
    Schema(#[source] tokio_postgres::Error),
}

/// A store in a PostgreSQL database. Cheap to clone.
#[derive(Clone)]
pub struct Postgres {
    shared: Arc<Shared>,
}

struct Shared {
    connection: Connection,
    readers: Mutex<Vec<Client>>,
    permits: Arc<Semaphore>,
    requests: mpsc::Sender<Request>,
    watches: Arc<Watches>,
    tasks: Vec<tokio::task::AbortHandle>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        // The writer ends by itself when it has committed what waits; the listener never would.
        self.tasks.iter().for_each(tokio::task::AbortHandle::abort);
    }
}

/// The watchers of each space on this node.
#[derive(Default)]
pub(crate) struct Watches {
    spaces: Mutex<HashMap<String, Arc<Changes>>>,
}

impl Watches {
    fn of(&self, space: &str) -> Arc<Changes> {
        let mut spaces = self.spaces.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever asks about an earlier commit is answered at once.
        Arc::clone(spaces.entry(space.to_owned()).or_insert_with(|| Arc::new(Changes::since(0))))
    }

    fn publish(&self, space: &str, sequence: Sequence, common: Vec<u8>) {
        self.of(space).publish_under(sequence, common);
    }

    /// Notifications may have been missed.
    fn publish_all(&self, sequence: Sequence) {
        let spaces = self.spaces.lock().unwrap_or_else(PoisonError::into_inner);
        spaces.values().for_each(|changes| changes.publish_under(sequence, Vec::new()));
    }
}

/// Whether the same may succeed on another connection, or later: the server ended it, or is not there.
pub(crate) fn is_passing(error: &tokio_postgres::Error) -> bool {
    error.code().is_none_or(|code| {
        let class = code.code().get(..2).unwrap_or_default();
        // Connections, transactions that gave way or idled too long, resources, ended by an operator or a crash.
        matches!(class, "08" | "25" | "40" | "53" | "57")
    })
}

pub(crate) fn failed(error: tokio_postgres::Error) -> SpaceError {
    SpaceError::Store(Box::new(error))
}

impl Postgres {
    /// Connects and makes the tables if they are missing. Needs a Tokio runtime.
    ///
    /// # Errors
    /// When the server is not reached, is not who it should be, or refuses.
    pub async fn connect(connection: &Connection) -> Result<Self, ConnectError> {
        let client = postgres_writer::begin(connection).await.map_err(ConnectError::Connect)?;
        client.batch_execute(SCHEMA).await.map_err(ConnectError::Schema)?;
        let (requests, queue) = mpsc::channel(QUEUED_COMMITS);
        tokio::spawn(postgres_writer::run(connection.clone(), client, queue));
        let watches = Arc::new(Watches::default());
        let (ready, listening) = oneshot::channel();
        let listener = tokio::spawn(listen(connection.clone(), Arc::clone(&watches), ready)).abort_handle();
        // If it could not listen yet it tries again by itself.
        let _ = listening.await;
        let permits = Arc::new(Semaphore::new(READERS));
        let tasks = vec![listener];
        let (connection, readers) = (connection.clone(), Mutex::default());
        Ok(Self { shared: Arc::new(Shared { connection, readers, permits, requests, watches, tasks }) })
    }

    /// The space of this name; a new one is empty.
    pub fn space(&self, name: &str) -> PostgresSpace {
        let changes = self.shared.watches.of(name);
        PostgresSpace { shared: Arc::clone(&self.shared), name: name.into(), changes }
    }
}

/// A connection whose task ends with it.
pub(crate) async fn connect(connection: &Connection) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = connection.open().await?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::warn!(%error, "a connection to PostgreSQL ended");
        }
    });
    Ok(client)
}

/// Listens for commits of all nodes, and after each new connection tells that some may have been missed.
async fn listen(connection: Connection, watches: Arc<Watches>, ready: oneshot::Sender<()>) {
    let mut ready = Some(ready);
    loop {
        if let Err(error) = listen_once(&connection, &watches, &mut ready).await {
            tracing::warn!(%error, "PostgreSQL does not tell of commits");
        }
        drop(ready.take());
        tokio::time::sleep(RETRY).await;
    }
}

async fn listen_once(
    connection: &Connection,
    watches: &Watches,
    ready: &mut Option<oneshot::Sender<()>>,
) -> Result<(), tokio_postgres::Error> {
    let (client, mut connection) = connection.open().await?;
    let (messages, mut told) = mpsc::unbounded_channel();
    let driver = tokio::spawn(async move {
        while let Some(message) = std::future::poll_fn(|context| connection.poll_message(context)).await {
            match message {
                Ok(AsyncMessage::Notification(told)) => {
                    // Whoever listened is gone.
                    if messages.send(told.payload().to_owned()).is_err() {
                        return Ok(());
                    }
                }
                Ok(_) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    });
    client.batch_execute(&format!("LISTEN {CHANNEL}")).await?;
    let last = client.query_one("SELECT last FROM palisade_sequence", &[]).await?;
    watches.publish_all(sequence(last.try_get(0)?));
    if let Some(ready) = ready.take() {
        let _ = ready.send(());
    }
    while let Some(payload) = told.recv().await {
        match postgres_writer::parse_notification(&payload) {
            Some((sequence, common, space)) => watches.publish(space, sequence, common),
            None => tracing::warn!(payload, "an unknown notification"),
        }
    }
    // The driver ends before the channel of its messages does.
    driver.await.unwrap_or(Ok(()))
}

/// The database keeps them signed.
pub(crate) fn sequence(stored: i64) -> Sequence {
    u64::try_from(stored).unwrap_or(0)
}

/// A space in PostgreSQL.
#[derive(Clone)]
pub struct PostgresSpace {
    shared: Arc<Shared>,
    name: Arc<str>,
    changes: Arc<Changes>,
}

/// What is asked of a connection.
type Asked<'a, T> = Pin<Box<dyn Future<Output = Result<T, tokio_postgres::Error>> + Send + 'a>>;

impl PostgresSpace {
    async fn begin(&self) -> Result<PostgresSnapshot, SpaceError> {
        let (client, permit, sequence) = self.ask(|client| Box::pin(begin_read(client))).await?;
        let (shared, name) = (Arc::clone(&self.shared), Arc::clone(&self.name));
        Ok(PostgresSnapshot { shared, name, sequence, client: Some(client), permit: Some(permit) })
    }

    /// Asks with a connection of its own until it is given back.
    async fn ask<T>(
        &self,
        question: impl for<'a> Fn(&'a Client) -> Asked<'a, T> + Send + Sync,
    ) -> Result<(Client, OwnedSemaphorePermit, T), SpaceError> {
        let permit = Arc::clone(&self.shared.permits).acquire_owned().await.map_err(|_| SpaceError::Closed)?;
        let given_up = Instant::now() + PATIENCE;
        loop {
            let pooled = self.shared.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let from_pool = pooled.is_some();
            let asked = async {
                let client = match pooled {
                    Some(client) => client,
                    None => connect(&self.shared.connection).await?,
                };
                let answer = question(&client).await?;
                Ok((client, answer))
            };
            match asked.await {
                Ok((client, answer)) => return Ok((client, permit, answer)),
                // One that was kept may have been closed by the server since.
                Err(_) if from_pool => {}
                Err(error) if is_passing(&error) && Instant::now() < given_up => tokio::time::sleep(RETRY).await,
                Err(error) => return Err(failed(error)),
            }
        }
    }

    /// Asks one question, outside a transaction.
    async fn ask_once<T>(
        &self,
        question: impl for<'a> Fn(&'a Client) -> Asked<'a, T> + Send + Sync,
    ) -> Result<T, SpaceError> {
        let (client, permit, answer) = self.ask(question).await?;
        self.shared.readers.lock().unwrap_or_else(PoisonError::into_inner).push(client);
        drop(permit);
        Ok(answer)
    }
}

async fn begin_read(client: &Client) -> Result<Sequence, tokio_postgres::Error> {
    let begin = client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    tokio::try_join!(biased; begin, read_sequence(client)).map(|((), sequence)| sequence)
}

async fn read_sequence(client: &Client) -> Result<Sequence, tokio_postgres::Error> {
    let last = client.query_typed("SELECT last FROM palisade_sequence", &[]).await?;
    last.first().map_or(Ok(0), |row| row.try_get(0).map(sequence))
}

impl Space for PostgresSpace {
    fn snapshot(&self) -> Pending<'_, Box<dyn Snapshot>> {
        Box::pin(async move {
            let snapshot: Box<dyn Snapshot> = Box::new(self.begin().await?);
            Ok(snapshot)
        })
    }

    fn get<'a>(&'a self, key: &'a [u8]) -> Pending<'a, Option<Value>> {
        Box::pin(async move {
            let asked: (Arc<str>, Arc<[u8]>) = (Arc::clone(&self.name), Arc::from(key));
            let value = self.ask_once(move |client| {
                let (name, key) = asked.clone();
                Box::pin(async move { read_value(client, &name, &key).await })
            });
            value.await
        })
    }

    fn sequence(&self) -> Pending<'_, Sequence> {
        Box::pin(async move { self.ask_once(|client| Box::pin(read_sequence(client))).await })
    }

    fn commit(&self, batch: Batch) -> Pending<'_, Sequence, CommitError> {
        Box::pin(async move {
            batch.check_size()?;
            let (answer, answered) = oneshot::channel();
            let request = Request { space: Arc::clone(&self.name), batch, answer };
            self.shared.requests.send(request).await.map_err(|_| SpaceError::Closed)?;
            answered.await.map_err(|_| SpaceError::Closed)?
        })
    }

    fn changed<'a>(&'a self, prefix: &'a [u8], since: Sequence) -> Pending<'a, Sequence> {
        Box::pin(async move { Ok(self.changes.changed(prefix, since).await) })
    }
}

async fn read_value(client: &Client, name: &str, key: &[u8]) -> Result<Option<Value>, tokio_postgres::Error> {
    const QUERY: &str = "SELECT value, version FROM palisade_rows WHERE space = $1 AND key = $2";
    let parameters: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 2] =
        [(&name, Type::TEXT), (&key, Type::BYTEA)];
    let rows = client.query_typed(QUERY, &parameters).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some(Value { bytes: row.try_get(0)?, version: sequence(row.try_get(1)?) }))
}

/// A read-only transaction. Its connection goes back when it is dropped.
struct PostgresSnapshot {
    shared: Arc<Shared>,
    name: Arc<str>,
    sequence: Sequence,
    client: Option<Client>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Drop for PostgresSnapshot {
    fn drop(&mut self) {
        let (Some(client), permit, shared) = (self.client.take(), self.permit.take(), Arc::clone(&self.shared)) else {
            return;
        };
        // Without a runtime the connection is closed, which ends the transaction too.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if client.batch_execute("ROLLBACK").await.is_ok() {
                    shared.readers.lock().unwrap_or_else(PoisonError::into_inner).push(client);
                }
                drop(permit);
            });
        }
    }
}

impl PostgresSnapshot {
    fn client(&self) -> Result<&Client, SpaceError> {
        self.client.as_ref().ok_or(SpaceError::Closed)
    }
}

impl Snapshot for PostgresSnapshot {
    fn sequence(&self) -> Sequence {
        self.sequence
    }

    fn get<'a>(&'a self, key: &'a [u8]) -> Pending<'a, Option<Value>> {
        Box::pin(async move { read_value(self.client()?, &self.name, key).await.map_err(failed) })
    }

    fn range(&self, range: Range) -> Pending<'_, Vec<Row>> {
        Box::pin(async move {
            if range.is_empty() {
                return Ok(Vec::new());
            }
            let query = match (range.end.is_some(), range.backwards) {
                (true, false) => {
                    "SELECT key, value, version FROM palisade_rows WHERE space = $1 AND key >= $2 AND key < $3 \
                     ORDER BY key LIMIT $4"
                }
                (true, true) => {
                    "SELECT key, value, version FROM palisade_rows WHERE space = $1 AND key >= $2 AND key < $3 \
                     ORDER BY key DESC LIMIT $4"
                }
                (false, false) => {
                    "SELECT key, value, version FROM palisade_rows WHERE space = $1 AND key >= $2 AND $3::bytea IS NULL \
                     ORDER BY key LIMIT $4"
                }
                (false, true) => {
                    "SELECT key, value, version FROM palisade_rows WHERE space = $1 AND key >= $2 AND $3::bytea IS NULL \
                     ORDER BY key DESC LIMIT $4"
                }
            };
            let limit = i64::try_from(range.limit).unwrap_or(i64::MAX);
            let parameters: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 4] = [
                (&&*self.name, Type::TEXT),
                (&range.start, Type::BYTEA),
                (&range.end, Type::BYTEA),
                (&limit, Type::INT8),
            ];
            let rows = self.client()?.query_typed(query, &parameters).await.map_err(failed)?;
            let row = |row: &tokio_postgres::Row| {
                let value = Value { bytes: row.try_get(1)?, version: sequence(row.try_get(2)?) };
                Ok(Row { key: row.try_get(0)?, value })
            };
            rows.iter().map(row).collect::<Result<_, _>>().map_err(failed)
        })
    }
}
