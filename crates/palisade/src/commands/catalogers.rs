//! `palisade catalogers`: what can be found, and the tags by which catalogers are chosen.

use crate::outcome::{OK, Outcome};
use crate::output;
use crate::selection::{Selection, select, tags};
use catalog::Cataloger;
use std::io::Write;

/// `palisade catalogers`
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// text (or table) or json.
    #[arg(short, long, default_value = "text", value_parser = ["text", "table", "json", ""])]
    output: String,
    /// Add (+name), remove (-tag) or keep only (tag) catalogers.
    #[arg(long, value_name = "EXPR", allow_hyphen_values = true)]
    select_catalogers: Vec<String>,
    /// The catalogers to begin with: tags or names.
    #[arg(long, value_name = "TAG", default_value = "all")]
    override_default_catalogers: Vec<String>,
    /// Also list those that are not chosen.
    #[arg(short = 's', long)]
    show_hidden: bool,
}

/// Runs it.
pub(crate) fn run(args: &Args) -> Outcome {
    let asked = Selection { base: args.override_default_catalogers.clone(), changes: args.select_catalogers.clone() };
    let chosen = select(&asked, true)?;
    let listed = if args.show_hidden { catalog::catalogers::ALL.to_vec() } else { chosen };
    output::to_stdout(|out| if args.output == "json" { json(&listed, out) } else { text(&listed, out) })?;
    Ok(OK)
}

fn json(listed: &[&dyn Cataloger], out: &mut dyn Write) -> anyhow::Result<()> {
    let list: Vec<_> = listed
        .iter()
        .map(|one| serde_json::json!({"name": one.name(), "tags": tags(*one).collect::<Vec<_>>()}))
        .collect();
    serde_json::to_writer_pretty(&mut *out, &serde_json::json!({ "catalogers": list }))?;
    Ok(writeln!(out)?)
}

fn text(listed: &[&dyn Cataloger], out: &mut dyn Write) -> anyhow::Result<()> {
    let rows: Vec<Vec<String>> =
        listed.iter().map(|one| vec![one.name().to_owned(), tags(*one).collect::<Vec<_>>().join(", ")]).collect();
    output::table(out, &rows)
}
