//! Programs and libraries that no package manager tells of, recognised by what is in them.
//!
//! [`table`] says what to look for. [`look`] looks at each file by itself; [`resolve`] puts together what several files
//! tell, as Syft 1.57 does in `syft/pkg/cataloger/internal/binutils`.
//!
//! The peer also matches a classifier's path through symbolic links. Here a file is read before its links are known, so
//! those work for the names in [`table::LINKED`] only, and for libraries.

mod evidence;
mod look;
mod resolve;
pub(super) mod search;
pub(super) mod signature;
mod table;

use crate::{Assembly, Cataloger, Extraction, File, ParseError, View, Want};
use evidence::Package;
use purl::PackageUrl;
use resolve::{Match, Resolver};
use sbom::{Component, Cpe, CpeSource, Language, PackageType};

/// Finds the programs that the table knows.
pub(super) struct BinaryClassifier;

impl Cataloger for BinaryClassifier {
    fn name(&self) -> &'static str {
        "binary-classifier-cataloger"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "declared", "installed", "binary"]
    }

    fn wants(&self) -> &'static [Want] {
        look::wants()
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        if let Some(seen) = look::look(file) {
            out.kept = postcard::to_allocvec(&seen).map_err(|error| ParseError::malformed(error.to_string()))?;
        }
        Ok(())
    }

    fn assemble(&self, view: &View<'_>, out: &mut Assembly) {
        let resolver = Resolver::new(view);
        for (component, evidence) in merged(resolver.matches()) {
            signature::add(component, &evidence, view, out);
        }
    }
}

/// One component for each name, version and type; its evidence is that of all matches, without what is already known.
fn merged(matches: Vec<Match>) -> Vec<(Component, Vec<signature::Evidence>)> {
    let mut all: Vec<(Component, Vec<signature::Evidence>)> = Vec::new();
    for found in matches {
        let component = component(&found);
        let same = |known: &Component| {
            (&known.name, &known.version, known.kind) == (&component.name, &component.version, component.kind)
        };
        let Some((known, evidence)) = all.iter_mut().find(|(known, _)| same(known)) else {
            all.push((component, found.evidence));
            continue;
        };
        let is_known =
            |location: &sbom::Location| known.locations.iter().any(|known| signature::is_same_place(known, location));
        let new: Vec<sbom::Location> = found.locations.into_iter().filter(|location| !is_known(location)).collect();
        if !new.is_empty() {
            known.locations.extend(new);
            evidence.extend(found.evidence);
        }
    }
    all
}

fn component(found: &Match) -> Component {
    let version = found.hit.version.as_deref().unwrap_or_default();
    let purl = purl(found.package, version);
    let (kind, language) = kind(&purl);
    let mut component = Component::new(kind, language, found.package.name, version);
    component.purl = purl;
    component.cpes = cpes(found.package, found, version);
    component.locations.clone_from(&found.locations);
    component
}

fn purl(package: &Package, version: &str) -> String {
    let generic = format!("pkg:generic/{}", package.name);
    let base = if package.purl.is_empty() { &generic } else { package.purl };
    // Those of the table are all well-formed; a test reads them.
    let base: Result<PackageUrl, _> = base.parse();
    base.map(|base| base.to_builder().version(version).to_string()).unwrap_or_default()
}

/// What the peer takes from the purl.
fn kind(purl: &str) -> (PackageType, Language) {
    let rest = purl.strip_prefix("pkg:").unwrap_or(purl);
    if rest.starts_with("golang/") {
        (PackageType::GoModule, Language::Go)
    } else if rest.starts_with("cpan/") {
        (PackageType::Cpan, Language::Perl)
    } else if rest.starts_with("generic/composer@") {
        (PackageType::PhpComposer, Language::Unknown)
    } else {
        (PackageType::Binary, Language::Unknown)
    }
}

fn cpes(package: &Package, found: &Match, version: &str) -> Vec<Cpe> {
    let source = if package.is_guessed { CpeSource::Generated } else { CpeSource::NvdDictionary };
    let (version, update) = match package.has_update {
        true => (found.hit.primary.as_str(), format!("update{}", found.hit.update)),
        false => (version, String::new()),
    };
    let names = package.cpes.iter().filter_map(|(vendor, product)| signature::cpe(vendor, product, version, &update));
    names.map(|name| Cpe { name, source }).collect()
}

#[cfg(test)]
mod tests;
