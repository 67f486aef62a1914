//! Connections that are kept.

use database::{Settings, TargetError};
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Longest wait for a connection, and for a login.
const WAIT: Duration = Duration::from_secs(10);
/// Longest wait for the answer to a statement.
const ANSWER: Duration = Duration::from_secs(60);
/// A connection that has rested so long is asked whether it still works.
const RESTED: Duration = Duration::from_secs(5);

/// Makes connections.
pub(crate) trait Logins: Send + Sync {
    /// What it makes.
    type Connection: Send;

    /// A connection that is logged in.
    fn connect(&self) -> impl Future<Output = Result<Self::Connection, TargetError>> + Send;

    /// Whether a connection that has rested still works; `ask` where the server must be asked.
    fn works(&self, connection: &mut Self::Connection, ask: bool) -> impl Future<Output = bool> + Send;
}

/// Connections of one configuration.
pub(crate) struct Pool<C: Logins> {
    pub(crate) logins: C,
    resting: Mutex<Vec<Resting<C::Connection>>>,
    permits: Arc<Semaphore>,
    most_resting: usize,
    lifetime: Duration,
}

struct Resting<T> {
    connection: T,
    made: Instant,
    since: Instant,
}

/// A connection that is used. Dropped, it is closed.
pub(crate) struct Taken<T> {
    pub(crate) connection: T,
    made: Instant,
    _permit: OwnedSemaphorePermit,
}

impl<C: Logins> Pool<C> {
    pub(crate) fn new(logins: C, settings: &Settings) -> Self {
        let most = settings.max_open_connections.min(Semaphore::MAX_PERMITS);
        Self {
            logins,
            resting: Mutex::default(),
            permits: Arc::new(Semaphore::new(most)),
            most_resting: settings.max_idle_connections,
            lifetime: settings.max_connection_lifetime,
        }
    }

    fn is_old(&self, made: Instant) -> bool {
        !self.lifetime.is_zero() && made.elapsed() >= self.lifetime
    }

    fn rested(&self) -> Option<Resting<C::Connection>> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// A connection that works.
    pub(crate) async fn take(&self) -> Result<Taken<C::Connection>, TargetError> {
        let permit = tokio::time::timeout(WAIT, Arc::clone(&self.permits).acquire_owned()).await;
        let permit = permit.map_err(|_| unreachable("all connections are in use"))?;
        let permit = permit.map_err(|_| unreachable("the connections are closed"))?;
        while let Some(Resting { mut connection, made, since }) = self.rested() {
            let works = self.logins.works(&mut connection, since.elapsed() >= RESTED);
            if !self.is_old(made) && tokio::time::timeout(WAIT, works).await.unwrap_or(false) {
                return Ok(Taken { connection, made, _permit: permit });
            }
        }
        let connection = tokio::time::timeout(WAIT, self.logins.connect()).await;
        let connection = connection.map_err(|_| unreachable("it does not answer"))??;
        Ok(Taken { connection, made: Instant::now(), _permit: permit })
    }

    /// Keeps a connection for later.
    pub(crate) fn give(&self, taken: Taken<C::Connection>) {
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        if resting.len() < self.most_resting && !self.is_old(taken.made) {
            resting.push(Resting { connection: taken.connection, made: taken.made, since: Instant::now() });
        }
    }
}

pub(crate) fn unreachable(why: &str) -> TargetError {
    TargetError::Unreachable(why.to_owned())
}

/// Waits for an answer, but not for ever.
pub(crate) async fn answer<T>(answer: impl Future<Output = T>) -> Result<T, TargetError> {
    tokio::time::timeout(ANSWER, answer).await.map_err(|_| unreachable("a statement was not answered in time"))
}

/// Whether a statement may leave something behind in its session: `SET ROLE`, `set_config`, `USE`.
pub(crate) fn may_change_session(sql: &str) -> bool {
    let mut words = sql.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.any(|word| {
        word.get(..3).is_some_and(|head| head.eq_ignore_ascii_case("set")) || word.eq_ignore_ascii_case("use")
    })
}
