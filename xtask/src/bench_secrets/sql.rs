//! A PostgreSQL of one's own, and what it does by itself.

use crate::run::{output, run};
use crate::server::{PATIENCE, Server, free};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A running server.
pub(crate) struct Postgres {
    _server: Server,
    programs: PathBuf,
    folder: PathBuf,
    port: String,
}

/// A command of PostgreSQL, which refuses to run as root.
fn command(programs: &Path, program: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(programs.join(program));
    command
}

impl Postgres {
    /// Makes and begins one with Debian's settings, durable as they are.
    pub(crate) fn start(folder: PathBuf) -> Result<Self> {
        let versions = fs::read_dir("/usr/lib/postgresql").context("Debian's package postgresql is needed")?;
        let newest = versions.filter_map(Result::ok).map(|version| version.path().join("bin")).max();
        let programs = newest.context("no PostgreSQL")?;
        fs::create_dir_all(&folder)?;
        run(Command::new("chown").arg("postgres").arg(&folder))?;
        let data = folder.join("data");
        output(command(&programs, "initdb").args(["-A", "trust", "-D"]).arg(&data))?;
        let address = free()?;
        let port = address.rsplit(':').next().unwrap_or_default().to_owned();
        let mut server = command(&programs, "postgres");
        server.arg("-D").arg(&data).args(["-c", "listen_addresses=127.0.0.1", "-p", &port, "-k"]).arg(&folder);
        let child = server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let postgres = Self { _server: Server(child), programs, folder, port };
        let begun = Instant::now();
        while postgres.ask("SELECT 1").is_err() {
            ensure!(begun.elapsed() < PATIENCE, "PostgreSQL does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(postgres)
    }

    /// How others reach it.
    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres?sslmode=disable", self.port)
    }

    /// Runs a statement.
    pub(crate) fn ask(&self, statement: &str) -> Result<String> {
        let mut psql = command(&self.programs, "psql");
        psql.args(["-q", "-h", "127.0.0.1", "-U", "postgres", "-p", &self.port, "-c", statement]);
        output(psql.stderr(Stdio::null()))
    }

    /// Transactions of this script a second, by pgbench with as many clients as wrk has.
    pub(crate) fn rate(&self, name: &str, script: &str, seconds: u32) -> Result<f64> {
        let path = self.folder.join(name);
        fs::write(&path, script)?;
        let mut pgbench = command(&self.programs, "pgbench");
        pgbench.args(["-n", "-c16", "-j1", "-M", "simple", "-h", "127.0.0.1", "-U", "postgres", "-p", &self.port]);
        let said = output(pgbench.arg(format!("-T{seconds}")).arg("-f").arg(&path).arg("postgres"))?;
        let rate = said.lines().find_map(|line| line.strip_prefix("tps = ")).context("no rate")?;
        Ok(rate.split_whitespace().next().unwrap_or_default().parse()?)
    }
}
