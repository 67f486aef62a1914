//! ELF files that say which package they are from, in a note (systemd.io, "Package Metadata for Executable Files").
//!
//! What is made of it follows Syft 1.57, `syft/pkg/cataloger/binary/elf_package*.go`.

use super::executable::Executable;
use crate::{Assembly, Cataloger, Extraction, File, ParseError, View, Want};
use foldhash::HashMap;
use purl::{PackageUrl, cpe};
use sbom::{Component, ComponentIndex, Language, License, Location, PackageType};
use serde::{Deserialize, Serialize};

/// Finds the packages that ELF files name.
pub(super) struct ElfPackage;

/// Before the text: the lengths of name and text, a kind, the name `FDO`.
const NOTE_HEADER_BYTES: usize = 16;
/// Longer than any such text.
const MAX_NOTE_BYTES: usize = 1 << 20;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Note {
    name: String,
    version: String,
    purl: String,
    cpe: String,
    license: String,
    #[serde(rename = "osCpe")]
    os_cpe: String,
    #[serde(flatten)]
    record: Record,
}

/// `elf-binary-package-note-json-payload`, fields in the order of Syft's schema.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
struct Record {
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    kind: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    architecture: String,
    #[serde(rename = "osCPE", skip_serializing_if = "String::is_empty")]
    os_cpe: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    app_cpe: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    os: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    os_version: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    system: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    vendor: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    source_repo: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    commit: String,
}

impl Cataloger for ElfPackage {
    fn name(&self) -> &'static str {
        "elf-binary-package-cataloger"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "declared", "installed", "binary", "elf-package", "elf"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Executable]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        if !file.bytes.starts_with(b"\x7fELF") {
            return Ok(());
        }
        let executable = Executable::parse(file.bytes);
        let Some(section) = executable.as_ref().and_then(|executable| executable.section(".note.package")) else {
            return Ok(());
        };
        if section.bytes.is_empty() {
            return Ok(());
        }
        let note = read(section.bytes)?;
        if note.name.is_empty() || note.version.is_empty() {
            return Ok(());
        }
        out.kept = format!("{}\n{}", note.purl, note.cpe).into_bytes();
        out.add(component(&note)?);
        Ok(())
    }

    /// Files that tell of the same package are evidence of one.
    fn assemble(&self, view: &View<'_>, out: &mut Assembly) {
        let mut known: HashMap<(&str, &str, &[u8]), usize> = HashMap::default();
        let mut all: Vec<(Component, Vec<Location>)> = Vec::new();
        for found in &view.extractions() {
            let Some(component) = found.body.components.first() else { continue };
            let key = (component.name.as_str(), component.version.as_str(), found.body.kept.as_slice());
            let index = *known.entry(key).or_insert(all.len());
            match all.get_mut(index) {
                Some((_, locations)) => locations.push(found.location()),
                None => all.push((component.clone(), vec![found.location()])),
            }
        }
        for (mut component, locations) in all {
            component.locations = locations;
            let _: ComponentIndex = out.add(component);
        }
    }
}

/// The text may stand alone or behind the header of a note.
fn read(section: &[u8]) -> Result<Note, ParseError> {
    if section.len() > MAX_NOTE_BYTES {
        return Err(ParseError::Limit { what: "bytes in a package note", limit: MAX_NOTE_BYTES as u64 });
    }
    let behind_header = || {
        let text = section.get(NOTE_HEADER_BYTES..)?;
        let end = text.iter().rposition(|byte| *byte != 0)?;
        serde_json::from_slice(text.get(..=end)?).ok()
    };
    let mut note: Note = match serde_json::from_slice(section) {
        Ok(note) => note,
        Err(error) => behind_header().ok_or(error)?,
    };
    if note.record.os_cpe.is_empty() {
        note.record.os_cpe.clone_from(&note.os_cpe);
    }
    Ok(note)
}

fn component(note: &Note) -> Result<Component, ParseError> {
    let (kind, purl_type) = match note.record.kind.as_str() {
        "rpm" => (PackageType::Rpm, "rpm"),
        "deb" => (PackageType::Deb, "deb"),
        "apk" => (PackageType::Apk, "apk"),
        "alpm" => (PackageType::Alpm, "alpm"),
        _ => (PackageType::Binary, "generic"),
    };
    let mut component = Component::new(kind, Language::Unknown, &note.name, &note.version);
    let (os, os_version) = operating_system(&note.record);
    let distro = if os_version.is_empty() { os.clone() } else { format!("{os}-{os_version}") };
    let namespace = if purl_type == "generic" || os.is_empty() { &note.record.system } else { &os };
    let purl = PackageUrl::new(purl_type, &note.name).namespace(namespace).version(&note.version);
    component.purl = if os.is_empty() { purl.to_string() } else { purl.qualifier("distro", distro).to_string() };
    if !note.license.is_empty() {
        component.licenses.push(License::declared(&note.license));
    }
    component.set_metadata("elf-binary-package-note-json-payload", &note.record)?;
    Ok(component)
}

/// Name and version: as given when both are, else from the CPE, else the name alone.
fn operating_system(record: &Record) -> (String, String) {
    let Record { os, os_version, os_cpe, .. } = record;
    if os_cpe.is_empty() || (!os.is_empty() && !os_version.is_empty()) {
        let version = if os.is_empty() { "" } else { os_version };
        return (os.clone(), version.to_owned());
    }
    let Ok(name) = os_cpe.parse::<cpe::Cpe>() else { return (String::new(), String::new()) };
    let text = |attribute: &cpe::Attribute| attribute.text().unwrap_or_default().into_owned();
    (text(&name.product), text(&name.version))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(json: &str, purl: &str) {
        let header = b"\x04\0\0\0\x40\0\0\0\x7e\x1a\xfe\xcaFDO\0";
        for section in [json.as_bytes().to_vec(), [header, json.as_bytes(), b"\0\0"].concat()] {
            assert_eq!(component(&read(&section).unwrap()).unwrap().purl, purl, "{json}");
        }
    }

    #[test]
    fn purls() {
        check(r#"{"name":"a/b","version":"1","system":"s"}"#, "pkg:generic/s/a%2Fb@1");
        check(r#"{"name":"a","version":"1","type":"rpm"}"#, "pkg:rpm/a@1");
        check(r#"{"name":"a","version":"1","type":"rpm","system":"s"}"#, "pkg:rpm/s/a@1");
        check(
            r#"{"name":"a","version":"1","type":"rpm","os":"fedora","osVersion":"40","osCpe":"cpe:/o:x:y:3"}"#,
            "pkg:rpm/fedora/a@1?distro=fedora-40",
        );
        check(
            r#"{"name":"a","version":"1","type":"deb","os":"fedora","osCPE":"cpe:/o:x:y:3"}"#,
            "pkg:deb/y/a@1?distro=y-3",
        );
        check(r#"{"name":"a","version":"1","type":"apk","os":"alpine"}"#, "pkg:apk/alpine/a@1?distro=alpine");
        check(r#"{"name":"a","version":"1","system":"s","osCPE":"%$#"}"#, "pkg:generic/s/a@1");
    }

    #[test]
    fn record() {
        let note = read(br#"{"type":"rpm","name":"a","version":"1","osCpe":"cpe:/o:x:y:3","vendor":"v"}"#).unwrap();
        let record = serde_json::to_string(&note.record).unwrap();
        assert_eq!(record, r#"{"type":"rpm","osCPE":"cpe:/o:x:y:3","vendor":"v"}"#);
    }

    proptest! {
        #[test]
        fn never_panics(section in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = read(&section).and_then(|note| component(&note));
        }
    }
}
