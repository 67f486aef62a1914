//! What each package type asks of the parts of a package URL (purl-spec, `types/`).
//!
//! Left out on purpose: rules that purls of real SBOMs break. Syft prints maven, golang, apk, deb and rpm purls with no
//! namespace, so none is required there. Names of golang and npm keep their case, as the specification now asks.

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
    apply_type_spelling(url);
    match broken_type_rule(url) {
        Some(rule) => Err(ParseError::Rule { kind: url.kind.clone(), rule }),
        None => Ok(()),
    }
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

/// Drops segments that are empty or would walk the path.
fn join_segments(path: &str) -> String {
    let segments: Vec<&str> = path.split('/').filter(|segment| !matches!(*segment, "" | "." | "..")).collect();
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

fn apply_type_spelling(url: &mut PackageUrl) {
    let kind = url.kind.as_str();
    if namespace_has_no_case(kind) {
        url.namespace = url.namespace.to_lowercase();
    }
    if name_has_no_case(kind) {
        url.name = url.name.to_lowercase();
    }
    if matches!(kind, "huggingface" | "oci" | "vscode-extension") {
        url.version = url.version.to_lowercase();
    }
    match kind {
        "pypi" => url.name = url.name.replace('_', "-"),
        "pub" => url.name = url.name.replace(|c: char| !c.is_ascii_alphanumeric(), "_"),
        "mlflow" if url.qualifier_value("repository_url").is_some_and(|at| at.contains("databricks")) => {
            url.name = url.name.to_lowercase();
        }
        _ => {}
    }
}

fn namespace_has_no_case(kind: &str) -> bool {
    matches!(
        kind,
        "alpm"
            | "apk"
            | "bitbucket"
            | "brew"
            | "composer"
            | "deb"
            | "github"
            | "hex"
            | "luarocks"
            | "qpkg"
            | "rpm"
            | "vscode-extension"
            | "yocto"
    )
}

fn name_has_no_case(kind: &str) -> bool {
    matches!(
        kind,
        "alpm"
            | "apk"
            | "bitbucket"
            | "bitnami"
            | "brew"
            | "chrome-extension"
            | "composer"
            | "deb"
            | "github"
            | "hex"
            | "luarocks"
            | "oci"
            | "otp"
            | "pub"
            | "pypi"
            | "vscode-extension"
    )
}

/// The first rule of the type that is broken, as text.
fn broken_type_rule(url: &PackageUrl) -> Option<&'static str> {
    match url.kind.as_str() {
        "chrome-extension" if !is_chrome_id(&url.name) => Some("the name is 32 letters from a to p"),
        "chrome-extension" if !is_chrome_version(&url.version) => Some("the version is one to four numbers"),
        "cpan" if url.name.contains("::") => Some("the name is a distribution, not a module"),
        "julia" if url.qualifier_value("uuid").is_none() => Some("the qualifier uuid is required"),
        "otp" | "vcpkg" if !url.namespace.is_empty() => Some("there is no namespace"),
        "swift" | "vscode-extension" if url.namespace.is_empty() => Some("the namespace is required"),
        _ => None,
    }
}

fn is_chrome_id(name: &str) -> bool {
    name.len() == 32 && name.bytes().all(|b| (b'a'..=b'p').contains(&b))
}

fn is_chrome_version(version: &str) -> bool {
    let number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    version.is_empty() || version.split('.').count() <= 4 && version.split('.').all(number)
}
