//! OCaml: `opam` files, as Syft 1.57 reads them (`syft/pkg/cataloger/ocaml`).

use super::license_files;
use crate::{Cataloger, Extraction, File, ParseError, UsedFor, Want};
use purl::PackageUrl;
use regex::Regex;
use sbom::{Component, Language, PackageType};
use serde::Serialize;

/// Finds the packages that are here as sources.
pub(super) struct Opam;

/// The `opam-package` record of Syft's JSON schema 16; `null` for what is not stated, as the peer writes it.
#[derive(Serialize, Default)]
struct Record {
    name: String,
    version: String,
    licenses: Option<Vec<String>>,
    url: String,
    checksum: Option<Vec<String>>,
    homepage: String,
    /// Never filled in by the peer.
    dependencies: Option<Vec<String>>,
}

impl Cataloger for Opam {
    fn name(&self) -> &'static str {
        "opam-cataloger"
    }

    fn used_for(&self) -> UsedFor {
        UsedFor::Directory
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "declared", "language", "ocaml", "opam"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Glob("**/*opam")]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        let text = file.text();
        let first = |pattern: &str| -> Result<Option<String>, ParseError> {
            let regex = Regex::new(pattern).map_err(|error| ParseError::malformed(error.to_string()))?;
            Ok(regex.captures(&text).and_then(|found| Some(found.get(1)?.as_str().to_owned())))
        };
        if first(r#"(?m)opam-version:\s*"([0-9]+\.[0-9]+)""#)?.is_none() {
            return Ok(());
        }
        // `name.version/opam`, or `name.opam` with the version inside.
        let (name, version) = if file.name() == "opam" {
            let folder = file.path.rsplit('/').nth(1).unwrap_or_default();
            let (name, version) = folder.split_once('.').unwrap_or((folder, ""));
            (name.to_owned(), version.to_owned())
        } else {
            let version = first(r#"(?m)^version:\s*"([^"]*)""#)?;
            (file.name().replacen(".opam", "", 1), version.unwrap_or_default())
        };
        let (url, checksum) = match first(r"(?m)url\s*\{([^}]+)\}")? {
            Some(section) => source(&section)?,
            None => Default::default(),
        };
        let licenses = first(r#"(?m)^license:\s*((?:"[^"]*")|(?:\[[^\]]*\]))"#)?.map(|value| licenses(&value));
        let homepage = first(r#"(?m)homepage:\s*"([^"]+)""#)?.unwrap_or_default();
        let record = Record { name, version, licenses, url, checksum, homepage, dependencies: None };
        let mut component = Component::new(PackageType::Opam, Language::Ocaml, &record.name, &record.version);
        component.purl = PackageUrl::new("opam", &record.name).version(&record.version).to_string();
        let declared = record.licenses.iter().flatten();
        component.licenses = declared.flat_map(|license| license_files::declared(license)).collect();
        component.set_metadata("opam-package", &record)?;
        out.add(component);
        Ok(())
    }
}

/// `"MIT"`, or a list as JSON writes it.
fn licenses(value: &str) -> Vec<String> {
    match value.strip_prefix('"').and_then(|value| value.strip_suffix('"')) {
        Some(license) => vec![license.to_owned()],
        None => serde_json::from_str(value).unwrap_or_default(),
    }
}

/// Address and digests of a `url` section.
fn source(section: &str) -> Result<(String, Option<Vec<String>>), ParseError> {
    let regex = |pattern: &str| Regex::new(pattern).map_err(|error| ParseError::malformed(error.to_string()));
    let url =
        regex(r#"(?m)src:\s*"(.*)""#)?.captures(section).and_then(|found| Some(found.get(1)?.as_str().to_owned()));
    let Some(url) = url else { return Ok(Default::default()) };
    let checksum =
        regex(r#"(?m)checksum:\s*("[^"]*"|\[\s*((?:"[^"]*"\s*)+)\])"#)?.captures(section).and_then(|found| {
            let text = found.get(2).or_else(|| found.get(1))?.as_str();
            Some(text.split_whitespace().map(|item| item.replace('"', "")).collect())
        });
    Ok((url, checksum))
}

#[cfg(test)]
mod tests {
    use super::Opam;
    use crate::catalogers::testing::{catalogue, purls, record};

    #[test]
    fn packages() {
        let first = b"opam-version: \"2.0\"\nversion: \"0.4.1\"\nlicense: \"ISC\"\nhomepage: \"https://alcotest\"\nurl {\n  src: \"https://alcotest.tbz\"\n  checksum: [\n    \"sha256=a\"\n    \"sha512=b\"\n  ]\n}\n";
        let second = b"opam-version: \"2.0\"\nlicense: [\"MIT\" \"ISC\"]\nurl {\n  src: \"https://u\"\n  checksum: \"md5=c\"\n}\n";
        let document = catalogue(
            &Opam,
            &[("/a/alcotest.opam", first), ("/b/ocaml.4.02.1/opam", second), ("/c/x.opam", b"version: \"1\"\n")],
        );
        assert_eq!(purls(&document), ["pkg:opam/alcotest@0.4.1", "pkg:opam/ocaml@4.02.1"]);
        let expected = r#"{"name":"alcotest","version":"0.4.1","licenses":["ISC"],"url":"https://alcotest.tbz","checksum":["sha256=a","sha512=b"],"homepage":"https://alcotest","dependencies":null}"#;
        assert_eq!(record(&document, "alcotest"), expected);
        let expected = r#"{"name":"ocaml","version":"4.02.1","licenses":[],"url":"https://u","checksum":["md5=c"],"homepage":"","dependencies":null}"#;
        assert_eq!(record(&document, "ocaml"), expected);
    }
}
