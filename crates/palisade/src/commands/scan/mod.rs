//! `palisade scan`: which known flaws are in an image, a folder, an SBOM or a list of packages.

mod config;
mod input;
mod report;
mod vex;

use crate::cli::Global;
use crate::commands::db;
use crate::commands::sbom::{CatalogArgs, today};
use crate::outcome::{FAILED, GATE, OK, Outcome, advised};
use advisory::Severity;
use anyhow::Context;
use config::Config;
use matching::database::Database;
use matching::distro::Release;
use matching::finding::Findings;
use matching::options::Options;
use matching::report::SortBy;
use std::path::PathBuf;

/// `palisade scan`, and `grype` with the same flags.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// An image reference, dir:PATH, sbom:FILE, purl:FILE, cpes:FILE, a package URL, a CPE; `-` or nothing: an SBOM on
    /// standard input.
    pub(crate) source: Option<String>,
    /// table, json, cyclonedx, cyclonedx-json or sarif; FORMAT=FILE writes a file; may be repeated.
    #[arg(short, long)]
    pub(crate) output: Vec<String>,
    /// Write the report here instead of to standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// End with code 2 when a finding is at least this bad: negligible, low, medium, high, critical.
    #[arg(short, long, value_name = "SEVERITY")]
    pub(crate) fail_on: Option<String>,
    /// Only findings with a fix.
    #[arg(long)]
    pub(crate) only_fixed: bool,
    /// Only findings without a fix.
    #[arg(long)]
    pub(crate) only_notfixed: bool,
    /// Leave out findings in these states: fixed, not-fixed, wont-fix, unknown (comma-separated).
    #[arg(long, value_name = "STATES")]
    pub(crate) ignore_states: Option<String>,
    /// Name findings by their CVE where they have one.
    #[arg(long)]
    pub(crate) by_cve: bool,
    /// Also list what was set aside, with the reason.
    #[arg(long)]
    pub(crate) show_suppressed: bool,
    /// package, severity, epss, risk, kev or vulnerability.
    #[arg(long, value_name = "BY")]
    pub(crate) sort_by: Option<String>,
    /// Take packages to be of this distribution, for example debian:12.
    #[arg(long, value_name = "DISTRO")]
    pub(crate) distro: Option<String>,
    /// Guess CPE names for packages of an SBOM that have none.
    #[arg(long)]
    pub(crate) add_cpes_if_none: bool,
    /// OpenVEX or CSAF documents to consider.
    #[arg(long, value_name = "FILE")]
    pub(crate) vex: Vec<PathBuf>,
    /// Name of what is scanned.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Settings file; `.grype.yaml` and its usual places otherwise.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) config: Vec<PathBuf>,
    /// The advisory database; the one in the cache folder otherwise.
    #[arg(long, value_name = "FILE", env = "PALISADE_DB")]
    pub(crate) db: Option<PathBuf>,
    /// Print the way to each place of this flaw: files, archives within them, and the layer.
    #[arg(long, value_name = "ID")]
    pub(crate) why: Option<String>,
    #[command(flatten)]
    pub(crate) catalog: CatalogArgs,
}

/// Runs it; `tool` is the name under which reports are made.
pub(crate) fn run(args: &Args, global: Global, tool: &str) -> Outcome {
    let settings = Config::load(&args.config)?;
    let plan = report::Plan::new(args, &settings)?;
    let gate = gate(args, &settings)?;
    let options = options(args, &settings)?;
    let input = input::read(args, global)?;
    let file = match db::open_or_build(args.db.as_deref(), global) {
        Ok(file) => file,
        Err(error) => return without_database(&input, gate, &error),
    };
    let database = Database::open(file.bytes()).context("cannot use the advisory database")?;
    let findings = matching::find(&database, &input.document, &options)?;
    for note in &findings.notes {
        tracing::warn!("{note}");
    }
    match &args.why {
        Some(id) => report::why(&input, &findings, id)?,
        None => plan.write(&report::Made { input: &input, findings: &findings, database: &database, tool, args })?,
    }
    let Some(gate) = gate.filter(|gate| reaches(&findings, *gate)) else { return Ok(OK) };
    let name = gate.as_str().to_lowercase();
    tracing::error!("discovered vulnerabilities at or above the severity threshold ({name})");
    Ok(GATE)
}

/// Is any finding at least as bad as `gate`?
pub(crate) fn reaches(findings: &Findings, gate: Severity) -> bool {
    findings.matches.iter().any(|found| found.vulnerability.severity >= gate)
}

/// The SBOM is there, the findings are not: said plainly, and a gate that was asked for does not hold.
fn without_database(input: &input::Input, gate: Option<Severity>, error: &anyhow::Error) -> Outcome {
    let count = input.document.components.len();
    tracing::error!("findings are unknown for {count} components: {error:#}");
    tracing::error!("run `palisade db build --from DIR` or set PALISADE_ADVISORIES, then scan again");
    Ok(if gate.is_some() { GATE } else { FAILED })
}

fn gate(args: &Args, settings: &Config) -> anyhow::Result<Option<Severity>> {
    let Some(word) = args.fail_on.as_deref().or(settings.fail_on_severity.as_deref()).filter(|word| !word.is_empty())
    else {
        return Ok(None);
    };
    match word.to_ascii_lowercase().as_str() {
        known @ ("negligible" | "low" | "medium" | "high" | "critical") => Ok(Some(Severity::parse(known))),
        other => Err(advised(
            format!("{other:?} is not a severity"),
            "use negligible, low, medium, high or critical with --fail-on",
        )),
    }
}

fn options(args: &Args, settings: &Config) -> anyhow::Result<Options> {
    let mut options = Options::new(today()?);
    options.by_cve = args.by_cve || settings.by_cve;
    options.ignore = settings.rules()?;
    options.ignore.extend(config::state_rules(args, settings)?);
    options.match_upstream_kernel_headers = settings.match_upstream_kernel_headers;
    if let Some(text) = args.distro.as_deref().or(settings.distro.as_deref()).filter(|text| !text.is_empty()) {
        let release = Release::parse(text).ok_or_else(|| {
            advised(format!("{text:?} is not a distribution"), "write it as debian:12 or alpine:3.20")
        })?;
        options.distro = Some(release);
    }
    for path in args.vex.iter().chain(&settings.vex_documents) {
        options.vex.extend(vex::read(path)?);
    }
    Ok(options)
}

/// The orders in which findings can be listed.
pub(crate) fn sort_by(args: &Args, settings: &Config) -> anyhow::Result<SortBy> {
    let word = args.sort_by.as_deref().or(settings.sort_by.as_deref()).unwrap_or("risk");
    SortBy::parse(word).ok_or_else(|| {
        advised(format!("cannot sort by {word:?}"), "use package, severity, epss, risk, kev or vulnerability")
    })
}
