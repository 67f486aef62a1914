use super::key::edit_row;
use logical::{Error, Request, Response, Storage, StorageExt, format_duration};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;

const ROW: &str = "config";

/// Settings of the mount.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Config {
    pub(super) max_versions: u32,
    pub(super) cas_required: bool,
    pub(super) metadata_cas_required: bool,
    pub(super) delete_version_after: DeleteAfter,
}

/// `delete_version_after` of the mount.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum DeleteAfter {
    /// What the key says.
    #[default]
    Unset,
    /// Never, whatever the key says.
    Disabled,
    /// After so many seconds, or sooner if the key says so.
    Seconds(u64),
}

impl Config {
    pub(super) async fn load(storage: &dyn Storage) -> Result<Self, Error> {
        Ok(storage.get_json(ROW).await?.unwrap_or_default())
    }
}

pub(super) async fn read(storage: &dyn Storage) -> Result<Response, Error> {
    let config = Config::load(storage).await?;
    let after = match config.delete_version_after {
        DeleteAfter::Unset => "0s".to_owned(),
        DeleteAfter::Disabled => "-1s".to_owned(),
        DeleteAfter::Seconds(seconds) => format_duration(Duration::from_secs(seconds)),
    };
    Ok(Response::json(json!({
        "max_versions": config.max_versions,
        "cas_required": config.cas_required,
        "metadata_cas_required": config.metadata_cas_required,
        "delete_version_after": after,
    })))
}

pub(super) async fn write(storage: &dyn Storage, request: &Request) -> Result<Response, Error> {
    let fields = request.fields();
    let max_versions = fields.integer("max_versions")?.map(max_versions).transpose()?;
    let cas_required = fields.boolean("cas_required")?;
    let metadata_cas_required = fields.boolean("metadata_cas_required")?;
    let after = if fields.raw("delete_version_after").is_some_and(is_negative) {
        Some(DeleteAfter::Disabled)
    } else {
        fields.duration("delete_version_after")?.map(|after| match after.as_secs() {
            0 => DeleteAfter::Unset,
            seconds => DeleteAfter::Seconds(seconds),
        })
    };
    if max_versions.is_none() && cas_required.is_none() && metadata_cas_required.is_none() && after.is_none() {
        return Ok(Response::empty());
    }
    edit_row(storage, ROW, |config: &mut Config| {
        config.max_versions = max_versions.unwrap_or(config.max_versions);
        config.cas_required = cas_required.unwrap_or(config.cas_required);
        config.metadata_cas_required = metadata_cas_required.unwrap_or(config.metadata_cas_required);
        config.delete_version_after = after.unwrap_or(config.delete_version_after);
    })
    .await?;
    Ok(Response::empty())
}

pub(super) fn max_versions(number: i64) -> Result<u32, Error> {
    u32::try_from(number).map_err(|_| Error::invalid("max_versions must be between 0 and 4294967295"))
}

fn is_negative(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.as_f64().is_some_and(|number| number < 0.0),
        Value::String(text) => text.trim().starts_with('-'),
        _ => false,
    }
}
