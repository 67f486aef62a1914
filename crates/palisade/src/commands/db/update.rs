//! Bringing the database up to date, and asking whether it is.

use super::origin::{Origin, OriginArgs, Sources};
use super::{Format, PlaceArgs, build, open};
use crate::cli::Global;
use crate::outcome::{OK, Outcome, advised};
use crate::output;
use crate::progress::Bar;
use anyhow::{Context, bail};
use feeds::{Fetched, Limits};
use matching::database::{Database, FORMAT_VERSION, SourceReport};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The code for "there is an update", as the peer's.
const UPDATE_AVAILABLE: u8 = 100;

/// How deep a folder of feeds is looked through for what is new.
const MAX_DEPTH: usize = 32;

/// `palisade db update`
#[derive(Debug, Clone, clap::Args)]
pub(super) struct UpdateArgs {
    #[command(flatten)]
    origin: OriginArgs,
    #[command(flatten)]
    pub(super) place: PlaceArgs,
}

/// `palisade db check`
#[derive(Debug, Clone, clap::Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    origin: OriginArgs,
    #[command(flatten)]
    pub(super) place: PlaceArgs,
    /// text or json.
    #[arg(short, long, default_value = "text")]
    output: Format,
}

pub(super) fn update(args: &UpdateArgs, global: Global) -> Outcome {
    let sources = args.origin.sources()?;
    let changed = bring(&sources, &args.place.path()?, global).context("unable to update vulnerability database")?;
    let text = match changed {
        true => "Vulnerability database updated to latest version!",
        false => "No vulnerability database update available",
    };
    output::to_stdout(|out| Ok(writeln!(out, "{text}")?))?;
    Ok(OK)
}

/// Makes the database at `path` what the sources have now. `false`: it was already.
pub(super) fn bring(sources: &Sources, path: &Path, global: Global) -> anyhow::Result<bool> {
    match &sources.origin {
        Origin::Folder(folder) => build::build(folder, path, &sources.config, Vec::new(), global)?,
        Origin::Database(address) => return take(address, path, sources.config.limits),
        Origin::Publishers => {
            let cache = cache("feeds")?;
            let fetched = fetch(sources, &cache, global)?;
            if !is_changed(&fetched) && modified(path) > newest(&cache, 0) {
                return Ok(false);
            }
            build::build(&cache, path, &sources.config, missing(&fetched), global)?;
        }
    }
    Ok(true)
}

/// Fetches what the publishers have. That some can't be reached is said and is no failure, as long as one was.
fn fetch(sources: &Sources, cache: &Path, global: Global) -> anyhow::Result<Vec<Fetched>> {
    let bar = Bar::of_count("feeds fetched", addresses(sources), global.quiet);
    let fetched = feeds::update(cache, &sources.config, &|_| bar.add(1))?;
    drop(bar);
    for (fetched, error) in failures(&fetched) {
        let kept = if fetched.path.is_file() { "; what was fetched before is used" } else { "" };
        tracing::warn!("{}: {}{kept}", fetched.source, reason(error));
    }
    if !fetched.iter().any(|fetched| fetched.path.is_file()) {
        let first = failures(&fetched).next().map(|(_, error)| reason(error)).unwrap_or_default();
        return Err(advised(
            format!("no publisher could be reached: {first}"),
            "use --from DIR with a folder of feeds, or name mirrors in --sources FILE",
        ));
    }
    Ok(fetched)
}

/// How many addresses there are to go to.
fn addresses(sources: &Sources) -> usize {
    sources.config.fetched().map(|(_, addresses)| addresses.len()).sum()
}

fn is_changed(fetched: &[Fetched]) -> bool {
    fetched.iter().any(|fetched| matches!(fetched.outcome, feeds::Outcome::Changed(_)))
}

fn failures(fetched: &[Fetched]) -> impl Iterator<Item = (&Fetched, &feeds::FeedError)> {
    fetched.iter().filter_map(|fetched| match &fetched.outcome {
        feeds::Outcome::Failed(error) => Some((fetched, error)),
        _ => None,
    })
}

/// An error with all its causes, in one line.
fn reason(error: &feeds::FeedError) -> String {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// What the database will lack, for its own list of sources.
fn missing(fetched: &[Fetched]) -> Vec<SourceReport> {
    let failed = failures(fetched).filter(|(fetched, _)| !fetched.path.is_file());
    let report = |(fetched, error): (&Fetched, &feeds::FeedError)| SourceReport {
        name: fetched.source.to_owned(),
        origin: fetched.address.clone(),
        skipped: vec![reason(error)],
        ..SourceReport::default()
    };
    failed.map(report).collect()
}

/// Puts the database at `address` in place. `false`: there is nothing newer.
fn take(address: &str, path: &Path, limits: Limits) -> anyhow::Result<bool> {
    let kept = cache("database")?.join("advisories.db");
    let changed = feeds::download(address, &kept, limits)?;
    if !changed && path.is_file() {
        return Ok(false);
    }
    put(&kept, path).inspect_err(|_| {
        // It would be taken for what the address has.
        let _ = fs::remove_file(&kept);
    })?;
    Ok(true)
}

/// Puts a database file in place, if it is whole.
pub(super) fn put(file: &Path, path: &Path) -> anyhow::Result<()> {
    let mapped = open(file)?;
    let wrong = || format!("{} is no advisory database", file.display());
    Database::open(mapped.bytes()).with_context(wrong)?.verify().with_context(wrong)?;
    mapped::replace::<std::io::Error>(path, |out| out.write_all(mapped.bytes()))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Imports a database from a file or an address; `?checksum=sha256:...` in the address is held against the file.
pub(super) fn import(reference: &str, path: &Path) -> anyhow::Result<()> {
    if !reference.contains("://") {
        return put(Path::new(reference), path);
    }
    let kept = cache("import")?.join("advisories.db");
    feeds::download(reference, &kept, Limits::default())?;
    let expected = reference.split_once('?').and_then(|(_, query)| {
        query
            .split('&')
            .find_map(|part| part.strip_prefix("checksum=sha256:").or(part.strip_prefix("checksum=sha256%3A")))
    });
    let found = feeds::sha256(&kept).with_context(|| format!("cannot read {}", kept.display()))?;
    let result = match expected {
        Some(expected) if !expected.eq_ignore_ascii_case(&found) => {
            Err(anyhow::anyhow!("{reference} has SHA-256 {found}, not {expected}"))
        }
        _ => put(&kept, path),
    };
    // The file is in place, or is not to be used.
    let _ = kept.parent().map(fs::remove_dir_all);
    result
}

pub(super) fn check(args: &CheckArgs, global: Global) -> Outcome {
    let path = args.place.path()?;
    let current = if path.is_file() { Some(built(&path)?) } else { None };
    let is_newer = match &current {
        None => true,
        Some(_) => is_newer(&args.origin.sources()?, &path, global)
            .context("unable to check for vulnerability database update")?,
    };
    output::to_stdout(|out| {
        if args.output == Format::Json {
            let current = current
                .as_ref()
                .map(|built| serde_json::json!({ "schemaVersion": format!("v{FORMAT_VERSION}"), "built": built }));
            let value = serde_json::json!({ "currentDB": current, "candidateDB": null, "updateAvailable": is_newer });
            return Ok(writeln!(out, "{value:#}")?);
        }
        match &current {
            Some(built) => writeln!(out, "Installed DB version v{FORMAT_VERSION} was built on {built}")?,
            None => writeln!(out, "No installed DB version found")?,
        }
        let text = match is_newer {
            true => "Update available: run `palisade db update`",
            false => "No update available",
        };
        Ok(writeln!(out, "{text}")?)
    })?;
    Ok(if is_newer { UPDATE_AVAILABLE } else { OK })
}

fn built(path: &Path) -> anyhow::Result<String> {
    let file = open(path)?;
    let database = Database::open(file.bytes()).with_context(|| format!("cannot use {}", path.display()))?;
    Ok(database.facts().built.clone())
}

fn is_newer(sources: &Sources, path: &Path, global: Global) -> anyhow::Result<bool> {
    match &sources.origin {
        Origin::Folder(folder) => Ok(newest(folder, 0) > modified(path)),
        Origin::Database(address) => {
            Ok(feeds::is_newer(address, &cache("database")?.join("advisories.db"), sources.config.limits)?)
        }
        Origin::Publishers => {
            let bar = Bar::of_count("publishers asked", addresses(sources), global.quiet);
            let asked = feeds::check(&cache("feeds")?, &sources.config, &|_| bar.add(1))?;
            let answered = asked.len() - failures(&asked).count();
            match failures(&asked).next() {
                Some((_, error)) if answered == 0 => bail!("no publisher could be reached: {}", reason(error)),
                _ => Ok(is_changed(&asked)),
            }
        }
    }
}

/// A folder of the cache.
fn cache(name: &str) -> anyhow::Result<PathBuf> {
    let home = inventory::cache_home().ok_or_else(|| advised("no cache folder", "set HOME or XDG_CACHE_HOME"))?;
    Ok(home.join("palisade").join(name))
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

/// When the newest feed under a folder was changed. Hidden files are no feeds.
fn newest(folder: &Path, depth: usize) -> Option<SystemTime> {
    let is_hidden = |entry: &fs::DirEntry| entry.file_name().as_encoded_bytes().starts_with(b".");
    let entries = fs::read_dir(folder).ok()?.flatten().filter(|entry| !is_hidden(entry)).map(|entry| entry.path());
    let time =
        |path: PathBuf| if path.is_dir() && depth < MAX_DEPTH { newest(&path, depth + 1) } else { modified(&path) };
    entries.filter_map(time).max()
}
