//! The document as templates see it: under the names of the peer's Go structures (`.Vulnerability.ID`,
//! `.Artifact.PURL`).

use super::document::Document;
use serde_json::{Map, Value};

/// The document with its fields under Go's names. Maps whose keys are data keep their keys.
///
/// # Errors
/// Where the document cannot be turned into a JSON value.
pub fn template_value(document: &Document) -> Result<Value, serde_json::Error> {
    serde_json::to_value(document).map(|value| renamed(value, ""))
}

/// Fields whose value is a map of data, or a structure of its own names.
const DATA: &[&str] =
    &["configuration", "providers", "labels", "annotations", "goBuildSettings", "vendorMetadata", "status"];

fn renamed(value: Value, of: &str) -> Value {
    match value {
        Value::Object(fields) if !DATA.contains(&of) => {
            let mut out = Map::new();
            for (key, value) in fields {
                let name = go_name(&key, of);
                out.insert(name, renamed(value, &key));
            }
            Value::Object(out)
        }
        Value::Array(items) => Value::Array(items.into_iter().map(|item| renamed(item, of)).collect()),
        other => other,
    }
}

fn go_name(key: &str, of: &str) -> String {
    match (key, of) {
        ("cve", "cwes") => "Cve".to_owned(),
        ("imageID", _) => "ID".to_owned(),
        ("imageSize", _) => "Size".to_owned(),
        ("manifest", "target") => "RawManifest".to_owned(),
        ("config", "target") => "RawConfig".to_owned(),
        ("path", "locations") => "RealPath".to_owned(),
        ("layerID", _) => "FileSystemID".to_owned(),
        ("id" | "urls" | "cpes" | "purl" | "cwes" | "epss" | "cve" | "cwe" | "os" | "db", _) => {
            let upper = key.to_ascii_uppercase();
            match upper.as_str() {
                "URLS" => "URLs".to_owned(),
                "CPES" => "CPEs".to_owned(),
                "CWES" => "CWEs".to_owned(),
                _ => upper,
            }
        }
        ("idLike", _) => "IDLike".to_owned(),
        _ => key.split('-').map(capitalized).collect(),
    }
}

fn capitalized(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_have_go_names() {
        let value = json!({
            "matches": [{
                "vulnerability": {"id": "CVE-1", "dataSource": "x", "urls": [], "epss": [{"cve": "CVE-1", "epss": 1}],
                    "cwes": [{"cve": "CVE-1", "cwe": "CWE-1"}], "fix": {"versions": ["1"], "state": "fixed"}},
                "matchDetails": [{"searchedBy": {"cpes": []}, "found": {"vulnerabilityID": "CVE-1"}}],
                "artifact": {"purl": "pkg:npm/a", "locations": [{"path": "/a"}]},
            }],
            "descriptor": {"configuration": {"only-fixed": true}},
        });
        let want = json!({
            "Matches": [{
                "Vulnerability": {"ID": "CVE-1", "DataSource": "x", "URLs": [], "EPSS": [{"CVE": "CVE-1", "EPSS": 1}],
                    "CWEs": [{"Cve": "CVE-1", "CWE": "CWE-1"}], "Fix": {"Versions": ["1"], "State": "fixed"}},
                "MatchDetails": [{"SearchedBy": {"CPEs": []}, "Found": {"VulnerabilityID": "CVE-1"}}],
                "Artifact": {"PURL": "pkg:npm/a", "Locations": [{"RealPath": "/a"}]},
            }],
            "Descriptor": {"Configuration": {"only-fixed": true}},
        });
        assert_eq!(renamed(value, ""), want);
    }
}
