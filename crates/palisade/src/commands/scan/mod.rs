//! `palisade scan`: which known flaws are in an image, a folder, an SBOM or a list of packages.

mod input;
mod options;
mod report;
mod rules;
mod vex;

use crate::catalogue::CatalogArgs;
use crate::cli::Global;
use crate::commands::db;
use crate::outcome::{FAILED, GATE, OK, Outcome, advised};
use crate::settings::Settings;
use advisory::Severity;
use anyhow::Context;
use matching::database::Database;
use matching::finding::Findings;
use matching::report::SortBy;
use std::path::PathBuf;

/// `palisade scan`, and `grype` with the same flags.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// An image reference, dir:PATH, sbom:FILE, purl:FILE, cpes:FILE, a package URL, a CPE; `-` or nothing: an SBOM on
    /// standard input.
    pub(crate) source: Option<String>,
    /// table, json, cyclonedx, cyclonedx-json, sarif or template; FORMAT=FILE writes a file; may be repeated.
    #[arg(short, long)]
    output: Vec<String>,
    /// Write the report here instead of to standard output.
    #[arg(long, value_name = "FILE")]
    file: Option<String>,
    /// A Go template, for `-o template`.
    #[arg(short, long, value_name = "FILE")]
    template: Option<String>,
    /// End with code 2 when a finding is at least this bad: negligible, low, medium, high, critical.
    #[arg(short, long, value_name = "SEVERITY")]
    fail_on: Option<String>,
    /// Only findings with a fix.
    #[arg(long)]
    only_fixed: bool,
    /// Only findings without a fix.
    #[arg(long)]
    only_notfixed: bool,
    /// Leave out findings in these states: fixed, not-fixed, wont-fix, unknown (comma-separated).
    #[arg(long, value_name = "STATES")]
    ignore_states: Option<String>,
    /// Name findings by their CVE where they have one.
    #[arg(long)]
    by_cve: bool,
    /// Also list what was set aside, with the reason.
    #[arg(long)]
    show_suppressed: bool,
    /// package, severity, epss, risk, kev or vulnerability.
    #[arg(long, value_name = "BY")]
    sort_by: Option<String>,
    /// Take packages to be of this distribution, for example debian:12.
    #[arg(long, value_name = "DISTRO")]
    distro: Option<String>,
    /// Guess CPE names for packages of an SBOM that have none.
    #[arg(long)]
    add_cpes_if_none: bool,
    /// OpenVEX or CSAF documents to consider.
    #[arg(long, value_name = "FILE")]
    vex: Vec<String>,
    /// Name of what is scanned.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The advisory database; the one in the cache folder otherwise.
    #[arg(long, value_name = "FILE", env = "PALISADE_DB")]
    pub(crate) db: Option<PathBuf>,
    /// Print the way to each place of this flaw: files, archives within them, and the layer.
    #[arg(long, value_name = "ID")]
    why: Option<String>,
    #[command(flatten)]
    catalog: CatalogArgs,
}

impl Args {
    /// Puts what was given into the settings.
    fn apply(&self, settings: &mut Settings) {
        settings.flags("output", &self.output);
        settings.flag("file", self.file.clone());
        settings.flag("output-template-file", self.template.clone());
        settings.flag("fail-on-severity", self.fail_on.clone());
        settings.switch("only-fixed", self.only_fixed);
        settings.switch("only-notfixed", self.only_notfixed);
        settings.flag("ignore-wontfix", self.ignore_states.clone());
        settings.switch("by-cve", self.by_cve);
        settings.switch("show-suppressed", self.show_suppressed);
        settings.flag("sort-by", self.sort_by.clone());
        settings.flag("distro", self.distro.clone());
        settings.switch("add-cpes-if-none", self.add_cpes_if_none);
        settings.flags("vex-documents", &self.vex);
        settings.flag("name", self.name.clone());
        self.catalog.apply(settings);
    }
}

/// Runs it; `tool` is the name under which reports are made.
pub(crate) fn run(args: &Args, mut settings: Settings, global: Global, tool: &str) -> Outcome {
    args.apply(&mut settings);
    let plan = report::Plan::new(&settings, tool)?;
    let gate = gate(&settings)?;
    let options = options::options(&settings)?;
    let input = input::read(args.source.as_deref(), &settings, global)?;
    let place = args.db.clone().or_else(|| db_in_cache(&settings));
    let file = match db::open_or_build(place.as_deref(), global) {
        Ok(file) => file,
        Err(error) => return without_database(&input, gate, &error),
    };
    let begun = std::time::Instant::now();
    let database = Database::open(file.bytes()).context("cannot use the advisory database")?;
    options::check_age(&settings, database.facts().built.as_str())?;
    let findings = matching::find(&database, &input.document, &options)?;
    let components = input.document.components.len();
    tracing::debug!("opened the database and matched {components} components in {} µs", begun.elapsed().as_micros());
    for note in &findings.notes {
        tracing::warn!("{note}");
    }
    match &args.why {
        Some(id) => report::why(&input, &findings, id)?,
        None => plan.write(&report::Made { input: &input, findings: &findings, database: &database, tool, place })?,
    }
    let Some(gate) = gate.filter(|gate| reaches(&findings, *gate)) else { return Ok(OK) };
    let name = gate.as_str().to_lowercase();
    tracing::error!("discovered vulnerabilities at or above the severity threshold ({name})");
    Ok(GATE)
}

/// The database in the folder that `db.cache-dir` names.
pub(crate) fn db_in_cache(settings: &Settings) -> Option<PathBuf> {
    settings.path("db.cache-dir").filter(|_| settings.is_set("db.cache-dir")).map(|folder| folder.join("advisories.db"))
}

/// Is any finding at least as bad as `gate`?
pub(crate) fn reaches(findings: &Findings, gate: Severity) -> bool {
    findings.matches.iter().any(|found| found.vulnerability.severity >= gate)
}

/// The SBOM is there, the findings are not: said plainly, and a gate that was asked for does not hold.
fn without_database(input: &input::Input, gate: Option<Severity>, error: &anyhow::Error) -> Outcome {
    let count = input.document.components.len();
    tracing::error!("findings are unknown for {count} components: {error:#}");
    tracing::error!("{}; then scan again", db::HOW_TO_GET_ONE);
    Ok(if gate.is_some() { GATE } else { FAILED })
}

fn gate(settings: &Settings) -> anyhow::Result<Option<Severity>> {
    let Some(word) = settings.some("fail-on-severity") else { return Ok(None) };
    match word.to_ascii_lowercase().as_str() {
        known @ ("negligible" | "low" | "medium" | "high" | "critical") => Ok(Some(Severity::parse(known))),
        other => Err(advised(
            format!("{other:?} is not a severity"),
            "use negligible, low, medium, high or critical with --fail-on",
        )),
    }
}

/// The orders in which findings can be listed.
fn sort_by(settings: &Settings) -> anyhow::Result<SortBy> {
    let word = settings.text("sort-by");
    SortBy::parse(&word.to_ascii_lowercase()).ok_or_else(|| {
        advised(format!("cannot sort by {word:?}"), "use package, severity, epss, risk, kev or vulnerability")
    })
}
