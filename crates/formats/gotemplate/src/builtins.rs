//! Go's own functions (text/template, funcs.go).

use crate::function::{Arguments, Function, Type};
use crate::print::{self, is_printable, sprint};
use crate::printf::sprintf;
use crate::value::{IntType, Value};
use std::cmp::Ordering;
use std::fmt::Write as _;

type Made = Result<Value, String>;

/// All of them. `and` and `or` are carried out by the caller, which stops at the argument that decides.
pub(crate) const ALL: &[Function] = &[
    Function::variadic("and", &[Type::Reflect, Type::Reflect], |_| Ok(Value::Missing)),
    Function::variadic("or", &[Type::Reflect, Type::Reflect], |_| Ok(Value::Missing)),
    Function::variadic("call", &[Type::Reflect, Type::Reflect], |_| Err("call of nil".to_owned())),
    Function::variadic("html", &[Type::Any], |given| Ok(html(&text_of(given)).into())),
    Function::variadic("js", &[Type::Any], |given| Ok(js(&text_of(given)).into())),
    Function::variadic("urlquery", &[Type::Any], |given| Ok(query_escape(&text_of(given)).into())),
    Function::variadic("index", &[Type::Reflect, Type::Reflect], index),
    Function::variadic("slice", &[Type::Reflect, Type::Reflect], slice),
    Function::new("len", &[Type::Reflect], len),
    Function::new("not", &[Type::Reflect], |given| Ok(Value::Bool(!given.value(0).is_true()))),
    Function::variadic("print", &[Type::Any], |given| Ok(sprint(given.from(0)).into())),
    Function::variadic("printf", &[Type::Text, Type::Any], |given| Ok(sprintf(given.text(0), given.from(1))?.into())),
    Function::variadic("println", &[Type::Any], println),
    Function::variadic("eq", &[Type::Reflect, Type::Reflect], eq),
    Function::new("ne", &[Type::Reflect, Type::Reflect], |given| Ok((!equal(given.value(0), given.value(1))?).into())),
    Function::new("lt", &[Type::Reflect, Type::Reflect], |given| Ok(less(given.value(0), given.value(1))?.into())),
    Function::new("le", &[Type::Reflect, Type::Reflect], |given| Ok(less_or_equal(given)?.into())),
    Function::new("gt", &[Type::Reflect, Type::Reflect], |given| Ok((!less_or_equal(given)?).into())),
    Function::new("ge", &[Type::Reflect, Type::Reflect], |given| Ok((!less(given.value(0), given.value(1))?).into())),
];

fn text_of(given: &Arguments<'_>) -> String {
    // A nil is told as templates print it.
    let shown: Vec<Value> = given
        .from(0)
        .iter()
        .map(|value| if matches!(value, Value::Missing | Value::Nil) { "<no value>".into() } else { value.clone() })
        .collect();
    sprint(&shown)
}

fn println(given: &Arguments<'_>) -> Made {
    let texts: Vec<String> = given.from(0).iter().map(print::display).collect();
    Ok(format!("{}\n", texts.join(" ")).into())
}

fn len(given: &Arguments<'_>) -> Made {
    let length = match given.value(0) {
        Value::Text(text) => text.len(),
        Value::List(list) => list.items.len(),
        Value::Map(map) => map.entries.borrow().len(),
        Value::NilPointer(_) => return Err("len of nil pointer".to_owned()),
        value if value.is_nil() => return Err("reflect: call of reflect.Value.Type on zero Value".to_owned()),
        value => return Err(format!("len of type {}", value.type_name())),
    };
    Ok(Value::int(length as i64))
}

fn index(given: &Arguments<'_>) -> Made {
    let mut item = given.value(0).clone();
    if matches!(item, Value::Missing | Value::Nil) {
        return Err("index of untyped nil".to_owned());
    }
    for key in given.from(1) {
        item = match (&item, key) {
            (Value::Nil | Value::NilPointer(_) | Value::Missing, _) => return Err("index of nil pointer".to_owned()),
            (Value::List(list), key) => list.items.get(position(key, list.items.len())?).cloned().ok_or_else(past)?,
            (Value::Text(text), key) => {
                let byte = text.as_bytes().get(position(key, text.len())?).ok_or_else(past)?;
                Value::Int(i64::from(*byte), IntType::Uint8)
            }
            (Value::Map(map), Value::Text(key)) => match map.entries.borrow().get(&**key) {
                Some(value) => value.clone(),
                None if map.value_type == "string" => Value::text(""),
                None => Value::Nil,
            },
            (Value::Map(_), key) if key.is_nil() => return Err("value is nil; should be of type string".to_owned()),
            (Value::Map(_), key) => return Err(format!("value has type {}; should be string", key.type_name())),
            (other, _) => return Err(format!("can't index item of type {}", other.type_name())),
        };
    }
    Ok(item)
}

fn past() -> String {
    "reflect: slice index out of range".to_owned()
}

fn position(key: &Value, length: usize) -> Result<usize, String> {
    match key {
        Value::Int(number, _) => usize::try_from(*number)
            .ok()
            .filter(|position| *position <= length)
            .ok_or_else(|| format!("index out of range: {number}")),
        key if key.is_nil() => Err("cannot index slice/array with nil".to_owned()),
        key => Err(format!("cannot index slice/array with type {}", key.type_name())),
    }
}

fn slice(given: &Arguments<'_>) -> Made {
    let (item, indexes) = (given.value(0), given.from(1));
    if indexes.len() > 3 {
        return Err(format!("too many slice indexes: {}", indexes.len()));
    }
    let length = match item {
        Value::Text(_) if indexes.len() == 3 => return Err("cannot 3-index slice a string".to_owned()),
        Value::Text(text) => text.len(),
        Value::List(list) => list.items.len(),
        Value::NilPointer(_) => return Err("slice of nil pointer".to_owned()),
        item if item.is_nil() => return Err("slice of untyped nil".to_owned()),
        item => return Err(format!("can't slice item of type {}", item.type_name())),
    };
    let mut bounds = [0, length, length];
    for (bound, index) in bounds.iter_mut().zip(indexes) {
        *bound = position(index, length)?;
    }
    let [start, end, _] = bounds;
    if start > end {
        return Err(format!("invalid slice index: {start} > {end}"));
    }
    Ok(match item {
        Value::Text(text) => bytes_of(text, start, end).into(),
        Value::List(list) => Value::list_of(list.item_type, list.items.get(start..end).unwrap_or_default().to_vec()),
        _ => Value::Nil,
    })
}

/// Bytes of a text. Go may cut a character in two; here the halves become U+FFFD.
pub(crate) fn bytes_of(text: &str, start: usize, end: usize) -> String {
    String::from_utf8_lossy(text.as_bytes().get(start..end).unwrap_or_default()).into_owned()
}

fn eq(given: &Arguments<'_>) -> Made {
    if given.from(1).is_empty() {
        return Err("missing argument for comparison".to_owned());
    }
    for other in given.from(1) {
        if equal(given.value(0), other)? {
            return Ok(true.into());
        }
    }
    Ok(false.into())
}

fn equal(left: &Value, right: &Value) -> Result<bool, String> {
    match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => Ok(left == right),
        (Value::Int(left, _), Value::Int(right, _)) => Ok(left == right),
        (Value::Float(left), Value::Float(right)) => Ok(left == right),
        (Value::Text(left), Value::Text(right)) => Ok(left == right),
        (Value::Struct(_), Value::Struct(_)) | (Value::Time(_), Value::Time(_)) => Ok(left.deep_equal(right)),
        (left, right) if left.is_nil() || right.is_nil() => Ok(left.is_nil() && right.is_nil()),
        (Value::List(_), Value::List(_)) | (Value::Map(_), Value::Map(_)) => {
            Err(format!("non-comparable type {}: {}", print::display(right), right.type_name()))
        }
        _ => Err(format!("incompatible types for comparison: {} and {}", left.type_name(), right.type_name())),
    }
}

fn less(left: &Value, right: &Value) -> Result<bool, String> {
    let is_basic = |value: &Value| matches!(value, Value::Bool(_) | Value::Int(..) | Value::Float(_) | Value::Text(_));
    match (left, right) {
        (Value::Int(left, _), Value::Int(right, _)) => Ok(left < right),
        (Value::Float(left), Value::Float(right)) => Ok(left.partial_cmp(right) == Some(Ordering::Less)),
        (Value::Text(left), Value::Text(right)) => Ok(left < right),
        (left, right) if is_basic(left) && is_basic(right) && left.kind_name() != right.kind_name() => {
            Err(format!("incompatible types for comparison: {} and {}", left.type_name(), right.type_name()))
        }
        _ => Err("invalid type for comparison".to_owned()),
    }
}

fn less_or_equal(given: &Arguments<'_>) -> Result<bool, String> {
    let (left, right) = (given.value(0), given.value(1));
    Ok(less(left, right)? || equal(left, right)?)
}

fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '\0' => out.push('\u{FFFD}'),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            char => out.push(char),
        }
    }
    out
}

fn js(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '\\' | '\'' | '"' => out.extend(['\\', char]),
            '<' | '>' | '&' | '=' => {
                let _ = write!(out, "\\u{:04X}", u32::from(char));
            }
            char if u32::from(char) < 0x20 || !is_printable(char) => {
                let _ = write!(out, "\\u{:04X}", u32::from(char));
            }
            char => out.push(char),
        }
    }
    out
}

/// `url.QueryEscape`
pub(crate) fn query_escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            byte => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}
