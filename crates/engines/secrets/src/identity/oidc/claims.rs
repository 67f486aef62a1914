use acl::Identity;
use jiff::{SignedDuration, Timestamp};
use logical::{Error, Map, parse_duration};
use serde_json::{Value, json};

/// Claims that a template may not set.
const RESERVED: [&str; 10] =
    ["iat", "aud", "exp", "iss", "sub", "namespace", "nonce", "auth_time", "at_hash", "c_hash"];

const MAX_TEMPLATE_BYTES: usize = 64 * 1024;

/// Refuses a template that makes no object, or sets a claim that is not its own.
pub(super) fn check(template: &str, now: Timestamp) -> Result<(), Error> {
    if template.is_empty() {
        return Ok(());
    }
    if template.len() > MAX_TEMPLATE_BYTES {
        return Err(Error::invalid("error parsing template: it is too long"));
    }
    let text = fill(template, &Identity::default(), now)
        .map_err(|error| Error::invalid(format!("error parsing template: {error}")))?;
    let claims: Map =
        serde_json::from_str(&text).map_err(|error| Error::invalid(format!("error parsing template JSON: {error}")))?;
    match claims.keys().find(|name| RESERVED.contains(&name.as_str())) {
        Some(name) => {
            Err(Error::invalid(format!("top level key {name:?} not allowed. Restricted keys: {}", RESERVED.join(", "))))
        }
        None => Ok(()),
    }
}

/// The claims of a template; none where it fails, which does not hold up the token.
pub(super) fn of(template: &str, identity: &Identity, now: Timestamp) -> Map {
    if template.is_empty() {
        return Map::new();
    }
    let claims = fill(template, identity, now).ok().and_then(|text| serde_json::from_str::<Map>(&text).ok());
    let Some(mut claims) = claims else {
        tracing::warn!("the template of an identity token makes no JSON object");
        return Map::new();
    };
    claims.retain(|name, _| !RESERVED.contains(&name.as_str()));
    claims
}

/// Puts values, as JSON, in place of `{{...}}`.
fn fill(template: &str, identity: &Identity, now: Timestamp) -> Result<String, String> {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((front, after)) = rest.split_once("{{") {
        // `}}}` ends a value within an object.
        let (name, back) = after.split_once("}}").ok_or("unbalanced templating characters")?;
        out.push_str(front);
        out.push_str(&value(name.trim(), identity, now)?.to_string());
        rest = back;
    }
    out.push_str(rest);
    Ok(out)
}

fn value(name: &str, identity: &Identity, now: Timestamp) -> Result<Value, String> {
    let unknown = || Err(format!("no value could be found for one of the template directives: {name:?}"));
    if let Some(rest) = name.strip_prefix("time.now") {
        let (sign, text) = match rest.split_at_checked(1) {
            None => (1, ""),
            Some((".", rest)) if rest.starts_with("plus.") => (1, rest.strip_prefix("plus.").unwrap_or_default()),
            Some((".", rest)) if rest.starts_with("minus.") => (-1, rest.strip_prefix("minus.").unwrap_or_default()),
            Some(_) => return unknown(),
        };
        let shift = parse_duration(text).map_err(|error| error.to_string())?;
        let shift = SignedDuration::try_from(shift).map_err(|error| error.to_string())? * sign;
        return Ok(json!(now.checked_add(shift).map_err(|error| error.to_string())?.as_second()));
    }
    let Some(rest) = name.strip_prefix("identity.") else { return unknown() };
    let (kind, rest) = rest.split_once('.').unwrap_or((rest, ""));
    match (kind, rest) {
        ("entity", "id") => Ok(json!(identity.id)),
        ("entity", "name") => Ok(json!(identity.name)),
        ("entity", "metadata") => Ok(json!(identity.metadata)),
        ("entity", "groups.ids") => Ok(identity.groups.iter().map(|group| json!(group.id)).collect()),
        ("entity", "groups.names") => Ok(identity.groups.iter().map(|group| json!(group.name)).collect()),
        ("entity", rest) => {
            if let Some(key) = rest.strip_prefix("metadata.") {
                return Ok(json!(identity.metadata.get(key).cloned().unwrap_or_default()));
            }
            let Some((accessor, field)) = rest.strip_prefix("aliases.").and_then(|rest| rest.split_once('.')) else {
                return unknown();
            };
            let alias = identity.aliases.iter().find(|alias| alias.mount_accessor == accessor).cloned();
            let alias = alias.unwrap_or_default();
            match field {
                "id" => Ok(json!(alias.id)),
                "name" => Ok(json!(alias.name)),
                "metadata" => Ok(json!(alias.metadata)),
                "custom_metadata" => Ok(json!(alias.custom_metadata)),
                field => {
                    let (map, key) = match (field.strip_prefix("metadata."), field.strip_prefix("custom_metadata.")) {
                        (Some(key), _) => (&alias.metadata, key),
                        (None, Some(key)) => (&alias.custom_metadata, key),
                        (None, None) => return unknown(),
                    };
                    Ok(json!(map.get(key).cloned().unwrap_or_default()))
                }
            }
        }
        _ => unknown(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_make_json_and_values_stay_values() {
        let now = Timestamp::UNIX_EPOCH;
        let mut identity = Identity { name: "a\",\"admin\":\"yes".to_owned(), ..Identity::default() };
        identity.metadata.insert("color".to_owned(), "green".to_owned());
        let template = r#"{"name":{{identity.entity.name}},"c":{{ identity.entity.metadata.color }},"nbf":{{time.now}},"in":{"g":{{identity.entity.groups.names}}}}"#;
        let claims = of(template, &identity, now);
        assert_eq!(claims.get("c"), Some(&json!("green")));
        assert_eq!((claims.get("admin"), claims.get("name")), (None, Some(&json!(identity.name))));
        assert_eq!((claims.get("nbf"), claims.get("in")), (Some(&json!(0)), Some(&json!({ "g": [] }))));
        assert!(check(template, now).is_ok());
        for bad in [r#"{"iss":"x"}"#, "[]", "{", r#"{"a":{{identity.other}}}"#, r#"{"a":{{identity.entity.id}"#] {
            assert!(check(bad, now).is_err(), "{bad}");
        }
    }
}
