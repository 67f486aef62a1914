//! What tells the Maven group of an archive that does not state it.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Well-known artifacts, see the head of the file. From Syft 1.57 (`cpegenerate/java_groupid_map.go`).
static ARTIFACT_GROUPS: &str = include_str!("maven/artifact-groups.txt");

/// Fields of the manifest that may hold a group, the best first.
pub(crate) const PRIMARY_FIELDS: [&str; 8] = [
    "Group-Id",
    "Bundle-SymbolicName",
    "Extension-Name",
    "Specification-Vendor",
    "Implementation-Vendor",
    "Implementation-Vendor-Id",
    "Implementation-Title",
    "Bundle-Activator",
];
/// Fields to try where none of the first has one.
pub(crate) const SECONDARY_FIELDS: [&str; 3] = ["Automatic-Module-Name", "Main-Class", "Package"];
/// How a value begins that is taken for a group.
const DOMAINS: [&str; 5] = ["com", "org", "net", "io", "be"];

/// Begins like a domain turned round.
pub(crate) fn looks_like_group(value: &str) -> bool {
    DOMAINS.iter().any(|domain| value.starts_with(domain))
}

/// A group without OSGi directives; some are known to be misspelled.
pub(crate) fn clean_group(value: &str) -> String {
    match before(before(value, ';'), '#').trim() {
        "org.lz4.java" => "org.lz4".to_owned(),
        group => group.to_owned(),
    }
}

/// What stands before the first `separator`.
pub(crate) fn before(value: &str, separator: char) -> &str {
    value.split(separator).next().unwrap_or(value)
}

/// The group of a well-known artifact; some moved to another group at a major version.
pub(crate) fn well_known(artifact: &str, version: &str) -> Option<&'static str> {
    static TABLE: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
        let lines = ARTIFACT_GROUPS.lines().filter(|line| !line.starts_with('#'));
        let words = lines.filter_map(|line| line.split_once(' '));
        words.flat_map(|(group, artifacts)| artifacts.split(' ').map(move |artifact| (artifact, group))).collect()
    });
    let group = *TABLE.get(artifact)?;
    let mut parts = group.split('|');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(old), Some(moved_at), Some(new)) => {
            let moved = major(version) >= moved_at.parse().unwrap_or(u32::MAX);
            Some(if moved { new } else { old })
        }
        _ => Some(group),
    }
}

fn major(version: &str) -> u32 {
    before(before(version, '.'), '-').parse().unwrap_or(0)
}
