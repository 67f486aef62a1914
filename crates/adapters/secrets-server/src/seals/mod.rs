//! The block `seal` of a configuration.

mod pkcs11;
mod transit;

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
    #[error("a seal of type {0:?} is not there; use shamir, static, transit or pkcs11")]
    Kind(String),
    /// A setting is missing.
    #[error("the seal needs {0}")]
    Missing(&'static str),
    /// A setting that can't be meant.
    #[error("the seal's {0} {1}")]
    Value(&'static str, String),
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
        SealConfig::Block(kind, settings) if kind == "transit" => Ok(Seal::Auto(transit::seal(&Block(settings))?)),
        SealConfig::Block(kind, settings) if kind == "pkcs11" => {
            Ok(Seal::Auto(Arc::new(pkcs11::Pkcs11Seal::new(&Block(settings))?)))
        }
        SealConfig::Block(kind, _) => Err(SealSettingsError::Kind(kind.clone())),
    }
}

/// The settings of a block, some of which may stand in the environment instead.
pub(crate) struct Block<'a>(&'a BTreeMap<String, String>);

impl Block<'_> {
    /// A setting; the first of the variables that is set where the block has none. As in the peer's static seal, a value
    /// may be `file://PATH` or `env://NAME`. Empty is none.
    fn text(&self, name: &'static str, variables: &[&str]) -> Result<Option<Zeroizing<String>>, SealSettingsError> {
        let written = self.0.get(name).filter(|value| !value.is_empty());
        let found = match written {
            Some(value) => {
                let bytes = source(name, value)?;
                let text = std::str::from_utf8(&bytes).map_err(|_| Self::wrong(name, "is no text"))?;
                Some(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
            }
            None => variables.iter().find_map(|variable| std::env::var(variable).ok()).map(Zeroizing::new),
        };
        Ok(found.filter(|value| !value.is_empty()))
    }

    fn required(&self, name: &'static str, variables: &[&str]) -> Result<Zeroizing<String>, SealSettingsError> {
        self.text(name, variables)?.ok_or(SealSettingsError::Missing(name))
    }

    /// A truth value, as the peer writes it in quotes; false where there is none.
    fn flag(&self, name: &'static str, variables: &[&str]) -> Result<bool, SealSettingsError> {
        match self.text(name, variables)?.as_ref().map(|text| text.as_str()) {
            None | Some("0" | "f" | "F" | "false" | "FALSE" | "False") => Ok(false),
            Some("1" | "t" | "T" | "true" | "TRUE" | "True") => Ok(true),
            Some(_) => Err(Self::wrong(name, "is neither true nor false")),
        }
    }

    fn wrong(name: &'static str, what: impl Into<String>) -> SealSettingsError {
        SealSettingsError::Value(name, what.into())
    }
}

/// An identifier and its key: as it is, or from `file://PATH` or `env://NAME` as OpenBao has it.
fn key(
    settings: &BTreeMap<String, String>,
    id: &'static str,
    name: &'static str,
) -> Result<Option<(String, barrier::Key)>, SealSettingsError> {
    let Some((id, value)) = settings.get(id).zip(settings.get(name)) else { return Ok(None) };
    let bytes = source(name, value)?;
    let key = StaticSeal::parse_key(&bytes).map_err(|error| SealSettingsError::Key(name, error))?;
    Ok(Some((id.clone(), key)))
}

/// A value as it is, or from `file://PATH` or `env://NAME`.
fn source(name: &'static str, value: &str) -> Result<Zeroizing<Vec<u8>>, SealSettingsError> {
    let failed = |error| SealSettingsError::Source(name, error);
    if let Some(path) = value.strip_prefix("file://") {
        std::fs::read(path).map(Zeroizing::new).map_err(failed)
    } else if let Some(variable) = value.strip_prefix("env://") {
        let missing = || failed(std::io::Error::from(std::io::ErrorKind::NotFound));
        std::env::var(variable).map(|text| Zeroizing::new(text.into_bytes())).map_err(|_| missing())
    } else {
        Ok(Zeroizing::new(value.as_bytes().to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_a_seal_is_said() {
        for (kind, settings, part) in [
            ("awskms", vec![], "\"awskms\""),
            ("static", vec![], "current_key_id"),
            ("static", vec![("current_key_id", "a"), ("current_key", "short")], "is no key"),
            ("static", vec![("current_key_id", "a"), ("current_key", "file:///nowhere/at/all")], "cannot be read"),
            ("transit", vec![("address", "http://127.0.0.1:1"), ("mount_path", "transit")], "token"),
            ("transit", vec![("address", "ftp://a"), ("token", "t"), ("key_name", "k"), ("mount_path", "m")], "http"),
            ("transit", vec![("address", "env://PALISADE_NO_SUCH_VARIABLE")], "cannot be read"),
            ("pkcs11", vec![("lib", "/nowhere.so"), ("pin", "1234"), ("key_label", "k")], "slot or token_label"),
            (
                "pkcs11",
                vec![("lib", "/l.so"), ("pin", "1"), ("key_label", "k"), ("slot", "1"), ("mechanism", "RSA_PKCS_OAEP")],
                "AES_GCM",
            ),
        ] {
            let settings = settings.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            let error = seal(&SealConfig::Block(kind.to_owned(), settings)).err().unwrap().to_string();
            assert!(error.contains(part), "{kind}: {error}");
        }
    }
}
