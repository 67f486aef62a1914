//! `palisade authority init`

use super::held;
use crate::outcome::{OK, Outcome, advised};
use crate::output;
use authority_server::{Folder, FolderError, Plan};
use jiff::Timestamp;
use std::path::PathBuf;

/// `palisade authority init`
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    /// A folder that is not there yet, or is empty.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Whose authority it is: the organization in its certificates.
    #[arg(long, default_value = "palisade.local")]
    name: String,
    /// Where clients will reach it, for example https://sigstore.example.com; its host names the log and can't be
    /// changed later. Otherwise 127.0.0.1 with the port that it is served on.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The PostgreSQL database that will have its logs, for several nodes that each get a copy of the folder: as
    /// postgres://USER@HOST/DATABASE or name=value words, without the password.
    #[arg(long, value_name = "CONNECTION", requires = "url")]
    storage: Option<String>,
    /// Where a key is held that is not to be in the folder: PART=REFERENCE, with hashivault://NAME or openbao://NAME in a
    /// Transit engine, or pkcs11:... in a hardware module. The parts are ca-root, ca, ct, log-v1, log, tsa-root, tsa,
    /// tuf-root and tuf; without one it is ca. May be given several times.
    #[arg(long, value_name = "[PART=]REFERENCE")]
    key: Vec<String>,
}

pub(super) fn run(args: &Args) -> Outcome {
    let url = args.url.as_deref();
    if url.is_some_and(|url| !url.starts_with("https://") && !url.starts_with("http://")) {
        return Err(advised("the address is no URL", "write it as https://HOST[:PORT]"));
    }
    let held = held(&args.key)?;
    let plan = Plan { name: args.name.clone(), url: args.url.clone(), storage: args.storage.clone(), held };
    let folder = Folder::init(&args.folder, &plan, Timestamp::now()).map_err(|error| match error {
        FolderError::Password => advised(error.to_string(), "leave it out, and give PGPASSWORD to each `serve`"),
        FolderError::Exists(_) => advised(error.to_string(), "name another folder; keys are never overwritten"),
        other => other.into(),
    })?;
    output::to_stdout(|out| {
        writeln!(out, "Made the authority {} in {}", folder.state().name, args.folder.display())?;
        writeln!(out, "Serve it with `palisade authority serve {}`", args.folder.display())?;
        Ok(())
    })?;
    Ok(OK)
}
