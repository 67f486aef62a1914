//! How sprig takes values for texts and numbers (spf13/cast).

use crate::literal::integer;
use crate::print;
use crate::value::Value;

/// `strval`
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Text(text) => text.to_string(),
        other => print::display(other),
    }
}

/// `strslice`: the texts of a list, without nils; of anything else its own.
pub(super) fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::List(list) => list.items.iter().filter(|item| !is_untyped_nil(item)).map(text).collect(),
        value if is_untyped_nil(value) => Vec::new(),
        other => vec![text(other)],
    }
}

pub(super) fn is_untyped_nil(value: &Value) -> bool {
    matches!(value, Value::Missing | Value::Nil)
}

/// `cast.ToInt64`: 0 for what is no number.
pub(super) fn int(value: &Value) -> i64 {
    match value {
        Value::Int(number, _) => *number,
        Value::Float(number) => *number as i64,
        Value::Bool(value) => i64::from(*value),
        Value::Text(text) => {
            let whole = match text.split_once('.') {
                Some((whole, zeros)) if zeros.chars().all(|char| char == '0') => whole,
                _ => text,
            };
            integer(whole).unwrap_or(0)
        }
        _ => 0,
    }
}

/// `cast.ToFloat64`: 0 for what is no number.
pub(super) fn float(value: &Value) -> f64 {
    match value {
        Value::Int(number, _) => *number as f64,
        Value::Float(number) => *number,
        Value::Bool(value) => f64::from(u8::from(*value)),
        Value::Text(text) => text.parse().unwrap_or(0.0),
        _ => 0.0,
    }
}
