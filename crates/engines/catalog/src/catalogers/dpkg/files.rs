//! Lists of owned files: `*.md5sums`, `*.conffiles` and the `Conffiles` field.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// One file of a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileRecord {
    /// Absolute.
    pub(super) path: String,
    /// MD5 in hexadecimal, as written; empty where none is stated.
    pub(super) digest: String,
    /// The administrator may change it.
    pub(super) is_config: bool,
}

/// Files of one list, the peer's bound. The largest packages have some ten thousand.
const MAX_RECORDS: usize = 200_000;

/// Reads `digest  path` lines.
pub(super) fn md5sums(text: &str) -> Vec<FileRecord> {
    let records = text.lines().filter_map(|line| {
        let (digest, path) = line.split_once(' ')?;
        let (path, digest) = (absolute(path.trim()), digest.trim().to_owned());
        Some(FileRecord { path: path.into_owned(), digest, is_config: false })
    });
    records.take(MAX_RECORDS).collect()
}

/// Reads `path [digest]` lines. `remove-on-upgrade` lines name files that the package no longer has.
pub(super) fn conffiles(text: &str) -> Vec<FileRecord> {
    let records = text.lines().filter_map(|line| {
        let line = line.trim_matches(' ');
        if line.is_empty() || line.starts_with("remove-on-upgrade ") {
            return None;
        }
        let (path, digest) = line.split_once(' ').unwrap_or((line, ""));
        Some(FileRecord { path: absolute(path.trim()).into_owned(), digest: digest.trim().to_owned(), is_config: true })
    });
    records.take(MAX_RECORDS).collect()
}

/// Puts the lists together, the first that names a path wins, sorted by path.
pub(super) fn merge(lists: impl IntoIterator<Item = Vec<FileRecord>>) -> Vec<FileRecord> {
    let mut all: Vec<FileRecord> = lists.into_iter().flatten().collect();
    all.sort_by(|a, b| a.path.cmp(&b.path));
    all.dedup_by(|later, first| later.path == first.path);
    all
}

fn absolute(path: &str) -> Cow<'_, str> {
    if path.starts_with('/') { Cow::Borrowed(path) } else { Cow::Owned(format!("/{path}")) }
}

#[cfg(test)]
mod tests {
    use super::{FileRecord, conffiles, md5sums, merge};

    fn check(records: &[FileRecord], expected: &[(&str, &str, bool)]) {
        let found: Vec<_> = records.iter().map(|r| (r.path.as_str(), r.digest.as_str(), r.is_config)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn lists() {
        let sums = md5sums("d41d  usr/bin/a b\nbad\nd41e  usr/bin/c\r\n");
        check(&sums, &[("/usr/bin/a b", "d41d", false), ("/usr/bin/c", "d41e", false)]);
        let config = conffiles("/etc/a\n\n/etc/b 12 obsolete\nremove-on-upgrade /etc/c\n");
        check(&config, &[("/etc/a", "", true), ("/etc/b", "12 obsolete", true)]);
        let again = conffiles("/usr/bin/c 9\n/etc/a 1\n/bin/z");
        check(
            &merge([sums, config, again]),
            &[
                ("/bin/z", "", true),
                ("/etc/a", "", true),
                ("/etc/b", "12 obsolete", true),
                ("/usr/bin/a b", "d41d", false),
                ("/usr/bin/c", "d41e", false),
            ],
        );
    }
}
