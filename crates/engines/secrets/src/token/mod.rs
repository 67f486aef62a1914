//! Tokens: what is stored of them, how they are found, made, renewed and revoked, and the paths of `auth/token`.

mod asked;
mod create;
mod keys;
mod paths;
mod renew;
mod revoke;
mod roles;
mod store;

pub(crate) use create::NewToken;
pub(crate) use keys::{Keys, StoredKeys, random, random_text};
pub(crate) use paths::handle;
pub(crate) use store::token_key;

use jiff::Timestamp;
use logical::Auth;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// Whether a token is stored or is its own encrypted entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TokenKind {
    #[default]
    Service,
    Batch,
}

impl TokenKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Batch => "batch",
        }
    }
}

/// What is known of a token. The token itself is not in it: it is found by its hash.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) accessor: String,
    /// The parent's hash.
    pub(crate) parent: Option<String>,
    pub(crate) policies: Vec<String>,
    /// The path that made it: `auth/token/create`.
    pub(crate) path: String,
    pub(crate) metadata: Option<BTreeMap<String, String>>,
    pub(crate) display_name: String,
    /// Zero: any number; [`LAST_USE`]: none is left.
    pub(crate) num_uses: i64,
    pub(crate) created: Timestamp,
    /// Seconds it was given at first; zero: it does not end.
    pub(crate) ttl: u64,
    /// Seconds it was given last: what a renewal that asks for nothing gives again.
    pub(crate) lease_ttl: u64,
    pub(crate) explicit_max_ttl: u64,
    pub(crate) period: u64,
    pub(crate) namespace_id: String,
    pub(crate) entity_id: String,
    pub(crate) role: String,
    pub(crate) bound_cidrs: Vec<String>,
    pub(crate) expires: Option<Timestamp>,
    pub(crate) renewable: bool,
    pub(crate) renewed: Option<Timestamp>,
    pub(crate) no_identity_policies: bool,
    /// Of a login: the accessor of the mount and what it said, for renewal.
    pub(crate) login: Option<(String, Box<Auth>)>,
    /// It is being revoked.
    pub(crate) is_revoked: bool,
}

/// `num_uses` of a token that was used for the last time.
pub(crate) const LAST_USE: i64 = -1;

impl Token {
    pub(crate) fn has_ended(&self, now: Timestamp) -> bool {
        self.is_revoked || self.expires.is_some_and(|expires| expires <= now)
    }

    pub(crate) fn is_root(&self) -> bool {
        self.policies.iter().any(|policy| policy == acl::ROOT)
    }

    /// The lease under which it ends: the path that made it, and its hash.
    pub(crate) fn lease_id(&self, hash: &str) -> String {
        let suffix = if self.namespace_id == crate::namespace::ROOT_ID {
            String::new()
        } else {
            format!(".{}", self.namespace_id)
        };
        format!("{}/h{hash}{suffix}", self.path)
    }

    /// Whether it does nothing but wrap an answer.
    pub(crate) fn is_wrapping(&self) -> bool {
        self.policies.iter().map(String::as_str).eq([acl::RESPONSE_WRAPPING])
    }
}

/// A token that was found.
pub(crate) struct Found {
    pub(crate) text: Zeroizing<String>,
    pub(crate) hash: String,
    pub(crate) token: Token,
    /// Of its row; none for batch tokens.
    pub(crate) version: Option<u64>,
}

/// Lower case, trimmed, sorted and once each; an empty name is none.
pub(crate) fn sanitize_policies(policies: impl IntoIterator<Item = String>, add_default: bool) -> Vec<String> {
    let policies = policies.into_iter().map(|policy| policy.trim().to_lowercase());
    let mut policies: Vec<String> = policies.filter(|policy| !policy.is_empty()).collect();
    if policies.iter().any(|policy| policy == acl::ROOT) {
        return vec![acl::ROOT.to_owned()];
    }
    if add_default {
        policies.push(acl::DEFAULT.to_owned());
    }
    policies.sort();
    policies.dedup();
    policies
}
