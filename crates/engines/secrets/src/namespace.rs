use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The identifier of the outermost namespace.
pub(crate) const ROOT_ID: &str = "root";

/// A tenant with mounts, policies, tokens and identities of its own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Namespace {
    /// Short, without dots: it ends tokens and lease identifiers.
    pub(crate) id: String,
    /// Empty, or ending in a slash.
    pub(crate) path: String,
    #[serde(default)]
    pub(crate) uuid: String,
    #[serde(default)]
    pub(crate) custom_metadata: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) is_locked: bool,
}

impl Namespace {
    pub(crate) fn root() -> Self {
        Self {
            id: ROOT_ID.to_owned(),
            path: String::new(),
            uuid: String::new(),
            custom_metadata: BTreeMap::new(),
            is_locked: false,
        }
    }

    pub(crate) fn is_root(&self) -> bool {
        self.path.is_empty()
    }

    /// Whether the other one is this one or below it.
    pub(crate) fn holds(&self, other: &Self) -> bool {
        other.path.starts_with(&self.path)
    }

    /// As policies have it.
    pub(crate) fn for_acl(&self) -> acl::Namespace {
        acl::Namespace { id: self.id.clone(), path: self.path.clone() }
    }

    /// What is put behind tokens and lease identifiers.
    pub(crate) fn suffix(&self) -> String {
        if self.is_root() { String::new() } else { format!(".{}", self.id) }
    }
}
