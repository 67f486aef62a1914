//! `palisade ship`: the whole workflow on one image or folder, as far as it exists: catalogue, scan, gate.

use crate::catalogue::{CatalogArgs, CatalogOptions, catalogue, today};
use crate::cli::Global;
use crate::commands::db;
use crate::commands::sbom::Outputs;
use crate::outcome::{GATE, OK, Outcome, advised};
use crate::output;
use crate::settings::Settings;
use advisory::Severity;
use matching::database::Database;
use matching::finding::Findings;
use matching::options::Options;
use sbom::Document;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// `palisade ship`
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// An image reference, dir:PATH, oci-dir:PATH, ...
    source: String,
    /// Write the SBOM too: FORMAT=FILE; may be repeated.
    #[arg(long, value_name = "FORMAT=FILE")]
    sbom: Vec<String>,
    /// End with code 2 when a finding is at least this bad.
    #[arg(short, long, value_name = "SEVERITY")]
    fail_on: Option<String>,
    /// text or json.
    #[arg(short, long, default_value = "text", value_parser = ["text", "json"])]
    output: String,
    /// The advisory database; the one in the cache folder otherwise.
    #[arg(long, value_name = "FILE", env = "PALISADE_DB")]
    db: Option<PathBuf>,
    #[command(flatten)]
    catalog: CatalogArgs,
}

/// What was done, and how long it took.
struct Summary<'a> {
    document: &'a Document,
    /// `Err`: why findings are unknown.
    findings: Result<Findings, String>,
    catalogued_in: Duration,
    scanned_in: Duration,
}

/// Runs it.
pub(crate) fn run(args: &Args, mut settings: Settings, global: Global) -> Outcome {
    args.catalog.apply(&mut settings);
    settings.flags("output", &args.sbom);
    let outputs = (!args.sbom.is_empty()).then(|| Outputs::new(&settings, "", "palisade")).transpose()?;
    let gate = args.fail_on.as_deref().map(parse_gate).transpose()?;
    let begun = Instant::now();
    let with_files = outputs.as_ref().is_some_and(Outputs::with_files);
    let document = catalogue(&args.source, &CatalogOptions::new(&settings)?, with_files, global)?;
    if let Some(outputs) = outputs {
        outputs.write(&document)?;
    }
    let catalogued_in = begun.elapsed();
    let begun = Instant::now();
    let findings = scan(&document, args, global).map_err(|error| format!("{error:#}"));
    let summary = Summary { document: &document, findings, catalogued_in, scanned_in: begun.elapsed() };
    output::to_stdout(|out| if args.output == "json" { summary.json(out) } else { summary.text(out) })?;
    let holds = match (&summary.findings, gate) {
        (_, None) => true,
        // A gate that can't be evaluated does not hold.
        (Err(_), Some(_)) => false,
        (Ok(findings), Some(gate)) => !super::scan::reaches(findings, gate),
    };
    Ok(if holds { OK } else { GATE })
}

fn parse_gate(word: &str) -> anyhow::Result<Severity> {
    match Severity::parse(word) {
        Severity::Unknown => Err(advised(
            format!("{word:?} is not a severity"),
            "use negligible, low, medium, high or critical with --fail-on",
        )),
        severity => Ok(severity),
    }
}

fn scan(document: &Document, args: &Args, global: Global) -> anyhow::Result<Findings> {
    let file = db::open_or_build(args.db.as_deref(), global)?;
    let database = Database::open(file.bytes())?;
    Ok(matching::find(&database, document, &Options::new(today()?))?)
}

const SEVERITIES: [Severity; 6] =
    [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Negligible, Severity::Unknown];

impl Summary<'_> {
    fn kinds(&self) -> BTreeMap<&'static str, usize> {
        let mut kinds = BTreeMap::new();
        for component in &self.document.components {
            *kinds.entry(component.kind.as_str()).or_default() += 1;
        }
        kinds
    }

    fn count(findings: &Findings, severity: Severity) -> usize {
        findings.matches.iter().filter(|found| found.vulnerability.severity == severity).count()
    }

    fn text(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        let document = self.document;
        writeln!(out, "{}", document.source.name)?;
        if !document.source.manifest_digest.is_empty() {
            writeln!(out, "  digest      {}", document.source.manifest_digest)?;
        }
        if let Some(distro) = &document.distro {
            writeln!(out, "  system      {} {}", distro.id, distro.version_id)?;
        }
        let kinds: Vec<String> = self.kinds().iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        let seconds = self.catalogued_in.as_secs_f64();
        let count = document.components.len();
        writeln!(out, "  SBOM        {count} components in {seconds:.2} s ({})", kinds.join(", "))?;
        if !document.unknowns.is_empty() {
            writeln!(out, "  unknown     {} files could not be understood", document.unknowns.len())?;
            for unknown in document.unknowns.iter().take(5) {
                writeln!(out, "                {}: {}", unknown.path, unknown.cause)?;
            }
        }
        match &self.findings {
            Err(cause) => {
                writeln!(out, "  findings    unknown: {cause}")?;
                writeln!(out, "              {}", db::HOW_TO_GET_ONE)?;
            }
            Ok(findings) => self.findings(findings, out)?,
        }
        writeln!(out, "  not yet     signing, attestation and the log")?;
        Ok(())
    }

    fn findings(&self, findings: &Findings, out: &mut dyn Write) -> anyhow::Result<()> {
        let counts: Vec<String> = SEVERITIES
            .iter()
            .map(|severity| (Self::count(findings, *severity), severity.as_str().to_lowercase()))
            .filter(|(count, _)| *count > 0)
            .map(|(count, name)| format!("{count} {name}"))
            .collect();
        let counts = if counts.is_empty() { "none".to_owned() } else { counts.join(", ") };
        let seconds = self.scanned_in.as_secs_f64();
        let total = findings.matches.len();
        writeln!(out, "  findings    {total} in {seconds:.2} s ({counts}); {} set aside", findings.ignored.len())?;
        let mut worst: Vec<_> = findings.matches.iter().collect();
        worst.sort_by_key(|found| std::cmp::Reverse(found.vulnerability.severity));
        for found in worst.iter().take(10) {
            let Some(component) = self.document.components.get(found.component.0 as usize) else { continue };
            let vulnerability = &found.vulnerability;
            let severity = vulnerability.severity.as_str();
            writeln!(out, "    {severity:10} {:20} {} {}", vulnerability.id, component.name, component.version)?;
        }
        if total > 10 {
            writeln!(out, "    and {} more: `palisade scan` lists them", total - 10)?;
        }
        Ok(())
    }

    fn json(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        let findings = match &self.findings {
            Err(cause) => serde_json::json!({ "known": false, "cause": cause }),
            Ok(findings) => {
                let counts: BTreeMap<_, _> = SEVERITIES
                    .iter()
                    .map(|severity| (severity.as_str().to_lowercase(), Self::count(findings, *severity)))
                    .collect();
                serde_json::json!({
                    "known": true,
                    "total": findings.matches.len(),
                    "setAside": findings.ignored.len(),
                    "bySeverity": counts,
                    "seconds": self.scanned_in.as_secs_f64(),
                })
            }
        };
        let unknowns: Vec<_> = self
            .document
            .unknowns
            .iter()
            .map(|unknown| serde_json::json!({ "path": unknown.path, "cause": unknown.cause }))
            .collect();
        let summary = serde_json::json!({
            "source": self.document.source.name,
            "digest": self.document.source.manifest_digest,
            "components": { "total": self.document.components.len(), "byType": self.kinds() },
            "catalogueSeconds": self.catalogued_in.as_secs_f64(),
            "unknowns": unknowns,
            "findings": findings,
        });
        serde_json::to_writer_pretty(&mut *out, &summary)?;
        Ok(writeln!(out)?)
    }
}
