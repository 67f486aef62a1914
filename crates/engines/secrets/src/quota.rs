use crate::core::Core;
use jiff::Timestamp;
use logical::{Error, Storage, StorageExt as _};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// Rows of rate limits.
pub(crate) const QUOTAS: &str = "quota/rate-limit/";

/// A rate limit: so many requests of each client's address in an interval.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RateLimit {
    pub(crate) name: String,
    /// Empty, a namespace, a mount, or a path below one; `*` at the end is any rest.
    pub(crate) path: String,
    #[serde(default)]
    pub(crate) role: String,
    pub(crate) rate: f64,
    pub(crate) interval: u64,
    pub(crate) block_interval: u64,
    #[serde(default)]
    pub(crate) inheritable: bool,
}

/// Rate limits with what was used of them. Counted by each node.
#[derive(Default)]
pub(crate) struct Quotas {
    limits: RwLock<Arc<Vec<RateLimit>>>,
    used: Mutex<HashMap<(String, Option<IpAddr>), Window>>,
}

struct Window {
    start: Timestamp,
    count: f64,
    blocked_until: Option<Timestamp>,
}

/// More clients than this are forgotten at once.
const MAX_CLIENTS: usize = 100_000;

impl Quotas {
    pub(crate) async fn load(&self, storage: &dyn Storage) -> Result<(), Error> {
        let mut limits = Vec::new();
        for key in storage.scan(QUOTAS, "", usize::MAX).await? {
            limits.extend(storage.get_json::<RateLimit>(&key).await?);
        }
        // The most precise first.
        limits.sort_by_key(|limit| std::cmp::Reverse(limit.path.len()));
        *self.limits.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(limits);
        self.used.lock().unwrap_or_else(PoisonError::into_inner).clear();
        Ok(())
    }
}

impl RateLimit {
    fn is_for(&self, path: &str) -> bool {
        match self.path.strip_suffix('*') {
            Some(prefix) => path.starts_with(prefix),
            None => {
                self.path.is_empty() || self.path.ends_with('/') && path.starts_with(&self.path) || path == self.path
            }
        }
    }
}

impl Core {
    /// Counts a request; its path is with the namespace.
    pub(crate) fn count_request(&self, path: &str, address: Option<IpAddr>, now: Timestamp) -> Result<(), Error> {
        let limits = Arc::clone(&self.quotas.limits.read().unwrap_or_else(PoisonError::into_inner));
        let Some(limit) = limits.iter().find(|limit| limit.is_for(path)) else { return Ok(()) };
        if matches!(path, "sys/health" | "sys/seal-status" | "sys/unseal" | "sys/init") {
            return Ok(());
        }
        let mut used = self.quotas.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.len() >= MAX_CLIENTS {
            used.clear();
        }
        let new = || Window { start: now, count: 0.0, blocked_until: None };
        let window = used.entry((limit.name.clone(), address)).or_insert_with(new);
        let refused = Err(Error::TooMany(format!("request path {path:?}: rate limit quota exceeded")));
        match window.blocked_until {
            Some(until) if until > now => return refused,
            Some(_) => *window = new(),
            None => {}
        }
        if crate::ttl::add(window.start, std::time::Duration::from_secs(limit.interval.max(1))) <= now {
            *window = new();
        }
        window.count += 1.0;
        if window.count <= limit.rate {
            return Ok(());
        }
        if limit.block_interval > 0 {
            window.blocked_until = Some(crate::ttl::add(now, std::time::Duration::from_secs(limit.block_interval)));
        }
        refused
    }
}
