//! What was tried with peers, held against a checked-in list of what cannot work, which may only shrink.

use crate::run::{root, say};
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::fs;

/// What was tried, and why it failed where it did.
#[derive(Default)]
pub(crate) struct Board {
    cells: BTreeMap<String, Option<String>>,
}

impl Board {
    /// Fills a cell, and says so.
    pub(crate) fn cell(&mut self, name: String, outcome: Result<()>) {
        let failure = outcome.err().map(|error| format!("{error:#}"));
        say(&format!("{} {name}", if failure.is_some() { "FAILED" } else { "ok" }));
        self.fill(name, failure);
    }

    /// Fills a cell.
    pub(crate) fn fill(&mut self, name: String, failure: Option<String>) {
        self.cells.insert(name, failure);
    }

    /// Takes over another's cells.
    pub(crate) fn join(&mut self, other: Self) {
        self.cells.extend(other.cells);
    }

    /// Holds it against the list in this file of the checkout.
    pub(crate) fn judge(&self, list: &str) -> Result<()> {
        self.judge_by(list, &fs::read_to_string(root().join(list))?)
    }

    fn judge_by(&self, list: &str, text: &str) -> Result<()> {
        let expected = expected(list, text)?;
        let mut wrong = 0;
        for (name, failure) in &self.cells {
            match (failure, expected.contains_key(name)) {
                (Some(failure), false) => say(&format!("{name}: {failure}")),
                (None, true) => say(&format!("{name}: works, but {list} says that it does not")),
                _ => continue,
            }
            wrong += 1;
        }
        for name in expected.keys().filter(|name| !self.cells.contains_key(*name)) {
            say(&format!("{name}: is in {list} and was not tried"));
            wrong += 1;
        }
        ensure!(wrong == 0, "{wrong} of {} cells are not as expected", self.cells.len());
        say(&format!("{} cells, {} of them expected failures", self.cells.len(), expected.len()));
        Ok(())
    }
}

/// The lines `CELL # reason`.
fn expected(list: &str, text: &str) -> Result<BTreeMap<String, String>> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, reason) = line.split_once(" # ").with_context(|| format!("no reason in {list}: {line}"))?;
            Ok((name.trim().to_owned(), reason.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    #[test]
    fn expected_failures_only_shrink() {
        let mut board = Board::default();
        board.cell("a -> b".to_owned(), Err(anyhow!("cannot")));
        board.cell("b -> a".to_owned(), Ok(()));
        for (text, good) in [
            ("# a comment\n\na -> b # too old", true),
            ("", false),
            ("a -> b # too old\nb -> a # too old", false),
            ("a -> b # too old\nc -> a # not tried", false),
        ] {
            assert_eq!(board.judge_by("list", text).is_ok(), good, "{text}");
        }
        assert!(expected("list", "a -> b").is_err());
    }
}
