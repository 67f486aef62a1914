//! `static-roles/NAME` and `static-creds/NAME`: users that exist, whose passwords are changed.

use crate::backend::{Database, texts};
use crate::config::{self, Config};
use crate::password::Password;
use crate::roles::{self, PASSWORD, password_policy};
use crate::rotation;
use crate::schedule::Schedule;
use jiff::Timestamp;
use logical::{Batch, Context, Error, Request, Response, StorageExt};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A static role as it is stored.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct StaticRole {
    pub(crate) db_name: String,
    pub(crate) username: String,
    pub(crate) rotation: Vec<String>,
    pub(crate) schedule: Schedule,
    pub(crate) password_policy: String,
    pub(crate) password: Password,
    pub(crate) last_rotation: Timestamp,
    /// When it is due.
    pub(crate) next_rotation: Timestamp,
    /// When it is tried: later than that after a failure. The queue has it under this time.
    pub(crate) next_attempt: Timestamp,
    pub(crate) failures: u32,
}

pub(crate) fn key(name: &str) -> String {
    format!("static-role/{name}")
}

pub(crate) async fn find(context: Context<'_>, name: &str) -> Result<Option<(StaticRole, u64)>, Error> {
    context.storage.get_json_at(&key(name)).await
}

impl StaticRole {
    /// What answers have in common, and more.
    fn describe(&self, more: impl IntoIterator<Item = (&'static str, Value)>) -> Response {
        let mut shown = vec![("username", json!(self.username)), ("last_vault_rotation", json!(self.last_rotation))];
        match &self.schedule {
            Schedule::Period(period) => shown.push(("rotation_period", json!(period.as_secs()))),
            Schedule::Cron { text, window } => {
                shown.push(("rotation_schedule", json!(text)));
                if !window.is_zero() {
                    shown.push(("rotation_window", json!(window.as_secs())));
                }
            }
        }
        Response::json(shown.into_iter().chain(more).map(|(name, value)| (name.to_owned(), value)).collect())
    }
}

pub(crate) async fn read(context: Context<'_>, name: &str) -> Result<Response, Error> {
    let (role, _) = find(context, name).await?.ok_or(Error::NotFound)?;
    let policy = Some(&role.password_policy).filter(|policy| !policy.is_empty());
    let policy = policy.map(|policy| ("credential_config", json!({ "password_policy": policy })));
    let fields = [
        ("db_name", json!(role.db_name)),
        ("rotation_statements", json!(role.rotation)),
        ("credential_type", json!(PASSWORD)),
    ];
    Ok(role.describe(fields.into_iter().chain(policy)))
}

/// The password as it is.
pub(crate) async fn credentials(context: Context<'_>, name: &str, now: Timestamp) -> Result<Response, Error> {
    let found = find(context, name).await?;
    let (role, _) = found.ok_or_else(|| Error::invalid(format!("unknown role: {name}")))?;
    let config = context.storage.get_json::<Config>(&config::key(&role.db_name)).await?;
    let config = config.ok_or_else(|| config::missing(&role.db_name))?;
    config.allows(name)?;
    let ttl = role.next_rotation.duration_since(now).as_secs().max(0);
    Ok(role.describe([("ttl", json!(ttl)), ("password", json!(role.password.0.as_str()))]))
}

/// The user stays as it is.
pub(crate) async fn delete(context: Context<'_>, name: &str) -> Result<Response, Error> {
    let mut batch = Batch::new();
    batch.delete(key(name)).delete(rotation::static_key(name));
    if let Some((role, version)) = find(context, name).await? {
        batch.require(key(name), Some(version)).delete(rotation::due_key(role.next_attempt, name));
    }
    context.storage.commit(batch).await?;
    Ok(Response::empty())
}

pub(crate) async fn write(
    database: &Database,
    context: Context<'_>,
    name: &str,
    request: &Request,
) -> Result<Response, Error> {
    let fields = request.fields();
    if context.storage.get(&roles::key(name)).await?.is_some() {
        return Err(Error::invalid("Role and Static Role names must be unique"));
    }
    let found = find(context, name).await?;
    let before = found.as_ref().map(|(role, _)| role);
    let db_name = fields.text("db_name")?.or_else(|| before.map(|role| role.db_name.clone())).unwrap_or_default();
    if db_name.is_empty() {
        return Err(Error::invalid("database name is a required field"));
    }
    let username = fields.text("username")?.unwrap_or_default();
    let username = match before {
        None if username.is_empty() => {
            return Err(Error::invalid("username is a required field to create a static account"));
        }
        Some(role) if !username.is_empty() && role.username != username => {
            return Err(Error::invalid("cannot update static account username"));
        }
        Some(role) => role.username.clone(),
        None => username,
    };
    let schedule = Schedule::parse(request, before.map(|role| &role.schedule))?;
    let schedule = schedule.or_else(|| before.map(|role| role.schedule.clone())).ok_or_else(|| {
        Error::invalid("one of rotation_schedule or rotation_period is required to create static accounts")
    })?;
    let rotation = texts(request, "rotation_statements")?;
    let rotation = rotation.or_else(|| before.map(|role| role.rotation.clone())).unwrap_or_default();
    let policy = password_policy(request)?;
    let password_policy = policy.or_else(|| before.map(|role| role.password_policy.clone())).unwrap_or_default();

    let Some((before, version)) = found else {
        let now = request.now;
        let new = StaticRole {
            db_name,
            username,
            rotation,
            schedule,
            password_policy,
            password: Password::default(),
            last_rotation: now,
            next_rotation: now,
            next_attempt: now,
            failures: 0,
        };
        rotation::rotate(database, context, name, Some(new), now).await?;
        return Ok(Response::empty());
    };
    let next = schedule.next(before.last_rotation)?;
    let role = StaticRole {
        db_name,
        rotation,
        schedule,
        password_policy,
        next_rotation: next,
        next_attempt: next,
        ..before.clone()
    };
    let mut batch = Batch::new();
    batch.require(key(name), Some(version)).put_json(key(name), &role)?;
    batch.delete(rotation::due_key(before.next_attempt, name));
    batch.put(rotation::due_key(next, name), Vec::new());
    context.storage.commit(batch).await?;
    Ok(Response::empty())
}
