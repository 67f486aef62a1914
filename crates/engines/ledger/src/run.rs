//! Runs of index rows: term and entry, sorted, in blocks of a few kilobytes.

use space::{Batch, Range, Snapshot};

use crate::entry::{LedgerError, Term};
use crate::keys::{Keys, RunName};

/// Rows in a block: 12 kB.
const BLOCK_ROWS: usize = 512;
const ROW_BYTES: usize = 24;

/// A term and the index of an entry that has it.
pub(crate) type IndexRow = (Term, u64);

pub(crate) fn encode_row(row: &IndexRow, into: &mut Vec<u8>) {
    into.extend_from_slice(&row.0.0);
    into.extend_from_slice(&row.1.to_be_bytes());
}

pub(crate) fn decode_rows(block: &[u8]) -> Result<Vec<IndexRow>, LedgerError> {
    let damaged = || LedgerError::Damaged("a block of the index is not made of rows".to_owned());
    if !block.len().is_multiple_of(ROW_BYTES) {
        return Err(damaged());
    }
    let row = |bytes: &[u8]| {
        let (term, index) = bytes.split_first_chunk()?;
        Some((Term(*term), u64::from_be_bytes(index.try_into().ok()?)))
    };
    block.chunks_exact(ROW_BYTES).map(|bytes| row(bytes).ok_or_else(damaged)).collect()
}

/// Puts sorted rows as blocks of the run.
pub(crate) fn put_blocks(batch: &mut Batch, keys: &Keys, name: RunName, rows: &[IndexRow]) {
    for block in rows.chunks(BLOCK_ROWS) {
        let Some((term, index)) = block.first() else { continue };
        let mut bytes = Vec::with_capacity(block.len() * ROW_BYTES);
        block.iter().for_each(|row| encode_row(row, &mut bytes));
        batch.put(keys.block(name, term, *index), bytes);
    }
}

/// The runs of the index, from the oldest entries to the newest.
pub(crate) async fn list_runs(snapshot: &dyn Snapshot, keys: &Keys) -> Result<Vec<(RunName, u64)>, LedgerError> {
    let mut runs = Vec::new();
    for row in snapshot.range(Range::prefix(keys.runs())).await? {
        let name = keys.run_name(&row.key);
        let name = name.ok_or_else(|| LedgerError::Damaged("a run of the index has no name".to_owned()))?;
        runs.push((name, row.value.version));
    }
    runs.sort_unstable_by_key(|(name, _)| name.first);
    Ok(runs)
}

/// Adds the entries of a run that have the term, from `from` on, until there are `limit`.
pub(crate) async fn find_in_run(
    snapshot: &dyn Snapshot,
    keys: &Keys,
    name: RunName,
    (term, from): IndexRow,
    limit: usize,
    found: &mut Vec<u64>,
) -> Result<(), LedgerError> {
    // The block before which `(term, from)` would begin a block may have it.
    let mut end = keys.block(name, &term, from);
    end.push(0);
    let before = Range::between(keys.blocks(name), end).backwards().limit(1);
    let last = keys.block(name, &term, u64::MAX);
    let mut blocks = snapshot.range(before).await?;
    if blocks.is_empty() {
        blocks = snapshot.range(Range::between(keys.block(name, &term, from), last.clone()).limit(1)).await?;
    }
    while let Some(block) = blocks.pop() {
        for row in decode_rows(&block.value.bytes)? {
            if row.0 > term || found.len() >= limit {
                return Ok(());
            }
            if row.0 == term && row.1 >= from {
                found.push(row.1);
            }
        }
        let mut next = block.key;
        next.push(0);
        blocks = snapshot.range(Range::between(next, last.clone()).limit(1)).await?;
    }
    Ok(())
}
