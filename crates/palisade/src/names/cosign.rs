//! `cosign` (3.1.3): its commands, `version`, `login` and `completion`.

use super::common::{self, VersionArgs};
use super::{login, wrong};
use crate::cli::Global;
use crate::cosign::{self, args};
use crate::logging;
use crate::outcome::Outcome;
use clap::{CommandFactory, Parser, Subcommand};
use std::ffi::OsString;

/// The version of the peer whose behaviour this is.
const PEER: &str = "v3.1.3";

/// A tool for Container Signing, Verification and Storage in an OCI registry.
#[derive(Debug, Parser)]
#[command(name = "cosign", version = PEER, max_term_width = 110, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    common: args::Cosign,
    /// log debug output
    #[arg(short = 'd', long, global = true)]
    verbose: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(flatten)]
    Signing(Box<cosign::Command>),
    /// Generate completion script
    Completion {
        /// bash, fish or zsh
        shell: String,
    },
    /// Log in to a registry
    Login(login::Args),
    /// Prints the version
    Version(VersionArgs),
}

pub(super) fn run(arguments: &[OsString]) -> Outcome {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return wrong(&error),
    };
    logging::start(Global { quiet: false, verbose: if cli.verbose { 2 } else { 0 } })?;
    let _accepted = cli.common;
    match cli.command {
        Command::Signing(command) => cosign::run(&command),
        Command::Completion { shell } => common::completion(&shell, Cli::command(), "cosign"),
        Command::Login(args) => login::run(&args),
        Command::Version(args) => common::version(
            &args,
            &[
                ("Application", "application", "cosign"),
                ("GitVersion", "gitVersion", PEER),
                ("Implementation", "implementation", concat!("palisade ", env!("CARGO_PKG_VERSION"))),
                ("Platform", "platform", &common::platform()),
            ],
        ),
    }
}
