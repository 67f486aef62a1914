//! Alpine packages: the database of apk.
//!
//! Follows Syft 1.57 (`syft/pkg/cataloger/alpine`).

mod record;

use crate::catalogers::os::{Links, clean_path, distro_qualifier};
use crate::{Assembly, Cataloger, Extraction, File, Found, ParseError, View, Want};
use purl::PackageUrl;
use record::Rest;
use sbom::{ComponentIndex, Distro};

/// Finds what apk installed.
pub(crate) struct ApkDatabase;

const DATABASE: &str = "/lib/apk/db/installed";

impl Cataloger for ApkDatabase {
    fn name(&self) -> &'static str {
        "apk-db-cataloger"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "installed", "os", "linux", "apk", "alpine"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Glob("**/lib/apk/db/installed"), Want::Glob("**/etc/apk/repositories")]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        if !file.path.ends_with(DATABASE) {
            out.kept = release(&file.text()).unwrap_or_default().to_owned().into_bytes();
            return Ok(());
        }
        let mut packages = Vec::new();
        let result = record::parse(&file.text(), &mut packages);
        let mut rest = Vec::with_capacity(packages.len());
        for package in packages {
            out.components.push(package.component()?);
            rest.push(package.rest);
        }
        out.kept = postcard::to_allocvec(&rest).map_err(|error| ParseError::malformed(error.to_string()))?;
        result
    }

    fn assemble(&self, view: &View<'_>, out: &mut Assembly) {
        let databases: Vec<(Found<'_>, Vec<Rest>)> = view
            .extractions()
            .into_iter()
            .filter(|found| found.file.path.ends_with(DATABASE))
            .filter_map(|found| Some((found, postcard::from_bytes(&found.body.kept).ok()?)))
            .collect();
        let Some((first, _)) = databases.first() else {
            return;
        };
        let mut links = Links::default();
        for (found, rest) in &databases {
            let guessed = repositories(view, found);
            let distro = view.distro().or(guessed.as_ref());
            for (template, rest) in found.body.components.iter().zip(rest) {
                let mut component = template.clone();
                component.purl =
                    distro.map_or_else(String::new, |distro| purl(&template.name, &template.version, rest, distro));
                component.locations.push(found.location());
                link(out.add(component), &template.name, rest, &mut links);
            }
        }
        links.resolve(first, out);
    }
}

fn link<'a>(component: ComponentIndex, name: &'a str, rest: &'a Rest, links: &mut Links<'a>) {
    links.provide(component, name);
    rest.provides.iter().for_each(|provided| links.provide(component, bare(provided)));
    rest.depends.iter().for_each(|needed| links.require(component, bare(needed)));
}

/// The name in `so:libc.musl-x86_64.so.1=1` or `musl>=1.2`.
fn bare(relation: &str) -> &str {
    relation.split(['<', '>', '=']).next().unwrap_or_default().trim()
}

fn purl(name: &str, version: &str, rest: &Rest, distro: &Distro) -> String {
    let upstream = if rest.origin == name { "" } else { rest.origin.as_str() };
    PackageUrl::new("apk", name)
        .namespace(distro.id.to_lowercase())
        .version(version)
        .qualifier("arch", &rest.architecture)
        .qualifier("distro", distro_qualifier(distro))
        .qualifier("upstream", upstream)
        .to_string()
}

/// Where the image as a whole has no distribution, the repositories of the database's own root tell its release.
fn repositories(view: &View<'_>, found: &Found<'_>) -> Option<Distro> {
    let root = format!("{}/../../../etc/apk/repositories", found.file.path.strip_suffix("/installed")?);
    let kept = &view.beside(found, &clean_path(&root))?.body.kept;
    let version_id = String::from_utf8_lossy(kept).into_owned();
    (!version_id.is_empty()).then(|| Distro {
        name: "Alpine Linux".to_owned(),
        id: "alpine".to_owned(),
        version_id,
        ..Distro::default()
    })
}

/// `3.20` from `https://dl-cdn.alpinelinux.org/alpine/v3.20/main`.
fn release(repositories: &str) -> Option<&str> {
    const BRANCH: &str = ".alpinelinux.org/alpine/v";
    let is_name = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    repositories.lines().filter(|line| line.starts_with("https://")).find_map(|line| {
        let (_, branch) = line.rsplit_once(BRANCH)?;
        branch
            .split_once('/')
            .filter(|(version, name)| !version.is_empty() && is_name(name))
            .map(|(version, _)| version)
    })
}

#[cfg(test)]
mod tests {
    use super::{bare, release};

    #[test]
    fn names() {
        for (relation, name) in [
            ("musl>=1", "musl"),
            ("cmd:scanelf=1.3.4-r0", "cmd:scanelf"),
            ("so:libc.musl-x86_64.so.1", "so:libc.musl-x86_64.so.1"),
            ("/bin/sh", "/bin/sh"),
        ] {
            assert_eq!(bare(relation), name);
        }
    }

    #[test]
    fn releases() {
        for (repositories, expected) in [
            (
                "https://dl-cdn.alpinelinux.org/alpine/v3.19/main\nhttps://dl-cdn.alpinelinux.org/alpine/v3.18/main",
                Some("3.19"),
            ),
            ("#https://dl-cdn.alpinelinux.org/alpine/v3.19/main\n", None),
            ("https://dl-cdn.alpinelinux.org/alpine/edge/main\n", None),
            ("http://dl-cdn.alpinelinux.org/alpine/v3.19/main\n", None),
        ] {
            assert_eq!(release(repositories), expected, "{repositories}");
        }
    }
}
