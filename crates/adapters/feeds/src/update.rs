//! Bringing a cache folder up to date with the publishers.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::config::{Config, Limits};
use crate::error::FeedError;
use crate::fetch::{Check, Fetcher, Got, belongs};
use crate::source::{Incremental, SOURCES};

/// Requests at once, over all publishers.
const PARALLEL: usize = 4;

/// The longest file name that is made from an address.
const MAX_NAME: usize = 150;

/// What became of one address.
#[derive(Debug)]
pub struct Fetched {
    /// The source's name.
    pub source: &'static str,
    /// The address.
    pub address: String,
    /// The file in the cache folder.
    pub path: PathBuf,
    /// How it went.
    pub outcome: Outcome,
}

/// How it went with one address.
#[derive(Debug)]
pub enum Outcome {
    /// The publisher has nothing newer.
    Unchanged,
    /// A new file, with so many bytes.
    Changed(u64),
    /// It failed; what the cache held before is still there, if it held anything.
    Failed(FeedError),
}

/// Told of each address as soon as it is done, from any thread.
pub type Watch<'a> = &'a (dyn Fn(&Fetched) + Sync);

/// Fetches all sources that are on into `cache`, one folder a source; [`crate::read_folder`] reads it. Only what has
/// changed is fetched. An address that fails does not stop the others, and its old file stays. What no address names any
/// more is removed.
///
/// # Errors
/// When the HTTP client cannot be made, or `cache` cannot be written. What fails for one address is in its outcome.
pub fn update(cache: &Path, config: &Config, watch: Watch<'_>) -> Result<Vec<Fetched>, FeedError> {
    // Two updates at once would write into the same parts.
    fs::create_dir_all(cache).map_err(|error| FeedError::io(cache, error))?;
    let lock = cache.join(".lock");
    let held = File::create(&lock).and_then(|file| file.lock().map(|()| file));
    let _held = held.map_err(|error| FeedError::io(&lock, error))?;
    let done = each(cache, config, watch, |fetcher, job| fetcher.fetch(&job.address, &job.path, job.check))?;
    sweep(cache, &done)?;
    Ok(done)
}

/// Asks each address whether it has something newer than `cache` holds, and fetches nothing.
/// [`Outcome::Changed`] tells the length of what is new, 0 where the publisher does not say.
///
/// # Errors
/// When the HTTP client cannot be made. What fails for one address is in its outcome.
pub fn check(cache: &Path, config: &Config, watch: Watch<'_>) -> Result<Vec<Fetched>, FeedError> {
    each(cache, config, watch, |fetcher, job| fetcher.ask(&job.address, &job.path))
}

/// Fetches one file under the same rules: HTTPS alone, only when it has changed, resumed where it was cut, in place
/// whole or not at all. `true`: there is a new one.
///
/// # Errors
/// When it cannot be fetched; an old file stays.
pub fn download(address: &str, path: &Path, limits: Limits) -> Result<bool, FeedError> {
    Ok(Fetcher::new(limits)?.fetch(address, path, Check::None)? != Got::Unchanged)
}

/// Whether the address has something newer than the file that [`download`] made.
///
/// # Errors
/// When it cannot be asked.
pub fn is_newer(address: &str, path: &Path, limits: Limits) -> Result<bool, FeedError> {
    Ok(Fetcher::new(limits)?.ask(address, path)? != Got::Unchanged)
}

/// One address to go to.
struct Job {
    source: &'static str,
    address: String,
    path: PathBuf,
    check: Check,
}

/// Does the same with every address, some at once; results in the order of the sources.
fn each(
    cache: &Path,
    config: &Config,
    watch: Watch<'_>,
    act: impl Fn(&Fetcher, &Job) -> Result<Got, FeedError> + Sync,
) -> Result<Vec<Fetched>, FeedError> {
    let fetcher = Fetcher::new(config.limits)?;
    let mut work = Vec::new();
    for (source, addresses) in config.fetched() {
        let check = match source.incremental {
            Incremental::Conditional => Check::None,
            Incremental::ConditionalWithMeta => Check::Meta,
        };
        for address in addresses {
            let path = cache.join(source.name).join(file_name(&address));
            work.push(Job { source: source.name, address, path, check });
        }
    }
    let queue = Mutex::new(work.into_iter().enumerate());
    let done = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..PARALLEL {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some((index, job)) = next else { return };
                    let outcome = match act(&fetcher, &job) {
                        Ok(Got::Unchanged) => Outcome::Unchanged,
                        Ok(Got::Changed(bytes)) => Outcome::Changed(bytes),
                        Err(error) => Outcome::Failed(error),
                    };
                    let Job { source, address, path, .. } = job;
                    tracing::debug!(source, address, ?outcome);
                    let fetched = Fetched { source, address, path, outcome };
                    watch(&fetched);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((index, fetched));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    Ok(done.into_iter().map(|(_, fetched)| fetched).collect())
}

/// Removes the files of addresses that are not configured any more: they would be read with the others.
fn sweep(cache: &Path, done: &[Fetched]) -> Result<(), FeedError> {
    for source in SOURCES {
        let folder = cache.join(source.name);
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries.map_err(|error| FeedError::io(&folder, error))?,
        };
        for entry in entries {
            let path = entry.map_err(|error| FeedError::io(&folder, error))?.path();
            let is_named = done.iter().any(|fetched| belongs(&fetched.path, &path));
            if !is_named {
                fs::remove_file(&path).map_err(|error| FeedError::io(&path, error))?;
            }
        }
    }
    Ok(())
}

/// A file's name in the cache: the address's path in one word.
fn file_name(address: &str) -> String {
    let path = address.split_once("://").map_or(address, |(_, rest)| rest);
    let path = path.split_once('/').map_or("feed", |(_, path)| path);
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_') { c } else { '-' };
    let name: String = path.chars().map(plain).collect();
    let name = name.trim_matches(['-', '.']);
    let start = name.len().saturating_sub(MAX_NAME);
    let name = name.get(start..).unwrap_or(name).trim_start_matches(['-', '.']);
    if name.is_empty() { "feed".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_files_by_their_address() {
        let check = |address: &str, name: &str| assert_eq!(file_name(address), name, "{address}");
        check("https://x/npm/all.zip", "npm-all.zip");
        check("https://x/GitHub%20Actions/all.zip", "GitHub-20Actions-all.zip");
        check("https://x/../../etc/passwd", "..-etc-passwd".trim_start_matches(['-', '.']));
        check("https://x", "feed");
        check("https://x/?a=b", "a-b");
        assert!(file_name(&format!("https://x/{}", "a/".repeat(400))).len() <= MAX_NAME);
    }
}
