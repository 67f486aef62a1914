//! Who an archive is: name, version, group and licences from its manifest, poms and file name
//! (Syft 1.57, `java/archive_parser.go`).

use super::filename::FileName;
use super::manifest::{self, Manifest};
use super::pom::{PomLicense, Project};
use super::record::{ArchiveDigest, JavaRecord, PomProject, PomProperties};
use super::resolver::Resolver;
use crate::ParseError;
use crate::catalogers::license_files;
use aws_lc_rs::digest;
use sbom::{Component, Language, License, PackageType};
use std::collections::BTreeMap;

/// What was read from an archive.
pub(super) struct Contents<'a> {
    /// `pom.properties` files by name.
    pub(super) properties: Vec<(String, Vec<u8>)>,
    /// `pom.xml` files by name.
    pub(super) poms: Vec<(String, Vec<u8>)>,
    /// `version.properties` at the root.
    pub(super) version: Option<Vec<u8>>,
    pub(super) manifest: &'a [u8],
    pub(super) virtual_path: &'a str,
    /// The archive itself.
    pub(super) bytes: &'a [u8],
}

/// The packages of one archive.
pub(super) struct Identified {
    /// The archive's own.
    pub(super) main: Component,
    /// Those that its other poms name: libraries unpacked into it.
    pub(super) others: Vec<Component>,
    /// Names of poms that could not be read, with the cause.
    pub(super) unread: Vec<(String, String)>,
}

/// The package under construction.
struct Package {
    name: String,
    version: String,
    kind: PackageType,
    licenses: Vec<License>,
    record: JavaRecord,
}

/// A pom by the folder it lies in.
struct Poms {
    properties: BTreeMap<String, PomProperties>,
    projects: BTreeMap<String, (String, Resolver)>,
    unread: Vec<(String, String)>,
}

/// Decides who the archive is. `text_licenses` reads the licence texts in it; it is asked only when the manifest names
/// no licence. `None` for an archive that is a stand-in for another (New Relic's weaved classes).
///
/// # Errors
/// Where the record can't be written, which is a bug.
pub(super) fn identify(
    contents: &Contents<'_>,
    text_licenses: impl FnOnce() -> Vec<License>,
) -> Result<Option<Identified>, ParseError> {
    let manifest = Manifest::parse(&String::from_utf8_lossy(contents.manifest));
    if manifest.main.get("Weave-Classes").is_some() {
        return Ok(None);
    }
    let poms = Poms::read(contents);
    let mut main = main_package(contents, manifest, &poms, text_licenses);
    let mut others = Vec::new();
    for (folder, properties) in &poms.properties {
        let project = poms.projects.get(folder);
        if let Some(other) = package_of_pom(properties, project, &mut main, contents.virtual_path) {
            others.push(other.finish()?);
        }
    }
    Ok(Some(Identified { main: main.finish()?, others, unread: poms.unread }))
}

impl Package {
    fn finish(self) -> Result<Component, ParseError> {
        let mut component = Component::new(self.kind, Language::Java, self.name, self.version);
        component.licenses = self.licenses;
        self.record.finish(&mut component)?;
        Ok(component)
    }

    fn group(&self) -> String {
        self.record.group(&self.name, &self.version)
    }
}

impl Poms {
    fn read(contents: &Contents<'_>) -> Self {
        let mut poms = Self { properties: BTreeMap::new(), projects: BTreeMap::new(), unread: Vec::new() };
        let folder = |path: &str| path.rsplit_once('/').map_or(".", |(folder, _)| folder).to_owned();
        for (path, text) in &contents.properties {
            match manifest::pom_properties(path, &String::from_utf8_lossy(text)) {
                Ok(found) if found.version.is_empty() || found.artifact_id.is_empty() => {}
                Ok(found) => drop(poms.properties.insert(folder(path), found)),
                Err(error) => poms.unread.push((path.clone(), error.to_string())),
            }
        }
        for (path, text) in &contents.poms {
            match Project::parse(text) {
                Ok(found) => drop(poms.projects.insert(folder(path), (path.clone(), Resolver::alone(found)))),
                Err(error) => poms.unread.push((path.clone(), error.to_string())),
            }
        }
        poms
    }

    /// The pom of the archive itself, by the likeness of its artifact to the file name.
    fn of_archive(&self, file: &FileName<'_>) -> (Option<&PomProperties>, Option<&(String, Resolver)>) {
        let named_exactly = self.properties.values().any(|found| found.artifact_id == file.name);
        let exact = |found: &PomProperties| file.name.contains(&found.group_id) || file.name == found.artifact_id;
        let mut best: Option<&PomProperties> = None;
        let mut best_project: Option<&(String, Resolver)> = None;
        for (folder, found) in &self.properties {
            if file.name.is_empty() || !resembles(&found.artifact_id, file.name, named_exactly) {
                continue;
            }
            match (best, self.projects.get(folder)) {
                (None, project) => (best, best_project) = (Some(found), project),
                (Some(_), Some(project)) if best_project.is_none() || exact(found) => {
                    (best, best_project) = (Some(found), Some(project));
                }
                _ => {}
            }
            if best_project.is_some() && exact(found) {
                break;
            }
        }
        if self.properties.is_empty() && self.projects.len() == 1 {
            best_project = self.projects.values().next();
        }
        (best, best_project)
    }
}

/// Does the artifact look like the file's name? If one artifact is named exactly so, no other does.
fn resembles(artifact: &str, file_name: &str, named_exactly: bool) -> bool {
    if named_exactly {
        return artifact == file_name;
    }
    artifact.starts_with(file_name) || file_name.ends_with(artifact)
}

fn main_package(
    contents: &Contents<'_>,
    manifest: Manifest,
    poms: &Poms,
    text_licenses: impl FnOnce() -> Vec<License>,
) -> Package {
    let file = FileName::parse(contents.virtual_path.rsplit(':').next().unwrap_or_default());
    let (properties, project) = poms.of_archive(&file);
    let id = project.map(|(_, resolver)| resolver.id(0)).unwrap_or_default();
    let first = |values: [&str; 3]| values.into_iter().find(|value| !value.is_empty()).unwrap_or_default().to_owned();
    let name =
        first([properties.map_or("", |found| &found.artifact_id), &id.artifact_id, name_without_pom(&manifest, &file)]);
    let mut version =
        first([properties.map_or("", |found| &found.version), &id.version, version_without_pom(&manifest, &file)]);
    if version.is_empty() && !manifest.main.value("Main-Class").is_empty() {
        version = contents.version.as_deref().map(release_in).unwrap_or_default();
    }
    let mut licenses: Vec<License> = ["Bundle-License", "Plugin-License-Name"]
        .into_iter()
        .flat_map(|field| license_files::declared(manifest.anywhere(field)))
        .collect();
    if licenses.is_empty() {
        licenses = text_licenses();
    }
    if licenses.is_empty() {
        licenses = project.map(|(_, resolver)| pom_licenses(resolver.licenses(0))).unwrap_or_default();
    }
    Package {
        name,
        version,
        kind: file.kind(),
        licenses,
        record: JavaRecord {
            virtual_path: contents.virtual_path.to_owned(),
            manifest: Some(manifest),
            pom_project: project.map(|(path, resolver)| pom_project(path, resolver)),
            digests: vec![sha1(contents.bytes)],
            ..JavaRecord::default()
        },
    }
}

/// The package that a `pom.properties` names; `None` when that is the archive itself, which then learns from it.
fn package_of_pom(
    properties: &PomProperties,
    project: Option<&(String, Resolver)>,
    main: &mut Package,
    virtual_path: &str,
) -> Option<Package> {
    let same_key = main.group() == properties.group_id
        && main.name == properties.artifact_id
        && main.version == properties.version;
    // Two groups may have an artifact of one name in one archive, so the group is part of the path.
    let suffix = if same_key { String::new() } else { format!(":{}:{}", properties.group_id, properties.artifact_id) };
    let package = Package {
        name: properties.artifact_id.clone(),
        version: properties.version.clone(),
        kind: if properties.is_jenkins_plugin() { PackageType::JenkinsPlugin } else { PackageType::JavaArchive },
        licenses: project.map(|(_, resolver)| pom_licenses(resolver.licenses(0))).unwrap_or_default(),
        record: JavaRecord {
            virtual_path: format!("{virtual_path}{suffix}"),
            pom_properties: Some(properties.clone()),
            pom_project: project.map(|(path, resolver)| pom_project(path, resolver)),
            ..JavaRecord::default()
        },
    };
    let same_identity = (package.group(), &package.name, &package.version) == (main.group(), &main.name, &main.version);
    let same_path = package.record.virtual_path == main.record.virtual_path;
    if !(same_identity || same_path || main.name == properties.artifact_id) {
        return Some(package);
    }
    main.name = package.name;
    main.version = package.version;
    main.kind = package.kind;
    main.record.pom_properties.get_or_insert_with(|| properties.clone());
    None
}

fn pom_project(path: &str, resolver: &Resolver) -> PomProject {
    let id = resolver.id(0);
    let value = |pick: fn(&Project) -> Option<&String>| resolver.value(0, resolver.project(0).and_then(pick));
    let description = value(|project| project.description.as_ref());
    PomProject {
        path: path.to_owned(),
        parent: resolver.parent_as_written(0),
        group_id: id.group_id,
        artifact_id: id.artifact_id,
        version: id.version,
        name: value(|project| project.name.as_ref()),
        description: description.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" "),
        url: value(|project| project.url.as_ref()),
    }
}

/// Licences as poms declare them.
pub(super) fn pom_licenses(licenses: &[PomLicense]) -> Vec<License> {
    licenses.iter().flat_map(|license| license_files::declared_with_url(&license.name, &license.url)).collect()
}

fn name_without_pom<'a>(manifest: &'a Manifest, file: &FileName<'a>) -> &'a str {
    const FIELDS: [&str; 5] = ["Name", "Bundle-Name", "Short-Name", "Extension-Name", "Implementation-Title"];
    let from_bundle = bundle_artifact(manifest).filter(|name| !name.is_empty());
    let from_file = Some(file.artifact()).filter(|name| !name.is_empty());
    let from_fields = || FIELDS.into_iter().map(|field| manifest.main.value(field)).find(|value| !value.is_empty());
    from_bundle.or(from_file).or_else(from_fields).unwrap_or_default()
}

/// The Maven bundle plugin makes the symbolic name from group and artifact; some projects put only the group there.
fn bundle_artifact(manifest: &Manifest) -> Option<&str> {
    let symbolic_name = manifest.main.value("Bundle-SymbolicName");
    let made_by_plugin = manifest.main.value("Created-By").contains("Apache Maven Bundle Plugin");
    let only_group = manifest.main.value("Implementation-Vendor-Id") == symbolic_name;
    if made_by_plugin && !only_group { symbolic_name.rsplit('.').next() } else { None }
}

fn version_without_pom<'a>(manifest: &'a Manifest, file: &FileName<'a>) -> &'a str {
    const FIELDS: [&str; 4] = ["Implementation-Version", "Specification-Version", "Plugin-Version", "Bundle-Version"];
    let from_fields = FIELDS.into_iter().map(|field| manifest.anywhere(field));
    std::iter::once(file.version).chain(from_fields).find(|version| !version.is_empty()).unwrap_or_default()
}

/// The release that a `version.properties` names, without a leading `v`; empty when it names none.
fn release_in(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let pairs: BTreeMap<String, &str> = text
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.trim().to_lowercase(), value.trim()))
        .collect();
    let release = |value: &str| {
        let value = value.strip_prefix('v').unwrap_or(value);
        let is_release = value.starts_with(|c: char| c.is_ascii_digit())
            && value.chars().all(|c| c.is_ascii_alphanumeric() || ".-_+".contains(c));
        is_release.then(|| value.to_owned())
    };
    ["version", "tag"].into_iter().find_map(|key| release(pairs.get(key)?)).unwrap_or_default()
}

fn sha1(bytes: &[u8]) -> ArchiveDigest {
    let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes);
    ArchiveDigest { algorithm: "sha1", value: license_files::hex(digest.as_ref()) }
}
