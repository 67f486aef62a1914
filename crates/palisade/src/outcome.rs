//! How a run ends: the exit code, and what is said when it fails.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

/// Everything went well.
pub(crate) const OK: u8 = 0;
/// Something failed.
pub(crate) const FAILED: u8 = 1;
/// A gate that was asked for (`--fail-on`) did not hold.
pub(crate) const GATE: u8 = 2;

/// A run's result: an exit code, or why there is none.
pub(crate) type Outcome = anyhow::Result<u8>;

/// An error with a hint of what to do next.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Advised {
    message: String,
    hint: String,
}

/// An error with an exit code of its own, of a command whose codes say more.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Coded {
    code: u8,
    message: String,
}

/// `message`, and the run ends with `code`.
pub(crate) fn coded(code: u8, message: impl Into<String>) -> Coded {
    Coded { code, message: message.into() }
}

/// `message`, then `hint` on a line of its own.
pub(crate) fn advised(message: impl Into<String>, hint: impl Into<String>) -> anyhow::Error {
    Advised { message: message.into(), hint: hint.into() }.into()
}

/// Prints the chain of causes once, then the hint, and gives the exit code.
pub(crate) fn report(outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let text = message(&error, crate::style::stderr_has_color());
            // With a closed stderr there is nobody to tell.
            let _ = std::io::stderr().write_all(text.as_bytes());
            // Of an error with a context only the whole knows what the context was.
            ExitCode::from(error.downcast_ref::<Coded>().map_or(FAILED, |coded| coded.code))
        }
    }
}

fn message(error: &anyhow::Error, color: bool) -> String {
    let (red, bold, plain) = if color { ("\x1b[31m", "\x1b[1m", "\x1b[0m") } else { ("", "", "") };
    let mut text = format!("{red}error{plain}: ");
    let mut last = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        // An error that repeats its source adds nothing.
        if last.is_empty() {
            text.push_str(&cause);
        } else if !last.ends_with(&cause) {
            let _ = write!(text, ": {cause}");
        }
        last = cause;
    }
    text.push('\n');
    for hint in error.chain().filter_map(|cause| cause.downcast_ref::<Advised>()) {
        let _ = writeln!(text, "{bold}hint{plain}: {}", hint.hint);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn a_code_is_found_under_and_over_other_errors() {
        let code = |error: &anyhow::Error| error.downcast_ref::<Coded>().map(|coded| coded.code);
        assert_eq!(code(&advised("a", "b").context(coded(12, "c"))), Some(12));
        assert_eq!(code(&anyhow::Error::from(coded(12, "c")).context("d")), Some(12));
        assert_eq!(code(&advised("a", "b")), None);
    }

    #[test]
    fn a_chain_is_printed_once_with_its_hint() {
        let error = Err::<(), _>(advised("no such thing", "look elsewhere")).context("cannot do it").unwrap_err();
        assert_eq!(message(&error, false), "error: cannot do it: no such thing\nhint: look elsewhere\n");
    }
}
