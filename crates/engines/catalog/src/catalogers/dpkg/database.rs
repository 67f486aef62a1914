//! The databases of installed packages of dpkg and opkg.

use super::copyright::{self, Copyright};
use super::files::{self, FileRecord};
use super::record::{self, declared_licenses};
use super::status::{self, Entry};
use crate::catalogers::os::Links;
use crate::{Assembly, Cataloger, Extraction, File, Found, ParseError, View, Want};
use sbom::{ComponentIndex, FileKind, License, LicenseOrigin, Location};

/// Finds what dpkg and opkg installed, also in the split database of distroless images.
pub(crate) struct DpkgDatabase;

/// What a wanted file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Status,
    /// `md5sums` or `conffiles`, kept as they are.
    List,
    Copyright,
}

fn role(path: &str) -> Role {
    match path.rsplit('/').next().unwrap_or_default() {
        "copyright" => Role::Copyright,
        name if name.ends_with(".md5sums") || name.ends_with(".conffiles") => Role::List,
        _ => Role::Status,
    }
}

impl Cataloger for DpkgDatabase {
    fn name(&self) -> &'static str {
        "dpkg-db-cataloger"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "installed", "os", "linux", "dpkg", "debian"]
    }

    fn wants(&self) -> &'static [Want] {
        &[
            Want::Glob("**/lib/dpkg/status"),
            Want::Glob("**/lib/dpkg/status.d/*"),
            Want::Glob("**/lib/opkg/status"),
            Want::Glob("**/lib/opkg/info/*.control"),
            Want::Glob("**/lib/{dpkg,opkg}/info/*.{md5sums,conffiles}"),
            Want::Glob("**/lib/dpkg/status.d/info/*.conffiles"),
            Want::Glob("usr/share/doc/*/copyright"),
        ]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        match role(file.path) {
            Role::List => out.kept = file.bytes.to_vec(),
            Role::Copyright => out.kept = pack(&copyright::parse(file.bytes))?,
            Role::Status => {
                let mut entries = Vec::new();
                let result = status::parse(&file.text(), &mut entries);
                out.kept = if entries.is_empty() { Vec::new() } else { pack(&entries)? };
                result?;
                if entries.is_empty() {
                    return Err(ParseError::malformed("unable to determine packages"));
                }
            }
        }
        Ok(())
    }

    fn assemble(&self, view: &View<'_>, out: &mut Assembly) {
        let databases: Vec<(Found<'_>, Vec<Entry>)> = view
            .extractions()
            .into_iter()
            .filter(|found| role(&found.file.path) == Role::Status)
            .filter_map(|found| Some((found, postcard::from_bytes(&found.body.kept).ok()?)))
            .collect();
        let Some((first, _)) = databases.first() else {
            return;
        };
        let mut links = Links::default();
        for (found, entries) in &databases {
            let database = Database::new(view, *found);
            for entry in entries {
                match database.add(entry, out) {
                    Ok(component) => link(component, entry, &mut links),
                    Err(error) => out.unknown(found, error.to_string()),
                }
            }
        }
        links.resolve(first, out);
    }
}

fn pack<T: serde::Serialize>(value: &T) -> Result<Vec<u8>, ParseError> {
    postcard::to_allocvec(value).map_err(|error| ParseError::malformed(error.to_string()))
}

fn link<'a>(component: ComponentIndex, entry: &'a Entry, links: &mut Links<'a>) {
    links.provide(component, &entry.package);
    for provided in &entry.provides {
        links.provide(component, bare(provided));
    }
    for alternatives in entry.depends.iter().chain(&entry.pre_depends) {
        for alternative in alternatives.split('|') {
            links.require(component, bare(alternative));
        }
    }
}

/// The name in `libc6:any (>= 2.36) [amd64]`. The peer keeps `:any`, so that it finds no package for it; not followed.
fn bare(relation: &str) -> &str {
    relation.split(['[', '(', '<', '>', '=', ':']).next().unwrap_or_default().trim()
}

/// One database and the files beside it.
struct Database<'a, 'v> {
    view: &'v View<'a>,
    found: Found<'a>,
    /// The folder of the database.
    folder: &'a str,
    /// The folder of the lists: itself in distroless images.
    info: String,
    /// Files in `info`, by path.
    related: Vec<Location>,
}

impl<'a, 'v> Database<'a, 'v> {
    fn new(view: &'v View<'a>, found: Found<'a>) -> Self {
        let folder = found.file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let info = if folder.ends_with("status.d") { folder.to_owned() } else { format!("{folder}/info") };
        let depth = info.len() + 1;
        let files = view.under(&found, &info).into_iter().filter(|(file, _)| {
            let direct = file.path.get(depth..).is_some_and(|name| !name.contains('/'));
            direct && matches!(file.kind, FileKind::Regular | FileKind::HardLink)
        });
        let location = |(file, layer): (&sbom::FileFact, _)| Location {
            path: file.path.clone(),
            access_path: file.path.clone(),
            layer,
            unannotated: true,
            ..Location::default()
        };
        let related = files.map(location).collect();
        Self { view, found, folder, info, related }
    }

    fn add(&self, entry: &Entry, out: &mut Assembly) -> Result<ComponentIndex, serde_json::Error> {
        let sums = self.list(&self.info, entry, "md5sums");
        let config = self.list(&format!("{}/info", self.folder), entry, "conffiles");
        let records = |list: &Option<(Found<'a>, String)>, read: fn(&str) -> Vec<FileRecord>| {
            list.as_ref().map_or_else(Vec::new, |(list, _)| read(&String::from_utf8_lossy(&list.body.kept)))
        };
        let owned =
            files::merge([entry.files.clone(), records(&sums, files::md5sums), records(&config, files::conffiles)]);
        let mut component = record::component(entry, Some(owned), "dpkg-db-entry", self.view.distro())?;

        component.licenses = declared_licenses(&entry.license);
        let lists = [sums, config].into_iter().flatten();
        let mut supporting: Vec<Location> = lists.map(|(list, path)| reached_by(&list, path)).collect();
        supporting.extend(self.copyright(entry, &mut component.licenses));
        supporting.sort_by(|a, b| a.access_path.cmp(&b.access_path));
        let is_new = |location: &&Location| !supporting.iter().any(|known| known.access_path == location.access_path);
        let related: Vec<Location> = self.related(&entry.package).filter(is_new).cloned().collect();
        component.locations = [self.found.location()].into_iter().chain(supporting).chain(related).collect();
        Ok(out.add(component))
    }

    /// The list `NAME:ARCH.kind` or else `NAME.kind`, and the path by which it was reached.
    fn list(&self, folder: &str, entry: &Entry, kind: &str) -> Option<(Found<'a>, String)> {
        let package = &entry.package;
        let with_architecture = (!matches!(entry.architecture.as_str(), "" | "all"))
            .then(|| format!("{folder}/{package}:{}.{kind}", entry.architecture));
        let paths = with_architecture.into_iter().chain([format!("{folder}/{package}.{kind}")]);
        paths.into_iter().find_map(|path| Some((self.view.beside(&self.found, &path)?, path)))
    }

    /// The files that the peer lists with a package: all whose name begins with the package's and a point, so that
    /// `python3` also gets `python3.11.list`.
    fn related(&self, package: &str) -> impl Iterator<Item = &Location> {
        let prefix = format!("{}/{package}.", self.info);
        let from = self.related.partition_point(|location| location.path < prefix);
        self.related.iter().skip(from).take_while(move |location| location.path.starts_with(&prefix))
    }

    /// Adds the licences of the copyright file and gives its place.
    fn copyright(&self, entry: &Entry, licenses: &mut Vec<License>) -> Option<Location> {
        let path = format!("/usr/share/doc/{}/copyright", entry.package);
        let Some(found) = self.view.beside(&self.found, &path) else {
            let (file, layer) = self.view.file(&self.found, &path)?;
            return Some(Location { path: file.path.clone(), access_path: path, layer, ..Location::default() });
        };
        let location = reached_by(&found, path);
        match postcard::from_bytes(&found.body.kept).ok()? {
            Copyright::Names(names) => licenses.extend(names.into_iter().map(|name| License {
                location: Some(Location { unannotated: true, ..location.clone() }),
                ..License::declared(name)
            })),
            Copyright::Text(found) => licenses.extend(found.into_iter().map(|value| License {
                origin: LicenseOrigin::Concluded,
                location: Some(location.clone()),
                ..License::declared(value)
            })),
        }
        Some(location)
    }
}

fn reached_by(found: &Found<'_>, path: String) -> Location {
    Location { access_path: path, ..found.supporting() }
}
