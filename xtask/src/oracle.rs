//! Grype as the oracle of scans: its program, and a database of its own kind made of the feeds that Palisade reads.

use crate::go;
use crate::peers::{self, GRYPE};
use crate::run::{kept, output, root, run, say};
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Component, Path, PathBuf};
use std::process::Command;

/// Grype and what it knows.
pub(crate) struct Oracle {
    grype: PathBuf,
    /// Has Grype's database in `6/`, in `feeds/` the feeds of which it was made, and in `purls/` lists of package URLs.
    folder: PathBuf,
}

impl Oracle {
    /// Makes what is not there yet. Nothing where there are no advisories.
    pub(crate) fn ready() -> Result<Option<Self>> {
        let Some(advisories) = advisories() else {
            say("ignored: no advisories (`PALISADE_ADVISORIES`)");
            return Ok(None);
        };
        let grype = peers::grype()?;
        Ok(Some(Self { grype, folder: database(&advisories)? }))
    }

    /// A folder with the feeds that went into Grype's database, and no others.
    pub(crate) fn feeds(&self) -> PathBuf {
        self.folder.join("feeds")
    }

    /// The other identifiers of flaws, by the one that an advisory is known by.
    pub(crate) fn names(&self) -> Result<BTreeMap<String, Vec<String>>> {
        Ok(serde_json::from_slice(&fs::read(self.folder.join("names.json"))?)?)
    }

    /// Lists of package URLs at the bounds of what the feeds say.
    pub(crate) fn purls(&self) -> Result<Vec<PathBuf>> {
        files(&self.folder.join("purls"))
    }

    /// Grype on an SBOM or a list of package URLs, writing its JSON.
    pub(crate) fn scan(&self, input: &str) -> Command {
        let mut command = Command::new(&self.grype);
        command
            .args(["-q", "-o", "json", input])
            .env("GRYPE_CHECK_FOR_APP_UPDATE", "false")
            .env("GRYPE_DB_AUTO_UPDATE", "false")
            .env("GRYPE_DB_VALIDATE_AGE", "false")
            .env("GRYPE_DB_CACHE_DIR", &self.folder);
        command
    }
}

/// The shared advisories, where the machine has them.
pub(crate) fn advisories() -> Option<PathBuf> {
    let beside = root().join("../shared/advisories");
    let folder = std::env::var_os("PALISADE_ADVISORIES").map_or(beside, PathBuf::from);
    folder.join("MANIFEST.json").is_file().then_some(folder)
}

/// Kept by what it is made of: the program that makes it and the feeds.
fn database(advisories: &Path) -> Result<PathBuf> {
    const KEPT: &str = "grype-db-";
    let source = root().join("xtask/oracle/grypedb");
    let mut parts = files(&source)?;
    parts.push(advisories.join("MANIFEST.json"));
    let name = format!("{KEPT}{GRYPE}-{}", digest(&parts)?);
    let folder = kept()?.join(&name);
    let lock = File::create(kept()?.join("grype-db.lock"))?;
    lock.lock().context("cannot lock the folder of Grype's database")?;
    if folder.is_dir() {
        return Ok(folder);
    }
    say("making Grype's database of the feeds");
    let building = kept()?.join("building-grype-db");
    if building.exists() {
        fs::remove_dir_all(&building)?;
    }
    fs::create_dir_all(building.join("program"))?;
    for file in files(&source)? {
        fs::copy(&file, building.join("program").join(file.file_name().context("no name")?))?;
    }
    // In a copy, because the tool chain writes down there what Grype's own go.mod asks for.
    run(go::command()?.arg("-C").arg(building.join("program")).args(["build", "-mod=mod", "-o", "grypedb", "."]))?;
    run(Command::new(building.join("program/grypedb")).arg(advisories).arg(&building))?;
    fs::remove_dir_all(building.join("program"))?;
    for feed in fs::read_to_string(building.join("feeds.txt"))?.lines() {
        // A path that leaves the folder would have a feed copied onto itself, which empties it.
        if !Path::new(feed).components().all(|part| matches!(part, Component::Normal(_))) {
            bail!("not a file of the feeds: {feed}");
        }
        let copy = building.join("feeds").join(feed);
        fs::create_dir_all(copy.parent().context("no folder")?)?;
        fs::copy(advisories.join(feed), copy)?;
    }
    for old in fs::read_dir(kept()?)? {
        let old = old?;
        if old.file_name().to_string_lossy().starts_with(KEPT) {
            fs::remove_dir_all(old.path())?;
        }
    }
    fs::rename(&building, &folder)?;
    Ok(folder)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    files.sort();
    Ok(files)
}

/// The beginning of a digest over all of them.
fn digest(files: &[PathBuf]) -> Result<String> {
    let text = output(Command::new("sh").args(["-c", "cat \"$@\" | sha256sum", "sh"]).args(files))?;
    Ok(text.chars().take(16).collect())
}
