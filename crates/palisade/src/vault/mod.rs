//! The command line of the secrets server: under the names `vault` and `bao`, and as `palisade secrets`.
//!
//! The commands are a table each, in a module by what they are about; `registry` has them all. They talk HTTP to any
//! server of Vault's API: output, errors and exit codes are OpenBao's (1 for what is wrong here, 2 for what the server
//! refuses).

mod client;
mod command;
mod environment;
mod failure;
mod flags;
mod go;
mod help;
mod layout;
mod operator;
mod registry;
mod render;
mod server;
mod server_args;
mod ui;
mod version;
mod yaml;

use crate::outcome::{FAILED, OK, Outcome};
use command::Call;
use failure::Failure;
use registry::Found;
use std::ffi::OsString;
use std::io::Write;

/// The code for words that name no command.
const NO_COMMAND: u8 = 127;

/// Runs the words after the program's name, called by the name `program`.
pub(crate) fn run(program: &'static str, words: &[OsString]) -> Outcome {
    let Some(words) = words.iter().map(|word| word.to_str().map(str::to_owned)).collect::<Option<Vec<_>>>() else {
        ui::error("the command line is not UTF-8");
        return Ok(FAILED);
    };
    match dispatch(program, &words) {
        Ok(code) => Ok(code),
        Err(Failure { other: Some(error), .. }) => Err(error),
        Err(failure) => {
            ui::error(&help::renamed(&failure.message, program));
            if let Some(hint) = failure.hint {
                ui::warn(&format!("hint: {hint}"));
            }
            Ok(failure.code)
        }
    }
}

fn dispatch(program: &'static str, words: &[String]) -> failure::Run {
    let asks = |word: &String| matches!(word.as_str(), "-h" | "-help" | "--help");
    let asks_help = words.iter().take_while(|word| *word != "--").any(asks);
    match words {
        [only] if matches!(only.as_str(), "-v" | "-version" | "--version") => {
            ui::line(&version::text(program))?;
            return Ok(OK);
        }
        _ => {}
    }
    match registry::find(words) {
        Some((Found::Command(found), _)) if asks_help => {
            ui::line(&help::command(found, program))?;
            Ok(OK)
        }
        Some((Found::Command(found), count)) => {
            let call = Call::read(program, found, words.get(count..).unwrap_or_default())?;
            (found.run)(&call)
        }
        Some((Found::Group(found), _)) => said(&help::group(found, program), asks_help, FAILED),
        None => said(&help::program(program), asks_help, NO_COMMAND),
    }
}

/// Help that was asked for is no failure; other help goes to standard error.
fn said(text: &str, was_asked: bool, code: u8) -> failure::Run {
    if was_asked {
        ui::line(text)?;
        return Ok(OK);
    }
    // With a closed stderr there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "{text}");
    Ok(code)
}
