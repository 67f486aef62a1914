//! Logins: three rows are read, and one is written if the secret ID's uses are counted.

use super::role::{self, Index, Role};
use super::secret_id::{Rows, SecretId, verify_subset};
use crate::cidr::Cidr;
use crate::path::retry;
use logical::{Alias, Batch, Context, Error, Map, Request, Response, StorageExt};

pub(super) async fn login(context: Context<'_>, request: &Request) -> Result<Response, Error> {
    let fields = request.fields();
    let role_id = fields.text("role_id")?.unwrap_or_default();
    let role_id = role_id.trim();
    if role_id.is_empty() {
        return Err(Error::invalid("missing role_id"));
    }
    let index: Index = context.storage.get_json(&role::index_row(role_id)).await?.ok_or_else(refused)?;
    let role: Role = context.storage.get_json(&role::row(&index.name)).await?.ok_or_else(refused)?;
    if role.role_id != role_id {
        return Err(refused());
    }
    let secret = if role.bind_secret_id {
        let secret_id = fields.text("secret_id")?.unwrap_or_default();
        let secret_id = secret_id.trim();
        if secret_id.is_empty() {
            return Err(Error::invalid("missing secret_id"));
        }
        let rows = Rows::of(&role, secret_id)?;
        Some(retry(|| Box::pin(use_once(context, request, &role, &rows))).await?)
    } else {
        admit(&role, request)?;
        None
    };
    let mut auth = role.token.auth(request)?;
    let mut metadata = Default::default();
    if let Some(secret) = secret {
        if !secret.token_bound_cidrs.is_empty() {
            auth.bound_cidrs = secret.token_bound_cidrs.iter().map(Cidr::to_string).collect();
        }
        metadata = secret.metadata;
    }
    metadata.insert("role_name".to_owned(), index.name.clone());
    auth.internal = Map::from_iter([("role_name".to_owned(), index.name.into())]);
    auth.alias = Some(Alias { name: role.role_id, metadata: metadata.clone() });
    auth.metadata = metadata;
    Ok(Response { auth: Some(auth), ..Response::default() })
}

/// One answer for a wrong role ID and a wrong secret ID.
fn refused() -> Error {
    Error::invalid("invalid role or secret ID")
}

/// Checks the secret ID, and counts the use. Of two that come at once for the last use, one gets it.
async fn use_once(context: Context<'_>, request: &Request, role: &Role, rows: &Rows<'_>) -> Result<SecretId, Error> {
    let found: Option<(SecretId, u64)> = context.storage.get_json_at(&rows.secret()).await?;
    let (secret, version) = found.ok_or_else(refused)?;
    if secret.expired(request.now) {
        return Err(refused());
    }
    verify_subset(&secret.cidrs, &role.secret_id_bound_cidrs)?;
    if !Cidr::admit(&secret.cidrs, &request.connection) {
        return Err(elsewhere(request, "through CIDR restrictions on the secret ID"));
    }
    admit(role, request)?;
    if secret.num_uses > 0 {
        let mut batch = Batch::new();
        batch.require(rows.secret(), Some(version));
        if secret.num_uses == 1 {
            rows.delete(&mut batch, &secret);
        } else {
            let used = SecretId { num_uses: secret.num_uses - 1, updated: request.now, ..secret.clone() };
            batch.put_json(rows.secret(), &used)?;
        }
        context.storage.commit(batch).await?;
    }
    Ok(secret)
}

fn admit(role: &Role, request: &Request) -> Result<(), Error> {
    if Cidr::admit(&role.secret_id_bound_cidrs, &request.connection) {
        return Ok(());
    }
    Err(elsewhere(request, "by CIDR restrictions on the role"))
}

fn elsewhere(request: &Request, why: &str) -> Error {
    let from = request.connection.address.map(|address| address.to_canonical().to_string());
    Error::invalid(format!("source address {:?} unauthorized {why}", from.unwrap_or_default()))
}
