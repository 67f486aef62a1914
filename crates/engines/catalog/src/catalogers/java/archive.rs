//! `java-archive-cataloger`: the packages in an archive, and in the archives nested in it.

use super::package::{self, Contents};
use super::zip::{Archive, Entry};
use crate::catalogers::license_files;
use crate::{Cataloger, Extraction, File, ParseError, Want};
use sbom::{ComponentIndex, License, Location};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Archives in archives, counted from the file.
const MAX_DEPTH: usize = 16;
/// Entries of all archives of one file.
const MAX_ENTRIES: u64 = 2_000_000;
/// Inflated bytes of all archives of one file.
const MAX_INFLATED: u64 = 4 << 30;
/// One nested archive.
const MAX_ARCHIVE: u64 = 1 << 30;
/// One manifest, pom or licence.
const MAX_TEXT: u64 = 16 << 20;
/// Manifests, poms, licences and nested archives of one archive.
const MAX_RELEVANT: u64 = 100_000;

const EXTENSIONS: [&str; 13] =
    ["jar", "war", "ear", "par", "sar", "nar", "jpi", "hpi", "kar", "far", "lpkg", "rar", "zap"];

/// Finds Java packages in archives.
pub(crate) struct JavaArchive;

impl Cataloger for JavaArchive {
    fn name(&self) -> &'static str {
        "java-archive-cataloger"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "installed", "language", "java", "maven"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Glob("**/*.{jar,war,ear,par,sar,nar,jpi,hpi,kar,far,lpkg,rar,zap,zip}")]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        let mut walk = Walk { file, out, inflated: 0, entries: 0 };
        let place = Place { inner: String::new(), depth: 0, parent: None };
        if file.name().ends_with(".zip") { walk.wrapper(file.bytes, &place) } else { walk.archive(file.bytes, &place) }
    }
}

/// One pass over a file, and what it has cost.
struct Walk<'a> {
    file: &'a File<'a>,
    out: &'a mut Extraction,
    inflated: u64,
    entries: u64,
}

/// Where an archive lies.
struct Place {
    /// Path inside the file, `:` before each step; empty for the file itself.
    inner: String,
    depth: usize,
    /// The package of the archive around.
    parent: Option<ComponentIndex>,
}

/// The entries that matter, by name.
#[derive(Default)]
struct Relevant<'a> {
    manifests: BTreeMap<String, Entry<'a>>,
    properties: BTreeMap<String, Entry<'a>>,
    poms: BTreeMap<String, Entry<'a>>,
    /// Licence texts in `META-INF` and at the root.
    licenses: [BTreeMap<String, Entry<'a>>; 2],
    versions: BTreeMap<String, Entry<'a>>,
    nested: BTreeMap<String, Entry<'a>>,
}

impl Walk<'_> {
    /// An archive that is no package itself.
    fn wrapper(&mut self, bytes: &[u8], place: &Place) -> Result<(), ParseError> {
        let archive = Archive::open(bytes)?;
        let relevant = self.relevant(&archive, place)?;
        self.nested(&archive, &relevant, place, None);
        Ok(())
    }

    fn archive(&mut self, bytes: &[u8], place: &Place) -> Result<(), ParseError> {
        let before = self.out.components.len();
        let archive = Archive::open(bytes)?;
        let relevant = self.relevant(&archive, place)?;
        let main = self.packages(&archive, &relevant, bytes, place)?;
        self.nested(&archive, &relevant, place, main);
        if self.out.components.len() == before {
            return Err(ParseError::malformed("no package identified in archive"));
        }
        Ok(())
    }

    /// Adds the archive's own package and those that its poms name; answers with the former.
    fn packages(
        &mut self,
        archive: &Archive<'_>,
        relevant: &Relevant<'_>,
        bytes: &[u8],
        place: &Place,
    ) -> Result<Option<ComponentIndex>, ParseError> {
        let mut manifests = relevant.manifests.values();
        let Some(entry) = manifests.next() else { return Ok(None) };
        if manifests.next().is_some() {
            return Err(ParseError::malformed("more than one manifest"));
        }
        let Some(manifest) = self.text(archive, entry, place) else { return Ok(None) };
        let read_all = |walk: &mut Self, entries: &BTreeMap<String, Entry<'_>>| -> Vec<(String, Vec<u8>)> {
            let read =
                entries.iter().filter_map(|(name, entry)| Some((name.clone(), walk.text(archive, entry, place)?)));
            read.map(|(name, text)| (name, text.into_owned())).collect()
        };
        let virtual_path = format!("{}{}", self.file.path, place.inner);
        let contents = Contents {
            properties: read_all(self, &relevant.properties),
            poms: read_all(self, &relevant.poms),
            version: match relevant.versions.len() {
                1 => read_all(self, &relevant.versions).pop().map(|(_, text)| text),
                _ => None,
            },
            manifest: &manifest,
            virtual_path: &virtual_path,
            bytes,
        };
        let Some(found) = package::identify(&contents, || self.licenses(archive, relevant, place))? else {
            return Ok(None);
        };
        for (path, cause) in found.unread {
            self.report(place, &path, cause);
        }
        let mut add = |mut component: sbom::Component| {
            if !place.inner.is_empty() {
                let access_path = place.inner.clone();
                component.locations.push(Location { access_path, primary: true, ..Location::default() });
            }
            self.out.add(component)
        };
        let main = add(found.main);
        let others: Vec<_> = found.others.into_iter().map(add).collect();
        others.into_iter().for_each(|other| self.out.dependency(other, main));
        if let Some(parent) = place.parent {
            self.out.dependency(main, parent);
        }
        Ok(Some(main))
    }

    /// Licences from the texts in the archive: the known ones of `META-INF`, else of the root, else whatever is there.
    fn licenses(&mut self, archive: &Archive<'_>, relevant: &Relevant<'_>, place: &Place) -> Vec<License> {
        let mut unknown = Vec::new();
        for entries in &relevant.licenses {
            let mut known = Vec::new();
            for entry in entries.values() {
                let Some(text) = self.text(archive, entry, place) else { continue };
                let (recognised, other): (Vec<_>, Vec<_>) =
                    license_files::concluded(&text).into_iter().partition(license_files::is_recognised);
                known.extend(recognised);
                unknown.extend(other);
            }
            if !known.is_empty() {
                // Several texts often grant the same.
                known.sort_unstable();
                known.dedup();
                return known;
            }
        }
        unknown
    }

    fn nested(&mut self, archive: &Archive<'_>, relevant: &Relevant<'_>, place: &Place, main: Option<ComponentIndex>) {
        for (name, entry) in &relevant.nested {
            if place.depth + 1 > MAX_DEPTH {
                self.report(place, name, format!("more than {MAX_DEPTH} archives in one another, not looked into"));
                continue;
            }
            let Some(content) = self.content(archive, entry, place, MAX_ARCHIVE) else { continue };
            let inner = Place { inner: format!("{}:{name}", place.inner), depth: place.depth + 1, parent: main };
            if let Err(error) = self.archive(&content, &inner) {
                self.report(place, name, error.to_string());
            }
        }
    }

    fn relevant<'b>(&mut self, archive: &Archive<'b>, place: &Place) -> Result<Relevant<'b>, ParseError> {
        let mut relevant = Relevant::default();
        let mut kept = 0;
        for entry in archive.entries() {
            self.entries += 1;
            if self.entries > MAX_ENTRIES {
                return Err(ParseError::Limit { what: "entries in the archives of a file", limit: MAX_ENTRIES });
            }
            match entry {
                Ok(entry) => kept += u64::from(relevant.sort_in(entry)),
                Err(error) => self.report(place, "", error.to_string()),
            }
            if kept > MAX_RELEVANT {
                return Err(ParseError::Limit { what: "archives and poms in an archive", limit: MAX_RELEVANT });
            }
        }
        Ok(relevant)
    }

    fn text<'b>(&mut self, archive: &Archive<'b>, entry: &Entry<'b>, place: &Place) -> Option<Cow<'b, [u8]>> {
        self.content(archive, entry, place, MAX_TEXT)
    }

    /// The content of an entry, within the limits; what can't be read is reported.
    fn content<'b>(
        &mut self,
        archive: &Archive<'b>,
        entry: &Entry<'b>,
        place: &Place,
        limit: u64,
    ) -> Option<Cow<'b, [u8]>> {
        if self.inflated.saturating_add(entry.size) > MAX_INFLATED {
            let error = ParseError::Limit { what: "bytes in the archives of a file", limit: MAX_INFLATED };
            self.report(place, &entry.name, error.to_string());
            return None;
        }
        match archive.read(entry, limit) {
            Ok(content) => {
                if matches!(content.bytes, Cow::Owned(_)) {
                    self.inflated += entry.size;
                }
                if let Some(mismatch) = content.mismatch {
                    self.report(place, &entry.name, mismatch.to_owned());
                }
                Some(content.bytes)
            }
            Err(error) => {
                self.report(place, &entry.name, error.to_string());
                None
            }
        }
    }

    fn report(&mut self, place: &Place, name: &str, cause: String) {
        let path = format!("{}:{name}", place.inner);
        self.out.unknowns.push((path.trim_matches(':').to_owned(), cause));
    }
}

impl<'a> Relevant<'a> {
    /// Keeps the entry if it matters.
    fn sort_in(&mut self, entry: Entry<'a>) -> bool {
        let name = entry.name.clone();
        let path = name.strip_prefix('/').unwrap_or(&name);
        let (folder, base) = path.rsplit_once('/').unwrap_or(("", path));
        let extension = base.rsplit_once('.').map_or("", |(_, extension)| extension);
        let into = if path == "META-INF/MANIFEST.MF" {
            &mut self.manifests
        } else if base.ends_with("pom.properties") {
            &mut self.properties
        } else if base.ends_with("pom.xml") {
            &mut self.poms
        } else if EXTENSIONS.contains(&extension) {
            &mut self.nested
        } else if folder.is_empty() && base.eq_ignore_ascii_case("version.properties") {
            &mut self.versions
        } else if folder.eq_ignore_ascii_case("META-INF") && license_files::is_license_file(base) {
            let [meta_inf, _] = &mut self.licenses;
            meta_inf
        } else if folder.is_empty() && license_files::is_license_file(base) {
            let [_, root] = &mut self.licenses;
            root
        } else {
            return false;
        };
        // Later entries of a name win.
        into.insert(name.into_owned(), entry);
        true
    }
}

#[cfg(test)]
mod tests;
