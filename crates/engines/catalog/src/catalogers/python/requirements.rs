//! `requirements.txt` (pip, "Requirements file format"): the pinned packages. Lines without an exact version are
//! reported, for what they stand for is not known.

use super::package::component_with;
use crate::{Extraction, ParseError};
use regex::Regex;
use serde::Serialize;
use std::sync::LazyLock;

const MAX_LINE: usize = 1 << 20;
const MAX_REPORTED: usize = 1000;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extras: Vec<&'a str>,
    version_constraint: &'a str,
    #[serde(skip_serializing_if = "String::is_empty")]
    url: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    markers: &'a str,
}

/// One requirement, taken apart.
#[derive(Debug, PartialEq, Eq)]
struct Requirement<'a> {
    /// With extras.
    name: &'a str,
    constraint: &'a str,
    url: &'a str,
    markers: &'a str,
}

/// Adds the packages that the file pins.
pub(super) fn parse(text: &str, out: &mut Extraction) -> Result<(), ParseError> {
    let mut joined = String::new();
    for line in text.lines() {
        let line = line.trim();
        joined.push_str(line.split('#').next().unwrap_or_default());
        if joined.len() > MAX_LINE {
            return Err(ParseError::Limit { what: "bytes in a requirement", limit: MAX_LINE as u64 });
        }
        if joined.ends_with('\\') {
            joined.pop();
            continue;
        }
        let line = std::mem::take(&mut joined);
        // Editable packages are not read, as with the peer.
        if line.is_empty() || line.starts_with("-e") {
            continue;
        }
        if let Err(cause) = add(&line, out)?
            && out.unknowns.len() < MAX_REPORTED
        {
            out.unknowns.push((String::new(), cause));
        }
    }
    Ok(())
}

fn add(line: &str, out: &mut Extraction) -> Result<Result<(), String>, ParseError> {
    let shown: String = line.chars().take(200).collect();
    let Some(requirement) = Requirement::parse(line) else {
        return Ok(Err(format!("unable to parse requirements.txt line: {shown:?}")));
    };
    let name = requirement.name.split('[').next().unwrap_or_default();
    let name = if name.len() < requirement.name.len() { name.trim() } else { name };
    let Some(version) = pinned(requirement.constraint).filter(|version| !version.is_empty()) else {
        return Ok(Err(format!("unable to determine package version in requirements.txt line: {shown:?}")));
    };
    let record = Record {
        name,
        extras: extras(requirement.name),
        version_constraint: requirement.constraint,
        url: repository(requirement.url),
        markers: requirement.markers,
    };
    out.add(component_with(name, version, "python-pip-requirements-entry", &record)?);
    Ok(Ok(()))
}

impl<'a> Requirement<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        // Name with extras; constraints or an address; markers.
        static PATTERN: LazyLock<Option<Regex>> = LazyLock::new(|| {
            let blank = r"[\t\f ]*";
            let name = r"([0-9A-Za-z_][0-9A-Za-z_\[\],\t\n\f\r \-.]+)";
            let constraint = format!(r"((?:{blank}[~=>!<]+[\t\n\f\r ]*[0-9a-zA-Z.*+!_-]+{blank},?)+)?");
            Regex::new(&format!("^{blank}{name}{blank}{constraint}(?:@{blank}([^;]*))?(?:;(.*))?")).ok()
        });
        let found = PATTERN.as_ref()?.captures(line)?;
        let group = |index: usize| found.get(index).map_or("", |group| group.as_str().trim());
        let requirement = Self { name: group(1), constraint: group(2), url: group(3), markers: group(4) };
        (!requirement.name.is_empty()).then_some(requirement)
    }
}

/// The version of `==1.2` or `===1.2`.
fn pinned(constraint: &str) -> Option<&str> {
    if constraint.contains(['*', ',', '<', '>']) || constraint.contains("!=") {
        return None;
    }
    let version = constraint.strip_prefix("===").or_else(|| constraint.strip_prefix("=="))?;
    (!version.starts_with('=')).then(|| version.trim())
}

fn extras(name: &str) -> Vec<&str> {
    let (Some(start), Some(end)) = (name.find('['), name.find(']')) else { return Vec::new() };
    name.get(start + 1..end).map(|inner| inner.split(',').map(str::trim).collect()).unwrap_or_default()
}

/// The address from its `git` part on; other addresses do not count.
fn repository(url: &str) -> String {
    let parts: Vec<&str> = url.split('@').collect();
    if parts.len() < 2 {
        return String::new();
    }
    let is_git = |part: &&str| part.trim_matches(|c: char| !c.is_alphabetic() && !c.is_numeric()).starts_with("git");
    let first = parts.iter().position(is_git);
    first.and_then(|first| parts.get(first..)).map(|parts| parts.join("@").trim().to_owned()).unwrap_or_default()
}
