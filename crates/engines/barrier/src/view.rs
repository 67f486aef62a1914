use crate::rows::Rows;
use logical::{Batch, Entry, Error, Pending, Storage};
use space::SpaceError;
use std::sync::Arc;

/// The rows under a prefix: the storage of a mount. It costs nothing to clone, and outlives sealing: what it is asked
/// while sealed is answered by [`logical::Error::Sealed`].
#[derive(Clone)]
pub struct View {
    rows: Arc<Rows>,
    prefix: Arc<str>,
}

impl View {
    pub(crate) fn new(rows: Arc<Rows>, prefix: &str) -> Self {
        Self { rows, prefix: Arc::from(format!("row/{prefix}")) }
    }

    /// The rows under a prefix of this view's.
    #[must_use]
    pub fn view(&self, prefix: &str) -> Self {
        Self { rows: Arc::clone(&self.rows), prefix: Arc::from(format!("{}{prefix}", self.prefix)) }
    }

    /// The latest commit of the store: what is read afterwards is not older, and [`View::changed`] can go on from it.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn sequence(&self) -> Result<u64, Error> {
        self.rows.space.sequence().await.map_err(Error::internal)
    }

    /// Waits until a row under `prefix` has been written or deleted, by any node, after the commit `since`. Answers with
    /// a commit to go on from. It may answer without a change, and misses none. It works while sealed.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn changed(&self, prefix: &str, since: u64) -> Result<u64, SpaceError> {
        self.rows.changed(&format!("{}{prefix}", self.prefix), since).await
    }
}

impl Storage for View {
    fn get<'a>(&'a self, key: &'a str) -> Pending<'a, Option<Entry>> {
        Box::pin(async move { self.rows.get(&format!("{}{key}", self.prefix)).await })
    }

    fn list<'a>(&'a self, prefix: &'a str, after: &'a str, limit: usize) -> Pending<'a, Vec<String>> {
        Box::pin(async move { self.rows.list(&format!("{}{prefix}", self.prefix), after, limit).await })
    }

    fn scan<'a>(&'a self, prefix: &'a str, after: &'a str, limit: usize) -> Pending<'a, Vec<String>> {
        Box::pin(async move {
            let whole = format!("{}{prefix}", self.prefix);
            self.rows.scan(&whole, self.prefix.len(), after, limit).await
        })
    }

    fn commit(&self, batch: Batch) -> Pending<'_, u64> {
        Box::pin(async move { self.rows.commit(&self.prefix, &batch, space::Batch::new()).await })
    }
}
