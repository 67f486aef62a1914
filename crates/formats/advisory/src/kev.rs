//! CISA's catalogue of known exploited vulnerabilities.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::{AdvisoryError, Rejection, read_json};
use crate::lenient::{text, texts};
use crate::record::Kev;

const FORMAT: &str = "KEV";

#[derive(Deserialize)]
struct Catalogue<'a> {
    #[serde(borrow)]
    vulnerabilities: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(rename = "cveID")]
    cve: String,
    #[serde(default, deserialize_with = "text")]
    vendor_project: String,
    #[serde(default, deserialize_with = "text")]
    product: String,
    #[serde(default, deserialize_with = "text")]
    date_added: String,
    #[serde(default, deserialize_with = "text")]
    short_description: String,
    #[serde(default, deserialize_with = "text")]
    required_action: String,
    #[serde(default, deserialize_with = "text")]
    due_date: String,
    #[serde(default, deserialize_with = "text")]
    known_ransomware_campaign_use: String,
    #[serde(default, deserialize_with = "text")]
    notes: String,
    #[serde(default, deserialize_with = "texts")]
    cwes: Vec<String>,
}

/// Reads the catalogue. As in Grype's builder (transformers/kev, v0.121.2), addresses in the notes and bracketed ones in
/// the texts go to `urls`, and the rest of the notes stays.
///
/// # Errors
/// When the document as a whole is not the catalogue; entries that cannot be read go to `sink` as rejections.
pub fn parse(json: &[u8], sink: &mut dyn FnMut(Result<Kev, Rejection>)) -> Result<(), AdvisoryError> {
    let catalogue: Catalogue<'_> = read_json(FORMAT, json)?;
    for (index, raw) in catalogue.vulnerabilities.iter().enumerate() {
        let entry: Result<Entry, _> = read_json(FORMAT, raw.get().as_bytes());
        let kev = entry.map(convert);
        sink(kev.map_err(|cause| Rejection { place: format!("vulnerabilities[{index}]"), cause }));
    }
    Ok(())
}

fn convert(entry: Entry) -> Kev {
    let mut urls: Vec<String> = Vec::new();
    let mut add = |url: &str| {
        if !urls.iter().any(|known| known == url) {
            urls.push(url.to_owned());
        }
    };
    let mut notes: Vec<&str> = Vec::new();
    for part in entry.notes.split(';').map(str::trim).filter(|part| !part.is_empty()) {
        if part.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("http")) { add(part) } else { notes.push(part) }
    }
    for text in [&entry.short_description, &entry.required_action] {
        for tail in text.split('[').skip(1) {
            if let Some((url, _)) = tail.split_once(']').filter(|(url, _)| url.starts_with("http")) {
                add(url);
            }
        }
    }
    let notes = notes.join("; ");
    Kev {
        cve: entry.cve,
        vendor: entry.vendor_project,
        product: entry.product,
        date_added: entry.date_added,
        required_action: entry.required_action,
        due_date: entry.due_date,
        ransomware: entry.known_ransomware_campaign_use,
        notes,
        urls,
        cwes: entry.cwes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_addresses_from_notes() {
        let json = br#"{"vulnerabilities":[{"cveID":"CVE-1","notes":"See: x ; https://a/ ;https://b/; https://a/",
            "requiredAction":"Apply [https://c/] now [d]","knownRansomwareCampaignUse":"Known","cwes":["CWE-1"]},{}]}"#;
        let mut found = Vec::new();
        parse(json, &mut |item| found.push(item)).unwrap();
        let kev = found[0].as_ref().unwrap();
        assert_eq!((kev.notes.as_str(), kev.urls.join(" ")), ("See: x", "https://a/ https://b/ https://c/".to_owned()));
        assert_eq!(found[1].as_ref().unwrap_err().place, "vulnerabilities[1]");
        assert!(parse(b"[]", &mut |_| {}).is_err());
    }
}
