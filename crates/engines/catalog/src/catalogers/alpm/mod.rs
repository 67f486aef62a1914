//! Arch Linux packages: the local database of pacman, one folder for each package.
//!
//! Follows Syft 1.57 (`syft/pkg/cataloger/arch`).

mod mtree;
mod record;

use crate::catalogers::os::{Links, distro_qualifier};
use crate::{Assembly, Cataloger, Extraction, File, Found, ParseError, View, Want};
use purl::PackageUrl;
use record::{Description, FileRecord};
use sbom::{ComponentIndex, Distro, Location};

/// Finds what pacman installed.
pub(crate) struct AlpmDatabase;

impl Cataloger for AlpmDatabase {
    fn name(&self) -> &'static str {
        "alpm-db-cataloger"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "installed", "os", "linux", "alpm", "archlinux", "pacman"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Glob("**/var/lib/pacman/local/**/{desc,files,mtree}")]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        let kept = match file.name() {
            "desc" => postcard::to_allocvec(&record::parse(&file.text())?),
            "files" => postcard::to_allocvec(&record::parse(&file.text())?.backup),
            _ => postcard::to_allocvec(&mtree::parse(file.bytes)?),
        };
        out.kept = kept.map_err(|error| ParseError::malformed(error.to_string()))?;
        Ok(())
    }

    fn assemble(&self, view: &View<'_>, out: &mut Assembly) {
        let packages: Vec<(Found<'_>, Description)> = view
            .extractions()
            .into_iter()
            .filter(|found| found.file.path.ends_with("/desc"))
            .filter_map(|found| Some((found, postcard::from_bytes(&found.body.kept).ok()?)))
            .filter(|(_, description): &(_, Description)| !description.package.is_empty())
            .collect();
        let Some((first, _)) = packages.first() else {
            return;
        };
        let mut links = Links::default();
        for (found, description) in &packages {
            match add(view, found, description, out) {
                Ok(component) => link(component, description, &mut links),
                Err(error) => out.unknown(found, error.to_string()),
            }
        }
        links.resolve(first, out);
    }
}

fn link<'a>(component: ComponentIndex, description: &'a Description, links: &mut Links<'a>) {
    links.provide(component, &description.package);
    for provided in &description.provides {
        links.provide(component, provided);
        links.provide(component, provided.split('=').next().unwrap_or_default().trim());
    }
    // The peer compares with the version as it stands, so that `glibc>=2.38` finds nothing.
    description.depends.iter().for_each(|needed| links.require(component, needed));
}

fn add(
    view: &View<'_>,
    found: &Found<'_>,
    description: &Description,
    out: &mut Assembly,
) -> Result<ComponentIndex, serde_json::Error> {
    let mut supporting = Vec::new();
    let mut beside = |name: &str, missing: &str, out: &mut Assembly| {
        let folder = found.file.path.strip_suffix("desc").unwrap_or_default();
        let records = view.beside(found, &format!("{folder}{name}")).and_then(|list| {
            let records = postcard::from_bytes::<Vec<FileRecord>>(&list.body.kept).ok()?;
            supporting.push(Location { access_path: format!("{folder}{name}"), ..list.supporting() });
            Some(records)
        });
        if records.is_none() {
            out.unknown(found, format!("failed to find {missing}: {folder}{name}"));
        }
        records
    };
    let files = beside("mtree", "mtree file", out);
    let backup = beside("files", "alpm files", out);
    let mut component = description.component(files, backup)?;
    component.purl = purl(description, view.distro());
    component.locations.push(found.location());
    supporting.sort_by(|a, b| a.access_path.cmp(&b.access_path));
    component.locations.append(&mut supporting);
    let place = Location { primary: false, unannotated: true, ..found.location() };
    for license in &mut component.licenses {
        license.location = Some(place.clone());
    }
    Ok(out.add(component))
}

fn purl(description: &Description, distro: Option<&Distro>) -> String {
    let Some(distro) = distro.filter(|distro| distro.id == "arch") else {
        return String::new();
    };
    PackageUrl::new("alpm", &description.package)
        .namespace(&distro.id)
        .version(&description.version)
        .qualifier("arch", &description.architecture)
        .qualifier("distro", distro_qualifier(distro))
        .qualifier("upstream", &description.base)
        .to_string()
}

#[cfg(test)]
mod tests;
