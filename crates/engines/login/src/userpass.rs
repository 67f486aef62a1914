//! Users with passwords. Rows: `user/<name>`.

use crate::path::{self, retry};
use crate::token::{TokenParams, sanitize_policies};
use crate::workers::Workers;
use logical::{
    Alias, Auth, Backend, Batch, Context, Error, Fields, Grant, Map, Operation, Pending, Request, Response,
    SpecialPaths, StorageExt,
};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, PoisonError};
use zeroize::Zeroizing;

const LEGACY: &[&str] = &["policies", "ttl", "max_ttl", "bound_cidrs"];
/// Of our own hashes, and the least and most of those that are given.
const COST: u32 = 10;
const MIN_COST: u32 = 5;
const MAX_COST: u32 = 12;
/// Compared with where there is no user, so that it takes as long as where there is one. No password has it: its salt and
/// hash are zero.
const NOBODY: &str = "$2b$10$.....................................................";

/// The auth method `userpass`.
pub struct UserPass {
    workers: Arc<dyn Workers>,
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct User {
    token: TokenParams,
    hash: String,
}

impl UserPass {
    /// Passwords are hashed by these workers.
    pub fn new(workers: Arc<dyn Workers>) -> Self {
        Self { workers }
    }

    async fn login(&self, context: Context<'_>, request: &Request, name: &str) -> Result<Response, Error> {
        let password = Zeroizing::new(request.fields().text("password")?.unwrap_or_default());
        if password.is_empty() {
            return Err(Error::invalid("missing password"));
        }
        let user: Option<User> = context.storage.get_json(&row(name)).await?;
        let hash = user.as_ref().map_or_else(|| NOBODY.to_owned(), |user| user.hash.clone());
        let matches = self.verify(password, hash).await?;
        let user = user.filter(|_| matches).ok_or_else(|| Error::invalid("invalid username or password"))?;
        user.token.admit(&request.connection)?;
        let mut auth = user.token.auth(request)?;
        auth.display_name = name.to_owned();
        auth.metadata.insert("username".to_owned(), name.to_owned());
        auth.internal.insert("username".to_owned(), name.into());
        auth.alias = Some(Alias { name: name.to_owned(), ..Alias::default() });
        Ok(Response { auth: Some(auth), ..Response::default() })
    }

    async fn verify(&self, password: Zeroizing<String>, hash: String) -> Result<bool, Error> {
        // A longer one is none of ours: passwords of more than 72 bytes can't be set.
        self.hashed(move || bcrypt::verify(password.as_bytes(), &hash).unwrap_or(false)).await
    }

    async fn hashed<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let done = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&done);
        let job = move || *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(work());
        self.workers.run(Box::new(job)).await?;
        let done = done.lock().unwrap_or_else(PoisonError::into_inner).take();
        done.ok_or_else(|| Error::internal("a password was not hashed"))
    }

    /// The hash that a request gives, or makes of the password that it gives.
    async fn new_hash(&self, fields: Fields<'_>) -> Result<String, Error> {
        let password = Zeroizing::new(fields.text("password")?.unwrap_or_default());
        let hash = fields.text("password_hash")?.unwrap_or_default();
        match (password.is_empty(), hash.is_empty()) {
            (false, false) => Err(Error::invalid("only one of password or password_hash may be provided")),
            (true, true) => Err(Error::invalid("must provide either password or password_hash")),
            (false, true) if password.len() > 72 => Err(Error::invalid("bcrypt: password length exceeds 72 bytes")),
            (false, true) => {
                self.hashed(move || bcrypt::hash(password.as_bytes(), COST)).await?.map_err(Error::internal)
            }
            (true, false) => {
                let parts: bcrypt::HashParts =
                    hash.parse().map_err(|_| Error::invalid("password_hash is not a valid bcrypt hash"))?;
                match parts.get_cost() {
                    cost if cost < MIN_COST => {
                        Err(Error::invalid(format!("bcrypt cost of {cost} is too low, want {MIN_COST} at minimum")))
                    }
                    cost if cost > MAX_COST => {
                        Err(Error::invalid(format!("bcrypt cost of {cost} exceeds maximum cost of {MAX_COST}")))
                    }
                    _ => Ok(hash),
                }
            }
        }
    }

    async fn user(&self, context: Context<'_>, request: &Request, name: &str) -> Result<Response, Error> {
        match request.operation {
            Operation::Read => {
                let user: User = context.storage.get_json(&row(name)).await?.ok_or(Error::NotFound)?;
                let mut data = Map::new();
                user.token.show(&mut data);
                Ok(Response::json(data.into()))
            }
            Operation::Create | Operation::Update => {
                let fields = request.fields();
                let given = ["password", "password_hash"]
                    .iter()
                    .any(|name| fields.text(name).is_ok_and(|text| text.is_some_and(|text| !text.is_empty())));
                let hash = if given { Some(self.new_hash(fields).await?) } else { None };
                let change = |user: Option<User>| {
                    let new = user.is_none();
                    let mut user = user.unwrap_or_default();
                    match &hash {
                        Some(hash) => user.hash.clone_from(hash),
                        None if new => {
                            return Err(Error::invalid("must provide either password or password_hash"));
                        }
                        None => {}
                    }
                    user.token.read(fields, LEGACY)?;
                    Ok(user)
                };
                retry(|| Box::pin(modify(context, name, &change))).await
            }
            Operation::Delete => {
                context.storage.delete(&row(name)).await?;
                Ok(Response::empty())
            }
            _ => Err(Error::UnsupportedOperation),
        }
    }

    async fn parameter(
        &self,
        context: Context<'_>,
        request: &Request,
        name: &str,
        parameter: &str,
    ) -> Result<Response, Error> {
        if !request.operation.is_write() {
            return Err(Error::UnsupportedOperation);
        }
        let fields = request.fields();
        let missing = || Error::invalid("username does not exist");
        if parameter == "password" {
            let hash = self.new_hash(fields).await?;
            let change = |user: Option<User>| Ok(User { hash: hash.clone(), ..user.ok_or_else(missing)? });
            return retry(|| Box::pin(modify(context, name, &change))).await;
        }
        let change = |user: Option<User>| {
            let mut user = user.ok_or_else(missing)?;
            let names = ["token_policies", "policies"].iter();
            let given = names.filter_map(|name| Some(((*name).to_owned(), fields.raw(name)?.clone()))).collect();
            user.token.read(Fields::new(&given), LEGACY)?;
            user.token.policies = sanitize_policies(user.token.policies);
            Ok(user)
        };
        retry(|| Box::pin(modify(context, name, &change))).await
    }
}

impl Backend for UserPass {
    fn handle<'a>(&'a self, context: Context<'a>, request: &'a Request) -> Pending<'a, Response> {
        Box::pin(async move {
            match path::segments(request).as_slice() {
                ["users"] => path::list(context, request, "user/").await,
                ["users", name] => self.user(context, request, &user_name(name)?).await,
                ["users", name, parameter @ ("password" | "policies")] => {
                    self.parameter(context, request, &user_name(name)?, parameter).await
                }
                ["login", name] if request.operation.is_write() => {
                    self.login(context, request, &user_name(name)?).await
                }
                ["login", _] => Err(Error::UnsupportedOperation),
                _ => Err(Error::UnsupportedPath),
            }
        })
    }

    fn special_paths(&self) -> SpecialPaths {
        SpecialPaths { unauthenticated: vec!["login/*"], root: Vec::new() }
    }

    fn exists<'a>(&'a self, context: Context<'a>, request: &'a Request) -> Pending<'a, Option<bool>> {
        Box::pin(async move {
            let segments = path::segments(request);
            let ["users", name] = segments.as_slice() else { return Ok(None) };
            let Ok(name) = user_name(name) else { return Ok(None) };
            Ok(Some(context.storage.get(&row(&name)).await?.is_some()))
        })
    }

    fn renew_login<'a>(&'a self, context: Context<'a>, auth: &'a Auth, _grant: Grant<'a>) -> Pending<'a, Auth> {
        Box::pin(async move {
            let name = auth.internal.get("username").and_then(serde_json::Value::as_str).unwrap_or_default();
            let user: Option<User> = context.storage.get_json(&row(name)).await?;
            user.ok_or_else(|| Error::invalid("user no longer exists, not renewing"))?.token.renew(auth)
        })
    }

    fn login_alias(&self, request: &Request) -> Option<String> {
        let segments = path::segments(request);
        let ["login", name] = segments.as_slice() else { return None };
        user_name(name).ok()
    }
}

fn row(name: &str) -> String {
    format!("user/{name}")
}

/// Large and small letters are the same, also for lockout.
fn user_name(text: &str) -> Result<String, Error> {
    path::name(text).map(str::to_lowercase)
}

async fn modify(
    context: Context<'_>,
    name: &str,
    change: &(dyn Fn(Option<User>) -> Result<User, Error> + Sync),
) -> Result<Response, Error> {
    let found: Option<(User, u64)> = context.storage.get_json_at(&row(name)).await?;
    let version = found.as_ref().map(|(_, version)| *version);
    let user = change(found.map(|(user, _)| user))?;
    let mut batch = Batch::new();
    batch.require(row(name), version).put_json(row(name), &user)?;
    context.storage.commit(batch).await?;
    Ok(Response::empty())
}

#[cfg(test)]
mod tests;
