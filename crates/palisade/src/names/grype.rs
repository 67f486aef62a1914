//! `grype` (0.121): a scan by default, `db`, `explain`, `config`, `completion`, `version`.

use super::common::{self, ConfigArgs, VersionArgs};
use super::wrong;
use crate::cli::Global;
use crate::commands::{db, scan};
use crate::logging;
use crate::outcome::{OK, Outcome};
use crate::output;
use crate::settings::{GRYPE, Named};
use anyhow::Context;
use clap::{CommandFactory, Parser, Subcommand};
use std::ffi::OsString;
use std::io::Read;

/// The version of the peer whose behaviour this is.
const PEER: &str = "0.121.2";

/// A vulnerability scanner for container images, filesystems, and SBOMs.
#[derive(Debug, Parser)]
#[command(name = "grype", version = PEER, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    scan: scan::Args,
    #[command(flatten)]
    global: Global,
    #[command(flatten)]
    named: Named,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Generate a shell completion for Grype
    Completion {
        /// bash, fish or zsh
        shell: String,
    },
    /// show the grype configuration
    Config(ConfigArgs),
    /// vulnerability database operations
    Db(db::Args),
    /// Ask grype to explain a set of findings
    Explain {
        /// CVE IDs to explain
        #[arg(long, value_name = "ID", required = true)]
        id: Vec<String>,
    },
    /// show version information
    Version(VersionArgs),
}

pub(super) fn run(arguments: &[OsString]) -> Outcome {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return wrong(&error),
    };
    match cli.command {
        None => {
            let (settings, global) = logging::ready(&GRYPE, &cli.named, cli.global)?;
            scan::run(&cli.scan, settings, global, "grype")
        }
        Some(Command::Completion { shell }) => common::completion(&shell, Cli::command(), "grype"),
        Some(Command::Config(args)) => common::config(&args, &GRYPE, &cli.named, cli.global),
        Some(Command::Db(mut args)) => {
            let (settings, global) = logging::ready(&GRYPE, &cli.named, cli.global)?;
            if let Some(place) = scan::db_in_cache(&settings) {
                args.place_by_default(place);
            }
            db::run(&args, global)
        }
        Some(Command::Explain { id }) => explain(&id),
        Some(Command::Version(args)) => common::version(
            &args,
            &[
                ("Application", "application", "grype"),
                ("Version", "version", PEER),
                ("Implementation", "implementation", concat!("palisade ", env!("CARGO_PKG_VERSION"))),
                ("Platform", "platform", &common::platform()),
                ("Syft Version", "syftVersion", "v1.57.0"),
                ("Supported DB Schema", "supportedDbSchema", "6"),
            ],
        ),
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
