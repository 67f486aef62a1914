use super::asked::{Asked, glob};
use super::create::clean;
use super::roles::{self, Role};
use super::{Found, Token, create, renew, revoke};
use crate::answer::Answer;
use crate::call::{Call, identity_policies};
use acl::{DEFAULT, NON_ASSIGNABLE};
use logical::{Error, Operation};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// The paths of `auth/token`.
pub(crate) async fn handle(call: &Call<'_>) -> Result<Answer, Error> {
    let operation = call.request.operation;
    let path = call.request.path.trim_end_matches('/');
    let parts: Vec<&str> = path.split('/').collect();
    match (parts.as_slice(), operation) {
        (["accessors"], Operation::List) => accessors(call).await,
        (["roles"], Operation::List) => roles::list(call).await,
        (["roles", name], _) => roles::handle(call, name).await,
        (["lookup-self"], Operation::Read | Operation::Update) => lookup_self(call).await,
        (["lookup"], Operation::Read | Operation::Update) => lookup(call).await,
        (["lookup-accessor"], Operation::Update) => lookup_accessor(call).await,
        (["create"], Operation::Update) => create::create(call, None, false).await,
        (["create-orphan"], Operation::Update) => create::create(call, None, true).await,
        (["create", role], Operation::Update) => create::create(call, Some(role), false).await,
        (["renew-self" | "renew" | "renew-accessor"], Operation::Update) => renew::handle(call, path).await,
        (["revoke-self" | "revoke" | "revoke-accessor" | "revoke-orphan"], Operation::Update) => {
            revoke::handle(call, path).await
        }
        (["tidy"], Operation::Update) => revoke::tidy(call).await,
        (
            [
                "accessors" | "roles" | "lookup-self" | "lookup" | "lookup-accessor" | "create" | "create-orphan"
                | "renew-self" | "renew" | "renew-accessor" | "revoke-self" | "revoke" | "revoke-accessor"
                | "revoke-orphan" | "tidy",
            ]
            | ["create", _],
            _,
        ) => Err(Error::UnsupportedOperation),
        _ => Err(Error::UnsupportedPath),
    }
}

/// The token of the body.
pub(crate) async fn token_of_body(call: &Call<'_>) -> Result<Option<Found>, Error> {
    let text = Zeroizing::new(call.request.fields().text("token")?.unwrap_or_default());
    if text.is_empty() {
        return Err(Error::invalid("missing token ID"));
    }
    let found = call.core.find_token(call.state, &text, call.request.now).await?;
    Ok(found.filter(|found| is_visible(call, &found.token)))
}

/// Tokens of other tenants do not exist; those of tenants below may be handled.
fn is_visible(call: &Call<'_>, token: &Token) -> bool {
    let of_token = call.state.router.namespace_by_id(&token.namespace_id);
    of_token.is_some_and(|namespace| call.namespace.holds(namespace))
}

/// The token of an accessor in the body: its hash and entry.
pub(crate) async fn token_of_accessor(call: &Call<'_>) -> Result<Option<(String, Token)>, Error> {
    let accessor = call.request.fields().text("accessor")?.unwrap_or_default();
    if accessor.is_empty() {
        return Err(Error::invalid("missing accessor"));
    }
    let Some(row) = call.core.find_accessor(call.state, &accessor).await? else { return Ok(None) };
    let found = call.core.find_hash(&row.hash, call.request.now).await?;
    Ok(found.filter(|(token, _)| is_visible(call, token)).map(|(token, _)| (row.hash, token)))
}

async fn accessors(call: &Call<'_>) -> Result<Answer, Error> {
    let storage = call.core.storage();
    let mut accessors = Vec::new();
    for key in storage.scan("token/accessor/", "", usize::MAX).await? {
        let row = logical::StorageExt::get_json::<super::store::AccessorRow>(storage, &key).await?;
        let row = row.filter(|row| row.namespace_id == call.namespace.id);
        accessors.extend(row.map(|row| row.accessor));
    }
    accessors.sort();
    Ok(Answer::keys(accessors))
}

async fn lookup_self(call: &Call<'_>) -> Result<Answer, Error> {
    let found = &call.session()?.found;
    describe(call, &found.text, &found.token).await
}

async fn lookup(call: &Call<'_>) -> Result<Answer, Error> {
    if call.request.fields().text("token")?.unwrap_or_default().is_empty() {
        return lookup_self(call).await;
    }
    let found = token_of_body(call).await?.ok_or_else(|| Error::DeniedBecause("bad token".to_owned()))?;
    describe(call, &found.text, &found.token).await
}

async fn lookup_accessor(call: &Call<'_>) -> Result<Answer, Error> {
    let (_, token) = token_of_accessor(call).await?.ok_or_else(|| Error::invalid("invalid accessor"))?;
    describe(call, "", &token).await
}

/// What a token is. The parent is left out: knowing it would be more than was given.
async fn describe(call: &Call<'_>, text: &str, token: &Token) -> Result<Answer, Error> {
    let now = call.request.now;
    let ttl = token.expires.map_or(0, |expires| crate::ttl::until(expires, now).as_secs());
    let mut data = json!({
        "id": text,
        "accessor": token.accessor,
        "policies": token.policies,
        "path": token.path,
        "meta": token.metadata,
        "display_name": token.display_name,
        "num_uses": token.num_uses.max(0),
        "orphan": token.parent.is_none(),
        "creation_time": token.created.as_second(),
        "creation_ttl": token.ttl,
        "expire_time": token.expires.map(|expires| expires.to_string()),
        "ttl": ttl,
        "explicit_max_ttl": token.explicit_max_ttl,
        "entity_id": token.entity_id,
        "type": token.kind.name(),
    });
    let Some(map) = data.as_object_mut() else { return Ok(Answer::empty()) };
    let mut add = |name: &str, value: Value| map.insert(name.to_owned(), value);
    if token.path != create::FIRST {
        add("issue_time", token.created.to_string().into());
        add("renewable", token.renewable.into());
    }
    if let Some(renewed) = token.renewed {
        add("last_renewal", renewed.to_string().into());
        add("last_renewal_time", renewed.as_second().into());
    }
    if !token.role.is_empty() {
        add("role", token.role.clone().into());
    }
    if token.period != 0 {
        add("period", token.period.into());
    }
    if !token.bound_cidrs.is_empty() {
        add("bound_cidrs", json!(token.bound_cidrs));
    }
    let namespace = call.state.router.namespace_by_id(&token.namespace_id).ok_or(Error::Denied)?;
    if !namespace.is_root() {
        add("namespace_path", namespace.path.clone().into());
    }
    if !token.entity_id.is_empty()
        && let Some(person) = call.core.person(&token.entity_id).await?
    {
        let identity = identity_policies(Some(person.as_ref()), namespace);
        let others: BTreeMap<_, _> = person.policies.iter().filter(|(id, _)| **id != namespace.id).collect();
        add("identity_policies", json!(identity));
        add("external_namespace_policies", json!(others));
    }
    Ok(Answer::json(data))
}

/// The policies of a new token, as the peer's `resolveTokenPolicies` has it.
pub(crate) fn policies(
    call: &Call<'_>,
    asked: &Asked,
    role: Option<&Role>,
    is_sudo: bool,
) -> Result<Vec<String>, Error> {
    let session = call.session()?;
    let parent = &session.found.token.policies;
    let mut add_default = false;
    let chosen = match role.filter(|role| role.limits_policies()) {
        Some(role) => role_policies(asked, role, parent)?,
        None if call.namespace.id != session.namespace.id => {
            add_default = !asked.no_default_policy;
            asked.policies.clone()
        }
        None if asked.policies.is_empty() => clean(parent, false),
        None if !is_sudo => {
            let (wanted, held) = (clean(&asked.policies, false), clean(parent, false));
            if !wanted.iter().all(|policy| held.contains(policy)) {
                return Err(Error::invalid("child policies must be subset of parent"));
            }
            add_default = !asked.no_default_policy && parent.iter().any(|policy| policy == DEFAULT);
            wanted
        }
        None => {
            add_default = !asked.no_default_policy;
            asked.policies.clone()
        }
    };
    let mut chosen = clean(&chosen, add_default);
    if asked.no_default_policy {
        chosen.retain(|policy| policy != DEFAULT);
    }
    match chosen.iter().find(|policy| NON_ASSIGNABLE.contains(&policy.as_str())) {
        Some(policy) => Err(Error::invalid(format!("cannot assign policy {policy:?}"))),
        None => Ok(chosen),
    }
}

fn role_policies(asked: &Asked, role: &Role, parent: &[String]) -> Result<Vec<String>, Error> {
    let matches = |globs: &[String], policy: &str| globs.iter().any(|pattern| glob(pattern, policy));
    let is_disallowed = |policy: &str| {
        role.disallowed_policies.iter().any(|name| name == policy) || matches(&role.disallowed_policies_glob, policy)
    };
    let add_default = !asked.no_default_policy && !role.token_no_default_policy && !is_disallowed(DEFAULT);
    let mut chosen = if asked.policies.is_empty() { Vec::new() } else { clean(&asked.policies, add_default) };
    if !role.allowed_policies.is_empty() || !role.allowed_policies_glob.is_empty() {
        let allowed = clean(&role.allowed_policies, add_default);
        if chosen.is_empty() {
            chosen = allowed;
        } else if !chosen.iter().all(|policy| allowed.contains(policy) || matches(&role.allowed_policies_glob, policy))
        {
            return Err(Error::invalid(format!(
                "token policies ({chosen:?}) must be subset of the role's allowed policies ({allowed:?}) or glob policies ({:?})",
                role.allowed_policies_glob
            )));
        }
    } else if chosen.is_empty() {
        chosen = clean(parent, add_default);
    }
    match chosen.iter().find(|policy| is_disallowed(policy)) {
        Some(policy) => Err(Error::invalid(format!("token policy {policy:?} is disallowed by this role"))),
        None => Ok(chosen),
    }
}
