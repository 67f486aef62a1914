//! SBOM documents among the files: what they list counts as found, where that is asked for.
//!
//! Follows Syft 1.57 (`syft/pkg/cataloger/sbom`).

use crate::{Cataloger, Extraction, File, ParseError, UsedFor, Want};
use sbom::{Component, Document};

/// Finds the packages that documents list.
pub(super) struct SbomFile;

impl Cataloger for SbomFile {
    fn name(&self) -> &'static str {
        "sbom-cataloger"
    }

    /// A document is no evidence that what it lists is installed.
    fn used_for(&self) -> UsedFor {
        UsedFor::Asked
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "sbom"]
    }

    fn wants(&self) -> &'static [Want] {
        &[
            Want::Glob("**/*.syft.json"),
            Want::Glob("**/*.bom.*"),
            Want::Glob("**/*.bom"),
            Want::Glob("**/bom"),
            Want::Glob("**/*.sbom.*"),
            Want::Glob("**/*.sbom"),
            Want::Glob("**/sbom"),
            Want::Glob("**/*.cdx.*"),
            Want::Glob("**/*.cdx"),
            Want::Glob("**/*.spdx.*"),
            Want::Glob("**/*.spdx"),
        ]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        let document = read(file.bytes)?;
        out.components = document.components.into_iter().map(forget_origin).collect();
        out.relationships = document.relationships;
        Ok(())
    }
}

/// Reads a document of any format.
///
/// # Errors
/// Where it is none, or is over a limit.
pub(super) fn read(bytes: &[u8]) -> Result<Document, ParseError> {
    sbom::decode(bytes).map_err(|error| ParseError::malformed(error.to_string()))
}

/// The places that a document names are not of this source; the document itself is the only evidence.
pub(super) fn forget_origin(component: Component) -> Component {
    let mut component = Component { id: String::new(), found_by: "".into(), locations: Vec::new(), ..component };
    component.licenses.iter_mut().for_each(|license| license.location = None);
    component
}

#[cfg(test)]
mod tests {
    use super::SbomFile;
    use crate::catalogers::testing::{catalogue, edges, purls, unknowns};

    #[test]
    fn documents_of_any_format() {
        let cyclonedx = br#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[
            {"bom-ref":"a","type":"library","name":"a","version":"1","purl":"pkg:npm/a@1"},
            {"bom-ref":"b","type":"library","name":"b","version":"2","purl":"pkg:npm/b@2"}],
            "dependencies":[{"ref":"a","dependsOn":["b"]}]}"#;
        let spdx = b"SPDXVersion: SPDX-2.3\nDataLicense: CC0-1.0\nSPDXID: SPDXRef-DOCUMENT\nDocumentName: d\n\
            PackageName: c\nSPDXID: SPDXRef-c\nPackageVersion: 3\nExternalRef: PACKAGE-MANAGER purl pkg:gem/c@3\n";
        let document = catalogue(
            &SbomFile,
            &[("/app/a.cdx.json", cyclonedx), ("/usr/share/c.spdx", spdx), ("/x/bom", b"no document"), ("/bomb", b"")],
        );
        assert_eq!(purls(&document), ["pkg:npm/a@1", "pkg:npm/b@2", "pkg:gem/c@3"]);
        assert_eq!(edges(&document), ["b -> a"]);
        assert_eq!(document.components[2].locations[0].path, "/usr/share/c.spdx");
        assert_eq!(document.components[0].found_by, "sbom-cataloger");
        assert_eq!(unknowns(&document), [("/x/bom", "sbom format not recognized")]);
    }
}
