//! Signatures between Palisade and its peers, in all directions, with an own authority as the root of trust.

mod blobs;
mod images;
mod stage;

use crate::run::{root, say};
use anyhow::{Context, Result, bail, ensure};
use stage::Stage;
use std::collections::BTreeMap;
use std::fs;
use std::time::Instant;

/// Cells that cannot work because of the peer.
const EXPECTED: &str = "xtask/interop.txt";

/// What was tried, and why it failed where it did.
#[derive(Default)]
struct Board {
    cells: BTreeMap<String, Option<String>>,
}

impl Board {
    /// Fills a cell.
    fn cell(&mut self, name: String, outcome: Result<()>) {
        let failure = outcome.err().map(|error| format!("{error:#}"));
        say(&format!("{} {name}", if failure.is_some() { "FAILED" } else { "ok" }));
        self.cells.insert(name, failure);
    }

    /// Takes over another's cells.
    fn join(&mut self, other: Self) {
        self.cells.extend(other.cells);
    }

    /// Holds it against what is expected.
    fn judge(&self, expected: &BTreeMap<String, String>) -> Result<()> {
        let mut wrong = 0;
        for (name, failure) in &self.cells {
            match (failure, expected.contains_key(name)) {
                (Some(failure), false) => say(&format!("{name}: {failure}")),
                (None, true) => say(&format!("{name}: works, but {EXPECTED} says that it does not")),
                _ => continue,
            }
            wrong += 1;
        }
        for name in expected.keys().filter(|name| !self.cells.contains_key(*name)) {
            say(&format!("{name}: is in {EXPECTED} and was not tried"));
            wrong += 1;
        }
        ensure!(wrong == 0, "{wrong} of {} cells are not as expected", self.cells.len());
        say(&format!("{} cells, {} of them expected failures of peers", self.cells.len(), expected.len()));
        Ok(())
    }
}

/// Fills every cell of the matrix.
pub(crate) fn check() -> Result<()> {
    let begun = Instant::now();
    let expected = expected(&fs::read_to_string(root().join(EXPECTED))?)?;
    let stage = Stage::new()?;
    let board = std::thread::scope(|scope| -> Result<Board> {
        let mut parts = Vec::new();
        for registry in &stage.registries {
            parts.push(scope.spawn(|| images::fill(&stage, registry)));
        }
        let mut board = blobs::fill(&stage)?;
        for part in parts {
            let Ok(part) = part.join() else { bail!("a part of the matrix panicked") };
            board.join(part?);
        }
        Ok(board)
    })?;
    board.judge(&expected)?;
    say(&format!("  {:.1} s", begun.elapsed().as_secs_f64()));
    Ok(())
}

/// The lines `CELL # reason`.
fn expected(text: &str) -> Result<BTreeMap<String, String>> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, reason) = line.split_once(" # ").with_context(|| format!("no reason in {EXPECTED}: {line}"))?;
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
            assert_eq!(board.judge(&expected(text).unwrap()).is_ok(), good, "{text}");
        }
        assert!(expected("a -> b").is_err());
    }
}
