//! `creds/ROLE`: a new user, whose lease ends it.

use crate::backend::{Connection, Database};
use crate::roles::{self, Role};
use crate::target::NewUser;
use crate::username;
use jiff::Timestamp;
use logical::{Context, Error, Grant, Lease, Map, Request, Response};
use serde_json::{Value, json};
use std::time::Duration;

const KIND: &str = "creds";
/// The login ends a little after the lease, never before it.
const GRACE: Duration = Duration::from_secs(5);

pub(crate) async fn create(
    database: &Database,
    context: Context<'_>,
    name: &str,
    request: &Request,
) -> Result<Response, Error> {
    let role = roles::find(context, name).await?;
    let role = role.ok_or_else(|| Error::invalid(format!("unknown role: {name}")))?;
    let connection = database.connection(context, &role.db_name).await?;
    connection.config.allows(name)?;
    let usual = usual_lifetime(context, &role, Duration::ZERO);
    let ttl = lifetime(context, &role, usual, request.now, request.now)?;
    if role.creation.iter().all(String::is_empty) {
        return Err(Error::Status(500, "empty creation statements".to_owned()));
    }
    let display_name = request.caller.as_ref().map(|caller| caller.display_name.as_str()).unwrap_or_default();
    let username = username::generate(connection.config.username_template()?, display_name, name, request.now)?;
    let password = connection.password(context, &role.password_policy).await?;
    let user = NewUser {
        username: &username,
        password: &password,
        expires: end(request.now, ttl)?,
        creation: &role.creation,
        rollback: &role.rollback,
    };
    connection.target.create(user).await.map_err(|error| connection.failed(&error, &[&password]))?;
    let internal = json!({
        "username": username,
        "role": name,
        "db_name": role.db_name,
        "revocation_statements": role.revocation,
    });
    let data = Map::from_iter([
        ("username".to_owned(), Value::from(username)),
        ("password".to_owned(), Value::from(password.as_str())),
    ]);
    let Value::Object(internal) = internal else { return Err(Error::internal("no object")) };
    let lease =
        Lease { kind: KIND.to_owned(), internal, ttl: role.default_ttl, max_ttl: role.max_ttl, renewable: true };
    Ok(Response { data: Some(data), lease: Some(lease), ..Response::default() })
}

pub(crate) async fn renew(
    database: &Database,
    context: Context<'_>,
    lease: &Lease,
    grant: Grant<'_>,
) -> Result<Lease, Error> {
    let (username, name) = (internal(lease, "username")?, internal(lease, "role")?);
    let role = roles::find(context, name)
        .await?
        .ok_or_else(|| Error::Status(500, format!("error during renew: could not find role with name {name:?}")))?;
    let connection = database.connection(context, &role.db_name).await?;
    let ttl = lifetime(context, &role, usual_lifetime(context, &role, grant.increment), grant.issued, grant.now)?;
    let renewed = connection.target.renew(username, end(grant.now, ttl)?, &role.renewal);
    renewed.await.map_err(|error| connection.failed(&error, &[]))?;
    Ok(Lease { ttl, max_ttl: role.max_ttl, ..lease.clone() })
}

pub(crate) async fn revoke(database: &Database, context: Context<'_>, lease: &Lease) -> Result<(), Error> {
    let (username, name) = (internal(lease, "username")?, internal(lease, "role")?);
    let (db_name, statements) = match roles::find(context, name).await? {
        Some(role) => (role.db_name, role.revocation),
        // The role is gone; what it was then is in the lease.
        None => {
            let statements = lease.internal.get("revocation_statements").and_then(Value::as_array);
            let statements = statements.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
            (internal(lease, "db_name")?.to_owned(), statements)
        }
    };
    let connection: Connection = database.connection(context, &db_name).await?;
    connection.target.revoke(username, &statements).await.map_err(|error| connection.failed(&error, &[]))
}

fn internal<'a>(lease: &'a Lease, name: &str) -> Result<&'a str, Error> {
    let value = lease.internal.get(name).and_then(Value::as_str);
    value.ok_or_else(|| Error::Status(500, format!("secret is missing {name:?} in internal data")))
}

/// The role's lifetime, else the mount's; what is asked for goes before.
fn usual_lifetime(context: Context<'_>, role: &Role, increment: Duration) -> Duration {
    let usual = context.system.lifetimes().0;
    [increment, role.default_ttl, usual].into_iter().find(|ttl| !ttl.is_zero()).unwrap_or_default()
}

/// A lifetime that does not pass the greatest one since `issued`.
fn lifetime(
    context: Context<'_>,
    role: &Role,
    ttl: Duration,
    issued: Timestamp,
    now: Timestamp,
) -> Result<Duration, Error> {
    let most = context.system.lifetimes().1;
    let most = if role.max_ttl.is_zero() { most } else { role.max_ttl.min(most) };
    let passed = Duration::try_from(now.duration_since(issued)).unwrap_or_default();
    let left = most.saturating_sub(passed);
    if left.is_zero() {
        return Err(Error::invalid("past the max TTL, cannot renew"));
    }
    Ok(ttl.min(left))
}

fn end(now: Timestamp, ttl: Duration) -> Result<Timestamp, Error> {
    now.checked_add(ttl.saturating_add(GRACE)).map_err(|_| Error::invalid("the lifetime is too long"))
}
