use std::collections::BTreeMap;

/// How a device writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Whether accessors are hashed.
    pub hmac_accessor: bool,
    /// Whether nothing is hashed.
    pub log_raw: bool,
    /// Whether lists are logged as the number of their keys.
    pub elide_list_responses: bool,
    /// What each line starts with.
    pub prefix: String,
}

/// Why options of a device are none, in the peer's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OptionsError {
    /// Neither true nor false.
    #[error("strconv.ParseBool: parsing {value:?}: invalid syntax")]
    NotBoolean {
        /// Which option.
        name: &'static str,
        /// What it is set to.
        value: String,
    },
    /// A format that the peer had once.
    #[error(
        "jsonx formatting has been removed, consider switching to json by omitting \"format\" or setting it to \"json\""
    )]
    JsonX,
    /// Another format.
    #[error("unknown format type {0:?}")]
    Format(String),
    /// A line break, which would make two lines of one.
    #[error("prefix must not contain line breaks")]
    Prefix,
}

impl Default for Options {
    fn default() -> Self {
        Self { hmac_accessor: true, log_raw: false, elide_list_responses: false, prefix: String::new() }
    }
}

impl Options {
    /// From the options of `sys/audit`; those of the device itself are not looked at.
    ///
    /// # Errors
    /// For values that are none.
    pub fn from_config(config: &BTreeMap<String, String>) -> Result<Self, OptionsError> {
        match config.get("format").map(String::as_str) {
            None | Some("json") => {}
            Some("jsonx") => return Err(OptionsError::JsonX),
            Some(other) => return Err(OptionsError::Format(other.to_owned())),
        }
        let prefix = config.get("prefix").cloned().unwrap_or_default();
        if prefix.contains(['\n', '\r']) {
            return Err(OptionsError::Prefix);
        }
        Ok(Self {
            hmac_accessor: boolean(config, "hmac_accessor")?.unwrap_or(true),
            log_raw: boolean(config, "log_raw")?.unwrap_or_default(),
            elide_list_responses: boolean(config, "elide_list_responses")?.unwrap_or_default(),
            prefix,
        })
    }
}

fn boolean(config: &BTreeMap<String, String>, name: &'static str) -> Result<Option<bool>, OptionsError> {
    match config.get(name).map(String::as_str) {
        None => Ok(None),
        Some("1" | "t" | "T" | "true" | "TRUE" | "True") => Ok(Some(true)),
        Some("0" | "f" | "F" | "false" | "FALSE" | "False") => Ok(Some(false)),
        Some(value) => Err(OptionsError::NotBoolean { name, value: value.to_owned() }),
    }
}
