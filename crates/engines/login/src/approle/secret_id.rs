//! Secret IDs. They are kept as HMAC only.

use super::role::{self, MAX_NAME_BYTES, Role};
use crate::cidr::{Cidr, parse_all};
use crate::path::retry;
use crate::random;
use jiff::{SignedDuration, Timestamp};
use logical::{Batch, Context, Error, Request, Response, StorageExt};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// How the peer writes that there is no time.
const NO_TIME: &str = "0001-01-01T00:00:00Z";

/// What is kept of a secret ID.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct SecretId {
    pub(super) accessor: String,
    /// Zero: any number.
    pub(super) num_uses: u64,
    pub(super) ttl: u64,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
    pub(super) expires: Option<Timestamp>,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) cidrs: Vec<Cidr>,
    pub(super) token_bound_cidrs: Vec<Cidr>,
}

/// The rows of one secret ID.
pub(super) struct Rows<'a> {
    role_key: &'a str,
    hmac: String,
}

impl<'a> Rows<'a> {
    pub(super) fn of(role: &'a Role, secret_id: &str) -> Result<Self, Error> {
        if secret_id.len() > MAX_NAME_BYTES {
            return Err(Error::invalid(format!("value is longer than maximum of {MAX_NAME_BYTES} bytes")));
        }
        Ok(Self { role_key: &role.key, hmac: random::keyed_name_of(&role.hmac_key, secret_id) })
    }

    pub(super) fn stored(role_key: &'a str, hmac: String) -> Self {
        Self { role_key, hmac }
    }

    pub(super) fn secret(&self) -> String {
        format!("secret/{}/{}", self.role_key, self.hmac)
    }

    fn accessor(&self, accessor: &str) -> String {
        format!("accessor/{}/{accessor}", self.role_key)
    }

    /// Its row in the order in which secret IDs end.
    fn expiry(&self, expires: Timestamp) -> String {
        format!("expiry/{:012}/{}/{}", expires.as_second().max(0), self.role_key, self.hmac)
    }

    pub(super) fn delete(&self, batch: &mut Batch, secret: &SecretId) {
        batch.delete(self.secret()).delete(self.accessor(&secret.accessor));
        if let Some(expires) = secret.expires {
            batch.delete(self.expiry(expires));
        }
    }
}

pub(super) async fn generate(context: Context<'_>, request: &Request, name: &str) -> Result<Response, Error> {
    let secret_id = random::uuid()?;
    retry(|| Box::pin(add(context, request, name, &secret_id))).await
}

pub(super) async fn register(context: Context<'_>, request: &Request, name: &str) -> Result<Response, Error> {
    let secret_id = request.fields().required("secret_id")?;
    retry(|| Box::pin(add(context, request, name, &secret_id))).await
}

async fn add(context: Context<'_>, request: &Request, name: &str, secret_id: &str) -> Result<Response, Error> {
    let found: Option<(Role, u64)> = context.storage.get_json_at(&role::row(name)).await?;
    let (role, version) = found.ok_or_else(|| Error::Status(404, format!("role {name:?} does not exist")))?;
    if !role.bind_secret_id {
        return Err(Error::invalid("bind_secret_id is not set on the role"));
    }
    let (_, max) = context.system.lifetimes();
    let secret = SecretId::made(&role, request, max)?;
    let rows = Rows::of(&role, secret_id)?;
    if context.storage.get(&rows.secret()).await?.is_some() {
        return Err(Error::invalid("failed to store secret_id: SecretID is already registered"));
    }
    let mut batch = Batch::new();
    // A role that is deleted meanwhile must not get one.
    batch.require(role::row(name), Some(version)).require(rows.secret(), None);
    batch.put_json(rows.secret(), &secret)?.put(rows.accessor(&secret.accessor), rows.hmac.clone().into_bytes());
    if let Some(expires) = secret.expires {
        batch.put(rows.expiry(expires), Vec::new());
    }
    context.storage.commit(batch).await?;
    Ok(Response::json(json!({
        "secret_id": secret_id,
        "secret_id_accessor": secret.accessor,
        "secret_id_ttl": secret.ttl.min(max.as_secs()),
        "secret_id_num_uses": secret.num_uses,
    })))
}

impl SecretId {
    fn made(role: &Role, request: &Request, max: Duration) -> Result<Self, Error> {
        let fields = request.fields();
        let cidrs = parse_all(&fields.list("cidr_list")?.unwrap_or_default(), Cidr::block)?;
        let token_bound_cidrs = parse_all(&fields.list("token_bound_cidrs")?.unwrap_or_default(), Cidr::block)?;
        verify_subset(&cidrs, &role.secret_id_bound_cidrs)?;
        verify_subset(&token_bound_cidrs, &role.token.bound_cidrs)?;
        let num_uses = match fields.integer("num_uses")? {
            None => role.secret_id_num_uses,
            Some(uses) => {
                let uses = u64::try_from(uses).map_err(|_| Error::invalid("num_uses cannot be negative"))?;
                let most = role.secret_id_num_uses;
                if most > 0 && (uses == 0 || uses > most) {
                    return Err(Error::invalid("num_uses cannot be higher than the role's secret_id_num_uses"));
                }
                uses
            }
        };
        let ttl = match fields.duration("ttl")? {
            None => role.secret_id_ttl,
            Some(ttl) => {
                let (ttl, most) = (ttl.as_secs(), role.secret_id_ttl);
                if most > 0 && (ttl == 0 || ttl > most) {
                    return Err(Error::invalid("ttl cannot be longer than the role's secret_id_ttl"));
                }
                ttl
            }
        };
        let metadata = fields.map("metadata");
        let metadata = metadata.map_err(|_| Error::invalid("failed to parse metadata: neither JSON nor key=value"))?;
        let lives = SignedDuration::from_secs(i64::try_from(ttl.min(max.as_secs())).unwrap_or(i64::MAX));
        let expires = (ttl > 0).then(|| request.now.saturating_add(lives)).transpose().map_err(Error::internal)?;
        Ok(Self {
            accessor: random::uuid()?,
            num_uses,
            ttl,
            created: request.now,
            updated: request.now,
            expires,
            metadata: metadata.unwrap_or_default(),
            cidrs,
            token_bound_cidrs,
        })
    }

    pub(super) fn expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    fn show(&self) -> Response {
        Response::json(json!({
            "secret_id_accessor": self.accessor,
            "secret_id_num_uses": self.num_uses,
            "secret_id_ttl": self.ttl,
            "creation_time": self.created,
            "expiration_time": self.expires.map_or_else(|| Value::from(NO_TIME), |time| json!(time)),
            "last_updated_time": self.updated,
            "metadata": self.metadata,
            "cidr_list": self.cidrs,
            "token_bound_cidrs": self.token_bound_cidrs,
        }))
    }
}

/// A role may be bound closer after a secret ID was made, so this is asked at each login too.
pub(super) fn verify_subset(inner: &[Cidr], outer: &[Cidr]) -> Result<(), Error> {
    if Cidr::within(inner, outer) {
        return Ok(());
    }
    let texts = |blocks: &[Cidr]| blocks.iter().map(Cidr::to_string).collect::<Vec<_>>();
    Err(Error::invalid(format!(
        "failed to verify subset relationship between CIDR blocks on the role {:?} and CIDR blocks on the secret ID {:?}",
        texts(outer),
        texts(inner)
    )))
}

pub(super) async fn list(context: Context<'_>, request: &Request, name: &str) -> Result<Response, Error> {
    let role: Role = context.storage.get_json(&role::row(name)).await?.ok_or_else(|| role::missing(name))?;
    let (after, limit) = request.page()?;
    Ok(Response::keys(context.storage.list(&format!("accessor/{}/", role.key), after, limit).await?))
}

/// The secret ID that a request names; none where there is none.
async fn named(context: Context<'_>, request: &Request, role: &Role) -> Result<Option<(SecretId, String)>, Error> {
    let rows = Rows::of(role, &request.fields().required("secret_id")?)?;
    let secret: Option<SecretId> = context.storage.get_json(&rows.secret()).await?;
    let secret = secret.filter(|secret| !secret.expired(request.now));
    Ok(secret.map(|secret| (secret, rows.hmac)))
}

/// The secret ID whose accessor a request names.
async fn accessed(context: Context<'_>, request: &Request, role: &Role) -> Result<(SecretId, String), Error> {
    let accessor = request.fields().required("secret_id_accessor")?;
    let missing = || Error::Status(404, format!("failed to find accessor entry for secret_id_accessor: {accessor:?}"));
    if accessor.contains('/') {
        return Err(missing());
    }
    let entry = context.storage.get(&format!("accessor/{}/{accessor}", role.key)).await?.ok_or_else(missing)?;
    let hmac = String::from_utf8(entry.value.to_vec()).map_err(|_| missing())?;
    let rows = Rows::stored(&role.key, hmac);
    let secret: Option<SecretId> = context.storage.get_json(&rows.secret()).await?;
    let secret = secret.filter(|secret| !secret.expired(request.now)).ok_or_else(missing)?;
    Ok((secret, rows.hmac))
}

async fn role(context: Context<'_>, name: &str) -> Result<Role, Error> {
    context.storage.get_json(&role::row(name)).await?.ok_or_else(|| role::missing(name))
}

pub(super) async fn look_up(context: Context<'_>, request: &Request, name: &str) -> Result<Response, Error> {
    let role = role(context, name).await?;
    let found = named(context, request, &role).await?;
    Ok(found.map_or_else(Response::empty, |(secret, _)| secret.show()))
}

pub(super) async fn look_up_accessor(context: Context<'_>, request: &Request, name: &str) -> Result<Response, Error> {
    let role = role(context, name).await?;
    Ok(accessed(context, request, &role).await?.0.show())
}

pub(super) async fn destroy(context: Context<'_>, request: &Request, name: &str) -> Result<Response, Error> {
    let role = role(context, name).await?;
    match named(context, request, &role).await? {
        Some((secret, hmac)) => remove(context, &role, &secret, hmac).await,
        None => Ok(Response::empty()),
    }
}

pub(super) async fn destroy_accessor(context: Context<'_>, request: &Request, name: &str) -> Result<Response, Error> {
    let role = role(context, name).await?;
    let (secret, hmac) = accessed(context, request, &role).await?;
    remove(context, &role, &secret, hmac).await
}

async fn remove(context: Context<'_>, role: &Role, secret: &SecretId, hmac: String) -> Result<Response, Error> {
    let mut batch = Batch::new();
    Rows::stored(&role.key, hmac).delete(&mut batch, secret);
    context.storage.commit(batch).await?;
    Ok(Response::empty())
}
