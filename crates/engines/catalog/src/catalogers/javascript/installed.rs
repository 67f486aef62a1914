//! `javascript-package-cataloger`: every `package.json` of an image.

use super::package::component;
use super::package_json::PackageJson;
use crate::catalogers::license_files;
use crate::{Assembly, Cataloger, Extraction, File, ParseError, UsedFor, View, Want};
use serde::Serialize;

/// Finds installed npm packages.
pub(crate) struct JavaScriptPackage;

/// The `javascript-npm-package` record of Syft's JSON schema 16.
#[derive(Serialize)]
struct Record<'a> {
    name: &'a str,
    version: &'a str,
    author: &'a str,
    homepage: &'a str,
    description: &'a str,
    url: &'a str,
    private: bool,
}

impl Cataloger for JavaScriptPackage {
    fn name(&self) -> &'static str {
        "javascript-package-cataloger"
    }

    fn used_for(&self) -> UsedFor {
        UsedFor::Image
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "installed", "language", "javascript", "node"]
    }

    fn wants(&self) -> &'static [Want] {
        // Licence texts count beside a package.json that names none.
        &[
            Want::Glob("**/package.json"),
            Want::Glob(
                "**/{LICENSE,LICENCE,License,Licence,license,licence,MIT-LICENSE,UNLICENSE,COPYING,copying,NOTICE,notice}*",
            ),
        ]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        if file.name() != "package.json" {
            return license_files::keep(file, out);
        }
        for found in PackageJson::parse(&file.text())? {
            let record = Record {
                name: &found.name,
                version: &found.version,
                author: &found.authors,
                homepage: &found.homepage,
                description: &found.description,
                url: &found.repository,
                private: found.private,
            };
            let mut component = component(&found.name, &found.version, "javascript-npm-package", &record)?;
            component.licenses = found.licenses.iter().flat_map(|license| license_files::declared(license)).collect();
            out.add(component);
        }
        Ok(())
    }

    fn assemble(&self, view: &View<'_>, out: &mut Assembly) {
        let licenses = license_files::Beside::gather(view);
        for found in view.extractions() {
            for component in &found.body.components {
                let mut component = component.clone();
                component.locations.push(found.location());
                if component.licenses.is_empty() {
                    component.licenses = licenses.of(&found);
                }
                out.add(component);
            }
        }
    }
}
