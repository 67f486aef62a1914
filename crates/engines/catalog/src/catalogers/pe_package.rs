//! Windows programs and libraries, known by their version resources (Syft 1.57,
//! `syft/pkg/cataloger/binary/pe_package*.go`).

use super::pe_resources::{self, tidy, version_words};
use crate::{Cataloger, Extraction, File, ParseError, Want};
use purl::PackageUrl;
use sbom::{Component, Language, PackageType};
use serde::Serialize;
use std::collections::BTreeMap;

/// Finds Windows programs and libraries that are not for .NET.
pub(super) struct PePackage;

/// `pe-binary`.
#[derive(Serialize)]
struct Record<'a> {
    /// The peer writes null for none.
    #[serde(rename = "VersionResources")]
    version_resources: Option<Vec<KeyValue<'a>>>,
}

#[derive(Serialize)]
struct KeyValue<'a> {
    key: &'a str,
    value: String,
}

impl Cataloger for PePackage {
    fn name(&self) -> &'static str {
        "pe-binary-package-cataloger"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "declared", "installed", "binary", "pe-package", "pe", "dll", "exe", "bpl"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Glob("**/*.{dll,exe,bpl,DLL,EXE,BPL}")]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        let info = pe_resources::read(file.bytes).ok_or_else(|| ParseError::malformed("not a PE file"))?;
        if info.is_dotnet {
            return Ok(());
        }
        if let Some(gap) = info.gap {
            out.unknowns.push((String::new(), gap.to_owned()));
        }
        out.add(component(&info.version, file.name())?);
        Ok(())
    }
}

fn component(strings: &BTreeMap<String, String>, file_name: &str) -> Result<Component, ParseError> {
    let get = |key: &str| strings.get(key).map(|value| tidy(value)).unwrap_or_default();
    let mut versions = ["ProductVersion", "FileVersion"].into_iter().map(|key| version_words(strings.get(key)));
    let version = versions.find(|version| !version.is_empty()).unwrap_or_default();
    let name = pe_resources::name(strings, file_name);
    let mut component = Component::new(PackageType::Binary, Language::Unknown, name, &version);
    let product = Some(get("ProductName")).filter(|name| !name.is_empty()).unwrap_or_else(|| get("FileDescription"));
    if !version.is_empty() && product.to_lowercase().contains("ghostscript") {
        component.purl = PackageUrl::new("generic", "ghostscript").version(&version).to_string();
    }
    let values = strings.iter().filter(|(_, value)| !value.is_empty());
    let values: Vec<KeyValue<'_>> = values.map(|(key, value)| KeyValue { key, value: tidy(value) }).collect();
    let version_resources = (!values.is_empty()).then_some(values);
    component.set_metadata("pe-binary", &Record { version_resources })?;
    Ok(component)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(strings: &[(&str, &str)], name: &str, version: &str, purl: &str) {
        let strings = strings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let component = component(&strings, "tool.exe").unwrap();
        assert_eq!(
            (component.name.as_str(), component.version.as_str(), component.purl.as_str()),
            (name, version, purl)
        );
    }

    #[test]
    fn names_and_versions() {
        check(&[], "tool", "", "");
        check(&[("ProductName", "JRuby"), ("FileVersion", "9.3")], "JRuby", "9.3", "");
        check(&[("ProductName", " "), ("FileDescription", "a\u{a0} b\0")], "a b", "", "");
        check(&[("CompanyName", "Microsoft"), ("ProductName", "W"), ("FileDescription", "D")], "D", "", "");
        check(&[("ProductVersion", "1.2 (build 3) for all"), ("FileVersion", "4")], "tool", "1.2", "");
        check(&[("ProductVersion", "v 1.2 b3 x")], "tool", "v 1.2 b3", "");
        check(
            &[("ProductName", "GPL Ghostscript"), ("ProductVersion", "9.54.0")],
            "GPL Ghostscript",
            "9.54.0",
            "pkg:generic/ghostscript@9.54.0",
        );
    }

    #[test]
    fn not_pe() {
        let mut out = Extraction::default();
        assert!(PePackage.extract(&File { path: "/a.dll", mode: 0, bytes: b"MZ" }, &mut out).is_err());
    }
}
