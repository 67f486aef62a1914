//! What is said on standard output and standard error, and what is asked.

use super::failure::Failure;
use crate::{output, style};
use std::io::{IsTerminal, Read, Write};
use zeroize::Zeroizing;

/// What is read from standard input at most.
const MAX_BYTES: u64 = 32 << 20;

/// A line on standard output.
pub(super) fn line(text: &str) -> anyhow::Result<()> {
    output::to_stdout(|out| Ok(writeln!(out, "{text}")?))
}

/// Text on standard output as it is: with a line break only for a person.
pub(super) fn raw(text: &str) -> anyhow::Result<()> {
    let is_terminal = std::io::stdout().is_terminal();
    output::to_stdout(|out| {
        out.write_all(text.as_bytes())?;
        if is_terminal { Ok(writeln!(out)?) } else { Ok(()) }
    })
}

/// A warning.
pub(super) fn warn(text: &str) {
    colored(text, "\x1b[33m");
}

/// An error.
pub(super) fn error(text: &str) {
    colored(text, "\x1b[31m");
}

fn colored(text: &str, color: &str) {
    let text = if style::stderr_has_color() { format!("{color}{text}\x1b[0m\n") } else { format!("{text}\n") };
    // With a closed stderr there is nobody to tell.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// All of standard input.
pub(super) fn input() -> Result<Zeroizing<String>, Failure> {
    let mut text = Zeroizing::new(String::with_capacity(1 << 16));
    let read = std::io::stdin().lock().take(MAX_BYTES).read_to_string(&mut text);
    read.map_err(|error| Failure::local(format!("Failed to read from stdin: {error}")))?;
    Ok(text)
}

/// A file, or standard input for `-`.
pub(super) fn file_or_input(name: &str) -> Result<Zeroizing<String>, Failure> {
    if name == "-" { input() } else { file(name) }
}

/// A file of text.
pub(super) fn file(name: &str) -> Result<Zeroizing<String>, Failure> {
    let mut text = Zeroizing::new(String::with_capacity(1 << 12));
    let read = std::fs::File::open(name).and_then(|file| file.take(MAX_BYTES).read_to_string(&mut text));
    read.map_err(|error| Failure::local(format!("open {name}: {}", cause(&error))))?;
    Ok(text)
}

/// What the system says, in its own words.
fn cause(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

/// Asks on the terminal, without showing what is typed.
pub(super) fn secret(prompt: &str) -> Result<Zeroizing<String>, Failure> {
    // The question goes to standard error: what a command gives may go elsewhere.
    let _ = std::io::stderr().write_all(prompt.as_bytes());
    let read = rpassword::read_password();
    let _ = std::io::stderr().write_all(b"\n");
    read.map(Zeroizing::new).map_err(|error| Failure::local(error.to_string()))
}
