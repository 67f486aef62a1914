//! Running other programs.

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// The checkout.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// What is slow to make and is kept between runs, outside the checkout: peers, images, compiled code.
pub(crate) fn kept() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("PALISADE_TESTBED") {
        return Ok(PathBuf::from(path));
    }
    let home = std::env::var_os("HOME").context("HOME is not set")?;
    Ok(PathBuf::from(home).join(".cache/palisade-testbed"))
}

/// Runs a command in the checkout, says what it is and how long it took, and fails when it fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let begun = Instant::now();
    run_last(command)?;
    say(&format!("  {:.1} s", begun.elapsed().as_secs_f64()));
    Ok(())
}

/// As [`run`], with nothing said after it: the command's own last lines stay the last.
pub(crate) fn run_last(command: &mut Command) -> Result<()> {
    let name = describe(command);
    say(&name);
    let status = command.current_dir(root()).status().with_context(|| format!("cannot start {name}"))?;
    if !status.success() {
        bail!("{name} failed ({status})");
    }
    Ok(())
}

/// The standard output of a command that must succeed.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let name = describe(command);
    let output = command.current_dir(root()).output().with_context(|| format!("cannot start {name}"))?;
    if !output.status.success() {
        bail!("{name} failed ({}): {}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Cargo, with the compiled code kept outside the checkout so that a fresh clone starts warm.
pub(crate) fn cargo(arguments: &[&str]) -> Result<Command> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    if std::env::var_os("CARGO_TARGET_DIR").is_none() {
        command.env("CARGO_TARGET_DIR", target()?);
    }
    Ok(command)
}

/// Where cargo puts what it builds for the chores.
pub(crate) fn target() -> Result<PathBuf> {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => Ok(PathBuf::from(folder)),
        None => Ok(kept()?.join("target")),
    }
}

/// The product, built for tests.
pub(crate) fn palisade() -> Result<PathBuf> {
    run(&mut cargo(&["build", "--quiet", "--package", "palisade"])?)?;
    Ok(target()?.join("debug/palisade"))
}

/// Is there a program of this name?
pub(crate) fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
        || ["/usr/sbin", "/sbin"].iter().any(|folder| Path::new(folder).join(program).is_file())
}

/// One line of what is going on.
#[expect(clippy::print_stderr, reason = "a chore talks to the person who runs it")]
pub(crate) fn say(text: &str) {
    eprintln!("xtask: {text}");
}

fn describe(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}
