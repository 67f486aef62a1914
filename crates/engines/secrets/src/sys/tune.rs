use crate::answer::Answer;
use crate::call::Call;
use crate::mount::{Class, Lockout, Mount, MountEntry, token_type, token_type_name};
use logical::{Error, Fields, Map, StorageExt as _, TokenType};
use serde_json::{Value, json};
use std::time::Duration;

/// `mounts/<path>/tune`: what holds, defaults of the server included.
pub(crate) fn read(mount: &Mount) -> Result<Answer, Error> {
    let entry = &mount.entry;
    let mut data = json!({
        "description": entry.description,
        "default_lease_ttl": mount.default_ttl.as_secs(),
        "max_lease_ttl": mount.max_ttl.as_secs(),
        "force_no_cache": entry.config.force_no_cache,
    });
    if let Some(data) = data.as_object_mut() {
        entry.config.describe_lists(data);
        if entry.class == Class::Auth {
            let kind = match entry.config.token_type {
                TokenType::Default => TokenType::DefaultService,
                kind => kind,
            };
            data.insert("token_type".to_owned(), json!(token_type_name(kind)));
        }
        if !entry.options.is_empty() {
            data.insert("options".to_owned(), json!(entry.options));
        }
    }
    Ok(Answer::json(data))
}

pub(crate) async fn change(call: &Call<'_>, mount: &Mount) -> Result<Answer, Error> {
    if matches!(mount.entry.kind.as_str(), "cubbyhole" | "ns_cubbyhole" | "system" | "ns_system") {
        return Err(Error::invalid(format!("cannot tune {:?}", mount.entry.path)));
    }
    let fields = call.request.fields();
    let mut entry = mount.entry.clone();
    apply(&mut entry, &call.request.data, call)?;
    if let Some(description) = fields.text("description")? {
        entry.description = description;
    }
    if let Some(options) = fields.map("options")? {
        if let (Some(old), Some(new)) = (entry.options.get("version"), options.get("version"))
            && (old, new.as_str()) != (new, "2")
            && old.as_str() > new.as_str()
        {
            return Err(Error::invalid(format!("cannot downgrade mount from version {old} to {new}")));
        }
        for (name, value) in options {
            if value.is_empty() {
                entry.options.remove(&name);
            } else {
                entry.options.insert(name, value);
            }
        }
    }
    call.core.storage().put_json(&entry.key(), &entry).await?;
    call.core.reload().await?;
    Ok(Answer::empty())
}

/// Reads `config` of a new mount, or the body of a tuning.
pub(crate) fn apply(entry: &mut MountEntry, data: &Map, call: &Call<'_>) -> Result<(), Error> {
    let fields = Fields::new(data);
    let config = &mut entry.config;
    for (name, ttl) in
        [("default_lease_ttl", &mut config.default_lease_ttl), ("max_lease_ttl", &mut config.max_lease_ttl)]
    {
        match fields.raw(name) {
            Some(Value::String(text)) if text == "system" => *ttl = 0,
            Some(Value::String(text)) if text.is_empty() => {}
            _ => {
                if let Some(value) = fields.duration(name)? {
                    *ttl = value.as_secs();
                }
            }
        }
    }
    let settings = call.core.settings();
    let seconds = |ttl: u64, default: Duration| if ttl == 0 { default.as_secs() } else { ttl };
    let max = seconds(config.max_lease_ttl, settings.max_lease_ttl);
    let default = seconds(config.default_lease_ttl, settings.default_lease_ttl.min(Duration::from_secs(max)));
    if default > max {
        return Err(Error::invalid(format!(
            "backend default lease TTL of {default} greater than max lease TTL of {max}"
        )));
    }
    if let Some(flag) = fields.boolean("force_no_cache")? {
        config.force_no_cache = flag;
    }
    for (name, list) in [
        ("audit_non_hmac_request_keys", &mut config.audit_non_hmac_request_keys),
        ("audit_non_hmac_response_keys", &mut config.audit_non_hmac_response_keys),
        ("passthrough_request_headers", &mut config.passthrough_request_headers),
        ("allowed_response_headers", &mut config.allowed_response_headers),
    ] {
        if let Some(items) = fields.list(name)? {
            *list = items;
        }
    }
    if let Some(visibility) = fields.text("listing_visibility")? {
        if !matches!(visibility.as_str(), "" | "unauth" | "hidden") {
            return Err(Error::invalid(format!("invalid listing visibility type: {visibility:?}")));
        }
        config.listing_visibility = visibility;
    }
    if let Some(version) = fields.text("plugin_version")? {
        config.plugin_version = version;
    }
    if let Some(kind) = fields.text("token_type")?.filter(|kind| !kind.is_empty()) {
        if entry.class != Class::Auth {
            return Err(Error::invalid(format!(
                "'token_type' can only be modified on auth mounts, not {:?}",
                entry.path
            )));
        }
        config.token_type =
            token_type(&kind).ok_or_else(|| Error::invalid(format!("invalid value for 'token_type': {kind}")))?;
    }
    if let Some(Value::Object(lockout)) = fields.raw("user_lockout_config") {
        if !matches!(entry.kind.as_str(), "userpass" | "approle" | "ldap") {
            return Err(Error::invalid(format!(
                "tuning of user lockout configuration for auth type {:?} not allowed",
                entry.kind
            )));
        }
        config.lockout = Some(lockout_of(config.lockout.clone().unwrap_or_default(), Fields::new(lockout))?);
    }
    Ok(())
}

fn lockout_of(mut rule: Lockout, fields: Fields<'_>) -> Result<Lockout, Error> {
    if let Some(threshold) = fields.integer("lockout_threshold")? {
        rule.threshold =
            u64::try_from(threshold).map_err(|_| Error::invalid("lockout_threshold must not be negative"))?;
    }
    if let Some(duration) = fields.duration("lockout_duration")? {
        rule.duration = duration.as_secs();
    }
    if let Some(reset) = fields.duration("lockout_counter_reset_duration")? {
        rule.counter_reset = reset.as_secs();
    }
    for name in ["lockout_disable", "lockout_disabled"] {
        if let Some(flag) = fields.boolean(name)? {
            rule.is_disabled = flag;
        }
    }
    Ok(rule)
}
