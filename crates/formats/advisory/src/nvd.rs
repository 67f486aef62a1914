//! NVD, API 2.0: whole pages of answers, and single items.
//!
//! Configurations become packages as in Grype's builder (transformers/nvd, v0.121.2): the vulnerable criteria of a
//! configuration, one entry of `affected` for each CPE without its version; where a configuration joins nodes with
//! `AND`, the criteria that are not vulnerable are platforms that must be there too. Nodes that join criteria with `AND`
//! themselves cannot be told by one package, and are left out.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::cpe::Cpe;
use crate::error::{AdvisoryError, Rejection, Sink, read_json};
use crate::lenient::{nullable, text, texts};
use crate::record::{Affected, Cvss, FixState, Range, RangeEnd, Record, Reference, Ssvc};

const FORMAT: &str = "NVD";

/// A page, an item with its envelope, or a bare item: whichever fields are there.
#[derive(Deserialize)]
struct Page<'a> {
    #[serde(default, borrow)]
    vulnerabilities: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(default, borrow)]
    cve: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Item {
    id: String,
    #[serde(default, deserialize_with = "text")]
    published: String,
    #[serde(default, rename = "lastModified", deserialize_with = "text")]
    modified: String,
    #[serde(default, rename = "vulnStatus", deserialize_with = "text")]
    status: String,
    #[serde(default, deserialize_with = "nullable")]
    descriptions: Vec<Words>,
    #[serde(default, deserialize_with = "nullable")]
    metrics: Metrics,
    #[serde(default, deserialize_with = "nullable")]
    weaknesses: Vec<Weakness>,
    #[serde(default, deserialize_with = "nullable")]
    configurations: Vec<Configuration>,
    #[serde(default, deserialize_with = "nullable")]
    references: Vec<Link>,
}

#[derive(Deserialize)]
struct Words {
    #[serde(default, deserialize_with = "text")]
    lang: String,
    #[serde(default, deserialize_with = "text")]
    value: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metrics {
    #[serde(rename = "cvssMetricV40", deserialize_with = "nullable")]
    v40: Vec<Metric>,
    #[serde(rename = "cvssMetricV31", deserialize_with = "nullable")]
    v31: Vec<Metric>,
    #[serde(rename = "cvssMetricV30", deserialize_with = "nullable")]
    v30: Vec<Metric>,
    #[serde(rename = "cvssMetricV2", deserialize_with = "nullable")]
    v2: Vec<Metric>,
    #[serde(rename = "ssvcV203", deserialize_with = "nullable")]
    ssvc: Vec<SsvcMetric>,
}

#[derive(Deserialize)]
struct Metric {
    #[serde(default, deserialize_with = "text")]
    source: String,
    #[serde(default, rename = "type", deserialize_with = "text")]
    kind: String,
    #[serde(rename = "cvssData")]
    data: MetricData,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MetricData {
    #[serde(default, deserialize_with = "text")]
    version: String,
    #[serde(default, deserialize_with = "text")]
    vector_string: String,
    #[serde(default, deserialize_with = "nullable")]
    base_score: f64,
}

#[derive(Deserialize)]
struct SsvcMetric {
    #[serde(default, deserialize_with = "text")]
    source: String,
    #[serde(rename = "ssvcData", default, deserialize_with = "nullable")]
    data: SsvcData,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SsvcData {
    #[serde(deserialize_with = "text")]
    role: String,
    #[serde(deserialize_with = "text")]
    version: String,
    #[serde(deserialize_with = "text")]
    timestamp: String,
    #[serde(deserialize_with = "nullable")]
    options: Vec<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct Weakness {
    #[serde(default, deserialize_with = "nullable")]
    description: Vec<Words>,
}

#[derive(Deserialize)]
struct Configuration {
    #[serde(default, deserialize_with = "text")]
    operator: String,
    #[serde(default, deserialize_with = "nullable")]
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    #[serde(default, deserialize_with = "text")]
    operator: String,
    #[serde(default, rename = "cpeMatch", deserialize_with = "nullable")]
    matches: Vec<Match>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Match {
    #[serde(default)]
    vulnerable: bool,
    #[serde(default, deserialize_with = "text")]
    criteria: String,
    #[serde(default, deserialize_with = "text")]
    version_start_including: String,
    #[serde(default, deserialize_with = "text")]
    version_start_excluding: String,
    #[serde(default, deserialize_with = "text")]
    version_end_including: String,
    #[serde(default, deserialize_with = "text")]
    version_end_excluding: String,
}

#[derive(Deserialize)]
struct Link {
    #[serde(default, deserialize_with = "text")]
    url: String,
    #[serde(default, deserialize_with = "texts")]
    tags: Vec<String>,
}

/// Reads a page of answers, one item in its envelope (`{"cve": …}`) or one bare item; each item is one record.
/// Rejected CVEs are `withdrawn` on the day of their last change.
///
/// # Errors
/// When the document is none of these; items of a page that cannot be read go to `sink` as rejections.
pub fn parse(json: &[u8], sink: Sink<'_>) -> Result<(), AdvisoryError> {
    let page: Page<'_> = read_json(FORMAT, json)?;
    let Some(items) = page.vulnerabilities else {
        sink(Ok(item(json)?));
        return Ok(());
    };
    for (index, raw) in items.iter().enumerate() {
        let record = item(raw.get().as_bytes());
        sink(record.map_err(|cause| Rejection { place: format!("vulnerabilities[{index}]"), cause }));
    }
    Ok(())
}

fn item(json: &[u8]) -> Result<Record, AdvisoryError> {
    let envelope: Envelope<'_> = read_json(FORMAT, json)?;
    let item: Item = read_json(FORMAT, envelope.cve.map_or(json, |raw| raw.get().as_bytes()))?;
    let english = item.descriptions.iter().find(|words| words.lang == "en").or(item.descriptions.first());
    let cvss = scores(&item.metrics);
    let rejected = item.status.eq_ignore_ascii_case("rejected") || item.status.eq_ignore_ascii_case("reject");
    let mut cwes: Vec<String> = Vec::new();
    for words in item.weaknesses.iter().flat_map(|weakness| &weakness.description) {
        let known = words.value == "NVD-CWE-noinfo" || words.value.is_empty() || cwes.contains(&words.value);
        if !known {
            cwes.push(words.value.clone());
        }
    }
    Ok(Record {
        namespace: "nvd:cpe".to_owned(),
        source: "nvd".to_owned(),
        details: english.map_or("", |words| words.value.trim()).to_owned(),
        severity: cvss.first().map(Cvss::severity).unwrap_or_default(),
        cvss,
        cwes,
        references: references(&item.id, item.references),
        ssvc: item.metrics.ssvc.into_iter().map(ssvc).collect(),
        affected: affected(&item.configurations),
        withdrawn: if rejected { item.modified.clone() } else { String::new() },
        published: item.published,
        modified: item.modified,
        id: item.id,
        ..Record::default()
    })
}

/// Primary scores first, and of those the newest version.
fn scores(metrics: &Metrics) -> Vec<Cvss> {
    let mut list: Vec<Cvss> = [&metrics.v40, &metrics.v31, &metrics.v30, &metrics.v2]
        .into_iter()
        .flatten()
        .map(|metric| {
            let data = &metric.data;
            Cvss::from_vector(&data.vector_string, &metric.source, &metric.kind).unwrap_or_else(|| Cvss {
                source: metric.source.clone(),
                kind: metric.kind.clone(),
                version: data.version.clone(),
                vector: data.vector_string.clone(),
                base_score: data.base_score.clamp(0.0, 10.0),
            })
        })
        .collect();
    list.sort_by_key(|score| score.kind != "Primary");
    list
}

fn ssvc(metric: SsvcMetric) -> Ssvc {
    let option = |key: &str| {
        metric.data.options.iter().find_map(|option| option.get(key)).map_or_else(String::new, Clone::clone)
    };
    Ssvc {
        exploitation: option("exploitation"),
        automatable: option("automatable"),
        technical_impact: option("technicalImpact"),
        source: metric.source,
        role: metric.data.role,
        version: metric.data.version,
        timestamp: metric.data.timestamp,
    }
}

fn references(id: &str, links: Vec<Link>) -> Vec<Reference> {
    let own = format!("https://nvd.nist.gov/vuln/detail/{id}");
    let mut list = vec![Reference { url: own, tags: Vec::new() }];
    for link in links {
        let tags = link.tags.iter().map(|tag| tag.to_ascii_lowercase());
        match list.iter_mut().find(|known| known.url == link.url) {
            Some(known) => {
                for tag in tags {
                    if !known.tags.contains(&tag) {
                        known.tags.push(tag);
                    }
                }
            }
            None => list.push(Reference { tags: tags.collect(), url: link.url }),
        }
    }
    list
}

/// A vulnerable criterion with its ranges, and the platforms it runs on.
#[derive(Default)]
struct Candidate {
    ranges: Vec<Range>,
    versions: Vec<String>,
    platforms: Vec<String>,
    /// A criterion without version and range was among those joined here.
    every: bool,
}

fn affected(configurations: &[Configuration]) -> Vec<Affected> {
    let mut candidates: BTreeMap<crate::PackageName, Candidate> = BTreeMap::new();
    for configuration in configurations {
        let and = configuration.operator.eq_ignore_ascii_case("and");
        let nodes = || configuration.nodes.iter().filter(|node| !node.operator.eq_ignore_ascii_case("and"));
        let platforms: Vec<&str> = if and { nodes().flat_map(platforms).collect() } else { Vec::new() };
        for criterion in nodes().flat_map(|node| &node.matches).filter(|criterion| criterion.vulnerable) {
            let Some(cpe) = Cpe::parse(&criterion.criteria) else { continue };
            let candidate = candidates.entry(cpe.package()).or_default();
            candidate.add(criterion, &cpe);
            for platform in &platforms {
                if !candidate.platforms.iter().any(|known| known == platform) {
                    candidate.platforms.push((*platform).to_owned());
                }
            }
        }
    }
    candidates.into_iter().map(|(package, candidate)| candidate.finish(package)).collect()
}

/// The criteria of a node that are not vulnerable, unless the same product is vulnerable in another version.
fn platforms(node: &Node) -> impl Iterator<Item = &str> {
    let vulnerable: Vec<_> = node
        .matches
        .iter()
        .filter(|criterion| criterion.vulnerable)
        .filter_map(|criterion| Cpe::parse(&criterion.criteria).map(|cpe| cpe.package()))
        .collect();
    node.matches.iter().filter(|criterion| !criterion.vulnerable).filter_map(move |criterion| {
        let package = Cpe::parse(&criterion.criteria)?.package();
        (!vulnerable.contains(&package)).then_some(criterion.criteria.as_str())
    })
}

impl Candidate {
    fn add(&mut self, criterion: &Match, cpe: &Cpe<'_>) {
        if let Some(range) = range(criterion, cpe) {
            if !self.ranges.contains(&range) {
                self.ranges.push(range);
            }
            return;
        }
        match cpe.exact_version() {
            Some(version) if !self.versions.contains(&version) => self.versions.push(version),
            Some(_) => {}
            None => self.every = true,
        }
    }

    fn finish(self, package: crate::PackageName) -> Affected {
        let fixed = self.ranges.iter().any(|range| matches!(range.end, RangeEnd::Fixed(_)));
        let ranges = if self.every && self.ranges.is_empty() && self.versions.is_empty() {
            vec![Range::default()]
        } else {
            self.ranges
        };
        Affected {
            package,
            ranges,
            versions: self.versions,
            state: if fixed { FixState::Fixed } else { FixState::Unknown },
            platform_cpes: self.platforms,
            ..Affected::default()
        }
    }
}

/// A criterion's range; `None` when it has no bound. Its excluded end counts as the fix, as in Grype's feed, unless
/// another part of the criterion calls that version hit.
fn range(criterion: &Match, cpe: &Cpe<'_>) -> Option<Range> {
    let Match {
        version_start_including, version_start_excluding, version_end_including, version_end_excluding, ..
    } = criterion;
    let bounds = [version_start_including, version_start_excluding, version_end_including, version_end_excluding];
    if bounds.iter().all(|bound| bound.is_empty()) {
        return None;
    }
    let excluded = version_start_including.is_empty() && !version_start_excluding.is_empty();
    let introduced = if excluded { version_start_excluding } else { version_start_including };
    let end = if !version_end_excluding.is_empty() {
        let hit = version_end_excluding == version_start_including || cpe.version() == Some(version_end_excluding);
        let end = if hit { RangeEnd::Limit } else { RangeEnd::Fixed };
        end(version_end_excluding.clone())
    } else if !version_end_including.is_empty() {
        RangeEnd::LastAffected(version_end_including.clone())
    } else {
        RangeEnd::Open
    };
    let introduced = if introduced == "0" && !excluded { String::new() } else { introduced.clone() };
    Some(Range { introduced, introduced_excluded: excluded, end })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Vec<Record> {
        let mut records = Vec::new();
        parse(json.as_bytes(), &mut |item| records.push(item.unwrap())).unwrap();
        records
    }

    fn check(configurations: &str, expected: &[&str]) {
        let records = read(&format!(r#"{{"cve":{{"id":"CVE-1","configurations":{configurations}}}}}"#));
        let found: Vec<String> = records[0]
            .affected
            .iter()
            .map(|a| {
                let ranges: Vec<_> = a
                    .ranges
                    .iter()
                    .map(|r| format!("{}{} {:?}", if r.introduced_excluded { ">" } else { "" }, r.introduced, r.end))
                    .collect();
                format!("{} [{}] {:?} on {}", a.package.name, ranges.join("; "), a.versions, a.platform_cpes.len())
            })
            .collect();
        assert_eq!(found, expected, "{configurations}");
    }

    fn cpe(product: &str, version: &str) -> String {
        format!(r#""criteria":"cpe:2.3:a:v:{product}:{version}:*:*:*:*:*:*:*""#)
    }

    #[test]
    fn reads_configurations() {
        let (a, a1, b) = (cpe("a", "*"), cpe("a", "1.0"), cpe("b", "-"));
        check(
            &format!(
                r#"[{{"nodes":[{{"operator":"OR","cpeMatch":[
                    {{"vulnerable":true,{a},"versionStartIncluding":"1","versionEndExcluding":"1.5"}},
                    {{"vulnerable":true,{a},"versionStartExcluding":"2","versionEndIncluding":"2.5"}},
                    {{"vulnerable":true,{a1}}},{{"vulnerable":false,{b}}}]}}]}}]"#
            ),
            &[r#"a:v:a [1 Fixed("1.5"); >2 LastAffected("2.5")] ["1.0"] on 0"#],
        );
        check(
            &format!(
                r#"[{{"operator":"AND","nodes":[{{"operator":"OR","cpeMatch":[{{"vulnerable":true,{a}}}]}},
                    {{"operator":"OR","cpeMatch":[{{"vulnerable":false,{b}}}]}}]}}]"#
            ),
            &["a:v:a [ Open] [] on 1"],
        );
        check(
            &format!(
                r#"[{{"operator":"AND","nodes":[{{"operator":"AND","cpeMatch":[{{"vulnerable":true,{a}}},
                    {{"vulnerable":true,{b}}}]}}]}}]"#
            ),
            &[],
        );
        check(
            &format!(
                r#"[{{"nodes":[{{"cpeMatch":[{{"vulnerable":true,{a},"versionStartIncluding":"3","versionEndExcluding":"3"}}]}}]}}]"#
            ),
            &[r#"a:v:a [3 Limit("3")] [] on 0"#],
        );
    }

    #[test]
    fn reads_pages_envelopes_and_items() {
        let bare = r#"{"id":"CVE-1","vulnStatus":"Rejected","lastModified":"2024-01-01T00:00:00.000"}"#;
        for json in
            [bare.to_owned(), format!(r#"{{"cve":{bare}}}"#), format!(r#"{{"vulnerabilities":[{{"cve":{bare}}}]}}"#)]
        {
            let records = read(&json);
            assert_eq!(records[0].withdrawn, "2024-01-01T00:00:00.000", "{json}");
        }
        let mut rejected = 0;
        parse(br#"{"vulnerabilities":[{"cve":{}},{"cve":{"id":"CVE-2"}}]}"#, &mut |item| {
            rejected += usize::from(item.is_err());
        })
        .unwrap();
        assert_eq!(rejected, 1);
        assert!(parse(b"{}", &mut |_| {}).is_err());
    }

    #[test]
    fn reads_scores_and_decisions() {
        let metric = |version: &str, kind: &str, vector: &str| {
            format!(
                r#"[{{"source":"s","type":"{kind}","cvssData":{{"version":"{version}","vectorString":"{vector}","baseScore":9.9}}}}]"#
            )
        };
        let record = &read(&format!(
            r#"{{"id":"CVE-1","metrics":{{"cvssMetricV2":{},"cvssMetricV31":{},"ssvcV203":[{{"source":"c",
                "ssvcData":{{"role":"r","options":[{{"exploitation":"active"}},{{"technicalImpact":"total"}}]}}}}]}},
                "weaknesses":[{{"description":[{{"value":"CWE-1"}},{{"value":"NVD-CWE-noinfo"}}]}}]}}"#,
            metric("2.0", "Primary", "AV:N/AC:L/Au:N/C:P/I:P/A:P"),
            metric("3.1", "Secondary", "CVSS:3.1/what")
        ))[0];
        let scores: Vec<_> = record.cvss.iter().map(|c| (c.version.as_str(), c.base_score)).collect();
        assert_eq!(scores, [("2.0", 7.5), ("3.1", 9.9)]);
        assert_eq!(
            (record.cwes.as_slice(), record.ssvc[0].exploitation.as_str()),
            (&["CWE-1".to_owned()][..], "active")
        );
    }
}
