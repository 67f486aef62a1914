//! Changes passwords so that none is lost.
//!
//! A new password is written down first, then set at the database, then committed together with the removal of what was
//! written down. Whoever finds a password written down sets the same one again: that is safe for any number of nodes at once,
//! and after a crash at any point.

use crate::backend::{Connection, Database};
use crate::config::{self, Config};
use crate::password::Password;
use crate::static_roles::{self, StaticRole};
use crate::target::TargetError;
use jiff::Timestamp;
use logical::{Batch, Context, Error, Response, StorageExt};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use zeroize::Zeroizing;

/// How often a commit is tried again when another one came first.
const TRIES: usize = 5;
/// Most roles that one run of [`periodic`] changes.
const ROLES_AT_ONCE: usize = 1000;
/// A rotation of root is left alone so long: it may be under way on another node.
const UNDER_WAY: Duration = Duration::from_secs(60);
const FIRST_RETRY: Duration = Duration::from_secs(10);
const LAST_RETRY: Duration = Duration::from_secs(3600);

/// A password that may already be set at the database.
#[derive(Serialize, Deserialize)]
struct Written {
    db_name: String,
    username: String,
    password: Password,
    at: Timestamp,
}

pub(crate) fn static_key(role: &str) -> String {
    format!("wal/static/{role}")
}

pub(crate) fn root_key(config: &str) -> String {
    format!("wal/root/{config}")
}

/// The queue is in the order of its keys.
pub(crate) fn due_key(at: Timestamp, role: &str) -> String {
    format!("due/{:012}/{role}", at.as_second().max(0))
}

/// Changes the password of a static role, or of one that is not stored yet, and stores it.
pub(crate) async fn rotate(
    database: &Database,
    context: Context<'_>,
    name: &str,
    new: Option<StaticRole>,
    now: Timestamp,
) -> Result<(), Error> {
    for _ in 0..TRIES {
        let (role, version) = match (static_roles::find(context, name).await?, &new) {
            (Some((role, version)), None) => (role, Some(version)),
            (None, Some(new)) => (new.clone(), None),
            (None, None) => return Err(Error::invalid("no static role found for role name")),
            (Some(_), Some(_)) => return Err(Error::invalid("another request has just made this role")),
        };
        let connection = database.connection(context, &role.db_name).await?;
        connection.config.allows(name)?;
        let Some((password, written)) = write_down(context, &connection, name, &role, now).await? else { continue };
        let set = connection.target.change_password(&role.username, &password.0, &role.rotation).await;
        if let Err(error) = set {
            // What the database has refused it would refuse again.
            if matches!(error, TargetError::Statement(_) | TargetError::Render(_)) {
                let mut batch = Batch::new();
                batch.require(static_key(name), Some(written)).delete(static_key(name));
                ignore_conflict(context.storage.commit(batch).await)?;
            }
            let known = role.password.0.as_str();
            let error = connection.failed(&error, &[&password.0, known]);
            return Err(Error::Status(500, format!("error setting credentials: {error}")));
        }
        let next = role.schedule.next(now)?;
        let before = role.next_attempt;
        let role =
            StaticRole { password, last_rotation: now, next_rotation: next, next_attempt: next, failures: 0, ..role };
        let mut batch = Batch::new();
        batch.require(static_roles::key(name), version).require(static_key(name), Some(written));
        batch.put_json(static_roles::key(name), &role)?;
        batch.delete(static_key(name)).delete(due_key(before, name)).put(due_key(next, name), Vec::new());
        match context.storage.commit(batch).await {
            // Another node was faster, or the role has changed: what is set and what is stored must be made the same.
            Err(Error::Conflict) => {}
            done => return done.map(|_| ()),
        }
    }
    Err(Error::Conflict)
}

/// The password to set, written down, with the version of that row. Nothing where another one came first.
async fn write_down(
    context: Context<'_>,
    connection: &Connection,
    name: &str,
    role: &StaticRole,
    now: Timestamp,
) -> Result<Option<(Password, u64)>, Error> {
    let found = context.storage.get_json_at::<Written>(&static_key(name)).await?;
    let version = found.as_ref().map(|(_, version)| *version);
    if let Some((written, version)) = found
        && written.username == role.username
        && written.db_name == role.db_name
    {
        return Ok(Some((written.password, version)));
    }
    let password = Password(connection.password(context, &role.password_policy).await?);
    let (db_name, username) = (role.db_name.clone(), role.username.clone());
    let written = Written { db_name, username, password: password.clone(), at: now };
    let mut batch = Batch::new();
    batch.require(static_key(name), version).put_json(static_key(name), &written)?;
    match context.storage.commit(batch).await {
        Err(Error::Conflict) => Ok(None),
        done => Ok(Some((password, done?))),
    }
}

/// `rotate-role/NAME`.
pub(crate) async fn rotate_role(
    database: &Database,
    context: Context<'_>,
    name: &str,
    now: Timestamp,
) -> Result<Response, Error> {
    if static_roles::find(context, name).await?.is_none() {
        return Err(Error::invalid("no static role found for role name"));
    }
    if let Err(error) = rotate(database, context, name, None, now).await {
        // Where that fails too, it stays where it is in the queue.
        let _ = put_off(context, name, now).await;
        return Err(Error::Status(
            500,
            format!(
                "unable to finish rotating credentials; retries will continue in the background but it is also safe to \
                 retry manually: {error}"
            ),
        ));
    }
    Ok(Response::empty())
}

/// Tries a role again later, and later still with each failure.
async fn put_off(context: Context<'_>, name: &str, now: Timestamp) -> Result<(), Error> {
    let Some((mut role, version)) = static_roles::find(context, name).await? else { return Ok(()) };
    let wait = FIRST_RETRY.saturating_mul(1 << role.failures.min(16)).min(LAST_RETRY);
    let at = now.checked_add(wait).map_err(Error::internal)?;
    role.failures = role.failures.saturating_add(1);
    requeue(context, name, role, version, at).await
}

async fn requeue(
    context: Context<'_>,
    name: &str,
    mut role: StaticRole,
    version: u64,
    at: Timestamp,
) -> Result<(), Error> {
    let before = std::mem::replace(&mut role.next_attempt, at);
    let mut batch = Batch::new();
    batch.require(static_roles::key(name), Some(version)).put_json(static_roles::key(name), &role)?;
    batch.delete(due_key(before, name)).put(due_key(at, name), Vec::new());
    ignore_conflict(context.storage.commit(batch).await)
}

/// Changes what is due and ends rotations that a crash has left behind. One failure does not stop the others; the last one is
/// the answer.
pub(crate) async fn periodic(database: &Database, context: Context<'_>, now: Timestamp) -> Result<(), Error> {
    let mut result = Ok(());
    for key in context.storage.scan("wal/root/", "", ROLES_AT_ONCE).await? {
        let name = key.trim_start_matches("wal/root/");
        if !is_under_way(context, name, now).await?
            && let Err(error) = recover_root(database, context, name).await
        {
            result = Err(error);
        }
    }
    let until = due_key(now, "~");
    for key in context.storage.scan("due/", "", ROLES_AT_ONCE).await? {
        if key > until {
            break;
        }
        let Some((_, name)) = key.trim_start_matches("due/").split_once('/') else { continue };
        let (role, version) = match static_roles::find(context, name).await? {
            Some(found) if due_key(found.0.next_attempt, name) == key => found,
            // It stands elsewhere in the queue, or is gone.
            _ => {
                context.storage.delete(&key).await?;
                continue;
            }
        };
        if role.schedule.is_missed(role.next_rotation, now) {
            let next = role.schedule.next(now)?;
            requeue(context, name, StaticRole { next_rotation: next, ..role }, version, next).await?;
        } else if let Err(error) = rotate(database, context, name, None, now).await {
            result = Err(error);
            put_off(context, name, now).await?;
        }
    }
    result
}

/// `rotate-root/NAME`.
pub(crate) async fn rotate_root(
    database: &Database,
    context: Context<'_>,
    name: &str,
    now: Timestamp,
) -> Result<Response, Error> {
    if is_under_way(context, name, now).await? {
        return Err(Error::Status(500, "a rotation of these credentials is under way, try again later".to_owned()));
    }
    recover_root(database, context, name).await?;
    let connection = database.connection(context, name).await?;
    let missing = |what| Error::Status(500, format!("unable to rotate root credentials: no {what} in configuration"));
    if connection.config.username().is_empty() {
        return Err(missing("username"));
    }
    if connection.config.password().is_empty() {
        return Err(missing("password"));
    }
    let password = Password(connection.password(context, "").await?);
    let username = connection.config.username().to_owned();
    let written = Written { db_name: name.to_owned(), username, password: password.clone(), at: now };
    let mut batch = Batch::new();
    batch.require(root_key(name), None).put_json(root_key(name), &written)?;
    context.storage.commit(batch).await?;
    let statements = &connection.config.root_credentials_rotate_statements;
    if let Err(error) = connection.target.change_password(&written.username, &password.0, statements).await {
        let text = connection.failed(&error, &[&password.0]);
        // Whether it was set is found out now, or later where the database can't be reached.
        let _ = recover_root(database, context, name).await;
        return Err(Error::Status(500, format!("failed to update user: {text}")));
    }
    store_root(database, context, name, &written).await?;
    Ok(Response::empty())
}

async fn is_under_way(context: Context<'_>, name: &str, now: Timestamp) -> Result<bool, Error> {
    let written = context.storage.get_json::<Written>(&root_key(name)).await?;
    Ok(written.is_some_and(|written| written.at.checked_add(UNDER_WAY).is_ok_and(|end| now < end)))
}

/// The password that is set at the database becomes the configuration's.
async fn store_root(database: &Database, context: Context<'_>, name: &str, written: &Written) -> Result<(), Error> {
    for _ in 0..TRIES {
        let found = context.storage.get_json_at::<Config>(&config::key(name)).await?;
        let mut batch = Batch::new();
        batch.delete(root_key(name));
        if let Some((mut config, version)) = found {
            config.set_password(&written.password.0);
            batch.require(config::key(name), Some(version)).put_json(config::key(name), &config)?;
        }
        match context.storage.commit(batch).await {
            Err(Error::Conflict) => {}
            done => {
                database.forget(name);
                return done.map(|_| ());
            }
        }
    }
    Err(Error::Conflict)
}

/// Finds out by logging in which password is set, and goes on from there.
async fn recover_root(database: &Database, context: Context<'_>, name: &str) -> Result<(), Error> {
    let Some(written) = context.storage.get_json::<Written>(&root_key(name)).await? else { return Ok(()) };
    let Some(mut config) = context.storage.get_json::<Config>(&config::key(name)).await? else {
        return context.storage.delete(&root_key(name)).await.map(|_| ());
    };
    let is_stored = *config.password() == *written.password.0;
    let old = Zeroizing::new(config.password().to_string());
    let failed = |error: &TargetError| crate::backend::refused(error, &[&old, &written.password.0]);
    let verify = async |config: &Config| {
        let target = database.targets().open(&config.settings()?).map_err(|error| failed(&error))?;
        Ok::<_, Error>(target.verify().await)
    };
    if is_stored || verify(&config).await?.is_ok() {
        return context.storage.delete(&root_key(name)).await.map(|_| ());
    }
    config.set_password(&written.password.0);
    verify(&config).await?.map_err(|error| failed(&error))?;
    store_root(database, context, name, &written).await
}

fn ignore_conflict(done: Result<u64, Error>) -> Result<(), Error> {
    match done {
        Err(Error::Conflict) => Ok(()),
        done => done.map(|_| ()),
    }
}
