//! Debian: the security tracker's JSON, the lists of DSAs and DLAs, and the tracker's list of CVEs.
//!
//! The tracker knows source packages. Its words become states as in Grype's feed (vunnel, providers/debian):
//!
//! | tracker | here |
//! |---|---|
//! | `resolved`, version | fixed in it |
//! | `resolved`, version `0` | not affected |
//! | `open` | not fixed |
//! | `open` with `nodsa` (no-dsa, postponed, ignored) | won't fix |
//! | `undetermined`, and releases without a number (experimental) | left out |
//! | urgency `unimportant`, `end-of-life` | negligible |

mod advisories;
mod cves;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::ecosystem::debian_release;
use crate::error::{AdvisoryError, Rejection, Sink, read_json};
use crate::lenient::{nullable, text};
use crate::record::{Affected, Ecosystem, FixState, PackageName, Range, RangeEnd, Record, Reference, Severity};

pub use advisories::parse_advisories;
pub use cves::parse_cves;

const FORMAT: &str = "Debian tracker";

#[derive(Deserialize)]
struct Issue {
    #[serde(default, deserialize_with = "text")]
    description: String,
    #[serde(default, deserialize_with = "nullable")]
    releases: BTreeMap<String, Release>,
}

#[derive(Deserialize)]
struct Release {
    #[serde(default, deserialize_with = "text")]
    status: String,
    #[serde(default, deserialize_with = "text")]
    fixed_version: String,
    #[serde(default, deserialize_with = "text")]
    urgency: String,
    nodsa: Option<serde::de::IgnoredAny>,
}

/// Reads the tracker's JSON (`tracker/data/json`: package, then issue, then releases). Each pair of package and issue
/// is one record, with one entry of `affected` a release. Issues without a CVE (`TEMP-…`) are left out, as Grype does.
///
/// # Errors
/// When the document as a whole is not of the tracker's shape; issues that are not go to `sink` as rejections.
pub fn parse_tracker(json: &[u8], sink: Sink<'_>) -> Result<(), AdvisoryError> {
    let packages: BTreeMap<String, BTreeMap<String, &RawValue>> = read_json(FORMAT, json)?;
    for (package, issues) in packages {
        for (id, issue) in issues {
            if !id.starts_with("CVE-") {
                continue;
            }
            let place = || format!("{package}/{id}");
            sink(issue_record(&package, &id, issue).map_err(|cause| Rejection { place: place(), cause }));
        }
    }
    Ok(())
}

fn issue_record(package: &str, id: &str, issue: &RawValue) -> Result<Record, AdvisoryError> {
    let issue: Issue = read_json(FORMAT, issue.get().as_bytes())?;
    let affected = issue
        .releases
        .iter()
        .filter(|(_, release)| release.status != "undetermined")
        .filter_map(|(name, release)| Some(in_release(package, debian_release(name)?, release)))
        .collect();
    Ok(record(id, issue.description, affected))
}

fn in_release(package: &str, number: &str, release: &Release) -> Affected {
    let mut affected = source_package(package, number);
    affected.severity = urgency(&release.urgency);
    match release.fixed_version.as_str() {
        "0" => affected.state = FixState::NotAffected,
        "" => {
            affected.state = if release.nodsa.is_some() { FixState::WontFix } else { FixState::NotFixed };
            affected.ranges = vec![Range::default()];
        }
        version => fixed_in(&mut affected, version),
    }
    affected
}

fn fixed_in(affected: &mut Affected, version: &str) {
    affected.state = FixState::Fixed;
    affected.ranges = vec![Range { end: RangeEnd::Fixed(version.to_owned()), ..Range::default() }];
}

fn source_package(name: &str, release: &str) -> Affected {
    let ecosystem = Ecosystem::Distro("debian".to_owned(), release.to_owned());
    Affected { package: PackageName::new(ecosystem, name), ..Affected::default() }
}

/// `low`, `medium**`, `unimportant`, `not yet assigned`, ...
fn urgency(word: &str) -> Severity {
    match word.trim_end_matches('*') {
        "end-of-life" => Severity::Negligible,
        word => Severity::parse(word),
    }
}

/// A record of the tracker; its severity is the worst of its packages'.
fn record(id: &str, details: String, affected: Vec<Affected>) -> Record {
    let mut record = Record {
        id: id.to_owned(),
        source: "debian".to_owned(),
        details,
        severity: affected.iter().map(|a| a.severity).max().unwrap_or_default(),
        references: vec![Reference {
            url: format!("https://security-tracker.debian.org/tracker/{id}"),
            tags: Vec::new(),
        }],
        affected,
        ..Record::default()
    };
    record.set_namespace("debian");
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(affected: &[Affected]) -> Vec<String> {
        affected
            .iter()
            .map(|a| {
                let Ecosystem::Distro(_, release) = &a.package.ecosystem else { panic!("{a:?}") };
                let end = a.ranges.first().map(|r| &r.end);
                format!("{release} {} {:?} {end:?} {}", a.package.name, a.state, a.severity.as_str())
            })
            .collect()
    }

    #[test]
    fn derives_each_release() {
        let json = br#"{"zlib": {"CVE-2023-45853": {"description": "MiniZip", "releases": {
            "bookworm": {"status": "open", "urgency": "unimportant", "nodsa": "Minor issue", "nodsa_reason": "ignored"},
            "bullseye": {"status": "open", "urgency": "low**"},
            "sid": {"status": "resolved", "fixed_version": "1:1.3", "urgency": "end-of-life"},
            "trixie": {"status": "resolved", "fixed_version": "0", "urgency": "not yet assigned"},
            "buster": {"status": "undetermined"}, "experimental": {"status": "open"}}},
            "TEMP-0000000-1": {}, "CVE-2024-1": {"releases": 7}}}"#;
        let mut records = Vec::new();
        let mut rejected = Vec::new();
        parse_tracker(json, &mut |item| match item {
            Ok(record) => records.push(record),
            Err(rejection) => rejected.push(rejection.place),
        })
        .unwrap();
        assert_eq!(rejected, ["zlib/CVE-2024-1"]);
        assert_eq!((records.len(), records[0].severity), (1, Severity::Low));
        assert_eq!(
            show(&records[0].affected),
            [
                "12 zlib WontFix Some(Open) Negligible",
                "11 zlib NotFixed Some(Open) Low",
                r#"unstable zlib Fixed Some(Fixed("1:1.3")) Negligible"#,
                "13 zlib NotAffected None Unknown",
            ]
        );
    }

    #[test]
    fn reads_the_list_of_advisories() {
        let list = "[29 Mar 2023] DSA-5380-1 xorg-server - security update\n\t{CVE-2023-1393}\n\
            \t[bullseye] - xorg-server 2:1.20.11-1+deb11u6\n\
            [17 Mar 2023] DSA-5356-2 sox - regression update\n\t[bullseye] - sox 14.4.2-2\n\
            [05 Feb 2005] DSA-662-1 tex -- several\n        {CVE-2005-1}\n\t[lenny] - tex <not-affected> (no)\n\
            \tNOTE: fixed in testing at time of DSA\n\t[jessie] - tex <end-of-life>\n[bad line\n\t{CVE-1}\n";
        let mut records = Vec::new();
        let mut rejected = Vec::new();
        parse_advisories(list.as_bytes(), &mut |item| match item {
            Ok(record) => records.push(record),
            Err(rejection) => rejected.push(rejection.place),
        })
        .unwrap();
        assert_eq!(rejected, ["line 11"]);
        let ids: Vec<_> = records.iter().map(|r| (r.id.as_str(), r.published.as_str(), r.related.len())).collect();
        assert_eq!(
            ids,
            [("DSA-5380-1", "2023-03-29", 1), ("DSA-5356-2", "2023-03-17", 0), ("DSA-662-1", "2005-02-05", 1)]
        );
        assert_eq!(show(&records[0].affected), [r#"11 xorg-server Fixed Some(Fixed("2:1.20.11-1+deb11u6")) Unknown"#]);
        assert_eq!(show(&records[2].affected), ["5 tex NotAffected None Unknown", "8 tex WontFix Some(Open) Unknown"]);
    }

    #[test]
    fn reads_the_list_of_cves() {
        let list = "CVE-2024-3094 (a back door)\n\t{DSA-1-1}\n\t- xz-utils 5.6.1+really5.4.5-1\n\
            \t[bookworm] - xz-utils <not-affected> (Vulnerable code not present)\n\
            \t[bullseye] - xz-utils <no-dsa> (Minor issue)\n\t[experimental] - xz-utils 9\n\
            CVE-2022-3219 (gpg)\n\t- gnupg2 <unfixed> (unimportant; bug #1)\n\t- gnupg1 <itp> (bug #2)\n\
            CVE-2024-9 (x)\n\tNOT-FOR-US: y\nCVE-2024-8\n\tRESERVED\n";
        let mut records = Vec::new();
        parse_cves(list.as_bytes(), &mut |item| records.push(item.unwrap())).unwrap();
        let ids: Vec<_> = records.iter().map(|r| (r.id.as_str(), r.details.as_str(), r.affected.len())).collect();
        assert_eq!(
            ids,
            [
                ("CVE-2024-3094", "a back door", 6),
                ("CVE-2022-3219", "gpg", 6),
                ("CVE-2024-9", "x", 0),
                ("CVE-2024-8", "", 0)
            ]
        );
        let xz = show(&records[0].affected);
        assert_eq!(xz[0], r#"unstable xz-utils Fixed Some(Fixed("5.6.1+really5.4.5-1")) Unknown"#);
        assert!(xz.contains(&"12 xz-utils NotAffected None Unknown".to_owned()), "{xz:?}");
        assert!(xz.contains(&r#"11 xz-utils WontFix Some(Limit("5.6.1+really5.4.5-1")) Unknown"#.to_owned()), "{xz:?}");
        assert!(xz.contains(&r#"13 xz-utils Fixed Some(Fixed("5.6.1+really5.4.5-1")) Unknown"#.to_owned()), "{xz:?}");
        assert_eq!(show(&records[1].affected)[0], "unstable gnupg2 NotFixed Some(Open) Negligible");
    }
}
