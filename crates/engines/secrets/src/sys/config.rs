use crate::answer::Answer;
use crate::call::Call;
use crate::config::{AUDITED_HEADERS, CORS, Cors, UI_HEADERS};
use crate::mount::Class;
use logical::{Error, Operation, StorageExt as _};
use serde_json::{Map, Value, json};

/// `config/cors`, `config/auditing/request-headers`, `config/ui/headers`.
pub(crate) async fn handle(call: &Call<'_>, parts: &[&str]) -> Result<Answer, Error> {
    match (parts, call.request.operation) {
        (["config", "cors"], _) => cors(call).await,
        (["config", "auditing", "request-headers"], Operation::Read) => {
            let headers = call.state.config.audited_headers.iter();
            let headers: Map<_, _> = headers.map(|(name, hmac)| (name.clone(), json!({ "hmac": hmac }))).collect();
            Ok(Answer::json(json!({ "headers": headers })))
        }
        (["config", "auditing", "request-headers", name], _) => audited_header(call, name).await,
        (["config", "ui", "headers"], Operation::List) => {
            Ok(Answer::keys(call.state.config.ui_headers.keys().cloned().collect()))
        }
        (["config", "ui", "headers", name], _) => ui_header(call, name).await,
        _ => Err(Error::UnsupportedPath),
    }
}

async fn cors(call: &Call<'_>) -> Result<Answer, Error> {
    let cors = &call.state.config.cors;
    let changed = match call.request.operation {
        Operation::Read => {
            let mut data = json!({ "enabled": cors.enabled });
            if let Some(data) = data.as_object_mut().filter(|_| cors.enabled) {
                data.insert("allowed_origins".to_owned(), json!(cors.allowed_origins));
                data.insert("allowed_headers".to_owned(), json!(cors.allowed_headers));
            }
            return Ok(Answer::json(data));
        }
        Operation::Delete => Cors::default(),
        Operation::Update => {
            let fields = call.request.fields();
            let allowed_origins = fields.list("allowed_origins")?.unwrap_or_default();
            if allowed_origins.is_empty() {
                return Err(Error::invalid("at least one origin or the wildcard must be provided"));
            }
            if allowed_origins.len() > 1 && allowed_origins.iter().any(|origin| origin == "*") {
                return Err(Error::invalid("to allow all origins the '*' must be the only value for allowed_origins"));
            }
            let standard = [
                "Content-Type",
                "Authorization",
                "X-Vault-Token",
                "X-Vault-MFA",
                "X-Vault-No-Request-Forwarding",
                "X-Vault-Wrap-Format",
                "X-Vault-Wrap-TTL",
                "X-Requested-With",
                "X-Vault-AWS-IAM-Server-ID",
                "X-Vault-Policy-Override",
            ];
            let mut allowed_headers: Vec<String> = standard.map(str::to_owned).to_vec();
            allowed_headers.extend(fields.list("allowed_headers")?.unwrap_or_default());
            Cors { enabled: true, allowed_origins, allowed_headers }
        }
        _ => return Err(Error::UnsupportedOperation),
    };
    call.core.storage().put_json(CORS, &changed).await?;
    call.core.reload().await?;
    Ok(Answer::empty())
}

async fn audited_header(call: &Call<'_>, name: &str) -> Result<Answer, Error> {
    let mut headers = call.state.config.audited_headers.clone();
    let (given, name) = (name, name.to_lowercase());
    match call.request.operation {
        Operation::Read => {
            let hmac = headers.get(&name).ok_or_else(|| Error::invalid("Could not find header in config"))?;
            return Ok(Answer::json(json!({ given: { "hmac": hmac } })));
        }
        Operation::Update => {
            let hmac = call.request.fields().boolean("hmac")?.unwrap_or(false);
            headers.insert(name, hmac);
        }
        Operation::Delete => {
            headers.remove(&name);
        }
        _ => return Err(Error::UnsupportedOperation),
    }
    call.core.storage().put_json(AUDITED_HEADERS, &headers).await?;
    call.core.settings().audit.headers(&headers).await?;
    call.core.reload().await?;
    Ok(Answer::empty())
}

async fn ui_header(call: &Call<'_>, name: &str) -> Result<Answer, Error> {
    let mut headers = call.state.config.ui_headers.clone();
    match call.request.operation {
        Operation::Read => {
            let values = headers.get(name).ok_or(Error::NotFound)?;
            let first = values.first().cloned().unwrap_or_default();
            let many = call.request.fields().boolean("multivalue")?.unwrap_or(false);
            return Ok(Answer::json(if many { json!({ "values": values }) } else { json!({ "value": first }) }));
        }
        Operation::Update => {
            if name.to_ascii_lowercase().starts_with("x-vault-") {
                return Err(Error::invalid("X-Vault headers cannot be set"));
            }
            let values = call.request.fields().list("values")?.filter(|values| !values.is_empty());
            headers.insert(name.to_owned(), values.ok_or_else(|| Error::invalid("header values must be provided"))?);
        }
        Operation::Delete => {
            headers.remove(name);
        }
        _ => return Err(Error::UnsupportedOperation),
    }
    call.core.storage().put_json(UI_HEADERS, &headers).await?;
    call.core.reload().await?;
    Ok(Answer::empty())
}

/// `locked-users` and `locked-users/<accessor>/unlock/<name>`.
pub(crate) fn locked_users(call: &Call<'_>, parts: &[&str]) -> Result<Answer, Error> {
    let now = call.request.now;
    match (parts, call.request.operation) {
        (["locked-users", accessor, "unlock", name], Operation::Update) => {
            let mount = call.state.router.by_accessor(accessor).filter(|mount| mount.namespace.id == call.namespace.id);
            let mount = mount.ok_or_else(|| Error::invalid("mount accessor is not valid"))?;
            call.core.failures.unlock(&mount.entry.accessor, name);
            Ok(Answer::empty())
        }
        (["locked-users"], Operation::Read | Operation::List) => {
            let wanted = call.request.fields().text("mount_accessor")?.unwrap_or_default();
            let mut by_accessor: Vec<Value> = Vec::new();
            let mut total = 0;
            for mount in call.state.router.of(call.namespace).filter(|mount| mount.entry.class == Class::Auth) {
                let names = call.core.failures.locked(mount, now);
                if names.is_empty() || !wanted.is_empty() && wanted != mount.entry.accessor {
                    continue;
                }
                total += names.len();
                by_accessor.push(json!({
                    "mount_accessor": mount.entry.accessor,
                    "counts": names.len(),
                    "alias_identifiers": names,
                }));
            }
            let spaces = json!([{
                "namespace_id": call.namespace.id,
                "namespace_path": call.namespace.path,
                "counts": total,
                "mount_accessors": by_accessor,
            }]);
            let spaces = if total == 0 { json!([]) } else { spaces };
            Ok(Answer::json(json!({ "by_namespace": spaces, "total": total })))
        }
        _ => Err(Error::UnsupportedOperation),
    }
}

/// `plugins/catalog`: what is built in.
pub(crate) fn plugins(call: &Call<'_>, parts: &[&str]) -> Result<Answer, Error> {
    let settings = call.core.settings();
    let auth: Vec<&String> = settings.auth_methods.keys().collect();
    let secret: Vec<&String> = settings.secrets_engines.keys().collect();
    let operation = call.request.operation;
    let is_read = matches!(operation, Operation::Read | Operation::List);
    match parts {
        ["plugins", "catalog"] if is_read => {
            let detail = |kind: &str, names: &[&String]| {
                let rows = names.iter().map(|name| {
                    json!({
                        "name": name, "type": kind, "version": "v1.0.0+builtin.palisade", "builtin": true,
                        "deprecation_status": "supported",
                    })
                });
                rows.collect::<Vec<_>>()
            };
            let detailed = [detail("auth", &auth), detail("secret", &secret)].concat();
            Ok(Answer::json(json!({ "auth": auth, "secret": secret, "database": [], "detailed": detailed })))
        }
        ["plugins", "catalog", kind] if is_read => match *kind {
            "auth" => Ok(Answer::json(json!({ "keys": auth }))),
            "secret" => Ok(Answer::json(json!({ "keys": secret }))),
            "database" => Ok(Answer::json(json!({ "keys": [] }))),
            _ => Err(Error::invalid(format!("unsupported plugin type {kind:?}"))),
        },
        ["plugins", "catalog", kind, name] if operation == Operation::Read => {
            let known = match *kind {
                "auth" => settings.auth_methods.contains_key(*name),
                "secret" => settings.secrets_engines.contains_key(*name),
                _ => false,
            };
            if !known {
                return Err(Error::NotFound);
            }
            Ok(Answer::json(json!({
                "name": name, "builtin": true, "command": "", "args": [], "sha256": "",
                "version": "v1.0.0+builtin.palisade", "deprecation_status": "supported",
            })))
        }
        // Programs of others are never run (CVE-2025-6000).
        ["plugins", "catalog", ..] => Err(Error::UnsupportedOperation),
        _ => Err(Error::UnsupportedPath),
    }
}
