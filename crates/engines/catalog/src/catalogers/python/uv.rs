//! `uv.lock`, and the locks of scripts (`NAME.py.lock`, PEP 723).

use super::declared::add_all;
use super::package::{component_with, reference};
use crate::catalogers::dependency::Needs;
use crate::{Extraction, ParseError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    version: i64,
    #[serde(default)]
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    source: BTreeMap<String, toml::Value>,
    #[serde(default)]
    dependencies: Vec<Requirement>,
    #[serde(default, rename = "optional-dependencies")]
    optional_dependencies: BTreeMap<String, Vec<Requirement>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Requirement {
    name: String,
    /// Only there when several versions of the name are locked.
    version: String,
    extra: Vec<String>,
    marker: String,
}

#[derive(Serialize)]
struct Record<'a> {
    index: &'a str,
    /// `null` for none, as the peer writes it.
    dependencies: Option<Vec<RecordDependency<'a>>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extras: Vec<RecordExtra<'a>>,
}

#[derive(Serialize)]
struct RecordDependency<'a> {
    name: &'a str,
    /// The peer never learns it.
    optional: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    markers: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    extras: &'a [String],
}

#[derive(Serialize)]
struct RecordExtra<'a> {
    name: &'a str,
    dependencies: Option<Vec<&'a str>>,
}

/// Adds the packages of a lock file.
pub(super) fn parse(text: &str, out: &mut Extraction) -> Result<(), ParseError> {
    let lock: Lock = toml::from_str(text).map_err(|error| ParseError::malformed(error.message().to_owned()))?;
    if lock.version > 1 {
        return Err(ParseError::Malformed(format!("version {} of uv.lock is not known", lock.version)));
    }
    let mut packages = Vec::new();
    for locked in &lock.package {
        let component = component_with(&locked.name, &locked.version, "python-uv-lock-entry", &record(locked))?;
        packages.push((component, needs(locked)));
    }
    add_all(packages, out)
}

fn record(locked: &Locked) -> Record<'_> {
    let mut dependencies: Vec<RecordDependency<'_>> = locked
        .dependencies
        .iter()
        .map(|requirement| RecordDependency {
            name: &requirement.name,
            optional: false,
            markers: &requirement.marker,
            extras: &requirement.extra,
        })
        .collect();
    dependencies.sort_by_key(|dependency| dependency.name);
    Record {
        index: locked.source.values().find_map(toml::Value::as_str).unwrap_or_default(),
        dependencies: (!dependencies.is_empty()).then_some(dependencies),
        extras: locked
            .optional_dependencies
            .iter()
            .map(|(name, list)| RecordExtra {
                name,
                dependencies: (!list.is_empty()).then(|| list.iter().map(|requirement| &*requirement.name).collect()),
            })
            .collect(),
    }
}

fn needs(locked: &Locked) -> Needs {
    let provides = |extra: &str| [reference(&locked.name, extra), versioned(&locked.name, &locked.version, extra)];
    let requires = |requirement: &Requirement| {
        let whole = std::iter::once("");
        let extras = whole.chain(requirement.extra.iter().map(String::as_str));
        extras.map(|extra| versioned(&requirement.name, &requirement.version, extra)).collect::<Vec<_>>()
    };
    let mut needs = Needs { provides: provides("").into(), requires: Vec::new() };
    let always = locked.dependencies.iter().filter(|requirement| !requirement.marker.contains("extra =="));
    needs.requires.extend(always.flat_map(requires));
    for (extra, list) in &locked.optional_dependencies {
        needs.provides.extend(provides(extra));
        needs.requires.extend(list.iter().flat_map(requires));
    }
    needs
}

fn versioned(name: &str, version: &str, extra: &str) -> String {
    let reference = reference(name, extra);
    match version.trim() {
        "" => reference,
        version => format!("{reference}@{version}"),
    }
}
