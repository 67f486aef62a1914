//! CVE records (CVE JSON 5.0 and 5.1): what the assigner says, and what CISA's Vulnrichment adds in its container.
//!
//! Products are taken where they have a CPE 2.3 name, with the versions that are called affected. Where an affected
//! version is no version at all ("All versions prior to r2", "Android 12, 13") it cannot be compared, and the product is
//! left out; so are Git commits.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::cpe::Cpe;
use crate::error::{AdvisoryError, read_json};
use crate::lenient::{nullable, text, texts};
use crate::range::{Spans, comparators};
use crate::record::{Affected, Cvss, FixState, PackageName, Range, RangeEnd, Record, Reference, Ssvc};

const FORMAT: &str = "CVE record";

#[derive(Deserialize)]
struct Document {
    #[serde(rename = "cveMetadata")]
    metadata: Metadata,
    #[serde(default, deserialize_with = "nullable")]
    containers: Containers,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    cve_id: String,
    #[serde(default, deserialize_with = "text")]
    state: String,
    #[serde(default, deserialize_with = "text")]
    date_published: String,
    #[serde(default, deserialize_with = "text")]
    date_updated: String,
    #[serde(default, deserialize_with = "text")]
    date_rejected: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Containers {
    #[serde(deserialize_with = "nullable")]
    cna: Container,
    #[serde(deserialize_with = "nullable")]
    adp: Vec<Container>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Container {
    #[serde(deserialize_with = "text")]
    title: String,
    #[serde(deserialize_with = "nullable")]
    provider_metadata: Provider,
    #[serde(deserialize_with = "nullable")]
    descriptions: Vec<Words>,
    #[serde(deserialize_with = "nullable")]
    rejected_reasons: Vec<Words>,
    #[serde(deserialize_with = "nullable")]
    affected: Vec<Product>,
    #[serde(deserialize_with = "nullable")]
    metrics: Vec<Metric>,
    #[serde(deserialize_with = "nullable")]
    problem_types: Vec<Problem>,
    #[serde(deserialize_with = "nullable")]
    references: Vec<Link>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Provider {
    #[serde(deserialize_with = "text")]
    short_name: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Words {
    #[serde(deserialize_with = "text")]
    lang: String,
    #[serde(deserialize_with = "text")]
    value: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Product {
    #[serde(deserialize_with = "texts")]
    cpes: Vec<String>,
    #[serde(deserialize_with = "nullable")]
    versions: Vec<Version>,
    #[serde(rename = "defaultStatus", deserialize_with = "text")]
    default_status: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Version {
    #[serde(deserialize_with = "text")]
    version: String,
    #[serde(deserialize_with = "text")]
    status: String,
    #[serde(deserialize_with = "text")]
    version_type: String,
    #[serde(deserialize_with = "text")]
    less_than: String,
    #[serde(deserialize_with = "text")]
    less_than_or_equal: String,
    #[serde(deserialize_with = "nullable")]
    changes: Vec<Change>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Change {
    #[serde(deserialize_with = "text")]
    at: String,
    #[serde(deserialize_with = "text")]
    status: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metric {
    #[serde(rename = "cvssV4_0", deserialize_with = "nullable")]
    v40: Option<Vector>,
    #[serde(rename = "cvssV3_1", deserialize_with = "nullable")]
    v31: Option<Vector>,
    #[serde(rename = "cvssV3_0", deserialize_with = "nullable")]
    v30: Option<Vector>,
    #[serde(rename = "cvssV2_0", deserialize_with = "nullable")]
    v2: Option<Vector>,
    #[serde(deserialize_with = "nullable")]
    other: Other,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Vector {
    #[serde(rename = "vectorString", deserialize_with = "text")]
    vector: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Other {
    #[serde(rename = "type", deserialize_with = "text")]
    kind: String,
    #[serde(deserialize_with = "nullable")]
    content: Decision,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Decision {
    #[serde(deserialize_with = "text")]
    role: String,
    #[serde(deserialize_with = "text")]
    version: String,
    #[serde(deserialize_with = "text")]
    timestamp: String,
    #[serde(deserialize_with = "nullable")]
    options: Vec<BTreeMap<String, String>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem {
    #[serde(deserialize_with = "nullable")]
    descriptions: Vec<Weakness>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Weakness {
    #[serde(rename = "cweId", deserialize_with = "text")]
    cwe: String,
    #[serde(deserialize_with = "text")]
    description: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Link {
    #[serde(deserialize_with = "text")]
    url: String,
    #[serde(deserialize_with = "texts")]
    tags: Vec<String>,
}

/// Reads one CVE record. A rejected CVE is `withdrawn`.
///
/// # Errors
/// When the bytes are not JSON of the record's shape, or the identifier is no CVE's.
pub fn parse(json: &[u8]) -> Result<Record, AdvisoryError> {
    let Document { metadata, containers } = read_json(FORMAT, json)?;
    if !metadata.cve_id.starts_with("CVE-") {
        return Err(AdvisoryError::invalid(FORMAT, "cveMetadata.cveId", &metadata.cve_id));
    }
    let Containers { cna, adp } = containers;
    let (title, mut details) = (cna.title.clone(), english(&cna.descriptions));
    if details.is_empty() {
        details = english(&cna.rejected_reasons);
    }
    let mut record = Record {
        namespace: "nvd:cpe".to_owned(),
        source: "cve".to_owned(),
        summary: title,
        details,
        references: vec![Reference {
            url: format!("https://www.cve.org/CVERecord?id={}", metadata.cve_id),
            tags: Vec::new(),
        }],
        published: metadata.date_published,
        modified: metadata.date_updated.clone(),
        id: metadata.cve_id,
        ..Record::default()
    };
    if metadata.state == "REJECTED" {
        let dates = [metadata.date_rejected, metadata.date_updated, record.published.clone()];
        record.withdrawn = dates.into_iter().find(|date| !date.is_empty()).unwrap_or_else(|| "rejected".to_owned());
    }
    let mut products: BTreeMap<PackageName, Spans> = BTreeMap::new();
    for container in std::iter::once(cna).chain(adp) {
        add(container, &mut record, &mut products);
    }
    record.severity = record.cvss.first().map(Cvss::severity).unwrap_or_default();
    record.affected = products.into_iter().map(|(package, spans)| finish(package, spans)).collect();
    Ok(record)
}

fn english(list: &[Words]) -> String {
    let words = list.iter().find(|words| words.lang.starts_with("en")).or(list.first());
    words.map_or("", |words| words.value.trim()).to_owned()
}

fn add(container: Container, record: &mut Record, products: &mut BTreeMap<PackageName, Spans>) {
    let source = &container.provider_metadata.short_name;
    for metric in container.metrics {
        for vector in [metric.v40, metric.v31, metric.v30, metric.v2].into_iter().flatten() {
            let scored = Cvss::from_vector(&vector.vector, source, "Secondary");
            record.cvss.extend(scored.filter(|scored| !record.cvss.contains(scored)));
        }
        if metric.other.kind == "ssvc" {
            record.ssvc.push(ssvc(metric.other.content, source));
        }
    }
    for weakness in container.problem_types.into_iter().flat_map(|problem| problem.descriptions) {
        let cwe = if weakness.cwe.is_empty() { leading_cwe(&weakness.description) } else { weakness.cwe };
        if !cwe.is_empty() && !record.cwes.contains(&cwe) {
            record.cwes.push(cwe);
        }
    }
    for link in container.references {
        if !link.url.is_empty() && !record.references.iter().any(|known| known.url == link.url) {
            record.references.push(Reference { url: link.url, tags: link.tags });
        }
    }
    for product in container.affected {
        let Some(found) = spans(&product) else { continue };
        for cpe in product.cpes.iter().filter_map(|name| Cpe::parse(name)) {
            let known = products.entry(cpe.package()).or_default();
            known
                .ranges
                .extend(found.ranges.iter().filter(|range| !known.ranges.contains(range)).cloned().collect::<Vec<_>>());
            known
                .versions
                .extend(found.versions.iter().filter(|v| !known.versions.contains(v)).cloned().collect::<Vec<_>>());
        }
    }
}

/// `CWE-284` of `CWE-284: Improper Access Control`.
fn leading_cwe(text: &str) -> String {
    let digits = text.strip_prefix("CWE-").map_or("", |rest| {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest.get(..end).unwrap_or_default()
    });
    if digits.is_empty() { String::new() } else { format!("CWE-{digits}") }
}

fn ssvc(decision: Decision, source: &str) -> Ssvc {
    let option = |key: &str| decision.options.iter().find_map(|option| option.get(key)).cloned().unwrap_or_default();
    Ssvc {
        source: source.to_owned(),
        exploitation: option("Exploitation"),
        automatable: option("Automatable"),
        technical_impact: option("Technical Impact"),
        role: decision.role,
        version: decision.version,
        timestamp: decision.timestamp,
    }
}

/// The versions of a product that are called affected; `None` when none can be told, or one of them cannot be compared.
fn spans(product: &Product) -> Option<Spans> {
    let mut spans = Spans::default();
    for version in product.versions.iter().filter(|version| version.status == "affected") {
        add_version(version, &mut spans)?;
    }
    if product.versions.is_empty() && product.default_status == "affected" {
        spans.ranges.push(Range::default());
    }
    (!spans.ranges.is_empty() || !spans.versions.is_empty()).then_some(spans)
}

fn add_version(version: &Version, spans: &mut Spans) -> Option<()> {
    if matches!(version.version_type.as_str(), "git" | "original_commit_for_fix") {
        return None;
    }
    let first = version.version.trim();
    let (less, last) = (version.less_than.trim(), version.less_than_or_equal.trim());
    let alone = less.is_empty() && last.is_empty() && version.changes.is_empty();
    if alone && first.starts_with(['<', '>', '=']) {
        let found = comparators(first, true)?;
        spans.ranges.extend(found.ranges);
        spans.versions.extend(found.versions);
        return Some(());
    }
    let introduced = match first {
        "0" | "*" | "-" | "" | "unspecified" => String::new(),
        version => is_version(version).then(|| version.to_owned())?,
    };
    if alone {
        match (introduced.is_empty(), first) {
            (true, "0") | (false, _) => spans.versions.push(first.to_owned()),
            _ => spans.ranges.push(Range::default()),
        }
        return Some(());
    }
    // Inside the range the status changes at named versions; the first that is unaffected ends it.
    let change = version.changes.iter().find(|change| change.status == "unaffected").map(|change| change.at.trim());
    let end = match (change, less, last) {
        (Some(at), ..) if is_version(at) => RangeEnd::Fixed(at.to_owned()),
        (_, "*", _) | (_, _, "*") | (_, "", "") => RangeEnd::Open,
        (_, "", last) => match last.strip_suffix(".*") {
            Some(series) => RangeEnd::Limit(next(series)?),
            None => RangeEnd::LastAffected(is_version(last).then(|| last.to_owned())?),
        },
        (_, less, _) => RangeEnd::Fixed(is_version(less).then(|| less.to_owned())?),
    };
    spans.ranges.push(Range { introduced, introduced_excluded: false, end });
    Some(())
}

/// Whether a text can be compared: one word that has a digit in its first two letters.
fn is_version(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+' | b'_' | b'~' | b':');
    text.bytes().all(plain) && text.bytes().take(2).any(|b| b.is_ascii_digit())
}

/// The series after one: `5.5` after `5.4`.
fn next(series: &str) -> Option<String> {
    let (head, last) = series.rsplit_once('.').map_or(("", series), |(head, last)| (head, last));
    let raised = last.parse::<u64>().ok()?.checked_add(1)?;
    Some(if head.is_empty() { raised.to_string() } else { format!("{head}.{raised}") })
}

fn finish(package: PackageName, spans: Spans) -> Affected {
    let fixed = spans.ranges.iter().any(|range| matches!(range.end, RangeEnd::Fixed(_)));
    Affected {
        package,
        ranges: spans.ranges,
        versions: spans.versions,
        state: if fixed { FixState::Fixed } else { FixState::Unknown },
        ..Affected::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(versions: &str, expected: &str) {
        let json = format!(
            r#"{{"cveMetadata":{{"cveId":"CVE-1","state":"PUBLISHED"}},"containers":{{"adp":[{{"affected":[
                {{"cpes":["cpe:2.3:a:v:p:*:*:*:*:*:*:*:*","cpe:/a:redhat:x:1"],"versions":[{versions}]}}]}}]}}}}"#
        );
        let record = parse(json.as_bytes()).unwrap();
        let found: Vec<String> = record
            .affected
            .iter()
            .map(|a| {
                let ranges: Vec<_> = a.ranges.iter().map(|r| format!("{} {:?}", r.introduced, r.end)).collect();
                format!("{} [{}] {:?}", a.package.name, ranges.join("; "), a.versions)
            })
            .collect();
        assert_eq!(found.join("|"), expected, "{versions}");
    }

    #[test]
    fn reads_versions() {
        let affected = |rest: &str| format!(r#"{{"status":"affected",{rest}}}"#);
        check(&affected(r#""version":"0","lessThan":"2.1""#), r#"a:v:p [ Fixed("2.1")] []"#);
        check(&affected(r#""version":"1","lessThanOrEqual":"2.1""#), r#"a:v:p [1 LastAffected("2.1")] []"#);
        check(&affected(r#""version":"1","lessThanOrEqual":"5.4.*""#), r#"a:v:p [1 Limit("5.5")] []"#);
        check(&affected(r#""version":"1","lessThan":"*""#), "a:v:p [1 Open] []");
        check(&affected(r#""version":"1.5""#), r#"a:v:p [] ["1.5"]"#);
        check(&affected(r#""version":"< 1.5""#), r#"a:v:p [ Fixed("1.5")] []"#);
        check(
            &affected(r#""version":"1","lessThan":"3","changes":[{"at":"2","status":"unaffected"}]"#),
            r#"a:v:p [1 Fixed("2")] []"#,
        );
        check(&affected(r#""version":"All before r2""#), "");
        check(&affected(r#""version":"e5be15c63804","versionType":"git""#), "");
        check(r#"{"status":"unaffected","version":"2"}"#, "");
    }

    #[test]
    fn joins_containers() {
        let record = parse(
            br#"{"cveMetadata":{"cveId":"CVE-1","state":"REJECTED","dateRejected":"2024-01-01"},"containers":{
            "cna":{"title":"t","rejectedReasons":[{"lang":"en","value":"no"}],"problemTypes":[{"descriptions":[
            {"description":"CWE-284: x"}]}]},"adp":[{"providerMetadata":{"shortName":"CISA-ADP"},"metrics":[
            {"other":{"type":"ssvc","content":{"options":[{"Technical Impact":"total"}]}}},
            {"cvssV3_1":{"vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N"}}]}]}}"#,
        )
        .unwrap();
        assert_eq!((record.withdrawn.as_str(), record.details.as_str()), ("2024-01-01", "no"));
        assert_eq!((record.cwes.join(","), record.cvss[0].source.as_str()), ("CWE-284".to_owned(), "CISA-ADP"));
        assert_eq!(record.ssvc[0].technical_impact, "total");
        assert!(parse(br#"{"cveMetadata":{"cveId":"X"}}"#).is_err());
    }
}
