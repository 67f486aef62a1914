use crate::Map;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// What a backend answers. Without anything in it, it is a 204.
#[derive(Default, Clone)]
pub struct Response {
    /// `data`.
    pub data: Option<Map>,
    /// A secret that ends.
    pub lease: Option<Lease>,
    /// `lease_duration` of what has no lease (KV 1): after this long it should be read again.
    pub lease_duration: Duration,
    /// A login: the server makes the token.
    pub auth: Option<Auth>,
    /// `warnings`.
    pub warnings: Vec<String>,
    /// Another status than 200 or 204 (a deleted version of KV is a 404 with data).
    pub status: Option<u16>,
    /// Not JSON: certificates, revocation lists, ACME.
    pub raw: Option<Raw>,
    /// Further headers.
    pub headers: Vec<(String, String)>,
}

/// A body that is sent as it is.
#[derive(Clone)]
pub struct Raw {
    /// The HTTP status.
    pub status: u16,
    /// `Content-Type`; empty for none.
    pub content_type: String,
    /// The body.
    pub body: Vec<u8>,
}

/// A secret that ends.
#[derive(Clone, Serialize, Deserialize)]
pub struct Lease {
    /// Which kind of secret of the backend: it is told when the lease is renewed or revoked.
    pub kind: String,
    /// What the backend needs to renew and revoke it. Encrypted, never shown.
    pub internal: Map,
    /// How long it lives; zero: the mount's default.
    pub ttl: Duration,
    /// How long it may ever live; zero: the mount's.
    pub max_ttl: Duration,
    /// Whether it can be renewed.
    pub renewable: bool,
}

/// The kind of token that a login gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenType {
    /// What the mount says.
    #[default]
    Default,
    /// Stored, can be renewed and revoked.
    Service,
    /// Not stored: encrypted itself.
    Batch,
    /// Service where nothing else is asked for.
    DefaultService,
    /// Batch where nothing else is asked for.
    DefaultBatch,
}

/// A login, of which the server makes a token. Field names as in the peer's API.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Auth {
    /// What the method needs to renew it. Encrypted, never shown.
    pub internal: Map,
    /// The token's display name without the mount's.
    pub display_name: String,
    /// Policies of the method; `default` is added by the server.
    pub policies: Vec<String>,
    /// Whether `default` is left out.
    pub no_default_policy: bool,
    /// Shown, and in audit logs.
    pub metadata: BTreeMap<String, String>,
    /// Who it is, for identity.
    pub alias: Option<Alias>,
    /// Groups elsewhere that it is in.
    pub group_aliases: Vec<Alias>,
    /// Lifetime; zero: the mount's default.
    pub ttl: Duration,
    /// Zero: the mount's.
    pub max_ttl: Duration,
    /// Renewable for ever, in these steps; zero: not.
    pub period: Duration,
    /// A bound that no renewal passes; zero: none.
    pub explicit_max_ttl: Duration,
    /// How often it may be used; zero: any number.
    pub num_uses: u64,
    /// From where it may be used, as CIDR.
    pub bound_cidrs: Vec<String>,
    /// Which kind.
    pub token_type: TokenType,
    /// Whether it can be renewed.
    pub renewable: bool,
    /// Whether it has no parent (logins have none).
    pub orphan: bool,
}

/// A name of an identity at an auth method.
#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct Alias {
    /// The name there.
    pub name: String,
    /// Metadata.
    pub metadata: BTreeMap<String, String>,
}

impl Response {
    /// 204.
    pub fn empty() -> Self {
        Self::default()
    }

    /// 200 with `data`. What is no object is under `value`, which backends have no use for.
    pub fn json(data: Value) -> Self {
        let data = match data {
            Value::Object(map) => map,
            other => Map::from_iter([("value".to_owned(), other)]),
        };
        Self { data: Some(data), ..Self::default() }
    }

    /// A list; nothing in it is a 404 as the peer has it.
    pub fn keys(keys: Vec<String>) -> Self {
        Self::json(if keys.is_empty() { json!({}) } else { json!({ "keys": keys }) })
    }

    /// With a warning.
    #[must_use]
    pub fn warn(mut self, text: impl Into<String>) -> Self {
        self.warnings.push(text.into());
        self
    }
}
