//! Merges runs of the index, so that a search has few to look into.

use std::collections::VecDeque;
use std::sync::Arc;

use space::{Batch, CommitError, Range, Snapshot, Space};

use crate::entry::LedgerError;
use crate::keys::{Keys, RunName};
use crate::run::{IndexRow, decode_rows, list_runs, put_blocks};

/// Runs of a level that become one of the next.
const FANOUT: usize = 8;
/// Blocks read of a run at once.
const READ_BLOCKS: usize = 16;
/// Rows written in one commit: 3 MB.
const WRITE_ROWS: usize = 128 * 1024;
/// Blocks removed in one commit.
const REMOVED_BLOCKS: usize = 1024;

/// Merges the index of a log in the background. One at a time is enough; several do no harm.
pub struct Merger {
    space: Arc<dyn Space>,
    keys: Keys,
}

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merged {
    /// There may be more to do.
    Some,
    /// There is nothing to do until the log grows.
    Nothing,
}

impl Merger {
    /// For the log whose keys begin with `prefix`.
    pub fn new(space: Arc<dyn Space>, prefix: &[u8]) -> Self {
        Self { space, keys: Keys::new(prefix) }
    }

    /// Merges one group of runs, or removes the rows of runs that have been merged. Stopping after any commit inside
    /// loses nothing: the next step goes on.
    pub async fn step(&self) -> Result<Merged, LedgerError> {
        let snapshot = self.space.snapshot().await?;
        let merged = snapshot.range(Range::prefix(self.keys.merged_runs()).limit(1)).await?;
        if let Some(run) = merged.first() {
            let name = self.keys.run_name(&run.key);
            let name = name.ok_or_else(|| LedgerError::Damaged("a merged run has no name".to_owned()))?;
            drop(snapshot);
            self.remove(name).await?;
            return Ok(Merged::Some);
        }
        let runs = list_runs(&*snapshot, &self.keys).await?;
        let Some(group) = due(&runs) else { return Ok(Merged::Nothing) };
        self.merge(&*snapshot, &group).await?;
        Ok(Merged::Some)
    }

    async fn merge(&self, snapshot: &dyn Snapshot, group: &[(RunName, u64)]) -> Result<(), LedgerError> {
        let Some((oldest, _)) = group.first() else { return Ok(()) };
        let name = RunName { level: oldest.level + 1, first: oldest.first };
        let mut inputs = Vec::new();
        for (run, _) in group {
            let mut input = Input { next: Some(self.keys.blocks(*run)), run: *run, rows: VecDeque::new() };
            input.fill(snapshot, &self.keys).await?;
            inputs.push(input);
        }
        let mut rows: Vec<IndexRow> = Vec::new();
        loop {
            let smallest = inputs.iter_mut().filter(|input| !input.rows.is_empty());
            let Some(input) = smallest.min_by_key(|input| input.rows.front().copied()) else { break };
            rows.extend(input.rows.pop_front());
            if input.rows.is_empty() {
                input.fill(snapshot, &self.keys).await?;
            }
            if rows.len() >= WRITE_ROWS {
                let mut batch = Batch::new();
                put_blocks(&mut batch, &self.keys, name, &rows);
                self.commit(batch).await?;
                rows.clear();
            }
        }
        let mut batch = Batch::new();
        put_blocks(&mut batch, &self.keys, name, &rows);
        batch.require(self.keys.run(name), None).put(self.keys.run(name), Vec::new());
        for (run, version) in group {
            batch.require(self.keys.run(*run), Some(*version)).delete(self.keys.run(*run));
            batch.put(self.keys.merged_run(*run), Vec::new());
        }
        self.commit(batch).await
    }

    async fn remove(&self, name: RunName) -> Result<(), LedgerError> {
        loop {
            let snapshot = self.space.snapshot().await?;
            let blocks = snapshot.range(Range::prefix(self.keys.blocks(name)).limit(REMOVED_BLOCKS)).await?;
            let (mut batch, last) = (Batch::new(), blocks.len() < REMOVED_BLOCKS);
            blocks.into_iter().for_each(|block| {
                batch.delete(block.key);
            });
            if last {
                batch.delete(self.keys.merged_run(name));
            }
            self.commit(batch).await?;
            if last {
                return Ok(());
            }
        }
    }

    /// A condition fails only when another has merged the same runs, which is as good.
    async fn commit(&self, batch: Batch) -> Result<(), LedgerError> {
        match self.space.commit(batch).await {
            Ok(_) | Err(CommitError::Condition { .. }) => Ok(()),
            Err(CommitError::Space(error)) => Err(error.into()),
            Err(error) => Err(LedgerError::Damaged(error.to_string())),
        }
    }
}

/// The oldest runs of the lowest level that has enough of them.
fn due(runs: &[(RunName, u64)]) -> Option<Vec<(RunName, u64)>> {
    let highest = runs.iter().map(|(name, _)| name.level).max()?;
    (0..=highest).take_while(|level| *level < u8::MAX).find_map(|level| {
        let of_level: Vec<_> = runs.iter().filter(|(name, _)| name.level == level).take(FANOUT).copied().collect();
        (of_level.len() == FANOUT).then_some(of_level)
    })
}

/// A run that is being read.
struct Input {
    run: RunName,
    /// Where to read on; nothing when all is read.
    next: Option<Vec<u8>>,
    rows: VecDeque<IndexRow>,
}

impl Input {
    async fn fill(&mut self, snapshot: &dyn Snapshot, keys: &Keys) -> Result<(), LedgerError> {
        let Some(next) = self.next.take() else { return Ok(()) };
        let mut range = Range::prefix(keys.blocks(self.run)).limit(READ_BLOCKS);
        range.start = next;
        let blocks = snapshot.range(range).await?;
        for block in &blocks {
            self.rows.extend(decode_rows(&block.value.bytes)?);
        }
        if blocks.len() == READ_BLOCKS
            && let Some(last) = blocks.into_iter().last()
        {
            let mut after = last.key;
            after.push(0);
            self.next = Some(after);
        }
        Ok(())
    }
}
