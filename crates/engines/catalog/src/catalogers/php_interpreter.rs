//! PHP: its programs, and the extensions that they can load (Syft 1.57,
//! `syft/pkg/cataloger/php/interpreter_cataloger.go`).

use super::binary_classifier::{search, signature};
use crate::{Assembly, Cataloger, Extraction, File, ParseError, View, Want, glob};
use purl::PackageUrl;
use sbom::{Component, ComponentIndex, Cpe, CpeSource, Language, PackageType};
use serde::{Deserialize, Serialize};

/// Finds PHP and its extensions.
pub(super) struct PhpInterpreter;

/// What a file is a part of, in the order in which the peer looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Part {
    CommandLine,
    Fpm,
    Apache,
    Extension,
}

impl Part {
    const ALL: [Self; 4] = [Self::CommandLine, Self::Fpm, Self::Apache, Self::Extension];

    fn is_at(self, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        match self {
            Self::CommandLine => name.strip_prefix("php").is_some_and(|rest| rest.bytes().all(|c| c.is_ascii_digit())),
            Self::Fpm => name.starts_with("php-fpm"),
            Self::Apache => glob::matches(APACHE, path),
            Self::Extension => glob::matches(EXTENSION, path),
        }
    }

    /// The expression for the version in an extension or program called `name`.
    fn pattern(self, name: &str) -> &'static str {
        match (self, name) {
            (Self::Extension, "mysqli") => r"(mysqlnd|mysqli)?\s*\x00*(?P<version>[0-9]+\.[0-9]+\.[0-9]+)\x00+API",
            (Self::Extension, "opcache") => r"(?m)\x00+(?P<version>[0-9]+\.[0-9]+\.[0-9]+)\x00+",
            (Self::Extension, "zip") => r"\x00+(?P<version>[0-9]+\.[0-9]+\.[0-9]+)\x00+Zip",
            (Self::Extension, _) => r"(?m)\x00+(?P<version>[0-9]+\.[0-9]+\.[0-9]+)\x00+API",
            _ => r"(?m)X-Powered-By: PHP/(?P<version>[0-9]+\.[0-9]+\.[0-9]+(beta[0-9]+|alpha[0-9]+|RC[0-9]+)?)",
        }
    }
}

const APACHE: &str = "**/apache*/**/libphp*.so";
const EXTENSION: &str = "**/php*/**/*.so";

impl Cataloger for PhpInterpreter {
    fn name(&self) -> &'static str {
        "php-interpreter-cataloger"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "declared", "installed", "binary", "php"]
    }

    fn wants(&self) -> &'static [Want] {
        &[
            Want::Glob("**/php"),
            Want::Glob("**/php[0-9]*"),
            Want::Glob("**/php-fpm*"),
            Want::Glob(APACHE),
            Want::Glob(EXTENSION),
        ]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        let path = file.path.trim_start_matches('/');
        let parts = Part::ALL.into_iter().filter(|part| part.is_at(path));
        let found: Vec<(Part, String)> = parts
            .filter_map(|part| Some((part, search::text(part.pattern(stem(path)), file.bytes)?.version?)))
            .collect();
        if !found.is_empty() {
            out.kept = postcard::to_allocvec(&found).map_err(|error| ParseError::malformed(error.to_string()))?;
        }
        Ok(())
    }

    fn assemble(&self, view: &View<'_>, out: &mut Assembly) {
        let files = view.extractions();
        let mut programs = Vec::new();
        let mut extensions = Vec::new();
        for part in Part::ALL {
            for found in &files {
                let parts: Vec<(Part, String)> = postcard::from_bytes(&found.body.kept).unwrap_or_default();
                for (_, version) in parts.iter().filter(|(known, _)| *known == part) {
                    let (class, mut component) = component(part, stem(&found.file.path), version);
                    component.locations.push(found.location());
                    let added = signature::add(component, &[(class, found.location())], view, out);
                    let list = if part == Part::Extension { &mut extensions } else { &mut programs };
                    list.extend(added);
                }
            }
        }
        connect(&programs, &extensions, out);
    }
}

/// Every program can load every extension.
fn connect(programs: &[ComponentIndex], extensions: &[ComponentIndex], out: &mut Assembly) {
    /// Beyond this the file system was made to break us.
    const MAX_EDGES: usize = 100_000;
    let edges = programs.iter().flat_map(|program| extensions.iter().map(move |extension| (extension, program)));
    for (extension, program) in edges.take(MAX_EDGES) {
        out.dependency(*extension, *program);
    }
}

fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.strip_suffix(".so").unwrap_or(name)
}

/// The classifier's name and the component.
fn component(part: Part, stem: &str, version: &str) -> (String, Component) {
    let (class, name, purl_name) = match part {
        Part::CommandLine => ("php-cli-binary".to_owned(), "php-cli", "php-cli"),
        Part::Fpm => ("php-fpm-binary".to_owned(), "php-fpm", "php-fpm"),
        Part::Apache => ("php-apache-binary".to_owned(), "libphp", "php"),
        Part::Extension => (format!("php-ext-{stem}-binary"), stem, stem),
    };
    let mut component = Component::new(PackageType::Binary, Language::Unknown, name, version);
    component.purl = PackageUrl::new("generic", purl_name).version(version).to_string();
    let (product, source) = match part {
        Part::Extension => (format!("php-{stem}"), CpeSource::Declared),
        _ => ("php".to_owned(), CpeSource::NvdDictionary),
    };
    component.cpes.extend(signature::cpe(&product, &product, version, "").map(|name| Cpe { name, source }));
    (class, component)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogers::testing::{catalogue, edges, purls, record};

    #[test]
    fn programs_and_extensions() {
        let header: &[u8] = b"\0X-Powered-By: PHP/8.3.27\0";
        let document = catalogue(
            &PhpInterpreter,
            &[
                ("/usr/local/bin/php", header),
                ("/usr/local/bin/phpize", header),
                ("/usr/local/sbin/php-fpm", header),
                ("/usr/lib/apache2/modules/libphp8.2.so", header),
                ("/usr/local/lib/php/extensions/x/bcmath.so", b"\0bcmath\x008.3.27\0API20230831,NTS\0"),
                ("/usr/local/lib/php/extensions/x/zip.so", b"\x001.22.3\0Zip\0"),
                ("/usr/local/lib/php/extensions/x/opcache.so", b"\x008.3.27\0\0"),
                ("/usr/local/lib/php/extensions/x/other.so", b"nothing"),
            ],
        );
        let expected = [
            "pkg:generic/bcmath@8.3.27",
            "pkg:generic/php@8.3.27",
            "pkg:generic/opcache@8.3.27",
            "pkg:generic/php-cli@8.3.27",
            "pkg:generic/php-fpm@8.3.27",
            "pkg:generic/zip@1.22.3",
        ];
        assert_eq!(purls(&document), expected);
        assert_eq!(edges(&document).len(), 9);
        assert!(edges(&document).contains(&"bcmath -> php-cli".to_owned()));
        let location = r#"{"path":"/usr/local/lib/php/extensions/x/zip.so","accessPath":"/usr/local/lib/php/extensions/x/zip.so","annotations":{"evidence":"primary"}}"#;
        let expected = format!(r#"{{"matches":[{{"classifier":"php-ext-zip-binary","location":{location}}}]}}"#);
        assert_eq!(record(&document, "zip"), expected);
    }
}
