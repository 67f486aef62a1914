//! Dart: `pubspec.lock` and `pubspec.yaml`, as Syft 1.57 reads them (`syft/pkg/cataloger/dart`).

use super::{license_files, yaml};
use crate::{Assembly, Cataloger, Extraction, File, ParseError, UsedFor, View, Want};
use purl::PackageUrl;
use sbom::{Component, Language, PackageType};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Finds the packages that a project locks.
pub(super) struct PubspecLock;

/// Finds the packages that are here as sources.
pub(super) struct Pubspec;

impl Cataloger for PubspecLock {
    fn name(&self) -> &'static str {
        "dart-pubspec-lock-cataloger"
    }

    fn used_for(&self) -> UsedFor {
        UsedFor::Directory
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "declared", "language", "dart"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Glob("**/pubspec.lock")]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        let lock: Lock = yaml::parse(&file.text())?;
        for (name, package) in &lock.packages {
            let Some(version) = lock.version(package) else { continue };
            let record =
                Record { name, version: &version, hosted_url: package.hosted_url(), vcs_url: package.vcs_url() };
            let (key, value) = if record.hosted_url.is_empty() {
                ("vcs_url", &record.vcs_url)
            } else {
                ("hosted_url", &record.hosted_url)
            };
            let mut component = component(name, &version);
            component.purl = PackageUrl::new("pub", name).version(&version).qualifier(key, value).to_string();
            component.set_metadata("dart-pubspec-lock-entry", &record)?;
            out.add(component);
        }
        out.not_empty()
    }
}

impl Cataloger for Pubspec {
    fn name(&self) -> &'static str {
        "dart-pubspec-cataloger"
    }

    fn used_for(&self) -> UsedFor {
        UsedFor::Directory
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "declared", "language", "dart"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Glob("**/pubspec.{yml,yaml}")]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        let Source { name, version, mut record } = yaml::parse(&file.text())?;
        record.environment = record.environment.filter(|environment| *environment != Environment::default());
        let mut component = component(&name, &version);
        component.purl = PackageUrl::new("pub", &name).version(&version).to_string();
        component.set_metadata("dart-pubspec", &record)?;
        out.add(component);
        Ok(())
    }

    fn assemble(&self, view: &View<'_>, out: &mut Assembly) {
        license_files::assemble(view, out);
    }
}

fn component(name: &str, version: &str) -> Component {
    Component::new(PackageType::DartPub, Language::Dart, name, version)
}

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    packages: BTreeMap<String, Locked>,
    #[serde(default)]
    sdks: BTreeMap<String, String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Locked {
    description: Description,
    source: String,
    version: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Description {
    Name(String),
    Place(Place),
}

impl Default for Description {
    fn default() -> Self {
        Self::Place(Place::default())
    }
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "kebab-case")]
struct Place {
    name: String,
    url: String,
    path: String,
    resolved_ref: String,
}

/// The `dart-pubspec-lock-entry` record of Syft's JSON schema 16.
#[derive(Serialize)]
struct Record<'a> {
    name: &'a str,
    version: &'a str,
    #[serde(skip_serializing_if = "String::is_empty")]
    hosted_url: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    vcs_url: String,
}

impl Lock {
    /// Packages of an SDK have no version of their own: the lowest that the SDK may have stands for it.
    fn version(&self, package: &Locked) -> Option<String> {
        if package.source != "sdk" || package.version != "0.0.0" {
            return Some(package.version.clone());
        }
        let name = match &package.description {
            Description::Name(name) => name,
            Description::Place(place) => &place.name,
        };
        let bound = self.sdks.get(name)?;
        let version = bound.strip_prefix('^').or_else(|| bound.strip_prefix(">="))?.split(' ').next()?;
        let numbers = version.split(['-', '+']).next().unwrap_or_default();
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let count = numbers.split('.').count();
        ((2..=3).contains(&count) && numbers.split('.').all(is_number)).then(|| version.to_owned())
    }
}

impl Locked {
    fn place(&self, source: &str) -> Option<&Place> {
        match &self.description {
            Description::Place(place) if self.source == source => Some(place),
            _ => None,
        }
    }

    /// The host of another registry than the usual one.
    fn hosted_url(&self) -> String {
        let url = self.place("hosted").map_or("", |place| &place.url);
        if url == "https://pub.dartlang.org" {
            return String::new();
        }
        let host = url.split_once("://").map(|(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or_default());
        host.map_or("", |host| host.rsplit('@').next().unwrap_or(host)).to_owned()
    }

    fn vcs_url(&self) -> String {
        match self.place("git") {
            Some(Place { url, path, resolved_ref, .. }) if path == "." => format!("{url}@{resolved_ref}"),
            Some(Place { url, path, resolved_ref, .. }) => format!("{url}@{resolved_ref}#{path}"),
            None => String::new(),
        }
    }
}

#[derive(Deserialize)]
struct Source {
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
    #[serde(flatten)]
    record: SourceRecord,
}

/// The `dart-pubspec` record of Syft's JSON schema 16.
#[derive(Serialize, Deserialize)]
struct SourceRecord {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    homepage: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    repository: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    documentation: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    publish_to: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    environment: Option<Environment>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    platforms: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ignored_advisories: Vec<String>,
}

#[derive(Serialize, Deserialize, PartialEq, Default)]
struct Environment {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    sdk: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    flutter: String,
}

#[cfg(test)]
mod tests {
    use super::{Pubspec, PubspecLock};
    use crate::catalogers::testing::{catalogue, purls, record, unknowns};

    #[test]
    fn locks() {
        let lock = b"packages:\n  ale:\n    dependency: transitive\n    description:\n      name: ale\n      url: \"https://pub.dartlang.org\"\n    source: hosted\n    version: \"3.3.0\"\n  own:\n    description:\n      name: own\n      url: \"https://pub.example.org/x\"\n    source: hosted\n    version: \"1.0.0\"\n  git:\n    description:\n      path: sub\n      ref: main\n      resolved-ref: abc\n      url: \"https://example.org/a.git\"\n    source: git\n    version: \"0.1.0\"\n  flutter:\n    description: flutter\n    source: sdk\n    version: \"0.0.0\"\n  lost:\n    description: other\n    source: sdk\n    version: \"0.0.0\"\nsdks:\n  flutter: \">=3.24 <4.0.0\"\n";
        let document = catalogue(&PubspecLock, &[("/pubspec.lock", lock), ("/x/pubspec.lock", b"sdks: {}\n")]);
        assert_eq!(
            purls(&document),
            [
                "pkg:pub/ale@3.3.0",
                "pkg:pub/flutter@3.24",
                "pkg:pub/git@0.1.0?vcs_url=https%3A%2F%2Fexample.org%2Fa.git%40abc%23sub",
                "pkg:pub/own@1.0.0?hosted_url=pub.example.org",
            ]
        );
        assert_eq!(record(&document, "own"), r#"{"name":"own","version":"1.0.0","hosted_url":"pub.example.org"}"#);
        assert_eq!(unknowns(&document), [("/x/pubspec.lock", "unable to determine packages")]);
    }

    #[test]
    fn sources_take_the_licence_beside_them() {
        let source =
            b"name: foo\nversion: 1.2.3\nhomepage: https://foo\nenvironment:\n  sdk: ^3.0.0\nflutter:\n  x: [1]\n";
        let text = b"Permission is hereby granted, free of charge, to any person";
        let document = catalogue(&Pubspec, &[("/pubspec.yaml", source), ("/LICENSE", text)]);
        assert_eq!(purls(&document), ["pkg:pub/foo@1.2.3"]);
        assert_eq!(record(&document, "foo"), r#"{"homepage":"https://foo","environment":{"sdk":"^3.0.0"}}"#);
        assert_eq!(document.components[0].licenses.len(), 1);
    }
}
