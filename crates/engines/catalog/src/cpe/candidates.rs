//! The set of guesses for one attribute.

use std::collections::BTreeSet;

/// Most beginnings of a name that are tried as a vendor.
const MAX_BEGINNINGS: usize = 10;

/// Which further guesses may be made from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Derive {
    /// Hyphens for underscores and the reverse, and the beginnings of the name.
    All,
    /// Hyphens for underscores and the reverse.
    Delimiters,
    /// None.
    Nothing,
}

/// Guesses, each once for each [`Derive`].
#[derive(Debug, Clone, Default)]
pub(super) struct Candidates(BTreeSet<(String, Derive)>);

impl Candidates {
    pub(super) fn of(value: &str) -> Self {
        let mut set = Self::default();
        set.add(value);
        set
    }

    /// Adds a guess from which all others may be made.
    pub(super) fn add(&mut self, value: &str) {
        self.add_with(value, Derive::All);
    }

    pub(super) fn add_with(&mut self, value: &str, derive: Derive) {
        self.0.insert((unquoted(value).to_owned(), derive));
    }

    pub(super) fn add_all(&mut self, values: &[&str]) {
        values.iter().for_each(|value| self.add(value));
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub(super) fn remove(&mut self, value: &str) {
        self.0.retain(|(known, _)| known != value);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every value once, sorted.
    pub(super) fn into_values(self) -> Vec<String> {
        let mut values: Vec<String> = self.0.into_iter().map(|(value, _)| value).collect();
        values.dedup();
        values
    }

    /// Adds each guess with underscores for hyphens and with hyphens for underscores.
    pub(super) fn add_delimiter_variations(&mut self) {
        self.derive(|value, derive| match derive {
            Derive::Nothing => Vec::new(),
            derive => {
                let swapped = [value.replace('-', "_"), value.replace('_', "-")];
                swapped.into_iter().map(|swapped| (swapped, derive)).collect()
            }
        });
    }

    /// Adds the beginnings of each guess: of `jenkins-ci-tools` also `jenkins` and `jenkins-ci`.
    pub(super) fn add_beginnings(&mut self) {
        self.derive(|value, derive| match derive {
            Derive::All => beginnings(value).into_iter().map(|beginning| (beginning, Derive::All)).collect(),
            Derive::Delimiters | Derive::Nothing => Vec::new(),
        });
    }

    /// Adds each guess without the digits at its end: of `Qt5` also `Qt`.
    pub(super) fn add_without_trailing_digits(&mut self) {
        self.derive(|value, _| match value.trim_end_matches(|c: char| c.is_ascii_digit()) {
            "" => Vec::new(),
            base => vec![(base.to_owned(), Derive::All)],
        });
    }

    fn derive(&mut self, make: impl Fn(&str, Derive) -> Vec<(String, Derive)>) {
        let made: Vec<_> = self.0.iter().flat_map(|(value, derive)| make(value, *derive)).collect();
        made.iter().for_each(|(value, derive)| self.add_with(value, *derive));
    }
}

/// What a quoted text says. Texts with escapes stay as they are.
fn unquoted(value: &str) -> &str {
    let inner = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote).filter(|inner| !inner.contains(quote));
    let plain = inner('"').filter(|inner| !inner.contains(['\\', '\n']));
    let single = inner('\'').filter(|inner| inner.chars().count() == 1 && !inner.contains(['\\', '\n']));
    plain.or_else(|| inner('`')).or(single).unwrap_or(value)
}

fn beginnings(value: &str) -> Vec<String> {
    let mut results: Vec<String> = Vec::new();
    let mut separator = None;
    for piece in value.split_inclusive(['-', '_']) {
        if results.len() >= MAX_BEGINNINGS {
            break;
        }
        let word = piece.trim_matches(['-', '_']);
        if !word.is_empty() {
            let next = match (results.last(), separator) {
                (Some(last), Some(separator)) => format!("{last}{separator}{word}"),
                _ => word.to_owned(),
            };
            results.push(next);
        }
        separator = piece.chars().last();
    }
    results
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expected: &[&str]) {
        assert_eq!(beginnings(value), expected, "{value}");
    }

    #[test]
    fn beginnings_of_names() {
        check("jenkins", &["jenkins"]);
        check("jenkins-ci_tools", &["jenkins", "jenkins-ci", "jenkins-ci_tools"]);
        check("--jenkins--ci--", &["jenkins", "jenkins-ci"]);
        check("_-", &[]);
        check(
            "a-b-c-d-e-f-g-h-i-j-k-l",
            &[
                "a",
                "a-b",
                "a-b-c",
                "a-b-c-d",
                "a-b-c-d-e",
                "a-b-c-d-e-f",
                "a-b-c-d-e-f-g",
                "a-b-c-d-e-f-g-h",
                "a-b-c-d-e-f-g-h-i",
                "a-b-c-d-e-f-g-h-i-j",
            ],
        );
    }

    #[test]
    fn quotes() {
        for (value, expected) in [
            ("\"a b\"", "a b"),
            ("`a\\`", "a\\"),
            ("'a'", "a"),
            ("'ab'", "'ab'"),
            ("\"", "\""),
            ("\"a\"b\"", "\"a\"b\""),
        ] {
            assert_eq!(unquoted(value), expected);
        }
    }
}
