use super::config::Config;
use super::key::{Outcome, edit};
use crate::v1::ROWS;
use jiff::Timestamp;
use logical::{Error, Storage, StorageExt};

/// Rows that are taken over before more are asked for.
const STEP: usize = 1000;

/// Makes each value of version 1 the first version of its key. It may be interrupted, and run on several nodes at once.
pub(super) async fn take_over(storage: &dyn Storage, now: Timestamp) -> Result<(), Error> {
    let config = Config::default();
    loop {
        let rows = storage.scan(ROWS, "", STEP).await?;
        for row in &rows {
            let (Some(path), Some(entry)) = (row.strip_prefix(ROWS), storage.get(row).await?) else { continue };
            edit(storage, path, |edit| {
                if edit.exists {
                    return Ok(Outcome::Keep(()));
                }
                edit.add_version(entry.value.clone(), &config, now)?;
                Ok(Outcome::Write(()))
            })
            .await?;
            storage.delete(row).await?;
        }
        if rows.len() < STEP {
            return Ok(());
        }
    }
}
