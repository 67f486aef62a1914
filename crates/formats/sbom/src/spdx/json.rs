//! SPDX 2.2 and 2.3 as JSON.

use super::document::{Checksum, ExtractedLicense, File, NO_ASSERTION, Package, Relationship, SpdxDocument};
use super::ids;
use crate::format::SpdxVersion;
use crate::json::JsonWriter;
use crate::license;
use std::io::{self, Write};

pub(super) fn write(
    document: &SpdxDocument<'_>,
    version: SpdxVersion,
    pretty: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut json = JsonWriter::new(out, pretty.then_some(" "));
    json.object(|json| {
        json.text_member("spdxVersion", &format!("SPDX-{}", version.as_str()));
        json.text_member("dataLicense", "CC0-1.0");
        json.text_member("SPDXID", ids::DOCUMENT);
        json.text_member("name", &document.name);
        json.text_member("documentNamespace", &document.namespace);
        json.member("creationInfo").object(|json| {
            json.text_member("licenseListVersion", license_list_version());
            json.texts(
                "creators",
                [format!("Organization: {}", document.organization), format!("Tool: {}", document.tool)],
            );
            json.text_member("created", &document.created);
        });
        json.objects("packages", &document.packages, |json, each| package(json, each, version));
        if !document.files.is_empty() {
            json.objects("files", &document.files, |json, each| file(json, each, document));
        }
        if !document.licenses.is_empty() {
            json.objects("hasExtractedLicensingInfos", &document.licenses, extracted_license);
        }
        json.objects("relationships", &document.relationships, relationship);
    });
    json.finish()
}

/// The SPDX specification leaves out the patch release.
pub(super) fn license_list_version() -> &'static str {
    license::LIST_VERSION.rsplit_once('.').map_or(license::LIST_VERSION, |(version, _)| version)
}

fn package(json: &mut JsonWriter<'_>, package: &Package<'_>, version: SpdxVersion) {
    json.text_member("name", &package.name);
    json.text_member("SPDXID", &package.id);
    json.text_member("versionInfo", &package.version);
    let supplier = package.supplier.as_ref().map(|agent| agent.shown());
    json.text_member("supplier", supplier.as_deref().unwrap_or(NO_ASSERTION));
    if let Some(originator) = &package.originator {
        json.text_member("originator", &originator.shown());
    }
    json.text_member("downloadLocation", &package.download_location);
    json.member("filesAnalyzed").flag(package.verification_code.is_some());
    if let Some(code) = &package.verification_code {
        json.member("packageVerificationCode").object(|json| json.text_member("packageVerificationCodeValue", code));
    }
    if !package.checksums.is_empty() {
        checksums(json, &package.checksums);
    }
    json.optional_text("homepage", &package.homepage);
    json.optional_text("sourceInfo", &package.source_info);
    json.text_member("licenseConcluded", &package.license_concluded);
    json.text_member("licenseDeclared", &package.license_declared);
    json.text_member("copyrightText", NO_ASSERTION);
    json.optional_text("description", &package.description);
    external_references(json, package, version);
    if version >= SpdxVersion::V2_3 {
        json.optional_text("primaryPackagePurpose", package.purpose);
    }
}

fn external_references(json: &mut JsonWriter<'_>, package: &Package<'_>, version: SpdxVersion) {
    // The JSON schema of 2.2 spells it with an underscore.
    let manager = if version < SpdxVersion::V2_3 { "PACKAGE_MANAGER" } else { "PACKAGE-MANAGER" };
    let cpes = package.cpes.iter().map(|cpe| ("SECURITY", "cpe23Type", *cpe));
    let purl = Some(package.purl.as_ref()).filter(|purl| !purl.is_empty()).map(|purl| (manager, "purl", purl));
    let all: Vec<_> = cpes.chain(purl).collect();
    if !all.is_empty() {
        json.objects("externalRefs", all, |json, (category, kind, locator)| {
            json.text_member("referenceCategory", category);
            json.text_member("referenceType", kind);
            json.text_member("referenceLocator", locator);
        });
    }
}

fn checksums(json: &mut JsonWriter<'_>, checksums: &[Checksum<'_>]) {
    json.objects("checksums", checksums, |json, checksum| {
        json.text_member("algorithm", &checksum.algorithm);
        json.text_member("checksumValue", &checksum.value);
    });
}

fn file(json: &mut JsonWriter<'_>, file: &File<'_>, document: &SpdxDocument<'_>) {
    json.text_member("fileName", file.name);
    json.text_member("SPDXID", &file.id);
    if !file.types.is_empty() {
        json.texts("fileTypes", &file.types);
    }
    checksums(json, &file.checksums);
    json.text_member("licenseConcluded", NO_ASSERTION);
    json.texts("licenseInfoInFiles", [NO_ASSERTION]);
    json.text_member("copyrightText", NO_ASSERTION);
    json.optional_text("comment", &file.comment);
    if !file.annotations.is_empty() {
        json.objects("annotations", file.annotations, |json, comment| {
            json.text_member("annotationDate", &document.created);
            json.text_member("annotationType", "OTHER");
            json.text_member("annotator", &format!("Tool: {}", document.tool));
            json.text_member("comment", comment);
        });
    }
}

fn extracted_license(json: &mut JsonWriter<'_>, license: &ExtractedLicense<'_>) {
    json.text_member("licenseId", &license.id);
    json.text_member("extractedText", &license.text);
    json.text_member("name", &license.name);
    if !license.urls.is_empty() {
        json.texts("seeAlsos", &license.urls);
    }
}

fn relationship(json: &mut JsonWriter<'_>, relationship: &Relationship) {
    json.text_member("spdxElementId", &relationship.from);
    json.text_member("relatedSpdxElement", &relationship.to);
    json.text_member("relationshipType", relationship.kind);
    json.optional_text("comment", relationship.comment);
}
