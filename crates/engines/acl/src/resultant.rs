use crate::capability::Capability;
use crate::compiled::Acl;
use crate::permissions::Permissions;
use logical::Map;
use serde_json::{Value as Json, json};

impl Acl {
    /// The data of `sys/internal/ui/resultant-acl`. Patterns with `+` are not in it, as with the peer.
    pub fn resultant(&self) -> Map {
        if self.root().is_some() {
            return Map::from_iter([("root".to_owned(), Json::Bool(true))]);
        }
        let rows = |table: &crate::table::Table| -> Json {
            Json::Object(table.below("").map(|(path, permissions)| (path.to_owned(), describe(permissions))).collect())
        };
        Map::from_iter([
            ("root".to_owned(), Json::Bool(false)),
            ("exact_paths".to_owned(), rows(&self.exact)),
            ("glob_paths".to_owned(), rows(&self.prefixes)),
        ])
    }
}

fn describe(permissions: &Permissions) -> Json {
    let mut row = Map::from_iter([(
        "capabilities".to_owned(),
        Json::from(permissions.capabilities.names(Capability::RESULTANT)),
    )]);
    let mut add = |name: &str, value: Json| row.insert(name.to_owned(), value);
    for (name, ttl) in
        [("min_wrapping_ttl", permissions.min_wrapping_ttl), ("max_wrapping_ttl", permissions.max_wrapping_ttl)]
    {
        if !ttl.is_zero() {
            add(name, Json::from(ttl.as_secs()));
        }
    }
    for (name, parameters) in
        [("allowed_parameters", &permissions.allowed_parameters), ("denied_parameters", &permissions.denied_parameters)]
    {
        if let Some(parameters) = parameters.as_ref().filter(|parameters| !parameters.is_empty()) {
            add(name, json!(parameters));
        }
    }
    if !permissions.required_parameters.is_empty() {
        add("required_parameters", json!(permissions.required_parameters));
    }
    Json::Object(row)
}
