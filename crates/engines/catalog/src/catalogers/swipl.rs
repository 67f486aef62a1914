//! SWI-Prolog: `pack.pl`, as Syft 1.57 reads it (`syft/pkg/cataloger/swipl`).

use super::license_files;
use crate::{Assembly, Cataloger, Extraction, File, ParseError, UsedFor, View, Want};
use purl::PackageUrl;
use regex::Regex;
use sbom::{Component, Language, PackageType};
use serde::Serialize;

/// Finds the packs that are here as sources.
pub(super) struct SwiplPack;

/// The `swiplpack-package` record of Syft's JSON schema 16.
#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct Record {
    name: String,
    version: String,
    author: String,
    author_email: String,
    packager: String,
    packager_email: String,
    homepage: String,
    /// Never filled in by the peer.
    dependencies: Option<Vec<String>>,
}

impl Cataloger for SwiplPack {
    fn name(&self) -> &'static str {
        "swipl-pack-cataloger"
    }

    fn used_for(&self) -> UsedFor {
        UsedFor::Directory
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "declared", "language", "swipl", "pack"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Glob("**/pack.pl")]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        let text = file.text();
        let pattern = |pattern: &str| Regex::new(pattern).map_err(|error| ParseError::malformed(error.to_string()));
        let first = |regex: Regex| Some(regex.captures(&text)?.get(1)?.as_str().to_owned());
        let name = first(pattern(r"name\(\s*'?([^')]+)'?\s*\)")?);
        let version = first(pattern(r"version\('([^']+)'\)")?);
        let (Some(name), Some(version)) = (name, version) else { return Ok(()) };
        let homepage = first(pattern(r"home\(\s*'([^']+)'\s*\)")?).unwrap_or_default();
        let mut record = Record { name, version, homepage, ..Record::default() };
        let people = pattern(r"(author|packager)\(\s*'([^']+)'\s*(?:,\s*'([^']+)'\s*)?\)")?;
        for found in people.captures_iter(&text) {
            let part = |index| found.get(index).map_or_else(String::new, |part| part.as_str().to_owned());
            if part(1) == "author" {
                (record.author, record.author_email) = (part(2), part(3));
            } else {
                (record.packager, record.packager_email) = (part(2), part(3));
            }
        }
        let mut component = Component::new(PackageType::Swipl, Language::Swipl, &record.name, &record.version);
        component.purl = PackageUrl::new("swiplpack", &record.name).version(&record.version).to_string();
        component.set_metadata("swiplpack-package", &record)?;
        out.add(component);
        Ok(())
    }

    fn assemble(&self, view: &View<'_>, out: &mut Assembly) {
        license_files::assemble(view, out);
    }
}

#[cfg(test)]
mod tests {
    use super::SwiplPack;
    use crate::catalogers::testing::{catalogue, purls, record};

    #[test]
    fn packs() {
        let pack = b"name(hdt).\nversion('0.5.2').\nauthor( 'Jan W', 'jan@example.org' ).\npackager('X', 'x@y').\nhome('https://hdt').\n";
        let document = catalogue(&SwiplPack, &[("/pack.pl", pack), ("/x/pack.pl", b"name(x).\n")]);
        assert_eq!(purls(&document), ["pkg:swiplpack/hdt@0.5.2"]);
        let expected = r#"{"name":"hdt","version":"0.5.2","author":"Jan W","authorEmail":"jan@example.org","packager":"X","packagerEmail":"x@y","homepage":"https://hdt","dependencies":null}"#;
        assert_eq!(record(&document, "hdt"), expected);
    }
}
