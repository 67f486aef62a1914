//! `palisade authority`: a Sigstore of one's own, in one process.

mod backup;
mod init;
mod monitor;
mod rotate;
mod serve;
mod status;
mod verify;

use crate::outcome::{Outcome, advised};
use anyhow::Context;
use authority_server::FolderError;
use clap::Subcommand;
use std::error::Error;
use std::path::{Path, PathBuf};
use tokio::runtime::{Builder, Runtime};

/// `palisade authority`
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Subcommand)]
enum Command {
    /// Make an authority: its keys, certificates and settings, in a new folder.
    Init(init::Args),
    /// Serve it: certificates, logs, timestamps and the trust root on one port.
    Serve(serve::Args),
    /// Its keys over time, and how much its logs hold.
    Status(status::Args),
    /// New keys for a part of it, also while it is served; what the old ones signed stays valid.
    Rotate(rotate::Args),
    /// Copy it, secrets included, into one zip file.
    Backup(backup::Args),
    /// Follow a log from outside: tell when it lies, and when an identity is used.
    Monitor(monitor::Args),
    /// Hold every key, document and log entry of it against the trust root.
    Verify(verify::Args),
}

/// Which authority.
#[derive(Debug, Clone, clap::Args)]
struct Place {
    /// The authority's folder.
    #[arg(value_name = "DIR", env = "PALISADE_AUTHORITY")]
    folder: PathBuf,
}

/// Runs it.
pub(crate) fn run(args: &Args) -> Outcome {
    match &args.command {
        Command::Init(args) => init::run(args),
        Command::Serve(args) => serve::run(args),
        Command::Status(args) => status::run(args),
        Command::Rotate(args) => rotate::run(args),
        Command::Backup(args) => backup::run(args),
        Command::Monitor(args) => monitor::run(args),
        Command::Verify(args) => verify::run(args),
    }
}

fn runtime() -> anyhow::Result<Runtime> {
    Builder::new_multi_thread().enable_all().build().context("cannot start the threads of a server")
}

/// What an error of the authority means for the user.
fn explained(error: impl Error + Send + Sync + 'static, folder: &Path) -> anyhow::Error {
    let error = anyhow::Error::new(error);
    let is_absent = |cause: &(dyn Error + 'static)| matches!(cause.downcast_ref(), Some(FolderError::None(_)));
    let hint = if error.chain().any(|cause| cause.is::<storage::OpenError>()) {
        "it may be served by another process: stop that first".to_owned()
    } else if error.chain().any(is_absent) {
        format!("make one with `palisade authority init {}`", folder.display())
    } else {
        return error;
    };
    advised(format!("{error:#}"), hint)
}
