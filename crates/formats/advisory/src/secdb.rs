//! The `secfixes` databases of apk distributions: Alpine's `main.json` and `community.json`, Wolfi's and Chainguard's
//! `security.json`.
//!
//! Each package lists versions, each with the flaws that it fixed. Version `0` means that the package never had them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::{AdvisoryError, Rejection, Sink, read_json};
use crate::lenient::{nullable, text, texts};
use crate::record::{Affected, Ecosystem, FixState, PackageName, Range, RangeEnd, Record, Reference};

const FORMAT: &str = "secdb";

#[derive(Deserialize)]
struct Database<'a> {
    #[serde(default, deserialize_with = "text")]
    distroversion: String,
    #[serde(default, deserialize_with = "text")]
    urlprefix: String,
    #[serde(borrow)]
    packages: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Entry {
    pkg: Package,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    #[serde(default, deserialize_with = "nullable")]
    secfixes: BTreeMap<String, Flaws>,
}

#[derive(Deserialize)]
struct Flaws(#[serde(deserialize_with = "texts")] Vec<String>);

/// The distribution that a database belongs to: its source's name (Grype's provider too) and its release.
fn distribution(database: &Database<'_>) -> Option<(&'static str, String)> {
    let prefix = database.urlprefix.as_str();
    let release = database.distroversion.as_str();
    if prefix.contains("wolfi") {
        Some(("wolfi", "rolling".to_owned()))
    } else if prefix.contains("cgr.dev") || prefix.contains("chainguard") {
        Some(("chainguard", "rolling".to_owned()))
    } else if release.is_empty() {
        None
    } else {
        Some(("alpine", release.strip_prefix('v').unwrap_or(release).to_owned()))
    }
}

/// Reads one database. Each flaw in each fixed version of a package is one record, known by the flaw's identifier.
/// Alpine's entries without a CVE (`XSA-…`) are left out, as in Grype's feed: the CVE stands beside them.
///
/// # Errors
/// When the document as a whole is not a database, or of no distribution known here; packages that cannot be read go to
/// `sink` as rejections.
pub fn parse(json: &[u8], sink: Sink<'_>) -> Result<(), AdvisoryError> {
    let database: Database<'_> = read_json(FORMAT, json)?;
    let (source, release) =
        distribution(&database).ok_or(AdvisoryError::Missing { format: FORMAT, field: "distroversion" })?;
    let ecosystem = Ecosystem::Distro(source.to_owned(), release);
    for (index, package) in database.packages.iter().enumerate() {
        match read_json::<Entry>(FORMAT, package.get().as_bytes()) {
            Ok(entry) => package_records(&entry.pkg, source, &ecosystem, sink),
            Err(cause) => sink(Err(Rejection { place: format!("packages[{index}]"), cause })),
        }
    }
    Ok(())
}

fn package_records(package: &Package, source: &str, ecosystem: &Ecosystem, sink: Sink<'_>) {
    for (version, flaws) in &package.secfixes {
        // One text may hold several identifiers and a remark.
        let mut ids: Vec<&str> = flaws.0.iter().flat_map(|text| text.split_whitespace()).collect();
        ids.retain(|id| id.starts_with("CVE-") || (source != "alpine" && is_id(id)));
        ids.sort_unstable();
        ids.dedup();
        for id in ids {
            sink(Ok(record(id, &package.name, version, source, ecosystem)));
        }
    }
}

fn is_id(word: &str) -> bool {
    word.starts_with("GHSA-") || word.starts_with("CGA-") || word.starts_with("GO-")
}

fn record(id: &str, package: &str, version: &str, source: &str, ecosystem: &Ecosystem) -> Record {
    let mut affected = Affected { package: PackageName::new(ecosystem.clone(), package), ..Affected::default() };
    if version == "0" {
        affected.state = FixState::NotAffected;
    } else {
        affected.state = FixState::Fixed;
        affected.ranges = vec![Range { end: RangeEnd::Fixed(version.to_owned()), ..Range::default() }];
    }
    let url = match source {
        "alpine" => format!("https://security.alpinelinux.org/vuln/{id}"),
        _ => format!("https://images.chainguard.dev/security/{id}"),
    };
    Record {
        id: id.to_owned(),
        namespace: ecosystem.namespace(source),
        source: source.to_owned(),
        references: vec![Reference { url, tags: Vec::new() }],
        affected: vec![affected],
        ..Record::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(head: &str, package: &str, expected: &[&str]) {
        let json = format!(r#"{{{head},"packages":[{package}]}}"#);
        let mut found = Vec::new();
        parse(json.as_bytes(), &mut |item| {
            found.push(match item {
                Ok(r) => format!(
                    "{} {} {:?} {:?}",
                    r.id,
                    r.namespace,
                    r.affected[0].state,
                    r.affected[0].ranges.first().map(|r| &r.end)
                ),
                Err(rejection) => format!("rejected {}", rejection.place),
            });
        })
        .unwrap();
        assert_eq!(found, expected, "{json}");
    }

    #[test]
    fn reads_each_distribution() {
        let package = r#"{"pkg":{"name":"aom","secfixes":{"0":["CVE-2021-1"],"3.1-r0":["CVE-2021-2 XSA-7","CVE-2021-3 (+ fix)"],"4":null}}}"#;
        check(
            r#""distroversion":"v3.18","urlprefix":"https://dl-cdn.alpinelinux.org/alpine""#,
            package,
            &[
                "CVE-2021-1 alpine:distro:alpine:3.18 NotAffected None",
                r#"CVE-2021-2 alpine:distro:alpine:3.18 Fixed Some(Fixed("3.1-r0"))"#,
                r#"CVE-2021-3 alpine:distro:alpine:3.18 Fixed Some(Fixed("3.1-r0"))"#,
            ],
        );
        check(
            r#""reponame":"os","urlprefix":"https://packages.wolfi.dev""#,
            r#"{"pkg":{"name":"a","secfixes":{"1-r0":["CGA-1","CVE-1","GHSA-1"]}}},{"pkg":{}}"#,
            &[
                r#"CGA-1 wolfi:distro:wolfi:rolling Fixed Some(Fixed("1-r0"))"#,
                r#"CVE-1 wolfi:distro:wolfi:rolling Fixed Some(Fixed("1-r0"))"#,
                r#"GHSA-1 wolfi:distro:wolfi:rolling Fixed Some(Fixed("1-r0"))"#,
                "rejected packages[1]",
            ],
        );
    }

    #[test]
    fn refuses_a_database_of_nobody() {
        assert!(parse(br#"{"packages":[]}"#, &mut |_| {}).is_err());
    }
}
