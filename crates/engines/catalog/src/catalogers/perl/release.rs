//! `perl-cpan-meta-cataloger`: distributions that are here as sources.

use super::meta::{Meta, Module};
use super::package;
use crate::catalogers::license_files;
use crate::{Assembly, Cataloger, Extraction, File, ParseError, UsedFor, View, Want};
use serde::Serialize;

/// Finds unpacked releases of CPAN.
pub(crate) struct CpanMeta;

/// The `cpan-unpacked-release` record of Syft's JSON schema 16.
#[derive(Serialize)]
struct Record {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    modules: Vec<Module>,
}

impl Cataloger for CpanMeta {
    fn name(&self) -> &'static str {
        "perl-cpan-meta-cataloger"
    }

    fn used_for(&self) -> UsedFor {
        UsedFor::Directory
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "declared", "language", "perl", "cpan"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Glob("**/META.{json,yml}")]
    }

    /// Files of this name belong to others too: one that can't be read is none.
    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        let Ok(meta) = Meta::parse(&file.text()) else { return Ok(()) };
        let (Some(name), Some(version)) = (meta.name.as_deref(), meta.version.as_deref()) else { return Ok(()) };
        if name.is_empty() || version.is_empty() {
            return Ok(());
        }
        let mut component = package(name, version, "");
        component.licenses = meta.licenses().iter().flat_map(|license| license_files::declared(license)).collect();
        component.set_metadata("cpan-unpacked-release", &Record { modules: meta.modules() })?;
        out.add(component);
        Ok(())
    }

    /// A release lists its files in `MANIFEST`. What an installer left behind is none.
    fn assemble(&self, view: &View<'_>, out: &mut Assembly) {
        for found in view.extractions() {
            let (folder, name) = found.file.path.rsplit_once('/').unwrap_or_default();
            let beside = |name: &str| view.file(&found, &format!("{folder}/{name}")).is_some();
            let is_left_behind = ["/.cpanm/work/", "/.cpan/build/"].iter().any(|part| found.file.path.contains(part));
            if !is_left_behind && beside("MANIFEST") && !(name == "META.yml" && beside("META.json")) {
                out.add_extracted(&found);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::CpanMeta;
    use crate::catalogers::testing::{catalogue, purls, record};

    #[test]
    fn releases() {
        let json = br#"{"name":"URI","version":"5.10","license":["perl_5"],"provides":{"URI::b":{"file":"b"},"URI":{"version":5.10}}}"#;
        let yaml = b"name: Old-Dist\nversion: 1.20\nlicense: perl\n";
        let files: [(&str, &[u8]); 9] = [
            ("/a/META.json", json),
            ("/a/META.yml", b"name: URI\nversion: 5.10\n"),
            ("/a/MANIFEST", b""),
            ("/b/META.yml", yaml),
            ("/b/MANIFEST", b""),
            ("/c/META.json", json),
            ("/x/.cpanm/work/1/URI/META.json", json),
            ("/x/.cpanm/work/1/URI/MANIFEST", b""),
            ("/d/META.json", b"{"),
        ];
        let document = catalogue(&CpanMeta, &files);
        assert_eq!(purls(&document), ["pkg:cpan/Old-Dist@1.20", "pkg:cpan/URI@5.10"]);
        assert_eq!(record(&document, "URI"), r#"{"modules":[{"name":"URI","version":"5.10"},{"name":"URI::b"}]}"#);
        assert_eq!(document.components[0].licenses[0].value, "perl");
    }
}
