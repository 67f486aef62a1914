//! What the peers have in common: `version`, `config`, `completion`.

use crate::cli::Global;
use crate::logging;
use crate::outcome::{OK, Outcome, advised};
use crate::output;
use crate::settings::{self, App, Named, Settings};
use clap::Subcommand;
use clap_complete::Shell;

/// `version`
#[derive(Debug, Clone, clap::Args)]
pub(super) struct VersionArgs {
    /// the format to show the results (allowable: [text json])
    #[arg(short, long, default_value = "text", value_parser = ["text", "json"])]
    output: String,
}

/// Prints facts as the peers do: padded lines, or one JSON object with the key of each.
pub(super) fn version(args: &VersionArgs, facts: &[(&str, &str, &str)]) -> Outcome {
    output::to_stdout(|out| {
        if args.output == "json" {
            let facts: serde_json::Map<_, _> =
                facts.iter().map(|(_, key, value)| ((*key).to_owned(), number_or_text(value))).collect();
            let formatter = serde_json::ser::PrettyFormatter::with_indent(b" ");
            let mut serializer = serde_json::Serializer::with_formatter(&mut *out, formatter);
            serde::Serialize::serialize(&facts, &mut serializer)?;
            return Ok(writeln!(out)?);
        }
        let width = facts.iter().map(|(label, ..)| label.len()).max().unwrap_or(0) + 2;
        for (label, _, value) in facts {
            writeln!(out, "{:width$}{value}", format!("{label}:"))?;
        }
        Ok(())
    })?;
    Ok(OK)
}

fn number_or_text(value: &str) -> serde_json::Value {
    value.parse::<u64>().map_or_else(|_| value.into(), serde_json::Value::from)
}

/// `linux/amd64`, in Go's words.
pub(super) fn platform() -> String {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("{}/{architecture}", std::env::consts::OS)
}

/// `config`
#[derive(Debug, Clone, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct ConfigArgs {
    #[command(subcommand)]
    command: Option<ConfigCommand>,
    /// load and validate the configuration
    #[arg(long)]
    load: bool,
}

#[derive(Debug, Clone, Subcommand)]
enum ConfigCommand {
    /// shows all locations and the order in which a configuration file is looked for
    Locations {
        /// include every file extension supported
        #[arg(long)]
        all: bool,
    },
}

/// Prints the settings: the defaults, or with `--load` those in effect.
pub(super) fn config(args: &ConfigArgs, app: &'static App, named: &Named, global: Global) -> Outcome {
    if let Some(ConfigCommand::Locations { all }) = &args.command {
        let extensions: &[&str] = if *all { &["yaml", "yml"] } else { &["yaml"] };
        output::to_stdout(|out| {
            for place in settings::locations(app) {
                for extension in extensions {
                    writeln!(out, "{}", place.with_extension(extension).display())?;
                }
            }
            Ok(())
        })?;
        return Ok(OK);
    }
    let settings = if args.load { logging::ready(app, named, global)?.0 } else { Settings::new(app) };
    output::to_stdout(|out| Ok(settings::print(&settings, out)?))?;
    Ok(OK)
}

/// Prints a completion script.
pub(super) fn completion(shell: &str, mut command: clap::Command, name: &str) -> Outcome {
    let shell = match shell {
        "bash" => Shell::Bash,
        "zsh" => Shell::Zsh,
        "fish" => Shell::Fish,
        "powershell" => Shell::PowerShell,
        other => {
            let hint = "use bash, fish, powershell or zsh";
            return Err(advised(format!("no completion script for {other:?}"), hint));
        }
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut script);
    output::to_stdout(|out| Ok(out.write_all(&script)?))?;
    Ok(OK)
}
