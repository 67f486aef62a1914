use crate::config::{self, Config};
use crate::password::strike_out;
use crate::target::{Target, TargetError, Targets};
use crate::{creds, roles, rotation, static_roles};
use jiff::Timestamp;
use logical::{Backend, Context, Error, Grant, Lease, Operation, Pending, Request, Response, StorageExt};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use zeroize::Zeroizing;

/// The database engine at one mount.
pub struct Database {
    targets: Arc<dyn Targets>,
    open: Mutex<HashMap<String, Open>>,
}

/// A target that is in use, and the version of the configuration that it was made of.
struct Open {
    version: u64,
    target: Arc<dyn Target>,
}

/// A configuration with its target.
pub(crate) struct Connection {
    pub(crate) config: Config,
    pub(crate) target: Arc<dyn Target>,
}

impl Database {
    /// An engine whose databases are reached through `targets`.
    pub fn new(targets: Arc<dyn Targets>) -> Self {
        Self { targets, open: Mutex::default() }
    }

    pub(crate) fn targets(&self) -> &dyn Targets {
        self.targets.as_ref()
    }

    fn open(&self) -> MutexGuard<'_, HashMap<String, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connections of a configuration, as it is now.
    pub(crate) async fn connection(&self, context: Context<'_>, name: &str) -> Result<Connection, Error> {
        let found = context.storage.get_json_at::<Config>(&config::key(name)).await?;
        let (config, version) = found.ok_or_else(|| config::missing(name))?;
        let known = self.open().get(name).filter(|open| open.version == version).map(|open| Arc::clone(&open.target));
        let target = match known {
            Some(target) => target,
            None => {
                let target = self.targets.open(&config.settings()?).map_err(|error| refused(&error, &[]))?;
                self.keep(name, version, Arc::clone(&target));
                target
            }
        };
        Ok(Connection { config, target })
    }

    /// Uses this target from now on.
    pub(crate) fn keep(&self, name: &str, version: u64, target: Arc<dyn Target>) {
        self.open().insert(name.to_owned(), Open { version, target });
    }

    /// Closes the connections of a configuration.
    pub(crate) fn forget(&self, name: &str) {
        self.open().remove(name);
    }

    async fn dispatch(&self, context: Context<'_>, request: &Request) -> Result<Response, Error> {
        let (path, name) = request.path.trim_end_matches('/').split_once('/').unwrap_or((&request.path, ""));
        let path = path.trim_end_matches('/');
        if name.is_empty() {
            let prefix = match path {
                "config" => "config/",
                "roles" => "role/",
                "static-roles" => "static-role/",
                _ => return Err(Error::UnsupportedPath),
            };
            if request.operation != Operation::List {
                return Err(Error::UnsupportedOperation);
            }
            let (after, limit) = request.page()?;
            return Ok(Response::keys(context.storage.list(prefix, after, limit).await?));
        }
        if !is_name(name) {
            return Err(Error::UnsupportedPath);
        }
        let operation = request.operation;
        match (path, operation) {
            ("config", Operation::Read) => config::read(context, name).await,
            ("config", Operation::Create | Operation::Update) => config::write(self, context, name, request).await,
            ("config", Operation::Delete) => config::delete(self, context, name).await,
            ("reset", Operation::Create | Operation::Update) => {
                self.forget(name);
                let connection = self.connection(context, name).await?;
                connection.target.verify().await.map_err(|error| connection.failed(&error, &[]))?;
                Ok(Response::empty())
            }
            ("rotate-root", Operation::Create | Operation::Update) => {
                rotation::rotate_root(self, context, name, request.now).await
            }
            ("rotate-role", Operation::Create | Operation::Update) => {
                rotation::rotate_role(self, context, name, request.now).await
            }
            ("roles", Operation::Read) => roles::read(context, name).await,
            ("roles", Operation::Create | Operation::Update) => roles::write(context, name, request).await,
            ("roles", Operation::Delete) => roles::delete(context, name).await,
            ("static-roles", Operation::Read) => static_roles::read(context, name).await,
            ("static-roles", Operation::Create | Operation::Update) => {
                static_roles::write(self, context, name, request).await
            }
            ("static-roles", Operation::Delete) => static_roles::delete(context, name).await,
            ("creds", Operation::Read) => creds::create(self, context, name, request).await,
            ("static-creds", Operation::Read) => static_roles::credentials(context, name, request.now).await,
            (
                "config" | "reset" | "rotate-root" | "rotate-role" | "roles" | "static-roles" | "creds"
                | "static-creds",
                _,
            ) => Err(Error::UnsupportedOperation),
            _ => Err(Error::UnsupportedPath),
        }
    }
}

impl Connection {
    /// What a client reads of a failure of the database: no password is in it.
    pub(crate) fn failed(&self, error: &TargetError, secrets: &[&str]) -> Error {
        let known = self.config.password();
        refused(error, &[secrets, &[known.as_str()]].concat())
    }

    /// A new password by the policy, which the role's has precedence over the configuration's.
    pub(crate) async fn password(&self, context: Context<'_>, policy: &str) -> Result<Zeroizing<String>, Error> {
        let policy = if policy.is_empty() { &self.config.password_policy } else { policy };
        context.system.password(policy).await
    }
}

/// What a client reads of a failure of the database.
pub(crate) fn refused(error: &TargetError, secrets: &[&str]) -> Error {
    let text = strike_out(&error.to_string(), secrets);
    match error {
        TargetError::Settings(_) => Error::Invalid(text),
        _ => Error::Status(500, text),
    }
}

/// The framework's `GenericNameRegex`: letters, digits, `_`, and `-` and `.` in between.
fn is_name(name: &str) -> bool {
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    name.starts_with(is_word) && name.ends_with(is_word) && name.chars().all(|c| is_word(c) || c == '-' || c == '.')
}

impl Backend for Database {
    fn handle<'a>(&'a self, context: Context<'a>, request: &'a Request) -> Pending<'a, Response> {
        Box::pin(self.dispatch(context, request))
    }

    fn exists<'a>(&'a self, context: Context<'a>, request: &'a Request) -> Pending<'a, Option<bool>> {
        Box::pin(async move {
            let Some((path, name)) = request.path.split_once('/') else { return Ok(None) };
            let key = match path {
                "config" => config::key(name),
                "roles" => roles::key(name),
                "static-roles" => static_roles::key(name),
                _ => return Ok(None),
            };
            Ok(Some(context.storage.get(&key).await?.is_some()))
        })
    }

    fn renew<'a>(&'a self, context: Context<'a>, lease: &'a Lease, grant: Grant<'a>) -> Pending<'a, Lease> {
        Box::pin(creds::renew(self, context, lease, grant))
    }

    fn revoke<'a>(&'a self, context: Context<'a>, lease: &'a Lease) -> Pending<'a, ()> {
        Box::pin(creds::revoke(self, context, lease))
    }

    fn periodic<'a>(&'a self, context: Context<'a>, now: Timestamp) -> Pending<'a, ()> {
        Box::pin(rotation::periodic(self, context, now))
    }

    fn invalidate(&self, key: &str) {
        if let Some(name) = key.strip_prefix("config/") {
            self.forget(name);
        }
    }

    fn cleanup<'a>(&'a self, _context: Context<'a>) -> Pending<'a, ()> {
        self.open().clear();
        Box::pin(async { Ok(()) })
    }
}

/// A list of texts of which a single one may stand alone; it is not split (the framework's `TypeStringSlice`).
pub(crate) fn texts(request: &Request, name: &str) -> Result<Option<Vec<String>>, Error> {
    let fields = request.fields();
    let Some(value) = fields.raw(name) else { return Ok(None) };
    let read = match value {
        serde_json::Value::Array(items) => {
            items.iter().map(|item| item.as_str().map(|text| text.trim().to_owned())).collect()
        }
        serde_json::Value::String(text) if text.is_empty() => Some(Vec::new()),
        serde_json::Value::String(text) => Some(vec![text.trim().to_owned()]),
        _ => None,
    };
    read.map(Some).ok_or_else(|| {
        Error::invalid(format!(
            "Field validation failed: error converting input for field {name:?}: expected a list of strings"
        ))
    })
}
