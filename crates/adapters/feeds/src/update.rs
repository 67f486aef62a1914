//! Bringing a cache folder up to date with the publishers.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::thread;

use crate::config::Config;
use crate::error::FeedError;
use crate::fetch::{Check, Fetcher, Got};
use crate::source::Incremental;

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

/// Fetches all sources that are on into `cache`, one folder a source; [`crate::read_folder`] reads it. Only what has
/// changed is fetched. An address that fails does not stop the others, and its old file stays.
///
/// # Errors
/// When the HTTP client cannot be made. What fails for one address is in its outcome.
pub fn update(cache: &Path, config: &Config) -> Result<Vec<Fetched>, FeedError> {
    let fetcher = Fetcher::new(config.limits)?;
    let mut work = Vec::new();
    for (source, addresses) in config.fetched() {
        let check = match source.incremental {
            Incremental::Conditional => Check::None,
            Incremental::ConditionalWithMeta => Check::Meta,
        };
        for address in addresses {
            let path = cache.join(source.name).join(file_name(&address));
            work.push((source.name, address, path, check));
        }
    }
    let queue = Mutex::new(work.into_iter().enumerate());
    let done = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..PARALLEL {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some((index, (source, address, path, check))) = next else { return };
                    let outcome = match fetcher.fetch(&address, &path, check) {
                        Ok(Got::Unchanged) => Outcome::Unchanged,
                        Ok(Got::Changed(bytes)) => Outcome::Changed(bytes),
                        Err(error) => Outcome::Failed(error),
                    };
                    tracing::info!(source, address, ?outcome, "fetched");
                    let fetched = Fetched { source, address, path, outcome };
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((index, fetched));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    Ok(done.into_iter().map(|(_, fetched)| fetched).collect())
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
