//! FriendsOfPHP's security advisories: Composer packages, each a YAML file (here as JSON).

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::error::{AdvisoryError, read_json};
use crate::lenient::{nullable, text, texts};
use crate::range::{Spans, comparisons, conjunction};
use crate::record::{Affected, Ecosystem, FixState, PackageName, RangeEnd, Record, Reference};

const FORMAT: &str = "FriendsOfPHP";

#[derive(Deserialize)]
struct Document {
    /// The file in the repository, as converters to JSON add it.
    #[serde(default, rename = "_path", deserialize_with = "text")]
    path: String,
    #[serde(default, deserialize_with = "text")]
    title: String,
    #[serde(default, deserialize_with = "text")]
    link: String,
    #[serde(default, deserialize_with = "text")]
    cve: String,
    #[serde(default, deserialize_with = "nullable")]
    branches: BTreeMap<String, Branch>,
    #[serde(default, deserialize_with = "text")]
    reference: String,
}

#[derive(Deserialize)]
struct Branch {
    #[serde(default, deserialize_with = "text")]
    time: String,
    #[serde(default, deserialize_with = "texts")]
    versions: Vec<String>,
}

/// Reads one advisory. It is known by its CVE; without one by `FOP-` and its file's path.
///
/// # Errors
/// When the bytes are not JSON of the format's shape, name no Composer package, or a branch's versions cannot be read.
pub fn parse(json: &[u8]) -> Result<Record, AdvisoryError> {
    let document: Document = read_json(FORMAT, json)?;
    let package = document
        .reference
        .strip_prefix("composer://")
        .filter(|name| !name.is_empty())
        .ok_or(AdvisoryError::Missing { format: FORMAT, field: "reference to a Composer package" })?;
    let mut spans = Spans::default();
    let (mut first, mut last) = (String::new(), String::new());
    for (name, branch) in &document.branches {
        let mut list = Vec::new();
        for text in &branch.versions {
            let parsed = comparisons(text).ok_or_else(|| AdvisoryError::invalid(FORMAT, "branch", text))?;
            list.extend(parsed);
        }
        conjunction(&list, true, &mut spans).ok_or_else(|| AdvisoryError::invalid(FORMAT, "branch", name))?;
        let date = branch.time.get(..10).unwrap_or_default();
        if !date.is_empty() && (first.is_empty() || date < first.as_str()) {
            date.clone_into(&mut first);
        }
        if date > last.as_str() {
            date.clone_into(&mut last);
        }
    }
    let fixed = spans.ranges.iter().any(|range| matches!(range.end, RangeEnd::Fixed(_)));
    let id =
        if document.cve.is_empty() { format!("FOP-{}", document.path.trim_end_matches(".yaml")) } else { document.cve };
    let mut record = Record {
        id,
        source: "friendsofphp".to_owned(),
        summary: document.title,
        references: Some(document.link)
            .filter(|url| !url.is_empty())
            .map(|url| Reference { url, tags: Vec::new() })
            .into_iter()
            .collect(),
        published: first.clone(),
        modified: last,
        affected: vec![Affected {
            package: PackageName::new(Ecosystem::Packagist, package),
            ranges: spans.ranges,
            versions: spans.versions,
            state: if fixed { FixState::Fixed } else { FixState::NotFixed },
            fix_date: if fixed { first } else { String::new() },
            ..Affected::default()
        }],
        ..Record::default()
    };
    record.set_namespace("friendsofphp");
    Ok(record)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_branches() {
        let json =
            br#"{"_path":"a/b/2018.yaml","title":"t","link":"l","cve":null,"reference":"composer://a/b","branches":{
            "1.x":{"time":"2017-05-15 09:09:00","versions":["<1.2"]},
            "2.x":{"time":"2018-05-15 09:09:00","versions":[">=2.0","<2.4"]},"3.x":{"time":null,"versions":["3.1"]}}}"#;
        let record = parse(json).unwrap();
        assert_eq!((record.id.as_str(), record.published.as_str()), ("FOP-a/b/2018", "2017-05-15"));
        let affected = &record.affected[0];
        let ends: Vec<_> = affected.ranges.iter().map(|r| (r.introduced.as_str(), &r.end)).collect();
        assert_eq!(ends, [("", &RangeEnd::Fixed("1.2".into())), ("2.0", &RangeEnd::Fixed("2.4".into()))]);
        assert_eq!((affected.versions.as_slice(), affected.state), (&["3.1".to_owned()][..], FixState::Fixed));
    }

    #[test]
    fn refuses_what_is_no_advisory() {
        let bad = r#"{"reference":"composer://a/b","branches":{"x":{"versions":["^1"]}}}"#;
        for json in ["{}", r#"{"reference":"pear://a"}"#, bad] {
            assert!(parse(json.as_bytes()).is_err(), "{json}");
        }
    }
}
