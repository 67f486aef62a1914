//! `palisade authority rotate`

use super::{Place, explained, held};
use crate::outcome::{OK, Outcome};
use crate::output;
use authority_server::Folder;
use jiff::Timestamp;

/// `palisade authority rotate`
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    place: Place,
    /// Which part gets new keys.
    #[arg(value_name = "PART", value_parser = ["ca", "log", "tsa", "ct", "tuf"])]
    part: String,
    /// The next key of a part whose key is held elsewhere, as `init` takes it; at the same reference, where the holder
    /// has made a new version.
    #[arg(long, value_name = "[PART=]REFERENCE")]
    key: Vec<String>,
}

pub(super) fn run(args: &Args) -> Outcome {
    let path = &args.place.folder;
    let mut folder = Folder::open(path).map_err(|error| explained(error, path))?;
    let made =
        folder.rotate(&args.part, &held(&args.key)?, Timestamp::now()).map_err(|error| explained(error, path))?;
    output::to_stdout(|out| {
        writeln!(out, "New keys: {}", made.join(", "))?;
        writeln!(out, "A running server takes them within seconds; clients need the new trust root.")?;
        Ok(())
    })?;
    Ok(OK)
}
