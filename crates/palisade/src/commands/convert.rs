//! `palisade convert`: one SBOM format to another.

use crate::commands::sbom::{OutputArgs, Outputs};
use crate::outcome::{OK, Outcome};
use crate::settings::Settings;
use anyhow::Context;
use std::io::Read;

/// `palisade convert`
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// The SBOM; `-`: standard input.
    document: String,
    #[command(flatten)]
    output: OutputArgs,
}

/// Runs it; `default` is the format where none is asked for.
pub(crate) fn run(args: &Args, mut settings: Settings, default: &str, tool: &str) -> Outcome {
    args.output.apply(&mut settings);
    let outputs = Outputs::new(&settings, default, tool)?;
    let failed = || format!("cannot read {}", args.document);
    let mut bytes = Vec::new();
    if args.document == "-" {
        let limit = sbom::MAX_DOCUMENT_BYTES as u64 + 1;
        std::io::stdin().lock().take(limit).read_to_end(&mut bytes).with_context(failed)?;
    } else {
        bytes = std::fs::read(&args.document).with_context(failed)?;
    }
    let document = sbom::decode(&bytes).with_context(|| format!("cannot understand {}", args.document))?;
    outputs.write(&document)?;
    Ok(OK)
}
