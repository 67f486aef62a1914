//! JSON as Go's encoding/json writes it.

use crate::print::float;
use crate::value::{MAX_DEPTH, Struct, Value};

/// How JSON is written.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Options {
    /// Over lines, two blanks a level.
    pub(crate) pretty: bool,
    /// `<`, `>` and `&` stand as they are.
    pub(crate) raw: bool,
}

/// The JSON of a value.
///
/// # Errors
/// Where it is nested too deep, which a map within itself is, or has a number that JSON has not.
pub(crate) fn encode(value: &Value, options: Options) -> Result<String, String> {
    let mut out = String::new();
    write(&mut out, value, options, 0)?;
    Ok(out)
}

fn write(out: &mut String, value: &Value, options: Options, depth: usize) -> Result<(), String> {
    if depth > MAX_DEPTH {
        return Err("json: unsupported value: nested too deep".to_owned());
    }
    match value {
        Value::Missing | Value::Nil | Value::NilPointer(_) => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Int(number, _) => out.push_str(&number.to_string()),
        Value::Float(number) if !number.is_finite() => {
            return Err(format!("json: unsupported value: {}", float(*number, 'g', None)));
        }
        Value::Float(number) => out.push_str(&number_text(*number)),
        Value::Text(text) => string(out, text, options),
        Value::Time(time) => {
            string(out, &crate::layout::format(time, "2006-01-02T15:04:05.999999999Z07:00"), options);
        }
        Value::List(list) => {
            let items = list.items.iter().map(|item| (None, item));
            block(out, ('[', ']'), items, options, depth)?;
        }
        Value::Map(map) => {
            let entries = map.entries.borrow();
            let items = entries.iter().map(|(key, item)| (Some(key.as_str()), item));
            block(out, ('{', '}'), items, options, depth)?;
        }
        Value::Struct(value) => {
            let mut fields = Vec::new();
            collect(value, &mut fields);
            block(out, ('{', '}'), fields.into_iter(), options, depth)?;
        }
    }
    Ok(())
}

/// The fields that JSON shows, those of embedded structures among them.
fn collect<'a>(value: &'a Struct, fields: &mut Vec<(Option<&'a str>, &'a Value)>) {
    for (field, item) in value.of.fields.iter().zip(&value.values) {
        match item {
            Value::Struct(inner) if field.embedded => collect(inner, fields),
            _ if field.json == "-" => {}
            item if field.omit_empty && !item.is_true() => {}
            item => fields.push((Some(field.json), item)),
        }
    }
}

fn block<'a>(
    out: &mut String,
    (open, close): (char, char),
    items: impl Iterator<Item = (Option<&'a str>, &'a Value)>,
    options: Options,
    depth: usize,
) -> Result<(), String> {
    out.push(open);
    let mut is_empty = true;
    for (key, item) in items {
        if !is_empty {
            out.push(',');
        }
        is_empty = false;
        line(out, options, depth + 1);
        if let Some(key) = key {
            string(out, key, options);
            out.push_str(if options.pretty { ": " } else { ":" });
        }
        write(out, item, options, depth + 1)?;
    }
    if !is_empty {
        line(out, options, depth);
    }
    out.push(close);
    Ok(())
}

fn line(out: &mut String, options: Options, depth: usize) {
    if options.pretty {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    }
}

fn number_text(number: f64) -> String {
    let magnitude = number.abs();
    if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
        // Go writes e-9, not e-09.
        return float(number, 'e', None).replace("e-0", "e-");
    }
    float(number, 'f', None)
}

fn string(out: &mut String, text: &str, options: Options) {
    out.push('"');
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            '<' | '>' | '&' if !options.raw => out.push_str(&format!("\\u{:04x}", u32::from(char))),
            '\u{2028}' | '\u{2029}' => out.push_str(&format!("\\u{:04x}", u32::from(char))),
            char if u32::from(char) < 0x20 => out.push_str(&format!("\\u{:04x}", u32::from(char))),
            char => out.push(char),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_go_s() {
        let value = Value::from_json(&serde_json::json!({"b": [1, 1.5, 1e21, 1e-9, null], "a": "<é&\u{1}>", "c": {}}));
        let check = |options, want: &str| assert_eq!(encode(&value, options).unwrap(), want);
        check(Options::default(), r#"{"a":"\u003cé\u0026\u0001\u003e","b":[1,1.5,1e+21,1e-9,null],"c":{}}"#);
        check(
            Options { raw: true, pretty: true },
            "{\n  \"a\": \"<é&\\u0001>\",\n  \"b\": [\n    1,\n    1.5,\n    1e+21,\n    1e-9,\n    null\n  ],\n  \"c\": {}\n}",
        );
    }
}
