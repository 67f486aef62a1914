//! `cargo xtask bench log`: the transparency log with the load generator beside it on the same machine.

use crate::bench::machine;
use crate::run::{cargo, output, root, run, say, target};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const SECONDS: &str = "20";
const CONNECTIONS: [&str; 3] = ["64", "256", "512"];
const FILLED: &str = "2000000";
const SEARCHES: &str = "5000";

/// Measures and writes `bench/results/log.md`.
pub(crate) fn log() -> Result<()> {
    run(&mut cargo(&["build", "--release", "--quiet", "--package", "rekor", "--example", "load"])?)?;
    let load = target()?.join("release/examples/load");
    let scratch = target()?.join("bench-log");
    if scratch.exists() {
        fs::remove_dir_all(&scratch)?;
    }
    let report = report(&load, &scratch)?;
    fs::remove_dir_all(&scratch)?;
    let path = root().join("bench/results/log.md");
    fs::write(&path, &report)?;
    say(&format!("written to {}\n\n{report}", path.display()));
    Ok(())
}

fn report(load: &Path, scratch: &Path) -> Result<String> {
    let mut text = format!(
        "# The transparency log\n\n`cargo xtask bench log`, {}.\n{}\n\n## Entries appended\nOf `hashedrekord` 0.0.2 with \
         P-256, signed beforehand, over loopback HTTP from the same machine for {SECONDS} s. Each is verified, durable and \
         answered with its inclusion proof. Bound: 8000/s, p99 300 ms.\n\n{HEAD}",
        output(Command::new("date").arg("-I"))?.trim(),
        machine()?,
    );
    for connections in CONNECTIONS {
        let folder = scratch.join(connections);
        let server = Server::start(load, &folder)?;
        let figures = figures(Command::new(load).args(["post", &server.port, SECONDS, connections]))?;
        text += &row(&format!("{connections} connections"), &figures)?;
        server.stop()?;
        fs::remove_dir_all(&folder)?;
    }
    let folder = scratch.join("filled");
    fs::create_dir_all(&folder)?;
    let filled = figures(Command::new(load).arg("fill").arg(&folder).arg(FILLED))?;
    let server = Server::start(load, &folder)?;
    let found = figures(Command::new(load).args(["search", &server.port, FILLED, SEARCHES]))?;
    server.stop()?;
    text += &format!(
        "\n## Search by hash in {FILLED} entries\nOne after the other over one connection, each row with its inclusion proof, \
         which is checked. Bound: p99 5 ms. The log was filled in {:.0} s.\n\n{HEAD}{}",
        filled.get("seconds").and_then(Value::as_f64).context("no seconds")?,
        row("search", &found)?,
    );
    Ok(text)
}

const HEAD: &str = "| | answers | per second | median ms | p99 ms | longest ms |\n|---|---|---|---|---|---|\n";

fn row(name: &str, figures: &Value) -> Result<String> {
    let number = |field: &str| figures.get(field).and_then(Value::as_f64).with_context(|| format!("no {field}"));
    Ok(format!(
        "| {name} | {:.0} | {:.0} | {:.1} | {:.1} | {:.1} |\n",
        number("answers")?,
        number("per_second")?,
        number("median_ms")?,
        number("p99_ms")?,
        number("max_ms")?
    ))
}

fn figures(command: &mut Command) -> Result<Value> {
    Ok(serde_json::from_str(output(command)?.trim())?)
}

/// A server that ends with its input.
struct Server {
    child: Child,
    port: String,
}

impl Server {
    fn start(load: &Path, folder: &PathBuf) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let mut command = Command::new(load);
        command.arg("serve").arg(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let mut port = String::new();
        BufReader::new(child.stdout.take().context("no output")?).read_line(&mut port)?;
        Ok(Self { child, port: port.trim().to_owned() })
    }

    fn stop(mut self) -> Result<()> {
        drop(self.child.stdin.take());
        let status = self.child.wait()?;
        if !status.success() {
            bail!("the server ended with {status}");
        }
        Ok(())
    }
}
