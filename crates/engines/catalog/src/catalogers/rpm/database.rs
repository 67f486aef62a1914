//! The database of installed rpm packages.

use super::manifest;
use super::package::{INSTALLED, Package};
use crate::catalogers::os::Links;
use crate::rpmdb::{self, Header};
use crate::{Assembly, Cataloger, Extraction, File, Found, ParseError, View, Want};
use foldhash::{HashMap, HashSet};
use sbom::ComponentIndex;

/// Finds what rpm installed.
pub(crate) struct RpmDatabase;

/// Packages of one database. Fedora has 80,000.
const MAX_PACKAGES: usize = 200_000;

impl Cataloger for RpmDatabase {
    fn name(&self) -> &'static str {
        "rpm-db-cataloger"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "installed", "os", "linux", "rpm", "redhat"]
    }

    fn wants(&self) -> &'static [Want] {
        &[
            Want::Glob("**/{var/lib,usr/share,usr/lib/sysimage}/rpm/{Packages,Packages.db,rpmdb.sqlite}"),
            Want::Glob("**/var/lib/rpmmanifest/container-manifest-2"),
        ]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        if is_manifest(file.path) {
            return keep(&manifest::parse(&file.text()), out);
        }
        // Packages borrow from headers, which the walk does not keep: they go into the extraction one by one.
        let mut kept = Vec::new();
        let mut count = 0;
        let mut damaged = 0;
        let result = rpmdb::headers(file.bytes, |bytes| {
            match Header::parse(bytes).map(|header| Package::new(&header)) {
                Ok(package) if !package.name.is_empty() => {
                    postcard::to_extend(&package, std::mem::take(&mut kept))
                        .map(|extended| kept = extended)
                        .map_err(|error| ParseError::malformed(error.to_string()))?;
                    count += 1;
                }
                Ok(_) | Err(_) => damaged += 1,
            }
            if count >= MAX_PACKAGES {
                return Err(ParseError::Limit { what: "packages", limit: MAX_PACKAGES as u64 });
            }
            Ok(())
        });
        out.kept = kept;
        result?;
        match (count, damaged) {
            (_, 1..) => Err(ParseError::malformed(format!("{damaged} packages have no name or a damaged header"))),
            (0, 0) => Err(ParseError::malformed("unable to determine packages")),
            _ => Ok(()),
        }
    }

    fn assemble(&self, view: &View<'_>, out: &mut Assembly) {
        let mut databases: Vec<(Found<'_>, Vec<Package<'_>>)> =
            view.extractions().into_iter().map(|found| (found, unpack(&found.body.kept))).collect();
        for (found, packages) in &mut databases {
            keep_present(view, found, packages);
        }
        let Some((first, _)) = databases.first() else {
            return;
        };
        let mut links = Links::default();
        for (found, packages) in &databases {
            // The peer leaves the distribution out of what a manifest lists.
            let distro = view.distro().filter(|_| !is_manifest(&found.file.path));
            for package in packages {
                match package.component(INSTALLED, distro) {
                    Ok(mut component) => {
                        component.locations.push(found.location());
                        link(out.add(component), package, &mut links);
                    }
                    Err(error) => out.unknown(found, error.to_string()),
                }
            }
        }
        links.resolve(first, out);
    }
}

fn is_manifest(path: &str) -> bool {
    path.ends_with("/container-manifest-2")
}

fn keep(packages: &[Package<'_>], out: &mut Extraction) -> Result<(), ParseError> {
    for package in packages {
        out.kept = postcard::to_extend(package, std::mem::take(&mut out.kept))
            .map_err(|error| ParseError::malformed(error.to_string()))?;
    }
    if packages.is_empty() {
        return Err(ParseError::malformed("unable to determine packages"));
    }
    Ok(())
}

fn unpack(mut kept: &[u8]) -> Vec<Package<'_>> {
    let mut packages = Vec::new();
    while let Ok((package, rest)) = postcard::take_from_bytes(kept) {
        packages.push(package);
        kept = rest;
    }
    packages
}

/// Drops the files that are not in the image, as the peer.
fn keep_present(view: &View<'_>, found: &Found<'_>, packages: &mut [Package<'_>]) {
    let mut present = Present::new(view, found);
    for package in packages {
        if let Some(files) = &mut package.files {
            files.retain(|file| present.contains(&file.path));
        }
    }
}

/// The paths of an image. What a symlink leads to may be absent, the symlink itself is not.
struct Present<'a, 'v> {
    view: &'v View<'a>,
    found: &'v Found<'a>,
    entries: HashSet<&'a str>,
    /// The true paths of folders that were asked for.
    folders: HashMap<String, Option<&'a str>>,
}

impl<'a, 'v> Present<'a, 'v> {
    fn new(view: &'v View<'a>, found: &'v Found<'a>) -> Self {
        let entries = view.under(found, "/").into_iter().map(|(file, _)| file.path.as_str()).collect();
        Self { view, found, entries, folders: HashMap::default() }
    }

    fn contains(&mut self, path: &str) -> bool {
        if self.entries.contains(path) {
            return true;
        }
        let Some((folder, name)) = path.rsplit_once('/') else {
            return false;
        };
        let real = match self.folders.get(folder) {
            Some(real) => *real,
            None => {
                let real = self.view.file(self.found, folder).map(|(real, _)| real.path.as_str());
                self.folders.insert(folder.to_owned(), real);
                real
            }
        };
        real.filter(|real| *real != folder).is_some_and(|real| self.entries.contains(format!("{real}/{name}").as_str()))
    }
}

fn link<'a>(component: ComponentIndex, package: &'a Package<'_>, links: &mut Links<'a>) {
    // A parenthesis begins a boolean dependency, which nothing provides by its words.
    let plain = |name: &&'a String| !name.trim_start().starts_with('(');
    links.provide(component, &package.name);
    package.provides.iter().filter(plain).for_each(|name| links.provide(component, name));
    package.files.iter().flatten().for_each(|file| links.provide(component, &file.path));
    package.requires.iter().filter(plain).for_each(|name| links.require(component, name));
}
