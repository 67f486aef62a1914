//! A PostgreSQL that lasts as long as a chore needs it.

use crate::machine;
use crate::run::output;
use crate::server::{PATIENCE, Server, free, start};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Nothing here is to survive a crash.
const SETTINGS: &[&str] = &[
    "listen_addresses=127.0.0.1",
    "max_connections=300",
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
];

/// A server whose user `postgres` needs no password.
pub(crate) struct Postgres {
    _server: Server,
    address: String,
}

impl Postgres {
    /// With its data in a folder that is not there yet.
    pub(crate) fn start(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        if machine::is_root() {
            output(Command::new("chown").arg("postgres").arg(folder))?;
        }
        let programs = programs()?;
        let data = folder.join("data");
        output(command(&programs, "initdb").args(["-A", "trust", "-N", "-U", "postgres", "-D"]).arg(&data))?;
        let address = free()?;
        let port = address.rsplit(':').next().unwrap_or_default();
        let mut server = command(&programs, "postgres");
        server.arg("-D").arg(&data).args(["-p", port, "-k"]).arg(folder);
        server.args(SETTINGS.iter().flat_map(|setting| ["-c", setting]));
        let server = start(&mut server, &address)?;
        let begun = Instant::now();
        while output(Command::new(programs.join("pg_isready")).args(["-q", "-h", "127.0.0.1", "-p", port])).is_err() {
            ensure!(begun.elapsed() < PATIENCE, "PostgreSQL does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(Self { _server: server, address })
    }

    /// The address of a database.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@{}/{database}?sslmode=disable", self.address)
    }
}

/// Debian has its servers outside the path, by version.
fn programs() -> Result<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").context("Debian's package postgresql is not installed")?;
    let newest = versions.filter_map(Result::ok).map(|version| version.path().join("bin")).max();
    newest.context("no version of PostgreSQL is installed")
}

/// One of its programs, which refuse to run as root.
fn command(programs: &Path, program: &str) -> Command {
    let program = programs.join(program);
    if !machine::is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
    command
}
