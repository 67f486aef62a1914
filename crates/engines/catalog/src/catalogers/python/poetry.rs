//! `poetry.lock`.

use super::declared::add_all;
use super::package::{component_with, reference, required_name};
use crate::catalogers::dependency::Needs;
use crate::{Extraction, ParseError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where packages come from that name no other source; as the peer writes it.
pub(super) const DEFAULT_INDEX: &str = "https://pypi.org/simple";

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    package: Vec<Locked>,
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Locked {
    name: String,
    version: String,
    source: Source,
    dependencies: BTreeMap<String, OneOrMore>,
    extras: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Source {
    url: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    Version(String),
    One(Requirement),
    More(Vec<Requirement>),
    Other(serde::de::IgnoredAny),
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Requirement {
    version: String,
    markers: String,
    extras: Option<Vec<String>>,
}

#[derive(Serialize)]
struct Record {
    index: String,
    /// `null` for none, as the peer writes it.
    dependencies: Option<Vec<RecordDependency>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extras: Vec<RecordExtra>,
}

#[derive(Serialize)]
struct RecordDependency {
    name: String,
    version: String,
    /// The peer never learns it.
    optional: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    markers: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extras: Vec<String>,
}

#[derive(Serialize)]
struct RecordExtra {
    name: String,
    dependencies: Vec<String>,
}

/// Adds the packages of a lock file.
pub(super) fn parse(text: &str, out: &mut Extraction) -> Result<(), ParseError> {
    let lock: Lock = toml::from_str(text).map_err(|error| ParseError::malformed(error.message().to_owned()))?;
    let mut packages = Vec::new();
    for locked in lock.package {
        let (name, version) = (locked.name.clone(), locked.version.clone());
        let record = record(locked);
        let needs = needs(&name, &record);
        packages.push((component_with(&name, &version, "python-poetry-lock-entry", &record)?, needs));
    }
    add_all(packages, out)
}

fn record(locked: Locked) -> Record {
    let mut dependencies = Vec::new();
    for (name, requirement) in locked.dependencies {
        let requirements = match requirement {
            OneOrMore::Version(version) => vec![Requirement { version, ..Requirement::default() }],
            OneOrMore::One(one) => vec![one],
            OneOrMore::More(more) => more,
            OneOrMore::Other(_) => Vec::new(),
        };
        dependencies.extend(requirements.into_iter().map(|requirement| RecordDependency {
            name: name.clone(),
            version: requirement.version,
            optional: false,
            markers: requirement.markers,
            extras: requirement.extras.unwrap_or_default(),
        }));
    }
    let extras = locked.extras.into_iter().map(|(name, dependencies)| RecordExtra { name, dependencies });
    Record {
        index: if locked.source.url.is_empty() { DEFAULT_INDEX.to_owned() } else { locked.source.url },
        dependencies: (!dependencies.is_empty()).then_some(dependencies),
        extras: extras.collect(),
    }
}

fn needs(name: &str, record: &Record) -> Needs {
    let mut needs = Needs { provides: vec![reference(name, "")], requires: Vec::new() };
    let always = record.dependencies.iter().flatten().filter(|dependency| !dependency.markers.contains("extra =="));
    for dependency in always {
        needs.requires.push(reference(&dependency.name, ""));
        needs.requires.extend(dependency.extras.iter().map(|extra| reference(&dependency.name, extra)));
    }
    for extra in &record.extras {
        needs.provides.push(reference(name, &extra.name));
        needs.requires.extend(extra.dependencies.iter().map(|dependency| required_name(dependency)));
    }
    needs
}
