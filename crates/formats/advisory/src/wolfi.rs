//! Wolfi's advisory documents (schema 2): one document a package, each advisory a history of events.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::{AdvisoryError, Rejection, Sink, read_json};
use crate::lenient::{nullable, text, texts};
use crate::record::{Affected, Ecosystem, FixState, PackageName, Range, RangeEnd, Record, Reference};

const FORMAT: &str = "Wolfi advisory";

#[derive(Deserialize)]
struct Document<'a> {
    package: Package,
    #[serde(default, borrow, deserialize_with = "nullable")]
    advisories: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
}

#[derive(Deserialize)]
struct Advisory {
    id: String,
    #[serde(default, deserialize_with = "texts")]
    aliases: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    events: Vec<Event>,
}

#[derive(Deserialize)]
struct Event {
    #[serde(default, deserialize_with = "text")]
    timestamp: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default, deserialize_with = "nullable")]
    data: Data,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Data {
    #[serde(rename = "fixed-version", deserialize_with = "text")]
    fixed_version: String,
    #[serde(deserialize_with = "text")]
    note: String,
}

/// Reads one document. Each advisory is one record: known by its CVE, else its GHSA, else its own identifier; the last
/// event tells the state. `modified` is that event's time, so that newer terms of use can be told from older ones.
///
/// # Errors
/// When the document as a whole is not one of a package; advisories that cannot be read go to `sink` as rejections.
pub fn parse(json: &[u8], sink: Sink<'_>) -> Result<(), AdvisoryError> {
    let document: Document<'_> = read_json(FORMAT, json)?;
    let package = document.package.name;
    for (index, advisory) in document.advisories.iter().enumerate() {
        let record = read_json(FORMAT, advisory.get().as_bytes()).map(|advisory| record(&package, advisory));
        sink(record.map_err(|cause| Rejection { place: format!("{package}: advisories[{index}]"), cause }));
    }
    Ok(())
}

fn record(package: &str, advisory: Advisory) -> Record {
    let Advisory { id: own, mut aliases, events } = advisory;
    let id = ["CVE-", "GHSA-"]
        .iter()
        .find_map(|prefix| aliases.iter().find(|alias| alias.starts_with(prefix)))
        .unwrap_or(&own)
        .clone();
    aliases.push(own.clone());
    aliases.retain(|alias| *alias != id);
    let ecosystem = Ecosystem::Distro("wolfi".to_owned(), "rolling".to_owned());
    let namespace = ecosystem.namespace("wolfi");
    let mut affected = Affected { package: PackageName::new(ecosystem, package), ..Affected::default() };
    let last = events.iter().max_by(|a, b| a.timestamp.cmp(&b.timestamp));
    let (mut modified, mut details) = (String::new(), String::new());
    if let Some(last) = last {
        modified.clone_from(&last.timestamp);
        details.clone_from(&last.data.note);
        apply(last, &mut affected);
    } else {
        affected.state = FixState::NotFixed;
        affected.ranges = vec![Range::default()];
    }
    Record {
        id,
        aliases,
        namespace,
        source: "wolfi".to_owned(),
        details,
        references: vec![Reference { url: format!("https://images.chainguard.dev/security/{own}"), tags: Vec::new() }],
        published: events.iter().map(|event| event.timestamp.as_str()).min().unwrap_or_default().to_owned(),
        modified,
        affected: vec![affected],
        ..Record::default()
    }
}

fn apply(event: &Event, affected: &mut Affected) {
    let mut end = RangeEnd::Open;
    affected.state = match event.kind.as_str() {
        "fixed" if event.data.fixed_version == "0" => FixState::NotAffected,
        "fixed" if !event.data.fixed_version.is_empty() => {
            end = RangeEnd::Fixed(event.data.fixed_version.clone());
            affected.fix_date = event.timestamp.get(..10).unwrap_or_default().to_owned();
            FixState::Fixed
        }
        "false-positive-determination" => FixState::NotAffected,
        "fix-not-planned" => FixState::WontFix,
        _ => FixState::NotFixed,
    };
    if affected.state != FixState::NotAffected {
        affected.ranges = vec![Range { end, ..Range::default() }];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(events: &str, state: FixState, end: Option<RangeEnd>) {
        let json = format!(
            r#"{{"package":{{"name":"a"}},"advisories":[{{"id":"CGA-1","aliases":["GHSA-1","CVE-1"],"events":[{events}]}}]}}"#
        );
        let mut records = Vec::new();
        parse(json.as_bytes(), &mut |item| records.push(item.unwrap())).unwrap();
        let [record] = records.as_slice() else { panic!("{records:?}") };
        assert_eq!((record.id.as_str(), record.aliases.as_slice()), ("CVE-1", &["GHSA-1".into(), "CGA-1".into()][..]));
        let affected = &record.affected[0];
        assert_eq!((affected.state, affected.ranges.first().map(|r| r.end.clone())), (state, end), "{events}");
    }

    #[test]
    fn goes_by_the_last_event() {
        let detection = r#"{"timestamp":"2024-01-01T00:00:00Z","type":"detection","data":{"type":"scan/v1"}}"#;
        let event = |kind: &str, data: &str| {
            format!(r#"{detection},{{"timestamp":"2024-01-02T00:00:00Z","type":"{kind}","data":{data}}}"#)
        };
        check(detection, FixState::NotFixed, Some(RangeEnd::Open));
        check("", FixState::NotFixed, Some(RangeEnd::Open));
        check(
            &event("fixed", r#"{"fixed-version":"1-r2"}"#),
            FixState::Fixed,
            Some(RangeEnd::Fixed("1-r2".to_owned())),
        );
        check(&event("false-positive-determination", r#"{"note":"n"}"#), FixState::NotAffected, None);
        check(&event("fix-not-planned", "null"), FixState::WontFix, Some(RangeEnd::Open));
        check(&event("pending-upstream-fix", "null"), FixState::NotFixed, Some(RangeEnd::Open));
    }
}
