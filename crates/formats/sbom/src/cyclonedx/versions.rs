//! What older versions do not have is taken out before writing (cyclonedx-go 0.12, `convert.go`).

use super::UNKNOWN_PREFIX;
use super::bom::{Bom, Choice, Part};
use super::references::SOURCE_DISTRIBUTION;
use crate::format::CycloneDxVersion as Version;
use std::borrow::Cow;

/// Makes a document of the newest version one of `version`.
pub(super) fn downgrade(bom: &mut Bom<'_>, version: Version) {
    if version < Version::V1_1 {
        bom.serial_number.clear();
    }
    if version < Version::V1_2 {
        bom.dependencies.clear();
    }
    if version < Version::V1_3 {
        bom.metadata.properties.clear();
    }
    bom.metadata.component.iter_mut().chain(&mut bom.components).for_each(|part| downgrade_part(part, version));
}

fn downgrade_part(part: &mut Part<'_>, version: Version) {
    const NONE: Cow<'static, str> = Cow::Borrowed("");
    if version < Version::V1_1 {
        part.bom_ref = NONE;
        part.references.clear();
        plain_licenses(&mut part.licenses);
    }
    if version < Version::V1_2 {
        part.author = NONE;
        part.supplier = NONE;
        part.swid = None;
    }
    if version < Version::V1_3 {
        // Why a file could not be understood must not get lost.
        let causes = part.properties.iter().filter(|property| property.name.starts_with(UNKNOWN_PREFIX));
        let causes: Vec<&str> = causes.map(|property| property.value.as_ref()).collect();
        if !causes.is_empty() {
            part.description = causes.join("; ").into();
        }
        part.properties.clear();
        part.references.iter_mut().for_each(|reference| reference.hashes.clear());
        // What would say nothing without its hashes.
        part.references.retain(|reference| !reference.url.is_empty());
    }
    if version < Version::V1_4 && part.version.is_empty() {
        part.version = "0.0.0".into();
    }
    if version < Version::V1_6 {
        part.references.retain(|reference| reference.kind != SOURCE_DISTRIBUTION);
    }
    if !has_kind(version, &part.kind) {
        part.kind = "application".into();
    }
    part.hashes.retain(|hash| version >= Version::V1_2 || !hash.algorithm.starts_with("BLAKE"));
    part.components.iter_mut().for_each(|part| downgrade_part(part, version));
}

/// 1.0 has neither expressions nor addresses.
fn plain_licenses(licenses: &mut Vec<Choice<'_>>) {
    licenses.retain(|choice| !matches!(choice, Choice::Expression(_)));
    for choice in licenses {
        if let Choice::Id { url, .. } | Choice::Name { url, .. } = choice {
            *url = Cow::Borrowed("");
        }
    }
}

fn has_kind(version: Version, kind: &str) -> bool {
    match kind {
        "application" | "device" | "framework" | "library" | "operating-system" => true,
        "file" => version >= Version::V1_1,
        "container" | "firmware" => version >= Version::V1_2,
        "data" | "device-driver" | "machine-learning-model" | "platform" => version >= Version::V1_5,
        _ => false,
    }
}
