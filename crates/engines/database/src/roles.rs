//! `roles/NAME`: what a new user is and for how long.

use crate::backend::texts;
use crate::static_roles;
use logical::{Batch, Context, Error, Request, Response, StorageExt};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

/// The only kind of credential that PostgreSQL and MySQL have here.
pub(crate) const PASSWORD: &str = "password";

/// A role as it is stored.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Role {
    pub(crate) db_name: String,
    pub(crate) creation: Vec<String>,
    pub(crate) revocation: Vec<String>,
    pub(crate) rollback: Vec<String>,
    pub(crate) renewal: Vec<String>,
    pub(crate) default_ttl: Duration,
    pub(crate) max_ttl: Duration,
    pub(crate) password_policy: String,
}

pub(crate) fn key(name: &str) -> String {
    format!("role/{name}")
}

pub(crate) async fn find(context: Context<'_>, name: &str) -> Result<Option<Role>, Error> {
    context.storage.get_json(&key(name)).await
}

pub(crate) async fn read(context: Context<'_>, name: &str) -> Result<Response, Error> {
    let role = find(context, name).await?.ok_or(Error::NotFound)?;
    let mut shown = json!({
        "db_name": role.db_name,
        "creation_statements": role.creation,
        "revocation_statements": role.revocation,
        "rollback_statements": role.rollback,
        "renew_statements": role.renewal,
        "default_ttl": role.default_ttl.as_secs(),
        "max_ttl": role.max_ttl.as_secs(),
        "credential_type": PASSWORD,
    });
    if let (Some(shown), false) = (shown.as_object_mut(), role.password_policy.is_empty()) {
        shown.insert("credential_config".to_owned(), json!({ "password_policy": role.password_policy }));
    }
    Ok(Response::json(shown))
}

pub(crate) async fn delete(context: Context<'_>, name: &str) -> Result<Response, Error> {
    context.storage.delete(&key(name)).await?;
    Ok(Response::empty())
}

pub(crate) async fn write(context: Context<'_>, name: &str, request: &Request) -> Result<Response, Error> {
    let fields = request.fields();
    let taken = static_roles::key(name);
    if context.storage.get(&taken).await?.is_some() {
        return Err(Error::invalid("Role and Static Role names must be unique"));
    }
    let mut role = find(context, name).await?.unwrap_or_default();
    if let Some(database) = fields.text("db_name")? {
        role.db_name = database;
    }
    if role.db_name.is_empty() {
        return Err(Error::invalid("database name is required"));
    }
    if let Some(policy) = password_policy(request)? {
        role.password_policy = policy;
    }
    for (field, statements) in [
        ("creation_statements", &mut role.creation),
        ("revocation_statements", &mut role.revocation),
        ("rollback_statements", &mut role.rollback),
        ("renew_statements", &mut role.renewal),
    ] {
        if let Some(given) = texts(request, field)? {
            *statements = given;
        }
    }
    role.revocation.retain(|statement| !statement.is_empty());
    for (field, ttl) in [("default_ttl", &mut role.default_ttl), ("max_ttl", &mut role.max_ttl)] {
        if let Some(given) = fields.duration(field)? {
            *ttl = Duration::from_secs(given.as_secs());
        }
    }
    let mut batch = Batch::new();
    batch.require(taken, None).put_json(key(name), &role)?;
    context.storage.commit(batch).await?;
    Ok(Response::empty())
}

/// The policy of `credential_config`, once the kind of credential is one that there is.
pub(crate) fn password_policy(request: &Request) -> Result<Option<String>, Error> {
    let fields = request.fields();
    match fields.text("credential_type")?.as_deref() {
        None | Some(PASSWORD) => {}
        Some(kind @ ("rsa_private_key" | "client_certificate")) => {
            return Err(Error::invalid(format!("unsupported credential_type: {kind:?}")));
        }
        Some(kind) => return Err(Error::invalid(format!("invalid credential_type {kind:?}"))),
    }
    let config: Option<BTreeMap<String, String>> = fields.map("credential_config")?;
    Ok(config.and_then(|mut config| config.remove("password_policy")))
}
