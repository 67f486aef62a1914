//! `yarn.lock`: of yarn 1 in its own format, of later ones in YAML.

use super::lock::Locked;
use super::package::component;
use crate::ParseError;
use crate::catalogers::dependency::Needs;
use crate::catalogers::yaml;
use regex::Regex;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

const MAX_PACKAGES: usize = 1_000_000;

/// The `javascript-yarn-lock-entry` record of Syft's JSON schema 16.
#[derive(Debug, Serialize, Default, Clone, PartialEq, Eq)]
struct Record {
    resolved: String,
    integrity: String,
    /// `null` for none, as the peer writes it.
    dependencies: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Package {
    name: String,
    version: String,
    record: Record,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Entry {
    version: String,
    resolution: String,
    checksum: String,
    dependencies: Option<BTreeMap<String, String>>,
}

/// The packages of a lock file.
pub(super) fn parse(text: &str) -> Result<Vec<Locked>, ParseError> {
    let packages = if text.contains("# yarn lockfile v1") { classic(text)? } else { berry(text)? };
    let mut seen = BTreeSet::new();
    let mut locked = Vec::new();
    for package in packages {
        if !seen.insert((package.name.clone(), package.version.clone())) {
            continue;
        }
        let requires = package.record.dependencies.iter().flatten().map(|(name, _)| name.clone()).collect();
        let component = component(&package.name, &package.version, "javascript-yarn-lock-entry", &package.record)?;
        locked.push((component, Needs { provides: vec![package.name], requires }));
    }
    Ok(locked)
}

fn berry(text: &str) -> Result<Vec<Package>, ParseError> {
    let entries: BTreeMap<String, Entry> = yaml::parse(text)?;
    let packages = entries.into_iter().filter_map(|(key, entry)| {
        let name = package_name(&key)?.to_owned();
        let Entry { version, resolution: resolved, checksum: integrity, dependencies } = entry;
        Some(Package { name, version, record: Record { resolved, integrity, dependencies } })
    });
    Ok(packages.collect())
}

/// Blocks of a head at the margin, fields below it, and dependencies below those, ended by a blank line.
fn classic(text: &str) -> Result<Vec<Package>, ParseError> {
    let mut packages = Vec::new();
    let mut current = Package::default();
    let mut finish = |current: &mut Package| {
        let package = std::mem::take(current);
        if !package.name.is_empty() {
            packages.push(package);
        }
        if packages.len() > MAX_PACKAGES {
            return Err(ParseError::Limit { what: "packages in a lock file", limit: MAX_PACKAGES as u64 });
        }
        Ok(())
    };
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if line.is_empty() {
            finish(&mut current)?;
        } else if !line.starts_with(' ') {
            package_name(line).unwrap_or_default().clone_into(&mut current.name);
            current.record.dependencies.get_or_insert_default();
        } else if line.starts_with("    ") {
            let mut words = line.trim_matches(' ').split(' ').map(|word| word.trim_matches('"'));
            if let (Some(name), Some(range)) = (words.next(), words.next()) {
                current.record.dependencies.get_or_insert_default().insert(name.to_owned(), range.to_owned());
            }
        } else if line.starts_with("  ") {
            current.field(line.trim_matches(' '));
        }
    }
    finish(&mut current)?;
    Ok(packages)
}

impl Package {
    fn field(&mut self, line: &str) {
        let (key, rest) = line.split_once(' ').unwrap_or((line, ""));
        let value = rest.split(' ').next().unwrap_or_default().trim_matches('"');
        match key {
            "version" => value.clone_into(&mut self.version),
            "resolved" => {
                // The address tells the real name of an alias.
                if let Some((name, version)) = named_by_address(value) {
                    name.clone_into(&mut self.name);
                    version.clone_into(&mut self.version);
                }
                value.clone_into(&mut self.record.resolved);
            }
            "integrity" => value.clone_into(&mut self.record.integrity),
            _ => {}
        }
    }
}

/// Name and version in `https://registry.HOST/NAME/-/FILE-VERSION.tgz`. Other registries keep packages below a path.
fn named_by_address(url: &str) -> Option<(&str, &str)> {
    let (_, path) = url.strip_prefix("https://registry.")?.split_once('/')?;
    let (name, file) = path.split_once("/-/")?;
    let stem = file.split_once(".tgz").map(|(stem, _)| stem)?;
    let is_version = |rest: &str| {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        digits > 0 && rest.as_bytes().get(digits) == Some(&b'.') && rest.len() > digits + 1
    };
    let dashes = stem.match_indices('-').filter(|(at, _)| *at > 0);
    let version = dashes.filter_map(|(at, _)| stem.get(at + 1..)).find(|rest| is_version(rest))?;
    (!name.is_empty()).then_some((name, version))
}

/// The name in `"@scope/name@^1.0.0, ...`, for an alias that of its target.
fn package_name(head: &str) -> Option<&str> {
    const NAME: &str = r"(?:@[0-9A-Za-z_][0-9A-Za-z_.-]*/)?[0-9A-Za-z_][0-9A-Za-z_.-]*";
    static ALIAS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(&format!("^\"?{NAME}@npm:({NAME})@")).ok());
    static PLAIN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(&format!("^\"?({NAME})@")).ok());
    let captures = |pattern: &'static LazyLock<Option<Regex>>| pattern.as_ref()?.captures(head)?.get(1);
    captures(&ALIAS).or_else(|| captures(&PLAIN)).map(|name| name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (head, expected) in [
            ("aws-sdk@2.706.0:", Some("aws-sdk")),
            ("\"@babel/code-frame@^7.0.0\", \"@babel/code-frame@^7.1\":", Some("@babel/code-frame")),
            ("\"old-async@npm:async@0.9.2\":", Some("async")),
            ("async@npm:^3.2.3", Some("async")),
            ("\"string-width-cjs@npm:@x/string-width@^4\"", Some("@x/string-width")),
            ("__metadata", None),
            ("", None),
        ] {
            assert_eq!(package_name(head), expected, "{head}");
        }
    }

    #[test]
    fn addresses() {
        for (url, expected) in [
            ("https://registry.a.com/async/-/async-3.2.3.tgz#ac", Some(("async", "3.2.3"))),
            (
                "https://registry.a.com/@4lolo/resize-observer/-/resize-observer-1.5.2-beta.1.tgz",
                Some(("@4lolo/resize-observer", "1.5.2-beta.1")),
            ),
            ("https://registry.a.com/x-2.0/-/x-2.0-1.0.0.tgz", Some(("x-2.0", "2.0-1.0.0"))),
            ("https://nexus.a.com/repository/async/-/async-3.2.3.tgz", None),
            ("git+ssh://a/b.git", None),
        ] {
            assert_eq!(named_by_address(url), expected, "{url}");
        }
    }

    #[test]
    fn classic_blocks() {
        let text = "# yarn lockfile v1\n\n\n\"@a/b@^1\", \"@a/b@1.x\":\r\n  version \"1.2.0\"\r\n  resolved \"https://x/y.tgz#z\"\n  integrity sha1-x=\n  dependencies:\n    c \">= 1 < 2\"\n    broken\n\nc@1:\n  version \"1.0.0\"";
        let found = classic(text).unwrap();
        assert_eq!((found[0].name.as_str(), found[0].version.as_str()), ("@a/b", "1.2.0"));
        assert_eq!(found[0].record.dependencies.as_ref().unwrap()["c"], ">=");
        assert_eq!((found[1].name.as_str(), found[1].version.as_str()), ("c", "1.0.0"));
    }
}
