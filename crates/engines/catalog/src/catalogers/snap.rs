//! Snaps: the lists of packages that went into base, kernel, gadget and snapd snaps.
//!
//! Follows Syft 1.57 (`syft/pkg/cataloger/snap`).

use super::{inflate, yaml};
use crate::{Assembly, Cataloger, Extraction, File, ParseError, View, Want};
use purl::PackageUrl;
use regex::Regex;
use sbom::{Component, Language, Location, PackageType};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};

/// Finds what snaps were made of.
pub(crate) struct Snap;

/// Syft's record.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    snap_type: &'static str,
    base: String,
    snap_name: String,
    snap_version: String,
    architecture: String,
}

/// The fields that are read of `dpkg.yaml`, `manifest.yaml` and `snapcraft.yaml`.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Yaml {
    name: String,
    version: String,
    base: String,
    architectures: Vec<String>,
    packages: Vec<String>,
    primed_stage_packages: Vec<String>,
    parts: BTreeMap<String, Part>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Part {
    build_packages: Vec<String>,
    stage_packages: Vec<String>,
    build_snaps: Vec<String>,
    stage_snaps: Vec<String>,
}

/// The peer's word for a version that is not stated.
const UNKNOWN: &str = "unknown";

impl Cataloger for Snap {
    fn name(&self) -> &'static str {
        "snap-cataloger"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "installed", "snap"]
    }

    fn wants(&self) -> &'static [Want] {
        &[
            Want::Glob("**/usr/share/snappy/dpkg.yaml"),
            Want::Glob("**/doc/linux-modules-*/changelog.Debian.gz"),
            Want::Glob("**/snap/manifest.yaml"),
            Want::Glob("**/snap/snapcraft.yaml"),
        ]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        if file.name() == "changelog.Debian.gz" {
            return kernel(file.bytes, out);
        }
        let yaml: Yaml = yaml::parse(&file.text())?;
        match file.name() {
            "dpkg.yaml" => base(&yaml, out),
            "manifest.yaml" => manifest(&yaml, out),
            _ => snapcraft(&yaml, out),
        }
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

/// A Debian package in a snap.
fn debian(name: &str, version: &str, record: &Record, out: &mut Extraction) -> Result<(), ParseError> {
    let purl = PackageUrl::new("deb", name).namespace("ubuntu").version(version);
    let purl = purl.qualifier("arch", &record.architecture).to_string();
    add(name, version, purl, record, out)
}

fn add(name: &str, version: &str, purl: String, record: &Record, out: &mut Extraction) -> Result<(), ParseError> {
    let mut component = Component::new(PackageType::Deb, Language::Unknown, name, version);
    component.set_metadata("snap-entry", record)?;
    component.purl = purl;
    out.add(component);
    Ok(())
}

/// Name, architecture where stated, and version of `libssl1.1:amd64=1.1.1f`.
fn pinned(entry: &str) -> Option<(&str, Option<&str>, &str)> {
    let (name, version) = entry.split_once('=')?;
    let (name, version) = (name.trim(), version.trim());
    if name.is_empty() || version.is_empty() {
        return None;
    }
    Some(match name.split_once(':') {
        Some((name, architecture)) => (name, Some(architecture), version),
        None => (name, None, version),
    })
}

fn base(yaml: &Yaml, out: &mut Extraction) -> Result<(), ParseError> {
    let mut record = Record { snap_type: "base", ..Record::default() };
    for (name, architecture, version) in yaml.packages.iter().filter_map(|entry| pinned(entry)) {
        if let Some(architecture) = architecture {
            // As with the peer, it also holds for the packages that follow.
            architecture.clone_into(&mut record.architecture);
        }
        debian(name, version, &record, out)?;
    }
    Ok(())
}

fn manifest(yaml: &Yaml, out: &mut Extraction) -> Result<(), ParseError> {
    let is_gadget = yaml.name.to_lowercase().contains("gadget");
    let record = record(yaml, if is_gadget { "gadget" } else { "app" });
    for (name, architecture, version) in yaml.primed_stage_packages.iter().filter_map(|entry| pinned(entry)) {
        let architecture = architecture.unwrap_or(&record.architecture).to_owned();
        debian(name, version, &Record { architecture, ..record.clone() }, out)?;
    }
    Ok(())
}

fn record(yaml: &Yaml, snap_type: &'static str) -> Record {
    Record {
        snap_type,
        base: yaml.base.clone(),
        snap_name: yaml.name.clone(),
        snap_version: yaml.version.clone(),
        architecture: yaml.architectures.first().cloned().unwrap_or_default(),
    }
}

fn snapcraft(yaml: &Yaml, out: &mut Extraction) -> Result<(), ParseError> {
    let record = record(yaml, "snapd");
    for part in yaml.parts.values() {
        for name in part.build_packages.iter().filter(|name| !name.is_empty()) {
            debian(name, UNKNOWN, &record, out)?;
        }
        for entry in part.stage_packages.iter().filter(|entry| !entry.is_empty()) {
            let (name, version) = constrained(entry);
            debian(name, version, &record, out)?;
        }
        for name in part.build_snaps.iter().chain(&part.stage_snaps).filter(|name| !name.is_empty()) {
            let record = Record {
                snap_type: "app",
                snap_name: name.clone(),
                snap_version: UNKNOWN.to_owned(),
                architecture: record.architecture.clone(),
                base: String::new(),
            };
            let purl = PackageUrl::new("generic", name).namespace("snap").version(UNKNOWN);
            let purl = purl.qualifier("arch", &record.architecture).qualifier("type", record.snap_type).to_string();
            add(name, UNKNOWN, purl, &record, out)?;
        }
    }
    Ok(())
}

/// Name and version of `libc6>=2.31`.
fn constrained(entry: &str) -> (&str, &str) {
    let operators = [">=", "<=", "==", "!=", "=", ">", "<"];
    let parts = operators.iter().find_map(|operator| entry.split_once(operator));
    parts.map_or((entry, UNKNOWN), |(name, version)| (name.trim(), version.trim()))
}

/// The changelog of a kernel's modules: its first line names the version, a later one the kernel that it is based on.
fn kernel(bytes: &[u8], out: &mut Extraction) -> Result<(), ParseError> {
    /// Ubuntu's have some 10 MB.
    const MAX_BYTES: u64 = 256 << 20;
    let pattern = |pattern: &str| Regex::new(pattern).map_err(|error| ParseError::malformed(error.to_string()));
    let mut lines = BufReader::new(inflate::reader(bytes)?.take(MAX_BYTES)).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let version = pattern(r"linux \((([0-9]+\.[0-9]+)\.[0-9]+-[0-9]+)\.([0-9]+)\)")?;
    let found = version.captures(&first).map(|found| found.extract());
    let Some((_, [base_version, major, release])) = found else {
        return Err(ParseError::malformed("the changelog names no kernel version"));
    };
    let record = Record { snap_type: "kernel", ..Record::default() };
    let image = |version: &str| format!("linux-image-{version}-generic");
    debian(&image(base_version), &format!("{base_version}.{release}"), &record, out)?;

    let mark = format!("{release}/linux:");
    let based_on = pattern(&format!(r"({}-[0-9]+)(\.[0-9]+)?", regex::escape(major)))?;
    for line in lines {
        let line = line?;
        if !line.contains(&mark) {
            continue;
        }
        if let Some(found) = based_on.captures(&line) {
            let (whole, short) = (found.get(0), found.get(1));
            let text = |part: Option<regex::Match<'_>>| part.map_or_else(String::new, |part| part.as_str().to_owned());
            debian(&image(&text(short)), &text(whole), &record, out)?;
        }
        break;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Snap, constrained};
    use crate::catalogers::testing::{catalogue, purls, record, unknowns};
    use std::io::Write;

    #[test]
    fn lists() {
        let mut changelog = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        changelog
            .write_all(b"linux (5.4.0-195.215) focal; urgency=medium\n\n  * focal/linux: 5.4-194.214 -proposed 215/linux: 5.4-10.11\n")
            .unwrap();
        let document = catalogue(
            &Snap,
            &[
                ("/usr/share/snappy/dpkg.yaml", b"packages:\n- adduser=3.1\n- gcc:amd64=10\n- bad\n- zlib=1\n"),
                (
                    "/snap/manifest.yaml",
                    b"name: pc\nversion: 24-0.1\nbase: core24\narchitectures: [amd64]\nprimed-stage-packages:\n- shim=1.2+3\n",
                ),
                (
                    "/x/snap/snapcraft.yaml",
                    b"name: snapd\nversion: 2.0\nparts:\n  a:\n    build-packages: [gcc]\n    stage-packages: [libc6>=2.31]\n    \
                      build-snaps: [go]\n",
                ),
                ("/usr/share/doc/linux-modules-5.4/changelog.Debian.gz", &changelog.finish().unwrap()),
                ("/y/snap/manifest.yaml", b"- not a map"),
            ],
        );
        assert_eq!(
            purls(&document),
            [
                "pkg:deb/ubuntu/adduser@3.1",
                "pkg:deb/ubuntu/gcc@10?arch=amd64",
                "pkg:deb/ubuntu/gcc@unknown",
                "pkg:generic/snap/go@unknown?type=app",
                "pkg:deb/ubuntu/libc6@2.31",
                "pkg:deb/ubuntu/linux-image-5.4-194-generic@5.4-194.214",
                "pkg:deb/ubuntu/linux-image-5.4.0-195-generic@5.4.0-195.215",
                "pkg:deb/ubuntu/shim@1.2%2B3?arch=amd64",
                "pkg:deb/ubuntu/zlib@1?arch=amd64",
            ]
        );
        assert_eq!(
            record(&document, "shim"),
            "{\"snapType\":\"app\",\"base\":\"core24\",\"snapName\":\"pc\",\"snapVersion\":\"24-0.1\",\
             \"architecture\":\"amd64\"}"
        );
        assert_eq!(unknowns(&document).len(), 1);
    }

    #[test]
    fn constraints() {
        for (entry, expected) in
            [("a", ("a", "unknown")), ("a>= 1", ("a", "1")), ("a=1", ("a", "1")), ("a<2", ("a", "2"))]
        {
            assert_eq!(constrained(entry), expected);
        }
    }
}
