use crate::{Batch, Entity, Entry, Error, Pending, Secret, Storage, System};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use zeroize::Zeroizing;

/// A storage in memory, for tests of backends.
#[derive(Default)]
pub struct Memory {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    rows: BTreeMap<String, (Secret, u64)>,
    version: u64,
}

impl Memory {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Storage for Memory {
    fn get<'a>(&'a self, key: &'a str) -> Pending<'a, Option<Entry>> {
        let entry = self.lock().rows.get(key).map(|(value, version)| Entry { value: value.clone(), version: *version });
        Box::pin(async move { Ok(entry) })
    }

    fn list<'a>(&'a self, prefix: &'a str, after: &'a str, limit: usize) -> Pending<'a, Vec<String>> {
        let state = self.lock();
        let keys = state.rows.keys().filter_map(|key| key.strip_prefix(prefix));
        let names = keys.map(|rest| rest.split_inclusive('/').next().unwrap_or_default().to_owned());
        let mut names: Vec<String> = names.filter(|name| !name.is_empty() && name.as_str() > after).collect();
        names.sort();
        names.dedup();
        names.truncate(limit);
        Box::pin(async move { Ok(names) })
    }

    fn scan<'a>(&'a self, prefix: &'a str, after: &'a str, limit: usize) -> Pending<'a, Vec<String>> {
        let state = self.lock();
        let keys = state.rows.keys().filter(|key| key.starts_with(prefix) && key.as_str() > after);
        let keys: Vec<String> = keys.take(limit).cloned().collect();
        Box::pin(async move { Ok(keys) })
    }

    fn commit(&self, batch: Batch) -> Pending<'_, u64> {
        let mut state = self.lock();
        let holds = |(key, wanted): &(String, Option<u64>)| state.rows.get(key).map(|row| row.1) == *wanted;
        let result = if batch.conditions.iter().all(holds) {
            state.version += 1;
            let version = state.version;
            for (key, value) in batch.writes {
                match value {
                    Some(value) => state.rows.insert(key, (value, version)),
                    None => state.rows.remove(&key),
                };
            }
            Ok(version)
        } else {
            Err(Error::Conflict)
        };
        Box::pin(async move { result })
    }
}

/// A server without anything, for tests of backends: the usual lifetimes, no options, no entities.
#[derive(Debug, Clone, Copy, Default)]
pub struct Alone;

impl System for Alone {
    fn lifetimes(&self) -> (Duration, Duration) {
        (Duration::from_secs(2_764_800), Duration::from_secs(2_764_800))
    }

    fn options(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    fn entity<'a>(&'a self, _id: &'a str) -> Pending<'a, Option<Entity>> {
        Box::pin(async { Ok(None) })
    }

    fn password<'a>(&'a self, _policy: &'a str) -> Pending<'a, Zeroizing<String>> {
        Box::pin(async { Err(Error::internal("there are no password policies here")) })
    }

    fn api_address(&self) -> Option<String> {
        None
    }
}
