//! `pdm.lock`. PDM writes a package once more for each set of extras in use; in an SBOM it is one package.

use super::declared::add_all;
use super::package::{component_with, normalize, reference, required_name};
use crate::catalogers::dependency::Needs;
use crate::{Extraction, ParseError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    package: Vec<Locked>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Locked {
    name: String,
    version: String,
    requires_python: String,
    summary: String,
    marker: String,
    dependencies: Vec<String>,
    extras: Vec<String>,
    files: Vec<LockedFile>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct LockedFile {
    file: String,
    hash: String,
}

#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct Record {
    summary: String,
    /// `null` for none, as the peer writes it.
    files: Option<Vec<RecordFile>>,
    #[serde(skip_serializing_if = "String::is_empty")]
    marker: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    requires_python: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dependencies: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extras: Vec<RecordVariant>,
}

#[derive(Serialize)]
struct RecordVariant {
    extras: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dependencies: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<RecordFile>,
    #[serde(skip_serializing_if = "String::is_empty")]
    marker: String,
}

#[derive(Serialize, Clone, PartialEq, Eq)]
struct RecordFile {
    url: String,
    digest: RecordDigest,
}

#[derive(Serialize, Clone, PartialEq, Eq)]
struct RecordDigest {
    algorithm: String,
    value: String,
}

/// Adds the packages of a lock file.
pub(super) fn parse(text: &str, out: &mut Extraction) -> Result<(), ParseError> {
    let lock: Lock = toml::from_str(text).map_err(|error| ParseError::malformed(error.message().to_owned()))?;
    let mut groups: BTreeMap<(String, String), Vec<Locked>> = BTreeMap::new();
    for locked in lock.package {
        groups.entry((locked.name.clone(), locked.version.clone())).or_default().push(locked);
    }
    let mut packages = Vec::new();
    for ((name, version), group) in groups {
        let record = merge(group);
        let needs = needs(&name, &record);
        packages.push((component_with(&name, &version, "python-pdm-lock-entry", &record)?, needs));
    }
    add_all(packages, out)
}

fn merge(group: Vec<Locked>) -> Record {
    let mut record = Record::default();
    let first = group.first().map(|first| {
        let text = (first.summary.clone(), first.requires_python.clone(), first.marker.clone());
        (text, first.dependencies.clone())
    });
    let mut base_files = Vec::new();
    for locked in group {
        let files: Vec<RecordFile> = locked.files.into_iter().filter_map(file).collect();
        if locked.extras.is_empty() {
            record.summary = locked.summary;
            record.requires_python = locked.requires_python;
            record.dependencies = locked.dependencies;
            record.marker = locked.marker;
            base_files = files;
        } else {
            let files = if base_files.is_empty() || base_files != files { files } else { Vec::new() };
            let (extras, dependencies, marker) = (locked.extras, locked.dependencies, locked.marker);
            record.extras.push(RecordVariant { extras, dependencies, files, marker });
        }
    }
    record.files = (!base_files.is_empty()).then_some(base_files);
    // Without the package itself the first variant stands for it.
    if let Some(((summary, requires_python, marker), dependencies)) = first.filter(|_| record.summary.is_empty()) {
        (record.summary, record.requires_python, record.marker) = (summary, requires_python, marker);
        record.dependencies = dependencies;
    }
    record
}

fn file(locked: LockedFile) -> Option<RecordFile> {
    let (algorithm, value) = locked.hash.split_once(':')?;
    let digest = RecordDigest { algorithm: algorithm.to_owned(), value: value.to_owned() };
    Some(RecordFile { url: locked.file, digest })
}

fn needs(name: &str, record: &Record) -> Needs {
    let own = normalize(name);
    let names = |list: &[String]| {
        list.iter().map(|dependency| required_name(dependency)).filter(|name| !name.is_empty()).collect::<Vec<_>>()
    };
    let mut needs = Needs { provides: vec![own.clone()], requires: names(&record.dependencies) };
    for variant in &record.extras {
        needs.provides.extend(variant.extras.iter().map(|extra| reference(&own, extra)));
        needs.requires.extend(names(&variant.dependencies).into_iter().filter(|name| *name != own));
    }
    needs
}
