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
        &[Want::Glob("**/package.json")]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
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
        license_files::assemble(view, out);
    }
}
