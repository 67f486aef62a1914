//! AppRole: a role ID, which is no secret, and secret IDs, each with its own uses, lifetime and addresses.
//!
//! Rows: `role/<name>`; `role-id/<hash>` with the role's name; for each secret ID `secret/<key>/<hmac>`,
//! `accessor/<key>/<accessor>` and, if it ends, `expiry/<second>/<key>/<hmac>`, where the key is the role's own; and
//! `gone/<key>` while the secret IDs of a deleted role are deleted.

mod login;
mod parameters;
mod role;
mod secret_id;
mod tidy;

use crate::path;
use logical::{Auth, Backend, Context, Error, Grant, Operation, Pending, Request, Response, SpecialPaths, StorageExt};
use role::Role;

/// The auth method `approle`.
#[derive(Default)]
pub struct AppRole;

impl AppRole {
    /// It keeps nothing.
    pub fn new() -> Self {
        Self
    }
}

impl Backend for AppRole {
    fn handle<'a>(&'a self, context: Context<'a>, request: &'a Request) -> Pending<'a, Response> {
        Box::pin(async move {
            let segments = path::segments(request);
            let (&first, rest) = segments.split_first().ok_or(Error::UnsupportedPath)?;
            match (first, rest) {
                ("login", []) => only_update(request, login::login(context, request)).await,
                ("tidy", ["secret-id"]) => only_update(request, tidy::on_demand(context, request.now)).await,
                ("role", []) => path::list(context, request, "role/").await,
                ("role", [name]) => role::handle(context, request, &role_name(name)?).await,
                ("role", [name, rest @ ..]) => of_role(context, request, &role_name(name)?, rest).await,
                _ => Err(Error::UnsupportedPath),
            }
        })
    }

    fn special_paths(&self) -> SpecialPaths {
        SpecialPaths { unauthenticated: vec!["login"], root: Vec::new() }
    }

    fn exists<'a>(&'a self, context: Context<'a>, request: &'a Request) -> Pending<'a, Option<bool>> {
        Box::pin(async move {
            let segments = path::segments(request);
            let ["role", name] = segments.as_slice() else { return Ok(None) };
            let Ok(name) = role_name(name) else { return Ok(None) };
            Ok(Some(context.storage.get(&role::row(&name)).await?.is_some()))
        })
    }

    fn renew_login<'a>(&'a self, context: Context<'a>, auth: &'a Auth, _grant: Grant<'a>) -> Pending<'a, Auth> {
        Box::pin(async move {
            let name = auth.internal.get("role_name").and_then(serde_json::Value::as_str).unwrap_or_default();
            let role: Option<Role> = context.storage.get_json(&role::row(name)).await?;
            let role = role.ok_or_else(|| Error::invalid(format!("role {name:?} does not exist during renewal")))?;
            Ok(role.token.lifetimes(auth))
        })
    }

    fn login_alias(&self, request: &Request) -> Option<String> {
        let role_id = request.fields().text("role_id").ok().flatten()?;
        Some(role_id.trim().to_owned()).filter(|role_id| !role_id.is_empty())
    }

    fn periodic<'a>(&'a self, context: Context<'a>, now: jiff::Timestamp) -> Pending<'a, ()> {
        Box::pin(tidy::tidy(context, now))
    }
}

async fn of_role(context: Context<'_>, request: &Request, name: &str, rest: &[&str]) -> Result<Response, Error> {
    let destroys = request.operation.is_write() || request.operation == Operation::Delete;
    match rest {
        ["secret-id"] if request.operation == Operation::List => secret_id::list(context, request, name).await,
        ["secret-id"] => only_update(request, secret_id::generate(context, request, name)).await,
        ["custom-secret-id"] => only_update(request, secret_id::register(context, request, name)).await,
        ["secret-id", "lookup"] => only_update(request, secret_id::look_up(context, request, name)).await,
        ["secret-id", "destroy"] if destroys => secret_id::destroy(context, request, name).await,
        ["secret-id-accessor", "lookup"] => {
            only_update(request, secret_id::look_up_accessor(context, request, name)).await
        }
        ["secret-id-accessor", "destroy"] if destroys => secret_id::destroy_accessor(context, request, name).await,
        ["secret-id" | "secret-id-accessor", "destroy"] => Err(Error::UnsupportedOperation),
        [parameter] => parameters::handle(context, request, name, parameter).await,
        _ => Err(Error::UnsupportedPath),
    }
}

/// Names of roles are the same in large and small letters.
fn role_name(text: &str) -> Result<String, Error> {
    path::name(text).map(str::to_lowercase)
}

async fn only_update(
    request: &Request,
    answer: impl Future<Output = Result<Response, Error>> + Send,
) -> Result<Response, Error> {
    if request.operation.is_write() { answer.await } else { Err(Error::UnsupportedOperation) }
}

#[cfg(test)]
mod tests;
