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
use authority_server::{BackupError, CheckError, FolderError, HeldKey, ServeError, SharedError, StartError};
use clap::Subcommand;
use std::error::Error;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use storage::{Connection, StoreError};
use tokio::runtime::{Builder, Runtime};
use zeroize::Zeroizing;

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

/// Where its logs are, if not where the folder says.
#[derive(Debug, Clone, clap::Args)]
struct Storage {
    /// The PostgreSQL database that has its logs, as postgres://USER@HOST/DATABASE or name=value words, for several
    /// nodes; sslmode and sslrootcert as PostgreSQL's own clients have them. Without a password, which would be seen in
    /// the list of processes: that is taken from PGPASSWORD, PALISADE_AUTHORITY_STORAGE or --storage-file.
    #[arg(long, value_name = "CONNECTION")]
    storage: Option<String>,
    /// A file with the connection string, password included.
    #[arg(long, value_name = "FILE", env = "PALISADE_AUTHORITY_STORAGE_FILE", conflicts_with = "storage")]
    storage_file: Option<PathBuf>,
}

/// The longest file of a connection string.
const MAX_CONNECTION: u64 = 16 << 10;

impl Storage {
    fn connection(&self) -> anyhow::Result<Option<Connection>> {
        let variable = |name: &str| std::env::var(name).ok();
        let text = match (&self.storage, &self.storage_file) {
            (Some(text), _) if Connection::names_password(text) => {
                return Err(advised(
                    "--storage has a password, which everybody on this machine can see",
                    "give it by PGPASSWORD, or the whole by PALISADE_AUTHORITY_STORAGE or --storage-file",
                ));
            }
            (Some(text), _) => Zeroizing::new(text.clone()),
            (None, Some(path)) => {
                let mut text = Zeroizing::new(String::new());
                let file = File::open(path).with_context(|| path.display().to_string())?;
                file.take(MAX_CONNECTION).read_to_string(&mut text).with_context(|| path.display().to_string())?;
                text
            }
            (None, None) => match variable("PALISADE_AUTHORITY_STORAGE").filter(|text| !text.is_empty()) {
                Some(text) => Zeroizing::new(text),
                None => return Ok(None),
            },
        };
        Ok(Some(Connection::parse(&text, &variable).context("the authority's storage")?))
    }
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

/// Keys that are held elsewhere.
fn held(keys: &[String]) -> anyhow::Result<Vec<HeldKey>> {
    // What is wrong may be in the part that is secret.
    keys.iter().map(|text| HeldKey::parse(text).context("--key")).collect()
}

fn runtime() -> anyhow::Result<Runtime> {
    Builder::new_multi_thread().enable_all().build().context("cannot start the threads of a server")
}

/// What an error of the authority means for the user.
fn explained(error: impl Error + Send + Sync + 'static, folder: &Path) -> anyhow::Error {
    match hint(&error, folder) {
        Some(hint) => advised(format!("{:#}", anyhow::Error::new(error)), hint),
        None => error.into(),
    }
}

/// What to do next. Errors that stand for another are looked into, for their chain of causes does not name that one.
fn hint(error: &(dyn Error + 'static), folder: &Path) -> Option<String> {
    let start = match (error.downcast_ref(), error.downcast_ref(), error.downcast_ref()) {
        (Some(ServeError::Start(start)), ..) => Some(start),
        (_, Some(CheckError::Start(start)), _) => Some(start),
        (.., Some(BackupError::Start(start))) => Some(start),
        _ => error.downcast_ref(),
    };
    let shared = match (start, error.downcast_ref()) {
        (Some(StartError::Shared(shared)), _) | (_, Some(CheckError::Shared(shared))) => Some(shared),
        _ => None,
    };
    let own = match (start, shared, error.downcast_ref(), error.downcast_ref()) {
        (Some(StartError::Folder(own)), ..) => Some(own),
        (_, Some(SharedError::Folder(own)), ..) => Some(own),
        (_, _, Some(CheckError::Folder(own)), _) => Some(own),
        (.., Some(BackupError::Folder(own))) => Some(own),
        _ => error.downcast_ref(),
    };
    let next = match (start, shared, own) {
        (Some(StartError::Store(StoreError::File(_))), ..) => "it may be served by another process: stop that first",
        (Some(StartError::Store(StoreError::Postgres(_))), ..) => {
            "check the connection string, its sslmode and the database's own log"
        }
        (_, Some(SharedError::Url), _) => "make one with `palisade authority init --url`, that of the load balancer",
        (_, Some(SharedError::Behind { .. }), _) => "copy authority.json and keys/ from the node that made it",
        (.., Some(FolderError::NotHere(_))) => {
            "make a new version or another key there, and name it with --key PART=REFERENCE"
        }
        (.., Some(FolderError::None(_))) => {
            return Some(format!("make one with `palisade authority init {}`", folder.display()));
        }
        _ => return None,
    };
    Some(next.to_owned())
}
