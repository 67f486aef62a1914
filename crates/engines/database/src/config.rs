//! `config/NAME`: how to reach a database.

use crate::backend::{Database, refused, texts};
use crate::settings::{Plugin, Settings};
use crate::target::TargetError;
use crate::{glob, rotation, username};
use logical::{Batch, Context, Error, Map, Request, Response, StorageExt};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use zeroize::Zeroizing;

/// Fields of a request that are no details of the connection.
const OWN_FIELDS: &[&str] = &[
    "name",
    "plugin_name",
    "plugin_version",
    "allowed_roles",
    "verify_connection",
    "root_rotation_statements",
    "password_policy",
];
/// Details that are never shown.
const HIDDEN: &[&str] = &["password", "private_key", "tls_certificate_key"];
const URL: &str = "connection_url";

/// A configuration as it is stored, by the peer's names.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Config {
    pub(crate) plugin_name: String,
    #[serde(default)]
    pub(crate) plugin_version: String,
    pub(crate) connection_details: Map,
    pub(crate) allowed_roles: Vec<String>,
    pub(crate) root_credentials_rotate_statements: Vec<String>,
    pub(crate) password_policy: String,
}

pub(crate) fn key(name: &str) -> String {
    format!("config/{name}")
}

/// There is no configuration of this name.
pub(crate) fn missing(name: &str) -> Error {
    Error::Status(500, format!("failed to find entry for connection with name: {name:?}"))
}

impl Config {
    pub(crate) fn settings(&self) -> Result<Settings, Error> {
        Settings::parse(self.plugin()?, &self.connection_details)
    }

    pub(crate) fn plugin(&self) -> Result<Plugin, Error> {
        Plugin::parse(&self.plugin_name).ok_or_else(|| {
            Error::invalid(format!(
                "error creating database object: no database plugin is named {:?}; there are postgresql-database-plugin, \
                 mysql-database-plugin and its -aurora-, -rds- and -legacy- forms",
                self.plugin_name
            ))
        })
    }

    /// # Errors
    /// Where the role is not among `allowed_roles`.
    pub(crate) fn allows(&self, role: &str) -> Result<(), Error> {
        let allowed = self.allowed_roles.iter().any(|pattern| glob::matches(pattern, role));
        if allowed { Ok(()) } else { Err(Error::Status(500, format!("{role:?} is not an allowed role"))) }
    }

    fn detail(&self, name: &str) -> &str {
        self.connection_details.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// The user that makes the others.
    pub(crate) fn username(&self) -> &str {
        self.detail("username")
    }

    /// Its password.
    pub(crate) fn password(&self) -> Zeroizing<String> {
        Zeroizing::new(self.detail("password").to_owned())
    }

    pub(crate) fn set_password(&mut self, password: &str) {
        self.connection_details.insert("password".to_owned(), Value::from(password));
    }

    /// The template of user names.
    pub(crate) fn username_template(&self) -> Result<&str, Error> {
        let own = self.detail("username_template");
        if own.is_empty() { Ok(self.plugin()?.username_template()) } else { Ok(own) }
    }
}

pub(crate) async fn read(context: Context<'_>, name: &str) -> Result<Response, Error> {
    let Some(mut config) = context.storage.get_json::<Config>(&key(name)).await? else { return Err(Error::NotFound) };
    for hidden in HIDDEN {
        config.connection_details.remove(*hidden);
    }
    if let Some(shown) = redacted(config.detail(URL)) {
        config.connection_details.insert(URL.to_owned(), Value::from(shown));
    }
    Ok(Response::json(json!({
        "plugin_name": config.plugin_name,
        "plugin_version": config.plugin_version,
        "connection_details": config.connection_details,
        "allowed_roles": config.allowed_roles,
        "root_credentials_rotate_statements": config.root_credentials_rotate_statements,
        "password_policy": config.password_policy,
    })))
}

/// The URL without the password that stands in it, if one does.
fn redacted(url: &str) -> Option<String> {
    let start = url.find("://").map_or(0, |at| at.saturating_add(3));
    let (scheme, rest) = (url.get(..start)?, url.get(start..)?);
    // What follows the address may have an @ in it too.
    let end = rest.find(['/', '?']).filter(|_| start > 0).or_else(|| rest.rfind('/')).unwrap_or(rest.len());
    let (user, address) = rest.get(..end)?.rsplit_once('@')?;
    let (user, password) = user.split_once(':')?;
    let is_password = !password.is_empty() && password != "{{password}}";
    is_password.then(|| format!("{scheme}{user}:xxxxx@{address}{}", rest.get(end..).unwrap_or_default()))
}

pub(crate) async fn delete(database: &Database, context: Context<'_>, name: &str) -> Result<Response, Error> {
    let mut batch = Batch::new();
    batch.delete(key(name)).delete(rotation::root_key(name));
    context.storage.commit(batch).await?;
    database.forget(name);
    Ok(Response::empty())
}

pub(crate) async fn write(
    database: &Database,
    context: Context<'_>,
    name: &str,
    request: &Request,
) -> Result<Response, Error> {
    let fields = request.fields();
    let found = context.storage.get_json_at::<Config>(&key(name)).await?;
    let version = found.as_ref().map(|(_, version)| *version);
    let mut config = found.map(|(config, _)| config).unwrap_or_default();
    if let Some(plugin) = fields.text("plugin_name")? {
        config.plugin_name = plugin;
    }
    if config.plugin_name.is_empty() {
        return Err(Error::invalid("empty plugin name"));
    }
    if fields.text("plugin_version")?.is_some_and(|version| !version.is_empty()) {
        return Err(Error::invalid(
            "error creating database object: plugins have no other versions here; omit plugin_version",
        ));
    }
    if let Some(roles) = fields.list("allowed_roles")? {
        config.allowed_roles = roles;
    }
    if let Some(statements) = texts(request, "root_rotation_statements")? {
        config.root_credentials_rotate_statements = statements;
    }
    if let Some(policy) = fields.text("password_policy")? {
        config.password_policy = policy;
    }
    let details = request.data.iter().filter(|(field, _)| !OWN_FIELDS.contains(&field.as_str()));
    config.connection_details.extend(details.map(|(field, value)| (field.clone(), value.clone())));

    let settings = config.settings()?;
    username::generate(config.username_template()?, "", "", request.now)?;
    let known = config.password();
    let failed = |error: &TargetError, what: &str| {
        let text = refused(error, &[&known]).to_string();
        Error::invalid(format!("error creating database object: {what}{text}"))
    };
    let target = database.targets().open(&settings).map_err(|error| failed(&error, ""))?;
    if fields.boolean("verify_connection")?.unwrap_or(true) {
        target.verify().await.map_err(|error| failed(&error, "error verifying connection: "))?;
    }
    let mut batch = Batch::new();
    batch.require(key(name), version).put_json(key(name), &config)?;
    let version = context.storage.commit(batch).await?;
    database.keep(name, version, target);

    let response = Response::empty();
    Ok(match redacted(config.detail(URL)) {
        Some(_) => response.warn(
            "Password found in connection_url, use a templated url to enable root rotation and prevent read access to \
             password information.",
        ),
        None => response,
    })
}

#[cfg(test)]
mod tests {
    use super::redacted;

    #[test]
    fn passwords_in_urls_are_not_shown() {
        for (url, shown) in [
            ("postgresql://{{username}}:{{password}}@localhost/db", None),
            ("postgresql://a:b@localhost:5432/db?x=y@z", Some("postgresql://a:xxxxx@localhost:5432/db?x=y@z")),
            ("postgresql://a@localhost", None),
            ("{{username}}:{{password}}@tcp(localhost:3306)/", None),
            ("root:s3:cr@t/x@tcp(localhost:3306)/", Some("root:xxxxx@tcp(localhost:3306)/")),
            ("root:b@unix(/run/mysqld.sock)/db", Some("root:xxxxx@unix(/run/mysqld.sock)/db")),
        ] {
            assert_eq!(redacted(url).as_deref(), shown, "{url}");
        }
    }
}
