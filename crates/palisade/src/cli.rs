//! `palisade`'s own command line.

use crate::commands;
use crate::logging;
use crate::names;
use crate::outcome::{OK, Outcome};
use crate::settings::{GRYPE, Named, SYFT};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use std::ffi::OsString;
use std::fmt::Write;

/// One binary for a Kubernetes production security stack.
#[derive(Debug, Parser)]
#[command(
    name = "palisade",
    version,
    about,
    max_term_width = 110,
    arg_required_else_help = true,
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
  palisade ship REGISTRY/IMAGE --fail-on critical  all of it, with signature and attestations on the registry
  palisade trace REGISTRY/IMAGE                    who signed and attested what, with every proof
  palisade sbom alpine:3.20 -o cyclonedx-json      an SBOM of an image
  palisade scan sbom.json --fail-on high           findings of an SBOM; code 2 when one is high or worse
  palisade db update                               the advisory database, from its publishers
  palisade db build --from ./feeds                 the same from a folder of their feeds
  palisade install-names ~/bin                     the names of the peers (syft, cosign, vault ...), leading here

Exit codes:
  0  done
  1  something failed; the message says what, on what, and what to do
  2  a gate that was asked for (--fail-on) does not hold, or the command line is wrong
  10, 11, 12, 13  `verify`: no signature, no such tag, none that matches, no certificate
  100  `db check` found an update
  130  interrupted; nothing half done is left

`palisade COMMAND --help` says more of each.";

/// The commands by what they are for.
const GROUPS: [(&str, &[&str]); 8] = [
    ("Image", &["ship", "sbom", "scan", "convert", "catalogers"]),
    (
        "Signatures",
        &[
            "sign",
            "verify",
            "attest",
            "verify-attestation",
            "sign-blob",
            "verify-blob",
            "attest-blob",
            "verify-blob-attestation",
            "trace",
        ],
    ),
    (
        "Keys and trust",
        &["generate-key-pair", "import-key-pair", "public-key", "trusted-root", "signing-config", "initialize"],
    ),
    (
        "On the registry",
        &["tree", "triangulate", "download", "attach", "clean", "copy", "save", "load", "bundle", "env"],
    ),
    ("A Sigstore of one's own", &["authority"]),
    ("Secrets", &["secrets"]),
    ("Advisories", &["db"]),
    ("This program", &["install-names", "completion", "man"]),
];

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
    /// The whole workflow on an image or a folder: catalogue, scan, gate, attest, sign, log, verify.
    Ship(Box<commands::ship::Args>),
    /// What is in an image, a folder or a file.
    Sbom(commands::sbom::Args),
    /// Which known flaws are in it.
    Scan(Box<commands::scan::Args>),
    /// One SBOM format to another.
    Convert(commands::convert::Args),
    #[command(flatten)]
    Signing(crate::cosign::Command),
    /// Who signed and attested what about an image, in order of time, each with its proof.
    Trace(Box<crate::cosign::trace::Command>),
    /// A Sigstore of one's own: certificates, logs, timestamps and trust root, in one process.
    Authority(commands::authority::Args),
    /// Vault's and OpenBao's command line: a secrets server, and the client of one.
    #[command(disable_help_flag = true)]
    Secrets {
        /// A command and what it takes; `palisade secrets -help` lists them.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<OsString>,
    },
    /// The advisory database.
    Db(commands::db::Args),
    /// What can be found, and the tags by which catalogers are chosen.
    Catalogers(commands::catalogers::Args),
    /// Link the names of the tools that this program replaces.
    InstallNames(commands::install_names::Args),
    /// A completion script for a shell.
    Completion(commands::manual::CompletionArgs),
    /// Manual pages.
    Man(commands::manual::ManArgs),
}

/// Parses and runs, as the tool whose name the program was called by.
pub(crate) fn run(arguments: &[OsString]) -> Outcome {
    if let Some(name) = names::called_as(arguments) {
        return names::run(name, arguments);
    }
    let parsed = command().try_get_matches_from(arguments).and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
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
        Command::Signing(command) => {
            logging::start(cli.global)?;
            crate::cosign::run(&command)
        }
        Command::Trace(command) => {
            logging::start(cli.global)?;
            crate::cosign::trace::run(&command)
        }
        Command::Authority(args) => {
            logging::start(cli.global)?;
            commands::authority::run(&args)
        }
        Command::Secrets { words } => crate::vault::run("palisade secrets", &words),
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

/// The command line's description; its help lists commands by group.
pub(crate) fn command() -> clap::Command {
    let command = Cli::command();
    let mut list = String::new();
    for (group, names) in GROUPS {
        let _ = writeln!(list, "{group}:");
        for found in names.iter().filter_map(|name| command.find_subcommand(name)) {
            let _ = writeln!(list, "  {:23} {}", found.get_name(), found.get_about().unwrap_or_default());
        }
        list.push('\n');
    }
    let template =
        format!("{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{list}Options:\n{{options}}{{after-help}}");
    command.help_template(template)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_lists_every_command() {
        let listed: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        let command = Cli::command();
        let shown = command.get_subcommands().filter(|command| !command.is_hide_set());
        let all: Vec<&str> = shown.map(clap::Command::get_name).collect();
        assert_eq!(listed.len(), all.len());
        assert!(all.iter().all(|name| listed.contains(name)), "{all:?}");
        let help = super::command().render_help().to_string();
        assert!(help.contains("Image:\n  ship ") && help.contains("Exit codes:"), "{help}");
    }
}
