//! `setup.py`: what it pins, found by its looks, for it is a program.

use super::package::component;
use crate::{Extraction, ParseError};
use regex::Regex;
use std::sync::LazyLock;

const MAX_PACKAGES: usize = 100_000;

/// Adds the packages that a `setup.py` pins.
pub(super) fn parse(text: &str, out: &mut Extraction) -> Result<(), ParseError> {
    const W: &str = "[0-9A-Za-z_]";
    const NOT_W: &str = "[^0-9A-Za-z_]";
    static QUOTED: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(&format!("['\"]{NOT_W}?({W}+{NOT_W}?=={NOT_W}?[0-9A-Za-z_.]*)")).ok());
    static BARE: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(&format!(r"^[\t\n\f\r ]*({W}+)[\t\n\f\r ]*==[\t\n\f\r ]*([0-9A-Za-z_.\-]+)")).ok());
    for line in text.lines() {
        for found in QUOTED.iter().flat_map(|pattern| pattern.find_iter(line)) {
            let parts: Vec<&str> = found.as_str().split("==").collect();
            if let [name, version] = parts.as_slice() {
                add(clean(name), clean(version), out)?;
            }
        }
        if let Some(found) = BARE.as_ref().and_then(|pattern| pattern.captures(line))
            && let (Some(name), Some(version)) = (found.get(1), found.get(2))
        {
            let (name, version) = (name.as_str(), version.as_str());
            let new = component(name, version);
            if !out.components.iter().any(|known| known.name == new.name && known.version == new.version) {
                add(name, version, out)?;
            }
        }
    }
    Ok(())
}

fn add(name: &str, version: &str, out: &mut Extraction) -> Result<(), ParseError> {
    let is_template = |text: &str| text.contains("%s") || text.contains(['{', '}']);
    if name.is_empty() || version.is_empty() || is_template(name) || is_template(version) {
        return Ok(());
    }
    if out.components.len() >= MAX_PACKAGES {
        return Err(ParseError::Limit { what: "packages in setup.py", limit: MAX_PACKAGES as u64 });
    }
    out.add(component(name, version));
    Ok(())
}

fn clean(text: &str) -> &str {
    const QUOTES: [char; 2] = ['\'', '"'];
    text.trim_matches(QUOTES).trim().trim_matches(QUOTES)
}
