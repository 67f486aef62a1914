//! Making a database from feeds.

use super::PlaceArgs;
use super::origin::OriginArgs;
use crate::catalogue::now;
use crate::cli::Global;
use crate::outcome::{OK, Outcome};
use crate::progress::Bar;
use anyhow::Context;
use feeds::{Config, FeedItem, Report, read_folder};
use matching::database::{Builder, EndOfLife, SourceReport};
use std::path::{Path, PathBuf};

/// Left-out files or records that are named without being asked for.
const SAID: usize = 5;

/// `palisade db build`
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    origin: OriginArgs,
    /// The file to write; the one in the cache folder otherwise.
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
}

pub(super) fn run(args: &Args, global: Global) -> Outcome {
    let path = PlaceArgs { db: args.out.clone() }.path()?;
    super::update::bring(&args.origin.sources()?, &path, global)?;
    Ok(OK)
}

/// Makes the database at `path` from the feeds in `folder`; `missing` are sources that it will lack.
pub(super) fn build(
    folder: &Path,
    path: &Path,
    config: &Config,
    missing: Vec<SourceReport>,
    global: Global,
) -> anyhow::Result<()> {
    let bar = Bar::of_count("records read", 0, global.quiet);
    let mut builder = Builder::new(now()?);
    let mut refused = Vec::new();
    let report = read_folder(folder, config, &mut |item| {
        bar.add(1);
        add(&mut builder, item, &mut refused);
    })
    .with_context(|| format!("cannot read the feeds in {}", folder.display()))?;
    drop(bar);
    for source in missing {
        builder.add_source(source);
    }
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
    tell(&report, &refused);
    let rejected: u64 = report.sources.values().map(|source| source.rejected).sum();
    let sources = report.sources.len();
    tracing::info!("{records} advisories of {sources} sources in {}; {rejected} not readable", path.display());
    Ok(())
}

fn add(builder: &mut Builder, item: FeedItem, refused: &mut Vec<String>) {
    match item {
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
    }
}

/// Says what was left out: the first few, then how many more.
fn tell(report: &Report, refused: &[String]) {
    let unread = report.unread.iter().map(|(file, cause)| format!("{file} was not read: {cause}"));
    some("files were not read", unread);
    some("records were left out", refused.iter().map(|cause| format!("left out: {cause}")));
    for (name, source) in report.sources.iter().filter(|(_, source)| source.withheld > 0) {
        tracing::warn!("{name}: {} records withheld: {}", source.withheld, source.terms);
    }
}

fn some(what: &str, lines: impl ExactSizeIterator<Item = String>) {
    let more = lines.len().saturating_sub(SAID);
    for (index, line) in lines.enumerate() {
        if index < SAID {
            tracing::warn!("{line}");
        } else {
            tracing::info!("{line}");
        }
    }
    if more > 0 {
        tracing::warn!("{more} more {what}; -v names them");
    }
}
