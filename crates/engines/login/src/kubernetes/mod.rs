//! Service accounts of a Kubernetes cluster; a mount for each cluster.
//!
//! A token is reviewed by the cluster (`TokenReview`), or, with `jwks_url`, verified here with the cluster's published keys, so
//! that a cluster far away is asked nothing at a login.
//!
//! Rows: `config`; `role/<name>`.

mod account;
mod config;
mod review;
mod role;

use crate::fetch::Fetch;
use crate::jwt::{Expected, Leeways, Times};
use crate::keys::Keys;
use crate::path;
use account::ServiceAccount;
use config::Config;
use jose::{Algorithm, Jws, JwsError};
use logical::{
    Alias, Auth, Backend, Context, Error, Grant, Operation, Pending, Request, Response, SpecialPaths, StorageExt,
};
use role::Role;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What a pod has of its own cluster, where the server runs in one.
pub trait Pod: Send + Sync {
    /// The token of its service account.
    fn token(&self) -> Option<Zeroizing<String>>;

    /// The cluster's authorities in PEM.
    fn authorities(&self) -> Option<String>;
}

/// The server runs in no pod.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoPod;

impl Pod for NoPod {
    fn token(&self) -> Option<Zeroizing<String>> {
        None
    }

    fn authorities(&self) -> Option<String> {
        None
    }
}

/// The auth method `kubernetes`.
pub struct Kubernetes {
    fetch: Arc<dyn Fetch>,
    pod: Arc<dyn Pod>,
    keys: Keys,
}

impl Kubernetes {
    /// It asks clusters by this, and takes what a configuration leaves out from the pod.
    pub fn new(fetch: Arc<dyn Fetch>, pod: Arc<dyn Pod>) -> Self {
        Self { fetch, pod, keys: Keys::default() }
    }

    async fn login(&self, context: Context<'_>, request: &Request) -> Result<Response, Error> {
        let fields = request.fields();
        let name = fields.required("role")?.to_lowercase();
        let token = Zeroizing::new(fields.required("jwt")?);
        let role: Option<Role> = match path::name(&name) {
            Ok(name) => context.storage.get_json(&path::role_row(name)).await?,
            Err(_) => None,
        };
        let role = role.ok_or_else(|| Error::invalid(format!("invalid role name {name:?}")))?;
        role.token.admit(&request.connection)?;
        let config: Option<Config> = context.storage.get_json(config::ROW).await?;
        let config = config.ok_or_else(|| Error::invalid("could not load backend configuration"))?;
        let cluster = config.cluster(&*self.pod);

        let jws = Jws::parse(&token).map_err(|_| Error::Denied)?;
        let verified = self.verify(&config, &jws, request.now).await?;
        let because = |error: &dyn std::fmt::Display| Error::DeniedBecause(error.to_string());
        let expected = Expected {
            issuer: config.expected_issuer(),
            subject: "",
            audiences: role.audiences(),
            algorithms: &Algorithm::ALL,
            times: if config.reviews() { Times::Optional } else { Times::Required },
            leeways: Leeways::default(),
        };
        expected.check(&jws, request.now).map_err(|error| because(&error))?;
        let account = ServiceAccount::read(jws.claims()).map_err(|error| because(&error))?;
        role.check_name(&account)?;
        if config.reviews() {
            let audiences = match role.audiences() {
                [] => jws.audiences().unwrap_or_default().into_iter().map(str::to_owned).collect(),
                wanted => wanted.to_vec(),
            };
            let reviewed =
                review::review(&*self.fetch, &cluster, &token, &audiences).await.map_err(|_| Error::Denied)?;
            account.check_same(&reviewed).map_err(|_| Error::Denied)?;
        } else if !verified || !account.is_subject_of(jws.claims()) || jws.time("exp").ok().flatten().is_none() {
            // Nobody else is asked whether the token is still good, so it must itself say until when.
            return Err(Error::Denied);
        }
        role.check_namespace(&*self.fetch, &cluster, &account.namespace).await?;
        let auth = login_of(&role, name, &account, request)?;
        Ok(Response { auth: Some(auth), ..Response::default() })
    }

    /// Whether there are keys, with which the token was verified.
    async fn verify(&self, config: &Config, jws: &Jws, now: jiff::Timestamp) -> Result<bool, Error> {
        let Some(source) = config.source() else { return Ok(false) };
        let keys = self.keys.of(&*self.fetch, &source, jws, now).await;
        let keys = keys.map_err(|error| Error::Status(503, format!("the cluster's keys can't be had: {error}")))?;
        match jws.verify(&keys) {
            Ok(()) => Ok(true),
            Err(JwsError::UnknownKey | JwsError::Signature) => Err(Error::Denied),
            Err(error) => Err(Error::DeniedBecause(error.to_string())),
        }
    }
}

fn login_of(role: &Role, name: String, account: &ServiceAccount, request: &Request) -> Result<Auth, Error> {
    let mut metadata = BTreeMap::from([
        ("service_account_uid".to_owned(), account.uid.clone()),
        ("service_account_name".to_owned(), account.name.clone()),
        ("service_account_namespace".to_owned(), account.namespace.clone()),
        ("service_account_secret_name".to_owned(), account.secret_name.clone()),
    ]);
    let mut auth = role.token.auth(request)?;
    auth.alias = Some(Alias { name: role.alias_of(account), metadata: metadata.clone() });
    auth.internal.insert("role".to_owned(), name.clone().into());
    metadata.insert("role".to_owned(), name);
    auth.metadata = metadata;
    auth.display_name = format!("{}-{}", account.namespace, account.name);
    Ok(auth)
}

impl Backend for Kubernetes {
    fn handle<'a>(&'a self, context: Context<'a>, request: &'a Request) -> Pending<'a, Response> {
        Box::pin(async move {
            match path::segments(request).as_slice() {
                ["config"] => config::handle(context, request).await,
                ["login"] if request.operation.is_write() => self.login(context, request).await,
                ["login"] => Err(Error::UnsupportedOperation),
                ["role"] if request.operation == Operation::List => path::list(context, request, "role/").await,
                ["role"] => Err(Error::UnsupportedOperation),
                ["role", name] => role::handle(context, request, &path::name(name)?.to_lowercase()).await,
                _ => Err(Error::UnsupportedPath),
            }
        })
    }

    fn special_paths(&self) -> SpecialPaths {
        SpecialPaths { unauthenticated: vec!["login"], root: Vec::new() }
    }

    fn exists<'a>(&'a self, context: Context<'a>, request: &'a Request) -> Pending<'a, Option<bool>> {
        Box::pin(path::role_exists(context, request))
    }

    fn renew_login<'a>(&'a self, context: Context<'a>, auth: &'a Auth, _grant: Grant<'a>) -> Pending<'a, Auth> {
        Box::pin(async move {
            let name = auth.internal.get("role").and_then(Value::as_str).unwrap_or_default();
            let role: Option<Role> = context.storage.get_json(&path::role_row(name)).await?;
            let role = role.ok_or_else(|| Error::invalid(format!("role {name} does not exist during renewal")))?;
            Ok(role.token.lifetimes(auth))
        })
    }
}

#[cfg(test)]
mod tests;
