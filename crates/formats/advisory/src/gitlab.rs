//! GitLab's advisory database (open source edition): one YAML file a flaw in a package (here as JSON).

use serde::Deserialize;

use crate::error::{AdvisoryError, read_json};
use crate::lenient::{text, texts};
use crate::range::{Spans, comparators, intervals};
use crate::record::{Affected, Cvss, Ecosystem, FixState, PackageName, Range, RangeEnd, Record, Reference};

const FORMAT: &str = "GitLab advisory";

#[derive(Deserialize)]
struct Document {
    #[serde(default, deserialize_with = "text")]
    identifier: String,
    #[serde(default, deserialize_with = "texts")]
    identifiers: Vec<String>,
    #[serde(default, deserialize_with = "text")]
    package_slug: String,
    #[serde(default, deserialize_with = "text")]
    title: String,
    #[serde(default, deserialize_with = "text")]
    description: String,
    #[serde(default, deserialize_with = "text")]
    date: String,
    #[serde(default, deserialize_with = "text")]
    pubdate: String,
    #[serde(default, deserialize_with = "text")]
    affected_range: String,
    #[serde(default, deserialize_with = "texts")]
    fixed_versions: Vec<String>,
    #[serde(default, deserialize_with = "texts")]
    urls: Vec<String>,
    #[serde(default, deserialize_with = "text")]
    cvss_v2: String,
    #[serde(default, deserialize_with = "text")]
    cvss_v3: String,
    #[serde(default, deserialize_with = "text")]
    cvss_v4: String,
    #[serde(default, deserialize_with = "texts")]
    cwe_ids: Vec<String>,
}

/// Reads one advisory. It is known by its main identifier. An upper bound counts as the fix when the file names fixed
/// versions at all; an empty range means every version.
///
/// # Errors
/// When the bytes are not JSON of the format's shape, or identifier, package or range cannot be read.
pub fn parse(json: &[u8]) -> Result<Record, AdvisoryError> {
    let document: Document = read_json(FORMAT, json)?;
    if document.identifier.is_empty() {
        return Err(AdvisoryError::Missing { format: FORMAT, field: "identifier" });
    }
    let package = package(&document.package_slug)
        .ok_or_else(|| AdvisoryError::invalid(FORMAT, "package_slug", &document.package_slug))?;
    let spans = spans(&document, &package.ecosystem)
        .ok_or_else(|| AdvisoryError::invalid(FORMAT, "affected_range", &document.affected_range))?;
    let fixed = spans.ranges.iter().any(|range| matches!(range.end, RangeEnd::Fixed(_)));
    let state = match (fixed, document.fixed_versions.is_empty()) {
        (true, _) => FixState::Fixed,
        (false, true) => FixState::NotFixed,
        (false, false) => FixState::Unknown,
    };
    let cvss: Vec<Cvss> = [&document.cvss_v4, &document.cvss_v3, &document.cvss_v2]
        .into_iter()
        .filter(|vector| !vector.is_empty())
        .filter_map(|vector| Cvss::from_vector(vector, "", ""))
        .collect();
    let mut aliases = document.identifiers;
    aliases.retain(|alias| *alias != document.identifier);
    let mut record = Record {
        id: document.identifier,
        aliases,
        source: "gitlab".to_owned(),
        summary: document.title,
        details: document.description,
        severity: cvss.first().map(Cvss::severity).unwrap_or_default(),
        cvss,
        // GitLab adds two catch-all CWEs (its categories A9 of 2013 and 2017) to nearly every file.
        cwes: document.cwe_ids.into_iter().filter(|cwe| cwe != "CWE-1035" && cwe != "CWE-937").collect(),
        references: document.urls.into_iter().map(|url| Reference { url, tags: Vec::new() }).collect(),
        published: document.pubdate,
        modified: document.date,
        affected: vec![Affected {
            package,
            ranges: spans.ranges,
            versions: spans.versions,
            state,
            ..Affected::default()
        }],
        ..Record::default()
    };
    record.set_namespace("gitlab");
    Ok(record)
}

/// `maven/org.apache.axis/axis`, `npm/@scope/name`, `go/example.com/module`.
fn package(slug: &str) -> Option<PackageName> {
    let (kind, name) = slug.split_once('/')?;
    let ecosystem = match kind {
        "packagist" | "maven" | "npm" | "pypi" | "nuget" | "go" | "gem" | "conan" | "cargo" | "swift" | "pub" => {
            Ecosystem::from_osv(kind)
        }
        _ => return None,
    };
    if name.is_empty() {
        return None;
    }
    let name = match (&ecosystem, name.rsplit_once('/')) {
        (Ecosystem::Maven, Some((group, artifact))) => format!("{}:{artifact}", group.replace('/', ".")),
        _ => name.to_owned(),
    };
    Some(PackageName::new(ecosystem, &name))
}

fn spans(document: &Document, ecosystem: &Ecosystem) -> Option<Spans> {
    let text = document.affected_range.trim();
    let fixed = !document.fixed_versions.is_empty();
    if text.is_empty() {
        return Some(Spans { ranges: vec![Range::default()], versions: Vec::new() });
    }
    match ecosystem {
        Ecosystem::Maven | Ecosystem::NuGet => intervals(text, fixed),
        _ => comparators(text, fixed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(slug: &str, range: &str, fixed: &[&str], name: &str, expected: &str) {
        let json = serde_json::json!({"identifier": "CVE-1", "identifiers": ["GHSA-1", "CVE-1"], "package_slug": slug,
            "affected_range": range, "fixed_versions": fixed, "cwe_ids": ["CWE-1035", "CWE-20"],
            "cvss_v3": "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N"});
        let record = parse(json.to_string().as_bytes()).unwrap();
        assert_eq!((record.aliases.join(" "), record.cwes.join(" ")), ("GHSA-1".to_owned(), "CWE-20".to_owned()));
        let affected = &record.affected[0];
        let ends: Vec<_> = affected.ranges.iter().map(|r| format!("{} {:?}", r.introduced, r.end)).collect();
        assert_eq!(affected.package.name, name);
        assert_eq!(format!("{:?} {} {:?}", affected.state, ends.join(";"), affected.versions), expected);
    }

    #[test]
    fn reads_ranges_of_each_ecosystem() {
        check("maven/axis/axis", "(,1.4]", &[], "axis:axis", r#"NotFixed  LastAffected("1.4") []"#);
        check("nuget/A.B", "[5.8.0,6.5.3)", &["6.5.3"], "A.B", r#"Fixed 5.8.0 Fixed("6.5.3") []"#);
        check("npm/@s/n", ">=7.0.0 <7.2.4||=9.0.0", &["7.2.4"], "@s/n", r#"Fixed 7.0.0 Fixed("7.2.4") ["9.0.0"]"#);
        check("pypi/A_B", "<2", &[], "a-b", r#"NotFixed  Limit("2") []"#);
        check("npm/x", "", &[], "x", "NotFixed  Open []");
        check("conan/x", "<=2", &["3"], "x", r#"Unknown  LastAffected("2") []"#);
    }

    #[test]
    fn refuses_what_is_no_advisory() {
        let json = |slug: &str, range: &str| {
            format!(r#"{{"identifier":"X","package_slug":"{slug}","affected_range":"{range}"}}"#)
        };
        for json in ["{}".to_owned(), json("rpm/a", ""), json("npm", ""), json("npm/a", ">="), json("maven/a/b", "[1")]
        {
            assert!(parse(json.as_bytes()).is_err(), "{json}");
        }
    }
}
