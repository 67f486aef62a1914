//! OSV records (schema 1.0 to 1.7) of every publisher: GitHub, Go, PyPA, RustSec, Bitnami, AlmaLinux, Rocky Linux,
//! Ubuntu, Debian, Alpine, Red Hat, CRAN, and whatever else uses the schema.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::error::{AdvisoryError, read_json};
use crate::lenient::{nullable, text, texts};
use crate::range::comparators;
use crate::record::{Affected, Cvss, Ecosystem, FixState, PackageName, Range, RangeEnd, Record, Reference, Severity};

const FORMAT: &str = "OSV";

/// Who publishes under an identifier's prefix: the source's name here, and Grype's provider.
const PUBLISHERS: &[(&str, &str, &str)] = &[
    ("GHSA-", "ghsa", "github"),
    ("GO-", "govulndb", "govulndb"),
    ("PYSEC-", "pypa", "pypa"),
    ("RUSTSEC-", "rustsec", "rustsec"),
    ("BIT-", "bitnami", "bitnami"),
    ("ALSA-", "almalinux", "alma"),
    ("ALBA-", "almalinux", "alma"),
    ("ALEA-", "almalinux", "alma"),
    ("RLSA-", "rocky", "rocky"),
    ("RXSA-", "rocky", "rocky"),
    ("RHSA-", "redhat", "redhat"),
    ("RHBA-", "redhat", "redhat"),
    ("RHEA-", "redhat", "redhat"),
    ("UBUNTU-CVE-", "ubuntu", "ubuntu"),
    ("USN-", "ubuntu", "ubuntu"),
    ("LSN-", "ubuntu", "ubuntu"),
    ("DEBIAN-CVE-", "debian", "debian"),
    ("DSA-", "debian", "debian"),
    ("DLA-", "debian", "debian"),
    ("DTSA-", "debian", "debian"),
    ("ALPINE-CVE-", "alpine", "alpine"),
    ("CGA-", "chainguard", "chainguard"),
    ("RSEC-", "cran", "cran"),
    ("GLAD-", "gitlab", "gitlab"),
];

/// Prefixes that a distribution puts before the CVE that it tracks; the record is known by the CVE itself.
const CVE_PREFIXES: &[&str] = &["UBUNTU-", "DEBIAN-", "ALPINE-"];

#[derive(Deserialize)]
struct Document {
    #[serde(default, deserialize_with = "text")]
    id: String,
    #[serde(default, deserialize_with = "text")]
    modified: String,
    #[serde(default, deserialize_with = "text")]
    published: String,
    #[serde(default, deserialize_with = "text")]
    withdrawn: String,
    #[serde(default, deserialize_with = "texts")]
    aliases: Vec<String>,
    #[serde(default, deserialize_with = "texts")]
    upstream: Vec<String>,
    #[serde(default, deserialize_with = "texts")]
    related: Vec<String>,
    #[serde(default, deserialize_with = "text")]
    summary: String,
    #[serde(default, deserialize_with = "text")]
    details: String,
    #[serde(default, deserialize_with = "nullable")]
    severity: Vec<Score>,
    #[serde(default, deserialize_with = "nullable")]
    affected: Vec<Hit>,
    #[serde(default, deserialize_with = "nullable")]
    references: Vec<Link>,
    #[serde(default, deserialize_with = "nullable")]
    database_specific: Database,
}

#[derive(Deserialize)]
struct Score {
    #[serde(default, rename = "type", deserialize_with = "text")]
    kind: String,
    #[serde(default, deserialize_with = "text")]
    score: String,
}

#[derive(Deserialize)]
struct Link {
    #[serde(default, rename = "type", deserialize_with = "text")]
    kind: String,
    #[serde(default, deserialize_with = "text")]
    url: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Database {
    #[serde(deserialize_with = "text")]
    severity: String,
    #[serde(deserialize_with = "texts")]
    cwe_ids: Vec<String>,
    #[serde(deserialize_with = "text")]
    url: String,
    #[serde(deserialize_with = "text")]
    last_known_affected_version_range: String,
    #[serde(deserialize_with = "text")]
    informational: String,
    #[serde(deserialize_with = "nullable")]
    cwes: Value,
}

#[derive(Deserialize)]
struct Hit {
    #[serde(default, deserialize_with = "nullable")]
    package: Package,
    #[serde(default, deserialize_with = "nullable")]
    severity: Vec<Score>,
    #[serde(default, deserialize_with = "nullable")]
    ranges: Vec<EventRange>,
    #[serde(default, deserialize_with = "texts")]
    versions: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    ecosystem_specific: Specific,
    #[serde(default, deserialize_with = "nullable")]
    database_specific: Database,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Package {
    #[serde(deserialize_with = "text")]
    ecosystem: String,
    #[serde(deserialize_with = "text")]
    name: String,
}

#[derive(Deserialize)]
struct EventRange {
    #[serde(default, rename = "type", deserialize_with = "text")]
    kind: String,
    #[serde(default, deserialize_with = "nullable")]
    events: Vec<Event>,
    #[serde(default, deserialize_with = "nullable")]
    database_specific: RangeDatabase,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Event {
    #[serde(deserialize_with = "text")]
    introduced: String,
    #[serde(deserialize_with = "text")]
    fixed: String,
    #[serde(deserialize_with = "text")]
    last_affected: String,
    #[serde(deserialize_with = "text")]
    limit: String,
}

/// Dates of fixes, as Grype's feed adds them.
#[derive(Default, Deserialize)]
#[serde(default)]
struct RangeDatabase {
    #[serde(deserialize_with = "nullable")]
    anchore: FixDates,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct FixDates {
    #[serde(deserialize_with = "nullable")]
    fixes: Vec<FixDate>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct FixDate {
    #[serde(deserialize_with = "text")]
    version: String,
    #[serde(deserialize_with = "text")]
    date: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Specific {
    #[serde(deserialize_with = "text")]
    severity: String,
    #[serde(deserialize_with = "text")]
    urgency: String,
    #[serde(deserialize_with = "text")]
    ubuntu_priority: String,
    #[serde(deserialize_with = "text")]
    rpm_modularity: String,
    #[serde(deserialize_with = "nullable")]
    imports: Vec<Import>,
    #[serde(deserialize_with = "nullable")]
    custom_ranges: Vec<EventRange>,
    #[serde(deserialize_with = "nullable")]
    affects: Affects,
    /// A list (GitHub) or a map (early RustSec), so read late.
    #[serde(deserialize_with = "nullable")]
    affected_functions: Value,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Import {
    #[serde(deserialize_with = "text")]
    path: String,
    #[serde(deserialize_with = "texts")]
    symbols: Vec<String>,
    #[serde(deserialize_with = "texts")]
    goos: Vec<String>,
    #[serde(deserialize_with = "texts")]
    goarch: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Affects {
    #[serde(deserialize_with = "texts")]
    arch: Vec<String>,
    #[serde(deserialize_with = "texts")]
    os: Vec<String>,
    #[serde(deserialize_with = "nullable")]
    functions: Value,
}

/// Reads one OSV record.
///
/// - Entries of `affected` that name no package (Git ranges alone) are left out, and so are Git ranges beside others.
/// - `UBUNTU-CVE-…`, `DEBIAN-CVE-…` and `ALPINE-CVE-…` become the CVE itself.
/// - `upstream` of an erratum (`USN-…`, `DSA-…`) goes to `related`, and the erratum carries the fix of its packages.
///   `related` of anything else names other flaws, and is left out.
///
/// # Errors
/// When the bytes are not JSON of OSV's shape, or the record has no identifier.
pub fn parse(json: &[u8]) -> Result<Record, AdvisoryError> {
    let document: Document = read_json(FORMAT, json)?;
    if document.id.is_empty() {
        return Err(AdvisoryError::Missing { format: FORMAT, field: "id" });
    }
    let mut affected: Vec<Affected> = Vec::with_capacity(document.affected.len());
    let publisher = publisher(&document);
    let (source, provider) = publisher;
    let mut cvss = scores(&document.severity);
    let mut cwes = document.database_specific.cwe_ids;
    let mut informational = document.database_specific.informational;
    for hit in document.affected {
        for score in scores(&hit.severity) {
            if !cvss.contains(&score) {
                cvss.push(score);
            }
        }
        add_cwes(&hit.database_specific, &mut cwes);
        if informational.is_empty() {
            informational.clone_from(&hit.database_specific.informational);
        }
        affected.extend(convert(hit, source));
    }
    let severity = severity(&document.severity, &document.database_specific.severity, &document.summary, &affected);
    let id = cve_of(&document.id).to_owned();
    let erratum = affected.iter().any(|a| matches!(a.package.ecosystem, Ecosystem::Distro(..))) && id == document.id;
    let is_cve = id.starts_with("CVE-");
    if erratum && !is_cve {
        for package in &mut affected {
            package.advisory.clone_from(&id);
            if package.state == FixState::Fixed && package.fix_date.is_empty() {
                document.published.get(..10).unwrap_or_default().clone_into(&mut package.fix_date);
            }
        }
    }
    let (mut aliases, mut related) = (document.aliases, Vec::new());
    let upstream = document.upstream.into_iter().filter(|other| *other != id);
    if erratum && !is_cve {
        related = document.related;
        related.extend(upstream);
    } else {
        aliases.extend(upstream);
    }
    dedup(&mut aliases);
    dedup(&mut related);
    let mut record = Record {
        references: references(&id, &document.database_specific.url, source, document.references),
        id,
        aliases,
        related,
        source: source.to_owned(),
        summary: document.summary,
        details: document.details,
        severity: if severity == Severity::Unknown && !informational.is_empty() && cvss.is_empty() {
            Severity::Negligible
        } else {
            severity
        },
        cvss,
        cwes,
        published: document.published,
        modified: if document.modified.starts_with("0001-") { String::new() } else { document.modified },
        withdrawn: document.withdrawn,
        affected,
        ..Record::default()
    };
    record.set_namespace(provider);
    Ok(record)
}

/// The source's name and Grype's provider.
fn publisher(document: &Document) -> (&'static str, &'static str) {
    if let Some((_, source, provider)) = PUBLISHERS.iter().find(|(prefix, ..)| document.id.starts_with(prefix)) {
        return (source, provider);
    }
    let first = document.affected.iter().map(|hit| hit.package.ecosystem.as_str()).find(|name| !name.is_empty());
    match first.map(Ecosystem::from_osv) {
        Some(Ecosystem::Distro(id, _)) => match id.as_str() {
            "debian" => ("debian", "debian"),
            "alpine" => ("alpine", "alpine"),
            "ubuntu" => ("ubuntu", "ubuntu"),
            "almalinux" => ("almalinux", "alma"),
            "rockylinux" => ("rocky", "rocky"),
            "redhat" => ("redhat", "redhat"),
            _ => ("osv", "osv"),
        },
        Some(Ecosystem::Bitnami) => ("bitnami", "bitnami"),
        Some(Ecosystem::Kubernetes) => ("kubernetes", "kubernetes"),
        _ => ("osv", "osv"),
    }
}

/// `CVE-…` inside a distribution's identifier for it, or the identifier itself.
fn cve_of(id: &str) -> &str {
    CVE_PREFIXES.iter().find_map(|prefix| id.strip_prefix(prefix).filter(|rest| rest.starts_with("CVE-"))).unwrap_or(id)
}

fn scores(severity: &[Score]) -> Vec<Cvss> {
    severity
        .iter()
        .filter(|score| score.kind.starts_with("CVSS"))
        .filter_map(|score| Cvss::from_vector(&score.score, "", ""))
        .collect()
}

/// The publisher's word: from the record, from the summary of an RHEL-like erratum, or else the worst of the packages.
fn severity(scores: &[Score], word: &str, summary: &str, affected: &[Affected]) -> Severity {
    let named = scores.iter().find(|score| score.kind == "Ubuntu").map(|score| Severity::parse(&score.score));
    let prefix = summary.split_once(':').map_or("", |(prefix, _)| prefix);
    let worst = affected.iter().map(|a| a.severity).max();
    [Some(Severity::parse(word)), named, Some(Severity::parse(prefix)), worst]
        .into_iter()
        .flatten()
        .find(|severity| *severity != Severity::Unknown)
        .unwrap_or_default()
}

fn add_cwes(database: &Database, cwes: &mut Vec<String>) {
    let ids = database.cwes.as_array().into_iter().flatten().filter_map(|cwe| cwe.get("cweId")?.as_str());
    for id in ids {
        if !cwes.iter().any(|known| known == id) {
            cwes.push(id.to_owned());
        }
    }
}

fn references(id: &str, own: &str, source: &str, links: Vec<Link>) -> Vec<Reference> {
    let own = if own.is_empty() { own_page(id, source) } else { own.to_owned() };
    let mut list = Vec::with_capacity(links.len() + 1);
    if !own.is_empty() {
        list.push(Reference { url: own, tags: Vec::new() });
    }
    for link in links {
        let tags: Vec<String> =
            Some(link.kind.to_ascii_lowercase()).filter(|kind| !kind.is_empty()).into_iter().collect();
        match list.first_mut() {
            Some(first) if first.url == link.url => first.tags.extend(tags),
            _ => list.push(Reference { url: link.url, tags }),
        }
    }
    list
}

/// The publisher's page about the flaw; empty where it has none by that identifier.
fn own_page(id: &str, source: &str) -> String {
    match source {
        "ghsa" => format!("https://github.com/advisories/{id}"),
        "govulndb" => format!("https://pkg.go.dev/vuln/{id}"),
        "rustsec" => format!("https://rustsec.org/advisories/{id}.html"),
        "debian" => format!("https://security-tracker.debian.org/tracker/{id}"),
        "ubuntu" if id.starts_with("CVE-") => format!("https://ubuntu.com/security/{id}"),
        "ubuntu" => format!("https://ubuntu.com/security/notices/{id}"),
        "alpine" => format!("https://security.alpinelinux.org/vuln/{id}"),
        "redhat" if id.starts_with("RH") => format!("https://access.redhat.com/errata/{id}"),
        "pypa" | "bitnami" | "cran" | "osv" => format!("https://osv.dev/vulnerability/{id}"),
        _ => String::new(),
    }
}

/// One entry of `affected`; `None` when it names no package.
fn convert(hit: Hit, source: &str) -> Option<Affected> {
    let ecosystem = Ecosystem::from_osv(&hit.package.ecosystem);
    if hit.package.name.is_empty() {
        return None;
    }
    let is_git = |range: &EventRange| range.kind.eq_ignore_ascii_case("git");
    let events: Vec<&[Event]> =
        hit.ranges.iter().filter(|range| !is_git(range)).map(|range| range.events.as_slice()).collect();
    if events.is_empty() && hit.versions.is_empty() && hit.ranges.iter().any(is_git) {
        return None;
    }
    let mut ranges: Vec<Range> = events.iter().flat_map(|events| to_ranges(events)).collect();
    if ecosystem == Ecosystem::Go && !hit.specific_ranges().is_empty() {
        ranges = merge_custom(ranges, hit.specific_ranges());
    }
    last_known(&hit.database_specific.last_known_affected_version_range, &mut ranges);
    let fixed = ranges.iter().find_map(|range| match &range.end {
        RangeEnd::Fixed(version) => Some(version.as_str()),
        _ => None,
    });
    let fix_date = fixed
        .and_then(|version| {
            let dates = hit.ranges.iter().flat_map(|range| &range.database_specific.anchore.fixes);
            dates.into_iter().find(|fix| fix.version == version)
        })
        .map_or_else(String::new, |fix| fix.date.clone());
    let state = match (fixed, source) {
        (Some(_), _) => FixState::Fixed,
        // Grype's feeds of these say nothing about a missing fix.
        (None, "govulndb" | "bitnami" | "osv" | "kubernetes") => FixState::Unknown,
        (None, _) => FixState::NotFixed,
    };
    let specific = hit.ecosystem_specific;
    let word = [&specific.urgency, &specific.ubuntu_priority, &specific.severity].into_iter().find(|w| !w.is_empty());
    let mut platforms = specific.affects.os;
    let mut architectures = specific.affects.arch;
    let mut symbols = functions(&hit.package.name, &specific.affected_functions);
    symbols.extend(functions(&hit.package.name, &specific.affects.functions));
    if specific.imports.iter().all(|import| !import.goos.is_empty()) {
        platforms.extend(specific.imports.iter().flat_map(|import| import.goos.iter().cloned()));
    }
    if specific.imports.iter().all(|import| !import.goarch.is_empty()) {
        architectures.extend(specific.imports.iter().flat_map(|import| import.goarch.iter().cloned()));
    }
    symbols.extend(specific.imports.into_iter().map(|import| (import.path, import.symbols)));
    dedup(&mut platforms);
    dedup(&mut architectures);
    Some(Affected {
        package: PackageName::new(ecosystem, &hit.package.name),
        ranges,
        versions: hit.versions,
        state,
        fix_date,
        module: Some(specific.rpm_modularity).filter(|module| !module.is_empty()),
        architectures,
        symbols,
        platforms,
        severity: word.map_or(Severity::Unknown, |word| Severity::parse(word.trim_end_matches('*'))),
        ..Affected::default()
    })
}

impl Hit {
    /// Go's ranges in the versions that tags really have.
    fn specific_ranges(&self) -> &[EventRange] {
        &self.ecosystem_specific.custom_ranges
    }
}

/// The functions of a crate: a list of paths, or a map from path to versions.
fn functions(krate: &str, value: &Value) -> Vec<(String, Vec<String>)> {
    let names: Vec<String> = match value {
        Value::Array(list) => list.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect(),
        Value::Object(map) => map.keys().cloned().collect(),
        _ => Vec::new(),
    };
    if names.is_empty() { Vec::new() } else { vec![(krate.to_owned(), names)] }
}

/// Events to ranges: `introduced` opens one, `fixed`, `last_affected` or `limit` closes it, in the order given.
fn to_ranges(events: &[Event]) -> Vec<Range> {
    let mut ranges = Vec::new();
    let mut open: Option<Range> = None;
    let mut orphan: Option<RangeEnd> = None;
    for event in events {
        if !event.introduced.is_empty() {
            ranges.extend(open.take());
            let first = matches!(event.introduced.as_str(), "0" | "0.0.0-0");
            let introduced = if first { String::new() } else { event.introduced.clone() };
            open = Some(Range { introduced, ..Range::default() });
        }
        let end = [
            (&event.fixed, RangeEnd::Fixed as fn(String) -> RangeEnd),
            (&event.last_affected, RangeEnd::LastAffected),
            (&event.limit, RangeEnd::Limit),
        ]
        .into_iter()
        .find(|(version, _)| !version.is_empty() && *version != "*")
        .map(|(version, end)| end(version.clone()));
        if let Some(end) = end {
            match open.take() {
                Some(range) => ranges.push(Range { end, ..range }),
                None => orphan = orphan.or(Some(end)),
            }
        }
    }
    // Events need not come in order: an end before the only start belongs to it.
    if let (Some(range), Some(end)) = (open.as_mut(), orphan)
        && ranges.is_empty()
    {
        range.end = end;
    }
    ranges.extend(open);
    ranges
}

/// GitHub's advisories without a fix tell the last version hit beside the events.
fn last_known(text: &str, ranges: &mut [Range]) {
    let [range] = ranges else { return };
    if range.end != RangeEnd::Open || text.is_empty() {
        return;
    }
    if let Some(spans) = comparators(text, false)
        && let [known] = spans.ranges.as_slice()
    {
        range.end = known.end.clone();
    }
}

/// Joins a Go module's standard ranges with its custom ones, as Grype does (transform_go_vuln_db.go, v0.121.2):
/// the standard range is often only "from the first version on" because Go's own order cannot say more.
fn merge_custom(standard: Vec<Range>, custom: &[EventRange]) -> Vec<Range> {
    let custom: Vec<Range> = custom.iter().flat_map(|range| to_ranges(&range.events)).collect();
    if custom.is_empty() {
        return standard;
    }
    let bounded = |ranges: &[Range]| ranges.iter().any(|range| range.end != RangeEnd::Open);
    let with_floor = |mut ranges: Vec<Range>, floor: &str| {
        if let Some(first) = ranges.first_mut()
            && first.introduced.is_empty()
        {
            floor.clone_into(&mut first.introduced);
        }
        ranges
    };
    let floor = |ranges: &[Range]| ranges.first().map_or_else(String::new, |range| range.introduced.clone());
    if !bounded(&standard) {
        let floor = floor(&standard);
        return with_floor(custom, &floor);
    }
    let closed: Vec<Range> = standard.into_iter().filter(|range| range.end != RangeEnd::Open).collect();
    if !bounded(&custom) {
        let floor = floor(&custom);
        return with_floor(closed, &floor);
    }
    closed.into_iter().chain(custom).collect()
}

/// Removes repeated texts; the first stays.
fn dedup(list: &mut Vec<String>) {
    let mut seen: BTreeMap<String, ()> = BTreeMap::new();
    list.retain(|item| seen.insert(item.clone(), ()).is_none());
}

#[cfg(test)]
mod tests;
