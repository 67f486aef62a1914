//! What is read of a package's metadata (Syft's JSON schema 16).

use sbom::Component;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The metadata of the kinds that say something about vendor or product.
#[derive(Debug)]
pub(super) enum Record {
    Apk(Apk),
    Dotnet(Dotnet),
    DotnetExecutable(DotnetExecutable),
    Gem(Gem),
    Java(Java),
    Npm(Npm),
    PortableExecutable(PortableExecutable),
    Python(Python),
    Rpm(Rpm),
    TerraformProvider,
    WordpressPlugin(WordpressPlugin),
    /// Nothing, or nothing of interest.
    Other,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Apk {
    pub(super) package: String,
    pub(super) url: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Dotnet {
    pub(super) name: String,
    pub(super) executables: BTreeMap<String, DotnetExecutable>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct DotnetExecutable {
    pub(super) company_name: String,
    pub(super) product_name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Gem {
    pub(super) authors: Vec<String>,
    pub(super) homepage: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Java {
    pub(super) manifest: Option<Manifest>,
    pub(super) pom_properties: Option<Coordinates>,
    pub(super) pom_project: Option<PomProject>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Manifest {
    pub(super) main: Vec<KeyValue>,
    pub(super) sections: Vec<Vec<KeyValue>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Coordinates {
    pub(super) group_id: String,
    pub(super) artifact_id: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PomProject {
    #[serde(flatten)]
    pub(super) own: Coordinates,
    pub(super) parent: Option<Coordinates>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct KeyValue {
    pub(super) key: String,
    pub(super) value: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Npm {
    pub(super) homepage: String,
    pub(super) url: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct PortableExecutable {
    pub(super) version_resources: Vec<KeyValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Python {
    pub(super) author: String,
    pub(super) author_email: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Rpm {
    pub(super) vendor: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct WordpressPlugin {
    pub(super) plugin_install_directory: String,
    pub(super) author: String,
    pub(super) author_uri: String,
}

impl Record {
    /// The record of a component. Metadata that is not what its kind says counts as none.
    pub(super) fn of(component: &Component) -> Self {
        component
            .metadata
            .as_ref()
            .and_then(|metadata| Self::read(&metadata.kind, &metadata.json))
            .unwrap_or(Self::Other)
    }

    fn read(kind: &str, json: &str) -> Option<Self> {
        let record = match kind {
            "apk-db-entry" => Self::Apk(serde_json::from_str(json).ok()?),
            "dotnet-deps-entry" | "dotnet-packages-lock-entry" => Self::Dotnet(serde_json::from_str(json).ok()?),
            "dotnet-portable-executable-entry" => Self::DotnetExecutable(serde_json::from_str(json).ok()?),
            "java-archive" => Self::Java(serde_json::from_str(json).ok()?),
            "javascript-npm-package" => Self::Npm(serde_json::from_str(json).ok()?),
            "pe-binary" => Self::PortableExecutable(serde_json::from_str(json).ok()?),
            "python-package" => Self::Python(serde_json::from_str(json).ok()?),
            "rpm-archive" | "rpm-db-entry" => Self::Rpm(serde_json::from_str(json).ok()?),
            "ruby-gemspec" => Self::Gem(serde_json::from_str(json).ok()?),
            "terraform-lock-provider-entry" => Self::TerraformProvider,
            "wordpress-plugin-entry" => Self::WordpressPlugin(serde_json::from_str(json).ok()?),
            _ => Self::Other,
        };
        Some(record)
    }

    /// `tomcat-embed-el` holds only the expression language of Tomcat.
    pub(super) fn is_tomcat_embedded_el(&self) -> bool {
        let Self::Java(java) = self else { return false };
        java.pom_properties.as_ref().is_some_and(|properties| {
            properties.group_id == "org.apache.tomcat.embed" && properties.artifact_id == "tomcat-embed-el"
        })
    }
}

impl Manifest {
    /// The values of a field: of the main section, then of the others.
    pub(super) fn values<'a>(&'a self, field: &'a str) -> impl Iterator<Item = &'a str> {
        let sections = std::iter::once(&self.main).chain(&self.sections);
        sections
            .filter_map(move |section| section.iter().find(|pair| pair.key == field))
            .map(|pair| pair.value.as_str())
    }
}
