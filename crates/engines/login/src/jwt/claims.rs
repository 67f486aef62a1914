//! Claims, by name or by JSON pointer, and what a role asks of them.

use crate::glob;
use logical::{Error, Map};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A claim by its name, or by a JSON pointer (RFC 6901) where it begins with `/`.
pub(super) fn claim<'a>(claims: &'a Map, name: &str) -> Option<&'a Value> {
    let Some(pointer) = name.strip_prefix('/') else { return claims.get(name).filter(|value| !value.is_null()) };
    let mut steps = pointer.split('/').map(|step| match step.contains('~') {
        true => Cow::Owned(step.replace("~1", "/").replace("~0", "~")),
        false => Cow::Borrowed(step),
    });
    let mut found = claims.get(&*steps.next()?)?;
    for step in steps {
        found = match found {
            Value::Object(map) => map.get(&*step)?,
            Value::Array(items) => items.get(step.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    Some(found).filter(|value| !value.is_null())
}

/// A list, or what may stand for a list of one.
pub(super) fn list(value: &Value) -> Option<&[Value]> {
    match value {
        Value::Array(items) => Some(items),
        Value::String(_) | Value::Bool(_) | Value::Number(_) => Some(std::slice::from_ref(value)),
        Value::Null | Value::Object(_) => None,
    }
}

/// Checks that each bound claim has one of its values.
pub(super) fn check_bound(bound: &Map, globs: bool, claims: &Map) -> Result<(), Error> {
    for (name, wanted) in bound {
        let refuse = |text: String| Err(Error::invalid(format!("error validating claims: {text}")));
        let Some(found) = claim(claims, name) else { return refuse(format!("claim {name:?} is missing")) };
        let Some(found) = list(found) else {
            return refuse("received claim is not a string, bool, int or list".to_owned());
        };
        let Some(wanted) = list(wanted) else {
            return refuse("bound claim is not a string, bool, int or list".to_owned());
        };
        if !wanted.iter().any(|wanted| found.iter().any(|found| same(wanted, found, globs))) {
            return refuse(format!("claim {name:?} does not match any associated bound claim values"));
        }
    }
    Ok(())
}

fn same(wanted: &Value, found: &Value, globs: bool) -> bool {
    match (wanted, found) {
        (Value::String(pattern), Value::String(text)) if globs => glob::matches(pattern, text),
        _ if globs => false,
        (Value::Number(wanted), Value::Number(found)) => match (wanted.as_i64(), found.as_i64()) {
            (Some(wanted), Some(found)) => wanted == found,
            _ => wanted.as_f64() == found.as_f64(),
        },
        (wanted, found) => wanted == found,
    }
}

/// Metadata made of claims that are text.
pub(super) fn metadata(mappings: &BTreeMap<String, String>, claims: &Map) -> Result<BTreeMap<String, String>, Error> {
    let mut out = BTreeMap::new();
    for (source, target) in mappings {
        let Some(value) = claim(claims, source) else { continue };
        let text =
            value.as_str().ok_or_else(|| Error::invalid(format!("error converting claim '{source}' to string")))?;
        out.insert(target.clone(), text.to_owned());
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(value: Value) -> Map {
        let Value::Object(map) = value else { panic!() };
        map
    }

    #[test]
    fn bound_claims_must_all_have_one_of_their_values() {
        let claims = map(json!({
            "team": "red", "roles": ["a", "b"], "n": 7, "ok": true, "deep": {"x/y": ["z", {"k": "v"}]}, "object": {},
        }));
        let check = |bound: Value, globs: bool| check_bound(&map(bound), globs, &claims).is_ok();
        for bound in [
            json!({"team": "red"}),
            json!({"team": ["blue", "red"]}),
            json!({"roles": "b"}),
            json!({"roles": ["c", "a"], "n": 7}),
            json!({"ok": true}),
            json!({"/deep/x~1y/0": "z"}),
            json!({"/deep/x~1y/1/k": "v"}),
        ] {
            assert!(check(bound.clone(), false), "{bound}");
        }
        for bound in [
            json!({"team": "re*"}),
            json!({"team": "red", "n": 8}),
            json!({"n": "7"}),
            json!({"ok": "true"}),
            json!({"absent": "x"}),
            json!({"/deep/x/y/0": "z"}),
            json!({"object": "x"}),
            json!({"team": {}}),
            json!({"team": []}),
        ] {
            assert!(!check(bound.clone(), false), "{bound}");
        }
        assert!(check(json!({"team": "r*"}), true) && !check(json!({"n": "*"}), true));
    }

    #[test]
    fn metadata_is_made_of_text_only() {
        let claims = map(json!({"a": "1", "b": {"c": "2"}, "n": 3}));
        let mappings = |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).into(), (*b).into())).collect();
        let made = metadata(&mappings(&[("a", "x"), ("/b/c", "y"), ("absent", "z")]), &claims).unwrap();
        assert_eq!(made.into_iter().collect::<Vec<_>>(), [("x".into(), "1".into()), ("y".into(), "2".into())]);
        assert!(metadata(&mappings(&[("n", "x")]), &claims).is_err());
    }
}
