use crate::namespace::Namespace;
use crate::prefix::Prefixed;
use logical::{Backend, Map, SpecialPaths, TokenType};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Kinds that are there once and stay where they are.
pub(crate) const SINGLETONS: [&str; 8] =
    ["cubbyhole", "ns_cubbyhole", "system", "ns_system", "token", "ns_token", "identity", "ns_identity"];

/// Whether a mount gives out secrets or tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Class {
    Secret,
    Auth,
}

impl Class {
    /// What stands before the path of such a mount.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::Secret => "",
            Self::Auth => "auth/",
        }
    }
}

/// What can be tuned.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct MountConfig {
    pub(crate) default_lease_ttl: u64,
    pub(crate) max_lease_ttl: u64,
    pub(crate) force_no_cache: bool,
    pub(crate) audit_non_hmac_request_keys: Vec<String>,
    pub(crate) audit_non_hmac_response_keys: Vec<String>,
    pub(crate) listing_visibility: String,
    pub(crate) passthrough_request_headers: Vec<String>,
    pub(crate) allowed_response_headers: Vec<String>,
    pub(crate) token_type: TokenType,
    pub(crate) lockout: Option<Lockout>,
    pub(crate) plugin_version: String,
}

/// When logins of a name are refused for a while.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Lockout {
    pub(crate) threshold: u64,
    pub(crate) duration: u64,
    pub(crate) counter_reset: u64,
    pub(crate) is_disabled: bool,
}

impl Default for Lockout {
    fn default() -> Self {
        Self { threshold: 5, duration: 900, counter_reset: 900, is_disabled: false }
    }
}

/// A mount as it is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct MountEntry {
    pub(crate) class: Class,
    /// `secret/`; for auth methods without `auth/`.
    pub(crate) path: String,
    pub(crate) kind: String,
    pub(crate) description: String,
    pub(crate) uuid: String,
    pub(crate) accessor: String,
    pub(crate) namespace_id: String,
    pub(crate) local: bool,
    pub(crate) seal_wrap: bool,
    pub(crate) external_entropy_access: bool,
    pub(crate) config: MountConfig,
    pub(crate) options: BTreeMap<String, String>,
    /// It is being removed: nothing is routed there.
    #[serde(default)]
    pub(crate) is_tainted: bool,
}

/// Who answers.
#[derive(Clone)]
pub(crate) enum Target {
    System,
    Cubbyhole,
    Identity,
    Token,
    Backend(Arc<dyn Backend>),
    /// Its kind is not known to this server.
    Missing,
}

/// A mount in use.
pub(crate) struct Mount {
    pub(crate) entry: MountEntry,
    pub(crate) namespace: Arc<Namespace>,
    pub(crate) target: Target,
    pub(crate) storage: Prefixed,
    pub(crate) special: SpecialPaths,
    pub(crate) default_ttl: Duration,
    pub(crate) max_ttl: Duration,
}

impl MountEntry {
    /// The path in the namespace: `auth/userpass/`.
    pub(crate) fn full_path(&self) -> String {
        format!("{}{}", self.class.prefix(), self.path)
    }

    /// The row that holds it.
    pub(crate) fn key(&self) -> String {
        mount_key(&self.namespace_id, &self.full_path())
    }

    /// Where its own rows are.
    pub(crate) fn storage_prefix(&self) -> String {
        format!("{}/{}/", if self.class == Class::Auth { "auth" } else { "logical" }, self.uuid)
    }

    /// As `sys/mounts` and `sys/auth` show it.
    pub(crate) fn describe(&self) -> Value {
        let config = &self.config;
        let mut shown = json!({
            "default_lease_ttl": config.default_lease_ttl,
            "max_lease_ttl": config.max_lease_ttl,
            "force_no_cache": config.force_no_cache,
        });
        if let Some(shown) = shown.as_object_mut() {
            config.describe_lists(shown);
            if self.class == Class::Auth {
                shown.insert("token_type".to_owned(), json!(token_type_name(config.token_type)));
            }
        }
        let is_builtin = SINGLETONS.contains(&self.kind.as_str());
        let mut data = json!({
            "type": self.kind,
            "description": self.description,
            "accessor": self.accessor,
            "uuid": self.uuid,
            "local": self.local,
            "seal_wrap": self.seal_wrap,
            "external_entropy_access": self.external_entropy_access,
            "config": shown,
            "options": if self.options.is_empty() && is_builtin { Value::Null } else { json!(self.options) },
            "plugin_version": config.plugin_version,
            "running_plugin_version": "v1.0.0+builtin.palisade",
            "running_sha256": "",
        });
        if let Some(data) = data.as_object_mut().filter(|_| !is_builtin) {
            data.insert("deprecation_status".to_owned(), json!("supported"));
        }
        data
    }
}

/// The row of the mount at a path of a namespace.
pub(crate) fn mount_key(namespace_id: &str, full_path: &str) -> String {
    format!("core/mount/{namespace_id}/{full_path}")
}

impl MountConfig {
    /// Lists that are shown only where they are set.
    pub(crate) fn describe_lists(&self, shown: &mut Map) {
        for (name, list) in [
            ("audit_non_hmac_request_keys", &self.audit_non_hmac_request_keys),
            ("audit_non_hmac_response_keys", &self.audit_non_hmac_response_keys),
            ("passthrough_request_headers", &self.passthrough_request_headers),
            ("allowed_response_headers", &self.allowed_response_headers),
        ] {
            if !list.is_empty() {
                shown.insert(name.to_owned(), json!(list));
            }
        }
        if !self.listing_visibility.is_empty() {
            shown.insert("listing_visibility".to_owned(), json!(self.listing_visibility));
        }
        if let Some(lockout) = &self.lockout {
            shown.insert("user_lockout_counter_reset_duration".to_owned(), json!(lockout.counter_reset));
            shown.insert("user_lockout_duration".to_owned(), json!(lockout.duration));
            shown.insert("user_lockout_threshold".to_owned(), json!(lockout.threshold));
            shown.insert("user_lockout_disable".to_owned(), json!(lockout.is_disabled));
        }
    }
}

/// As the API names it.
pub(crate) fn token_type_name(kind: TokenType) -> &'static str {
    match kind {
        TokenType::Default => "default",
        TokenType::Service => "service",
        TokenType::Batch => "batch",
        TokenType::DefaultService => "default-service",
        TokenType::DefaultBatch => "default-batch",
    }
}

/// As [`token_type_name`] writes it.
pub(crate) fn token_type(name: &str) -> Option<TokenType> {
    [TokenType::Default, TokenType::Service, TokenType::Batch, TokenType::DefaultService, TokenType::DefaultBatch]
        .into_iter()
        .find(|kind| token_type_name(*kind) == name)
        .or_else(|| name.is_empty().then_some(TokenType::Default))
}

/// Whether one of the patterns is for the path: `*` at the end is any rest, `+` any one segment.
pub(crate) fn matches_any(patterns: &[&str], path: &str) -> bool {
    patterns.iter().any(|pattern| matches(pattern, path))
}

fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, is_prefix) = match pattern.strip_suffix('*') {
        Some(prefix) => (prefix, true),
        None => (pattern, false),
    };
    let mut path = path.split('/');
    let mut pattern = pattern.split('/').peekable();
    while let Some(wanted) = pattern.next() {
        let Some(found) = path.next() else { return false };
        let is_last = pattern.peek().is_none();
        if is_last && is_prefix {
            return found.starts_with(wanted);
        }
        if wanted == "+" && !found.is_empty() {
            continue;
        }
        if wanted != found {
            return false;
        }
    }
    path.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_paths_match_whole_segments_and_prefixes() {
        for (pattern, path, wanted) in [
            ("login", "login", true),
            ("login", "login/x", false),
            ("login/*", "login/x", true),
            ("login/*", "login", false),
            ("accessors*", "accessors/", true),
            ("role/+/secret", "role/a/secret", true),
            ("role/+/secret", "role/a/b/secret", false),
            ("role/+/secret", "role//secret", false),
            ("+/ca*", "x/ca_chain", true),
        ] {
            assert_eq!(matches(pattern, path), wanted, "{pattern} {path}");
        }
    }
}
