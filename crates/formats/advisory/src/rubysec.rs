//! ruby-advisory-db: advisories of gems and of Ruby interpreters, each a YAML file (here as JSON).
//!
//! The files name the versions that are patched or were never hit; what is hit is the rest.

use std::cmp::Ordering;

use serde::Deserialize;
use versions::{Scheme, compare};

use crate::error::{AdvisoryError, read_json};
use crate::lenient::{nullable, text, texts};
use crate::range::comparisons;
use crate::record::{Affected, Cvss, Ecosystem, FixState, PackageName, Range, RangeEnd, Record, Reference, Severity};

const FORMAT: &str = "ruby-advisory-db";

/// Requirements of one advisory; the longest real list has 12.
const MAX_REQUIREMENTS: usize = 1000;

#[derive(Deserialize)]
struct Document {
    #[serde(default, deserialize_with = "text")]
    gem: String,
    #[serde(default, deserialize_with = "text")]
    engine: String,
    #[serde(default, deserialize_with = "text")]
    cve: String,
    #[serde(default, deserialize_with = "text")]
    ghsa: String,
    #[serde(default, deserialize_with = "text")]
    osvdb: String,
    #[serde(default, deserialize_with = "text")]
    url: String,
    #[serde(default, deserialize_with = "text")]
    title: String,
    #[serde(default, deserialize_with = "text")]
    date: String,
    #[serde(default, deserialize_with = "text")]
    description: String,
    #[serde(default, deserialize_with = "nullable")]
    cvss_v2: Option<f64>,
    #[serde(default, deserialize_with = "nullable")]
    cvss_v3: Option<f64>,
    #[serde(default, deserialize_with = "nullable")]
    cvss_v4: Option<f64>,
    #[serde(default, deserialize_with = "texts")]
    patched_versions: Vec<String>,
    #[serde(default, deserialize_with = "texts")]
    unaffected_versions: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    related: Related,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Related {
    #[serde(deserialize_with = "texts")]
    url: Vec<String>,
}

/// Reads one advisory. It is known by its CVE, else its GHSA, else its OSVDB number.
///
/// # Errors
/// When the bytes are not JSON of the format's shape, name no package or no identifier, or a requirement cannot be read.
pub fn parse(json: &[u8]) -> Result<Record, AdvisoryError> {
    let document: Document = read_json(FORMAT, json)?;
    let prefixed = |prefix: &str, id: &str| format!("{prefix}-{id}");
    let mut ids = Vec::new();
    for (prefix, id) in [("CVE", &document.cve), ("GHSA", &document.ghsa), ("OSVDB", &document.osvdb)] {
        if !id.is_empty() {
            ids.push(prefixed(prefix, id));
        }
    }
    if ids.is_empty() {
        return Err(AdvisoryError::Missing { format: FORMAT, field: "cve, ghsa or osvdb" });
    }
    let id = ids.remove(0);
    let affected = affected(&document)?;
    let cvss = scores(&document);
    let links = std::iter::once(&document.url).chain(&document.related.url).filter(|url| !url.is_empty());
    let mut references: Vec<Reference> = Vec::new();
    for url in links {
        if !references.iter().any(|known| known.url == *url) {
            references.push(Reference { url: url.clone(), tags: Vec::new() });
        }
    }
    let mut record = Record {
        id,
        aliases: ids,
        source: "rubysec".to_owned(),
        summary: document.title,
        details: document.description,
        severity: cvss.iter().map(Cvss::severity).next().unwrap_or_default(),
        cvss,
        references,
        published: document.date.clone(),
        modified: document.date,
        affected: vec![affected],
        ..Record::default()
    };
    record.set_namespace("rubysec");
    Ok(record)
}

/// The files give numbers alone, newest version first here.
fn scores(document: &Document) -> Vec<Cvss> {
    [("4.0", document.cvss_v4), ("3.0", document.cvss_v3), ("2.0", document.cvss_v2)]
        .into_iter()
        .filter_map(|(version, score)| {
            let base_score = score.filter(|score| (0.0..=10.0).contains(score))?;
            Some(Cvss { version: version.to_owned(), base_score, ..Cvss::default() })
        })
        .collect()
}

fn affected(document: &Document) -> Result<Affected, AdvisoryError> {
    let package = match (document.gem.as_str(), document.engine.as_str()) {
        ("", "") => return Err(AdvisoryError::Missing { format: FORMAT, field: "gem or engine" }),
        ("", engine) => interpreter(engine),
        (gem, _) => PackageName::new(Ecosystem::RubyGems, gem),
    };
    let requirements = document.patched_versions.len() + document.unaffected_versions.len();
    if requirements > MAX_REQUIREMENTS {
        return Err(AdvisoryError::TooMany { format: FORMAT, what: "requirements", limit: MAX_REQUIREMENTS });
    }
    let mut safe = Vec::with_capacity(requirements);
    for (list, patched) in [(&document.patched_versions, true), (&document.unaffected_versions, false)] {
        for text in list {
            let interval = interval(text, patched);
            safe.push(interval.ok_or_else(|| AdvisoryError::invalid(FORMAT, "requirement", text))?);
        }
    }
    let ranges = rest(safe);
    let fixed = ranges.iter().any(|range| matches!(range.end, RangeEnd::Fixed(_)));
    Ok(Affected {
        package,
        state: match (ranges.is_empty(), fixed) {
            (true, _) => FixState::NotAffected,
            (_, true) => FixState::Fixed,
            _ => FixState::NotFixed,
        },
        ranges,
        severity: Severity::Unknown,
        ..Affected::default()
    })
}

/// Interpreters are no gems; scanners know them by their CPE.
fn interpreter(engine: &str) -> PackageName {
    let (vendor, product) = match engine {
        "ruby" => ("ruby-lang", "ruby"),
        "rbx" => ("rubinius", "rubinius"),
        other => (other, other),
    };
    PackageName {
        ecosystem: Ecosystem::Cpe,
        name: format!("a:{vendor}:{product}"),
        cpe: format!("cpe:2.3:a:{vendor}:{product}:*:*:*:*:*:*:*:*"),
    }
}

/// Versions that are safe.
struct Interval {
    low: Option<String>,
    low_included: bool,
    high: Option<String>,
    high_included: bool,
    patched: bool,
}

/// Reads one requirement, `~> 5.2.4, >= 5.2.4.3`; `None` when it is none.
fn interval(text: &str, patched: bool) -> Option<Interval> {
    let mut interval = Interval { low: None, low_included: true, high: None, high_included: false, patched };
    let list = comparisons(text)?;
    for comparison in &list {
        let version = comparison.version;
        match comparison.operator {
            ">=" => interval.raise(version, true),
            ">" => interval.raise(version, false),
            "<" => interval.lower(version, false),
            "<=" => interval.lower(version, true),
            "=" | "" => {
                interval.raise(version, true);
                interval.lower(version, true);
            }
            "~>" => {
                interval.raise(version, true);
                interval.lower(&after(version), false);
            }
            _ => return None,
        }
    }
    (!list.is_empty()).then_some(interval)
}

impl Interval {
    fn raise(&mut self, version: &str, included: bool) {
        if self.low.as_deref().is_none_or(|low| compare(Scheme::Gem, version, low) == Ordering::Greater) {
            self.low = Some(version.to_owned());
            self.low_included = included;
        }
    }

    fn lower(&mut self, version: &str, included: bool) {
        if self.high.as_deref().is_none_or(|high| compare(Scheme::Gem, version, high) == Ordering::Less) {
            self.high = Some(version.to_owned());
            self.high_included = included;
        }
    }
}

/// The first version after those that `~> version` admits: its last number but one raised, and before any
/// pre-release of that.
fn after(version: &str) -> String {
    let numbers: Vec<&str> =
        version.split(['.', '-']).take_while(|part| part.bytes().all(|b| b.is_ascii_digit())).collect();
    let keep = numbers.len().saturating_sub(1).max(1);
    let mut kept: Vec<String> = numbers.iter().take(keep).map(ToString::to_string).collect();
    if let Some(last) = kept.last_mut() {
        *last = last.parse::<u64>().unwrap_or(0).saturating_add(1).to_string();
    }
    format!("{}.a", kept.join("."))
}

/// What no interval covers, from the first version to the last.
fn rest(mut safe: Vec<Interval>) -> Vec<Range> {
    safe.sort_by(|a, b| match (&a.low, &b.low) {
        (None, None) => Ordering::Equal,
        (None, _) => Ordering::Less,
        (_, None) => Ordering::Greater,
        (Some(a), Some(b)) => compare(Scheme::Gem, a, b),
    });
    let mut ranges = Vec::new();
    let mut open = Range::default();
    for interval in safe {
        if let Some(low) = &interval.low
            && (open.introduced.is_empty() || compare(Scheme::Gem, &open.introduced, low) == Ordering::Less)
        {
            let end = match (interval.low_included, interval.patched) {
                (false, _) => RangeEnd::LastAffected(low.clone()),
                (true, true) => RangeEnd::Fixed(low.clone()),
                (true, false) => RangeEnd::Limit(low.clone()),
            };
            ranges.push(Range { end, ..open.clone() });
        }
        let Some(high) = interval.high else { return ranges };
        if open.introduced.is_empty() || compare(Scheme::Gem, &high, &open.introduced) == Ordering::Greater {
            open = Range { introduced: high, introduced_excluded: interval.high_included, end: RangeEnd::Open };
        }
    }
    ranges.push(open);
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(patched: &[&str], unaffected: &[&str], expected: &[&str]) {
        let json = serde_json::json!({"gem": "a", "cve": "2020-1", "cvss_v3": 7.5, "cvss_v2": null,
            "patched_versions": patched, "unaffected_versions": unaffected});
        let record = parse(json.to_string().as_bytes()).unwrap();
        assert_eq!((record.id.as_str(), record.severity), ("CVE-2020-1", Severity::High));
        let found: Vec<String> = record.affected[0]
            .ranges
            .iter()
            .map(|r| format!("{}{} {:?}", if r.introduced_excluded { ">" } else { "" }, r.introduced, r.end))
            .collect();
        assert_eq!(found, expected, "{json}");
    }

    #[test]
    fn finds_what_is_left() {
        check(&[">= 4.3.0"], &[], &[r#" Fixed("4.3.0")"#]);
        check(
            &["~> 5.2.4, >= 5.2.4.3", ">= 6.0.3.1"],
            &["< 4.0.0"],
            &[r#"4.0.0 Fixed("5.2.4.3")"#, r#"5.3.a Fixed("6.0.3.1")"#],
        );
        check(&["~> 1.2"], &["<= 1.0"], &[r#">1.0 Fixed("1.2")"#, "2.a Open"]);
        check(&[], &[], &[" Open"]);
        check(&["> 2.0"], &[], &[r#" LastAffected("2.0")"#]);
        check(&["= 1.5"], &[], &[r#" Fixed("1.5")"#, ">1.5 Open"]);
        check(&[">= 0"], &["< 3"], &[]);
    }

    #[test]
    fn knows_interpreters_by_cpe() {
        let record = parse(br#"{"engine":"ruby","cve":"2020-1","osvdb":7,"patched_versions":["~> 2.0-p1"]}"#).unwrap();
        assert_eq!(record.affected[0].package.name, "a:ruby-lang:ruby");
        assert_eq!((record.namespace.as_str(), record.aliases), ("rubysec:cpe", vec!["OSVDB-7".to_owned()]));
    }

    #[test]
    fn refuses_what_is_no_advisory() {
        for json in ["{}", r#"{"gem":"a"}"#, r#"{"gem":"a","cve":"1","patched_versions":["?! 1"]}"#] {
            assert!(parse(json.as_bytes()).is_err(), "{json}");
        }
    }
}
