//! Everything that CI runs, cheapest first, ending with the test runner's own closing lines.

use crate::run::{cargo, run, run_last, say};
use crate::{deny, findings, fuzz, images, interop, machine, parity, peers, validate};
use anyhow::Result;

/// For each fuzz target.
const FUZZ_SECONDS: u32 = 4;

/// All of it.
pub(crate) fn all() -> Result<()> {
    machine::ready()?;
    checks()?;
    validate::check()?;
    interop::check()?;
    fuzz::all(FUZZ_SECONDS, None)?;
    let mut tests = cargo(&["test", "--workspace", "--quiet"])?;
    tests.env("PALISADE_OPENBAO", peers::openbao()?);
    if machine::is_root() {
        let images = images::build(images::TESTED)?;
        parity::on(&images)?;
        findings::on(&images)?;
        tests.env("PALISADE_IMAGES", std::env::join_paths(images.iter().map(|image| &image.folder))?);
    } else {
        say("skipped: images of packages and Syft on them, because only root can build them");
    }
    run_last(&mut tests)
}

/// What needs nothing but the toolchain: tests that need more say that they were skipped.
pub(crate) fn fast() -> Result<()> {
    checks()?;
    run_last(&mut cargo(&["test", "--workspace", "--quiet"])?)
}

fn checks() -> Result<()> {
    deny::check()?;
    run(&mut cargo(&["fmt", "--all", "--check"])?)?;
    run(&mut cargo(&["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"])?)
}
