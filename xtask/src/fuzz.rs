//! `cargo xtask fuzz`: libFuzzer on every target of the `fuzz` crate, from the kept inputs on.

use crate::run::{cargo, kept, root, run, say, target};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// The longest that one input may take. The targets need milliseconds; a machine that does other work needs more.
const INPUT_SECONDS: u32 = 10;
/// The most memory for one target; the largest budget of a parser is a tenth of it.
const MEMORY_MB: u32 = 1024;
/// As on the threads on which the product parses.
const STACK_KB: u32 = 2048;
/// The longest input that is tried; longer ones are slow and find little more.
const INPUT_BYTES: u32 = 64 << 10;

/// Runs one target, or all of them, for so many seconds each, and keeps what they find outside the checkout.
pub(crate) fn all(seconds: u32, only: Option<&str>) -> Result<()> {
    let mut targets = targets()?;
    if let Some(only) = only {
        targets.retain(|target| target == only);
        if targets.is_empty() {
            bail!("no target {only:?}: see `TARGETS` in fuzz/src/lib.rs");
        }
    }
    let program = build()?;
    let found = kept()?.join("fuzz");
    say(&format!("fuzzing {} targets, {seconds} s each; finds go to {}", targets.len(), found.display()));
    let next = AtomicUsize::new(0);
    let broken = Mutex::new(Vec::new());
    let work = || {
        while let Some(target) = targets.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(error) = one(&program, target, seconds, &found)
                && let Ok(mut broken) = broken.lock()
            {
                broken.push(format!("{error:#}"));
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let broken = broken.into_inner().unwrap_or_default();
    if !broken.is_empty() {
        bail!("{} of {} targets broke:\n{}", broken.len(), targets.len(), broken.join("\n"));
    }
    say("  nothing broke");
    Ok(())
}

/// Names of the targets: those of the folders of kept inputs, as a test of the crate makes sure.
fn targets() -> Result<Vec<String>> {
    let folders = fs::read_dir(root().join("fuzz/corpus"))?;
    let mut names =
        folders.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect::<Result<Vec<_>>>()?;
    names.sort_unstable();
    Ok(names)
}

/// Our own crates are compiled with coverage; what they depend on is shared with every other build.
fn build() -> Result<PathBuf> {
    let mut build = cargo(&["build", "--quiet", "--package", "fuzz", "--features", "engine"])?;
    run(build.env("RUSTC_WORKSPACE_WRAPPER", root().join("fuzz/rustc.sh")))?;
    Ok(target()?.join("debug/fuzz"))
}

fn one(program: &Path, target: &str, seconds: u32, found: &Path) -> Result<()> {
    let finds = found.join(target);
    let broken = found.join("broken");
    fs::create_dir_all(&finds)?;
    fs::create_dir_all(&broken)?;
    let mut fuzz = Command::new("sh");
    fuzz.args(["-c", &format!("ulimit -s {STACK_KB} && exec \"$0\" \"$@\"")]).arg(program);
    fuzz.arg(format!("-max_total_time={seconds}")).arg(format!("-timeout={INPUT_SECONDS}"));
    fuzz.arg(format!("-rss_limit_mb={MEMORY_MB}")).arg(format!("-max_len={INPUT_BYTES}"));
    fuzz.arg(format!("-artifact_prefix={}/{target}-", broken.display()));
    // The first folder also takes what is found.
    fuzz.arg(&finds).arg(root().join("fuzz/corpus").join(target)).env("FUZZ_TARGET", target);
    let output = fuzz.output().with_context(|| format!("cannot start {}", program.display()))?;
    let log = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let end: Vec<&str> = log.lines().rev().take(40).collect();
        let end: Vec<&str> = end.into_iter().rev().collect();
        bail!("{target} ({}); mend it and put the input into fuzz/corpus/{target}:\n{}", output.status, end.join("\n"));
    }
    say(&format!("  {target}: {}", log.lines().last().unwrap_or_default()));
    Ok(())
}
