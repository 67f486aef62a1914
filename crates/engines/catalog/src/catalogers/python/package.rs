//! What all Python packages have in common.

use crate::ParseError;
use sbom::{Component, Language, PackageType};
use serde::Serialize;

/// The normal form of a name (packaging.python.org, "Name normalization").
pub(super) fn normalize(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        if !"-_.".contains(c) {
            out.extend(c.to_lowercase());
        } else if !out.ends_with('-') {
            out.push('-');
        }
    }
    out
}

/// A package from an index.
pub(super) fn component(name: &str, version: &str) -> Component {
    let name = normalize(name);
    let purl = purl::PackageUrl::new("pypi", &*name).version(version).to_string();
    Component { purl, ..Component::new(PackageType::Python, Language::Python, name, version) }
}

/// A package from an index, with its record.
pub(super) fn component_with<T: Serialize>(
    name: &str,
    version: &str,
    kind: &'static str,
    record: &T,
) -> Result<Component, ParseError> {
    let mut component = component(name, version);
    component.set_metadata(kind, record)?;
    Ok(component)
}

/// The normal name in a requirement: `Requests[security] (>=2.8) ; python_version < "3"` is `requests`.
pub(super) fn required_name(requirement: &str) -> String {
    let end = requirement.find(['[', '(', '<', '!', '=', '>', '~', ';']).unwrap_or(requirement.len());
    normalize(requirement.get(..end).unwrap_or_default().trim())
}

/// How a package, or one of its extras, is referred to.
pub(super) fn reference(name: &str, extra: &str) -> String {
    let (name, extra) = (normalize(name.trim()), normalize(extra.trim()));
    if extra.is_empty() { name } else { format!("{name}[{extra}]") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (requirement, expected) in [
            ("requests [security,tests]", "requests"),
            ("Requests >= 2.8.1", "requests"),
            ("a__b.-C (>= 2)", "a-b-c"),
            ("x ; python_version < '2.7'", "x"),
            ("x~=1", "x"),
            ("", ""),
        ] {
            assert_eq!(required_name(requirement), expected, "{requirement}");
        }
        assert_eq!(reference("A.b", " Dev_x "), "a-b[dev-x]");
        assert_eq!(reference("A", ""), "a");
    }
}
