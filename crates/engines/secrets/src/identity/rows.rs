use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A person or program.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Entity {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) namespace_id: String,
    pub(crate) metadata: Option<BTreeMap<String, String>>,
    pub(crate) policies: Vec<String>,
    pub(crate) disabled: bool,
    pub(crate) aliases: Vec<Alias>,
    pub(crate) merged_entity_ids: Vec<String>,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
}

/// A name of an entity, or of a group, at an auth method.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Alias {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) mount_accessor: String,
    pub(crate) metadata: Option<BTreeMap<String, String>>,
    pub(crate) custom_metadata: Option<BTreeMap<String, String>>,
    pub(crate) merged_from: Vec<String>,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
}

/// Entities and groups that share policies.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Group {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) namespace_id: String,
    /// Its members are those whom an auth method puts there.
    pub(crate) is_external: bool,
    pub(crate) metadata: Option<BTreeMap<String, String>>,
    pub(crate) policies: Vec<String>,
    pub(crate) member_entity_ids: Vec<String>,
    pub(crate) member_group_ids: Vec<String>,
    pub(crate) alias: Option<Alias>,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    pub(crate) modify_index: u64,
}

pub(crate) fn entity_key(id: &str) -> String {
    format!("identity/entity/{id}")
}

/// Names are the same in any case.
pub(crate) fn entity_name_key(namespace_id: &str, name: &str) -> String {
    format!("identity/entity-name/{namespace_id}/{}", name.to_lowercase())
}

/// From an alias to its entity.
pub(crate) fn alias_key(id: &str) -> String {
    format!("identity/alias/{id}")
}

/// From a name at a mount to its entity.
pub(crate) fn alias_name_key(accessor: &str, name: &str) -> String {
    format!("identity/alias-name/{accessor}/{name}")
}

/// From an entity that is no more to the one that it was merged into.
pub(crate) fn merged_key(id: &str) -> String {
    format!("identity/merged/{id}")
}

pub(crate) fn group_key(id: &str) -> String {
    format!("identity/group/{id}")
}

pub(crate) fn group_alias_name_key(accessor: &str, name: &str) -> String {
    format!("identity/group-alias-name/{accessor}/{name}")
}

/// Groups of an entity, one row each.
pub(crate) fn entity_groups_prefix(entity_id: &str) -> String {
    format!("identity/in-group/entity/{entity_id}/")
}

/// Groups that a group is in.
pub(crate) fn group_groups_prefix(group_id: &str) -> String {
    format!("identity/in-group/group/{group_id}/")
}
pub(crate) fn group_name_key(namespace_id: &str, name: &str) -> String {
    format!("identity/group-name/{namespace_id}/{}", name.to_lowercase())
}

/// From a group's alias to its group.
pub(crate) fn group_alias_key(id: &str) -> String {
    format!("identity/group-alias/{id}")
}
