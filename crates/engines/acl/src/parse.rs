use crate::capability::{Capabilities, Capability};
use crate::control_group::control_groups;
use crate::filter::KeyFilter;
use crate::permissions::{Parameters, Permissions};
use crate::policy::{Pattern, Rule};
use crate::quote::quoted;
use crate::template::has_templates;
use hcl1::{Body, Kind};
use jiff::Timestamp;
use serde_json::Value as Json;
use std::time::Duration;

/// Why a text is no policy, in the peer's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("failed to parse policy: {0}")]
pub struct ParseError(pub(crate) String);

const KEYS: [&str; 13] = [
    "comment",
    "policy",
    "capabilities",
    "allowed_parameters",
    "denied_parameters",
    "required_parameters",
    "min_wrapping_ttl",
    "max_wrapping_ttl",
    "mfa_methods",
    "pagination_limit",
    "expiration",
    "list_scan_response_keys_filter_path",
    "control_group",
];

/// The rules, and whether any has a template.
pub(crate) fn parse(text: &str, namespace: &str, now: Timestamp) -> Result<(Vec<Rule>, bool), String> {
    let document = hcl1::parse(text).map_err(|error| error.to_string())?;
    let body = document.body();
    check_keys(&body, &["name", "path"], "")?;
    body.text("name").map_err(|error| error.to_string())?;
    let mut rules = Vec::new();
    let mut is_templated = false;
    for (keys, value) in body.values("path") {
        let key = keys.first().copied().unwrap_or("path");
        is_templated |= has_templates(key).map_err(|error| format!("failed to validate policy templating: {error}"))?;
        let prefix = format!("path {}: ", quoted(key));
        let Kind::Object(_) = value.kind else {
            return Err(format!("{prefix}cannot check HCL keys of type {}", value.type_name()));
        };
        let body = value.body();
        check_keys(&body, &KEYS, &prefix)?;
        rules.extend(rule(key, namespace, &body, now)?);
    }
    Ok((rules, is_templated))
}

/// Refuses other keys, listed as the peer lists several errors.
pub(crate) fn check_keys(body: &Body<'_>, valid: &[&str], prefix: &str) -> Result<(), String> {
    let unknown: Vec<String> = body
        .keys()
        .filter(|(key, _)| !valid.contains(key))
        .map(|(key, assigned)| format!("{prefix}invalid key {} on line {}", quoted(key), assigned.line))
        .collect();
    if unknown.is_empty() { Ok(()) } else { Err(several(&unknown)) }
}

pub(crate) fn several(errors: &[String]) -> String {
    let points: Vec<String> = errors.iter().map(|error| format!("* {error}")).collect();
    let count = if errors.len() == 1 { "1 error".to_owned() } else { format!("{} errors", errors.len()) };
    format!("{count} occurred:\n\t{}\n\n", points.join("\n\t"))
}

/// Nothing for a rule that has expired.
fn rule(key: &str, namespace: &str, body: &Body<'_>, now: Timestamp) -> Result<Option<Rule>, String> {
    let control_group = control_groups(body)?;
    let read = |error: hcl1::Error| format!("path {}: {error}", quoted(key));
    // Errors have the names of the peer's fields.
    let policy = body.text("Policy").map_err(read)?.unwrap_or_default();
    let mut words = body.texts("Capabilities").map_err(read)?.unwrap_or_default();
    let expiration = body.text("expiration").map_err(read)?.filter(|text| !text.is_empty());
    let min_wrapping_ttl = body.any("min_wrapping_ttl").map_err(read)?;
    let max_wrapping_ttl = body.any("max_wrapping_ttl").map_err(read)?;
    let allowed_parameters = body.lists("allowed_parameters").map_err(read)?;
    let denied_parameters = body.lists("denied_parameters").map_err(read)?;
    let required_parameters = body.texts("required_parameters").map_err(read)?.unwrap_or_default();
    let mfa_methods = body.texts("mfa_methods").map_err(read)?.unwrap_or_default();
    let pagination_limit = body.integer("pagination_limit").map_err(read)?.unwrap_or_default();
    let keys_filter = body.text("list_scan_response_keys_filter_path").map_err(read)?.unwrap_or_default();

    let expiration = match expiration {
        None => None,
        Some(text) => {
            let why = "invalid expiration time: could not parse string as date and time";
            let failed = || format!("path {}: {why}", quoted(key));
            let at = time(&text).ok_or_else(failed)?;
            if at < now {
                return Ok(None);
            }
            Some(at)
        }
    };
    let pattern = Pattern::new(namespace, key)?;
    legacy(key, &policy, &mut words)?;
    let capabilities = capabilities(key, &words)?;
    let mut permissions = Permissions { capabilities, control_group, ..Permissions::default() };
    if !capabilities.has(Capability::Deny) {
        permissions.allowed_parameters = allowed_parameters.map(|all| lower_keys(all, false));
        permissions.denied_parameters = denied_parameters.map(|all| lower_keys(all, true));
        permissions.min_wrapping_ttl = duration("min_wrapping_ttl", min_wrapping_ttl.as_ref())?;
        permissions.max_wrapping_ttl = duration("max_wrapping_ttl", max_wrapping_ttl.as_ref())?;
        permissions.mfa_methods = mfa_methods;
        let (min, max) = (permissions.min_wrapping_ttl, permissions.max_wrapping_ttl);
        if !min.is_zero() && !max.is_zero() && max < min {
            return Err("max_wrapping_ttl cannot be less than min_wrapping_ttl".to_owned());
        }
        permissions.required_parameters = required_parameters;
        if !keys_filter.is_empty() {
            if !capabilities.has(Capability::List) {
                let name = "list_scan_response_keys_filter_path";
                return Err(format!("{name} needs to be used on a path with the list capability"));
            }
            KeyFilter::new(&keys_filter).and_then(|filter| filter.check(key)).map_err(|error| error.to_string())?;
            permissions.keys_filter = Some(keys_filter);
        }
        permissions.pagination_limit = pagination_limit;
    }
    Ok(Some(Rule { written: key.to_owned(), pattern, permissions, expiration }))
}

/// `policy = "write"`, from before there were capabilities.
fn legacy(key: &str, policy: &str, words: &mut Vec<String>) -> Result<(), String> {
    let added: &[&str] = match policy {
        "" => &[],
        "deny" => {
            words.clear();
            &["deny"]
        }
        "read" => &["read", "list"],
        "write" => &["create", "read", "update", "delete", "list"],
        "sudo" => &["create", "read", "update", "delete", "list", "sudo"],
        other => return Err(format!("path {}: invalid policy {}", quoted(key), quoted(other))),
    };
    words.extend(added.iter().map(|word| (*word).to_owned()));
    Ok(())
}

/// What follows a `deny` is not looked at, as with the peer.
fn capabilities(key: &str, words: &[String]) -> Result<Capabilities, String> {
    let mut found = Capabilities::default();
    for word in words {
        match Capability::from_name(word) {
            Some(Capability::Deny) => return Ok(Capabilities::DENY),
            Some(capability) => found.insert(capability),
            None => return Err(format!("path {}: invalid capability {}", quoted(key), quoted(word))),
        }
    }
    Ok(found)
}

/// Names that differ only in case are one: denied values are then those of all, allowed ones those of the last.
fn lower_keys(map: Parameters, join: bool) -> Parameters {
    let mut lower = Parameters::new();
    for (name, values) in map {
        match lower.get_mut(&name.to_lowercase()) {
            Some(old) if join && (old.is_empty() || values.is_empty()) => old.clear(),
            Some(old) if join => old.extend(values),
            _ => drop(lower.insert(name.to_lowercase(), values)),
        }
    }
    lower
}

fn duration(name: &str, value: Option<&Json>) -> Result<Duration, String> {
    value.map_or(Ok(Duration::ZERO), |value| seconds(value).map_err(|error| format!("error parsing {name}: {error}")))
}

/// Seconds as a number, or a duration as a text.
pub(crate) fn seconds(value: &Json) -> Result<Duration, String> {
    match value {
        Json::String(text) => logical::parse_duration(text.trim()).map_err(|error| error.to_string()),
        Json::Number(number) => match number.as_f64() {
            Some(number) if (0.0..9.2e9).contains(&number) => Ok(Duration::from_secs(number as u64)),
            _ => Err("could not parse duration from input".to_owned()),
        },
        _ => Err("could not parse duration from input".to_owned()),
    }
}

/// RFC 3339, or seconds since 1970.
fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| Timestamp::from_second(text.parse().ok()?).ok())
}
