//! Derivations: how a path of the store is built, as a term (Nix manual, "Derivation", ATerm form).

use crate::catalogers::term::{self, NOTHING, Term};
use crate::{Found, ParseError};
use foldhash::HashMap;
use sbom::Location;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is read of a derivation.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Derivation {
    /// Paths by the name of the output.
    outputs: BTreeMap<String, String>,
    /// Outputs of other derivations, by the path of those.
    inputs: BTreeMap<String, Vec<String>>,
    sources: Vec<String>,
    system: String,
}

/// As Syft's JSON schema 16 has it.
#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    path: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    system: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    input_derivations: Vec<Input<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    input_sources: &'a [String],
}

#[derive(Serialize)]
struct Input<'a> {
    path: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    outputs: &'a [String],
}

impl Derivation {
    /// `Derive([outputs],[inputs],[sources],"system","builder",[arguments],[environment])`.
    pub(super) fn parse(text: &str) -> Result<Self, ParseError> {
        let term = text.trim().strip_prefix("Derive").ok_or_else(|| ParseError::malformed("not a derivation"))?;
        let terms = term::parse(term)?;
        let derivation = terms.first().unwrap_or(&NOTHING);
        let texts = |list: &Term| {
            let mut texts: Vec<String> = list.items().iter().map(|item| item.text().to_owned()).collect();
            texts.sort_unstable();
            texts
        };
        let outputs = derivation.at(0).items().iter();
        let inputs = derivation.at(1).items().iter();
        Ok(Self {
            outputs: outputs.map(|output| (output.at(0).text().to_owned(), output.at(1).text().to_owned())).collect(),
            inputs: inputs.map(|input| (input.at(0).text().to_owned(), texts(input.at(1)))).collect(),
            sources: texts(derivation.at(2)),
            system: derivation.at(3).text().to_owned(),
        })
    }

    /// The record of the derivation in the file at `path`.
    pub(super) fn record<'a>(&'a self, path: &'a str) -> Record<'a> {
        let inputs = self.inputs.iter().map(|(path, outputs)| Input { path, outputs });
        Record { path, system: &self.system, input_derivations: inputs.collect(), input_sources: &self.sources }
    }
}

/// The derivations in the store.
#[derive(Default)]
pub(super) struct Known {
    by_path: HashMap<String, (Derivation, Location)>,
    /// Paths of derivations.
    by_output: HashMap<String, String>,
}

impl Known {
    pub(super) fn add(&mut self, found: &Found<'_>, derivation: Derivation) {
        for output in derivation.outputs.values().filter(|output| !output.is_empty()) {
            self.by_output.insert(output.clone(), found.file.path.clone());
        }
        self.by_path.insert(found.file.path.clone(), (derivation, found.supporting()));
    }

    /// The derivation that built the path, and its file.
    pub(super) fn of_output(&self, path: &str) -> Option<(&Derivation, &Location)> {
        let (derivation, location) = self.by_path.get(self.by_output.get(path)?)?;
        Some((derivation, location))
    }

    /// The paths of the store that the path was built with.
    pub(super) fn needs<'a>(&'a self, path: &str) -> impl Iterator<Item = &'a str> {
        let derivation = self.of_output(path).map(|(derivation, _)| derivation);
        let inputs = derivation.into_iter().flat_map(|derivation| &derivation.inputs);
        let outputs = inputs.flat_map(|(path, names)| names.iter().map(move |name| (path, name)));
        let outputs = outputs.filter_map(|(path, name)| self.by_path.get(path)?.0.outputs.get(name));
        outputs.chain(derivation.into_iter().flat_map(|derivation| &derivation.sources)).map(String::as_str)
    }
}
