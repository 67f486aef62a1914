use super::config::{Config, DeleteAfter};
use jiff::Timestamp;
use logical::{Batch, Error, Map, Secret, Storage, StorageExt, encode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use zeroize::Zeroizing;

/// How often a write starts over after another came first. Each time one of the writers goes on, so only as many
/// writers of one key as this can make it give up.
const ATTEMPTS: usize = 1000;

/// Versions that are kept where nobody says how many.
const DEFAULT_MAX_VERSIONS: u32 = 10;

/// Where the keys are, each with the data of its newest version.
pub(super) const KEYS: &str = "keys/";

/// A key of the mount, as a row has it: this as JSON, a line break, and the data of the newest version as JSON if it is
/// not destroyed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Key {
    pub(super) current_version: u64,
    pub(super) oldest_version: u64,
    pub(super) metadata_version: u64,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
    pub(super) max_versions: u32,
    pub(super) cas_required: bool,
    pub(super) metadata_cas_required: bool,
    pub(super) delete_version_after_seconds: u64,
    pub(super) custom_metadata: BTreeMap<String, String>,
    pub(super) versions: BTreeMap<u64, Version>,
}

/// What is known of a version besides its data.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Version {
    pub(super) created: Timestamp,
    pub(super) deletion: Option<Timestamp>,
    pub(super) destroyed: bool,
}

/// A key with the data of its newest version.
#[derive(Default)]
pub(super) struct Row {
    pub(super) key: Key,
    pub(super) data: Option<Secret>,
}

/// A change of a key in the making.
pub(super) struct Edit<'a> {
    pub(super) row: Row,
    /// Whether it is there already.
    pub(super) exists: bool,
    path: &'a str,
    batch: Batch,
}

/// What becomes of a change.
pub(super) enum Outcome<T> {
    /// It is written.
    Write(T),
    /// The whole key goes.
    Remove(T),
    /// Nothing changes.
    Keep(T),
}

impl Version {
    /// Whether its data can be read.
    pub(super) fn is_live(&self, now: Timestamp) -> bool {
        !self.destroyed && !self.is_deleted(now)
    }

    pub(super) fn is_deleted(&self, now: Timestamp) -> bool {
        self.deletion.is_some_and(|deletion| deletion <= now)
    }
}

impl Key {
    /// When a version made now will be deleted by itself.
    pub(super) fn deletion(&self, config: &Config, now: Timestamp) -> Result<Option<Timestamp>, Error> {
        let mount = match config.delete_version_after {
            DeleteAfter::Disabled => return Ok(None),
            DeleteAfter::Unset => 0,
            DeleteAfter::Seconds(seconds) => seconds,
        };
        let seconds = [mount, self.delete_version_after_seconds].into_iter().filter(|seconds| *seconds != 0).min();
        let end = seconds.map(|seconds| now.checked_add(Duration::from_secs(seconds))).transpose();
        end.map_err(|_| Error::invalid("error setting deletion_time: delete_version_after is too long"))
    }

    /// What the API tells of a version; with the key's custom metadata.
    pub(super) fn version_json(&self, number: u64, version: &Version) -> Map {
        let mut map = version_times(version);
        map.insert("version".to_owned(), number.into());
        map.insert("custom_metadata".to_owned(), self.custom_metadata_json());
        map
    }

    /// What the API tells of it.
    pub(super) fn json(&self) -> Value {
        let versions: Map =
            self.versions.iter().map(|(number, version)| (number.to_string(), version_times(version).into())).collect();
        json!({
            "versions": versions,
            "current_version": self.current_version,
            "current_metadata_version": self.metadata_version,
            "oldest_version": self.oldest_version,
            "created_time": self.created.to_string(),
            "updated_time": self.updated.to_string(),
            "max_versions": self.max_versions,
            "cas_required": self.cas_required,
            "metadata_cas_required": self.metadata_cas_required,
            "delete_version_after":
                logical::format_duration(Duration::from_secs(self.delete_version_after_seconds)),
            "custom_metadata": self.custom_metadata_json(),
        })
    }

    fn custom_metadata_json(&self) -> Value {
        if self.custom_metadata.is_empty() { Value::Null } else { json!(self.custom_metadata) }
    }
}

fn version_times(version: &Version) -> Map {
    let deletion = version.deletion.map(|deletion| deletion.to_string()).unwrap_or_default();
    Map::from_iter([
        ("created_time".to_owned(), version.created.to_string().into()),
        ("deletion_time".to_owned(), deletion.into()),
        ("destroyed".to_owned(), version.destroyed.into()),
    ])
}

impl Edit<'_> {
    /// Adds a version with this data, sets the one before it apart, and lets go of those that are too many.
    pub(super) fn add_version(&mut self, data: Secret, config: &Config, now: Timestamp) -> Result<Map, Error> {
        let deletion = self.row.key.deletion(config, now)?;
        let before = self.row.data.replace(data);
        let key = &mut self.row.key;
        if !self.exists {
            key.created = now;
        }
        key.updated = now;
        key.current_version += 1;
        let version = Version { created: now, deletion, destroyed: false };
        key.versions.insert(key.current_version, version.clone());
        self.drop_old_versions(config);
        let key = &self.row.key;
        let number = key.current_version - 1;
        if let Some(before) = before.filter(|_| key.versions.contains_key(&number)) {
            self.batch.put(version_row(self.path, number), before);
        }
        Ok(key.version_json(key.current_version, &version))
    }

    /// Lets go of versions that are more than are kept.
    fn drop_old_versions(&mut self, config: &Config) {
        let key = &mut self.row.key;
        let kept = match key.max_versions.max(config.max_versions) {
            0 => u64::from(DEFAULT_MAX_VERSIONS),
            number => u64::from(number),
        };
        if key.current_version.saturating_sub(key.oldest_version) < kept {
            return;
        }
        key.oldest_version = key.current_version - kept + 1;
        let newer = key.versions.split_off(&key.oldest_version);
        let gone = std::mem::replace(&mut key.versions, newer);
        gone.keys().for_each(|number| self.remove_version(*number));
    }

    /// The data of a version goes.
    pub(super) fn remove_version(&mut self, number: u64) {
        if number == self.row.key.current_version {
            self.row.data = None;
        } else {
            self.batch.delete(version_row(self.path, number));
        }
    }
}

/// A key, if it is there.
pub(super) async fn load(storage: &dyn Storage, path: &str) -> Result<Option<(Row, u64)>, Error> {
    let Some(entry) = storage.get(&format!("{KEYS}{path}")).await? else { return Ok(None) };
    Ok(Some((parse(&entry.value)?, entry.version)))
}

/// The data of a version that is not the newest.
pub(super) async fn load_version(storage: &dyn Storage, path: &str, number: u64) -> Result<Option<Secret>, Error> {
    Ok(storage.get(&version_row(path, number)).await?.map(|entry| entry.value))
}

/// Changes a key, with all that belongs to the change, at once, on top of what is there then.
pub(super) async fn edit<T>(
    storage: &dyn Storage,
    path: &str,
    change: impl Fn(&mut Edit<'_>) -> Result<Outcome<T>, Error>,
) -> Result<T, Error> {
    for _ in 0..ATTEMPTS {
        let (row, version) = load(storage, path).await?.map_or((Row::default(), None), |(row, at)| (row, Some(at)));
        let mut edit = Edit { row, exists: version.is_some(), path, batch: Batch::new() };
        let name = format!("{KEYS}{path}");
        edit.batch.require(name.clone(), version);
        let answer = match change(&mut edit)? {
            Outcome::Keep(answer) => return Ok(answer),
            Outcome::Write(answer) => {
                edit.batch.put(name, print(&edit.row)?);
                answer
            }
            Outcome::Remove(answer) => {
                edit.batch.delete(name);
                answer
            }
        };
        match storage.commit(edit.batch).await {
            Err(Error::Conflict) => {}
            Err(error) => return Err(error),
            Ok(_) => return Ok(answer),
        }
    }
    Err(Error::Conflict)
}

/// Changes a row of JSON on top of what is there then.
pub(super) async fn edit_row<T: DeserializeOwned + Serialize + Default + Send>(
    storage: &dyn Storage,
    name: &str,
    change: impl Fn(&mut T),
) -> Result<(), Error> {
    for _ in 0..ATTEMPTS {
        let (mut value, version) =
            storage.get_json_at::<T>(name).await?.map_or((T::default(), None), |(value, at)| (value, Some(at)));
        change(&mut value);
        let mut batch = Batch::new();
        batch.require(name, version).put_json(name, &value)?;
        match storage.commit(batch).await {
            Err(Error::Conflict) => {}
            result => return result.map(|_| ()),
        }
    }
    Err(Error::Conflict)
}

/// A number is the last segment and a path never ends with one more, so no two versions share a row.
fn version_row(path: &str, number: u64) -> String {
    format!("versions/{path}/{number}")
}

fn parse(bytes: &[u8]) -> Result<Row, Error> {
    let damaged = || Error::internal("a key's row is not what was written");
    let end = bytes.iter().position(|byte| *byte == b'\n').ok_or_else(damaged)?;
    let (head, data) = bytes.split_at(end);
    let key = serde_json::from_slice(head).map_err(|_| damaged())?;
    let data = data.get(1..).filter(|data| !data.is_empty()).map(|data| Zeroizing::new(data.to_vec()));
    Ok(Row { key, data })
}

fn print(row: &Row) -> Result<Secret, Error> {
    let head = encode(&row.key)?;
    let data = row.data.as_ref().map_or(&[][..], |data| data.as_slice());
    let mut bytes = Zeroizing::new(Vec::with_capacity(head.len() + 1 + data.len()));
    bytes.extend_from_slice(&head);
    bytes.push(b'\n');
    bytes.extend_from_slice(data);
    Ok(bytes)
}
