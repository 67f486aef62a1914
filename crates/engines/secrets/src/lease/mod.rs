//! Leases: rows found by identifier, by expiry and by token. None is held in memory.
//!
//! - `lease/id/<namespace>/<lease id>`: the lease; of a token only its hash.
//! - `lease/expiry/<second>/<namespace>/<lease id>`: when it is due. The row may be older than the lease; the lease counts.
//! - `lease/token/<hash>/<namespace>/<lease id>`: leases of a token.
//! - `lease/revoke/<namespace>/<prefix>`: everything below is to be revoked.
//! - `lease/irrevocable/<namespace>/<lease id>`: set aside after too many failures.

mod expire;
mod register;
mod renew;
mod revoke;

pub(crate) use register::register;
pub(crate) use revoke::Revoke;

use jiff::Timestamp;
use logical::{Batch, Error, Lease};
use serde::{Deserialize, Serialize};

/// A lease as it is stored.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct LeaseRow {
    pub(crate) expires: Timestamp,
    pub(crate) issued: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) renewed: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) failures: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    pub(crate) what: Leased,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// What ends.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Leased {
    /// The token of this hash.
    Token(String),
    Secret {
        /// The mount.
        accessor: String,
        /// The path below it.
        path: String,
        /// The hash of the token that asked for it.
        token: String,
        lease: Box<Lease>,
    },
}

pub(crate) fn lease_key(namespace_id: &str, lease_id: &str) -> String {
    format!("lease/id/{namespace_id}/{lease_id}")
}

pub(crate) fn expiry_key(expires: Timestamp, namespace_id: &str, lease_id: &str) -> String {
    // The next whole second, so that nothing is due before its time.
    let second = expires.as_second().saturating_add(1).max(0);
    format!("lease/expiry/{second:012}/{namespace_id}/{lease_id}")
}

pub(crate) fn token_index_key(hash: &str, namespace_id: &str, lease_id: &str) -> String {
    format!("lease/token/{hash}/{namespace_id}/{lease_id}")
}

/// The lease under which a token ends.
pub(crate) fn put_token_lease(
    batch: &mut Batch,
    lease_id: &str,
    namespace_id: &str,
    hash: &str,
    expires: Timestamp,
) -> Result<(), Error> {
    // Times of the token stand in its own row.
    let row = LeaseRow {
        expires,
        issued: expires,
        renewed: None,
        failures: 0,
        error: None,
        what: Leased::Token(hash.to_owned()),
    };
    batch.put_json(lease_key(namespace_id, lease_id), &row)?;
    batch.put(expiry_key(expires, namespace_id, lease_id), Vec::new());
    Ok(())
}

/// The namespace at the end of a lease identifier or token.
pub(crate) fn namespace_suffix(text: &str) -> Option<&str> {
    let (_, suffix) = text.rsplit_once('.')?;
    (!suffix.is_empty() && !suffix.contains('/')).then_some(suffix)
}
