//! `syft` (1.57): `scan` by default, `convert`, `cataloger list`, `config`, `completion`, `login`, `version`.

use super::common::{self, ConfigArgs, VersionArgs};
use super::{login, wrong};
use crate::cli::Global;
use crate::commands::{catalogers, convert, sbom};
use crate::logging;
use crate::outcome::{OK, Outcome, advised};
use crate::settings::{Named, SYFT};
use clap::{CommandFactory, Parser, Subcommand};
use std::ffi::OsString;

/// The version of the peer whose behaviour this is.
const PEER: &str = "1.57.0";

/// Generate a packaged-based Software Bill Of Materials (SBOM) from container images and filesystems
#[derive(Debug, Parser)]
#[command(name = "syft", version = PEER, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    scan: sbom::Args,
    #[command(flatten)]
    global: Global,
    #[command(flatten)]
    named: Named,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Generate an SBOM
    Scan(Box<sbom::Args>),
    /// Generate an SBOM as an attestation; not there yet
    Attest {
        /// What would be attested.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<OsString>,
    },
    /// Convert between SBOM formats
    Convert(convert::Args),
    /// Show available catalogers and configuration
    Cataloger {
        #[command(subcommand)]
        command: CatalogerCommand,
    },
    /// Generate the autocompletion script for the specified shell
    Completion {
        /// bash, fish, powershell or zsh
        shell: String,
    },
    /// show the syft configuration
    Config(ConfigArgs),
    /// Log in to a registry
    Login(login::Args),
    /// show version information
    Version(VersionArgs),
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
    let scan = |args: &sbom::Args| {
        let (settings, global) = logging::ready(&SYFT, &cli.named, cli.global)?;
        sbom::run(args, settings, global, "syft")
    };
    match &cli.command {
        Some(Command::Scan(args)) => scan(args),
        None if cli.scan.has_source() => scan(&cli.scan),
        None => {
            Cli::command().print_help()?;
            Ok(OK)
        }
        Some(Command::Attest { rest: _ }) => Err(advised(
            "`syft attest` comes with the signing milestone",
            "make the SBOM with `syft IMAGE -o cyclonedx-json=sbom.json` and sign it with `cosign attest`",
        )),
        Some(Command::Convert(args)) => {
            let (settings, _) = logging::ready(&SYFT, &cli.named, cli.global)?;
            convert::run(args, settings, "syft-table", "syft")
        }
        Some(Command::Cataloger { command: CatalogerCommand::List(args) }) => catalogers::run(args),
        Some(Command::Completion { shell }) => common::completion(shell, Cli::command(), "syft"),
        Some(Command::Config(args)) => common::config(args, &SYFT, &cli.named, cli.global),
        Some(Command::Login(args)) => {
            logging::start(cli.global)?;
            login::run(args)
        }
        Some(Command::Version(args)) => common::version(
            args,
            &[
                ("Application", "application", "syft"),
                ("Version", "version", PEER),
                ("Implementation", "implementation", concat!("palisade ", env!("CARGO_PKG_VERSION"))),
                ("Platform", "platform", &common::platform()),
                ("SchemaVersion", "schemaVersion", "16.1.13"),
            ],
        ),
    }
}
