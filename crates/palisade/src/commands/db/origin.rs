//! Where advisories come from: a folder of feeds, the publishers, or a database that somebody else makes.

use crate::outcome::advised;
use anyhow::Context;
use feeds::Config;
use std::fs;
use std::path::{Path, PathBuf};

/// The variable that names a folder of feeds.
const FOLDER_VARIABLE: &str = "PALISADE_ADVISORIES";

/// The variable that names the settings of the publishers.
const SETTINGS_VARIABLE: &str = "PALISADE_SOURCES";

/// Which advisories.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct OriginArgs {
    /// A folder of feeds in place of the publishers, in any layout: files are known by their content.
    #[arg(long, value_name = "DIR", env = FOLDER_VARIABLE)]
    pub(super) from: Option<PathBuf>,
    /// Settings of the publishers (TOML): which are on, their addresses or mirrors, limits. Otherwise
    /// palisade/sources.toml in the folder of the user's settings.
    #[arg(long, value_name = "FILE", env = SETTINGS_VARIABLE)]
    sources: Option<PathBuf>,
}

/// Where advisories come from.
#[derive(Debug)]
pub(super) enum Origin {
    /// Feeds in a folder.
    Folder(PathBuf),
    /// Each publisher.
    Publishers,
    /// A database at an address, made by Palisade elsewhere.
    Database(String),
}

/// Where advisories come from, and how they are read.
#[derive(Debug)]
pub(super) struct Sources {
    pub(super) origin: Origin,
    pub(super) config: Config,
}

impl OriginArgs {
    /// What the environment says.
    pub(super) fn of_environment() -> Self {
        let path = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        Self { from: path(FOLDER_VARIABLE), sources: path(SETTINGS_VARIABLE) }
    }

    /// The settings file: the one named, else the user's own where there is one.
    fn settings(&self) -> Option<PathBuf> {
        self.sources.clone().or_else(|| {
            let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
            let home = absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")))?;
            Some(home.join("palisade/sources.toml")).filter(|path| path.is_file())
        })
    }

    /// Did anybody say where advisories come from?
    pub(super) fn is_configured(&self) -> bool {
        self.from.is_some() || self.settings().is_some()
    }

    /// Reads the settings. A folder goes before a database, that before the publishers.
    pub(super) fn sources(&self) -> anyhow::Result<Sources> {
        let config = match self.settings() {
            Some(path) => read(&path)?,
            None => Config::default(),
        };
        let origin = match (&self.from, &config.database) {
            (Some(folder), _) if !folder.is_dir() => {
                return Err(advised(format!("{} is no folder", folder.display()), "name a folder of advisory feeds"));
            }
            (Some(folder), _) => Origin::Folder(folder.clone()),
            (None, Some(address)) => Origin::Database(address.clone()),
            (None, None) => Origin::Publishers,
        };
        Ok(Sources { origin, config })
    }
}

fn read(path: &Path) -> anyhow::Result<Config> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Config::from_toml(&text).with_context(|| format!("cannot use {}", path.display()))
}
