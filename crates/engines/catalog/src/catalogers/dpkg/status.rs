//! Paragraphs of `status`, `status.d/*` and `control` files (deb-control(5)).

use super::files::{FileRecord, conffiles};
use crate::ParseError;
use serde::{Deserialize, Serialize};

/// One package as its paragraph states it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) package: String,
    pub(super) source: String,
    pub(super) version: String,
    pub(super) source_version: String,
    pub(super) architecture: String,
    pub(super) maintainer: String,
    pub(super) installed_size: u64,
    pub(super) provides: Vec<String>,
    pub(super) depends: Vec<String>,
    pub(super) pre_depends: Vec<String>,
    /// Only opkg states one here.
    pub(super) license: String,
    pub(super) files: Vec<FileRecord>,
}

/// Paragraphs of one file. Debian has 60,000 packages.
const MAX_ENTRIES: usize = 200_000;

/// Reads every paragraph that names a package which is not removed. What was read before an error stays in `into`.
///
/// # Errors
/// Where a line continues nothing, or a paragraph names a field twice: dpkg refuses such a file.
pub(super) fn parse(text: &str, into: &mut Vec<Entry>) -> Result<(), ParseError> {
    let mut fields: Vec<(&str, String)> = Vec::new();
    for line in text.lines() {
        if line.is_empty() {
            into.extend(entry(&fields));
            fields.clear();
            if into.len() >= MAX_ENTRIES {
                return Err(ParseError::Limit { what: "packages", limit: MAX_ENTRIES as u64 });
            }
        } else {
            add_line(&mut fields, line)?;
        }
    }
    into.extend(entry(&fields));
    Ok(())
}

fn add_line<'a>(fields: &mut Vec<(&'a str, String)>, line: &'a str) -> Result<(), ParseError> {
    if let Some(more) = line.strip_prefix(' ') {
        let Some((_, value)) = fields.last_mut() else {
            return Err(ParseError::malformed("a line continues no field"));
        };
        value.push('\n');
        value.push_str(more.trim());
        return Ok(());
    }
    let Some((key, value)) = line.split_once(':').filter(|(key, _)| !key.is_empty()) else {
        return Ok(());
    };
    let key = key.trim();
    if fields.iter().any(|(known, _)| *known == key) {
        return Err(ParseError::malformed("a paragraph names a field twice"));
    }
    fields.push((key, value.trim().to_owned()));
    Ok(())
}

/// The entry, unless it has no name or is removed but not purged.
fn entry(fields: &[(&str, String)]) -> Option<Entry> {
    let field = |name: &str| {
        let found = fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value.as_str())
    };
    let package = field("Package");
    if package.is_empty() || field("Status").contains("deinstall") {
        return None;
    }
    let (source, source_version) = source(field("Source"));
    Some(Entry {
        package: package.to_owned(),
        source: source.to_owned(),
        version: field("Version").to_owned(),
        source_version: source_version.to_owned(),
        architecture: field("Architecture").to_owned(),
        maintainer: field("Maintainer").to_owned(),
        installed_size: size(field("Installed-Size")).unwrap_or_default(),
        provides: list(field("Provides")),
        depends: list(field("Depends")),
        pre_depends: list(field("Pre-Depends")),
        license: field("License").to_owned(),
        files: conffiles(field("Conffiles")),
    })
}

/// `glibc (2.36-9)` to name and version. Yocto's opkg names the recipe: `busybox_1.36.1.bb`.
fn source(text: &str) -> (&str, &str) {
    if let Some(recipe) = text.strip_suffix(".bb").filter(|recipe| !recipe.contains([' ', '('])) {
        return recipe.split_once('_').unwrap_or((recipe, ""));
    }
    let text = text.trim_start();
    let (name, rest) = text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()));
    let version = rest.strip_prefix(" (").and_then(|rest| rest.rsplit_once(')'));
    (name, version.map_or("", |(version, _)| version))
}

/// A size in the units of the field, or with one of its own (`4 kB`, `4 KiB`), as the peer reads it.
fn size(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit() && !",.".contains(c)).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1_000,
        "ki" | "kib" => 1 << 10,
        "m" | "mb" => 1_000_000,
        "mi" | "mib" => 1 << 20,
        "g" | "gb" => 1_000_000_000,
        "gi" | "gib" => 1 << 30,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole: u64 = whole.replace(',', "").parse().ok()?;
    let tenths = fraction.chars().next().and_then(|digit| digit.to_digit(10)).unwrap_or_default();
    whole.checked_mul(factor)?.checked_add(u64::from(tenths) * factor / 10)
}

fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::{Entry, parse, size, source};
    use proptest::prelude::*;

    fn check(text: &str, names: &[&str], fails: bool) -> Vec<Entry> {
        let mut entries = Vec::new();
        let result = parse(text, &mut entries);
        assert_eq!(entries.iter().map(|entry| entry.package.as_str()).collect::<Vec<_>>(), names, "{text}");
        assert_eq!(result.is_err(), fails, "{text}");
        entries
    }

    #[test]
    fn paragraphs() {
        check("", &[], false);
        check("\n\nPackage: a\nVersion: 1\n\n\nPackage: b\n", &["a", "b"], false);
        check(
            "Package: a\nStatus: deinstall ok config-files\n\nPackage: b\nStatus: install ok installed",
            &["b"],
            false,
        );
        check("Version: 1\n\nno colon here\n", &[], false);
        check("Package: a\n\n more\n", &["a"], true);
        check("Package: a\n\nPackage: b\nPackage: c\n", &["a"], true);
    }

    #[test]
    fn sizes() {
        for (text, expected) in [
            ("4232", Some(4232)),
            ("4,232", Some(4232)),
            ("4kB", Some(4000)),
            ("1.5 KiB", Some(1536)),
            ("", None),
            ("4 x", None),
            ("99999999999999999999", None),
            ("99999999999 GiB", None),
        ] {
            assert_eq!(size(text), expected, "{text}");
        }
    }

    #[test]
    fn fields() {
        let entries = check(
            "Package: apt\nSource: apt-src (2.6)\nVersion: 2.6.1\nInstalled-Size: 4232\nArchitecture: amd64\n\
             Provides: apt-transport-https (= 2.6.1)\nPre-Depends: x\nDepends: a | b, c (>= 1) ,\n\
             Conffiles:\n /etc/a 0123 obsolete\n /etc/b 4567\nDescription: short\n long\n .\n",
            &["apt"],
            false,
        );
        let entry = &entries[0];
        assert_eq!((entry.source.as_str(), entry.source_version.as_str()), ("apt-src", "2.6"));
        assert_eq!(entry.installed_size, 4232);
        assert_eq!(entry.depends, ["a | b", "c (>= 1)"]);
        assert_eq!(entry.pre_depends, ["x"]);
        let files: Vec<_> = entry.files.iter().map(|file| (file.path.as_str(), file.digest.as_str())).collect();
        assert_eq!(files, [("/etc/a", "0123 obsolete"), ("/etc/b", "4567")]);
    }

    #[test]
    fn sources() {
        for (text, name, version) in [
            ("glibc", "glibc", ""),
            ("gcc-12 (12.2.0-14)", "gcc-12", "12.2.0-14"),
            ("busybox_1.36.1.bb", "busybox", "1.36.1"),
            ("", "", ""),
        ] {
            assert_eq!(source(text), (name, version), "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,40}(\n\\PC{0,20}){0,8}") {
            let _ = parse(&text, &mut Vec::new());
        }
    }
}
