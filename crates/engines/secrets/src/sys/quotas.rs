use crate::answer::{Answer, found};
use crate::call::Call;
use crate::quota::{QUOTAS, RateLimit};
use logical::{Error, Operation, StorageExt as _};
use serde_json::json;

const CONFIG: &str = "core/config/quotas";

/// `quotas/config`, `quotas/rate-limit`, `quotas/rate-limit/<name>`.
pub(crate) async fn handle(call: &Call<'_>, parts: &[&str]) -> Result<Answer, Error> {
    let storage = call.core.storage();
    match (parts, call.request.operation) {
        (["quotas", "config"], Operation::Read) => {
            let stored: Option<logical::Map> = storage.get_json(CONFIG).await?;
            let default = json!({
                "enable_rate_limit_audit_logging": false,
                "enable_rate_limit_response_headers": false,
                "rate_limit_exempt_paths": [],
            });
            Ok(stored.map_or_else(|| Answer::json(default), Answer::data))
        }
        (["quotas", "config"], Operation::Update) => {
            let fields = call.request.fields();
            let config = json!({
                "enable_rate_limit_audit_logging": fields.boolean("enable_rate_limit_audit_logging")?.unwrap_or(false),
                "enable_rate_limit_response_headers":
                    fields.boolean("enable_rate_limit_response_headers")?.unwrap_or(false),
                "rate_limit_exempt_paths": fields.list("rate_limit_exempt_paths")?.unwrap_or_default(),
            });
            storage.put_json(CONFIG, &config).await?;
            Ok(Answer::empty())
        }
        (["quotas", "rate-limit"], Operation::List) => Ok(Answer::keys(storage.list(QUOTAS, "", usize::MAX).await?)),
        (["quotas", "rate-limit", name], operation) => {
            let key = format!("{QUOTAS}{name}");
            match operation {
                Operation::Read => Ok(describe(&found(storage.get_json(&key).await?)?)),
                Operation::Update => write(call, name, &key).await,
                Operation::Delete => {
                    storage.delete(&key).await?;
                    call.core.quotas.load(storage).await?;
                    Ok(Answer::empty())
                }
                _ => Err(Error::UnsupportedOperation),
            }
        }
        _ => Err(Error::UnsupportedPath),
    }
}

fn describe(limit: &RateLimit) -> Answer {
    Answer::json(json!({
        "type": "rate-limit",
        "name": limit.name,
        "path": limit.path,
        "role": limit.role,
        "rate": limit.rate,
        "interval": limit.interval,
        "block_interval": limit.block_interval,
        "inheritable": limit.inheritable,
    }))
}

async fn write(call: &Call<'_>, name: &str, key: &str) -> Result<Answer, Error> {
    let fields = call.request.fields();
    let rate = fields.text("rate")?.and_then(|rate| rate.parse::<f64>().ok());
    let rate =
        rate.filter(|rate| rate.is_finite() && *rate > 0.0).ok_or_else(|| Error::invalid("'rate' is invalid"))?;
    let mut path = fields.text("path")?.unwrap_or_default().trim_start_matches('/').to_owned();
    if !path.is_empty() {
        let whole = if path.ends_with('*') || path.ends_with('/') { path.clone() } else { format!("{path}/") };
        let (namespace, rest) = call
            .state
            .router
            .resolve("", &whole)
            .ok_or_else(|| Error::invalid(format!("invalid mount path {path:?}")))?;
        if !rest.is_empty() {
            let (mount, _) = call
                .state
                .router
                .route(&namespace, rest)
                .ok_or_else(|| Error::invalid(format!("invalid mount path {path:?}")))?;
            if format!("{}{}", namespace.path, mount.entry.full_path()) == whole {
                path = whole;
            }
        }
    }
    let seconds = |name: &str| -> Result<u64, Error> { Ok(fields.duration(name)?.unwrap_or_default().as_secs()) };
    let limit = RateLimit {
        name: name.to_owned(),
        role: fields.text("role")?.unwrap_or_default(),
        rate,
        interval: seconds("interval")?.max(1),
        block_interval: seconds("block_interval")?,
        inheritable: fields.boolean("inheritable")?.unwrap_or(path.is_empty()),
        path,
    };
    let storage = call.core.storage();
    storage.put_json(key, &limit).await?;
    call.core.quotas.load(storage).await?;
    Ok(Answer::empty())
}
