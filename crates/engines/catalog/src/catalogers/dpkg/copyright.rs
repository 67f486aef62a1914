//! Licences from `usr/share/doc/*/copyright`.

use crate::catalogers::license_files;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What a copyright file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Copyright {
    /// Short names of a machine-readable file, sorted.
    Names(Vec<String>),
    /// Licences found in the text of a file that is not machine-readable, or its digest where none is known.
    Text(Vec<String>),
}

/// Names in one file. Linux's own has some 60.
const MAX_NAMES: usize = 2_000;
const COMMON_LICENSES: &str = "/usr/share/common-licenses/";

/// Reads a copyright file. The names are those of a file in the machine-readable format 1.0; one without that header,
/// or without names, is known by its digest.
pub(super) fn parse(bytes: &[u8]) -> Copyright {
    let names = names(&String::from_utf8_lossy(bytes));
    if !names.is_empty() {
        return Copyright::Names(names.into_iter().collect());
    }
    Copyright::Text(license_files::concluded(bytes).into_iter().map(|license| license.value).collect())
}

fn names(text: &str) -> BTreeSet<String> {
    let mut lines = text.lines().skip_while(|line| line.trim().is_empty());
    let mut names = BTreeSet::new();
    if !lines.next().is_some_and(is_format_header) {
        return names;
    }
    for line in lines {
        let found = [license_field(line), common_license(line), agreement(line)];
        names.extend(found.into_iter().flatten().filter_map(single));
        if names.len() >= MAX_NAMES {
            break;
        }
    }
    names
}

fn is_format_header(line: &str) -> bool {
    let url = line.strip_prefix("Format:").unwrap_or_default().trim_start();
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|rest| rest.starts_with("www.debian.org/doc/packaging-manuals/copyright-format/"))
}

/// `License: GPL-2+ with OpenSSL exception`: the first word.
fn license_field(line: &str) -> Option<&str> {
    line.strip_prefix("License: ")?.split(char::is_whitespace).next()
}

/// `... in /usr/share/common-licenses/GPL-2.`
fn common_license(line: &str) -> Option<&str> {
    line.match_indices(COMMON_LICENSES).find_map(|(at, prefix)| {
        let rest = line.get(at + prefix.len()..)?;
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"_.-".contains(c)).unwrap_or(rest.len());
        rest.get(..end).filter(|name| !name.is_empty())
    })
}

/// A line that is nothing but `LICENSE AGREEMENT FOR SOMETHING`.
fn agreement(line: &str) -> Option<&str> {
    const HEADING: &str = "LICENSE AGREEMENT";
    let line = line.trim();
    let (heading, rest) = line.split_at_checked(HEADING.len())?;
    let names_one = rest.get(..5).is_some_and(|word| word.eq_ignore_ascii_case(" FOR ") && rest.len() > 5);
    (heading.eq_ignore_ascii_case(HEADING) && (rest.is_empty() || names_one)).then_some(line)
}

/// One licence, not a summary of several.
fn single(candidate: &str) -> Option<String> {
    let candidate = candidate.trim();
    let several = candidate.contains(" or ") || candidate.contains(" and ");
    let is_one = candidate.contains("NVIDIA Software License Agreement") || !several;
    let stated = !candidate.is_empty() && !candidate.eq_ignore_ascii_case("none");
    let name = candidate.strip_suffix('.').unwrap_or(candidate);
    (is_one && stated && !name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Copyright, parse};
    use proptest::prelude::*;

    fn check(text: &str, expected: &[&str]) {
        match parse(text.as_bytes()) {
            Copyright::Names(names) => assert_eq!(names, expected, "{text}"),
            Copyright::Text(found) => assert!(expected.is_empty() && !found.is_empty(), "{text}"),
        }
    }

    #[test]
    fn licenses() {
        let format = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n";
        check("", &[]);
        check("License: MIT\n", &[]);
        check("Format: http://dep.debian.net/deps/dep5\nLicense: MIT\n", &[]);
        check(format, &[]);
        check(
            &format!(
                "\n{format}License: GPL-2+ or MIT\n text\nLicense: none\nLicense:  two\nLicense: Expat\n\
                 \tSee `/usr/share/common-licenses/LGPL-2.1'.\n in /usr/share/common-licenses/GPL-3.\nLicense: Expat\n"
            ),
            &["Expat", "GPL-2+", "GPL-3", "LGPL-2.1"],
        );
        check(
            &format!("{format}  License Agreement for NVIDIA\nLICENSE AGREEMENTS\n"),
            &["License Agreement for NVIDIA"],
        );
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            parse(&bytes);
        }

        #[test]
        fn never_panics_on_text(text in "License: \\PC{0,20}\n\\PC{0,20}/usr/share/common-licenses/\\PC{0,9}") {
            super::names(&format!(
                "Format: http://www.debian.org/doc/packaging-manuals/copyright-format/\n{text}"
            ));
        }
    }
}
