//! Roles: which service accounts get which tokens.

use super::account::ServiceAccount;
use super::config::Cluster;
use super::review;
use crate::fetch::Fetch;
use crate::glob;
use crate::path::{retry, role_row};
use crate::token::TokenParams;
use logical::{Batch, Context, Error, Fields, Map, Operation, Request, Response, StorageExt, format_duration};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

const LEGACY: &[&str] = &["policies", "ttl", "max_ttl", "period", "bound_cidrs", "num_uses"];
const MAX_SELECTOR_BYTES: usize = 16 * 1024;
const UID: &str = "serviceaccount_uid";
const NAME: &str = "serviceaccount_name";

/// A role. No audience is a list of none.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Role {
    pub(super) token: TokenParams,
    names: Vec<String>,
    namespaces: Vec<String>,
    namespace_selector: String,
    audience: Vec<String>,
    alias_name_source: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Selector {
    #[serde(default)]
    match_labels: BTreeMap<String, String>,
}

pub(super) async fn handle(context: Context<'_>, request: &Request, name: &str) -> Result<Response, Error> {
    match request.operation {
        Operation::Read => {
            let role: Role = context.storage.get_json(&role_row(name)).await?.ok_or(Error::NotFound)?;
            Ok(Response::json(role.show().into()))
        }
        Operation::Create | Operation::Update => retry(|| Box::pin(write(context, request, name))).await,
        Operation::Delete => {
            context.storage.delete(&role_row(name)).await?;
            Ok(Response::empty())
        }
        _ => Err(Error::UnsupportedOperation),
    }
}

async fn write(context: Context<'_>, request: &Request, name: &str) -> Result<Response, Error> {
    let found: Option<(Role, u64)> = context.storage.get_json_at(&role_row(name)).await?;
    let version = found.as_ref().map(|(_, version)| *version);
    let mut role = found.map(|(role, _)| role).unwrap_or_default();
    role.read(request.fields())?;
    let (_, max) = context.system.lifetimes();
    if role.token.period > max.as_secs() {
        return Err(Error::invalid(format!(
            "token period of '{:?}' is greater than the backend's maximum lease TTL of '{:?}'",
            format_duration(Duration::from_secs(role.token.period)),
            format_duration(max)
        )));
    }
    let mut response = Response::empty();
    if role.token.max_ttl > max.as_secs() {
        response = response.warn(
            "max_ttl is greater than the system or backend mount's maximum TTL value; issued tokens' max TTL value will be \
             truncated",
        );
    }
    let mut batch = Batch::new();
    batch.require(role_row(name), version).put_json(role_row(name), &role)?;
    context.storage.commit(batch).await?;
    Ok(response)
}

impl Role {
    fn read(&mut self, fields: Fields<'_>) -> Result<(), Error> {
        self.token.read(fields, LEGACY)?;
        if let Some(names) = fields.list("bound_service_account_names")? {
            self.names = names;
        }
        if self.names.is_empty() {
            return Err(Error::invalid("\"bound_service_account_names\" can not be empty"));
        }
        if let Some(namespaces) = fields.list("bound_service_account_namespaces")? {
            self.namespaces = namespaces;
        }
        self.namespace_selector = fields.text("bound_service_account_namespace_selector")?.unwrap_or_default();
        if self.namespaces.is_empty() && self.namespace_selector.is_empty() {
            return Err(Error::invalid(
                "\"bound_service_account_namespaces\" can not be empty if \"bound_service_account_namespace_selector\" is \
                 not set",
            ));
        }
        if !self.namespace_selector.is_empty() && self.selector().is_none() {
            return Err(Error::invalid("invalid \"bound_service_account_namespace_selector\" configured"));
        }
        let mixed = |list: &[String]| list.len() > 1 && list.iter().any(|one| one == "*");
        if mixed(&self.names) || mixed(&self.namespaces) {
            return Err(Error::invalid("can not mix \"*\" with values"));
        }
        if let Some(audience) = fields.text("audience")? {
            self.audience = vec![audience];
            self.audience.retain(|audience| !audience.is_empty());
        }
        if let Some(source) = fields.text("alias_name_source")? {
            self.alias_name_source = source;
        }
        if self.alias_name_source.is_empty() {
            self.alias_name_source = UID.to_owned();
        }
        if ![UID, NAME].contains(&self.alias_name_source.as_str()) {
            return Err(Error::invalid(format!("invalid alias_name_source, must be one of: {UID}, {NAME}")));
        }
        Ok(())
    }

    /// Labels that a namespace must have, as JSON or YAML. Expressions are not supported, as at the peer.
    fn selector(&self) -> Option<Selector> {
        let text = Some(&self.namespace_selector).filter(|text| text.len() <= MAX_SELECTOR_BYTES)?;
        serde_saphyr::from_str(text).ok()
    }

    /// Audiences of which a token must have one; none for any.
    pub(super) fn audiences(&self) -> &[String] {
        &self.audience
    }

    pub(super) fn alias_of(&self, account: &ServiceAccount) -> String {
        match self.alias_name_source.as_str() {
            NAME => format!("{}/{}", account.namespace, account.name),
            _ => account.uid.clone(),
        }
    }

    /// Refuses accounts of names that are not bound, and of namespaces that no selector can bind either.
    pub(super) fn check_name(&self, account: &ServiceAccount) -> Result<(), Error> {
        if !glob::any(&self.names, &account.name) {
            return Err(Error::DeniedBecause("service account name not authorized".to_owned()));
        }
        if self.namespace_selector.is_empty() && !glob::any(&self.namespaces, &account.namespace) {
            return Err(elsewhere(""));
        }
        Ok(())
    }

    /// Refuses namespaces that are neither bound nor selected. The token must have been verified.
    pub(super) async fn check_namespace(
        &self,
        fetch: &dyn Fetch,
        cluster: &Cluster,
        namespace: &str,
    ) -> Result<(), Error> {
        if glob::any(&self.namespaces, namespace) {
            return Ok(());
        }
        let selector = Some(&self.namespace_selector).filter(|text| !text.is_empty()).and_then(|_| self.selector());
        let selector = selector.ok_or_else(|| elsewhere(""))?;
        let labels = review::labels(fetch, cluster, namespace).await;
        let labels = labels.map_err(|error| elsewhere(&format!(" err={error}")))?;
        if selector.match_labels.iter().all(|(name, value)| labels.get(name) == Some(value)) {
            return Ok(());
        }
        Err(elsewhere(""))
    }

    fn show(&self) -> Map {
        let mut data = Map::new();
        data.insert("bound_service_account_names".to_owned(), json!(self.names));
        data.insert("bound_service_account_namespaces".to_owned(), json!(self.namespaces));
        data.insert("bound_service_account_namespace_selector".to_owned(), json!(self.namespace_selector));
        if let Some(audience) = self.audience.first() {
            data.insert("audience".to_owned(), json!(audience));
        }
        data.insert("alias_name_source".to_owned(), json!(self.alias_name_source));
        self.token.show(&mut data);
        data
    }
}

fn elsewhere(why: &str) -> Error {
    Error::DeniedBecause(format!("namespace not authorized{why}"))
}
