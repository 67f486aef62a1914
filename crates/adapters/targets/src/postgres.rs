//! PostgreSQL.

use crate::pool::{Logins, Pool, Taken, answer, may_change_session, unreachable};
use crate::postgres_url::parse;
use crate::scram;
use database::{Answer, Dialect, NewUser, Settings, Target, TargetError, Values, quoted, render};
use jiff::{Timestamp, tz::TimeZone};
use libpq::Connector;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Config, Error};
use zeroize::Zeroizing;

/// What the engine's reading of statements relies on, and the time zone that the peer sets.
const SESSION: &str = "SET standard_conforming_strings = on; SET timezone = 'UTC'";
/// What a role's statements have set must not be there for the next one's. It is part of their transaction.
const RESET: &str = "RESET ROLE; RESET SESSION AUTHORIZATION; RESET ALL;";
const RENEW: &str = r#"ALTER ROLE "{{name}}" VALID UNTIL '{{expiration}}'"#;
const CHANGE_PASSWORD: &str = r#"ALTER ROLE "{{username}}" WITH PASSWORD '{{password}}'"#;
/// The name as PostgreSQL cuts it, whether there is such a role, and the schemas in which it may do anything: pg_shdepend
/// has an index, unlike the views that answer the same.
const FIND: &str = "\
SELECT r.rolname::text, current_database()::text, ARRAY(
  SELECT DISTINCT n.nspname::text
  FROM pg_shdepend d
  LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
  LEFT JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
  JOIN pg_namespace n ON n.oid = CASE d.classid WHEN 'pg_namespace'::regclass THEN d.objid
    ELSE coalesce(c.relnamespace, p.pronamespace) END
  WHERE d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND d.refclassid = 'pg_authid'::regclass AND d.refobjid = r.oid
  UNION SELECT 'public' FROM pg_namespace WHERE nspname = 'public')
FROM pg_roles r WHERE r.rolname = $1::text::name";

pub(crate) struct Postgres {
    pool: Pool<Login>,
    scram: bool,
}

struct Login {
    config: Config,
    tls: Connector,
}

impl Logins for Login {
    type Connection = Client;

    async fn connect(&self) -> Result<Client, TargetError> {
        let (client, connection) = self.config.connect(self.tls.clone()).await.map_err(|error| failed(&error))?;
        // It ends when the client is dropped.
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to a target ended");
            }
        });
        client.batch_execute(SESSION).await.map_err(|error| failed(&error))?;
        Ok(client)
    }

    async fn works(&self, connection: &mut Client, ask: bool) -> bool {
        !connection.is_closed() && (!ask || connection.batch_execute("").await.is_ok())
    }
}

/// The server's words without statement and values, or what happened to the connection.
fn failed(error: &Error) -> TargetError {
    let Some(told) = error.as_db_error() else {
        let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
        return TargetError::Unreachable(format!("{error}{cause}"));
    };
    let (code, text) = (told.code().code(), told.message());
    let text = format!("{}: {text} (SQLSTATE {code})", told.severity());
    match code.get(..2).unwrap_or_default() {
        "28" | "3D" => TargetError::Login(text),
        "08" | "53" | "57" => TargetError::Unreachable(text),
        _ => TargetError::Statement(text),
    }
}

fn expiration(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S%z").to_string()
}

/// What stands in for statements that are not given.
fn or_usual(statements: &[String], usual: &str) -> Vec<String> {
    if statements.is_empty() { vec![usual.to_owned()] } else { statements.to_vec() }
}

impl Postgres {
    pub(crate) fn open(settings: &Settings) -> Result<Self, TargetError> {
        let (config, tls) = parse(settings)?;
        Ok(Self { pool: Pool::new(Login { config, tls }, settings), scram: settings.scram })
    }

    /// What a statement gets as password.
    fn password(&self, password: &str) -> Result<Zeroizing<String>, TargetError> {
        if self.scram {
            scram::verifier(password).map_err(|_| TargetError::Settings("unable to scram-sha256 password".to_owned()))
        } else {
            Ok(Zeroizing::new(password.to_owned()))
        }
    }

    /// One message, which PostgreSQL carries out as one transaction.
    async fn run(&self, statements: &[String], values: Values<'_>) -> Result<(), TargetError> {
        let statements = render(Dialect::PostgreSql, statements, values)?;
        let length: usize = statements.iter().map(|statement| statement.len().saturating_add(2)).sum();
        let most = length.saturating_add(RESET.len()).saturating_add(SESSION.len());
        let mut sql = Zeroizing::new(String::with_capacity(most));
        for statement in &statements {
            sql.push_str(statement);
            sql.push_str("\n;");
        }
        if may_change_session(&sql) {
            sql.push_str(RESET);
            sql.push_str(SESSION);
        }
        let taken = self.pool.take().await?;
        let done = answer(taken.connection.batch_execute(&sql)).await?;
        self.finish(taken, done).await.map_err(|error| failed(&error))
    }

    /// Keeps the connection, where it is one that can be used again.
    async fn finish<T>(&self, taken: Taken<Client>, done: Result<T, Error>) -> Result<T, Error> {
        let keep = match &done {
            Ok(_) => true,
            // Statements may have begun a transaction of their own.
            Err(error) if error.as_db_error().is_some() => taken.connection.batch_execute("ROLLBACK").await.is_ok(),
            Err(_) => false,
        };
        if keep {
            self.pool.give(taken);
        }
        done
    }

    async fn revoke_usual(&self, username: &str) -> Result<(), TargetError> {
        let taken = self.pool.take().await?;
        let client = &taken.connection;
        let found =
            answer(client.query_typed(FIND, &[(&username, Type::TEXT)])).await?.map_err(|error| failed(&error))?;
        let Some(row) = found.first() else {
            self.pool.give(taken);
            return Ok(());
        };
        let column = |error: Error| unreachable(&error.to_string());
        let name = |value: &str| quoted(Dialect::PostgreSql, '"', value);
        let role = name(row.try_get(0).map_err(column)?)?;
        let database = name(row.try_get(1).map_err(column)?)?;
        let mut revocations = vec![format!("REVOKE CONNECT ON DATABASE {database} FROM {role}")];
        for schema in row.try_get::<_, Vec<String>>(2).map_err(column)? {
            let schema = name(&schema)?;
            for what in [
                "ALL PRIVILEGES ON ALL TABLES IN",
                "ALL PRIVILEGES ON ALL SEQUENCES IN",
                "ALL PRIVILEGES ON ALL ROUTINES IN",
                "ALL ON",
            ] {
                revocations.push(format!("REVOKE {what} SCHEMA {schema} FROM {role}"));
            }
        }
        let drop = format!("DROP ROLE IF EXISTS {role}");
        let sql = format!("{};{drop}", revocations.join(";"));
        let done = answer(client.batch_execute(&sql)).await?;
        if let Err(error) = &done
            && error.as_db_error().is_some()
        {
            // It can't be dropped: it owns something, or has rights that others gave it. As much as possible is taken away.
            for sql in revocations.iter().chain([&format!("ALTER ROLE {role} NOLOGIN")]) {
                let _ = answer(client.batch_execute(sql)).await?;
            }
        }
        self.finish(taken, done).await.map_err(|error| failed(&error))
    }

    /// The role's own statements. A role that is gone already is no error of theirs.
    async fn revoke_with(&self, username: &str, statements: &[String]) -> Result<(), TargetError> {
        let done = self.run(statements, Values { username, ..Values::default() }).await;
        let Err(error @ TargetError::Statement(_)) = done else { return done };
        let taken = self.pool.take().await?;
        let found = answer(taken.connection.query_typed(FIND, &[(&username, Type::TEXT)])).await?;
        match self.finish(taken, found).await {
            Ok(rows) if rows.is_empty() && error.to_string().contains(SqlState::UNDEFINED_OBJECT.code()) => Ok(()),
            _ => Err(error),
        }
    }
}

impl Target for Postgres {
    fn verify(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            let taken = self.pool.take().await?;
            let done = answer(taken.connection.batch_execute("")).await?;
            self.finish(taken, done).await.map_err(|error| failed(&error))
        })
    }

    fn create<'a>(&'a self, user: NewUser<'a>) -> Answer<'a, ()> {
        Box::pin(async move {
            let (password, expires) = (self.password(user.password)?, expiration(user.expires));
            let values = Values { username: user.username, password: Some(&password), expiration: Some(&expires) };
            self.run(user.creation, values).await
        })
    }

    fn renew<'a>(&'a self, username: &'a str, expires: Timestamp, statements: &'a [String]) -> Answer<'a, ()> {
        Box::pin(async move {
            let expires = expiration(expires);
            self.run(&or_usual(statements, RENEW), Values { username, password: None, expiration: Some(&expires) })
                .await
        })
    }

    fn revoke<'a>(&'a self, username: &'a str, statements: &'a [String]) -> Answer<'a, ()> {
        Box::pin(async move {
            if statements.is_empty() {
                self.revoke_usual(username).await
            } else {
                self.revoke_with(username, statements).await
            }
        })
    }

    fn change_password<'a>(&'a self, username: &'a str, password: &'a str, statements: &'a [String]) -> Answer<'a, ()> {
        Box::pin(async move {
            let password = self.password(password)?;
            let values = Values { username, password: Some(&password), expiration: None };
            self.run(&or_usual(statements, CHANGE_PASSWORD), values).await
        })
    }
}
