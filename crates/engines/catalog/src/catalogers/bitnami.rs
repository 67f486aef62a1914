//! Bitnami's images: an SPDX document beside each application, a list of components in older ones.
//!
//! Follows Syft 1.57 (`syft/pkg/cataloger/bitnami`).

use super::sbom_file;
use crate::{Assembly, Cataloger, Extraction, File, Found, ParseError, UsedFor, View, Want};
use purl::PackageUrl;
use sbom::{Component, ComponentIndex, FileKind, Language, PackageType, Relationship, RelationshipKind};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Finds the applications of Bitnami.
pub(super) struct Bitnami;

/// The `bitnami-sbom-entry` record of Syft's JSON schema 16.
#[derive(Serialize, Deserialize)]
struct Record {
    name: String,
    arch: String,
    distro: String,
    revision: String,
    version: String,
    path: String,
    files: Option<Vec<String>>,
}

/// An entry of `.bitnami_components.json`.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Entry {
    arch: String,
    distro: String,
    version: String,
}

impl Cataloger for Bitnami {
    fn name(&self) -> &'static str {
        "bitnami-cataloger"
    }

    fn used_for(&self) -> UsedFor {
        UsedFor::Image
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "installed", "bitnami"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Glob("opt/bitnami/**/.spdx-*.spdx"), Want::Glob("opt/bitnami/.bitnami_components.json")]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        if file.name() == ".bitnami_components.json" { list(file, out) } else { document(file, out) }
    }

    /// The main package owns what no other package of its folder does.
    fn assemble(&self, view: &View<'_>, out: &mut Assembly) {
        for found in view.extractions() {
            match <[u8; 4]>::try_from(found.body.kept.as_slice()).map(u32::from_le_bytes) {
                Ok(main) => {
                    let mut body = found.body.clone();
                    if let Err(error) = own_the_rest(view, &found, &mut body.components, main as usize) {
                        out.unknown(&found, error.to_string());
                    }
                    out.add_extracted(&Found { body: &body, ..found });
                }
                Err(_) => out.add_extracted(&found),
            }
        }
    }
}

fn list(file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
    let entries: BTreeMap<String, Entry> = serde_json::from_slice(file.bytes)?;
    for (name, entry) in entries {
        let (version, revision) = entry.version.rsplit_once('-').unwrap_or((&entry.version, ""));
        let mut component = Component::new(PackageType::Bitnami, Language::Unknown, &name, &entry.version);
        let purl = PackageUrl::new("bitnami", &name).version(&entry.version);
        component.purl = purl.qualifier("arch", &entry.arch).qualifier("distro", &entry.distro).to_string();
        let record = Record {
            path: format!("{}/{name}", folder(file.path)),
            arch: entry.arch.clone(),
            distro: entry.distro.clone(),
            revision: revision.to_owned(),
            version: version.to_owned(),
            files: None,
            name,
        };
        component.set_metadata("bitnami-sbom-entry", &record)?;
        out.add(component);
    }
    Ok(())
}

/// The packages of Bitnami that a document lists; the index of the main one is kept.
fn document(file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
    if !matches!(sbom::detect(file.bytes), Some((sbom::Format::SpdxJson(_), _))) {
        return sbom_file::read(file.bytes).map(drop);
    }
    let document = sbom_file::read(file.bytes)?;
    let main = main_package(&document.components, &document.relationships);
    let mut places: BTreeMap<u32, ComponentIndex> = BTreeMap::new();
    for (index, component) in (0..).zip(&document.components) {
        let Some(mut record) = record(component, folder(file.path)) else { continue };
        let mut owned = BTreeSet::new();
        if Some(index) != main {
            owned = owned_files(index, &document.components, &document.relationships);
            owned = owned.into_iter().map(|path| format!("{}{path}", record.path)).collect();
            record.files = Some(owned.iter().cloned().collect()).filter(|files: &Vec<String>| !files.is_empty());
        }
        let mut component = sbom_file::forget_origin(component.clone());
        component.kind = PackageType::Bitnami;
        component.language = Language::Unknown;
        component.owned_files = owned.into_iter().collect();
        component.set_metadata("bitnami-sbom-entry", &record)?;
        places.insert(index, out.add(component));
    }
    let place = |index: ComponentIndex| places.get(&index.0).copied();
    let edges = document.relationships.iter();
    out.relationships =
        edges.filter_map(|edge| Some(Relationship { from: place(edge.from)?, to: place(edge.to)?, ..*edge })).collect();
    let only = Some(ComponentIndex(0)).filter(|_| out.components.len() == 1);
    if let Some(main) = main.and_then(|main| place(ComponentIndex(main))).or(only) {
        out.kept = main.0.to_le_bytes().to_vec();
    }
    Ok(())
}

fn is_bitnami(component: &Component) -> bool {
    component.purl.starts_with("pkg:bitnami")
}

/// The first package of Bitnami that contains something and is in none.
fn main_package(components: &[Component], edges: &[Relationship]) -> Option<u32> {
    let contained: BTreeSet<u32> =
        edges.iter().filter(|edge| edge.kind == RelationshipKind::Contains).map(|edge| edge.to.0).collect();
    let with_files = (0..).zip(components).filter(|(_, component)| !component.owned_files.is_empty());
    let mut candidates: Vec<u32> = edges.iter().map(|edge| edge.from.0).collect();
    candidates.extend(with_files.map(|(index, _)| index));
    let is_main = |index: &u32| components.get(*index as usize).is_some_and(is_bitnami) && !contained.contains(index);
    candidates.into_iter().find(is_main)
}

/// The files of a package and of all that it contains.
fn owned_files(package: u32, components: &[Component], edges: &[Relationship]) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut open = vec![package];
    while let Some(next) = open.pop() {
        if seen.insert(next) {
            files.extend(components.get(next as usize).into_iter().flat_map(|part| part.owned_files.iter().cloned()));
            let inside = edges.iter().filter(|edge| edge.kind == RelationshipKind::Contains && edge.from.0 == next);
            open.extend(inside.map(|edge| edge.to.0));
        }
    }
    files
}

/// What the purl says; `None` for packages of others.
fn record(component: &Component, path: &str) -> Option<Record> {
    let purl: PackageUrl = component.purl.parse().ok().filter(|_| is_bitnami(component))?;
    let is_revision = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (version, revision) =
        purl.version().rsplit_once('-').filter(|(_, end)| is_revision(end)).unwrap_or((purl.version(), ""));
    let qualifier = |key| purl.qualifier_value(key).unwrap_or_default().to_owned();
    Some(Record {
        name: purl.name().to_owned(),
        arch: qualifier("arch"),
        distro: qualifier("distro"),
        revision: revision.to_owned(),
        version: version.to_owned(),
        path: path.to_owned(),
        files: None,
    })
}

fn own_the_rest(
    view: &View<'_>,
    found: &Found<'_>,
    components: &mut [Component],
    main: usize,
) -> Result<(), ParseError> {
    let taken: BTreeSet<String> = components.iter().flat_map(|component| component.owned_files.clone()).collect();
    let Some(component) = components.get_mut(main) else { return Ok(()) };
    let Some(metadata) = &component.metadata else { return Ok(()) };
    let mut record: Record = serde_json::from_str(&metadata.json)?;
    let below = view.under(found, folder(&found.file.path)).into_iter().map(|(file, _)| file);
    let rest = below.filter(|file| file.kind == FileKind::Regular && file.path != found.file.path);
    let files: Vec<String> = rest.map(|file| file.path.clone()).filter(|path| !taken.contains(path)).collect();
    component.owned_files.clone_from(&files);
    record.files = Some(files);
    component.set_metadata("bitnami-sbom-entry", &record)?;
    Ok(())
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

#[cfg(test)]
mod tests {
    use super::Bitnami;
    use crate::catalogers::testing::{catalogue, edges, purls, record};

    #[test]
    fn an_application_and_its_parts() {
        let package = |id: &str, purl: &str| {
            format!(
                r#"{{"SPDXID":"SPDXRef-{id}","name":"{id}","versionInfo":"1.0-2","downloadLocation":"NONE","externalRefs":[
                {{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"{purl}"}}]}}"#
            )
        };
        let contains = |from: &str, to: &str| {
            format!(
                r#"{{"spdxElementId":"SPDXRef-{from}","relatedSpdxElement":"SPDXRef-{to}","relationshipType":"CONTAINS"}}"#
            )
        };
        let document = format!(
            r#"{{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","name":"redis","documentNamespace":"https://a/b","dataLicense":"CC0-1.0",
            "packages":[{},{},{}],"files":[{{"SPDXID":"SPDXRef-f","fileName":"bin/part"}}],"relationships":[{},{}]}}"#,
            package("redis", "pkg:bitnami/redis@1.0-2?arch=amd64&distro=debian-12"),
            package("part", "pkg:bitnami/part@3.1"),
            package("other", "pkg:npm/other@1"),
            contains("redis", "part"),
            contains("part", "f"),
        );
        let path = "/opt/bitnami/redis/.spdx-redis.spdx";
        let files: [(&str, &[u8]); 4] = [
            (path, document.as_bytes()),
            ("/opt/bitnami/redis/bin/part", b""),
            ("/opt/bitnami/redis/conf", b""),
            ("/opt/bitnami/.bitnami_components.json", br#"{"gosu":{"arch":"amd64","version":"1.14.0-1"}}"#),
        ];
        let document = catalogue(&Bitnami, &files);
        let expected = [
            "pkg:bitnami/gosu@1.14.0-1?arch=amd64",
            "pkg:bitnami/part@3.1",
            "pkg:bitnami/redis@1.0-2?arch=amd64&distro=debian-12",
        ];
        assert_eq!(purls(&document), expected);
        assert_eq!(edges(&document), ["redis -> part"]);
        let redis = r#"{"name":"redis","arch":"amd64","distro":"debian-12","revision":"2","version":"1.0","path":"/opt/bitnami/redis","files":["/opt/bitnami/redis/conf"]}"#;
        assert_eq!(record(&document, "redis"), redis);
        assert!(record(&document, "part").ends_with(r#""files":["/opt/bitnami/redis/bin/part"]}"#));
        assert!(record(&document, "gosu").ends_with(r#""path":"/opt/bitnami/gosu","files":null}"#));
    }
}
