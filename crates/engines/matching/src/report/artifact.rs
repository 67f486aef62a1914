//! Components as packages of the report.

use super::document::{DigestEntry, FilePath, KeyAndValue, LocationEntry, Package, PackageMetadata, UpstreamEntry};
use crate::facts::{Facts, maven_names};
use sbom::{Component, ComponentIndex, Document, Location};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Components with the identifiers that the SBOM's formats have for them.
pub(super) struct Artifacts<'a> {
    document: &'a Document,
    ids: Vec<String>,
}

impl<'a> Artifacts<'a> {
    pub(super) fn new(document: &'a Document) -> Self {
        Self { document, ids: sbom::component_ids(document) }
    }

    pub(super) fn component(&self, index: ComponentIndex) -> Option<&'a Component> {
        self.document.components.get(index.0 as usize)
    }

    /// A component as a package; `also` are the components that are the same files under other names.
    pub(super) fn package(&self, index: ComponentIndex, also: &[ComponentIndex]) -> Option<Package> {
        let component = self.component(index)?;
        let facts = Facts::of(component);
        let (metadata_type, metadata) = match metadata(component, facts) {
            Some((name, metadata)) => (name, Some(metadata)),
            None => ("", None),
        };
        let mut annotations = BTreeMap::new();
        let same_files: Vec<String> = also.iter().filter_map(|other| self.component(*other)).map(describe).collect();
        if !same_files.is_empty() {
            annotations.insert("also-found-as".to_owned(), same_files);
        }
        Some(Package {
            id: self.ids.get(index.0 as usize).cloned().unwrap_or_default(),
            name: component.name.clone(),
            version: component.version.clone(),
            kind: component.kind.as_str(),
            locations: component.locations.iter().map(|location| self.location(location)).collect(),
            language: component.language.as_str(),
            licenses: component.licenses.iter().map(|license| license.value.clone()).collect(),
            cpes: component.cpes.iter().map(|cpe| cpe.name.clone()).collect(),
            purl: component.purl.clone(),
            upstreams: upstreams(component),
            metadata_type,
            metadata,
            annotations,
        })
    }

    fn location(&self, location: &Location) -> LocationEntry {
        let layers = &self.document.source.layers;
        let layer = location.layer.and_then(|layer| layers.get(layer as usize));
        let evidence = if location.primary { "primary" } else { "supporting" };
        LocationEntry {
            path: location.path.clone(),
            layer_id: layer.map(|layer| layer.digest.clone()).unwrap_or_default(),
            access_path: location.access_path.clone(),
            annotations: BTreeMap::from([("evidence", evidence)]),
        }
    }
}

/// A component in one line: its purl, else its name, with the first place it was found in.
fn describe(component: &Component) -> String {
    let name = if component.purl.is_empty() {
        format!("{} {} ({})", component.name, component.version, component.kind.as_str())
    } else {
        component.purl.clone()
    };
    match component.locations.first() {
        Some(location) => format!("{name} {}", location.access_path),
        None => name,
    }
}

fn upstreams(component: &Component) -> Vec<UpstreamEntry> {
    let entry = |upstream: &sbom::Upstream| UpstreamEntry {
        name: upstream.name.clone(),
        version: upstream.version.clone().unwrap_or_default(),
    };
    component.upstreams.iter().map(entry).collect()
}

/// The part of the package's own record that matching uses, under the peer's name.
fn metadata(component: &Component, facts: Facts) -> Option<(&'static str, PackageMetadata)> {
    Some(match facts {
        Facts::Rpm(rpm) => {
            if rpm.epoch.is_none() && rpm.modularity_label.is_none() && rpm.architecture.is_empty() {
                return None;
            }
            let (epoch, modularity_label) = (rpm.epoch, rpm.modularity_label);
            ("RpmMetadata", PackageMetadata::Rpm { epoch, modularity_label, architecture: rpm.architecture })
        }
        Facts::Apk(apk) => {
            let files = apk_files(component);
            if files.is_empty() && apk.architecture.is_empty() {
                return None;
            }
            ("ApkMetadata", PackageMetadata::Apk { files, architecture: apk.architecture })
        }
        Facts::GoBinary(go) => {
            let setting = |setting: crate::facts::KeyValue| KeyAndValue { key: setting.key, value: setting.value };
            let metadata = PackageMetadata::GoBinary {
                go_build_settings: go.go_build_settings.into_iter().map(setting).collect(),
                go_compiled_version: go.go_compiled_version,
                architecture: go.architecture,
                h1_digest: go.h1_digest,
                main_module: go.main_module,
                go_crypto_settings: go.go_crypto_settings,
            };
            ("GolangBinMetadata", metadata)
        }
        Facts::GoModule(module) => ("GolangModMetadata", PackageMetadata::GoModule { h1_digest: module.h1_digest }),
        Facts::GoSource(source) => {
            let metadata = PackageMetadata::GoSource {
                h1_digest: source.h1_digest,
                os: source.os,
                architecture: source.architecture,
                build_tags: source.build_tags,
                cgo_enabled: source.cgo_enabled,
            };
            ("GolangSourceMetadata", metadata)
        }
        Facts::Java(java) => {
            let (pom_group_id, pom_artifact_id) = java.coordinates(component);
            let manifest_name = java.manifest_name().to_owned();
            let digests = java.digest.into_iter();
            let digests: Vec<_> =
                digests.map(|digest| DigestEntry { algorithm: digest.algorithm, value: digest.value }).collect();
            let archive_digests = Some(digests).filter(|digests| !digests.is_empty());
            let virtual_path = java.virtual_path;
            let metadata =
                PackageMetadata::Java { virtual_path, pom_artifact_id, pom_group_id, manifest_name, archive_digests };
            ("JavaMetadata", metadata)
        }
        Facts::Jvm(jvm) => {
            const SHOWN: [&str; 4] = ["javaRuntimeVersion", "javaVersion", "fullVersion", "semanticVersion"];
            let text = |key: &str| jvm.release.get(key).and_then(|value| value.as_str()).map(str::to_owned);
            let release = SHOWN.iter().filter_map(|key| Some(((*key).to_owned(), text(key)?))).collect();
            ("JavaVMInstallationMetadata", PackageMetadata::Jvm { release })
        }
        Facts::None if component.kind == sbom::PackageType::JavaArchive => from_purl(component)?,
        Facts::None => return None,
    })
}

fn from_purl(component: &Component) -> Option<(&'static str, PackageMetadata)> {
    let names = maven_names(component, &Facts::None);
    let (group, artifact) = names.first()?.split_once(':')?;
    let metadata = PackageMetadata::Java {
        virtual_path: String::new(),
        pom_artifact_id: artifact.to_owned(),
        pom_group_id: group.to_owned(),
        manifest_name: String::new(),
        archive_digests: None,
    };
    Some(("JavaMetadata", metadata))
}

/// The files of an apk package: of its record, else those the component owns.
fn apk_files(component: &Component) -> Vec<FilePath> {
    #[derive(Deserialize)]
    struct Record {
        #[serde(default)]
        files: Vec<File>,
    }
    #[derive(Deserialize)]
    struct File {
        #[serde(default)]
        path: String,
    }
    let json = component.metadata.as_ref().map_or("", |metadata| metadata.json.as_str());
    match serde_json::from_str::<Record>(json) {
        Ok(record) if !record.files.is_empty() => {
            record.files.into_iter().map(|file| FilePath { path: file.path }).collect()
        }
        _ => component.owned_files.iter().map(|path| FilePath { path: path.clone() }).collect(),
    }
}
