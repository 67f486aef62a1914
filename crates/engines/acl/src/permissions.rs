use crate::capability::{Capabilities, Capability};
use crate::control_group::ControlGroup;
use crate::policy::Namespace;
use logical::Map;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Values by the name of the parameter, in lower case. No values are any value.
pub(crate) type Parameters = BTreeMap<String, Vec<Json>>;

/// What rules for one pattern allow together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Permissions {
    pub(crate) capabilities: Capabilities,
    pub(crate) min_wrapping_ttl: Duration,
    pub(crate) max_wrapping_ttl: Duration,
    pub(crate) allowed_parameters: Option<Parameters>,
    pub(crate) denied_parameters: Option<Parameters>,
    pub(crate) required_parameters: Vec<String>,
    pub(crate) mfa_methods: Vec<String>,
    /// Zero or less for none.
    pub(crate) pagination_limit: i64,
    pub(crate) keys_filter: Option<String>,
    pub(crate) control_group: Option<ControlGroup>,
    pub(crate) grants: Vec<Grant>,
}

/// Which policy gave which capabilities.
#[derive(Debug, Clone, PartialEq)]
pub struct Grant {
    /// The policy.
    pub source: Arc<Source>,
    /// What it gave.
    pub capabilities: Capabilities,
}

/// A policy, for audit logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// Where it lives.
    pub namespace: Namespace,
}

impl Permissions {
    /// The capabilities.
    pub fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    pub(crate) fn grant(&mut self, source: &Arc<Source>, capabilities: Capabilities) {
        self.grants.push(Grant { source: Arc::clone(source), capabilities });
    }

    /// Joins another rule for the same pattern: capabilities add up, lifetimes and limits are the lowest that are set, and
    /// deny makes everything else void.
    pub(crate) fn merge(&mut self, other: &Self, source: &Arc<Source>) {
        if self.capabilities.has(Capability::Deny) {
            return;
        }
        if other.capabilities.has(Capability::Deny) {
            self.capabilities = Capabilities::DENY;
            self.allowed_parameters = None;
            self.denied_parameters = None;
            return;
        }
        self.capabilities.add(other.capabilities);
        self.grant(source, other.capabilities);
        lower(&mut self.max_wrapping_ttl, other.max_wrapping_ttl);
        lower(&mut self.min_wrapping_ttl, other.min_wrapping_ttl);
        merge_parameters(&mut self.allowed_parameters, other.allowed_parameters.as_ref());
        merge_parameters(&mut self.denied_parameters, other.denied_parameters.as_ref());
        merge_words(&mut self.required_parameters, &other.required_parameters);
        merge_words(&mut self.mfa_methods, &other.mfa_methods);
        let limit = other.pagination_limit;
        if limit > 0 && (self.pagination_limit <= 0 || limit < self.pagination_limit) {
            self.pagination_limit = limit;
        }
        if self.keys_filter.is_none() {
            self.keys_filter.clone_from(&other.keys_filter);
        }
    }

    /// Whether the lifetime of the wrapping is within what is set.
    pub(crate) fn permits_wrapping(&self, wrap_ttl: Option<Duration>) -> bool {
        let (min, max) = (self.min_wrapping_ttl, self.max_wrapping_ttl);
        (max.is_zero() || wrap_ttl.is_some_and(|ttl| ttl <= max))
            && (min.is_zero() || wrap_ttl.is_some_and(|ttl| ttl >= min))
    }

    /// Whether these parameters may be given.
    pub(crate) fn permits_parameters(&self, data: &Map) -> bool {
        if !self.required_parameters.iter().all(|name| data.contains_key(&name.to_lowercase())) {
            return false;
        }
        if data.is_empty() {
            return true;
        }
        if let Some(denied) = self.denied_parameters.as_ref().filter(|denied| !denied.is_empty()) {
            let denies = |(name, value): (&String, &Json)| {
                denied.get(&name.to_lowercase()).is_some_and(|values| is_among(value, values))
            };
            if denied.contains_key("*") || data.iter().any(denies) {
                return false;
            }
        }
        let Some(allowed) = self.allowed_parameters.as_ref().filter(|allowed| !allowed.is_empty()) else {
            return true;
        };
        let others = allowed.contains_key("*");
        if others && allowed.len() == 1 {
            return true;
        }
        data.iter().all(|(name, value)| match allowed.get(&name.to_lowercase()) {
            Some(values) => is_among(value, values),
            None => others,
        })
    }

    /// What `limit` becomes, or an error where it is too high.
    pub(crate) fn page(&self, data: &Map) -> Result<Option<i64>, ()> {
        let asked = data.get("limit");
        if self.pagination_limit <= 0 {
            return Ok((asked.and_then(Json::as_str) == Some("max")).then_some(0));
        }
        let full = Ok(Some(self.pagination_limit));
        let Some(asked) = asked else {
            let is_required = self.required_parameters.iter().any(|name| name.to_lowercase() == "limit");
            return if is_required { Err(()) } else { full };
        };
        let number = match asked {
            Json::String(text) if text.is_empty() => Some(0),
            Json::String(text) if text == "max" => return full,
            Json::String(text) => text.parse().ok(),
            other => other.as_i64(),
        };
        match number.ok_or(())? {
            0 => full,
            number if number < 0 || number > self.pagination_limit => Err(()),
            _ => Ok(None),
        }
    }
}

fn lower(into: &mut Duration, other: Duration) {
    if !other.is_zero() && (into.is_zero() || other < *into) {
        *into = other;
    }
}

/// A parameter with any value stays so.
fn merge_parameters(into: &mut Option<Parameters>, other: Option<&Parameters>) {
    let Some(other) = other.filter(|other| !other.is_empty()) else { return };
    let Some(into) = into else {
        *into = Some(other.clone());
        return;
    };
    for (name, values) in other {
        match into.get_mut(name) {
            Some(old) if old.is_empty() || values.is_empty() => old.clear(),
            Some(old) => {
                let mut joined = values.clone();
                joined.append(old);
                *old = joined;
            }
            None => drop(into.insert(name.clone(), values.clone())),
        }
    }
}

/// What one rule says twice stays twice, as with the peer.
fn merge_words(into: &mut Vec<String>, other: &[String]) {
    if into.is_empty() {
        into.extend_from_slice(other);
        return;
    }
    for word in other {
        if !into.contains(word) {
            into.push(word.clone());
        }
    }
}

fn is_among(value: &Json, list: &[Json]) -> bool {
    list.is_empty() || list.iter().any(|listed| is_like(value, listed))
}

fn is_like(value: &Json, listed: &Json) -> bool {
    match (value, listed) {
        (Json::String(value), Json::String(pattern)) => glob(pattern, value),
        (Json::Number(value), Json::Number(listed)) => value == listed || value.as_f64() == listed.as_f64(),
        _ => value == listed,
    }
}

/// `*` at the start or the end is anything.
fn glob(pattern: &str, text: &str) -> bool {
    if pattern.len() < 2 {
        return pattern == text;
    }
    let tail = pattern.strip_prefix('*');
    match (tail, tail.unwrap_or(pattern).strip_suffix('*')) {
        (Some(_), Some(middle)) => text.contains(middle),
        (Some(tail), None) => text.ends_with(tail),
        (None, Some(head)) => text.starts_with(head),
        (None, None) => pattern == text,
    }
}
