//! `perllocal.pod`, in which installers write what they installed, and the version that a module states.

use regex::Regex;
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// One installation.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// For example `Net::HTTP`.
    pub(super) module: String,
    /// The folder of the library it went to.
    pub(super) folder: String,
    pub(super) version: String,
}

/// The installations of a `perllocal.pod`.
pub(super) fn entries(text: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for line in text.lines() {
        if let Some(module) = between(line, "L<", "|>").filter(|_| line.contains("C<Module>")) {
            entries.push(Entry { module: module.trim().to_owned(), ..Entry::default() });
        } else if let Some(entry) = entries.last_mut() {
            if let Some(folder) = between(line, "C<installed into:", ">") {
                folder.trim().trim_end_matches('/').clone_into(&mut entry.folder);
            }
            if let Some(version) = between(line, "C<VERSION:", ">") {
                version.trim().clone_into(&mut entry.version);
            }
        }
    }
    entries
}

/// What stands between `start` and any character of `ends`.
fn between<'a>(line: &'a str, start: &str, ends: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(start)?;
    rest.get(..rest.find(|c: char| ends.contains(c)).unwrap_or(rest.len()))
}

/// The version that a module's source assigns; empty where it does not in so many words.
pub(super) fn version_of_source(text: &str) -> String {
    static ASSIGNED: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let name = r"\$(?:[A-Za-z_][A-Za-z0-9_]*::)*VERSION";
        Regex::new(&format!(r#"^[ \t]*(?:our[ \t]+|my[ \t]+)?{name}[ \t]*=[ \t]*(?:qv\()?['"]?(v?[0-9][0-9._]*)"#)).ok()
    });
    static DECLARED: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"^[ \t]*package[ \t]+[A-Za-z_][A-Za-z0-9_:]*[ \t]+(v?[0-9][0-9._]*)[ \t]*[;{]").ok()
    });
    let patterns = [&*ASSIGNED, &*DECLARED];
    let lines = text.lines().filter(|line| line.contains("VERSION") || line.trim_start().starts_with("package"));
    let mut versions = lines.flat_map(|line| {
        patterns.iter().filter_map(move |pattern| Some(pattern.as_ref()?.captures(line)?.get(1)?.as_str()))
    });
    versions.next().unwrap_or_default().trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods() {
        let pod = "=head2 Tue: C<Module> L<Net::HTTP|Net::HTTP>\n\n=over 4\n\nC<installed into: /usr/local/share/perl/5.36.0/>\n\nC<LINKTYPE: dynamic>\n\nC<VERSION: 6.23>\n";
        let expected =
            Entry { module: "Net::HTTP".into(), folder: "/usr/local/share/perl/5.36.0".into(), version: "6.23".into() };
        assert_eq!(entries(pod), [expected]);
        assert!(entries("C<VERSION: 1>\n").is_empty());
    }

    #[test]
    fn sources() {
        for (source, expected) in [
            ("package A;\nour $VERSION = '1.20';\n", "1.20"),
            ("package A 2.5;\n", "2.5"),
            ("$A::B::VERSION = qv('v1.2.3');", "v1.2.3"),
            ("our $VERSION = $B::VERSION;\nour $VERSION = 3.;", "3"),
            ("# $VERSION = 1", ""),
        ] {
            assert_eq!(version_of_source(source), expected, "{source}");
        }
    }
}
