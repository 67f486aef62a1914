//! Making a database from feeds.

use super::PlaceArgs;
use crate::catalogue::now;
use crate::cli::Global;
use crate::outcome::{OK, Outcome, advised};
use anyhow::Context;
use feeds::{Config, FeedItem, read_folder};
use matching::database::{Builder, EndOfLife, SourceReport};
use std::path::{Path, PathBuf};

/// `palisade db build`
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    /// A folder of feeds, in any layout: files are known by their content.
    #[arg(long, value_name = "DIR", env = super::SOURCE_VARIABLE)]
    from: PathBuf,
    /// The file to write; the one in the cache folder otherwise.
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
    /// Settings of the sources (TOML).
    #[arg(long, value_name = "FILE")]
    sources: Option<PathBuf>,
}

pub(super) fn run(args: &Args, global: Global) -> Outcome {
    let path = PlaceArgs { db: args.out.clone() }.path()?;
    let config = match &args.sources {
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            Config::from_toml(&text)?
        }
        None => Config::default(),
    };
    build_with(&args.from, &path, &config, global)?;
    Ok(OK)
}

/// Makes the database at `path` from the feeds in `folder`.
pub(crate) fn build(folder: &Path, path: &Path, global: Global) -> anyhow::Result<()> {
    build_with(folder, path, &Config::default(), global)
}

fn build_with(folder: &Path, path: &Path, config: &Config, global: Global) -> anyhow::Result<()> {
    if !folder.is_dir() {
        return Err(advised(format!("{} is no folder", folder.display()), "name a folder of advisory feeds"));
    }
    let mut builder = Builder::new(now()?);
    let mut refused = Vec::new();
    let report = read_folder(folder, config, &mut |item| match item {
        FeedItem::Record(record) => {
            if let Err(error) = builder.add(&record) {
                refused.push(error.to_string());
            }
        }
        FeedItem::Kev(kev) => builder.add_kev(*kev),
        FeedItem::Epss(score) => {
            builder.add_epss(&score.cve, score.score, score.percentile);
            builder.set_epss_date(score.date);
        }
        FeedItem::EndOfLife(end) => builder.add_eol(EndOfLife {
            distro: end.distribution,
            release: end.release,
            end: end.end,
            end_of_active_support: end.end_of_active_support,
        }),
    })
    .with_context(|| format!("cannot read the feeds in {}", folder.display()))?;
    for (name, source) in &report.sources {
        builder.add_source(SourceReport {
            name: name.clone(),
            licence: source.licence.clone(),
            captured: source.newest.clone(),
            records: source.records,
            skipped: source.causes.clone(),
            ..SourceReport::default()
        });
    }
    let records = builder.len();
    mapped::replace::<anyhow::Error>(path, |out| Ok(builder.finish(out).map(drop)?))
        .with_context(|| format!("cannot write {}", path.display()))?;
    if !global.quiet {
        for (file, cause) in &report.unread {
            tracing::warn!("{file} was not read: {cause}");
        }
        for cause in refused.iter().take(10) {
            tracing::warn!("left out: {cause}");
        }
        for (name, source) in report.sources.iter().filter(|(_, source)| source.withheld > 0) {
            tracing::warn!("{name}: {} records withheld: {}", source.withheld, source.terms);
        }
        let rejected: u64 = report.sources.values().map(|source| source.rejected).sum();
        let sources = report.sources.len();
        tracing::info!("{records} advisories of {sources} sources in {}; {rejected} not readable", path.display());
    }
    Ok(())
}
