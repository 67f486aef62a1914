//! A component prepared for matching: its release, its source packages, what it owns and what owns it.

use crate::distro::Release;
use crate::facts::Facts;
use crate::options::Options;
use purl::PackageUrl;
use sbom::{Component, ComponentIndex, Document, PackageType, RelationshipKind, Upstream};
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

/// A component prepared for matching.
#[derive(Debug)]
pub(crate) struct Subject<'c> {
    pub(crate) index: ComponentIndex,
    pub(crate) component: &'c Component,
    pub(crate) release: Option<Rc<Release>>,
    pub(crate) upstreams: Vec<Upstream>,
    pub(crate) facts: Facts,
    /// Components that own a file in which this one was found.
    pub(crate) owners: Vec<ComponentIndex>,
    /// Whether it owns files in which others were found.
    pub(crate) is_owner: bool,
}

/// Prepares all components of a document.
pub(crate) fn subjects<'c>(document: &'c Document, options: &Options) -> Vec<Subject<'c>> {
    let stated = options.distro.clone().or_else(|| document.distro.as_ref().and_then(Release::of));
    let settled = |mut release: Release| {
        options.channels.settle(&mut release);
        Rc::new(release)
    };
    let stated = stated.map(settled);
    let owned = ownership(document);
    let owners: BTreeSet<u32> = owned.values().flatten().map(|owner| owner.0).collect();
    let mut by_text: HashMap<String, Option<Rc<Release>>> = HashMap::new();
    let mut all = Vec::with_capacity(document.components.len());
    for (number, component) in (0u32..).zip(&document.components) {
        let facts = Facts::of(component);
        let purl: Option<PackageUrl> =
            Some(&component.purl).filter(|purl| purl.contains('?')).and_then(|purl| purl.parse().ok());
        let qualifier = |key| purl.as_ref().and_then(|purl| purl.qualifier_value(key));
        let from_purl = |text: &str| Release::parse(text).map(settled);
        // An image's own release goes before what a purl says, unless the document is only a list.
        let release = match &stated {
            Some(release) => Some(release.clone()),
            None => qualifier("distro")
                .and_then(|text| by_text.entry(text.to_owned()).or_insert_with(|| from_purl(text)).clone()),
        };
        all.push(Subject {
            index: ComponentIndex(number),
            component,
            release,
            upstreams: upstreams(component, &facts, qualifier("upstream")),
            facts,
            owners: owned.get(&number).cloned().unwrap_or_default(),
            is_owner: owners.contains(&number),
        });
    }
    all
}

/// Source packages: as catalogued, else of the record, else of the purl.
fn upstreams(component: &Component, facts: &Facts, qualifier: Option<&str>) -> Vec<Upstream> {
    let mut found = component.upstreams.clone();
    if found.is_empty() {
        found.extend(match facts {
            Facts::Rpm(rpm) => source_rpm(&rpm.source_rpm),
            Facts::Apk(apk) if !apk.origin_package.is_empty() => {
                Some(Upstream { name: apk.origin_package.clone(), version: None })
            }
            _ => None,
        });
    }
    let from_purl = found.is_empty();
    if let Some(text) = qualifier.filter(|_| from_purl) {
        found.extend(match component.kind {
            PackageType::Rpm => source_rpm(text),
            _ => match text.split_once('@') {
                Some((_, version)) if version.contains('@') => None,
                Some((name, version)) => Some(Upstream { name: name.to_owned(), version: Some(version.to_owned()) }),
                None => Some(Upstream { name: text.to_owned(), version: None }),
            },
        });
    }
    // Grype leaves out an rpm's source of the same name, and one that only the purl tells of.
    let same =
        |upstream: &Upstream| upstream.name == component.name && (component.kind == PackageType::Rpm || from_purl);
    found.retain(|upstream| !upstream.name.is_empty() && !same(upstream));
    found
}

/// `util-linux-ng-2.17.2-12.28.el6_9.2.src.rpm` to name and version with release.
pub(crate) fn source_rpm(file: &str) -> Option<Upstream> {
    let stem = file.strip_suffix(".rpm")?;
    let (stem, architecture) = stem.rsplit_once('.')?;
    if !architecture.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let (rest, release) = stem.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    (!name.is_empty()).then(|| Upstream { name: name.to_owned(), version: Some(format!("{version}-{release}")) })
}

/// Owners by what they own. Where the document has no such relations they follow from owned files and locations.
fn ownership(document: &Document) -> HashMap<u32, Vec<ComponentIndex>> {
    let mut owners: HashMap<u32, Vec<ComponentIndex>> = HashMap::new();
    for relation in &document.relationships {
        if relation.kind == RelationshipKind::OwnershipByFileOverlap {
            owners.entry(relation.to.0).or_default().push(relation.from);
        }
    }
    if !owners.is_empty() {
        return owners;
    }
    let mut by_file: HashMap<&str, Vec<u32>> = HashMap::new();
    for (number, component) in (0u32..).zip(&document.components) {
        for file in &component.owned_files {
            by_file.entry(file).or_default().push(number);
        }
    }
    if by_file.is_empty() {
        return owners;
    }
    for (number, component) in (0u32..).zip(&document.components) {
        for location in &component.locations {
            for owner in by_file.get(location.path.as_str()).into_iter().flatten().filter(|owner| **owner != number) {
                let list = owners.entry(number).or_default();
                if !list.contains(&ComponentIndex(*owner)) {
                    list.push(ComponentIndex(*owner));
                }
            }
        }
    }
    owners
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_rpms_are_split() {
        let split = |file| source_rpm(file).map(|found| (found.name, found.version.unwrap()));
        let is = |name: &str, version: &str| Some((name.to_owned(), version.to_owned()));
        assert_eq!(split("util-linux-ng-2.17.2-12.28.el6_9.2.src.rpm"), is("util-linux-ng", "2.17.2-12.28.el6_9.2"));
        assert_eq!(split("perl-5.26.3-419.el8_4.1.src.rpm"), is("perl", "5.26.3-419.el8_4.1"));
        for bad in ["", "a.src.rpm", "a-1.src.rpm", "a-1-1.rpm", "(none)"] {
            assert_eq!(split(bad), None, "{bad}");
        }
    }
}
