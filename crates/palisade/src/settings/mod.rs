//! Settings under the peers' names: a key has its value from a flag, else the environment, else a file, else a default.

mod keys;
mod load;
mod print;

pub(crate) use load::{Named, load, locations};
pub(crate) use print::print;

use crate::outcome::advised;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A tool whose settings are read.
#[derive(Debug)]
pub(crate) struct App {
    /// Its name, by which its files are found.
    pub(crate) name: &'static str,
    /// What its environment variables begin with.
    pub(crate) prefix: &'static str,
    /// Its keys, in the order in which they are printed.
    keys: &'static [Key],
}

/// Syft 1.57.
pub(crate) static SYFT: App = App { name: "syft", prefix: "SYFT", keys: keys::SYFT };
/// Grype 0.121.
pub(crate) static GRYPE: App = App { name: "grype", prefix: "GRYPE", keys: keys::GRYPE };

/// A setting.
#[derive(Debug)]
struct Key {
    /// With dots.
    path: &'static str,
    kind: Kind,
    /// As a variable would have it.
    default: &'static str,
}

/// What a setting holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bool,
    /// A truth that may be left open.
    Unset,
    Int,
    Text,
    /// A text that is printed without quotes.
    Plain,
    List,
    /// Mappings; only in files.
    Rules,
    /// A flag's place; neither printed nor read from elsewhere.
    Flag,
}

/// The settings of a tool.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    app: &'static App,
    /// What was set, by path.
    values: BTreeMap<String, Json>,
    /// The files that were read.
    pub(crate) files: Vec<PathBuf>,
}

impl Settings {
    /// Nothing set.
    pub(crate) fn new(app: &'static App) -> Self {
        Self { app, values: BTreeMap::new(), files: Vec::new() }
    }

    /// The tool.
    pub(crate) fn app(&self) -> &'static App {
        self.app
    }

    /// Sets what a flag says, if it was given.
    pub(crate) fn flag(&mut self, path: &str, value: Option<impl Into<Json>>) {
        if let Some(value) = value {
            self.values.insert(path.to_owned(), value.into());
        }
    }

    /// Sets what a flag says that may be repeated, if it was given.
    pub(crate) fn flags(&mut self, path: &str, values: &[String]) {
        self.flag(path, (!values.is_empty()).then(|| values.to_vec()));
    }

    /// Sets what a switch says, if it was given.
    pub(crate) fn switch(&mut self, path: &str, given: bool) {
        self.flag(path, given.then_some(true));
    }

    /// Was it set by anything?
    pub(crate) fn is_set(&self, path: &str) -> bool {
        self.values.contains_key(path)
    }

    fn default(&self, path: &str) -> &'static str {
        self.app.keys.iter().find(|key| key.path == path).map(|key| key.default).unwrap_or_default()
    }

    /// A text.
    pub(crate) fn text(&self, path: &str) -> &str {
        self.values.get(path).and_then(Json::as_str).unwrap_or_else(|| self.default(path))
    }

    /// A text that is not empty.
    pub(crate) fn some(&self, path: &str) -> Option<&str> {
        Some(self.text(path)).filter(|text| !text.is_empty())
    }

    /// A path; `~` is the home folder.
    pub(crate) fn path(&self, path: &str) -> Option<PathBuf> {
        self.some(path).map(expand)
    }

    /// A truth.
    pub(crate) fn bool(&self, path: &str) -> bool {
        self.maybe(path).unwrap_or_else(|| self.default(path) == "true")
    }

    /// A truth that may be left open.
    pub(crate) fn maybe(&self, path: &str) -> Option<bool> {
        self.values.get(path).and_then(Json::as_bool)
    }

    /// A whole number.
    pub(crate) fn int(&self, path: &str) -> i64 {
        self.values.get(path).and_then(Json::as_i64).or_else(|| self.default(path).parse().ok()).unwrap_or(0)
    }

    /// A list of texts.
    pub(crate) fn list(&self, path: &str) -> Vec<String> {
        match self.values.get(path) {
            Some(Json::Array(items)) => items.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
            _ => words(self.default(path)),
        }
    }

    /// Mappings as the file has them.
    pub(crate) fn rules(&self, path: &str) -> Option<&Json> {
        self.values.get(path)
    }
}

/// Words with commas between.
fn words(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// A path as the user writes it; `~` is the home folder.
pub(crate) fn expand(path: &str) -> PathBuf {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    match (path.strip_prefix('~'), home) {
        (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => home.join(rest.trim_start_matches('/')),
        _ => PathBuf::from(path),
    }
}

/// An error of the settings, in the peers' words.
pub(crate) fn invalid(what: impl std::fmt::Display, hint: impl Into<String>) -> anyhow::Error {
    advised(format!("invalid application config: {what}"), hint)
}
