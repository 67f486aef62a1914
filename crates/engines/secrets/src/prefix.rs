use logical::{Batch, Entry, Pending, Storage};
use std::sync::Arc;

/// The rows under one prefix, as a storage of its own.
#[derive(Clone)]
pub(crate) struct Prefixed {
    inner: Arc<dyn Storage>,
    prefix: String,
}

impl Prefixed {
    pub(crate) fn new(inner: Arc<dyn Storage>, prefix: String) -> Self {
        Self { inner, prefix }
    }

    /// The prefix.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }
}

impl Storage for Prefixed {
    fn get<'a>(&'a self, key: &'a str) -> Pending<'a, Option<Entry>> {
        let key = self.key(key);
        Box::pin(async move { self.inner.get(&key).await })
    }

    fn list<'a>(&'a self, prefix: &'a str, after: &'a str, limit: usize) -> Pending<'a, Vec<String>> {
        let prefix = self.key(prefix);
        Box::pin(async move { self.inner.list(&prefix, after, limit).await })
    }

    fn scan<'a>(&'a self, prefix: &'a str, after: &'a str, limit: usize) -> Pending<'a, Vec<String>> {
        Box::pin(async move {
            let after = if after.is_empty() { String::new() } else { self.key(after) };
            let keys = self.inner.scan(&self.key(prefix), &after, limit).await?;
            let strip = |key: String| key.strip_prefix(&self.prefix).map(str::to_owned);
            Ok(keys.into_iter().filter_map(strip).collect())
        })
    }

    fn commit(&self, batch: Batch) -> Pending<'_, u64> {
        let conditions = batch.conditions.into_iter().map(|(key, version)| (self.key(&key), version)).collect();
        let writes = batch.writes.into_iter().map(|(key, value)| (self.key(&key), value)).collect();
        self.inner.commit(Batch { conditions, writes })
    }
}
