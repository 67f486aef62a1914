//! Identity tokens: named keys, roles, signed tokens of entities, and what others need to verify them (`identity/oidc`).

mod claims;
mod key;
mod roles;
mod signing;

use crate::answer::Answer;
use crate::call::Call;
use crate::core::{Core, State};
use crate::namespace::Namespace;
use jiff::Timestamp;
use key::NamedKey;
use logical::{Error, Operation, Raw, Response, StorageExt as _};
use serde_json::{Value, json};

pub(super) async fn handle(call: &Call<'_>, rest: &[&str]) -> Result<Answer, Error> {
    match (rest, call.request.operation) {
        (["config"], operation) => config(call, operation).await,
        (["key"], Operation::List) => list(call, "key").await,
        (["key", name], operation) => key::handle(call, name, operation).await,
        (["key", name, "rotate"], Operation::Update) => key::rotate(call, name).await,
        (["role"], Operation::List) => list(call, "role").await,
        (["role", name], operation) => roles::handle(call, name, operation).await,
        (["token", role], Operation::Read) => roles::token(call, role).await,
        (["introspect"], Operation::Update) => roles::introspect(call).await,
        ([".well-known", "openid-configuration"], Operation::Read) => discovery(call).await,
        ([".well-known", "keys"], Operation::Read) => keys(call).await,
        _ => Err(Error::UnsupportedPath),
    }
}

/// Rows of a kind in a namespace.
fn prefix(namespace: &Namespace, kind: &str) -> String {
    format!("identity/oidc/{kind}/{}/", namespace.id)
}

async fn list(call: &Call<'_>, kind: &str) -> Result<Answer, Error> {
    Ok(Answer::keys(call.core.storage().list(&prefix(call.namespace, kind), "", usize::MAX).await?))
}

async fn issuer_setting(call: &Call<'_>) -> Result<String, Error> {
    let key = format!("identity/oidc/config/{}", call.namespace.id);
    Ok(call.core.storage().get_json::<String>(&key).await?.unwrap_or_default())
}

/// The `iss` of tokens.
async fn issuer(call: &Call<'_>) -> Result<String, Error> {
    let mut base = issuer_setting(call).await?;
    if base.is_empty() {
        base = call.core.settings().api_address.clone().unwrap_or_default();
    }
    Ok(format!("{base}/v1/{}identity/oidc", call.namespace.path))
}

async fn config(call: &Call<'_>, operation: Operation) -> Result<Answer, Error> {
    match operation {
        Operation::Read => Ok(Answer::json(json!({ "issuer": issuer_setting(call).await? }))),
        Operation::Update => {
            let Some(issuer) = call.request.fields().text("issuer")? else { return Ok(Answer::empty()) };
            let host = issuer.strip_prefix("https://").or_else(|| issuer.strip_prefix("http://")).unwrap_or_default();
            let is_host = !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ']);
            if !issuer.is_empty() && !is_host {
                return Err(Error::invalid(
                    "invalid issuer, which must include only a scheme, host, and optional port (e.g. https://example.com:8200)",
                ));
            }
            call.core.storage().put_json(&format!("identity/oidc/config/{}", call.namespace.id), &issuer).await?;
            if issuer.is_empty() {
                return Ok(Answer::empty());
            }
            Ok(Answer::empty().warn(
                "If \"issuer\" is set explicitly, all tokens must be validated against that address. Setting issuer to \"\" \
                 will restore the default behavior of using the cluster's api_addr as the issuer.",
            ))
        }
        _ => Err(Error::UnsupportedOperation),
    }
}

/// A document as it is, not within `data`.
fn document(value: &Value) -> Answer {
    let raw = Raw { status: 200, content_type: "application/json".to_owned(), body: value.to_string().into_bytes() };
    Response { raw: Some(raw), ..Response::default() }.into()
}

async fn discovery(call: &Call<'_>) -> Result<Answer, Error> {
    let issuer = issuer(call).await?;
    Ok(document(&json!({
        "issuer": issuer,
        "jwks_uri": format!("{issuer}/.well-known/keys"),
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": signing::ALGORITHMS,
    })))
}

/// The public keys of all named keys that a role uses, also of those that only verify still.
async fn public_keys(call: &Call<'_>) -> Result<Value, Error> {
    let storage = call.core.storage();
    let mut keys = Vec::new();
    for row in storage.scan(&prefix(call.namespace, "key"), "", usize::MAX).await? {
        let Some(key) = storage.get_json::<NamedKey>(&row).await? else { continue };
        keys.extend(key.public(call.request.now));
    }
    Ok(json!({ "keys": keys }))
}

async fn keys(call: &Call<'_>) -> Result<Answer, Error> {
    Ok(document(&public_keys(call).await?))
}

impl Core {
    /// Rotates named keys whose time has come.
    pub(crate) async fn rotate_oidc_keys(&self, state: &State, now: Timestamp) -> Result<(), Error> {
        for namespace in state.router.namespaces() {
            for row in self.storage().scan(&prefix(namespace, "key"), "", usize::MAX).await? {
                let Some((key, version)) = self.storage().get_json_at::<NamedKey>(&row).await? else { continue };
                if key.is_due(now) {
                    let key = key.rotated(None, now)?;
                    match key::store(self, &row, &key, Some(version)).await {
                        // Another node did it.
                        Err(Error::Conflict) => {}
                        other => other?,
                    }
                }
            }
        }
        Ok(())
    }
}
