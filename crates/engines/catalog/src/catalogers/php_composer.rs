//! `php-composer-installed-cataloger` and `php-composer-lock-cataloger`, as Syft 1.57 reads them
//! (`syft/pkg/cataloger/php`).

use crate::catalogers::license_files;
use crate::{Cataloger, Extraction, File, ParseError, UsedFor, Want};
use purl::PackageUrl;
use sbom::{Component, Language, PackageType};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;

/// Finds the packages that Composer installed.
pub(super) struct ComposerInstalled;

/// Finds the packages that Composer locked; those for development are left out.
pub(super) struct ComposerLock;

impl Cataloger for ComposerInstalled {
    fn name(&self) -> &'static str {
        "php-composer-installed-cataloger"
    }

    fn used_for(&self) -> UsedFor {
        UsedFor::Image
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "installed", "language", "php", "composer"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Glob("**/installed.json")]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        extract::<Installed>(file, "php-composer-installed-entry", out)
    }
}

impl Cataloger for ComposerLock {
    fn name(&self) -> &'static str {
        "php-composer-lock-cataloger"
    }

    fn used_for(&self) -> UsedFor {
        UsedFor::Directory
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "declared", "language", "php", "composer"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Glob("**/composer.lock")]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        extract::<Locked>(file, "php-composer-lock-entry", out)
    }
}

#[derive(Deserialize)]
struct Locked {
    #[serde(default, deserialize_with = "or_default")]
    packages: Vec<Package>,
}

/// Composer 1 wrote a list, Composer 2 an object around it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Installed {
    Object(Locked),
    List(Vec<Package>),
}

impl From<Locked> for Vec<Package> {
    fn from(locked: Locked) -> Self {
        locked.packages
    }
}

impl From<Installed> for Vec<Package> {
    fn from(installed: Installed) -> Self {
        match installed {
            Installed::Object(locked) => locked.packages,
            Installed::List(packages) => packages,
        }
    }
}

/// The records `php-composer-lock-entry` and `php-composer-installed-entry`, fields in the order of Syft's schema.
/// The licences are left out of the record, as Syft does.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Package {
    #[serde(default, deserialize_with = "or_default")]
    name: String,
    #[serde(default, deserialize_with = "or_default")]
    version: String,
    #[serde(default, deserialize_with = "or_default")]
    source: Reference,
    #[serde(default, deserialize_with = "or_default")]
    dist: Reference,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "BTreeMap::is_empty")]
    require: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "BTreeMap::is_empty")]
    provide: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "BTreeMap::is_empty")]
    require_dev: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "BTreeMap::is_empty")]
    suggest: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "or_default", skip_serializing)]
    license: Vec<String>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    r#type: String,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    notification_url: String,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    bin: Vec<String>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    authors: Vec<Author>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    homepage: String,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    keywords: Vec<String>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    time: String,
}

#[derive(Default, Deserialize, Serialize)]
struct Reference {
    #[serde(default, deserialize_with = "or_default")]
    r#type: String,
    #[serde(default, deserialize_with = "or_default")]
    url: String,
    #[serde(default, deserialize_with = "or_default")]
    reference: String,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    shasum: String,
}

#[derive(Deserialize, Serialize)]
struct Author {
    #[serde(default, deserialize_with = "or_default")]
    name: String,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    email: String,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    homepage: String,
}

/// `null` is as good as nothing.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

fn extract<T>(file: &File<'_>, kind: &'static str, out: &mut Extraction) -> Result<(), ParseError>
where
    T: DeserializeOwned,
    Vec<Package>: From<T>,
{
    for packages in serde_json::Deserializer::from_slice(file.bytes).into_iter::<T>() {
        // A package without a name belongs to another program's file of the same name.
        for package in Vec::from(packages?).into_iter().filter(|package| !package.name.is_empty()) {
            let mut component =
                Component::new(PackageType::PhpComposer, Language::Php, &package.name, &package.version);
            component.purl = package_url(&package.name, &package.version);
            component.licenses = package.license.iter().flat_map(|license| license_files::declared(license)).collect();
            component.set_metadata(kind, &package)?;
            out.add(component);
        }
    }
    if out.components.is_empty() {
        return Err(ParseError::malformed("unable to determine packages"));
    }
    Ok(())
}

fn package_url(name: &str, version: &str) -> String {
    let (vendor, name) = name.split_once('/').unwrap_or(("", name));
    PackageUrl::new("composer", name.replace('/', "-")).namespace(vendor).version(version).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogers::testing::{catalogue, purls, record, unknowns};
    use proptest::prelude::*;

    const PACKAGE: &str = r#"{"name":"behat/mink","version":"v1.8.1","source":{"type":"git","url":"https://example.com/Mink.git","reference":"07c6"},"require":{"symfony/css-selector":"^2.7","php":">=5.3.1"},"license":["MIT"],"authors":[{"name":"K","role":"Developer"}],"time":null,"autoload":{"psr-4":[]}}"#;
    const RECORD: &str = r#"{"name":"behat/mink","version":"v1.8.1","source":{"type":"git","url":"https://example.com/Mink.git","reference":"07c6"},"dist":{"type":"","url":"","reference":""},"require":{"php":">=5.3.1","symfony/css-selector":"^2.7"},"authors":[{"name":"K"}]}"#;

    fn check(cataloger: &'static dyn Cataloger, path: &str, text: &str) {
        let document = catalogue(cataloger, &[(path, text.as_bytes())]);
        assert_eq!(purls(&document), ["pkg:composer/behat/mink@v1.8.1"], "{text}");
        assert_eq!(record(&document, "behat/mink"), RECORD, "{text}");
        assert_eq!(document.components[0].licenses[0].value, "MIT");
    }

    #[test]
    fn layouts() {
        check(&ComposerInstalled, "/vendor/composer/installed.json", &format!("[{PACKAGE}]"));
        check(&ComposerInstalled, "/vendor/composer/installed.json", &format!(r#"{{"packages":[{PACKAGE}]}}"#));
        let lock = format!(r#"{{"packages":[{PACKAGE}],"packages-dev":[{{"name":"a/dev","version":"1"}}]}}"#);
        check(&ComposerLock, "/composer.lock", &lock);
    }

    #[test]
    fn without_packages() {
        for text in ["{}", "[]", "", "[{\"id\": 1}]"] {
            let document = catalogue(&ComposerInstalled, &[("/installed.json", text.as_bytes())]);
            assert_eq!(unknowns(&document), [("/installed.json", "unable to determine packages")], "{text}");
        }
        assert_eq!(unknowns(&catalogue(&ComposerLock, &[("/composer.lock", b"{")])).len(), 1);
    }

    #[test]
    fn package_urls() {
        for (name, expected) in
            [("a", "pkg:composer/a@1"), ("a/b", "pkg:composer/a/b@1"), ("a/b/c", "pkg:composer/a/b-c@1")]
        {
            assert_eq!(package_url(name, "1"), expected);
        }
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let file = File { path: "/installed.json", mode: 0o644, bytes: &bytes };
            let _ = ComposerInstalled.extract(&file, &mut Extraction::default());
        }
    }
}
