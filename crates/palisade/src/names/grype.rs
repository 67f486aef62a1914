//! `grype` (0.121): a scan by default, `db`, `explain`, `version`.

use super::wrong;
use crate::cli::Global;
use crate::commands::{db, scan};
use crate::logging;
use crate::outcome::{OK, Outcome};
use crate::output;
use anyhow::Context;
use clap::{Parser, Subcommand};
use std::ffi::OsString;
use std::io::Read;

/// The version of the peer whose behaviour this is.
const PEER: &str = "0.121.2";

/// A vulnerability scanner for container images, filesystems, and SBOMs.
#[derive(Debug, Parser)]
#[command(name = "grype", version = PEER, args_conflicts_with_subcommands = true, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    scan: scan::Args,
    #[command(flatten)]
    global: Global,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// vulnerability database operations
    Db(db::Args),
    /// Ask grype to explain a set of findings
    Explain {
        /// CVE IDs to explain
        #[arg(long, value_name = "ID", required = true)]
        id: Vec<String>,
    },
    /// show version information
    Version,
}

pub(super) fn run(arguments: &[OsString]) -> Outcome {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return wrong(&error),
    };
    logging::start(cli.global);
    match cli.command {
        None => scan::run(&cli.scan, cli.global, "grype"),
        Some(Command::Db(args)) => db::run(&args, cli.global),
        Some(Command::Explain { id }) => explain(&id),
        Some(Command::Version) => version(),
    }
}

fn explain(ids: &[String]) -> Outcome {
    let limit = sbom::MAX_DOCUMENT_BYTES as u64;
    let mut text = String::new();
    std::io::stdin().lock().take(limit).read_to_string(&mut text).context("cannot read standard input")?;
    let document = serde_json::from_str(&text).context("standard input is no JSON report; make one with -o json")?;
    let explained = matching::report::explain(&document, ids);
    output::to_stdout(|out| Ok(write!(out, "{explained}")?))?;
    Ok(OK)
}

fn version() -> Outcome {
    output::to_stdout(|out| {
        writeln!(out, "Application:         grype")?;
        writeln!(out, "Version:             {PEER}")?;
        writeln!(out, "Implementation:      palisade {}", env!("CARGO_PKG_VERSION"))?;
        Ok(())
    })?;
    Ok(OK)
}
