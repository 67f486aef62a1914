use crate::{Error, Pending};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{self, Write};
use zeroize::Zeroizing;

/// Bytes that are wiped when dropped.
pub type Secret = Zeroizing<Vec<u8>>;

/// JSON in one buffer that never grew, so that no copy is left behind.
///
/// # Errors
/// Where it has no JSON.
pub fn encode(value: &impl Serialize) -> Result<Secret, Error> {
    let mut size = Count(0);
    serde_json::to_writer(&mut size, value).map_err(Error::internal)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(size.0));
    serde_json::to_writer(&mut *bytes, value).map_err(Error::internal)?;
    Ok(bytes)
}

struct Count(usize);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A row.
pub struct Entry {
    /// Its value, decrypted.
    pub value: Secret,
    /// Changes with each write; only equality means anything.
    pub version: u64,
}

/// Writes that are done together or not at all.
#[derive(Default)]
pub struct Batch {
    /// Keys that must be at these versions, or absent for none.
    pub conditions: Vec<(String, Option<u64>)>,
    /// Values to write, or none to delete.
    pub writes: Vec<(String, Option<Secret>)>,
}

impl Batch {
    /// A batch without writes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes a value.
    pub fn put(&mut self, key: impl Into<String>, value: impl Into<Secret>) -> &mut Self {
        self.writes.push((key.into(), Some(value.into())));
        self
    }

    /// Writes a value as JSON.
    ///
    /// # Errors
    /// Where it has no JSON.
    pub fn put_json(&mut self, key: impl Into<String>, value: &impl Serialize) -> Result<&mut Self, Error> {
        Ok(self.put(key, encode(value)?))
    }

    /// Deletes a key, if it is there.
    pub fn delete(&mut self, key: impl Into<String>) -> &mut Self {
        self.writes.push((key.into(), None));
        self
    }

    /// Commits only if the key is at this version, or absent for none.
    pub fn require(&mut self, key: impl Into<String>, version: Option<u64>) -> &mut Self {
        self.conditions.push((key.into(), version));
        self
    }
}

/// The rows of one mount. Keys are paths like `a/b/c`, without a leading slash; values are encrypted underneath.
pub trait Storage: Send + Sync {
    /// A row.
    fn get<'a>(&'a self, key: &'a str) -> Pending<'a, Option<Entry>>;

    /// The names right under `prefix` (empty, or ending in `/`) in byte order: of a row `a`, of rows below it `a/`.
    /// At most `limit` that are greater than `after`.
    fn list<'a>(&'a self, prefix: &'a str, after: &'a str, limit: usize) -> Pending<'a, Vec<String>>;

    /// All keys under `prefix`, whole, in byte order; at most `limit` that are greater than the key `after`.
    fn scan<'a>(&'a self, prefix: &'a str, after: &'a str, limit: usize) -> Pending<'a, Vec<String>>;

    /// Commits; durable when it answers with the version that the written rows have now. [`Error::Conflict`] where a
    /// condition does not hold.
    fn commit(&self, batch: Batch) -> Pending<'_, u64>;
}

/// What is often done with a storage.
pub trait StorageExt: Storage {
    /// A row that is JSON.
    fn get_json<'a, T: DeserializeOwned + Send + 'a>(&'a self, key: &'a str) -> Pending<'a, Option<T>> {
        Box::pin(async move { Ok(self.get_json_at(key).await?.map(|(value, _)| value)) })
    }

    /// A row that is JSON, with its version.
    fn get_json_at<'a, T: DeserializeOwned + Send + 'a>(&'a self, key: &'a str) -> Pending<'a, Option<(T, u64)>> {
        Box::pin(async move {
            let Some(entry) = self.get(key).await? else { return Ok(None) };
            // The message of a parser could quote the secret.
            let value = serde_json::from_slice(&entry.value).map_err(|_| damaged(key))?;
            Ok(Some((value, entry.version)))
        })
    }

    /// Writes one row.
    fn put<'a>(&'a self, key: &'a str, value: Secret) -> Pending<'a, u64> {
        let mut batch = Batch::new();
        batch.put(key, value);
        self.commit(batch)
    }

    /// Writes one row of JSON.
    fn put_json<'a, T: Serialize + Sync>(&'a self, key: &'a str, value: &'a T) -> Pending<'a, u64> {
        Box::pin(async move {
            let mut batch = Batch::new();
            batch.put_json(key, value)?;
            self.commit(batch).await
        })
    }

    /// Deletes one row.
    fn delete<'a>(&'a self, key: &'a str) -> Pending<'a, u64> {
        let mut batch = Batch::new();
        batch.delete(key);
        self.commit(batch)
    }
}

impl<S: Storage + ?Sized> StorageExt for S {}

fn damaged(key: &str) -> Error {
    Error::internal(format!("the row {key:?} is not what was written"))
}
