//! Looking into the database.

use super::{PlaceArgs, open};
use crate::outcome::{FAILED, OK, Outcome};
use crate::output;
use matching::database::{Advisory, Claim, ClaimEnd, Database};
use std::collections::BTreeSet;

/// `palisade db search`
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    /// Identifiers or package names.
    words: Vec<String>,
    /// Identifiers of flaws; may be repeated.
    #[arg(long, value_name = "ID")]
    vuln: Vec<String>,
    /// Names of packages; may be repeated.
    #[arg(long, value_name = "NAME")]
    pkg: Vec<String>,
    /// Only packages of this ecosystem.
    #[arg(long, value_name = "NAME")]
    ecosystem: Option<String>,
    /// text or json.
    #[arg(short, long, default_value = "text", value_parser = ["text", "table", "json"])]
    output: String,
    /// The most rows; 0: all.
    #[arg(long, default_value_t = 5000)]
    limit: usize,
    #[command(flatten)]
    pub(super) place: PlaceArgs,
}

/// One package that one advisory speaks of.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    id: String,
    package: String,
    ecosystem: String,
    namespace: String,
    constraint: String,
}

pub(super) fn run(args: &Args) -> Outcome {
    let file = open(&args.place.path()?)?;
    let database = Database::open(file.bytes())?;
    let mut rows = BTreeSet::new();
    for id in args.vuln.iter().chain(&args.words) {
        for advisory in database.named(id)? {
            let mut affected = packages(&database, &advisory, &args.pkg)?;
            if affected.is_empty() && args.pkg.is_empty() {
                affected.push(row(&advisory, "", "", None));
            }
            rows.extend(affected);
        }
    }
    if args.vuln.is_empty() {
        for name in args.pkg.iter().chain(&args.words) {
            rows.extend(by_package(&database, name)?);
        }
    }
    if let Some(ecosystem) = &args.ecosystem {
        rows.retain(|row| row.ecosystem.eq_ignore_ascii_case(ecosystem));
    }
    let limit = if args.limit == 0 { usize::MAX } else { args.limit };
    let shown: Vec<&Row> = rows.iter().take(limit).collect();
    output::to_stdout(|out| {
        if args.output == "json" {
            let list: Vec<_> = shown
                .iter()
                .map(|row| {
                    serde_json::json!({
                        "vulnerability": row.id, "package": row.package, "ecosystem": row.ecosystem,
                        "namespace": row.namespace, "constraint": row.constraint,
                    })
                })
                .collect();
            serde_json::to_writer_pretty(&mut *out, &list)?;
            return Ok(writeln!(out)?);
        }
        if shown.is_empty() {
            return Ok(writeln!(out, "No results found")?);
        }
        writeln!(
            out,
            "{:24} {:32} {:18} {:30} VERSION CONSTRAINT",
            "VULNERABILITY", "PACKAGE", "ECOSYSTEM", "NAMESPACE"
        )?;
        for row in &shown {
            let Row { id, package, ecosystem, namespace, constraint } = row;
            writeln!(out, "{id:24} {package:32} {ecosystem:18} {namespace:30} {constraint}")?;
        }
        Ok(())
    })?;
    Ok(if rows.is_empty() { FAILED } else { OK })
}

/// The packages of one advisory. The index is by package, so this walks it; a search is for people, not for scans.
fn packages(database: &Database<'_>, advisory: &Advisory<'_>, names: &[String]) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for package in database.packages() {
        let (ecosystem, name) = package?;
        if !names.is_empty() && !names.iter().any(|wanted| wanted == name) {
            continue;
        }
        for claim in database.claims(ecosystem, name)? {
            let claim = claim?;
            if claim.record == advisory.index {
                rows.push(row(advisory, ecosystem, name, Some(&claim)));
            }
        }
    }
    Ok(rows)
}

fn by_package(database: &Database<'_>, name: &str) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for package in database.packages() {
        let (ecosystem, found) = package?;
        let is_named = found == name || found.rsplit([':', '/']).next() == Some(name);
        if is_named {
            for claim in database.claims(ecosystem, found)? {
                let claim = claim?;
                rows.push(row(&database.advisory(claim.record)?, ecosystem, found, Some(&claim)));
            }
        }
    }
    Ok(rows)
}

fn row(advisory: &Advisory<'_>, ecosystem: &str, package: &str, claim: Option<&Claim<'_>>) -> Row {
    Row {
        id: advisory.id.to_owned(),
        package: package.to_owned(),
        ecosystem: ecosystem.to_owned(),
        namespace: advisory.namespace.to_owned(),
        constraint: claim.map(constraint).unwrap_or_default(),
    }
}

fn constraint(claim: &Claim<'_>) -> String {
    let ranges = claim.ranges.iter().map(|range| {
        let start = match range.introduced {
            "" | "0" => String::new(),
            from if range.introduced_excluded => format!("> {from}"),
            from => format!(">= {from}"),
        };
        let end = match range.end {
            ClaimEnd::Open => String::new(),
            ClaimEnd::Fixed(version) | ClaimEnd::Limit(version) => format!("< {version}"),
            ClaimEnd::LastAffected(version) => format!("<= {version}"),
        };
        [start, end].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
    });
    let exact = claim.versions.iter().map(|version| format!("= {version}"));
    ranges.chain(exact).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" || ")
}
