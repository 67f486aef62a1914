//! What is fetched and read, and under which limits.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use crate::error::FeedError;
use crate::source::{SOURCES, Source};

/// The configuration, in TOML:
///
/// ```toml
/// database = "https://mirror.example/advisories.db"
/// [sources.nvd]
/// addresses = ["https://mirror.example/nvdcve-2.0-2024.json.gz"]
/// [sources.wolfi]
/// enabled = true
/// [limits]
/// timeout_seconds = 60
/// ```
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The address of a database that is made elsewhere, to be fetched in place of the publishers' feeds.
    pub database: Option<String>,
    /// By source.
    pub sources: BTreeMap<String, SourceConfig>,
    /// Limits.
    pub limits: Limits,
}

/// What the configuration says of one source.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SourceConfig {
    /// On or off, against the source's own default.
    pub enabled: Option<bool>,
    /// In place of the source's own addresses. `{year}` stands for each year since 2002, one address for each.
    pub addresses: Option<Vec<String>>,
}

/// Limits of untrusted input and of patience.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes of one file as fetched.
    pub file_bytes: u64,
    /// Bytes that one file may unpack to, all its entries together.
    pub unpacked_bytes: u64,
    /// Bytes of one document or line.
    pub document_bytes: usize,
    /// Files in a folder, and entries in an archive.
    pub entries: usize,
    /// Seconds without a byte after which a request is given up.
    pub timeout_seconds: u64,
    /// How often a request that was cut is taken up again.
    pub retries: u32,
    /// Milliseconds before the first retry; each further one waits twice as long.
    pub retry_milliseconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: 4 << 30,
            unpacked_bytes: 32 << 30,
            document_bytes: advisory::MAX_DOCUMENT_BYTES,
            entries: 2_000_000,
            timeout_seconds: 60,
            retries: 4,
            retry_milliseconds: 1000,
        }
    }
}

impl Limits {
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds.max(1))
    }
}

impl Config {
    /// Reads the configuration from TOML.
    ///
    /// # Errors
    /// When it is not valid, or names a source that does not exist.
    pub fn from_toml(text: &str) -> Result<Self, FeedError> {
        let config: Self = toml::from_str(text).map_err(FeedError::Configuration)?;
        match config.sources.keys().find(|name| Source::by_name(name).is_none()) {
            Some(name) => Err(FeedError::UnknownSource { name: name.clone() }),
            None => Ok(config),
        }
    }

    /// Whether a source is on. A source that is not known is on: its files are in the folder because someone put them
    /// there.
    #[must_use]
    pub fn is_enabled(&self, name: &str) -> bool {
        let own = Source::by_name(name).is_none_or(|source| source.enabled);
        self.sources.get(name).and_then(|config| config.enabled).unwrap_or(own)
    }

    /// The sources that are on and have addresses, each with them.
    pub fn fetched(&self) -> impl Iterator<Item = (&'static Source, Vec<String>)> + '_ {
        SOURCES.iter().filter(|source| self.is_enabled(source.name)).filter_map(|source| {
            let configured = self.sources.get(source.name).and_then(|config| config.addresses.clone());
            let addresses = configured.unwrap_or_else(|| source.addresses.iter().map(ToString::to_string).collect());
            let addresses: Vec<String> = addresses.iter().flat_map(|address| by_year(address, this_year())).collect();
            (!addresses.is_empty()).then_some((source, addresses))
        })
    }
}

/// The first year that has a feed of its own (NVD's).
const FIRST_YEAR: u64 = 2002;

fn this_year() -> u64 {
    // The mean Gregorian year is right but for some hours around the New Year.
    const SECONDS: u64 = 31_556_952;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    1970 + now.map_or(0, |time| time.as_secs() / SECONDS)
}

fn by_year(address: &str, last: u64) -> Vec<String> {
    match address.contains("{year}") {
        true => (FIRST_YEAR..=last).map(|year| address.replace("{year}", &year.to_string())).collect(),
        false => vec![address.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overrides_defaults() {
        let config = Config::from_toml(
            "[sources.wolfi]\nenabled = true\n[sources.nvd]\naddresses = ['https://m/x']\n[limits]\nretries = 1",
        )
        .unwrap();
        assert!(config.is_enabled("wolfi") && !config.is_enabled("chainguard") && config.is_enabled("nvd"));
        let nvd = config.fetched().find(|(source, _)| source.name == "nvd").unwrap();
        assert_eq!((nvd.1, config.limits.retries), (vec!["https://m/x".to_owned()], 1));
    }

    #[test]
    fn years_are_told_one_by_one() {
        assert_eq!(
            by_year("https://m/{year}.gz", 2004),
            ["https://m/2002.gz", "https://m/2003.gz", "https://m/2004.gz"]
        );
        assert_eq!(by_year("https://m/x", 2004), ["https://m/x"]);
        let config = Config::default();
        let (_, addresses) = config.fetched().find(|(source, _)| source.name == "nvd").unwrap();
        assert!(addresses.len() >= 25 && addresses.iter().all(|address| !address.contains('{')));
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for text in ["[sources.nope]", "what = 1", "[sources.nvd]\naddress = 'x'"] {
            assert!(Config::from_toml(text).is_err(), "{text}");
        }
    }
}
