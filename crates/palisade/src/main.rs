//! One binary for a Kubernetes production security stack: wiring, flags and exit codes.

mod cli;
mod commands;
mod logging;
mod names;
mod outcome;
mod output;
mod progress;
mod selection;
mod source;
mod style;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    outcome::report(cli::run(&arguments))
}
