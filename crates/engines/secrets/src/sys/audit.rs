use crate::answer::Answer;
use crate::call::Call;
use crate::config::AUDIT;
use crate::settings::AuditDevice;
use logical::{Batch, Error, Operation};
use serde_json::{Map, json};

/// `audit`, `audit/<path>`, `audit-hash/<path>`.
pub(crate) async fn handle(call: &Call<'_>, path: &str) -> Result<Answer, Error> {
    let operation = call.request.operation;
    if let Some(device) = path.strip_prefix("audit-hash/") {
        if operation != Operation::Update {
            return Err(Error::UnsupportedOperation);
        }
        return hash(call, &format!("{device}/")).await;
    }
    match (path.strip_prefix("audit/"), operation) {
        (None, Operation::Read) if path == "audit" => Ok(list(call)),
        (None, _) => Err(Error::UnsupportedPath),
        (Some(path), Operation::Update) => enable(call, &format!("{path}/")).await,
        (Some(path), Operation::Delete) => disable(call, &format!("{path}/")).await,
        _ => Err(Error::UnsupportedOperation),
    }
}

fn list(call: &Call<'_>) -> Answer {
    let devices = call.state.config.audit_devices.values();
    let shown = devices.map(|device| (device.path.clone(), json!(device)));
    Answer::data(shown.collect::<Map<_, _>>())
}

async fn hash(call: &Call<'_>, path: &str) -> Result<Answer, Error> {
    let input = call.request.fields().text("input")?.unwrap_or_default();
    if input.is_empty() {
        return Err(Error::invalid("the \"input\" parameter is empty"));
    }
    let hash = match call.state.config.audit_devices.contains_key(path) {
        true => call.core.settings().audit.hash(path, &input).await?,
        false => None,
    };
    let hash = hash.ok_or_else(|| Error::invalid(format!("unknown audit backend {path:?}")))?;
    Ok(Answer::json(json!({ "hash": hash })))
}

async fn enable(call: &Call<'_>, path: &str) -> Result<Answer, Error> {
    let fields = call.request.fields();
    let device = AuditDevice {
        path: path.to_owned(),
        kind: fields.required("type")?,
        description: fields.text("description")?.unwrap_or_default(),
        options: fields.map("options")?.unwrap_or_default(),
        local: fields.boolean("local")?.unwrap_or(false),
    };
    let overlaps = |other: &&String| other.starts_with(path) || path.starts_with(other.as_str());
    if call.state.config.audit_devices.keys().any(|other| overlaps(&other)) {
        return Err(Error::invalid(format!("path already in use: {path}")));
    }
    call.core.settings().audit.enable(&device).await?;
    let key = format!("{AUDIT}{path}");
    let mut batch = Batch::new();
    batch.put_json(key.as_str(), &device)?.require(key.as_str(), None);
    if let Err(error) = call.core.storage().commit(batch).await {
        call.core.settings().audit.disable(path).await?;
        return Err(match error {
            Error::Conflict => Error::invalid(format!("path already in use: {path}")),
            error => error,
        });
    }
    call.core.reload().await?;
    Ok(Answer::empty())
}

async fn disable(call: &Call<'_>, path: &str) -> Result<Answer, Error> {
    if call.state.config.audit_devices.contains_key(path) {
        logical::StorageExt::delete(call.core.storage(), &format!("{AUDIT}{path}")).await?;
        call.core.settings().audit.disable(path).await?;
        call.core.reload().await?;
    }
    Ok(Answer::empty())
}
