//! What matching and the report need of a component's own record (`Component::metadata`, in the shape of Syft's schema).

use sbom::{Component, Metadata, PackageType};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};

/// The record, by what it is of.
#[derive(Debug, Clone, Default)]
pub(crate) enum Facts {
    #[default]
    None,
    Rpm(RpmFacts),
    Apk(ApkFacts),
    GoBinary(GoFacts),
    GoModule(GoModuleFacts),
    GoSource(GoSourceFacts),
    Java(JavaFacts),
    Jvm(JvmFacts),
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct RpmFacts {
    pub(crate) epoch: Option<i64>,
    /// `Some("")`: the package manager knows modules and this is outside of them.
    pub(crate) modularity_label: Option<String>,
    pub(crate) architecture: String,
    pub(crate) source_rpm: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ApkFacts {
    pub(crate) architecture: String,
    pub(crate) origin_package: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct GoFacts {
    pub(crate) go_build_settings: Vec<KeyValue>,
    pub(crate) go_compiled_version: String,
    pub(crate) architecture: String,
    pub(crate) h1_digest: String,
    pub(crate) main_module: String,
    pub(crate) go_crypto_settings: Vec<String>,
    /// Import path and the functions of it that the binary holds; empty where they were not read.
    pub(crate) symbols: HashMap<String, Vec<String>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct GoModuleFacts {
    pub(crate) h1_digest: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct GoSourceFacts {
    pub(crate) h1_digest: String,
    pub(crate) os: String,
    pub(crate) architecture: String,
    pub(crate) build_tags: String,
    pub(crate) cgo_enabled: bool,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct KeyValue {
    pub(crate) key: String,
    pub(crate) value: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct JavaFacts {
    pub(crate) virtual_path: String,
    pub(crate) manifest: Manifest,
    pub(crate) pom_properties: Option<PomProperties>,
    pub(crate) digest: Vec<ArchiveDigest>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Manifest {
    pub(crate) main: Vec<KeyValue>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct PomProperties {
    pub(crate) group_id: String,
    pub(crate) artifact_id: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ArchiveDigest {
    pub(crate) algorithm: String,
    pub(crate) value: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct JvmFacts {
    /// All texts of the release file.
    pub(crate) release: BTreeMap<String, serde_json::Value>,
}

impl Facts {
    /// Reads the record; one that cannot be read says nothing.
    pub(crate) fn of(component: &Component) -> Self {
        let Some(metadata) = &component.metadata else { return Self::None };
        match metadata.kind.as_ref() {
            "rpm-db-entry" | "rpm-archive" => read(metadata).map_or(Self::None, Self::Rpm),
            "apk-db-entry" => read(metadata).map_or(Self::None, Self::Apk),
            "go-module-buildinfo-entry" => read(metadata).map_or(Self::None, Self::GoBinary),
            "go-module-entry" => read(metadata).map_or(Self::None, Self::GoModule),
            "go-source-entry" => read(metadata).map_or(Self::None, Self::GoSource),
            "java-archive" => read(metadata).map_or(Self::None, Self::Java),
            "java-jvm-installation" => read(metadata).map_or(Self::None, Self::Jvm),
            _ => Self::None,
        }
    }

    pub(crate) fn is_jvm(&self) -> bool {
        matches!(self, Self::Jvm(_))
    }
}

/// Package managers' records end in long lists of files, which nothing here needs. Where a record ends in something
/// else its fields are in another order, and it is read whole.
fn read<T: for<'a> Deserialize<'a>>(metadata: &Metadata) -> Option<T> {
    let files = Some(&metadata.json).filter(|json| json.ends_with("]}")).and_then(|json| json.find(",\"files\":"));
    let head = files.and_then(|at| metadata.json.get(..at));
    let short = head.and_then(|head| serde_json::from_str(&format!("{head}}}")).ok());
    short.or_else(|| serde_json::from_str(&metadata.json).ok())
}

impl GoFacts {
    /// The operating system it was built for; empty where not known.
    pub(crate) fn os(&self) -> &str {
        self.go_build_settings.iter().find(|setting| setting.key == "GOOS").map_or("", |setting| setting.value.as_str())
    }
}

/// A function's name as Go's vulnerability database spells it: no receiver pointer, no type parameters, no `-fm`.
pub(crate) fn go_symbol(name: &str) -> String {
    let plain: String = name.replace("(*", "").replace(')', "");
    let plain = plain.strip_suffix("-fm").unwrap_or(&plain);
    let mut out = String::with_capacity(plain.len());
    let mut rest = plain;
    while let Some((before, after)) = rest.split_once('[') {
        let Some((_, behind)) = after.split_once(']') else { break };
        out.push_str(before);
        rest = behind;
    }
    out + rest
}

impl JavaFacts {
    /// Group and artifact: of `pom.properties`, else of the purl.
    pub(crate) fn coordinates(&self, component: &Component) -> (String, String) {
        match &self.pom_properties {
            Some(pom) => (pom.group_id.clone(), pom.artifact_id.clone()),
            None => purl_coordinates(component),
        }
    }

    /// `Name` of the manifest's main section.
    pub(crate) fn manifest_name(&self) -> &str {
        self.manifest.main.iter().rev().find(|entry| entry.key == "Name").map_or("", |entry| entry.value.as_str())
    }
}

fn purl_coordinates(component: &Component) -> (String, String) {
    match component.purl.parse::<purl::PackageUrl>() {
        Ok(purl) => (purl.namespace().to_owned(), purl.name().to_owned()),
        Err(_) => (String::new(), String::new()),
    }
}

/// Names under which a Maven package may be filed: `group:artifact` by the record and by the purl.
pub(crate) fn maven_names(component: &Component, facts: &Facts) -> Vec<String> {
    let mut names = Vec::new();
    let mut add = |group: &str, artifact: &str| {
        let name = format!("{group}:{artifact}");
        if !group.is_empty() && !artifact.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    };
    if let Facts::Java(java) = facts {
        let (group, artifact) = java.coordinates(component);
        add(&group, &artifact);
        add(&group, java.manifest_name());
    }
    let (group, artifact) = purl_coordinates(component);
    add(&group, &artifact);
    names
}

/// Whether versions follow Java's own numbering: the record says so, or the name of a binary does.
pub(crate) fn is_jvm(component: &Component, facts: &Facts) -> bool {
    const NAMES: &[&str] = &["java_se", "jre", "jdk", "zulu", "openjdk", "java", "java/jre", "java/jdk"];
    facts.is_jvm() || component.kind == PackageType::Binary && NAMES.contains(&component.name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(kind: &'static str, json: &str) -> Component {
        let metadata = Some(Metadata { kind: kind.into(), json: json.to_owned() });
        Component { metadata, ..Component::default() }
    }

    #[test]
    fn long_records_are_read_at_their_head() {
        let rpm = with(
            "rpm-db-entry",
            r#"{"name":"a","epoch":1,"architecture":"x86_64","modularityLabel":"","files":[{"path":"/x"},{]}"#,
        );
        let Facts::Rpm(facts) = Facts::of(&rpm) else { panic!() };
        assert_eq!((facts.epoch, facts.architecture.as_str()), (Some(1), "x86_64"));
        assert_eq!(facts.modularity_label.as_deref(), Some(""));
        let sorted = with("rpm-db-entry", r#"{"epoch":1,"files":[],"modularityLabel":"nodejs:18"}"#);
        let Facts::Rpm(facts) = Facts::of(&sorted) else { panic!() };
        assert_eq!(facts.modularity_label.as_deref(), Some("nodejs:18"));
        assert!(matches!(Facts::of(&with("rpm-db-entry", "{")), Facts::None));
        assert!(matches!(Facts::of(&with("apk-db-entry", r#"{"originPackage":"a"}"#)), Facts::Apk(_)));
    }

    #[test]
    fn go_symbols_are_spelled_as_in_the_database() {
        for (name, want) in [
            ("Parse", "Parse"),
            ("(*Decoder).Decode", "Decoder.Decode"),
            ("(*T[go.shape.int]).M-fm", "T.M"),
            ("f[", "f["),
        ] {
            assert_eq!(go_symbol(name), want);
        }
    }

    #[test]
    fn maven_names_come_from_the_record_and_the_purl() {
        let mut jar = with(
            "java-archive",
            r#"{"virtualPath":"/a.jar","manifest":{"main":[{"key":"Name","value":"m"}]},"pomProperties":{"groupId":"g","artifactId":"a"}}"#,
        );
        jar.purl = "pkg:maven/org.x/b@1".to_owned();
        let facts = Facts::of(&jar);
        assert_eq!(maven_names(&jar, &facts), ["g:a", "g:m", "org.x:b"]);
    }
}
