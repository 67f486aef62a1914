//! Swift: `Package.resolved` and `Podfile.lock`, as Syft 1.57 reads them (`syft/pkg/cataloger/swift`).

use super::yaml;
use crate::{Cataloger, Extraction, File, ParseError, UsedFor, Want};
use purl::PackageUrl;
use sbom::{Component, Language, PackageType};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Finds the packages that Swift's package manager resolved.
pub(super) struct SwiftPackageManager;

/// Finds the pods that CocoaPods locked.
pub(super) struct Cocoapods;

impl Cataloger for SwiftPackageManager {
    fn name(&self) -> &'static str {
        "swift-package-manager-cataloger"
    }

    fn used_for(&self) -> UsedFor {
        UsedFor::Directory
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "declared", "language", "swift", "spm"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Glob("**/{Package.resolved,.package.resolved}")]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        let resolved: Resolved = serde_json::from_slice(file.bytes)?;
        let pins = match resolved.version {
            None => return Err(ParseError::malformed("no version found in Package.resolved file")),
            Some(1) => resolved.object.pins,
            Some(2 | 3) => resolved.pins,
            Some(other) => {
                return Err(ParseError::malformed(format!("unknown swift package manager version, {other}")));
            }
        };
        for Pin { name, location, state } in pins {
            let mut component = Component::new(PackageType::Swift, Language::Swift, &name, &state.version);
            let purl = PackageUrl::new("swift", &name).namespace(namespace(&location, &name)).version(&state.version);
            component.purl = purl.to_string();
            component.set_metadata("swift-package-manager-lock-entry", &Revision { revision: state.revision })?;
            out.add(component);
        }
        out.not_empty()
    }
}

#[derive(Deserialize)]
struct Resolved {
    version: Option<u64>,
    /// Of version 1.
    #[serde(default)]
    object: Object,
    #[serde(default)]
    pins: Vec<Pin>,
}

#[derive(Deserialize, Default)]
struct Object {
    #[serde(default)]
    pins: Vec<Pin>,
}

#[derive(Deserialize)]
struct Pin {
    #[serde(default, rename = "identity", alias = "package")]
    name: String,
    #[serde(default, alias = "repositoryURL")]
    location: String,
    #[serde(default)]
    state: State,
}

/// A pin on a branch has `null` for its version.
#[derive(Deserialize, Default)]
struct State {
    #[serde(default, deserialize_with = "or_default")]
    revision: String,
    #[serde(default, deserialize_with = "or_default")]
    version: String,
}

fn or_default<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// The `swift-package-manager-lock-entry` record of Syft's JSON schema 16.
#[derive(Serialize)]
struct Revision {
    revision: String,
}

/// `github.com/apple` of `https://github.com/apple/swift-nio.git`.
fn namespace<'a>(location: &'a str, name: &str) -> &'a str {
    let prefixes = ["https://", "http://", "git+ssh://", "ssh://"];
    let bare = prefixes.iter().fold(location, |bare, prefix| bare.strip_prefix(prefix).unwrap_or(bare));
    let bare = bare.strip_suffix(".git").unwrap_or(bare);
    match bare.rsplit_once('/') {
        Some((folder, last)) if !name.is_empty() && last.eq_ignore_ascii_case(name) => folder,
        _ => bare,
    }
}

impl Cataloger for Cocoapods {
    fn name(&self) -> &'static str {
        "cocoapods-cataloger"
    }

    fn used_for(&self) -> UsedFor {
        UsedFor::Directory
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "declared", "language", "swift", "cocoapods"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Glob("**/Podfile.lock")]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        let lock: PodfileLock = yaml::parse(&file.text())?;
        for pod in &lock.pods {
            let text = match pod {
                Pod::Alone(text) => text.as_str(),
                Pod::WithNeeds(needs) => needs.keys().next().map(String::as_str).unwrap_or_default(),
            };
            let (name, version) = text
                .split_once(' ')
                .ok_or_else(|| ParseError::malformed("malformed podfile.lock: pod has no version"))?;
            let version = version.strip_prefix('(').unwrap_or(version);
            let version = version.strip_suffix(')').unwrap_or(version);
            let checksum = lock
                .checksums
                .get(name.split('/').next().unwrap_or(name))
                .ok_or_else(|| ParseError::malformed("malformed podfile.lock: incomplete checksums"))?;
            let mut component = Component::new(PackageType::Cocoapods, Language::Swift, name, version);
            component.purl = PackageUrl::new("cocoapods", name).version(version).to_string();
            component.set_metadata("cocoa-podfile-lock-entry", &Checksum { checksum })?;
            out.add(component);
        }
        out.not_empty()
    }
}

#[derive(Deserialize)]
struct PodfileLock {
    #[serde(default, rename = "PODS")]
    pods: Vec<Pod>,
    /// By the name of the whole pod, without its part.
    #[serde(default, rename = "SPEC CHECKSUMS")]
    checksums: BTreeMap<String, String>,
}

/// `name (version)`, alone or as the key of a list of what it needs.
#[derive(Deserialize)]
#[serde(untagged)]
enum Pod {
    Alone(String),
    WithNeeds(BTreeMap<String, serde::de::IgnoredAny>),
}

/// The `cocoa-podfile-lock-entry` record of Syft's JSON schema 16.
#[derive(Serialize)]
struct Checksum<'a> {
    checksum: &'a str,
}

#[cfg(test)]
mod tests {
    use super::{Cocoapods, SwiftPackageManager};
    use crate::catalogers::testing::{catalogue, purls, record, unknowns};

    #[test]
    fn resolved_packages() {
        let first = br#"{"object":{"pins":[{"package":"swift-algorithms","repositoryURL":"https://github.com/apple/Swift-Algorithms.git","state":{"branch":null,"revision":"b14b","version":"1.0.0"}}]},"version":1}"#;
        let second = br#"{"pins":[{"identity":"alamo","kind":"remoteSourceControl","location":"git@github.com:x/alamo.git","state":{"branch":"main","revision":"c1"}}],"version":3}"#;
        let files: [(&str, &[u8]); 4] = [
            ("/a/Package.resolved", first),
            ("/b/.package.resolved", second),
            ("/c/Package.resolved", br#"{"version":4}"#),
            ("/d/Package.resolved", b"{}"),
        ];
        let document = catalogue(&SwiftPackageManager, &files);
        assert_eq!(
            purls(&document),
            ["pkg:swift/git%40github.com%3Ax/alamo", "pkg:swift/github.com/apple/swift-algorithms@1.0.0"]
        );
        assert_eq!(record(&document, "alamo"), r#"{"revision":"c1"}"#);
        assert_eq!(unknowns(&document).len(), 2);
    }

    #[test]
    fn pods() {
        let lock = b"PODS:\n  - GlossButtonNode (3.1.2):\n    - Texture/Core (~> 3)\n  - Texture/Core (3.1.0)\nSPEC CHECKSUMS:\n  GlossButtonNode: 4ea1\n  Texture: 2e8a\n";
        let document = catalogue(
            &Cocoapods,
            &[("/Podfile.lock", lock), ("/x/Podfile.lock", b"PODS:\n  - A (1)\n"), ("/y/Podfile.lock", b"PODS: []\n")],
        );
        assert_eq!(purls(&document), ["pkg:cocoapods/GlossButtonNode@3.1.2", "pkg:cocoapods/Texture%2FCore@3.1.0"]);
        assert_eq!(record(&document, "Texture/Core"), r#"{"checksum":"2e8a"}"#);
        assert_eq!(unknowns(&document).len(), 2);
    }
}
