//! SPDX 2.1 to 2.3 as tag-value.

use super::document::{File, NO_ASSERTION, Package, SpdxDocument};
use super::ids;
use super::json::license_list_version;
use crate::format::SpdxVersion;
use std::borrow::Cow;
use std::io::{self, BufWriter, Write};

pub(super) fn write(document: &SpdxDocument<'_>, version: SpdxVersion, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    let out = &mut out;
    writeln!(out, "SPDXVersion: SPDX-{}\nDataLicense: CC0-1.0\nSPDXID: {}", version.as_str(), ids::DOCUMENT)?;
    writeln!(out, "DocumentName: {}\nDocumentNamespace: {}", line(&document.name), document.namespace)?;
    writeln!(out, "LicenseListVersion: {}", license_list_version())?;
    writeln!(out, "Creator: Organization: {}\nCreator: Tool: {}", document.organization, line(&document.tool))?;
    writeln!(out, "Created: {}\n", document.created)?;
    // A file that follows a package would be taken as contained in it, so all files come first.
    if !document.files.is_empty() {
        writeln!(out, "##### Unpackaged files\n")?;
    }
    let mut files: Vec<_> = document.files.iter().collect();
    files.sort_by(|a, b| a.id.cmp(&b.id));
    files.iter().try_for_each(|each| file(out, each))?;
    let mut packages: Vec<_> = document.packages.iter().collect();
    packages.sort_by(|a, b| a.id.cmp(&b.id));
    packages.iter().try_for_each(|each| package(out, each, version))?;
    if !document.licenses.is_empty() {
        writeln!(out, "##### Other Licenses\n")?;
    }
    for license in &document.licenses {
        writeln!(out, "LicenseID: {}\nExtractedText: {}", license.id, text(&license.text))?;
        writeln!(out, "LicenseName: {}", line(&license.name))?;
        license.urls.iter().try_for_each(|url| writeln!(out, "LicenseCrossReference: {}", line(url)))?;
        writeln!(out)?;
    }
    writeln!(out, "##### Relationships\n")?;
    for relationship in &document.relationships {
        writeln!(out, "Relationship: {} {} {}", relationship.from, relationship.kind, relationship.to)?;
        optional(out, "RelationshipComment", relationship.comment)?;
    }
    writeln!(out)?;
    annotations(out, document)?;
    out.flush()
}

fn package(out: &mut impl Write, package: &Package<'_>, version: SpdxVersion) -> io::Result<()> {
    let name = line(&package.name);
    writeln!(out, "##### Package: {name}\n\nPackageName: {name}\nSPDXID: {}", package.id)?;
    // Parsers take NOASSERTION for a keyword, which a version is not allowed to be (spdx-tools 0.8).
    let version_text = if package.version == NO_ASSERTION { "UNKNOWN" } else { &*package.version };
    writeln!(out, "PackageVersion: {}", line(version_text))?;
    let supplier = package.supplier.as_ref().map(|agent| agent.shown());
    writeln!(out, "PackageSupplier: {}", line(supplier.as_deref().unwrap_or(NO_ASSERTION)))?;
    if let Some(originator) = &package.originator {
        writeln!(out, "PackageOriginator: {}", line(&originator.shown()))?;
    }
    writeln!(out, "PackageDownloadLocation: {}", line(&package.download_location))?;
    if version >= SpdxVersion::V2_3 {
        optional(out, "PrimaryPackagePurpose", package.purpose)?;
    }
    writeln!(out, "FilesAnalyzed: {}", package.verification_code.is_some())?;
    optional(out, "PackageVerificationCode", package.verification_code.as_deref().unwrap_or_default())?;
    for checksum in &package.checksums {
        writeln!(out, "PackageChecksum: {}: {}", checksum.algorithm, checksum.value)?;
    }
    optional(out, "PackageHomePage", &package.homepage)?;
    optional(out, "PackageSourceInfo", &package.source_info)?;
    writeln!(out, "PackageLicenseConcluded: {}", line(&package.license_concluded))?;
    writeln!(out, "PackageLicenseDeclared: {}", line(&package.license_declared))?;
    writeln!(out, "PackageCopyrightText: {NO_ASSERTION}")?;
    optional(out, "PackageDescription", &package.description)?;
    for cpe in &package.cpes {
        writeln!(out, "ExternalRef: SECURITY cpe23Type {}", line(cpe))?;
    }
    if !package.purl.is_empty() {
        writeln!(out, "ExternalRef: PACKAGE-MANAGER purl {}", line(&package.purl))?;
    }
    writeln!(out)
}

fn file(out: &mut impl Write, file: &File<'_>) -> io::Result<()> {
    writeln!(out, "FileName: {}\nSPDXID: {}", line(file.name), file.id)?;
    file.types.iter().try_for_each(|kind| writeln!(out, "FileType: {kind}"))?;
    for checksum in &file.checksums {
        writeln!(out, "FileChecksum: {}: {}", checksum.algorithm, checksum.value)?;
    }
    writeln!(out, "LicenseConcluded: {NO_ASSERTION}\nLicenseInfoInFile: {NO_ASSERTION}")?;
    writeln!(out, "FileCopyrightText: {NO_ASSERTION}")?;
    optional(out, "FileComment", &file.comment)?;
    writeln!(out)
}

fn annotations(out: &mut impl Write, document: &SpdxDocument<'_>) -> io::Result<()> {
    if document.files.iter().any(|file| !file.annotations.is_empty()) {
        writeln!(out, "##### Annotations\n")?;
    }
    for file in &document.files {
        for comment in file.annotations {
            writeln!(out, "Annotator: Tool: {}\nAnnotationDate: {}", line(&document.tool), document.created)?;
            writeln!(out, "AnnotationType: OTHER\nSPDXREF: {}\nAnnotationComment: {}\n", file.id, text(comment))?;
        }
    }
    Ok(())
}

fn optional(out: &mut impl Write, tag: &str, value: &str) -> io::Result<()> {
    if value.is_empty() { Ok(()) } else { writeln!(out, "{tag}: {}", text(value)) }
}

/// A value that may run over several lines is enclosed.
fn text(value: &str) -> Cow<'_, str> {
    if value.contains(['\n', '\r']) {
        // The end mark must not come earlier.
        format!("<text>{}</text>", value.replace("</text>", "</ text>")).into()
    } else {
        value.into()
    }
}

/// A value that must stay on its line: what untrusted names hold must not become tags of their own.
fn line(value: &str) -> Cow<'_, str> {
    if value.contains(['\n', '\r']) { value.replace(['\n', '\r'], " ").into() } else { value.into() }
}
