//! The block `seal` of a configuration.

use crate::config::SealConfig;
use barrier::{Seal, SealError, StaticSeal};
use std::collections::BTreeMap;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Why a block `seal` can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealSettingsError {
    /// A type that is not there.
    #[error("a seal of type {0:?} is not there; use shamir or static")]
    Kind(String),
    /// A setting is missing.
    #[error("the seal needs {0}")]
    Missing(&'static str),
    /// A file or variable with a key can't be read.
    #[error("the seal's {0} cannot be read")]
    Source(&'static str, #[source] std::io::Error),
    /// A key.
    #[error("the seal's {0} is no key")]
    Key(&'static str, #[source] SealError),
    /// The keys together.
    #[error(transparent)]
    Keys(SealError),
}

/// The seal of these settings.
pub(crate) fn seal(config: &SealConfig) -> Result<Seal, SealSettingsError> {
    match config {
        SealConfig::Shamir => Ok(Seal::Shamir),
        SealConfig::Block(kind, settings) if kind == "static" => {
            let current = key(settings, "current_key_id", "current_key")?;
            let current = current.ok_or(SealSettingsError::Missing("current_key_id and current_key"))?;
            let previous = key(settings, "previous_key_id", "previous_key")?;
            let seal = StaticSeal::new(current, previous).map_err(SealSettingsError::Keys)?;
            Ok(Seal::Auto(Arc::new(seal)))
        }
        SealConfig::Block(kind, _) => Err(SealSettingsError::Kind(kind.clone())),
    }
}

/// An identifier and its key: as it is, or from `file://PATH` or `env://NAME` as OpenBao has it.
fn key(
    settings: &BTreeMap<String, String>,
    id: &'static str,
    name: &'static str,
) -> Result<Option<(String, barrier::Key)>, SealSettingsError> {
    let Some((id, value)) = settings.get(id).zip(settings.get(name)) else { return Ok(None) };
    let source = |error| SealSettingsError::Source(name, error);
    let bytes = if let Some(path) = value.strip_prefix("file://") {
        Zeroizing::new(std::fs::read(path).map_err(source)?)
    } else if let Some(variable) = value.strip_prefix("env://") {
        let missing = || source(std::io::Error::from(std::io::ErrorKind::NotFound));
        Zeroizing::new(std::env::var(variable).map_err(|_| missing())?.into_bytes())
    } else {
        Zeroizing::new(value.clone().into_bytes())
    };
    let key = StaticSeal::parse_key(&bytes).map_err(|error| SealSettingsError::Key(name, error))?;
    Ok(Some((id.clone(), key)))
}
