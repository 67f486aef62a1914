use crate::config::cluster_config;
use crate::role::role;
use crate::store::Store;
use logical::{Context, Error, Operation, Request, Response, StorageExt};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::net::SocketAddr;

/// Whether and for whom ACME is served. Fields are those of the API.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct AcmeConfig {
    pub(super) enabled: bool,
    pub(super) allowed_issuers: Vec<String>,
    pub(super) allowed_roles: Vec<String>,
    pub(super) allow_role_ext_key_usage: bool,
    pub(super) default_directory_policy: String,
    pub(super) dns_resolver: String,
    pub(super) eab_policy: String,
}

impl Default for AcmeConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            allowed_issuers: vec!["*".to_owned()],
            allowed_roles: vec!["*".to_owned()],
            allow_role_ext_key_usage: false,
            default_directory_policy: "sign-verbatim".to_owned(),
            dns_resolver: String::new(),
            eab_policy: "not-required".to_owned(),
        }
    }
}

pub(super) async fn load(store: Store<'_>) -> Result<AcmeConfig, Error> {
    Ok(store.rows.get_json("config/acme").await?.unwrap_or_default())
}

/// `config/acme`.
pub(crate) async fn handle(context: Context<'_>, request: &Request) -> Result<Response, Error> {
    let store = Store { rows: context.storage };
    let mut config = load(store).await?;
    if request.operation == Operation::Read {
        return Ok(Response::json(json!(config)));
    }
    if !request.operation.is_write() {
        return Err(Error::UnsupportedOperation);
    }
    let fields = request.fields();
    config.enabled = fields.boolean("enabled")?.unwrap_or(config.enabled);
    let usage = fields.boolean("allow_role_ext_key_usage")?;
    config.allow_role_ext_key_usage = usage.unwrap_or(config.allow_role_ext_key_usage);
    for (name, list) in [("allowed_issuers", &mut config.allowed_issuers), ("allowed_roles", &mut config.allowed_roles)]
    {
        if let Some(given) = fields.list(name)? {
            if given.is_empty() {
                return Err(refuse(format!(
                    "{name} must take a non-zero length value; specify '*' as the value to allow anything or specify enabled=false to disable ACME entirely"
                )));
            }
            *list = given;
        }
    }
    let texts = [
        ("default_directory_policy", &mut config.default_directory_policy),
        ("dns_resolver", &mut config.dns_resolver),
        ("eab_policy", &mut config.eab_policy),
    ];
    for (name, value) in texts {
        if let Some(given) = fields.text(name)? {
            *value = given;
        }
    }
    check(store, &config).await?;
    if config.enabled && cluster_config(store).await?.path.is_empty() && context.system.api_address().is_none() {
        return Err(refuse("ACME feature requires local cluster 'path' field configuration to be set"));
    }
    store.rows.put_json("config/acme", &config).await?;
    Ok(Response::json(json!(config)))
}

/// The peer answers with a 500 here.
fn refuse(text: impl Into<String>) -> Error {
    Error::Status(500, format!("1 error occurred:\n\t* {}\n\n", text.into()))
}

async fn check(store: Store<'_>, config: &AcmeConfig) -> Result<(), Error> {
    if !config.dns_resolver.is_empty() && config.dns_resolver.parse::<SocketAddr>().is_err() {
        return Err(refuse("failed to parse DNS resolver address: expected IPv4/IPv6 address, likely got hostname"));
    }
    if !matches!(config.eab_policy.as_str(), "not-required" | "new-account-required" | "always-required") {
        return Err(refuse(
            "invalid eab policy name provided, valid values are 'not-required', 'new-account-required', 'always-required'",
        ));
    }
    let policy = config.default_directory_policy.as_str();
    let default_role = policy.strip_prefix("role:");
    if !matches!(policy, "forbid" | "sign-verbatim") && default_role.is_none_or(str::is_empty) {
        return Err(refuse(format!(
            "invalid default_directory_policy: string {policy} not a valid Default Directory Policy"
        )));
    }
    let roles = config.allowed_roles.iter().map(String::as_str).filter(|_| config.allowed_roles != ["*"]);
    for name in roles.clone().chain(default_role) {
        let found = role(store, name).await?;
        let why = match found {
            None => "specified role does not exist",
            Some(role) if role.no_store => "role can not be used as NoStore is set to true",
            Some(_) => continue,
        };
        return Err(refuse(format!("allowed_role {name} is not a valid acme role: {why}")));
    }
    let listed = roles.clone().any(|name| Some(name) == default_role);
    if default_role.is_some() && config.allowed_roles != ["*"] && !listed {
        return Err(refuse(format!(
            "default directory policy {policy} was not specified in allowed_roles: [{}]",
            config.allowed_roles.join(" ")
        )));
    }
    if config.allowed_issuers != ["*"] {
        for reference in &config.allowed_issuers {
            store.resolve_issuer(reference).await.map_err(|error| {
                refuse(format!("failed validating allowed_issuers: unable to fetch issuer: {reference}: {error}"))
            })?;
        }
    }
    Ok(())
}
