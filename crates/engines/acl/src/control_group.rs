use crate::parse::{check_keys, seconds, several};
use hcl1::{Body, Error, Kind};
use std::time::Duration;

/// Others must approve before the answer can be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ControlGroup {
    /// How long the request waits for them.
    pub ttl: Duration,
    /// Whether the one who asks may approve.
    pub self_authorization_allowed: bool,
    /// Who must.
    pub factors: Vec<Factor>,
}

/// One approval, or several.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Factor {
    /// Its name.
    pub name: String,
    /// Operations that need it; none is all.
    pub controlled_capabilities: Vec<String>,
    /// Groups whose members may approve.
    pub group_names: Vec<String>,
    /// How many must.
    pub approvals: i64,
}

/// All operations of the peer, also those that only it makes.
const OPERATIONS: [&str; 14] = [
    "create",
    "read",
    "update",
    "patch",
    "delete",
    "list",
    "scan",
    "help",
    "alias-lookahead",
    "resolve-role",
    "header",
    "revoke",
    "renew",
    "rollback",
];

/// The last `control_group` of a rule.
pub(crate) fn control_groups(body: &Body<'_>) -> Result<Option<ControlGroup>, String> {
    let mut last = None;
    let mut errors = Vec::new();
    for (_, value) in body.values("control_group") {
        let found = if let Kind::Object(_) = value.kind {
            control_group(&value.body())
        } else {
            Err(format!("path control_group: cannot check HCL keys of type {}", value.type_name()))
        };
        match found {
            Ok(group) => last = Some(group),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(last) } else { Err(format!("error handling control_group: {}", several(&errors))) }
}

fn control_group(body: &Body<'_>) -> Result<ControlGroup, String> {
    let read = |error: Error| format!("path control_group: {error}");
    check_keys(body, &["ttl", "self_auth_allowed", "factor"], "path control_group: ")?;
    let ttl = body.any("ttl").map_err(read)?;
    let self_authorization_allowed = body.boolean("self_auth_allowed").map_err(read)?.unwrap_or_default();
    let mut factors = Vec::new();
    let mut errors = Vec::new();
    for (keys, value) in body.values("factor") {
        let found = if let Kind::Object(_) = value.kind {
            factor(&keys, &value.body())
        } else {
            Err(format!("path control_group factor: cannot check HCL keys of type {}", value.type_name()))
        };
        match found {
            Ok(factor) => factors.push(factor),
            Err(error) => errors.push(error),
        }
    }
    if !errors.is_empty() {
        return Err(format!("error handling control_group factor: {}", several(&errors)));
    }
    let ttl = ttl.as_ref().map_or(Ok(Duration::ZERO), seconds);
    let ttl = ttl.map_err(|error| format!("path control_group: invalid ttl: {error}"))?;
    for word in factors.iter().flat_map(|factor| &factor.controlled_capabilities) {
        if !OPERATIONS.contains(&word.as_str()) {
            return Err(format!("path control_group Operation(s) not valid: {word}"));
        }
    }
    Ok(ControlGroup { ttl, self_authorization_allowed, factors })
}

fn factor(keys: &[&str], body: &Body<'_>) -> Result<Factor, String> {
    let read = |error: Error| format!("path control_group factor: {error}");
    check_keys(body, &["controlled_capabilities", "identity"], "path control_group factor: ")?;
    let controlled_capabilities = body.texts("controlled_capabilities").map_err(read)?.unwrap_or_default();
    let mut factor = Factor { controlled_capabilities, ..Factor::default() };
    for identity in body.blocks("identity").map_err(read)? {
        factor.group_names.extend(identity.body.texts("group_names").map_err(read)?.unwrap_or_default());
        factor.approvals = identity.body.integer("approvals").map_err(read)?.unwrap_or(factor.approvals);
    }
    let name = keys.first().ok_or("path control_group factor: require name key")?;
    factor.name = (*name).to_owned();
    Ok(factor)
}
