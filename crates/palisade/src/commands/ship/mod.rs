//! `palisade ship`: the whole workflow on one image or folder: catalogue, scan, gate, attest, sign, log, verify.

mod provenance;
mod publish;
pub(crate) mod workflow;

use crate::catalogue::{CatalogArgs, CatalogOptions, catalogue, now, today};
use crate::cli::Global;
use crate::commands::db;
use crate::commands::sbom::Outputs;
use crate::cosign::args;
use crate::outcome::{GATE, OK, Outcome, advised};
use crate::output;
use crate::settings::Settings;
use advisory::Severity;
use matching::database::Database;
use matching::finding::Findings;
use matching::options::Options;
use matching::report::{self, Report, Scanned, SortBy, Tool};
use sbom::{CycloneDxVersion, Document, EncodeOptions, Format};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use workflow::{Attestation, Workflow};

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
    /// The workflow's settings; palisade.yaml of the working folder where there is one.
    #[arg(long, value_name = "FILE")]
    workflow: Option<PathBuf>,
    /// Sign and publish nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    signing: args::Signing,
    #[command(flatten)]
    catalog: CatalogArgs,
}

/// What attestations say.
struct Predicates {
    sbom: Json,
    /// What the SBOM is made of, apart from times and serial numbers.
    sbom_inputs: String,
    /// The scan's result, and what it is made of; none without a database.
    scan: Option<(Json, String)>,
}

/// What became of signing.
enum Publication {
    /// It is on the registry.
    Done(publish::Outcome),
    /// Nothing was published, and why.
    Not(&'static str),
}

/// What was done, and how long it took.
struct Summary<'a> {
    document: &'a Document,
    /// `Err`: why findings are unknown.
    findings: Result<Findings, String>,
    publication: Publication,
    catalogued_in: Duration,
    scanned_in: Duration,
}

/// Runs it.
pub(crate) fn run(args: &Args, mut settings: Settings, global: Global) -> Outcome {
    let workflow = workflow::read(args.workflow.as_deref())?;
    args.catalog.apply(&mut settings);
    let sboms = if args.sbom.is_empty() { &workflow.sbom } else { &args.sbom };
    settings.flags("output", sboms);
    let outputs = (!sboms.is_empty()).then(|| Outputs::new(&settings, "", "palisade")).transpose()?;
    let gate = args.fail_on.as_deref().or(workflow.fail_on.as_deref()).map(parse_gate).transpose()?;
    let started = now()?;
    let begun = Instant::now();
    let with_files = outputs.as_ref().is_some_and(Outputs::with_files);
    let document = catalogue(&args.source, &CatalogOptions::new(&settings)?, with_files, global)?;
    if let Some(outputs) = outputs {
        outputs.write(&document)?;
    }
    let catalogued_in = begun.elapsed();
    let begun = Instant::now();
    let scanned = scan(&document, args, global, &started).map_err(|error| format!("{error:#}"));
    let scanned_in = begun.elapsed();
    let (findings, scan) = match scanned {
        Ok((findings, predicate)) => (Ok(findings), Some(predicate)),
        Err(error) => (Err(error), None),
    };
    let holds = match (&findings, gate) {
        (_, None) => true,
        // A gate that can't be evaluated does not hold.
        (Err(_), Some(_)) => false,
        (Ok(findings), Some(gate)) => !super::scan::reaches(findings, gate),
    };
    let publication = match place(&document, &args.source) {
        _ if !holds => Publication::Not("the gate does not hold"),
        _ if args.dry_run => Publication::Not("--dry-run"),
        None => Publication::Not("only an image on a registry has a place for signatures"),
        Some(image) => {
            let signing = signing(args, &workflow);
            let attest = workflow.attest.clone().unwrap_or_else(|| Attestation::ALL.to_vec());
            let predicates = predicates(&document, scan)?;
            let digest = &document.source.manifest_digest;
            Publication::Done(publish::publish(&image, digest, &predicates, &attest, &signing, &started)?)
        }
    };
    let summary = Summary { document: &document, findings, publication, catalogued_in, scanned_in };
    output::to_stdout(|out| if args.output == "json" { summary.json(out) } else { summary.text(out) })?;
    Ok(if holds { OK } else { GATE })
}

/// The image's name on its registry, where it came from one.
fn place(document: &Document, source: &str) -> Option<String> {
    let name = source.strip_prefix("registry:").or(source.strip_prefix("oci-registry:")).unwrap_or(source);
    let reference: oci::Reference = name.parse().ok()?;
    let repository = format!("{}/{}", reference.registry(), reference.repository());
    let is_there = document.source.repo_digests.iter().any(|digest| digest.starts_with(&format!("{repository}@")));
    (is_there && !document.source.manifest_digest.is_empty()).then(|| name.to_owned())
}

/// The flags, over the workflow's settings.
fn signing(args: &Args, workflow: &Workflow) -> args::Signing {
    let mut signing = args.signing.clone();
    signing.key = signing.key.or_else(|| workflow.key.clone());
    signing.signing_config = signing.signing_config.or_else(|| workflow.signing_config.clone());
    signing.trusted_root = signing.trusted_root.or_else(|| workflow.trusted_root.clone());
    signing
}

fn predicates(document: &Document, scan: Option<(Json, String)>) -> anyhow::Result<Predicates> {
    let mut json = Vec::new();
    let options = EncodeOptions { pretty: false, reproducible: output::is_reproducible(), color: false };
    sbom::encode(document, Format::CycloneDxJson(CycloneDxVersion::V1_6), options, &mut json)?;
    let mut components: Vec<String> =
        document.components.iter().map(|component| format!("{} {}", component.name, component.version)).collect();
    components.sort_unstable();
    Ok(Predicates { sbom: serde_json::from_slice(&json)?, sbom_inputs: components.join("\n"), scan })
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

/// The findings; and the predicate of a scan (Cosign's `vuln` specification) with what it is made of.
fn scan(document: &Document, args: &Args, global: Global, started: &str) -> anyhow::Result<(Findings, (Json, String))> {
    let file = db::open_or_build(args.db.as_deref(), global)?;
    let database = Database::open(file.bytes())?;
    let findings = matching::find(&database, document, &Options::new(today()?))?;
    let tool = Tool {
        name: "palisade",
        version: env!("CARGO_PKG_VERSION"),
        uri: "",
        configuration: None,
        timestamp: "",
        database_path: "",
        database_from: "",
    };
    let report = Report::new(report::Input {
        document,
        findings: &findings,
        database: &database,
        sort_by: SortBy::default(),
        scanned: Scanned::Source,
        distro: None,
        tool,
    })?;
    let result = serde_json::to_value(&report.document)?;
    let inputs = result.get("matches").map(Json::to_string).unwrap_or_default();
    let predicate = serde_json::json!({
        "invocation": { "parameters": [], "uri": "", "event_id": "", "builder.id": "" },
        "scanner": {
            "uri": format!("pkg:cargo/palisade@{}", env!("CARGO_PKG_VERSION")),
            "version": env!("CARGO_PKG_VERSION"),
            "db": { "uri": "", "version": database.digest() },
            "result": result,
        },
        "metadata": { "scanStartedOn": started, "scanFinishedOn": now()? },
    });
    drop(report);
    Ok((findings, (predicate, inputs)))
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
        self.publication(out)
    }

    fn publication(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        let done = match &self.publication {
            Publication::Not(why) => return Ok(writeln!(out, "  signed      nothing: {why}")?),
            Publication::Done(done) => done,
        };
        writeln!(out, "  signed      in {:.2} s by {}", done.signed_in.as_secs_f64(), done.signer)?;
        for published in &done.published {
            let log = published.log_index.map_or("not logged".to_owned(), |index| format!("log entry {index}"));
            let reused = if published.is_reused { ", already there" } else { "" };
            writeln!(out, "    {:12} {log}{reused}", published.what)?;
        }
        match done.unverified {
            Some(why) => writeln!(out, "  verified    no: {why}")?,
            None => {
                writeln!(out, "  verified    all of it, from the registry, in {:.2} s", done.verified_in.as_secs_f64())?
            }
        }
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
            "publication": self.publication_json(),
        });
        serde_json::to_writer_pretty(&mut *out, &summary)?;
        Ok(writeln!(out)?)
    }

    fn publication_json(&self) -> Json {
        let done = match &self.publication {
            Publication::Not(why) => return serde_json::json!({ "published": false, "cause": why }),
            Publication::Done(done) => done,
        };
        let statements: Vec<Json> = done
            .published
            .iter()
            .map(|one| serde_json::json!({ "what": one.what, "logIndex": one.log_index, "reused": one.is_reused }))
            .collect();
        serde_json::json!({
            "published": true,
            "signer": done.signer,
            "statements": statements,
            "signedSeconds": done.signed_in.as_secs_f64(),
            "verified": done.unverified.is_none(),
            "verifiedSeconds": done.verified_in.as_secs_f64(),
        })
    }
}
