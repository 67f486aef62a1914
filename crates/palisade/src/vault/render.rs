//! Answers as tables, JSON, YAML, or the value of one field.

use super::client::Secret;
use super::command::Call;
use super::failure::{Failure, Run};
use super::{go, layout, ui, yaml};
use crate::outcome::OK;
use serde::Serialize;
use serde::ser::SerializeMap;
use serde_json::{Map, Value};

/// A document whose fields are printed in their order.
#[derive(Default)]
pub(super) struct Fields(Vec<(&'static str, Value)>);

impl Serialize for Fields {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Fields {
    /// The fields `names` of `value` in that order. After a name stands what a missing one counts as: `:s` for an empty
    /// text, `:n` for zero, `:b` for false, `:?` for leaving it out where it is one of these; nothing for null.
    pub(super) fn of(value: &Value, names: &[&'static str]) -> Self {
        let mut fields = Self::default();
        for spec in names {
            let (name, kind) = spec.split_once(':').unwrap_or((spec, ""));
            let found = value.get(name).filter(|value| !value.is_null()).cloned();
            let is_nothing = |value: &Value| {
                matches!(value, Value::Bool(false)) || value.as_str() == Some("") || value.as_i64() == Some(0)
            };
            let value = match (found, kind) {
                (Some(value), "?") if is_nothing(&value) => continue,
                (Some(value), _) => value,
                (None, "?") => continue,
                (None, "s") => "".into(),
                (None, "n") => 0.into(),
                (None, "b") => false.into(),
                (None, _) => Value::Null,
            };
            fields.push(name, value);
        }
        fields
    }

    pub(super) fn push(&mut self, name: &'static str, value: Value) {
        self.0.push((name, value));
    }

    /// The field `name`.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}

/// A document in a format other than a table.
pub(super) fn document<T: Serialize + ?Sized>(call: &Call, document: &T) -> Run {
    let text = formatted(call, document)?;
    call.say(&text)?;
    Ok(OK)
}

fn formatted<T: Serialize + ?Sized>(call: &Call, document: &T) -> Result<String, Failure> {
    let failed = |cause: &dyn std::fmt::Display| Failure::local(format!("Could not parse output: {cause}"));
    match call.format.as_str() {
        "json" => go::json(document).map_err(|error| failed(&error)),
        "yaml" | "yml" => {
            let value = serde_json::to_value(document).map_err(|error| failed(&error))?;
            Ok(yaml::print(&value).trim().to_owned())
        }
        "raw" => {
            Err(failed(&call.words("This command does not support the -format=raw option; only `bao read` does.")))
        }
        other => Err(failed(&format!("cannot use the {other} formatter for this type"))),
    }
}

/// Does a field of this name hold seconds?
fn is_duration(name: &str) -> bool {
    let is = |word: &str| name == word || name.strip_suffix(word).is_some_and(|rest| rest.ends_with('_'));
    is("period") || is("ttl") || is("duration") || name == "lease_max" || name == "ttl_max"
}

/// A value of a table, where a field of that name may hold seconds.
fn shown(name: &str, value: &Value) -> String {
    match value.as_i64() {
        Some(seconds) if is_duration(name) => go::human_seconds(seconds),
        _ => go::value(value),
    }
}

/// What the server warns of.
pub(super) fn warnings(call: &Call, secret: &Secret) {
    if !secret.has_warnings() {
        return;
    }
    call.warn(&call.words("WARNING! The following warnings were returned from OpenBao:\n"));
    for warning in secret.warnings.iter().flatten() {
        call.warn(&layout::padded(&format!("* {warning}"), 2));
        call.warn("");
    }
}

/// A secret.
pub(super) fn secret(call: &Call, secret: &Secret) -> Run {
    if !call.is_table() {
        return document(call, secret);
    }
    warnings(call, secret);
    let rows = secret_rows(secret);
    if !rows.is_empty() {
        call.say(&layout::table(&["Key", "Value"], rows))?;
    }
    Ok(OK)
}

fn secret_rows(secret: &Secret) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut add = |key: &str, value: String| rows.push(layout::row(key, value));
    if secret.lease_duration > 0 {
        let duration = go::human_seconds(secret.lease_duration);
        if secret.lease_id.is_empty() {
            add("refresh_interval", duration);
        } else {
            add("lease_id", secret.lease_id.clone());
            add("lease_duration", duration);
            add("lease_renewable", secret.renewable.to_string());
        }
    }
    if let Some(auth) = &secret.auth {
        add("token", auth.client_token.clone());
        add("token_accessor", auth.accessor.clone());
        let is_endless = auth.lease_duration == 0;
        add("token_duration", if is_endless { "∞".to_owned() } else { go::human_seconds(auth.lease_duration) });
        add("token_renewable", auth.renewable.to_string());
        add("token_policies", go::quoted_list(&auth.token_policies));
        add("identity_policies", go::quoted_list(&auth.identity_policies));
        add("policies", go::quoted_list(&auth.policies));
        for (name, value) in auth.metadata.iter().flatten() {
            add(&format!("token_meta_{name}"), go::value(value));
        }
    }
    if let Some(wrap) = &secret.wrap_info {
        add("wrapping_token:", wrap.token.clone());
        add("wrapping_accessor:", wrap.accessor.clone());
        add("wrapping_token_ttl:", go::human_seconds(wrap.ttl));
        add("wrapping_token_creation_time:", creation_time(&wrap.creation_time));
        add("wrapping_token_creation_path:", wrap.creation_path.clone());
        if !wrap.wrapped_accessor.is_empty() {
            add("wrapped_accessor:", wrap.wrapped_accessor.clone());
        }
    }
    for (name, value) in secret.data.iter().flatten() {
        add(name, shown(name, value));
    }
    rows
}

/// A time as Go's `String` prints it.
fn creation_time(time: &str) -> String {
    match time.split_once('T') {
        Some((day, rest)) if rest.ends_with('Z') => format!("{day} {} +0000 UTC", rest.trim_end_matches('Z')),
        _ => time.to_owned(),
    }
}

/// Fields as a table, or as a document.
pub(super) fn map(call: &Call, map: &Map<String, Value>) -> Run {
    if !call.is_table() {
        return document(call, map);
    }
    let rows: Vec<_> = map.iter().map(|(name, value)| layout::row(name, shown(name, value))).collect();
    if !rows.is_empty() {
        call.say(&layout::table(&["Key", "Value"], rows))?;
    }
    Ok(OK)
}

/// The keys of a list.
pub(super) fn list(call: &Call, secret: &Secret) -> Run {
    let keys = secret.keys().cloned().unwrap_or_default();
    let is_detailed = call.flags.is_on("detailed");
    if !call.is_table() {
        return if is_detailed { document(call, secret) } else { document(call, &keys) };
    }
    warnings(call, secret);
    let mut names: Vec<&str> = keys.iter().filter_map(Value::as_str).collect();
    if names.len() != keys.len() {
        return Err(Failure::local("Could not parse output: a key is not a string"));
    }
    names.sort_unstable();
    let info = secret.get("key_info").and_then(Value::as_object).filter(|info| is_detailed && !info.is_empty());
    let mut columns: Vec<&str> = Vec::new();
    for fields in info.iter().flat_map(|info| info.values()).filter_map(Value::as_object) {
        columns.extend(fields.keys().map(String::as_str));
    }
    columns.sort_unstable();
    columns.dedup();
    let rows = names.iter().map(|name| {
        let fields = info.and_then(|info| info.get(*name));
        let cell = |column: &&str| fields.and_then(|fields| fields.get(*column)).map(|value| shown(column, value));
        let cells = columns.iter().map(|column| cell(column).unwrap_or_default());
        std::iter::once((*name).to_owned()).chain(cells).collect()
    });
    let rows: Vec<Vec<String>> = rows.collect();
    if !rows.is_empty() {
        call.say(&layout::table(&[&["Keys"], columns.as_slice()].concat(), rows))?;
    }
    Ok(OK)
}

/// Names, one a line, under a heading or none.
pub(super) fn names(call: &Call, names: &[String]) -> Run {
    if !call.is_table() {
        return document(call, names);
    }
    call.say(&names.join("\n"))?;
    Ok(OK)
}

/// One field of a secret.
pub(super) fn field(call: &Call, secret: &Secret, field: &str) -> Run {
    if call.is_table() {
        warnings(call, secret);
    }
    value(call, field_of(secret, field), field, "secret")
}

/// One value, without a line break.
pub(super) fn value(call: &Call, value: Option<Value>, field: &str, of: &str) -> Run {
    let Some(value) = value.filter(|value| !value.is_null()) else {
        return Err(Failure::local(format!("Field {field:?} not present in {of}")));
    };
    let text = match call.format.as_str() {
        "table" | "raw" => go::value(&value),
        "yaml" | "yml" => yaml::print(&value),
        _ => formatted(call, &value)?,
    };
    ui::raw(&text)?;
    Ok(OK)
}

fn field_of(secret: &Secret, field: &str) -> Option<Value> {
    let data = || secret.get(field).cloned();
    if let Some(auth) = &secret.auth {
        return match field {
            "token" => Some(auth.client_token.as_str().into()),
            "token_accessor" => Some(auth.accessor.as_str().into()),
            "token_duration" => Some(auth.lease_duration.into()),
            "token_renewable" => Some(auth.renewable.into()),
            "token_policies" => Some(auth.token_policies.clone()),
            "identity_policies" => Some(auth.identity_policies.clone()),
            "policies" => Some(auth.policies.clone()),
            _ => data(),
        };
    }
    if let Some(wrap) = &secret.wrap_info {
        return match field {
            "wrapping_token" => Some(wrap.token.as_str().into()),
            "wrapping_accessor" => Some(wrap.accessor.as_str().into()),
            "wrapping_token_ttl" => Some(wrap.ttl.into()),
            "wrapping_token_creation_time" => Some(wrap.creation_time.as_str().into()),
            "wrapping_token_creation_path" => Some(wrap.creation_path.as_str().into()),
            "wrapped_accessor" => Some(wrap.wrapped_accessor.as_str().into()),
            _ => data(),
        };
    }
    match field {
        "lease_duration" | "refresh_interval" => Some(secret.lease_duration.into()),
        "lease_id" => Some(secret.lease_id.as_str().into()),
        "request_id" => Some(secret.request_id.as_str().into()),
        "renewable" => Some(secret.renewable.into()),
        "data" => data().or_else(|| secret.data.clone().map(Value::Object)),
        _ => data(),
    }
}

/// A secret, or one of its fields where `-field` asks for it.
pub(super) fn secret_or_field(call: &Call, secret: &Secret) -> Run {
    match call.flags.text("field") {
        "" => self::secret(call, secret),
        name => field(call, secret, name),
    }
}
