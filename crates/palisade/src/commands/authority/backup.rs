//! `palisade authority backup`

use super::{Place, explained};
use crate::outcome::{OK, Outcome};
use crate::output;
use authority_server::Folder;
use std::path::PathBuf;

/// `palisade authority backup`
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    place: Place,
    /// The copy, a zip file that is not there yet. It has the secret keys.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub(super) fn run(args: &Args) -> Outcome {
    let path = &args.place.folder;
    let folder = Folder::open(path).map_err(|error| explained(error, path))?;
    let count = authority_server::backup(path, &args.file).map_err(|error| explained(error, path))?;
    output::to_stdout(|out| {
        writeln!(out, "Copied {count} files to {}", args.file.display())?;
        writeln!(out, "It has the secret keys. Unpacked into a folder it is the authority again.")?;
        if matches!(folder.store()?, storage::Place::Postgres(_)) {
            writeln!(out, "It does not have the logs: copy the database too, with pg_dump.")?;
        }
        Ok(())
    })?;
    Ok(OK)
}
