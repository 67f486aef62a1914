//! Texts.

use super::{Made, casts};
use crate::builtins::bytes_of;
use crate::function::{Arguments, Function, MAX_MADE, Type};
use crate::print::{display, quoted};
use crate::value::Value;
use Type::{Any, Int, Text};
use std::collections::BTreeMap;

pub(super) const ALL: &[Function] = &[
    Function::new("hello", &[], |_| Ok("Hello!".into())),
    Function::new("abbrev", &[Int, Text], |given| Ok(abbreviate(given.text(1), 0, given.int(0)).into())),
    Function::new("abbrevboth", &[Int, Int, Text], |given| {
        let (left, right, text) = (given.int(0), given.int(1), given.text(2));
        Ok(if right < 4 || left > 0 && right < 7 { text.into() } else { abbreviate(text, left, right).into() })
    }),
    Function::new("trunc", &[Int, Text], |given| Ok(truncate(given.int(0), given.text(1)).into())),
    Function::new("trim", &[Text], |given| Ok(given.text(0).trim().into())),
    Function::new("trimAll", &[Text, Text], trim_all),
    Function::new("trimall", &[Text, Text], trim_all),
    Function::new("trimSuffix", &[Text, Text], |given| {
        Ok(given.text(1).strip_suffix(given.text(0)).unwrap_or(given.text(1)).into())
    }),
    Function::new("trimPrefix", &[Text, Text], |given| {
        Ok(given.text(1).strip_prefix(given.text(0)).unwrap_or(given.text(1)).into())
    }),
    Function::new("upper", &[Text], |given| Ok(mapped(given.text(0), char::to_uppercase).into())),
    Function::new("lower", &[Text], |given| Ok(mapped(given.text(0), char::to_lowercase).into())),
    Function::new("substr", &[Int, Int, Text], substring),
    Function::new("repeat", &[Int, Text], repeat),
    Function::new("nospace", &[Text], |given| {
        Ok(given.text(0).chars().filter(|char| !char.is_whitespace()).collect::<String>().into())
    }),
    Function::new("contains", &[Text, Text], |given| Ok(given.text(1).contains(given.text(0)).into())),
    Function::new("hasPrefix", &[Text, Text], |given| Ok(given.text(1).starts_with(given.text(0)).into())),
    Function::new("hasSuffix", &[Text, Text], |given| Ok(given.text(1).ends_with(given.text(0)).into())),
    Function::variadic("quote", &[Any], |given| Ok(each(given, |value| quoted(&casts::text(value))).into())),
    Function::variadic("squote", &[Any], |given| Ok(each(given, |value| format!("'{}'", display(value))).into())),
    Function::variadic("cat", &[Any], |given| Ok(each(given, display).into())),
    Function::new("indent", &[Int, Text], |given| Ok(indent(given)?.into())),
    Function::new("nindent", &[Int, Text], |given| Ok(format!("\n{}", indent(given)?).into())),
    Function::new("replace", &[Text, Text, Text], replace),
    Function::new("plural", &[Text, Text, Int], |given| Ok(given.value(if given.int(2) == 1 { 0 } else { 1 }).clone())),
    Function::new("toString", &[Any], |given| Ok(casts::text(given.value(0)).into())),
    Function::new("toStrings", &[Any], |given| Ok(Value::texts(casts::texts(given.value(0))))),
    Function::new("join", &[Text, Any], |given| Ok(casts::texts(given.value(1)).join(given.text(0)).into())),
    Function::new("split", &[Text, Text], |given| Ok(numbered(split(given.text(1), given.text(0), -1)))),
    Function::new("splitn", &[Text, Int, Text], |given| {
        Ok(numbered(split(given.text(2), given.text(0), given.int(1))))
    }),
    Function::new("splitList", &[Text, Text], |given| Ok(Value::texts(split(given.text(1), given.text(0), -1)))),
];

/// Every value but nils, with blanks between.
fn each(given: &Arguments<'_>, text: impl Fn(&Value) -> String) -> String {
    let values = given.from(0).iter().filter(|value| !casts::is_untyped_nil(value));
    values.map(text).collect::<Vec<_>>().join(" ")
}

/// Go maps a character to one: what would become several stays as it is.
fn mapped<I: Iterator<Item = char> + ExactSizeIterator>(text: &str, to: fn(char) -> I) -> String {
    let one = |char| {
        let mut mapped = to(char);
        if mapped.len() == 1 { mapped.next().unwrap_or(char) } else { char }
    };
    text.chars().map(one).collect()
}

fn trim_all(given: &Arguments<'_>) -> Made {
    Ok(given.text(1).trim_matches(|char| given.text(0).contains(char)).into())
}

fn truncate(count: i64, text: &str) -> String {
    let length = text.len() as i64;
    if count < 0 && length.saturating_add(count) > 0 {
        bytes_of(text, (length + count) as usize, text.len())
    } else if count >= 0 && length > count {
        bytes_of(text, 0, count as usize)
    } else {
        text.to_owned()
    }
}

fn substring(given: &Arguments<'_>) -> Made {
    let (start, end, text) = (given.int(0), given.int(1), given.text(2));
    let length = text.len() as i64;
    let out_of_range = |what: String| Err(format!("runtime error: slice bounds out of range {what}"));
    let (from, to) = match (start, end) {
        (..0, end) => (0, end),
        (start, end) if end < 0 || end > length => (start, length),
        bounds => bounds,
    };
    if to < 0 {
        return out_of_range(format!("[:{to}]"));
    }
    if to > length {
        return out_of_range(format!("[:{to}] with length {length}"));
    }
    if from > to {
        return out_of_range(format!("[{from}:{to}]"));
    }
    Ok(bytes_of(text, from as usize, to as usize).into())
}

fn repeat(given: &Arguments<'_>) -> Made {
    let (count, text) = (given.int(0), given.text(1));
    let count = usize::try_from(count).map_err(|_| "strings: negative Repeat count".to_owned())?;
    bounded(text.len().saturating_mul(count))?;
    Ok(text.repeat(count).into())
}

/// An error where a text would be too long.
pub(super) fn bounded(length: usize) -> Result<(), String> {
    if length > MAX_MADE { Err(format!("more than {MAX_MADE} bytes")) } else { Ok(()) }
}

fn indent(given: &Arguments<'_>) -> Result<String, String> {
    let (spaces, text) = (given.int(0), given.text(1));
    let spaces = usize::try_from(spaces).map_err(|_| "strings: negative Repeat count".to_owned())?;
    let lines = text.bytes().filter(|byte| *byte == b'\n').count() + 1;
    bounded(spaces.saturating_mul(lines).saturating_add(text.len()))?;
    let pad = " ".repeat(spaces);
    Ok(format!("{pad}{}", text.replace('\n', &format!("\n{pad}"))))
}

fn replace(given: &Arguments<'_>) -> Made {
    let (old, new, text) = (given.text(0), given.text(1), given.text(2));
    bounded((text.len() + 1).saturating_mul(new.len() / old.len().max(1) + 1))?;
    Ok(text.replace(old, new).into())
}

/// `strings.SplitN`; a negative limit is none.
fn split(text: &str, separator: &str, limit: i64) -> Vec<String> {
    if limit == 0 {
        return Vec::new();
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if !separator.is_empty() {
        return text.splitn(limit, separator).map(str::to_owned).collect();
    }
    let mut parts = Vec::new();
    let mut chars = text.chars();
    while !chars.as_str().is_empty() {
        if parts.len() + 1 == limit {
            parts.push(chars.as_str().to_owned());
            break;
        }
        parts.extend(chars.next().map(String::from));
    }
    parts
}

fn numbered(parts: Vec<String>) -> Value {
    let entries: BTreeMap<_, _> =
        parts.into_iter().enumerate().map(|(index, part)| (format!("_{index}"), part.into())).collect();
    Value::map_of("string", entries)
}

/// goutils `AbbreviateFull`: the text around an offset, with dots for what is left out.
fn abbreviate(text: &str, offset: i64, width: i64) -> String {
    let length = text.len() as i64;
    if width < 4 || length <= width {
        return text.to_owned();
    }
    let mut offset = offset.min(length);
    if length - offset < width - 3 {
        offset = length - (width - 3);
    }
    if offset <= 4 {
        return format!("{}...", bytes_of(text, 0, (width - 3) as usize));
    }
    if width < 7 {
        return String::new();
    }
    if offset + width - 3 < length {
        return format!("...{}", abbreviate(&bytes_of(text, offset as usize, text.len()), 0, width - 3));
    }
    format!("...{}", bytes_of(text, (length - (width - 3)) as usize, text.len()))
}
