//! Looking into the database.

use super::{PlaceArgs, open};
use crate::outcome::{OK, Outcome, advised};
use crate::output;
use anyhow::bail;
use matching::database::Database;
use matching::search::{Found, PackageName, Query, Summary, search, vulnerabilities};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// `palisade db search`
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Identifiers of flaws, or names of packages. After the word vuln: of flaws, to list the advisories themselves.
    words: Vec<String>,
    /// Only these flaws; may be repeated.
    #[arg(long, value_name = "ID")]
    vuln: Vec<String>,
    /// Only these packages: a name, a package URL or a CPE, without regard to versions; may be repeated.
    #[arg(long, value_name = "PACKAGE")]
    pkg: Vec<String>,
    /// Only packages of this ecosystem.
    #[arg(long, value_name = "NAME")]
    ecosystem: Option<String>,
    /// Only packages of this distribution, for example debian or debian:12; may be repeated.
    #[arg(long, value_name = "DISTRO")]
    distro: Vec<String>,
    /// Fields of a CPE that are not given are any; always so.
    #[arg(long, hide = true)]
    broad_cpe_matching: bool,
    /// Only of these publishers; may be repeated.
    #[arg(long, value_name = "NAME")]
    provider: Vec<String>,
    /// Only with a fix in this state: fixed, not-fixed, unknown, wont-fix; may be repeated.
    #[arg(long, value_name = "STATE", value_parser = ["fixed", "not-fixed", "unknown", "wont-fix"])]
    fixed_state: Vec<String>,
    /// Only what was published on this day or later (YYYY-MM-DD).
    #[arg(long, value_name = "DAY")]
    published_after: Option<jiff::civil::Date>,
    /// Only what was published or changed on this day or later (YYYY-MM-DD).
    #[arg(long, value_name = "DAY", conflicts_with = "published_after")]
    modified_after: Option<jiff::civil::Date>,
    /// table or json.
    #[arg(short, long, default_value = "table")]
    output: super::Format,
    /// The most packages; 0: all.
    #[arg(long, default_value_t = 5000)]
    limit: usize,
    #[command(flatten)]
    pub(super) place: PlaceArgs,
}

const EXAMPLES: &str = "\
Examples:
  palisade db search --vuln CVE-2021-44228
  palisade db search --pkg log4j-core --fixed-state fixed
  palisade db search --pkg pkg:rpm/redhat/openssl --distro rhel:9
  palisade db search --pkg 'cpe:2.3:a:jetty:jetty_http_server:*:*:*:*:*:*:*:*'
  palisade db search vuln CVE-2021-44228 -o json";

/// The peer's words for a search of advisories.
const OF_FLAWS: [&str; 4] = ["vuln", "vulnerability", "vulnerabilities", "vulns"];

impl Args {
    /// The identifiers, where the advisories themselves are searched for.
    fn flaws(&self) -> Option<&[String]> {
        let (first, ids) = self.words.split_first()?;
        OF_FLAWS.contains(&first.as_str()).then_some(ids)
    }

    fn query(&self) -> Query {
        // The peer of old took identifiers as plain words.
        let words = self.flaws().unwrap_or(&self.words).iter().cloned();
        let (ids, names): (Vec<_>, Vec<_>) = words.partition(|word| self.flaws().is_some() || is_id(word));
        Query {
            ids: self.vuln.iter().cloned().chain(ids).collect(),
            packages: self.pkg.iter().chain(&names).map(|name| PackageName::parse(name)).collect(),
            ecosystem: self.ecosystem.clone(),
            distros: self.distro.clone(),
            providers: self.provider.clone(),
            states: self.fixed_state.clone(),
            published_after: self.published_after.map(|day| day.to_string()),
            modified_after: self.modified_after.map(|day| day.to_string()),
        }
    }
}

/// `CVE-2021-44228`, `GHSA-jfh8-c2jp-5v3q`, `ALSA-2022:1065`: capitals, then a dash.
fn is_id(word: &str) -> bool {
    word.split_once('-').is_some_and(|(head, rest)| {
        head.len() > 1 && !rest.is_empty() && head.bytes().all(|byte| byte.is_ascii_uppercase())
    })
}

pub(super) fn run(args: &Args) -> Outcome {
    let query = args.query();
    if query.is_empty() {
        let hint = "name --vuln ID, --pkg NAME, --ecosystem, --distro or --provider";
        return Err(advised("must provide at least one of vulnerability or package to search for", hint));
    }
    let file = open(&args.place.path()?)?;
    let database = Database::open(file.bytes())?;
    check_providers(&database, &query)?;
    if args.flaws().is_some() {
        let rows = vulnerabilities(&database, &query)?;
        return print(args.output, &rows, || flaws(&rows));
    }
    let limit = if args.limit == 0 { usize::MAX } else { args.limit };
    let found = search(&database, &query, limit)?;
    print(args.output, &found.matches, || packages(&found))?;
    if found.is_cut {
        return Err(advised("query limit reached", "raise --limit; 0 is no limit"));
    }
    Ok(OK)
}

fn check_providers(database: &Database<'_>, query: &Query) -> anyhow::Result<()> {
    if query.providers.is_empty() {
        return Ok(());
    }
    let known = database.providers()?;
    match query.providers.iter().find(|name| !known.contains(name.as_str())) {
        Some(name) => bail!("provider not found: {name:?}; there are {}", Vec::from_iter(known).join(", ")),
        None => Ok(()),
    }
}

/// Prints a document, or the table of it.
fn print<T: Serialize>(format: super::Format, document: &T, table: impl FnOnce() -> Vec<Vec<String>>) -> Outcome {
    output::to_stdout(|out| {
        if format == super::Format::Json {
            let indent = serde_json::ser::PrettyFormatter::with_indent(b" ");
            document.serialize(&mut serde_json::Serializer::with_formatter(&mut *out, indent))?;
            return Ok(writeln!(out)?);
        }
        match table().as_slice() {
            [] | [_] => Ok(writeln!(out, "No results found")?),
            rows => output::table(out, rows),
        }
    })?;
    Ok(OK)
}

/// The head, then a row for each package.
fn packages(found: &Found) -> Vec<Vec<String>> {
    let mut rows = BTreeSet::new();
    for one in &found.matches {
        for affected in &one.packages {
            let ranges = affected.detail.ranges.iter().map(|range| range.version.constraint.as_str());
            let constraint = ranges.filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" || ");
            let (name, ecosystem) = match &affected.package {
                Some(package) => (package.name.clone(), package.ecosystem.clone()),
                None => (affected.cpe.clone(), String::new()),
            };
            rows.insert(vec![one.vulnerability.id.clone(), name, ecosystem, affected.namespace.clone(), constraint]);
        }
    }
    headed(&["VULNERABILITY", "PACKAGE", "ECOSYSTEM", "NAMESPACE", "VERSION CONSTRAINT"], rows)
}

/// The head, then a row for each advisory; those that differ in nothing but releases are one.
fn flaws(found: &[Summary]) -> Vec<Vec<String>> {
    let mut releases: BTreeMap<[String; 5], BTreeSet<String>> = BTreeMap::new();
    for row in found {
        let flaw = &row.vulnerability;
        let page = flaw.refs.first().map(|page| page.url.clone()).unwrap_or_default();
        let day = flaw.published_date.get(..10).unwrap_or_default().to_owned();
        let key = [flaw.id.clone(), flaw.provider.clone(), day, flaw.severity.clone(), page];
        let systems = row.operating_systems.iter().flatten().map(|system| system.version.clone());
        releases.entry(key).or_default().extend(systems);
    }
    let rows = releases.into_iter().map(|([id, provider, day, severity, page], releases)| {
        let provider = match releases.is_empty() {
            true => provider,
            false => format!("{provider} ({})", Vec::from_iter(releases).join(", ")),
        };
        vec![id, provider, day, severity, page]
    });
    headed(&["ID", "PROVIDER", "PUBLISHED", "SEVERITY", "REFERENCE"], rows)
}

fn headed(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Vec<Vec<String>> {
    let head = head.iter().map(|word| (*word).to_owned()).collect();
    std::iter::once(head).chain(rows).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_are_identifiers_or_packages() {
        for (word, expected) in [
            ("CVE-2021-44228", true),
            ("GHSA-jfh8-c2jp-5v3q", true),
            ("ALSA-2022:1065", true),
            ("log4j-core", false),
            ("openssl", false),
            ("R-", false),
        ] {
            assert_eq!(is_id(word), expected, "{word}");
        }
    }
}
