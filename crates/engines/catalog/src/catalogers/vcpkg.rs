//! vcpkg: `vcpkg.json`, as Syft 1.57 reads it when it may not ask registries (`syft/pkg/cataloger/cpp`).

use super::license_files;
use crate::{Cataloger, Extraction, File, ParseError, UsedFor, Want};
use purl::PackageUrl;
use sbom::{Component, Language, PackageType};
use serde::{Deserialize, Serialize};

/// Finds the projects that a manifest describes.
pub(super) struct VcpkgManifest;

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "kebab-case")]
struct Manifest {
    name: String,
    version: String,
    version_semver: String,
    version_date: String,
    version_string: String,
    port_version: u64,
    description: Option<Lines>,
    documentation: String,
    license: Option<String>,
    maintainers: Option<Lines>,
    supports: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Lines {
    One(String),
    Many(Vec<String>),
}

/// The `vcpkg-manifest` record of Syft's JSON schema 16.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Record<'a> {
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    description: &'a [String],
    #[serde(skip_serializing_if = "str::is_empty")]
    documentation: &'a str,
    full_version: &'a str,
    version: &'a str,
    port_version: u64,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    maintainers: &'a [String],
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    supports: &'a str,
}

impl Cataloger for VcpkgManifest {
    fn name(&self) -> &'static str {
        "vcpkg-manifest-cataloger"
    }

    fn used_for(&self) -> UsedFor {
        UsedFor::Directory
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "declared", "language", "cpp", "vcpkg"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Glob("**/vcpkg.json")]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        let manifest: Manifest = serde_json::from_slice(file.bytes)?;
        let versions = [&manifest.version, &manifest.version_semver, &manifest.version_date, &manifest.version_string];
        let version = versions.into_iter().find(|version| !version.is_empty()).map_or("", String::as_str);
        let port = if manifest.port_version == 0 { String::new() } else { manifest.port_version.to_string() };
        let full = if port.is_empty() { version.to_owned() } else { format!("{version}#{port}") };
        let mut component = Component::new(PackageType::Vcpkg, Language::Cpp, &manifest.name, &full);
        let purl = PackageUrl::new("vcpkg", &manifest.name).version(version);
        component.purl = purl.qualifier("port_revision", port).to_string();
        component.licenses = manifest.license.iter().flat_map(|license| license_files::declared(license)).collect();
        let record = Record {
            description: lines(manifest.description.as_ref()),
            documentation: &manifest.documentation,
            full_version: &full,
            version,
            port_version: manifest.port_version,
            maintainers: lines(manifest.maintainers.as_ref()),
            name: &manifest.name,
            supports: &manifest.supports,
        };
        component.set_metadata("vcpkg-manifest", &record)?;
        out.add(component);
        Ok(())
    }
}

fn lines(lines: Option<&Lines>) -> &[String] {
    match lines {
        Some(Lines::One(line)) => std::slice::from_ref(line),
        Some(Lines::Many(lines)) => lines,
        None => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::VcpkgManifest;
    use crate::catalogers::testing::{catalogue, purls, record};

    #[test]
    fn manifests() {
        let port = br#"{"name":"fmt","version-semver":"1.2.0","port-version":3,"description":["a","b"],"license":"MIT","dependencies":["x",{"name":"y"}]}"#;
        let files: [(&str, &[u8]); 2] =
            [("/vcpkg.json", br#"{"name":"app","license":null}"#), ("/fmt/vcpkg.json", port)];
        let document = catalogue(&VcpkgManifest, &files);
        assert_eq!(purls(&document), ["pkg:vcpkg/app", "pkg:vcpkg/fmt@1.2.0?port_revision=3"]);
        let expected =
            r#"{"description":["a","b"],"full-version":"1.2.0#3","version":"1.2.0","port-version":3,"name":"fmt"}"#;
        assert_eq!(record(&document, "fmt"), expected);
        assert_eq!(document.components[1].version, "1.2.0#3");
    }
}
