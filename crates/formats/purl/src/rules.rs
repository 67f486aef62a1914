//! What each package type asks of the parts of a package URL.

use crate::PackageUrl;
use crate::parse::ParseError;

/// Brings the parts into their canonical spelling and checks them.
pub(crate) fn normalize(url: &mut PackageUrl) -> Result<(), ParseError> {
    url.kind.make_ascii_lowercase();
    if !valid_type(&url.kind) {
        return Err(ParseError::Type(url.kind.clone()));
    }
    url.namespace = join_segments(&url.namespace);
    url.subpath = join_segments(&url.subpath);
    url.name = url.name.trim_matches('/').to_owned();
    normalize_qualifiers(&mut url.qualifiers)?;
    if url.name.is_empty() {
        return Err(ParseError::Name);
    }
    Ok(())
}

/// Letters, digits, `.`, `+`, `-`; begins with a letter.
fn valid_type(kind: &str) -> bool {
    kind.starts_with(|first: char| first.is_ascii_alphabetic())
        && kind.bytes().all(|b| b.is_ascii_alphanumeric() || b".+-".contains(&b))
}

/// Letters, digits, `.`, `-`, `_`; does not begin with a digit.
fn valid_key(key: &str) -> bool {
    key.starts_with(|first: char| !first.is_ascii_digit())
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b))
}

fn join_segments(path: &str) -> String {
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    segments.join("/")
}

fn normalize_qualifiers(qualifiers: &mut Vec<(String, String)>) -> Result<(), ParseError> {
    qualifiers.retain(|(_, value)| !value.is_empty());
    for (key, _) in qualifiers.iter_mut() {
        key.make_ascii_lowercase();
        if !valid_key(key) {
            return Err(ParseError::QualifierKey(key.clone()));
        }
    }
    qualifiers.sort();
    let twice = qualifiers.iter().zip(qualifiers.iter().skip(1)).find(|((a, _), (b, _))| a == b);
    match twice {
        Some(((key, _), _)) => Err(ParseError::DuplicateQualifier(key.clone())),
        None => Ok(()),
    }
}
