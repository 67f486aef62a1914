//! `Pipfile.lock`: its default packages.

use super::package::component_with;
use super::poetry::DEFAULT_INDEX;
use crate::{Extraction, ParseError};
use sbom::Location;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Lock {
    #[serde(rename = "_meta")]
    meta: Meta,
    default: BTreeMap<String, Locked>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Meta {
    sources: Vec<Source>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Source {
    name: String,
    url: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Locked {
    hashes: Option<Vec<String>>,
    version: Option<String>,
    index: Option<String>,
}

#[derive(Serialize)]
struct Record<'a> {
    /// `null` for none, as the peer writes it.
    hashes: Option<&'a [String]>,
    index: &'a str,
}

/// Adds the packages of a lock file.
pub(super) fn parse(text: &str, out: &mut Extraction) -> Result<(), ParseError> {
    for lock in serde_json::Deserializer::from_str(text).into_iter::<Lock>() {
        let lock = lock?;
        let sources: BTreeMap<&str, &str> =
            lock.meta.sources.iter().map(|source| (source.name.as_str(), source.url.as_str())).collect();
        for (name, locked) in &lock.default {
            let index = match locked.index.as_deref().unwrap_or_default() {
                "" => DEFAULT_INDEX,
                index => sources.get(index).copied().unwrap_or_default(),
            };
            let version = locked.version.as_deref().unwrap_or_default();
            let version = version.strip_prefix("==").unwrap_or(version);
            let record = Record { hashes: locked.hashes.as_deref(), index };
            let mut component = component_with(name, version, "python-pipfile-lock-entry", &record)?;
            // The peer does not call this file evidence.
            component.locations.push(Location { unannotated: true, ..Location::default() });
            out.add(component);
        }
    }
    Ok(())
}
