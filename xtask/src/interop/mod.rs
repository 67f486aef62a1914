//! Signatures between Palisade and its peers, in all directions, with an own authority as the root of trust.

mod blobs;
mod images;
mod stage;

use crate::board::Board;
use crate::run::say;
use anyhow::{Result, bail};
use stage::Stage;
use std::time::Instant;

/// Cells that cannot work because of the peer.
const EXPECTED: &str = "xtask/interop.txt";

/// Fills every cell of the matrix.
pub(crate) fn check() -> Result<()> {
    let begun = Instant::now();
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
    board.judge(EXPECTED)?;
    say(&format!("  {:.1} s", begun.elapsed().as_secs_f64()));
    Ok(())
}
