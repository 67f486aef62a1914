//! Applications of macOS: `Info.plist` of a bundle, as Syft 1.57 reads it (`syft/pkg/cataloger/apple`).

mod plist;

use crate::{Cataloger, Extraction, File, ParseError, Want};
use plist::Value;
use sbom::{Component, Language, PackageType};
use serde::Serialize;

/// Finds application bundles.
pub(super) struct AppBundle;

/// The `apple-app-bundle-entry` record of Syft's JSON schema 16.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    bundle_identifier: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    display_name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    executable: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    short_version: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    version: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    package_type: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    supported_platforms: Vec<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    minimum_system_version: &'a str,
    #[serde(rename = "minimumOSVersion", skip_serializing_if = "str::is_empty")]
    minimum_os_version: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    copyright: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    platform_name: &'a str,
    #[serde(rename = "sdkName", skip_serializing_if = "str::is_empty")]
    sdk_name: &'a str,
}

impl Cataloger for AppBundle {
    fn name(&self) -> &'static str {
        "apple-app-bundle-cataloger"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "installed", "apple"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Glob("**/*.app/Contents/Info.plist")]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        let info = plist::parse(file.bytes)?;
        let text = |key: &str| info.get(key).map_or("", Value::text);
        let record = Record {
            bundle_identifier: text("CFBundleIdentifier"),
            name: text("CFBundleName"),
            display_name: text("CFBundleDisplayName"),
            executable: text("CFBundleExecutable"),
            short_version: text("CFBundleShortVersionString"),
            version: text("CFBundleVersion"),
            package_type: text("CFBundlePackageType"),
            supported_platforms: info.get("CFBundleSupportedPlatforms").map(Value::texts).unwrap_or_default(),
            minimum_system_version: text("LSMinimumSystemVersion"),
            minimum_os_version: text("MinimumOSVersion"),
            copyright: text("NSHumanReadableCopyright"),
            platform_name: text("DTPlatformName"),
            sdk_name: text("DTSDKName"),
        };
        let first = |texts: &[&str]| texts.iter().find(|text| !text.is_empty()).map_or("", |text| *text).to_owned();
        let name = first(&[record.display_name, record.name, record.executable, record.bundle_identifier]);
        let version = first(&[record.short_version, record.version]);
        if name.is_empty() || version.is_empty() {
            return Ok(());
        }
        // Package URLs have no type for bundles.
        let mut component = Component::new(PackageType::AppleAppBundle, Language::Unknown, name, version);
        component.set_metadata("apple-app-bundle-entry", &record)?;
        out.add(component);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::AppBundle;
    use crate::catalogers::testing::{catalogue, record, unknowns};

    #[test]
    fn bundles() {
        let xml = br#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><dict>
<key>CFBundleName</key><string>A &amp; B</string>
<key>CFBundleDocumentTypes</key><array><dict><key>CFBundleName</key><string>inner</string></dict></array>
<key>LSUIElement</key><true/>
<key>CFBundleSupportedPlatforms</key><array><string>MacOSX</string></array>
<key>CFBundleVersion</key><string>1.3</string>
</dict></plist>"#;
        // Trailing parts: two keys, two texts, the dictionary; offsets of one byte.
        let mut binary = b"bplist00\x5cCFBundleName\x5f\x10\x0fCFBundleVersion\x51x\x519\xd2\x00\x01\x02\x03".to_vec();
        let offsets = binary.len();
        binary.extend([8, 21, 39, 41, 43]);
        binary.extend([0, 0, 0, 0, 0, 0, 1, 1]);
        for number in [5_u64, 4, offsets as u64] {
            binary.extend(number.to_be_bytes());
        }
        let files: [(&str, &[u8]); 4] = [
            ("/Applications/A.app/Contents/Info.plist", xml),
            ("/Applications/B.app/Contents/Info.plist", &binary),
            ("/Applications/C.app/Contents/Info.plist", b"<plist><dict/></plist>"),
            ("/Applications/D.app/Contents/Info.plist", b"no list"),
        ];
        let document = catalogue(&AppBundle, &files);
        assert_eq!(record(&document, "A & B"), r#"{"name":"A & B","version":"1.3","supportedPlatforms":["MacOSX"]}"#);
        assert_eq!(record(&document, "x"), r#"{"name":"x","version":"9"}"#);
        assert_eq!(document.components.len(), 2);
        assert_eq!(unknowns(&document).len(), 1);
    }
}
