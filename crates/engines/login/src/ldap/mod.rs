//! Users of a directory.
//!
//! Rows: `config`; `user/<name>` and `group/<name>` with the policies of users and groups.

mod config;
mod directory;
mod login;
mod names;

use crate::path::retry;
use crate::token::{policies_changed, same_policies, sanitize_policies};
use config::Config;
pub use directory::{
    Asking, Directory, DirectoryEntry, DirectoryError, DirectorySearch, DirectoryServer, DirectorySession, Scope,
};
use logical::{
    Alias, Auth, Backend, Batch, Context, Error, Grant, Operation, Pending, Request, Response, SpecialPaths, StorageExt,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use zeroize::Zeroizing;

const MAX_NAME_BYTES: usize = 512;

/// The auth method `ldap`.
pub struct Ldap {
    directory: Arc<dyn Directory>,
}

/// What is kept of a user or of a group; groups are in no others.
#[derive(Default, Serialize, Deserialize)]
struct Member {
    policies: Vec<String>,
    groups: Vec<String>,
}

/// A login, and what there is to say of it.
struct Login {
    alias: String,
    policies: Vec<String>,
    groups: Vec<String>,
    warning: Option<String>,
}

impl Ldap {
    /// It reaches directories by this.
    pub fn new(directory: Arc<dyn Directory>) -> Self {
        Self { directory }
    }

    async fn config(&self, context: Context<'_>, request: &Request) -> Result<Response, Error> {
        match request.operation {
            Operation::Read => Ok(loaded(context).await?.show()),
            Operation::Create | Operation::Update => retry(|| Box::pin(write_config(context, request))).await,
            _ => Err(Error::UnsupportedOperation),
        }
    }

    async fn login(&self, context: Context<'_>, request: &Request, name: &str) -> Result<Response, Error> {
        let config = loaded(context).await?;
        config.token.admit(&request.connection)?;
        let username = user_name(&config, name)?;
        let password = Zeroizing::new(request.fields().text("password")?.unwrap_or_default());
        let login = self.authenticate(context, &config, &username, &password).await?;
        let mut auth = config.token.auth(request)?;
        auth.policies = login.policies;
        auth.display_name.clone_from(&username);
        auth.metadata.insert("username".to_owned(), username.clone());
        auth.internal.insert("username".to_owned(), username.clone().into());
        auth.internal.insert("password".to_owned(), password.as_str().into());
        let mut alias = Alias { name: login.alias, ..Alias::default() };
        alias.metadata.insert("name".to_owned(), username);
        auth.alias = Some(alias);
        auth.group_aliases = aliases(login.groups);
        let warnings = login.warning.into_iter().collect();
        Ok(Response { auth: Some(auth), warnings, ..Response::default() })
    }

    async fn authenticate(
        &self,
        context: Context<'_>,
        config: &Config,
        username: &str,
        password: &str,
    ) -> Result<Login, Error> {
        let found = login::authenticate(&*self.directory, config, username, password).await?;
        let warning = found.groups.is_empty().then(|| {
            let base = config.text("groupdn");
            format!("no LDAP groups found in groupDN {base:?}; only policies from locally-defined groups available")
        });
        let user: Option<Member> = context.storage.get_json(&row("user", &config.fold(username))).await?;
        let user = user.unwrap_or_default();
        let all: BTreeSet<String> = user.groups.iter().cloned().chain(found.groups).collect();
        let mut policies = config.token.policies.clone();
        for group in &all {
            let Ok(group) = member_name(config, group) else { continue };
            let group: Option<Member> = context.storage.get_json(&row("group", &group)).await?;
            policies.extend(group.unwrap_or_default().policies);
        }
        policies.extend(user.policies);
        let policies = sanitize_policies(policies);
        Ok(Login { alias: found.alias, policies, groups: all.into_iter().collect(), warning })
    }

    async fn member(&self, context: Context<'_>, request: &Request, kind: &str, name: &str) -> Result<Response, Error> {
        let config = loaded(context).await?;
        let row = row(kind, &member_name(&config, name)?);
        match request.operation {
            Operation::Read => {
                let member: Member = context.storage.get_json(&row).await?.ok_or(Error::NotFound)?;
                Ok(Response::json(match kind {
                    "user" => json!({"policies": member.policies, "groups": member.groups.join(",")}),
                    _ => json!({"policies": member.policies}),
                }))
            }
            Operation::Create | Operation::Update => {
                let fields = request.fields();
                let groups = match kind {
                    "user" => fields.list("groups")?.unwrap_or_default(),
                    _ => Vec::new(),
                };
                let groups: BTreeSet<String> = groups.iter().map(|group| config.fold(group)).collect();
                let policies = sanitize_policies(fields.list("policies")?.unwrap_or_default());
                let member = Member { policies, groups: groups.into_iter().collect() };
                context.storage.put_json(&row, &member).await?;
                Ok(Response::empty())
            }
            Operation::Delete => {
                context.storage.delete(&row).await?;
                Ok(Response::empty())
            }
            _ => Err(Error::UnsupportedOperation),
        }
    }
}

impl Backend for Ldap {
    fn handle<'a>(&'a self, context: Context<'a>, request: &'a Request) -> Pending<'a, Response> {
        Box::pin(async move {
            let path = request.path.strip_suffix('/').unwrap_or(&request.path);
            match path.split_once('/') {
                None => match path {
                    "config" => self.config(context, request).await,
                    "users" => list(context, request, "user/").await,
                    "groups" => list(context, request, "group/").await,
                    _ => Err(Error::UnsupportedPath),
                },
                Some(("users", name)) => self.member(context, request, "user", name).await,
                Some(("groups", name)) => self.member(context, request, "group", name).await,
                Some(("login", name)) if request.operation.is_write() => self.login(context, request, name).await,
                Some(("login", _)) => Err(Error::UnsupportedOperation),
                _ => Err(Error::UnsupportedPath),
            }
        })
    }

    fn special_paths(&self) -> SpecialPaths {
        SpecialPaths { unauthenticated: vec!["login/*"], root: Vec::new() }
    }

    fn renew_login<'a>(&'a self, context: Context<'a>, auth: &'a Auth, _grant: Grant<'a>) -> Pending<'a, Auth> {
        Box::pin(async move {
            let text = |name: &str| auth.internal.get(name).and_then(Value::as_str).unwrap_or_default();
            let config = loaded(context).await?;
            let login = self.authenticate(context, &config, text("username"), text("password")).await?;
            if !same_policies(&login.policies, &auth.policies) {
                return Err(policies_changed());
            }
            Ok(Auth { group_aliases: aliases(login.groups), ..config.token.lifetimes(auth) })
        })
    }

    fn login_alias(&self, request: &Request) -> Option<String> {
        let name = request.path.strip_prefix("login/")?;
        let name = name.strip_suffix('/').unwrap_or(name).trim().to_lowercase();
        Some(name).filter(|name| !name.is_empty())
    }
}

async fn loaded(context: Context<'_>) -> Result<Config, Error> {
    Ok(context.storage.get_json(config::ROW).await?.unwrap_or_default())
}

async fn write_config(context: Context<'_>, request: &Request) -> Result<Response, Error> {
    let found: Option<(Config, u64)> = context.storage.get_json_at(config::ROW).await?;
    let version = found.as_ref().map(|(_, version)| *version);
    let mut config = found.map(|(config, _)| config).unwrap_or_default();
    config.read(request.fields())?;
    let mut batch = Batch::new();
    batch.require(config::ROW, version).put_json(config::ROW, &config)?;
    context.storage.commit(batch).await?;
    Ok(config.warn_of_filter(Response::empty()))
}

fn row(kind: &str, name: &str) -> String {
    format!("{kind}/{name}")
}

fn aliases(groups: Vec<String>) -> Vec<Alias> {
    groups.into_iter().map(|name| Alias { name, ..Alias::default() }).collect()
}

/// A user's name as it is used everywhere. Directories pass over spaces at its ends, so they must not make another user.
fn user_name(config: &Config, name: &str) -> Result<String, Error> {
    let name = config.fold(name.trim());
    if name.is_empty() || name.len() > MAX_NAME_BYTES {
        return Err(Error::invalid("missing username"));
    }
    Ok(name)
}

/// A name that may stand in a row's key.
fn member_name(config: &Config, name: &str) -> Result<String, Error> {
    let name = config.fold(name);
    let odd = name.split('/').any(|part| part.is_empty() || part == "." || part == "..");
    if odd || name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control) {
        return Err(Error::UnsupportedPath);
    }
    Ok(name)
}

/// All names, also those with slashes.
async fn list(context: Context<'_>, request: &Request, prefix: &str) -> Result<Response, Error> {
    if request.operation != Operation::List {
        return Err(Error::UnsupportedOperation);
    }
    let (after, limit) = request.page()?;
    let after = if after.is_empty() { String::new() } else { format!("{prefix}{after}") };
    let keys = context.storage.scan(prefix, &after, limit).await?;
    let names = keys.iter().filter_map(|key| key.strip_prefix(prefix)).map(str::to_owned);
    Ok(Response::keys(names.collect()))
}

#[cfg(test)]
mod tests;
