//! MySQL and MariaDB.

use crate::mysql_dsn::{Parsed, parse};
use crate::pool::{Logins, Pool, Taken, answer, may_change_session};
use database::{Answer, Dialect, NewUser, Settings, Target, TargetError, Values, quoted, render};
use jiff::{Timestamp, tz::TimeZone};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, DriverError, Error, OptsBuilder};
use zeroize::Zeroizing;

const CHANGE_PASSWORD: &str = "ALTER USER '{{username}}'@'%' IDENTIFIED BY '{{password}}'";
const FIND: &str = "SELECT host FROM mysql.user WHERE user = ?";
/// What a server says of a user that is not there: to DROP USER, REVOKE, REVOKE ALL and SET PASSWORD.
const NO_SUCH_USER: &[u16] = &[1396, 1141, 1147, 1269, 1133];
/// CREATE USER failed; for DROP USER it is the same number.
const CANNOT_USER: u16 = 1396;

pub(crate) struct MySql {
    pool: Pool<Parsed>,
}

impl Logins for Parsed {
    type Connection = Conn;

    async fn connect(&self) -> Result<Conn, TargetError> {
        let mut last = None;
        for server in &self.servers {
            match Conn::new(server.clone()).await {
                Ok(connection) => return Ok(connection),
                Err(Error::Driver(DriverError::NoClientSslFlagFromServer)) if self.falls_back => {
                    let plain = OptsBuilder::from_opts(server.clone()).ssl_opts(None);
                    match Conn::new(plain).await {
                        Ok(connection) => return Ok(connection),
                        Err(error) => last = Some(error),
                    }
                }
                Err(error) => last = Some(error),
            }
        }
        Err(last.map_or_else(|| TargetError::Settings("no server is configured".to_owned()), |error| failed(&error)))
    }

    async fn works(&self, connection: &mut Conn, ask: bool) -> bool {
        !ask || connection.ping().await.is_ok()
    }
}

/// The server's words, but for syntax errors: they repeat the statement, or half of a password.
fn failed(error: &Error) -> TargetError {
    let told = match error {
        Error::Server(told) => told,
        Error::Url(_) => return TargetError::Settings("connection_url cannot be read".to_owned()),
        other => return TargetError::Unreachable(other.to_string()),
    };
    let message = told.message.split(" near ").next().unwrap_or_default();
    let text = format!("Error {} ({}): {message}", told.code, told.state);
    match told.code {
        1044 | 1045 | 1049 | 1130 | 1698 | 1820 | 1862 => TargetError::Login(text),
        1040 | 1053 | 1203 | 1205 | 1213 | 1290 | 1836 => TargetError::Unreachable(text),
        _ => TargetError::Statement(text),
    }
}

fn code(error: &Error) -> Option<u16> {
    if let Error::Server(told) = error { Some(told.code) } else { None }
}

fn expiration(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S%z").to_string()
}

/// Statements, one after the other, and how many were carried out. Only what changes rows is taken back by a failure: in
/// MySQL each CREATE USER and GRANT is a transaction of its own.
async fn carry_out(connection: &mut Conn, statements: &[Zeroizing<String>]) -> (usize, Result<(), Error>) {
    let is_transaction = statements.len() > 1;
    if is_transaction && let Err(error) = connection.query_drop("START TRANSACTION").await {
        return (0, Err(error));
    }
    for (done, statement) in statements.iter().enumerate() {
        if let Err(error) = connection.query_drop(statement.as_str()).await {
            return (done, Err(error));
        }
    }
    let committed = if is_transaction { connection.query_drop("COMMIT").await } else { Ok(()) };
    (statements.len(), committed)
}

impl MySql {
    pub(crate) fn open(settings: &Settings) -> Result<Self, TargetError> {
        Ok(Self { pool: Pool::new(parse(settings)?, settings) })
    }

    async fn finish<T>(&self, mut taken: Taken<Conn>, done: Result<T, Error>) -> Result<T, Error> {
        let keep = match &done {
            Ok(_) => true,
            Err(Error::Server(_)) => taken.connection.query_drop("ROLLBACK").await.is_ok(),
            Err(_) => false,
        };
        if keep {
            self.pool.give(taken);
        }
        done
    }

    async fn run(&self, statements: &[String], values: Values<'_>) -> Result<(), Failure> {
        let statements = render(Dialect::MySql, statements, values).map_err(TargetError::from)?;
        // A connection that the server has closed meanwhile shows it at the first statement, before anything is done.
        let mut taken = self.pool.take().await?;
        let (count, done) = answer(carry_out(&mut taken.connection, &statements)).await?;
        let done = if statements.iter().any(|statement| may_change_session(statement)) {
            // What they have set must not be there for the next ones: the connection is closed.
            done
        } else {
            self.finish(taken, done).await
        };
        done.map_err(|error| Failure { code: code(&error), count, error: failed(&error) })
    }

    async fn hosts(&self, username: &str) -> Result<Vec<String>, TargetError> {
        let mut taken = self.pool.take().await?;
        let found = answer(taken.connection.exec(FIND, (username,))).await?;
        self.finish(taken, found).await.map_err(|error| failed(&error))
    }

    async fn revoke_usual(&self, username: &str) -> Result<(), TargetError> {
        let user = quoted(Dialect::MySql, '\'', username)?;
        for host in self.hosts(username).await? {
            let host = quoted(Dialect::MySql, '\'', &host)?;
            let mut taken = self.pool.take().await?;
            let sql = format!("DROP USER IF EXISTS {user}@{host}");
            let done = answer(taken.connection.query_drop(sql)).await?;
            self.finish(taken, done).await.map_err(|error| failed(&error))?;
        }
        Ok(())
    }
}

/// A failure, and how far it came.
struct Failure {
    code: Option<u16>,
    count: usize,
    error: TargetError,
}

impl From<TargetError> for Failure {
    fn from(error: TargetError) -> Self {
        Self { code: None, count: 0, error }
    }
}

impl Target for MySql {
    fn verify(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            let mut taken = self.pool.take().await?;
            let done = answer(taken.connection.ping()).await?;
            self.finish(taken, done).await.map_err(|error| failed(&error))
        })
    }

    fn create<'a>(&'a self, user: NewUser<'a>) -> Answer<'a, ()> {
        Box::pin(async move {
            let expires = expiration(user.expires);
            let (username, password) = (user.username, Some(user.password));
            let done = self.run(user.creation, Values { username, password, expiration: Some(&expires) }).await;
            let Err(failure) = done else { return Ok(()) };
            // A user of this name that was there before is somebody else's.
            if failure.count > 0 && failure.code != Some(CANNOT_USER) {
                let undone = if user.rollback.is_empty() {
                    self.revoke_usual(username).await
                } else {
                    let values = Values { username, ..Values::default() };
                    self.run(user.rollback, values).await.map_err(|failure| failure.error)
                };
                if let Err(error) = undone {
                    tracing::warn!(%error, username, "a user that was created halfway could not be dropped");
                }
            }
            Err(failure.error)
        })
    }

    /// Users of MySQL do not end by themselves.
    fn renew<'a>(&'a self, username: &'a str, expires: Timestamp, statements: &'a [String]) -> Answer<'a, ()> {
        Box::pin(async move {
            let expires = expiration(expires);
            let values = Values { username, password: None, expiration: Some(&expires) };
            if statements.is_empty() {
                return Ok(());
            }
            self.run(statements, values).await.map_err(|failure| failure.error)
        })
    }

    fn revoke<'a>(&'a self, username: &'a str, statements: &'a [String]) -> Answer<'a, ()> {
        Box::pin(async move {
            if statements.is_empty() {
                return self.revoke_usual(username).await;
            }
            let done = self.run(statements, Values { username, ..Values::default() }).await;
            match done {
                Err(Failure { code: Some(code), .. })
                    if NO_SUCH_USER.contains(&code) && self.hosts(username).await?.is_empty() =>
                {
                    Ok(())
                }
                done => done.map_err(|failure| failure.error),
            }
        })
    }

    fn change_password<'a>(&'a self, username: &'a str, password: &'a str, statements: &'a [String]) -> Answer<'a, ()> {
        Box::pin(async move {
            let usual = [CHANGE_PASSWORD.to_owned()];
            let statements = if statements.is_empty() { &usual } else { statements };
            let done = self.run(statements, Values { username, password: Some(password), expiration: None }).await;
            done.map_err(|failure| failure.error)
        })
    }
}
