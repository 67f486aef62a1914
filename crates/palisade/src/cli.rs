//! `palisade`'s own command line.

use crate::commands;
use crate::logging;
use crate::names;
use crate::outcome::{OK, Outcome};
use crate::settings::{GRYPE, Named, SYFT};
use clap::{CommandFactory, Parser, Subcommand};
use std::ffi::OsString;

/// One binary for a Kubernetes production security stack.
#[derive(Debug, Parser)]
#[command(
    name = "palisade",
    version,
    about,
    max_term_width = 110,
    arg_required_else_help = true,
    subcommand_help_heading = "Image commands",
    after_help = AFTER_HELP
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    global: Global,
    #[command(flatten)]
    named: Named,
}

const AFTER_HELP: &str = "\
Examples:
  palisade ship dir:.                              SBOM summary and findings of this folder
  palisade sbom alpine:3.20 -o cyclonedx-json      an SBOM of an image
  palisade scan sbom.json --fail-on high           findings of an SBOM; code 2 when one is high or worse
  palisade db update                               the advisory database, from its publishers
  palisade db build --from ./feeds                 the same from a folder of their feeds
  palisade install-names ~/bin                     the names syft and grype, leading here

Exit codes:
  0  done
  1  something failed; the message says what, on what, and what to do
  2  a gate that was asked for (--fail-on) does not hold, or the command line is wrong
  100  `db check` found an update";

/// What every command takes.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(crate) struct Global {
    /// Say nothing but results and errors.
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Say more; twice for even more.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The whole workflow on one image or folder: catalogue, scan, gate.
    #[command(display_order = 1)]
    Ship(commands::ship::Args),
    /// What is in an image, a folder or a file.
    #[command(display_order = 2)]
    Sbom(commands::sbom::Args),
    /// Which known flaws are in it.
    #[command(display_order = 3)]
    Scan(Box<commands::scan::Args>),
    /// One SBOM format to another.
    #[command(display_order = 4)]
    Convert(commands::convert::Args),
    /// The advisory database.
    #[command(display_order = 5)]
    Db(commands::db::Args),
    /// What can be found, and the tags by which catalogers are chosen.
    #[command(display_order = 6)]
    Catalogers(commands::catalogers::Args),
    /// Link the names of the tools that this program replaces.
    #[command(display_order = 7)]
    InstallNames(commands::install_names::Args),
    /// A completion script for a shell.
    #[command(display_order = 8)]
    Completion(commands::manual::CompletionArgs),
    /// Manual pages.
    #[command(display_order = 9)]
    Man(commands::manual::ManArgs),
}

/// Parses and runs, as the tool whose name the program was called by.
pub(crate) fn run(arguments: &[OsString]) -> Outcome {
    if let Some(name) = names::called_as(arguments) {
        return names::run(name, arguments);
    }
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return wrong(&error, 2),
    };
    let named = &cli.named;
    match cli.command {
        Command::Ship(args) => {
            let (settings, global) = logging::ready(&SYFT, named, cli.global)?;
            commands::ship::run(&args, settings, global)
        }
        Command::Sbom(args) => {
            let (settings, global) = logging::ready(&SYFT, named, cli.global)?;
            commands::sbom::run(&args, settings, global, "palisade")
        }
        Command::Scan(args) => {
            let (settings, global) = logging::ready(&GRYPE, named, cli.global)?;
            commands::scan::run(&args, settings, global, "palisade")
        }
        Command::Convert(args) => {
            let (settings, _) = logging::ready(&SYFT, named, cli.global)?;
            commands::convert::run(&args, settings, "syft-json", "palisade")
        }
        Command::Db(args) => {
            logging::start(cli.global)?;
            commands::db::run(&args, cli.global)
        }
        Command::Catalogers(args) => commands::catalogers::run(&args),
        Command::InstallNames(args) => commands::install_names::run(&args),
        Command::Completion(args) => commands::manual::completion(&args),
        Command::Man(args) => commands::manual::man(&args),
    }
}

/// Prints what clap has to say: help and versions are no failure, a wrong command line ends with `code`.
pub(crate) fn wrong(error: &clap::Error, code: u8) -> Outcome {
    error.print()?;
    Ok(if error.use_stderr() { code } else { OK })
}

/// The command line's description, for completions and manual pages.
pub(crate) fn command() -> clap::Command {
    Cli::command()
}
