//! `vault version`

use super::command::{Call, Command, Output};
use super::failure::Run;
use crate::outcome::OK;

pub(super) const COMMANDS: &[Command] = &[Command {
    path: "version",
    synopsis: "Print the version of this program",
    usage: "",
    help: "Prints the version of the peer that is spoken, and of this program.",
    output: Output::None,
    arguments: (0, 0),
    flags: &[],
    run,
}];

/// The version under the name `program`, of the form that clients take apart.
pub(super) fn text(program: &str) -> String {
    match program {
        "vault" => concat!("Vault v1.16.3 (palisade ", env!("CARGO_PKG_VERSION"), "), built 2026-11-01T00:00:00Z"),
        "bao" => concat!("OpenBao v2.7.2 (palisade ", env!("CARGO_PKG_VERSION"), "), committed 2026-11-01T00:00:00Z"),
        _ => concat!("palisade ", env!("CARGO_PKG_VERSION")),
    }
    .to_owned()
}

fn run(call: &Call) -> Run {
    call.say(&text(call.program))?;
    Ok(OK)
}
