//! SPDX 2 JSON to parts.

use super::raw::{Parts, RawAnnotation, RawChecksum, RawFile, RawLicense, RawPackage, RawRelationship};
use crate::decode::DecodeError;
use crate::json::Text;
use serde::Deserialize;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Root<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    document_namespace: Text<'a>,
    #[serde(borrow)]
    creation_info: Option<Creation<'a>>,
    document_describes: Option<Vec<String>>,
    #[serde(borrow)]
    packages: Option<Vec<Option<Package<'a>>>>,
    #[serde(borrow)]
    files: Option<Vec<Option<File<'a>>>>,
    #[serde(borrow)]
    has_extracted_licensing_infos: Option<Vec<License<'a>>>,
    #[serde(borrow)]
    relationships: Option<Vec<Option<Relationship<'a>>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Creation<'a> {
    creators: Option<Vec<String>>,
    #[serde(borrow)]
    created: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Package<'a> {
    #[serde(rename = "SPDXID", borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    version_info: Text<'a>,
    #[serde(borrow)]
    supplier: Text<'a>,
    #[serde(borrow)]
    originator: Text<'a>,
    #[serde(borrow)]
    homepage: Text<'a>,
    #[serde(borrow)]
    source_info: Text<'a>,
    #[serde(borrow)]
    description: Text<'a>,
    #[serde(borrow)]
    license_concluded: Text<'a>,
    #[serde(borrow)]
    license_declared: Text<'a>,
    #[serde(borrow)]
    primary_package_purpose: Text<'a>,
    #[serde(borrow)]
    checksums: Option<Vec<Checksum<'a>>>,
    #[serde(borrow)]
    external_refs: Option<Vec<Option<Reference<'a>>>>,
    has_files: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Checksum<'a> {
    #[serde(borrow)]
    algorithm: Text<'a>,
    #[serde(borrow)]
    checksum_value: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Reference<'a> {
    #[serde(borrow)]
    reference_type: Text<'a>,
    #[serde(borrow)]
    reference_locator: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct File<'a> {
    #[serde(rename = "SPDXID", borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    file_name: Text<'a>,
    #[serde(borrow)]
    comment: Text<'a>,
    file_types: Option<Vec<String>>,
    #[serde(borrow)]
    checksums: Option<Vec<Checksum<'a>>>,
    #[serde(borrow)]
    annotations: Option<Vec<Annotation<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Annotation<'a> {
    #[serde(borrow)]
    annotator: Text<'a>,
    #[serde(borrow)]
    comment: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct License<'a> {
    #[serde(borrow)]
    license_id: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    extracted_text: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Relationship<'a> {
    #[serde(borrow)]
    spdx_element_id: Text<'a>,
    #[serde(borrow)]
    relationship_type: Text<'a>,
    #[serde(borrow)]
    related_spdx_element: Text<'a>,
    #[serde(borrow)]
    comment: Text<'a>,
}

pub(super) fn parts(bytes: &[u8]) -> Result<Parts, DecodeError> {
    let root: Root<'_> =
        serde_json::from_slice(bytes).map_err(|source| DecodeError::Json { format: "spdx-json", source })?;
    let creation = root.creation_info.unwrap_or_default();
    let mut parts = Parts {
        name: owned(root.name),
        namespace: owned(root.document_namespace),
        created: owned(creation.created),
        creators: creation.creators.unwrap_or_default(),
        described: root.document_describes.unwrap_or_default(),
        packages: root.packages.into_iter().flatten().flatten().map(package).collect(),
        ..Parts::default()
    };
    for file in root.files.into_iter().flatten().flatten() {
        parts.annotations.extend(file.annotations.into_iter().flatten().map(|raw| RawAnnotation {
            subject: file.id.0.clone().into_owned(),
            annotator: owned(raw.annotator),
            text: owned(raw.comment),
        }));
        parts.files.push(RawFile {
            id: owned(file.id),
            name: owned(file.file_name),
            comment: owned(file.comment),
            types: file.file_types.unwrap_or_default(),
            checksums: checksums(file.checksums),
        });
    }
    parts.licenses.extend(root.has_extracted_licensing_infos.into_iter().flatten().map(|raw| RawLicense {
        id: owned(raw.license_id),
        name: owned(raw.name),
        text: owned(raw.extracted_text),
    }));
    parts.relationships.extend(root.relationships.into_iter().flatten().flatten().map(|raw| RawRelationship {
        from: owned(raw.spdx_element_id),
        kind: owned(raw.relationship_type),
        to: owned(raw.related_spdx_element),
        comment: owned(raw.comment),
    }));
    Ok(parts)
}

fn package(raw: Package<'_>) -> RawPackage {
    RawPackage {
        id: owned(raw.id),
        name: owned(raw.name),
        version: owned(raw.version_info),
        supplier: owned(raw.supplier),
        originator: owned(raw.originator),
        homepage: owned(raw.homepage),
        source_info: owned(raw.source_info),
        description: owned(raw.description),
        license_concluded: owned(raw.license_concluded),
        license_declared: owned(raw.license_declared),
        purpose: owned(raw.primary_package_purpose),
        checksums: checksums(raw.checksums),
        references: raw
            .external_refs
            .into_iter()
            .flatten()
            .flatten()
            .map(|reference| (owned(reference.reference_type), owned(reference.reference_locator)))
            .collect(),
        files: raw.has_files.unwrap_or_default(),
    }
}

fn checksums(raw: Option<Vec<Checksum<'_>>>) -> Vec<RawChecksum> {
    let checksum =
        |raw: Checksum<'_>| RawChecksum { algorithm: owned(raw.algorithm), value: owned(raw.checksum_value) };
    raw.into_iter().flatten().map(checksum).collect()
}

fn owned(text: Text<'_>) -> String {
    text.0.into_owned()
}
