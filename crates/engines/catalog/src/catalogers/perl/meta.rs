//! What a distribution of CPAN says of itself: `META.json`, `META.yml`, `MYMETA.json`, `install.json` (CPAN::Meta::Spec).

use crate::ParseError;
use crate::catalogers::yaml;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

type Versions = BTreeMap<String, Option<String>>;
/// By relation: `requires`, `recommends`.
type Relations = BTreeMap<String, Option<Versions>>;

/// The fields that are read.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Meta {
    pub(super) name: Option<String>,
    pub(super) version: Option<String>,
    license: Option<Names>,
    x_spdx_expression: Option<String>,
    provides: Option<BTreeMap<String, Option<Provided>>>,
    prereqs: Option<BTreeMap<String, Option<Relations>>>,
    requires: Option<Versions>,
    build_requires: Option<Versions>,
    /// Of `install.json`: name and version in one.
    pub(super) dist: Option<String>,
    /// Of `install.json`: where PAUSE keeps it, `O/OA/OALDERS/URI-5.35.tar.gz`.
    pub(super) pathname: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Names {
    One(String),
    Many(Vec<String>),
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Provided {
    version: Option<String>,
}

/// A module, as the records of Syft's JSON schema 16 have it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Module {
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
}

impl Meta {
    /// Reads JSON or YAML. JSON is read as YAML, so that `1.10` stays what is written.
    pub(super) fn parse(text: &str) -> Result<Self, ParseError> {
        yaml::parse(text)
    }

    /// The modules that it brings, by name.
    pub(super) fn modules(&self) -> Vec<Module> {
        let provides = self.provides.iter().flatten();
        let version = |provided: &Option<Provided>| provided.as_ref()?.version.clone().filter(|text| !text.is_empty());
        provides.map(|(name, provided)| Module { name: name.clone(), version: version(provided) }).collect()
    }

    /// The licences, an SPDX expression before the names of the specification.
    pub(super) fn licenses(&self) -> Vec<String> {
        match (&self.x_spdx_expression, &self.license) {
            (Some(expression), _) if !expression.is_empty() => vec![expression.clone()],
            (_, Some(Names::One(name))) => vec![name.clone()],
            (_, Some(Names::Many(names))) => names.clone(),
            (_, None) => Vec::new(),
        }
    }

    /// The modules that it needs to be built and to run.
    pub(super) fn needs(&self) -> Vec<String> {
        let phase = |name: &str| self.prereqs.as_ref()?.get(name)?.as_ref()?.get("requires")?.as_ref();
        let all = [phase("runtime"), phase("build"), self.requires.as_ref(), self.build_requires.as_ref()];
        all.into_iter().flatten().flat_map(BTreeMap::keys).cloned().collect()
    }
}
