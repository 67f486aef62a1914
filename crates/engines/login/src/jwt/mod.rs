//! Tokens of OpenID issuers: a token that the client has (`login`), or one that it gets of its provider in a browser
//! (`oidc/...`).
//!
//! Rows: `config`; `role/<name>`; `state/<hash>` for each login that is under way in a browser, and
//! `expiry/<second>/<hash>` for when it is given up.

mod claims;
mod config;
mod oidc;
mod pages;
mod provider;
mod role;
mod validate;

use crate::fetch::Fetch;
use crate::keys::Keys;
use crate::path;
use config::Config;
use jose::Jws;
use logical::{Auth, Backend, Context, Error, Grant, Operation, Pending, Request, Response, SpecialPaths, StorageExt};
use provider::Providers;
use role::Role;
use serde_json::Value;
use std::sync::Arc;
pub(crate) use validate::{Expected, Leeways, Times};

/// The auth methods `jwt` and `oidc`, which are one.
pub struct Jwt {
    fetch: Arc<dyn Fetch>,
    keys: Keys,
    providers: Providers,
}

impl Jwt {
    /// It asks issuers by this.
    pub fn new(fetch: Arc<dyn Fetch>) -> Self {
        Self { fetch, keys: Keys::default(), providers: Providers::default() }
    }

    async fn config(&self, context: Context<'_>, request: &Request) -> Result<Response, Error> {
        match request.operation {
            Operation::Read => {
                let config: Config = context.storage.get_json(config::ROW).await?.ok_or(Error::NotFound)?;
                Ok(config.show())
            }
            Operation::Create | Operation::Update => {
                let found: Option<Config> = context.storage.get_json(config::ROW).await?;
                let config = Config::read(request.fields(), found.as_ref())?;
                let response = config.check(&*self.fetch, request.fields()).await?;
                context.storage.put_json(config::ROW, &config).await?;
                Ok(response)
            }
            _ => Err(Error::UnsupportedOperation),
        }
    }

    async fn login(&self, context: Context<'_>, request: &Request) -> Result<Response, Error> {
        let config = loaded(context).await?;
        let fields = request.fields();
        let (name, role) = named_role(context, request, &config).await?;
        if role.is_oidc() {
            return Err(Error::invalid("role with oidc role_type is not allowed"));
        }
        let token = fields.text("jwt")?.unwrap_or_default();
        if token.is_empty() {
            return Err(Error::invalid("missing token"));
        }
        role.token.admit(&request.connection)?;
        let failed = |error: &dyn std::fmt::Display| Error::invalid(format!("error validating token: {error}"));
        let jws = Jws::parse(&token).map_err(|error| failed(&error))?;
        let source = config.source().ok_or_else(|| Error::invalid("error configuring token validator"))?;
        let keys = self.keys.of(&*self.fetch, &source, &jws, request.now).await;
        let keys = keys.map_err(|error| failed(&format!("error verifying token signature: {error}")))?;
        jws.verify(&keys).map_err(|error| failed(&format!("error verifying token signature: {error}")))?;
        let expected = Expected {
            issuer: &config.bound_issuer,
            subject: &role.bound_subject,
            audiences: role.bound_audiences.as_deref().unwrap_or_default(),
            algorithms: &config.algorithms(),
            times: Times::Required,
            leeways: role.leeways(),
        };
        expected.check(&jws, request.now).map_err(|error| failed(&error))?;
        if expected.audiences.is_empty() && jws.audiences().is_ok_and(|audiences| !audiences.is_empty()) {
            return Err(Error::invalid("audience claim found in JWT but no audiences bound to the role"));
        }
        let auth = role.auth(request, &name, jws.claims())?;
        Ok(Response { auth: Some(auth), ..Response::default() })
    }
}

impl Backend for Jwt {
    fn handle<'a>(&'a self, context: Context<'a>, request: &'a Request) -> Pending<'a, Response> {
        Box::pin(async move {
            match path::segments(request).as_slice() {
                ["config"] => self.config(context, request).await,
                ["login"] if request.operation.is_write() => self.login(context, request).await,
                ["role"] => path::list(context, request, "role/").await,
                ["role", name] => role::handle(context, request, &path::name(name)?.to_lowercase()).await,
                ["oidc", "auth_url"] if request.operation.is_write() => self.auth_url(context, request).await,
                ["oidc", "callback"] if request.operation == Operation::Read => self.callback(context, request).await,
                ["oidc", "callback"] if request.operation.is_write() => self.form_post(context, request).await,
                ["oidc", "poll"] if request.operation.is_write() => self.poll(context, request).await,
                ["login"] | ["oidc", "auth_url" | "callback" | "poll"] => Err(Error::UnsupportedOperation),
                _ => Err(Error::UnsupportedPath),
            }
        })
    }

    fn special_paths(&self) -> SpecialPaths {
        let unauthenticated = vec!["login", "oidc/auth_url", "oidc/callback", "oidc/poll"];
        SpecialPaths { unauthenticated, root: Vec::new() }
    }

    fn exists<'a>(&'a self, context: Context<'a>, request: &'a Request) -> Pending<'a, Option<bool>> {
        Box::pin(path::role_exists(context, request))
    }

    fn renew_login<'a>(&'a self, context: Context<'a>, auth: &'a Auth, _grant: Grant<'a>) -> Pending<'a, Auth> {
        Box::pin(async move {
            let name = auth.internal.get("role").and_then(Value::as_str).unwrap_or_default();
            let role: Option<Role> = context.storage.get_json(&role::row(name)).await?;
            let role = role.ok_or_else(|| Error::invalid(format!("role {name} does not exist during renewal")))?;
            Ok(role.token.lifetimes(auth))
        })
    }

    fn periodic<'a>(&'a self, context: Context<'a>, now: jiff::Timestamp) -> Pending<'a, ()> {
        Box::pin(oidc::tidy(context, now))
    }
}

async fn loaded(context: Context<'_>) -> Result<Config, Error> {
    let config = context.storage.get_json(config::ROW).await?;
    config.ok_or_else(|| Error::invalid("could not load configuration"))
}

/// The role that a login names, or the default one.
async fn named_role(context: Context<'_>, request: &Request, config: &Config) -> Result<(String, Role), Error> {
    let name = request.fields().text("role")?.filter(|name| !name.is_empty());
    let name = name.unwrap_or_else(|| config.default_role.clone()).to_lowercase();
    if name.is_empty() {
        return Err(Error::invalid("missing role"));
    }
    let role: Option<Role> = match path::name(&name) {
        Ok(name) => context.storage.get_json(&role::row(name)).await?,
        Err(_) => None,
    };
    let role = role.ok_or_else(|| Error::invalid(format!("role {name:?} could not be found")))?;
    Ok((name, role))
}

#[cfg(test)]
mod tests;
