//! The `java-archive` record of Syft's JSON schema 16.

use super::manifest::Manifest;
use sbom::Component;
use serde::Serialize;
use std::collections::BTreeMap;

/// What is known about one Java package.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JavaRecord {
    pub(super) virtual_path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) manifest: Option<Manifest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pom_properties: Option<PomProperties>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pom_project: Option<PomProject>,
    #[serde(rename = "digest", skip_serializing_if = "Vec::is_empty")]
    pub(super) digests: Vec<ArchiveDigest>,
}

/// Digest of the archive as a whole.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ArchiveDigest {
    pub(super) algorithm: &'static str,
    pub(super) value: String,
}

/// `pom.properties`.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PomProperties {
    pub(super) path: String,
    pub(super) name: String,
    pub(super) group_id: String,
    pub(super) artifact_id: String,
    pub(super) version: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) scope: String,
    #[serde(rename = "extraFields", skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) extra: BTreeMap<String, String>,
}

/// `pom.xml`.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PomProject {
    pub(super) path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parent: Option<Coordinates>,
    pub(super) group_id: String,
    pub(super) artifact_id: String,
    pub(super) version: String,
    pub(super) name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) description: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) url: String,
}

/// Group, artifact and version.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Coordinates {
    pub(super) group_id: String,
    pub(super) artifact_id: String,
    pub(super) version: String,
}

impl Coordinates {
    /// Nothing is missing.
    pub(super) fn is_complete(&self) -> bool {
        !self.group_id.is_empty() && !self.artifact_id.is_empty() && !self.version.is_empty()
    }
}

impl PomProperties {
    /// The group is one that Jenkins plugins are published under.
    pub(super) fn is_jenkins_plugin(&self) -> bool {
        const GROUPS: [&str; 5] = [
            "io.jenkins.plugins",
            "org.jenkins.plugins",
            "org.jenkins-ci.plugins",
            "io.jenkins-ci.plugins",
            "com.cloudbees.jenkins.plugins",
        ];
        GROUPS.iter().any(|group| self.group_id.starts_with(group)) || self.group_id.contains(".jenkins.plugin")
    }
}

impl JavaRecord {
    /// The group; empty when nothing tells it.
    pub(super) fn group(&self, name: &str, version: &str) -> String {
        let (properties, project) = (self.pom_properties.as_ref(), self.pom_project.as_ref());
        super::groups::group_of(name, version, properties, project, self.manifest.as_ref())
    }

    /// Sets the record and what follows from it on `component`: the purl, and the type of Jenkins plugins.
    pub(super) fn finish(&self, component: &mut Component) -> Result<(), serde_json::Error> {
        let group = self.group(&component.name, &component.version);
        let group = if group.is_empty() { component.name.clone() } else { group };
        let purl = purl::PackageUrl::new("maven", &*component.name).namespace(group).version(&*component.version);
        component.purl = purl.to_string();
        if component.purl.contains("io.jenkins.plugins") || component.purl.contains("org.jenkins-ci.plugins") {
            component.kind = sbom::PackageType::JenkinsPlugin;
        }
        component.set_metadata("java-archive", self)
    }
}
