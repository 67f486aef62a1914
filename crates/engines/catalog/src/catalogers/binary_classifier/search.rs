//! Patterns over the bytes of one file.

use aho_corasick::AhoCorasick;
use foldhash::HashMap;
use regex::bytes::{Captures, Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::sync::{LazyLock, Mutex, PoisonError};

/// What a pattern found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::catalogers) struct Hit {
    /// `None` where the pattern has no such group.
    pub(in crate::catalogers) version: Option<String>,
    pub(super) primary: String,
    pub(super) update: String,
}

/// The peer reads files in chunks of this size, each with half of the one before, and takes the first match of the first
/// chunk that has one. Patterns with `.*` and `$` see these ends, so they are kept.
const CHUNK_BYTES: usize = 1 << 20;
/// Longer text is no version.
const MAX_VERSION_BYTES: usize = 256;

/// Longer matches around a literal part are not looked for.
const NEAR_BYTES: usize = 4096;

/// The first match of `pattern`, one of the tables'.
pub(in crate::catalogers) fn text(pattern: &'static str, bytes: &[u8]) -> Option<Hit> {
    let regex = compiled(pattern)?;
    chunks(bytes).find_map(|chunk| hit(&regex, chunk))
}

/// The first match of `pattern`, one of the tables', which always has one of `parts` in it.
pub(super) fn near(parts: &[&str], pattern: &'static str, bytes: &[u8]) -> Option<Hit> {
    let regex = compiled(pattern)?;
    let parts = AhoCorasick::new(parts).ok()?;
    chunks(bytes).find_map(|chunk| surroundings(&parts, chunk).find_map(|region| hit(&regex, chunk.get(region)?)))
}

/// The first match of `pattern` where `path` matches the expression `name`, whose group `version`, if any, stands for
/// `{version}` in the pattern.
pub(in crate::catalogers) fn by_name(name: &'static str, pattern: &str, path: &str, bytes: &[u8]) -> Option<Hit> {
    let name = compiled(name)?;
    let captures = name.captures(path.as_bytes())?;
    let version = group(&captures, "version")?.unwrap_or_default();
    let regex = build(&pattern.replace("{version}", &regex::escape(&version)))?;
    chunks(bytes).find_map(|chunk| hit(&regex, chunk))
}

/// Does the file name `name` match the expression `pattern`?
pub(super) fn name_matches(pattern: &'static str, name: &str) -> bool {
    compiled(pattern).is_some_and(|regex| regex.is_match(name.as_bytes()))
}

fn chunks(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    (0..bytes.len()).step_by(CHUNK_BYTES).map(|at| {
        let end = (at + CHUNK_BYTES).min(bytes.len());
        bytes.get(at.saturating_sub(CHUNK_BYTES / 2)..end).unwrap_or_default()
    })
}

/// The regions around the places where `parts` are, overlapping ones joined.
fn surroundings<'a>(parts: &'a AhoCorasick, chunk: &'a [u8]) -> impl Iterator<Item = Range<usize>> + 'a {
    let mut places = parts.find_iter(chunk).map(|found| found.start()).peekable();
    std::iter::from_fn(move || {
        let first = places.next()?;
        let mut end = first + NEAR_BYTES;
        while let Some(next) = places.next_if(|next| next.saturating_sub(NEAR_BYTES) <= end) {
            end = next + NEAR_BYTES;
        }
        Some(first.saturating_sub(NEAR_BYTES)..end.min(chunk.len()))
    })
}

fn hit(regex: &Regex, bytes: &[u8]) -> Option<Hit> {
    let captures = regex.captures(bytes)?;
    let [version, primary, update] = ["version", "primary", "update"].map(|name| group(&captures, name));
    Some(Hit { version: version?, primary: primary?.unwrap_or_default(), update: update?.unwrap_or_default() })
}

/// The text of a group; the outer `None` where it is too long.
fn group(captures: &Captures<'_>, name: &str) -> Option<Option<String>> {
    let Some(group) = captures.name(name) else { return Some(None) };
    let text = group.as_bytes();
    (text.len() <= MAX_VERSION_BYTES).then(|| Some(String::from_utf8_lossy(text).into_owned()))
}

/// Compiles each pattern of the tables once, when it is first needed.
fn compiled(pattern: &'static str) -> Option<Regex> {
    static CACHE: LazyLock<Mutex<HashMap<&'static str, Regex>>> = LazyLock::new(Mutex::default);
    let mut cache = CACHE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = cache.get(pattern) {
        return Some(known.clone());
    }
    let regex = build(pattern)?;
    cache.insert(pattern, regex.clone());
    Some(regex)
}

/// `None` where the pattern is no expression; the tests try all.
fn build(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(pattern).unicode(false).build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn across_chunks() {
        let pattern = r"v(?P<version>[0-9.]+) end";
        let mut bytes = vec![b'x'; 3 * CHUNK_BYTES];
        assert_eq!(text(pattern, &bytes), None);
        let at = CHUNK_BYTES - 3;
        bytes.get_mut(at..at + 10).unwrap().copy_from_slice(b"v1.2.3 end");
        assert_eq!(text(pattern, &bytes).unwrap().version.as_deref(), Some("1.2.3"));
        assert_eq!(text(pattern, b""), None);
        assert_eq!(text("x(?P<version>.*)", b"x").unwrap().version.as_deref(), Some(""));
    }

    #[test]
    fn near_a_part() {
        let pattern = r"(?P<version>\d+)\x00+part";
        let find = |bytes: &[u8]| near(&["trap", "part"], pattern, bytes).and_then(|hit| hit.version);
        assert_eq!(find(b"12\0\0part").as_deref(), Some("12"));
        let far =
            [&b"part 7\0"[..], &[b'x'; 3 * NEAR_BYTES], b"part", &[b'x'; NEAR_BYTES], b"12\0part 9\0part"].concat();
        assert_eq!(find(&far).as_deref(), Some("12"));
        let split = [&vec![b'x'; CHUNK_BYTES - 2][..], b"12\0part"].concat();
        assert_eq!(find(&split).as_deref(), Some("12"));
        assert_eq!(find(b"12\0par"), None);
    }

    #[test]
    fn bytes_that_are_no_text() {
        assert_eq!(text(r"(\x00v?|[\x80-\xff].?)(?P<version>\d)\x00", b"\xff\xfe7\0").unwrap().version.unwrap(), "7");
        assert_eq!(text("(?P<version>[^\\x00]+)", &[b'1'; 300]), None, "too long");
    }

    #[test]
    fn by_file_name() {
        let find = |path: &str, bytes: &[u8]| {
            let found = by_name(r"python(?P<version>[0-9.]+)$", r"\x00(?P<version>{version}[.0-9]*)\x00", path, bytes);
            found.and_then(|hit| hit.version)
        };
        assert_eq!(find("/bin/python3.1", b"\x003.1.4\0").as_deref(), Some("3.1.4"));
        assert_eq!(find("/bin/python3.1", b"\x003x1.4\0"), None);
        assert_eq!(find("/bin/perl", b"\x003.1.4\0"), None);
    }
}
