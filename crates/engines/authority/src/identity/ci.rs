//! Any CI system, by the templates of its configuration.

use super::names::of_uri;
use super::{IdentityError, Principal, as_uri};
use crate::extensions;
use crate::issuers::{Issuer, Issuers};
use crate::jwt::Claims;
use gotemplate::{Functions, Limits, Template, Value};
use serde_json::Value as Json;
use std::collections::BTreeMap;

const LIMITS: Limits = Limits { output_bytes: 16 * 1024, steps: 10_000, depth: 20 };

/// Whether a template of the configuration can be read.
pub(crate) fn check_template(text: &str) -> Result<(), String> {
    Template::parse("", text, &Functions::go()).map(drop).map_err(|error| error.to_string())
}

pub(super) fn principal(claims: &Claims, issuer: &Issuer, issuers: &Issuers) -> Result<Principal, IdentityError> {
    let metadata =
        issuers.ci(&issuer.ci_provider).ok_or_else(|| IdentityError::Provider(issuer.ci_provider.clone()))?;
    let mut data = metadata.defaults.clone();
    data.extend(claims.all().iter().map(|(name, value)| (name.clone(), text(value))));
    let fill = |name: &str, template: &str| {
        fill(template, &data).map_err(|what| IdentityError::Template { name: name.to_owned(), what })
    };
    if metadata.san.trim().is_empty() {
        return Err(IdentityError::Template { name: "SubjectAlternativeName".to_owned(), what: "is empty".to_owned() });
    }
    let mut principal = of_uri(claims, as_uri(&fill("SubjectAlternativeName", &metadata.san)?));
    for (name, template) in &metadata.extensions {
        if let Some(arc) = extensions::arc(name)
            && !template.trim().is_empty()
        {
            principal.extensions = principal.extensions.with(arc, &fill(name, template)?);
        }
    }
    Ok(principal)
}

/// A claim as text, as Go prints it.
fn text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Null => "<nil>".to_owned(),
        Json::Number(number) => match number.as_f64() {
            Some(float) if !number.is_i64() && !number.is_u64() => format!("{float}"),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}

fn fill(template: &str, data: &BTreeMap<String, String>) -> Result<String, String> {
    if !template.contains("{{") {
        let value = data.get(template).cloned();
        return value.ok_or_else(|| format!("value <{template}> not present in either claims or defaults"));
    }
    let parsed = Template::parse("", template, &Functions::go()).map_err(|error| error.to_string())?;
    let values = data.iter().map(|(name, value)| (name.clone(), Value::text(value))).collect();
    let mut out = Vec::new();
    parsed.execute(&Value::map(values), LIMITS, &mut out).map_err(|error| error.to_string())?;
    let out = String::from_utf8(out).map_err(|_| "no UTF-8".to_owned())?;
    // A claim that is neither in the token nor among the defaults is an error, as with Go's missingkey=error.
    if out.contains("<no value>") { Err("a claim is missing".to_owned()) } else { Ok(out) }
}
