//! Licences as SPDX has them: expressions, and texts for what is not on the list
//! (Syft `format/internal/spdxutil/helpers/license.go`).

use super::document::{ExtractedLicense, NO_ASSERTION};
use crate::{License, LicenseOrigin, license};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The licences of a whole document that are not on the list, by identifier.
pub(super) type Extracted<'d> = BTreeMap<String, ExtractedLicense<'d>>;

/// The expression of all licences of one origin; what is not on the list goes into `extracted`.
pub(super) fn expression<'d>(licenses: &'d [License], origin: LicenseOrigin, extracted: &mut Extracted<'d>) -> String {
    let terms = licenses.iter().filter(|license| license.origin == origin).filter_map(|license| {
        let id = match license.spdx_expression.as_str() {
            "" => reference(license, extracted)?,
            expression => {
                declare_references(expression, extracted);
                expression.to_owned()
            }
        };
        let compound = [" AND ", " OR ", " WITH "].iter().any(|operator| id.contains(operator));
        let bracketed = id.starts_with('(') || id.ends_with(')');
        Some(if compound && !bracketed { format!("({id})") } else { id })
    });
    let terms: Vec<String> = terms.collect();
    if terms.is_empty() { NO_ASSERTION.to_owned() } else { terms.join(" AND ") }
}

fn reference<'d>(license: &'d License, extracted: &mut Extracted<'d>) -> Option<String> {
    let name = match license.value.as_str() {
        "" => license.urls.first()?.as_str(),
        value => value,
    };
    let id = license::reference(name);
    extracted.insert(
        id.clone(),
        ExtractedLicense {
            id: id.clone(),
            text: if license.contents.is_empty() { NO_ASSERTION.into() } else { license.contents.as_str().into() },
            name: name.into(),
            urls: license.urls.iter().map(String::as_str).collect(),
        },
    );
    Some(id)
}

/// Expressions may refer to licences that are not on the list; a valid document says something of each.
fn declare_references<'d>(expression: &str, extracted: &mut Extracted<'d>) {
    let words = expression.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':')));
    for word in words.filter(|word| word.starts_with(license::REFERENCE_PREFIX)) {
        extracted.entry(word.to_owned()).or_insert_with(|| ExtractedLicense {
            id: word.to_owned(),
            text: NO_ASSERTION.into(),
            name: Cow::Owned(word.trim_start_matches(license::REFERENCE_PREFIX).to_owned()),
            urls: Vec::new(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(licenses: &[(&str, &str)], expected: &str, references: &[&str]) {
        let licenses: Vec<License> = licenses
            .iter()
            .map(|(value, expression)| License {
                spdx_expression: (*expression).to_owned(),
                ..License::declared(*value)
            })
            .collect();
        let mut extracted = Extracted::new();
        assert_eq!(expression(&licenses, LicenseOrigin::Declared, &mut extracted), expected);
        assert_eq!(extracted.keys().map(String::as_str).collect::<Vec<_>>(), references);
        assert_eq!(expression(&licenses, LicenseOrigin::Concluded, &mut extracted), "NOASSERTION");
    }

    #[test]
    fn expressions() {
        check(&[], "NOASSERTION", &[]);
        check(&[("MIT", "MIT"), ("x", "A OR B")], "MIT AND (A OR B)", &[]);
        check(&[("our own", "")], "LicenseRef-our-own", &["LicenseRef-our-own"]);
        check(&[("sha256:ab", "")], "LicenseRef-ab", &["LicenseRef-ab"]);
        check(&[("x", "MIT OR (LicenseRef-Q.1 AND ISC)")], "MIT OR (LicenseRef-Q.1 AND ISC)", &["LicenseRef-Q.1"]);
        check(&[("", "")], "NOASSERTION", &[]);
    }
}
