//! `palisade install-names`: the peers' names, leading here.

use crate::outcome::{OK, Outcome, advised};
use crate::output;
use anyhow::Context;
use std::fs;
use std::path::{Path, PathBuf};

/// The names under which the binary behaves as a peer.
pub(crate) const NAMES: &[&str] = &["syft", "grype", "cosign", "vault", "bao"];

/// `palisade install-names`
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A folder on PATH.
    folder: PathBuf,
    /// Replace programs of these names that are there.
    #[arg(long)]
    force: bool,
}

/// Runs it.
pub(crate) fn run(args: &Args) -> Outcome {
    let binary = std::env::current_exe().context("cannot tell where this program is")?;
    fs::create_dir_all(&args.folder).with_context(|| format!("cannot make {}", args.folder.display()))?;
    for name in NAMES {
        link(&binary, &args.folder.join(name), args.force)?;
    }
    output::to_stdout(|out| {
        for name in NAMES {
            writeln!(out, "{} -> {}", args.folder.join(name).display(), binary.display())?;
        }
        Ok(())
    })?;
    Ok(OK)
}

fn link(binary: &Path, place: &Path, force: bool) -> anyhow::Result<()> {
    if let Ok(metadata) = fs::symlink_metadata(place) {
        // Our own link of an earlier run is replaced; a program of somebody else's only when asked.
        if !force && !metadata.file_type().is_symlink() {
            let hint = "remove it, choose another folder, or give --force";
            return Err(advised(format!("{} is already there", place.display()), hint));
        }
        fs::remove_file(place).with_context(|| format!("cannot replace {}", place.display()))?;
    }
    std::os::unix::fs::symlink(binary, place).with_context(|| format!("cannot make {}", place.display()))
}
