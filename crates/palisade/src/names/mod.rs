//! The peers' names: called by one of them, the program takes that tool's arguments and gives its output and codes.

mod common;
mod cosign;
mod grype;
mod login;
mod syft;

use crate::commands::install_names::NAMES;
use crate::outcome::{FAILED, Outcome};
use std::ffi::OsString;
use std::path::Path;

/// The peer's name by which the program was called, if it was.
pub(crate) fn called_as(arguments: &[OsString]) -> Option<&'static str> {
    let name = Path::new(arguments.first()?).file_stem()?.to_str()?;
    NAMES.iter().find(|known| **known == name).copied()
}

/// Runs as that tool.
pub(crate) fn run(name: &str, arguments: &[OsString]) -> Outcome {
    match name {
        "syft" => syft::run(arguments),
        "cosign" => cosign::run(arguments),
        "vault" => crate::vault::run("vault", arguments.get(1..).unwrap_or_default()),
        "bao" => crate::vault::run("bao", arguments.get(1..).unwrap_or_default()),
        _ => grype::run(arguments),
    }
}

/// A wrong command line ends with 1, as the peers' do.
fn wrong(error: &clap::Error) -> Outcome {
    crate::cli::wrong(error, FAILED)
}
