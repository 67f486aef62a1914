//! Identifiers of SPDX elements (Syft `toSPDXID`): what the element is, by name, and its identifier.

use crate::Component;
use crate::view::FileEntry;

/// Longest tail of a path in an identifier, in characters.
const MAX_PATH_LENGTH: usize = 40;

pub(super) const DOCUMENT: &str = "SPDXRef-DOCUMENT";

pub(super) fn of_component(component: &Component, id: &str) -> String {
    if let Some(id) = id.strip_prefix("SPDXRef-") {
        return element(id);
    }
    if id.starts_with("Package-") {
        return element(id);
    }
    let kind = component.kind.as_str();
    match component.name.as_str() {
        "" => element(&format!("Package-{kind}-{id}")),
        name => element(&format!("Package-{kind}-{name}-{id}")),
    }
}

pub(super) fn of_file(entry: &FileEntry<'_>) -> String {
    element(&format!("File-{}-{}", tail(entry.path), entry.id))
}

pub(super) fn of_root(kind: &str, name: &str) -> String {
    element(&format!("DocumentRoot-{kind}-{name}"))
}

/// Identifiers may have letters, digits, `.` and `-`; anything else becomes `-`.
fn element(id: &str) -> String {
    let allowed = |character: char| character.is_ascii_alphanumeric() || matches!(character, '.' | '-');
    let mut element = String::with_capacity("SPDXRef-".len() + id.len());
    element.push_str("SPDXRef-");
    element.extend(id.chars().map(|character| if allowed(character) { character } else { '-' }));
    element
}

/// The last parts of a path, as many as are short enough, at least one.
fn tail(path: &str) -> String {
    let mut tail = String::new();
    for part in path.split('/').rev().filter(|part| !part.is_empty()) {
        if tail.is_empty() {
            tail.push_str(part);
        } else if tail.len() + part.len() + 3 > MAX_PATH_LENGTH {
            return format!("...{tail}");
        } else {
            tail = format!("{part}/{tail}");
        }
    }
    tail
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: &str) {
        assert_eq!(tail(path), expected);
    }

    #[test]
    fn tails_of_paths() {
        check("/etc/passwd", "etc/passwd");
        check("/usr/share/doc/libjs-sphinxdoc/copyright", "...share/doc/libjs-sphinxdoc/copyright");
        check(
            "/a/a-name-that-is-longer-than-forty-characters-alone",
            "...a-name-that-is-longer-than-forty-characters-alone",
        );
        check("/", "");
    }
}
