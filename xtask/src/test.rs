//! Everything that CI runs, cheapest first, ending with the test runner's own closing lines.

use crate::run::{cargo, run};
use crate::{machine, validate};
use anyhow::Result;

/// All of it.
pub(crate) fn all() -> Result<()> {
    machine::ready()?;
    checks()?;
    validate::check()?;
    run(&mut cargo(&["test", "--workspace", "--quiet"])?)
}

/// What needs nothing but the toolchain: tests that need more say that they were skipped.
pub(crate) fn fast() -> Result<()> {
    checks()?;
    run(&mut cargo(&["test", "--workspace", "--quiet"])?)
}

fn checks() -> Result<()> {
    run(&mut cargo(&["fmt", "--all", "--check"])?)?;
    run(&mut cargo(&["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"])?)
}
