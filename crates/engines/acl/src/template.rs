//! `{{identity.entity.id}}` and the like in the paths of policies.

use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// Who a token belongs to, as templates see it.
#[derive(Debug, Clone, Default)]
pub struct Identity {
    /// The entity's identifier.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its metadata.
    pub metadata: BTreeMap<String, String>,
    /// Its names at auth methods.
    pub aliases: Vec<Alias>,
    /// Groups that it is in, also through others.
    pub groups: Vec<Group>,
}

/// A name at an auth method.
#[derive(Debug, Clone, Default)]
pub struct Alias {
    /// Its identifier.
    pub id: String,
    /// The accessor of the auth method's mount.
    pub mount_accessor: String,
    /// The name there.
    pub name: String,
    /// Metadata that the auth method gave.
    pub metadata: BTreeMap<String, String>,
    /// Metadata that people gave.
    pub custom_metadata: BTreeMap<String, String>,
}

/// A group.
#[derive(Debug, Clone, Default)]
pub struct Group {
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The identifier of its namespace.
    pub namespace_id: String,
    /// Its metadata.
    pub metadata: BTreeMap<String, String>,
}

/// What values may contain beyond plain names. By default neither: a value must not change which paths a rule is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Substitutions {
    /// `/`
    pub slashes: bool,
    /// `*` and `+`
    pub wildcards: bool,
}

const UNBALANCED: &str = "unbalanced templating characters";

/// Whether a text has templates.
pub(crate) fn has_templates(text: &str) -> Result<bool, &'static str> {
    let mut pieces = text.split("{{");
    if pieces.next().is_some_and(|first| first.contains("}}")) {
        return Err(UNBALANCED);
    }
    let mut any = false;
    for piece in pieces {
        if piece.matches("}}").count() != 1 {
            return Err(UNBALANCED);
        }
        any = true;
    }
    Ok(any)
}

/// Puts values in. Nothing where there is no value, or one that is not allowed.
pub(crate) fn substitute(
    text: &str,
    identity: Option<&Identity>,
    namespace_id: &str,
    allowed: Substitutions,
    now: Timestamp,
) -> Option<String> {
    let mut pieces = text.split("{{");
    let mut whole = pieces.next()?.to_owned();
    for piece in pieces {
        let (name, rest) = piece.split_once("}}")?;
        let value = value(name.trim(), identity, namespace_id, now)?;
        let smuggles_slash = !allowed.slashes && value.contains('/');
        let smuggles_wildcard = !allowed.wildcards && value.contains(['*', '+']);
        // An empty value would widen the rule as well.
        if value.is_empty() || smuggles_slash || smuggles_wildcard {
            return None;
        }
        whole.push_str(&value);
        whole.push_str(rest);
    }
    Some(whole)
}

fn value(name: &str, identity: Option<&Identity>, namespace_id: &str, now: Timestamp) -> Option<String> {
    if let Some(name) = name.strip_prefix("time.") {
        return time(name, now);
    }
    let identity = identity?;
    if let Some(name) = name.strip_prefix("identity.entity.") {
        return entity(name, identity).cloned();
    }
    group(name.strip_prefix("identity.groups.")?, identity, namespace_id).cloned()
}

fn entity<'a>(name: &str, identity: &'a Identity) -> Option<&'a String> {
    match name {
        "id" => return Some(&identity.id),
        "name" => return Some(&identity.name),
        _ => {}
    }
    if let Some(key) = name.strip_prefix("metadata.") {
        return identity.metadata.get(key);
    }
    let (accessor, name) = name.strip_prefix("aliases.")?.split_once('.')?;
    let alias = identity.aliases.iter().find(|alias| alias.mount_accessor == accessor)?;
    match name {
        "id" => Some(&alias.id),
        "name" => Some(&alias.name),
        _ => match name.strip_prefix("metadata.") {
            Some(key) => alias.metadata.get(key),
            None => alias.custom_metadata.get(name.strip_prefix("custom_metadata.")?),
        },
    }
}

fn group<'a>(name: &str, identity: &'a Identity, namespace_id: &str) -> Option<&'a String> {
    let (by, rest) = name.split_once('.')?;
    let (wanted, field) = rest.split_once('.')?;
    let matches = |group: &&Group| match by {
        "ids" => group.id == wanted,
        "names" => (namespace_id.is_empty() || group.namespace_id == namespace_id) && group.name == wanted,
        _ => false,
    };
    let group = identity.groups.iter().find(matches)?;
    match field {
        "id" => Some(&group.id),
        "name" => Some(&group.name),
        _ => group.metadata.get(field.strip_prefix("metadata.")?),
    }
}

/// `now`, `now.plus.1h`: seconds since 1970.
fn time(name: &str, now: Timestamp) -> Option<String> {
    let mut words = name.splitn(3, '.');
    if words.next()? != "now" {
        return None;
    }
    let at = match words.next() {
        None => now,
        Some(operator) => {
            let duration = logical::parse_duration(words.next()?).ok()?;
            let duration = SignedDuration::try_from(duration).ok()?;
            match operator {
                "plus" => now.checked_add(duration).ok()?,
                "minus" => now.checked_sub(duration).ok()?,
                _ => return None,
            }
        }
    };
    Some(at.as_second().to_string())
}
