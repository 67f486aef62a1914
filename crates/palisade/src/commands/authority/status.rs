//! `palisade authority status`

use super::{Place, Storage, explained, runtime};
use crate::outcome::{OK, Outcome};
use crate::output;
use authority::KeyRecord;
use authority_server::{CheckError, Folder, StartError, sizes};
use std::collections::BTreeMap;
use storage::StoreError;

/// `palisade authority status`
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    storage: Storage,
    /// text or json.
    #[arg(short, long, default_value = "text")]
    output: Format,
}

/// How an answer is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Json,
}

pub(super) fn run(args: &Args) -> Outcome {
    let path = &args.place.folder;
    let folder = Folder::open(path).map_err(|error| explained(error, path))?;
    let storage = args.storage.connection()?;
    // Whoever serves it has a store in the folder for itself.
    let logs = match runtime()?.block_on(sizes(&folder, storage.as_ref())) {
        Ok(sizes) => Some(sizes),
        Err(CheckError::Start(StartError::Store(StoreError::File(_)))) => None,
        Err(error) => return Err(explained(error, path)),
    };
    output::to_stdout(|out| match args.output {
        Format::Json => Ok(writeln!(out, "{:#}", json(&folder, logs.as_ref()))?),
        Format::Text => {
            let state = folder.state();
            writeln!(out, "Name:     {}", state.name)?;
            writeln!(out, "Address:  {}", state.url)?;
            match &logs {
                None => writeln!(out, "Logs:     being served")?,
                Some(logs) if logs.is_empty() => writeln!(out, "Logs:     not begun")?,
                Some(logs) => {
                    let logs: Vec<String> = logs.iter().map(|(log, size)| format!("{log} {size}")).collect();
                    writeln!(out, "Logs:     {}", logs.join(", "))?;
                }
            }
            let row = |key: &KeyRecord| {
                let until = key.end.map_or_else(|| "active".to_owned(), |end| format!("until {end}"));
                vec![key.id.clone(), format!("from {}", key.start), until]
            };
            output::table(out, &state.keys.iter().map(row).collect::<Vec<_>>())
        }
    })?;
    Ok(OK)
}

fn json(folder: &Folder, logs: Option<&BTreeMap<&'static str, u64>>) -> serde_json::Value {
    let state = folder.state();
    let key = |key: &KeyRecord| {
        serde_json::json!({
            "id": key.id, "role": key.role, "start": key.start, "end": key.end,
        })
    };
    serde_json::json!({
        "name": state.name, "url": state.url, "served": logs.is_none(), "logs": logs,
        "keys": state.keys.iter().map(key).collect::<Vec<_>>(),
    })
}
