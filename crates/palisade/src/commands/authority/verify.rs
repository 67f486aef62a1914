//! `palisade authority verify`

use super::{Place, Storage, explained, runtime};
use crate::outcome::{OK, Outcome};
use crate::output;
use jiff::Timestamp;

/// `palisade authority verify`
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    storage: Storage,
}

pub(super) fn run(args: &Args) -> Outcome {
    let path = &args.place.folder;
    let storage = args.storage.connection()?;
    let checked = runtime()?.block_on(authority_server::check(path, storage.as_ref(), Timestamp::now()));
    let checked = checked.map_err(|error| explained(error, path))?;
    output::to_stdout(|out| {
        writeln!(out, "{} keys are those of the trust root", checked.keys)?;
        if checked.tuf_root > 0 {
            writeln!(out, "TUF can be followed from version 1 of its root to {}", checked.tuf_root)?;
        }
        for (log, entries) in &checked.entries {
            writeln!(out, "Log {log}: all {entries} entries make the root of its signed checkpoint")?;
        }
        Ok(())
    })?;
    Ok(OK)
}
