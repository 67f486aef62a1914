//! Package files, `*.deb` and `*.ipk`: an ar archive of a tar with the facts and a tar with the files (deb(5)).

use super::copyright::{self, Copyright};
use super::files::{self, FileRecord};
use super::record::{component, declared_licenses};
use super::status::{self, Entry};
use crate::catalogers::inflate;
use crate::layer::tar::Walker;
use crate::{Cataloger, Extraction, File, ParseError, UsedFor, Want};
use foldhash::HashSet;
use sbom::{Distro, License};
use std::io::Read;

/// Reads package files.
pub(crate) struct DebArchive;

const AR_MAGIC: &[u8] = b"!<arch>\n";
const AR_HEADER_BYTES: usize = 60;
/// Bounds of the peer, all on decompressed bytes.
const MAX_CONTROL_BYTES: u64 = 16 << 20;
const MAX_DATA_BYTES: u64 = 2 << 30;
const MAX_COPYRIGHTS: usize = 1000;

impl Cataloger for DebArchive {
    fn name(&self) -> &'static str {
        "deb-archive-cataloger"
    }

    fn used_for(&self) -> UsedFor {
        UsedFor::Directory
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "declared", "os", "linux", "deb", "debian"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Glob("**/*.deb"), Want::Glob("**/*.ipk")]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        let control = member(file.bytes, b"control.tar")?;
        let (entry, files) = facts(control.ok_or_else(|| ParseError::malformed("no control.tar in the archive"))?)?;
        let data = member(file.bytes, b"data.tar")?;
        let licenses = match data.map(licenses) {
            Some(Ok(licenses)) if !licenses.is_empty() => licenses,
            Some(Err(error)) => {
                out.unknowns.push(("data.tar".to_owned(), error.to_string()));
                declared_licenses(&entry.license)
            }
            _ => declared_licenses(&entry.license),
        };
        // Packages of opkg are for systems that have no purl type.
        let debian = Distro { id_like: vec!["debian".to_owned()], ..Distro::default() };
        let distro = Some(&debian).filter(|_| !file.name().to_ascii_lowercase().ends_with(".ipk"));
        let mut component = component(&entry, files, "dpkg-archive-entry", distro)?;
        component.licenses = licenses;
        out.add(component);
        Ok(())
    }
}

/// The content of the first member whose name begins so.
fn member<'a>(archive: &'a [u8], name: &[u8]) -> Result<Option<&'a [u8]>, ParseError> {
    let damaged = || ParseError::malformed("not an ar archive, or a damaged one");
    let mut rest = archive.strip_prefix(AR_MAGIC).ok_or_else(damaged)?;
    while !rest.is_empty() {
        let (header, body) = rest.split_at_checked(AR_HEADER_BYTES).ok_or_else(damaged)?;
        let size = header.get(48..58).and_then(|size| std::str::from_utf8(size).ok()?.trim().parse::<usize>().ok());
        let (content, after) = size.and_then(|size| body.split_at_checked(size)).ok_or_else(damaged)?;
        if header.starts_with(name) {
            return Ok(Some(content));
        }
        rest = if content.len() % 2 == 0 { after } else { after.get(1..).unwrap_or_default() };
    }
    Ok(None)
}

/// The paragraph and, where there are any, the files.
fn facts(control: &[u8]) -> Result<(Entry, Option<Vec<FileRecord>>), ParseError> {
    let (mut entries, mut sums, mut config) = (Vec::new(), None, HashSet::default());
    let mut walker = Walker::new(inflate::reader(control)?.take(MAX_CONTROL_BYTES));
    let mut content = Vec::new();
    while let Some(entry) = walker.next_entry()? {
        let name = entry.path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        if !matches!(name, b"control" | b"md5sums" | b"conffiles") || entry.size_bytes > MAX_CONTROL_BYTES {
            continue;
        }
        walker.read_into(&entry, &mut content)?;
        let text = String::from_utf8_lossy(&content);
        match name {
            b"control" => status::parse(&text, &mut entries)?,
            b"md5sums" => sums = Some(files::md5sums(&text)),
            _ => config.extend(files::conffiles(&text).into_iter().map(|file| file.path)),
        }
    }
    for file in sums.iter_mut().flatten() {
        file.is_config = config.contains(&file.path);
    }
    let entry = entries.into_iter().next().ok_or_else(|| ParseError::malformed("no package in the control file"))?;
    Ok((entry, sums.filter(|sums: &Vec<FileRecord>| !sums.is_empty())))
}

/// The licences of the copyright files, as far as they are machine-readable.
fn licenses(data: &[u8]) -> Result<Vec<License>, ParseError> {
    let mut walker = Walker::new(inflate::reader(data)?.take(MAX_DATA_BYTES));
    let mut names = Vec::new();
    let mut content = Vec::new();
    let mut count = 0;
    while let Some(entry) = walker.next_entry()? {
        if !is_copyright(&entry.path) || entry.size_bytes > MAX_CONTROL_BYTES {
            continue;
        }
        count += 1;
        if count > MAX_COPYRIGHTS {
            return Err(ParseError::Limit { what: "copyright files", limit: MAX_COPYRIGHTS as u64 });
        }
        walker.read_into(&entry, &mut content)?;
        if let Copyright::Names(found) = copyright::parse(&content) {
            names.extend(found);
        }
    }
    Ok(crate::catalogers::os::declared(&names))
}

/// `./usr/share/doc/NAME/copyright`
fn is_copyright(path: &[u8]) -> bool {
    let path = path.strip_prefix(b".").unwrap_or(path);
    let name = path.strip_prefix(b"/usr/share/doc/").and_then(|path| path.strip_suffix(b"/copyright"));
    name.is_some_and(|name| !name.is_empty() && !name.contains(&b'/'))
}

#[cfg(test)]
mod tests {
    use super::DebArchive;
    use crate::catalogers::testing::{catalogue, purls, record, unknowns};
    use proptest::prelude::*;
    use std::process::Command;

    /// A package built by dpkg-deb; none, with the reason printed, where there is no dpkg-deb.
    fn package(compression: &str) -> Option<Vec<u8>> {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        let write = |path: &str, text: &str| {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write(
            "DEBIAN/control",
            "Package: tool\nVersion: 1:2.0-1\nArchitecture: all\nMaintainer: A <a@b>\nDescription: x\n",
        );
        write("DEBIAN/md5sums", "00ff  usr/bin/tool\n11ff  etc/tool.conf\n");
        write("DEBIAN/conffiles", "/etc/tool.conf\n");
        write("usr/bin/tool", "#!/bin/sh\n");
        write("etc/tool.conf", "a=b\n");
        let format = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n";
        write("usr/share/doc/tool/copyright", &format!("{format}License: MIT\nLicense: Expat\n"));
        let made = Command::new("dpkg-deb")
            .args(["--root-owner-group", compression, "--build", "root", "tool.deb"])
            .current_dir(&folder)
            .output();
        match made {
            Ok(output) if output.status.success() => Some(std::fs::read(folder.path().join("tool.deb")).unwrap()),
            other => {
                eprintln!("ignored: no package by dpkg-deb: {other:?}");
                None
            }
        }
    }

    #[test]
    fn package_files() {
        for compression in ["-Zgzip", "-Zxz", "-Zzstd", "-Znone"] {
            let Some(package) = package(compression) else {
                return;
            };
            let document =
                catalogue(&DebArchive, &[("/a/tool.deb", &package), ("/a/tool.IPK", b""), ("/b.ipk", &package)]);
            assert_eq!(purls(&document), ["pkg:deb/tool@1%3A2.0-1?arch=all", ""]);
            assert!(record(&document, "tool").ends_with(
                "\"files\":[{\"path\":\"/usr/bin/tool\",\"digest\":{\"algorithm\":\"md5\",\"value\":\"00ff\"},\
                 \"isConfigFile\":false},{\"path\":\"/etc/tool.conf\",\"digest\":{\"algorithm\":\"md5\",\
                 \"value\":\"11ff\"},\"isConfigFile\":true}]}"
            ));
            let licenses: Vec<&str> = document.components[0].licenses.iter().map(|l| l.value.as_str()).collect();
            assert_eq!(licenses, ["Expat", "MIT"]);
            let cut = catalogue(&DebArchive, &[("/a/tool.deb", &package[..package.len() - 200])]);
            assert_eq!(unknowns(&cut).len(), 1);
        }
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            catalogue(&DebArchive, &[("/a.deb", &bytes), ("/b.deb", &[b"!<arch>\n", &bytes[..]].concat())]);
        }
    }
}
