//! What logins need of the rows, kept between them.

use super::client::{Client, decimal};
use super::crl::{self, Crl};
use super::entry::{self, Entry};
use certificates::Certificate;
use logical::{Context, Error, StorageExt};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

pub(super) const CONFIG_ROW: &str = "config";

/// Field names as in the peer's API.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Config {
    pub(super) disable_binding: bool,
    pub(super) enable_identity_alias_metadata: bool,
    pub(super) ocsp_cache_size: u64,
}

/// An entry with its certificates.
pub(super) struct Trusted {
    pub(super) entry: Entry,
    pub(super) certificates: Vec<Certificate>,
}

/// All rows, read.
pub(super) struct Trust {
    pub(super) config: Config,
    pub(super) entries: BTreeMap<String, Trusted>,
    revoked: HashSet<String>,
}

impl Trust {
    /// Whether an entry takes a client by a path that nothing in it was revoked of.
    pub(super) fn admits(&self, trusted: &Trusted, client: &Client, path: &[&Certificate]) -> bool {
        let revoked = path.iter().any(|one| self.revoked.contains(&decimal(one.serial())));
        !revoked && trusted.entry.admits(client)
    }

    async fn read(context: Context<'_>) -> Result<Self, Error> {
        let config = context.storage.get_json(CONFIG_ROW).await?.unwrap_or_default();
        let mut entries = BTreeMap::new();
        for name in context.storage.list("cert/", "", usize::MAX).await? {
            if let Some(entry) = context.storage.get_json::<Entry>(&entry::row(&name)).await? {
                let certificates = entry.trusted();
                entries.insert(name, Trusted { entry, certificates });
            }
        }
        let mut revoked = HashSet::new();
        for name in context.storage.list("crl/", "", usize::MAX).await? {
            if let Some(crl) = context.storage.get_json::<Crl>(&crl::row(&name)).await? {
                revoked.extend(crl.serials);
            }
        }
        Ok(Self { config, entries, revoked })
    }
}

/// What was read, and how often it was forgotten.
#[derive(Default)]
pub(super) struct Kept {
    state: Mutex<(u64, Option<Arc<Trust>>)>,
}

impl Kept {
    pub(super) async fn trust(&self, context: Context<'_>) -> Result<Arc<Trust>, Error> {
        let before = {
            let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(trust) = &state.1 {
                return Ok(Arc::clone(trust));
            }
            state.0
        };
        let trust = Arc::new(Trust::read(context).await?);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // What was read while a row changed may be half of each.
        if state.0 == before {
            state.1 = Some(Arc::clone(&trust));
        }
        Ok(trust)
    }

    pub(super) fn forget(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        *state = (state.0.wrapping_add(1), None);
    }
}
