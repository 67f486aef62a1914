//! What all npm packages have in common.

use crate::ParseError;
use sbom::{Component, Language, PackageType};
use serde::Serialize;

/// A package of the npm ecosystem, with its record.
pub(super) fn component<T: Serialize>(
    name: &str,
    version: &str,
    kind: &'static str,
    record: &T,
) -> Result<Component, ParseError> {
    component_from(name, version, "", kind, record)
}

/// The same from the registry at `repository_url`, where that is not the usual one.
pub(super) fn component_from<T: Serialize>(
    name: &str,
    version: &str,
    repository_url: &str,
    kind: &'static str,
    record: &T,
) -> Result<Component, ParseError> {
    let mut component = Component::new(PackageType::Npm, Language::JavaScript, name, version);
    let (scope, base) = name.split_once('/').unwrap_or(("", name));
    let purl = purl::PackageUrl::new("npm", base).namespace(scope).version(version);
    component.purl = purl.qualifier("repository_url", repository_url).to_string();
    component.set_metadata(kind, record)?;
    Ok(component)
}
