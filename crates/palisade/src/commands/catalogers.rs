//! `palisade catalogers`: what can be found, and the tags by which catalogers are chosen.

use crate::outcome::{OK, Outcome};
use crate::output;
use crate::selection::tags;

/// `palisade catalogers`
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// text or json.
    #[arg(short, long, default_value = "text", value_parser = ["text", "json"])]
    output: String,
}

/// Runs it.
pub(crate) fn run(args: &Args) -> Outcome {
    let all = catalog::catalogers::ALL;
    output::to_stdout(|out| {
        if args.output == "json" {
            let list: Vec<_> = all
                .iter()
                .map(|one| serde_json::json!({"name": one.name(), "tags": tags(*one).collect::<Vec<_>>()}))
                .collect();
            serde_json::to_writer_pretty(&mut *out, &serde_json::json!({ "catalogers": list }))?;
            return Ok(writeln!(out)?);
        }
        let width = all.iter().map(|one| one.name().len()).max().unwrap_or(0);
        for one in all {
            writeln!(out, "{:width$}  {}", one.name(), tags(*one).collect::<Vec<_>>().join(", "))?;
        }
        Ok(())
    })?;
    Ok(OK)
}
