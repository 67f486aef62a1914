//! `palisade convert`: one SBOM format to another.

use crate::commands::sbom::{Target, write};
use crate::outcome::{OK, Outcome};
use anyhow::Context;
use std::io::Read;

/// `palisade convert`
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// The SBOM; `-`: standard input.
    document: String,
    /// FORMAT or FORMAT=FILE; may be repeated.
    #[arg(short, long, default_value = "syft-json")]
    output: Vec<String>,
}

/// Runs it.
pub(crate) fn run(args: &Args) -> Outcome {
    let targets = args.output.iter().map(|output| Target::parse(output)).collect::<anyhow::Result<Vec<_>>>()?;
    let failed = || format!("cannot read {}", args.document);
    let mut bytes = Vec::new();
    if args.document == "-" {
        let limit = sbom::MAX_DOCUMENT_BYTES as u64 + 1;
        std::io::stdin().lock().take(limit).read_to_end(&mut bytes).with_context(failed)?;
    } else {
        bytes = std::fs::read(&args.document).with_context(failed)?;
    }
    let document = sbom::decode(&bytes).with_context(|| format!("cannot understand {}", args.document))?;
    write(&document, &targets)?;
    Ok(OK)
}
