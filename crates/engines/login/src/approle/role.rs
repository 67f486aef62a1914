//! Roles.

use crate::cidr::{Cidr, parse_all};
use crate::path::retry;
use crate::random;
use crate::token::TokenParams;
use logical::{Batch, Context, Error, Fields, Map, Operation, Request, Response, StorageExt, format_duration};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;

/// The longest name and secret ID.
pub(super) const MAX_NAME_BYTES: usize = 4096;

/// A role.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Role {
    pub(super) token: TokenParams,
    /// Of the rows of its secret IDs. Another role of the same name has another.
    pub(super) key: String,
    /// Of the HMAC of its secret IDs.
    pub(super) hmac_key: String,
    pub(super) role_id: String,
    pub(super) bind_secret_id: bool,
    pub(super) secret_id_bound_cidrs: Vec<Cidr>,
    pub(super) secret_id_num_uses: u64,
    pub(super) secret_id_ttl: u64,
    pub(super) local_secret_ids: bool,
}

/// What the row of a role ID says.
#[derive(Serialize, Deserialize)]
pub(super) struct Index {
    pub(super) name: String,
}

pub(super) fn row(name: &str) -> String {
    format!("role/{name}")
}

pub(super) fn index_row(role_id: &str) -> String {
    format!("role-id/{}", random::name_of(role_id))
}

pub(super) fn missing(name: &str) -> Error {
    Error::invalid(format!("role {name:?} does not exist"))
}

pub(super) async fn handle(context: Context<'_>, request: &Request, name: &str) -> Result<Response, Error> {
    match request.operation {
        Operation::Read => {
            let role: Role = context.storage.get_json(&row(name)).await?.ok_or(Error::NotFound)?;
            let response = Response::json(role.show().into());
            Ok(match role.constrained() {
                Ok(()) => response,
                Err(_) => response.warn(
                    "Role does not have any constraints set on it. Updates to this role will require a constraint to be set",
                ),
            })
        }
        Operation::Create | Operation::Update => {
            retry(|| Box::pin(write(context, name, &request.data, Missing::Create))).await
        }
        Operation::Delete => retry(|| Box::pin(delete(context, name))).await,
        _ => Err(Error::UnsupportedOperation),
    }
}

/// What to do for a role that is not there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    Create,
    Refuse,
}

/// Changes a role by the fields that are given, and its index with it.
pub(super) async fn write(context: Context<'_>, name: &str, data: &Map, missing: Missing) -> Result<Response, Error> {
    if name.len() > MAX_NAME_BYTES {
        return Err(Error::invalid(format!("role_name is longer than maximum of {MAX_NAME_BYTES} bytes")));
    }
    let found: Option<(Role, u64)> = context.storage.get_json_at(&row(name)).await?;
    if found.is_none() && missing == Missing::Refuse {
        return Err(Error::UnsupportedPath);
    }
    let version = found.as_ref().map(|(_, version)| *version);
    let mut role = match &found {
        Some((role, _)) => role.clone(),
        None => Role::new()?,
    };
    let mut data = data.clone();
    let mut response = Response::empty();
    if let Some(Value::String(token_type)) = data.get_mut("token_type")
        && let Some(meant) = token_type.strip_prefix("default-").filter(|meant| ["service", "batch"].contains(meant))
    {
        response.warnings.push(format!("{token_type} has no useful meaning; adjusting to {meant}"));
        *token_type = meant.to_owned();
    }
    role.read(Fields::new(&data), found.is_none())?;
    let (_, max) = context.system.lifetimes();
    if role.token.period > max.as_secs() {
        return Err(Error::invalid(format!(
            "period of {:?} is greater than the backend's maximum lease TTL of {:?}",
            format_duration(Duration::from_secs(role.token.period)),
            format_duration(max)
        )));
    }
    if role.token.max_ttl > max.as_secs() {
        response.warnings.push(
            "token_max_ttl is greater than the backend mount's maximum TTL value; issued tokens' max TTL value will be \
             truncated"
                .to_owned(),
        );
    }
    role.constrained()?;
    let mut batch = Batch::new();
    let previous = found.as_ref().map(|(role, _)| role.role_id.as_str());
    if previous != Some(role.role_id.as_str()) {
        let index = index_row(&role.role_id);
        if context.storage.get(&index).await?.is_some() {
            return Err(Error::invalid("role_id already in use"));
        }
        batch.require(index.as_str(), None).put_json(index.as_str(), &Index { name: name.to_owned() })?;
        if let Some(previous) = previous {
            batch.delete(index_row(previous));
        }
    }
    batch.require(row(name), version).put_json(row(name), &role)?;
    context.storage.commit(batch).await?;
    Ok(response)
}

async fn delete(context: Context<'_>, name: &str) -> Result<Response, Error> {
    let Some((role, version)) = context.storage.get_json_at::<Role>(&row(name)).await? else {
        return Ok(Response::empty());
    };
    let mut batch = Batch::new();
    batch.require(row(name), Some(version)).delete(row(name)).delete(index_row(&role.role_id));
    batch.put(format!("gone/{}", role.key), Vec::new());
    context.storage.commit(batch).await?;
    super::tidy::flush(context, &role.key).await?;
    Ok(Response::empty())
}

impl Role {
    fn new() -> Result<Self, Error> {
        Ok(Self {
            token: TokenParams::default(),
            key: random::uuid()?,
            hmac_key: random::hex(&random::bytes::<32>()?),
            role_id: random::uuid()?,
            bind_secret_id: true,
            secret_id_bound_cidrs: Vec::new(),
            secret_id_num_uses: 0,
            secret_id_ttl: 0,
            local_secret_ids: false,
        })
    }

    fn read(&mut self, fields: Fields<'_>, new: bool) -> Result<(), Error> {
        self.token.read(fields, &["policies", "period"])?;
        match fields.boolean("local_secret_ids")? {
            Some(local) if new => self.local_secret_ids = local,
            Some(_) => return Err(Error::invalid("local_secret_ids can only be modified during role creation")),
            None => {}
        }
        if let Some(role_id) = fields.text("role_id")? {
            self.role_id = role_id;
        }
        if self.role_id.is_empty() {
            return Err(Error::invalid("invalid role_id supplied, or failed to generate a role_id"));
        }
        if let Some(bind) = fields.boolean("bind_secret_id")? {
            self.bind_secret_id = bind;
        }
        let blocks = fields.list("secret_id_bound_cidrs")?;
        if let Some(blocks) = blocks.map_or_else(|| fields.list("bound_cidr_list"), |blocks| Ok(Some(blocks)))? {
            self.secret_id_bound_cidrs = parse_all(&blocks, Cidr::block)?;
        }
        if let Some(uses) = fields.integer("secret_id_num_uses")? {
            let negative = |_| Error::invalid("secret_id_num_uses cannot be negative");
            self.secret_id_num_uses = u64::try_from(uses).map_err(negative)?;
        }
        if let Some(ttl) = fields.duration("secret_id_ttl")? {
            self.secret_id_ttl = ttl.as_secs();
        }
        Ok(())
    }

    /// Everybody knows role IDs: there must be something else that is asked for.
    fn constrained(&self) -> Result<(), Error> {
        if self.bind_secret_id || !self.secret_id_bound_cidrs.is_empty() || !self.token.bound_cidrs.is_empty() {
            return Ok(());
        }
        Err(Error::invalid("at least one constraint should be enabled on the role"))
    }

    pub(super) fn show(&self) -> Map {
        let mut data = Map::new();
        let blocks =
            if self.secret_id_bound_cidrs.is_empty() { Value::Null } else { json!(self.secret_id_bound_cidrs) };
        data.insert("bind_secret_id".to_owned(), self.bind_secret_id.into());
        data.insert("local_secret_ids".to_owned(), self.local_secret_ids.into());
        data.insert("secret_id_bound_cidrs".to_owned(), blocks);
        data.insert("secret_id_num_uses".to_owned(), self.secret_id_num_uses.into());
        data.insert("secret_id_ttl".to_owned(), self.secret_id_ttl.into());
        self.token.show(&mut data);
        data
    }
}
