//! One binary for a Kubernetes production security stack: wiring, flags and exit codes.

mod catalogue;
mod cli;
mod commands;
mod cosign;
mod interrupt;
mod logging;
mod names;
mod outcome;
mod output;
mod progress;
mod selection;
mod settings;
mod source;
mod style;
mod template;
#[allow(dead_code, reason = "the commands that use the rest follow")]
mod vault;

use std::process::ExitCode;

fn main() -> ExitCode {
    interrupt::watch();
    let arguments: Vec<_> = std::env::args_os().collect();
    outcome::report(cli::run(&arguments))
}
