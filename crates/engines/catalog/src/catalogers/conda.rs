//! Conda: what is installed in an environment, as Syft 1.57 reads it (`syft/pkg/cataloger/conda`).

use super::license_files;
use crate::{Assembly, Cataloger, Extraction, File, ParseError, UsedFor, View, Want};
use sbom::{Component, Language, Location, PackageType};
use serde::{Deserialize, Deserializer, Serialize};

/// Finds the packages of Conda environments.
pub(super) struct CondaMeta;

/// The `conda-metadata-entry` record of Syft's JSON schema 16, and the same fields in the file.
#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct Record {
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    arch: String,
    #[serde(deserialize_with = "or_default")]
    name: String,
    #[serde(deserialize_with = "or_default")]
    version: String,
    #[serde(deserialize_with = "or_default")]
    build: String,
    build_number: i64,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    channel: String,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    subdir: String,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    noarch: String,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    license: String,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    license_family: String,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    md5: String,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    sha256: String,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_zero")]
    size: i64,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_zero")]
    timestamp: i64,
    #[serde(rename = "fn", deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    file_name: String,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    url: String,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    extracted_package_dir: String,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    depends: Vec<String>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    files: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    paths_data: Option<Paths>,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<Link>,
}

#[derive(Serialize, Deserialize)]
struct Paths {
    #[serde(default)]
    paths_version: i64,
    #[serde(default)]
    paths: Vec<Path>,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct Path {
    #[serde(rename = "_path")]
    path: String,
    path_type: String,
    sha256: String,
    sha256_in_prefix: String,
    size_in_bytes: i64,
}

#[derive(Serialize, Deserialize)]
struct Link {
    #[serde(default)]
    source: String,
    #[serde(default, rename = "type")]
    kind: i64,
}

fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

impl Cataloger for CondaMeta {
    fn name(&self) -> &'static str {
        "conda-meta-cataloger"
    }

    fn used_for(&self) -> UsedFor {
        UsedFor::Directory
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "installed", "conda"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Glob("**/conda-meta/*.json")]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        let record: Record = serde_json::from_slice(file.bytes)?;
        let mut component = Component::new(PackageType::Conda, Language::Unknown, &record.name, &record.version);
        component.licenses = license_files::declared(&record.license);
        component.set_metadata("conda-metadata-entry", &record)?;
        out.add(component);
        Ok(())
    }

    fn assemble(&self, view: &View<'_>, out: &mut Assembly) {
        for found in view.extractions() {
            // The peer does not say what kind of evidence the file is.
            let location = Location { primary: false, unannotated: true, ..found.location() };
            for component in &found.body.components {
                out.add(Component { locations: vec![location.clone()], ..component.clone() });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::CondaMeta;
    use crate::catalogers::testing::{catalogue, record, unknowns};

    #[test]
    fn environments() {
        let meta = br#"{"name":"zlib","version":"1.2.11","build":"h1","build_number":1009,"license":"Zlib","size":0,"noarch":null,
            "files":["lib/libz.so"],"paths_data":{"paths":[{"_path":"lib/libz.so","path_type":"hardlink","size_in_bytes":5}],"paths_version":1},
            "link":{"source":"/p","type":1},"constrains":[]}"#;
        let document = catalogue(&CondaMeta, &[("/env/conda-meta/zlib.json", meta), ("/env/conda-meta/x.json", b"[")]);
        let expected = r#"{"name":"zlib","version":"1.2.11","build":"h1","build_number":1009,"license":"Zlib","files":["lib/libz.so"],"paths_data":{"paths_version":1,"paths":[{"_path":"lib/libz.so","path_type":"hardlink","sha256":"","sha256_in_prefix":"","size_in_bytes":5}]},"link":{"source":"/p","type":1}}"#;
        assert_eq!(record(&document, "zlib"), expected);
        assert_eq!(document.components[0].licenses[0].value, "Zlib");
        assert_eq!(unknowns(&document).len(), 1);
    }
}
