use crate::answer::Answer;
use crate::call::Call;
use crate::lease::{LeaseRow, Leased, Revoke, lease_key, namespace_suffix};
use crate::token::{Token, token_key};
use logical::{Error, Operation, StorageExt as _};
use serde_json::{Map, json};
use std::time::Duration;

/// `leases/*`, and the old paths without it.
pub(crate) async fn handle(call: &Call<'_>, path: &str) -> Result<Answer, Error> {
    let path = path.strip_prefix("leases").map_or(path, |rest| rest.trim_start_matches('/'));
    let (verb, rest) = path.split_once('/').unwrap_or((path, ""));
    match (verb, call.request.operation) {
        ("", Operation::Read | Operation::List) => list_irrevocable(call).await,
        ("count", Operation::Read) => count(call).await,
        ("lookup", Operation::Update) => lookup(call, rest).await,
        ("lookup", Operation::List) => list(call, rest).await,
        ("renew", Operation::Update) => renew(call, rest).await,
        ("revoke", Operation::Update) => {
            let (namespace_id, id) = lease_of(call, rest)?;
            call.core.revoke_lease(call.state, &namespace_id, &id, Revoke::Properly, call.request.now).await?;
            Ok(Answer::empty())
        }
        ("revoke-prefix", Operation::Update) => revoke_prefix(call, rest, Revoke::Properly).await,
        ("revoke-force", Operation::Update) => revoke_prefix(call, rest, Revoke::Anyhow).await,
        ("tidy", Operation::Update) => tidy(call).await,
        ("" | "count" | "lookup" | "renew" | "revoke" | "revoke-prefix" | "revoke-force" | "tidy", _) => {
            Err(Error::UnsupportedOperation)
        }
        _ => Err(Error::UnsupportedPath),
    }
}

/// The lease of the body or the path, and the identifier of its namespace, which must be here or below.
fn lease_of(call: &Call<'_>, rest: &str) -> Result<(String, String), Error> {
    let fields = call.request.fields();
    let id = fields.text("lease_id")?.filter(|id| !id.is_empty()).unwrap_or_else(|| rest.to_owned());
    if id.is_empty() {
        return Err(Error::invalid("lease_id must be specified"));
    }
    let of_id = namespace_suffix(&id).and_then(|suffix| call.state.router.namespace_by_id(suffix));
    let namespace = of_id.unwrap_or(call.namespace);
    if !call.namespace.holds(namespace) {
        return Err(Error::invalid("invalid lease"));
    }
    Ok((namespace.id.clone(), id))
}

async fn lookup(call: &Call<'_>, rest: &str) -> Result<Answer, Error> {
    let (namespace_id, id) = lease_of(call, rest)?;
    let row = call.core.storage().get_json::<LeaseRow>(&lease_key(&namespace_id, &id)).await?;
    let row = row.ok_or_else(|| Error::invalid("invalid lease"))?;
    let (issued, renewed, expires, renewable) = match &row.what {
        Leased::Secret { lease, .. } => (row.issued, row.renewed, row.expires, lease.renewable),
        Leased::Token(hash) => {
            let token = call.core.storage().get_json::<Token>(&token_key(hash)).await?;
            let token = token.ok_or_else(|| Error::invalid("invalid lease"))?;
            (token.created, token.renewed, token.expires.unwrap_or(row.expires), token.renewable)
        }
    };
    Ok(Answer::json(json!({
        "id": id,
        "issue_time": issued.to_string(),
        "expire_time": expires.to_string(),
        "last_renewal": renewed.map(|renewed| renewed.to_string()),
        "renewable": renewable && row.failures == 0,
        "ttl": crate::ttl::until(expires, call.request.now).as_secs(),
    })))
}

async fn list(call: &Call<'_>, prefix: &str) -> Result<Answer, Error> {
    let prefix = prefix.trim_end_matches('/');
    let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
    let (after, limit) = call.request.page()?;
    let key = lease_key(&call.namespace.id, &prefix);
    Ok(Answer::keys(call.core.storage().list(&key, after, limit).await?))
}

async fn renew(call: &Call<'_>, rest: &str) -> Result<Answer, Error> {
    let (namespace_id, id) = lease_of(call, rest)?;
    let increment = call.request.fields().duration("increment")?.unwrap_or(Duration::ZERO);
    let mut answer = Answer::empty();
    let (core, warnings) = (call.core, &mut answer.response.warnings);
    let (renewable, ttl) =
        core.renew_lease(call.state, &namespace_id, &id, increment, call.request.now, warnings).await?;
    answer.lease = Some((id, renewable, ttl));
    Ok(answer)
}

async fn revoke_prefix(call: &Call<'_>, prefix: &str, how: Revoke) -> Result<Answer, Error> {
    let prefix = prefix.trim_start_matches('/');
    if prefix.is_empty() {
        return Err(Error::invalid("prefix must be specified"));
    }
    call.core.revoke_prefix(call.state, &call.namespace.id, prefix, how, call.request.now).await?;
    Ok(Answer::empty())
}

/// Rows of leases that have no lease any more are dropped when they are due; nothing else can be left over.
async fn tidy(call: &Call<'_>) -> Result<Answer, Error> {
    call.core.tick(call.request.now).await?;
    let mut answer = Answer::empty().warn("Tidy operation successfully finished.");
    answer.response.status = Some(202);
    Ok(answer)
}

async fn irrevocable(call: &Call<'_>) -> Result<Vec<(String, LeaseRow)>, Error> {
    let prefix = format!("lease/irrevocable/{}/", call.namespace.id);
    let storage = call.core.storage();
    let mut rows = Vec::new();
    for key in storage.scan(&prefix, "", 10_000).await? {
        let Some(id) = key.strip_prefix(&prefix) else { continue };
        if let Some(row) = storage.get_json(&lease_key(&call.namespace.id, id)).await? {
            rows.push((id.to_owned(), row));
        }
    }
    Ok(rows)
}

fn mount_accessor(row: &LeaseRow) -> &str {
    match &row.what {
        Leased::Secret { accessor, .. } => accessor,
        Leased::Token(_) => "auth_token",
    }
}

/// `leases?type=irrevocable`.
async fn list_irrevocable(call: &Call<'_>) -> Result<Answer, Error> {
    let kind = call.request.fields().text("type")?.unwrap_or_default();
    if kind != "irrevocable" {
        return Err(Error::invalid("type must be irrevocable"));
    }
    let rows = irrevocable(call).await?;
    let leases: Vec<_> = rows
        .iter()
        .map(|(id, row)| json!({ "lease_id": id, "mount_id": mount_accessor(row), "error": row.error }))
        .collect();
    Ok(Answer::json(json!({ "lease_count": leases.len(), "leases": leases })))
}

/// `leases/count?type=irrevocable`.
async fn count(call: &Call<'_>) -> Result<Answer, Error> {
    let kind = call.request.fields().text("type")?.unwrap_or_default();
    if kind != "irrevocable" {
        return Err(Error::invalid("type must be irrevocable"));
    }
    let mut counts = Map::new();
    let rows = irrevocable(call).await?;
    for (_, row) in &rows {
        let count = counts.get(mount_accessor(row)).and_then(serde_json::Value::as_u64).unwrap_or(0) + 1;
        counts.insert(mount_accessor(row).to_owned(), count.into());
    }
    Ok(Answer::json(json!({ "lease_count": rows.len(), "counts": counts })))
}
