//! Colour: on a terminal, unless `NO_COLOR` is set (no-color.org).

use std::io::IsTerminal;

/// May standard output have colour?
pub(crate) fn stdout_has_color() -> bool {
    std::io::stdout().is_terminal() && wanted()
}

/// May standard error have colour?
pub(crate) fn stderr_has_color() -> bool {
    std::io::stderr().is_terminal() && wanted()
}

fn wanted() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
