use crate::{Error, Map, parse_duration};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// A request's fields with the conversions of the peer's framework (`sdk/framework/field_data.go`): a number may be a
/// string, a list a text with commas. A field that is `null` is absent.
#[derive(Clone, Copy)]
pub struct Fields<'a> {
    data: &'a Map,
}

impl<'a> Fields<'a> {
    /// Of this object.
    pub fn new(data: &'a Map) -> Self {
        Self { data }
    }

    /// As it is.
    pub fn raw(&self, name: &str) -> Option<&'a Value> {
        self.data.get(name).filter(|value| !value.is_null())
    }

    /// Whether it is there and `null`: a patch takes something away.
    pub fn is_null(&self, name: &str) -> bool {
        self.data.get(name).is_some_and(Value::is_null)
    }

    /// Whether it is there.
    pub fn has(&self, name: &str) -> bool {
        self.raw(name).is_some()
    }

    /// A text; numbers and booleans become one.
    ///
    /// # Errors
    /// For lists and objects.
    pub fn text(&self, name: &str) -> Result<Option<String>, Error> {
        self.raw(name).map(|value| scalar(value).ok_or_else(|| refuse(name, value, "string"))).transpose()
    }

    /// A text that must not be empty.
    ///
    /// # Errors
    /// Where it is missing: `missing <name>`.
    pub fn required(&self, name: &str) -> Result<String, Error> {
        self.text(name)?.filter(|text| !text.is_empty()).ok_or_else(|| Error::invalid(format!("missing {name}")))
    }

    /// A truth value; also `"true"`, `"1"`, 1.
    ///
    /// # Errors
    /// For anything else.
    pub fn boolean(&self, name: &str) -> Result<Option<bool>, Error> {
        let Some(value) = self.raw(name) else { return Ok(None) };
        let read = match value {
            Value::Bool(value) => Some(*value),
            Value::Number(number) => Some(number.as_f64() != Some(0.0)),
            Value::String(text) => match text.as_str() {
                "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
                "0" | "f" | "F" | "false" | "FALSE" | "False" | "" => Some(false),
                _ => None,
            },
            _ => None,
        };
        read.map(Some).ok_or_else(|| refuse(name, value, "bool"))
    }

    /// A whole number; also as a string.
    ///
    /// # Errors
    /// For anything else.
    pub fn integer(&self, name: &str) -> Result<Option<i64>, Error> {
        let Some(value) = self.raw(name) else { return Ok(None) };
        let read = match value {
            Value::Number(number) => number
                .as_i64()
                .or_else(|| number.as_f64().filter(|float| float.fract() == 0.0).map(|float| float as i64)),
            Value::String(text) if text.is_empty() => Some(0),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        read.map(Some).ok_or_else(|| refuse(name, value, "int"))
    }

    /// A duration: seconds, or a text as [`parse_duration`] reads it.
    ///
    /// # Errors
    /// For anything else, and for what is negative.
    pub fn duration(&self, name: &str) -> Result<Option<Duration>, Error> {
        let Some(value) = self.raw(name) else { return Ok(None) };
        let read = match value {
            Value::Number(number) => number.as_u64().map(Duration::from_secs),
            Value::String(text) => parse_duration(text.trim()).ok(),
            _ => None,
        };
        read.map(Some).ok_or_else(|| refuse(name, value, "duration"))
    }

    /// A list of texts: a list, or a text with commas, whose items are trimmed and not empty.
    ///
    /// # Errors
    /// For anything else.
    pub fn list(&self, name: &str) -> Result<Option<Vec<String>>, Error> {
        let Some(value) = self.raw(name) else { return Ok(None) };
        let items = match value {
            Value::Array(items) => items.iter().map(scalar).collect::<Option<Vec<String>>>(),
            value => scalar(value).map(|text| text.split(',').map(str::to_owned).collect()),
        };
        let items = items.ok_or_else(|| refuse(name, value, "comma-separated list"))?;
        Ok(Some(items.iter().map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()))
    }

    /// A map of texts: an object, or a list or text of `key=value`.
    ///
    /// # Errors
    /// For anything else.
    pub fn map(&self, name: &str) -> Result<Option<BTreeMap<String, String>>, Error> {
        let Some(value) = self.raw(name) else { return Ok(None) };
        let pair =
            |text: &str| text.split_once('=').map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()));
        let read = match value {
            Value::Object(map) => map.iter().map(|(key, value)| Some((key.clone(), scalar(value)?))).collect(),
            Value::Array(items) => items.iter().map(|item| pair(item.as_str()?)).collect(),
            Value::String(text) if text.is_empty() => Some(BTreeMap::new()),
            Value::String(text) => match serde_json::from_str::<Map>(text) {
                Ok(map) => map.iter().map(|(key, value)| Some((key.clone(), scalar(value)?))).collect(),
                Err(_) => text.split(',').map(pair).collect(),
            },
            _ => None,
        };
        read.map(Some).ok_or_else(|| refuse(name, value, "map"))
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(if *value { "1" } else { "0" }.to_owned()),
        _ => None,
    }
}

/// The value itself could be a secret, so only its kind is told.
fn refuse(name: &str, value: &Value, wanted: &str) -> Error {
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    Error::invalid(format!(
        "Field validation failed: error converting input for field {name:?}: expected {wanted}, got {found}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_are_converted_as_the_peer_converts_them_and_refused_without_their_value() {
        let Value::Object(data) = json!({
            "ttl": "1h", "seconds": 30, "list": "a, b,,c", "items": ["x", 1], "yes": "true", "count": "7",
            "meta": {"k": "v"}, "pairs": ["a=b"], "deep": {"hunter2": []}, "nothing": null,
        }) else {
            panic!()
        };
        let fields = Fields::new(&data);
        assert_eq!(fields.duration("ttl").unwrap(), Some(Duration::from_secs(3600)));
        assert_eq!(fields.duration("seconds").unwrap(), Some(Duration::from_secs(30)));
        assert_eq!(fields.list("list").unwrap().unwrap(), ["a", "b", "c"]);
        assert_eq!(fields.list("items").unwrap().unwrap(), ["x", "1"]);
        assert_eq!((fields.boolean("yes").unwrap(), fields.integer("count").unwrap()), (Some(true), Some(7)));
        assert_eq!(fields.map("meta").unwrap().unwrap().get("k").unwrap(), "v");
        assert_eq!(fields.map("pairs").unwrap().unwrap().get("a").unwrap(), "b");
        assert!(!fields.has("nothing") && fields.text("nothing").unwrap().is_none());
        let error = fields.text("deep").unwrap_err();
        assert_eq!(error.status(), 400);
        assert!(!error.to_string().contains("hunter2"));
    }
}
