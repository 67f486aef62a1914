//! The official Kubernetes CVE feed (a JSON Feed): which flaws there are and where they are told. It has no versions in
//! a form that a machine could trust; mirrors that add them use OSV's schema ([`crate::osv`]).

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::{AdvisoryError, Rejection, Sink, read_json};
use crate::lenient::text;
use crate::record::{Record, Reference};

const FORMAT: &str = "Kubernetes CVE feed";

#[derive(Deserialize)]
struct Feed<'a> {
    #[serde(borrow)]
    items: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Item {
    id: String,
    #[serde(default, deserialize_with = "text")]
    url: String,
    #[serde(default, deserialize_with = "text")]
    external_url: String,
    #[serde(default, deserialize_with = "text")]
    summary: String,
    #[serde(default, deserialize_with = "text")]
    content_text: String,
    #[serde(default, deserialize_with = "text")]
    date_published: String,
}

/// Reads the feed; each item is one record without packages.
///
/// # Errors
/// When the document as a whole is not the feed; items that cannot be read go to `sink` as rejections.
pub fn parse(json: &[u8], sink: Sink<'_>) -> Result<(), AdvisoryError> {
    let feed: Feed<'_> = read_json(FORMAT, json)?;
    for (index, raw) in feed.items.iter().enumerate() {
        let item: Result<Item, _> = read_json(FORMAT, raw.get().as_bytes());
        sink(item.map(record).map_err(|cause| Rejection { place: format!("items[{index}]"), cause }));
    }
    Ok(())
}

fn record(item: Item) -> Record {
    let urls = [item.external_url, item.url].into_iter().filter(|url| !url.is_empty());
    Record {
        id: item.id,
        namespace: "kubernetes:language:kubernetes".to_owned(),
        source: "kubernetes".to_owned(),
        summary: item.summary,
        details: item.content_text,
        references: urls.map(|url| Reference { url, tags: Vec::new() }).collect(),
        published: item.date_published.clone(),
        modified: item.date_published,
        ..Record::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_items() {
        let json =
            br#"{"version":"https://jsonfeed.org/version/1.1","items":[{"id":"CVE-2024-1","url":"u","summary":"s",
            "external_url":"e","date_published":"2024-01-01T00:00:00Z"},{"id":null}]}"#;
        let mut found = Vec::new();
        parse(json, &mut |item| found.push(item)).unwrap();
        let record = found[0].as_ref().unwrap();
        assert_eq!((record.id.as_str(), record.references[0].url.as_str()), ("CVE-2024-1", "e"));
        assert_eq!(found[1].as_ref().unwrap_err().place, "items[1]");
        assert!(parse(b"{}", &mut |_| {}).is_err());
    }
}
