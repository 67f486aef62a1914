//! `syft` (1.57): `scan` by default, `convert`, `cataloger list`, `version`.

use super::wrong;
use crate::cli::Global;
use crate::commands::{catalogers, convert, sbom};
use crate::logging;
use crate::outcome::{OK, Outcome};
use crate::output;
use clap::{CommandFactory, Parser, Subcommand};
use std::ffi::OsString;

/// The version of the peer whose behaviour this is.
const PEER: &str = "1.57.0";

/// Generate a packaged-based Software Bill Of Materials (SBOM) from container images and filesystems
#[derive(Debug, Parser)]
#[command(name = "syft", version = PEER, args_conflicts_with_subcommands = true, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    scan: sbom::Args,
    #[command(flatten)]
    global: Global,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Generate an SBOM
    Scan(Box<sbom::Args>),
    /// Convert between SBOM formats
    Convert(convert::Args),
    /// Show available catalogers and configuration
    Cataloger {
        #[command(subcommand)]
        command: CatalogerCommand,
    },
    /// show version information
    Version,
}

#[derive(Debug, Subcommand)]
enum CatalogerCommand {
    /// List available catalogers
    List(catalogers::Args),
}

pub(super) fn run(arguments: &[OsString]) -> Outcome {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return wrong(&error),
    };
    logging::start(cli.global);
    match cli.command {
        Some(Command::Scan(args)) => sbom::run_as(&args, cli.global, "syft"),
        None if cli.scan.has_source() => sbom::run_as(&cli.scan, cli.global, "syft"),
        None => {
            Cli::command().print_help()?;
            Ok(OK)
        }
        Some(Command::Convert(args)) => convert::run(&args),
        Some(Command::Cataloger { command: CatalogerCommand::List(args) }) => catalogers::run(&args),
        Some(Command::Version) => version(),
    }
}

fn version() -> Outcome {
    output::to_stdout(|out| {
        writeln!(out, "Application:   syft")?;
        writeln!(out, "Version:       {PEER}")?;
        writeln!(out, "Implementation: palisade {}", env!("CARGO_PKG_VERSION"))?;
        writeln!(out, "SchemaVersion: 16.1.13")?;
        Ok(())
    })?;
    Ok(OK)
}
