//! `palisade completion` and `palisade man`: generated from the command line's own description.

use crate::cli;
use crate::outcome::{OK, Outcome};
use crate::output;
use anyhow::Context;
use clap_complete::Shell;
use std::fs;
use std::path::PathBuf;

/// `palisade completion`
#[derive(Debug, clap::Args)]
pub(crate) struct CompletionArgs {
    /// The shell.
    shell: Shell,
}

/// `palisade man`
#[derive(Debug, clap::Args)]
pub(crate) struct ManArgs {
    /// Where the pages go.
    folder: PathBuf,
}

/// Prints a completion script.
pub(crate) fn completion(args: &CompletionArgs) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut cli::command(), "palisade", &mut script);
    output::to_stdout(|out| Ok(out.write_all(&script)?))?;
    Ok(OK)
}

/// Writes one page for each command.
pub(crate) fn man(args: &ManArgs) -> Outcome {
    fs::create_dir_all(&args.folder).with_context(|| format!("cannot make {}", args.folder.display()))?;
    clap_mangen::generate_to(cli::command(), &args.folder)
        .with_context(|| format!("cannot write to {}", args.folder.display()))?;
    Ok(OK)
}
