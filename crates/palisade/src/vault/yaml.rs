//! JSON as YAML, in the style of the peers' printer.

use serde_json::{Map, Value};
use std::cmp::Ordering;

/// Prints a value, with a line break at its end.
pub(super) fn print(value: &Value) -> String {
    let mut text = String::new();
    match value {
        Value::Object(fields) if !fields.is_empty() => write_map(&mut text, fields, 0, false),
        Value::Array(items) if !items.is_empty() => write_list(&mut text, items, 0, false),
        _ => {
            text.push_str(&scalar(value, 0));
            text.push('\n');
        }
    }
    text
}

fn write_map(out: &mut String, fields: &Map<String, Value>, depth: usize, is_inline: bool) {
    let mut keys: Vec<&String> = fields.keys().collect();
    keys.sort_by(|a, b| natural(a, b));
    for (index, key) in keys.into_iter().enumerate() {
        if index > 0 || !is_inline {
            indent(out, depth);
        }
        out.push_str(&text(key, 0));
        out.push(':');
        match fields.get(key) {
            Some(Value::Object(fields)) if !fields.is_empty() => {
                out.push('\n');
                write_map(out, fields, depth + 1, false);
            }
            Some(Value::Array(items)) if !items.is_empty() => {
                out.push('\n');
                write_list(out, items, depth, false);
            }
            value => {
                out.push(' ');
                out.push_str(&scalar(value.unwrap_or(&Value::Null), depth + 1));
                out.push('\n');
            }
        }
    }
}

fn write_list(out: &mut String, items: &[Value], depth: usize, is_inline: bool) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 || !is_inline {
            indent(out, depth);
        }
        out.push_str("- ");
        match item {
            Value::Object(fields) if !fields.is_empty() => write_map(out, fields, depth + 1, true),
            Value::Array(items) if !items.is_empty() => write_list(out, items, depth + 1, true),
            value => {
                out.push_str(&scalar(value, depth + 1));
                out.push('\n');
            }
        }
    }
}

fn indent(out: &mut String, depth: usize) {
    out.extend(std::iter::repeat_n("  ", depth));
}

fn scalar(value: &Value, depth: usize) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Object(_) => "{}".to_owned(),
        Value::Array(_) => "[]".to_owned(),
        Value::String(value) => text(value, depth),
        other => other.to_string(),
    }
}

fn text(value: &str, depth: usize) -> String {
    if value.contains('\n') && depth > 0 && can_be_literal(value) {
        let end = match value.len() - value.trim_end_matches('\n').len() {
            0 => "-",
            1 => "",
            _ => "+",
        };
        let hint = if value.starts_with([' ', '\n']) { "2" } else { "" };
        let margin = "  ".repeat(depth);
        let body = value.strip_suffix('\n').unwrap_or(value);
        let lines =
            body.split('\n').map(|line| if line.is_empty() { String::new() } else { format!("{margin}{line}") });
        return format!("|{hint}{end}\n{}", lines.collect::<Vec<_>>().join("\n"));
    }
    if value.chars().any(|c| (c.is_control() && c != '\t') || c == '\u{feff}') || value.contains('\n') {
        return quoted(value);
    }
    if is_ambiguous(value) {
        return quoted(value);
    }
    if can_be_plain(value) { value.to_owned() } else { format!("'{}'", value.replace('\'', "''")) }
}

fn can_be_literal(value: &str) -> bool {
    !value.chars().any(|c| c.is_control() && c != '\n' && c != '\t') && !value.contains(" \n") && !value.ends_with(' ')
}

fn quoted(value: &str) -> String {
    let mut text = String::from("\"");
    for c in value.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            '\r' => text.push_str("\\r"),
            '\0' => text.push_str("\\0"),
            '\u{7}' => text.push_str("\\a"),
            '\u{8}' => text.push_str("\\b"),
            '\u{b}' => text.push_str("\\v"),
            '\u{c}' => text.push_str("\\f"),
            '\u{1b}' => text.push_str("\\e"),
            '\u{feff}' => text.push_str("\\uFEFF"),
            c if c.is_control() => text.push_str(&format!("\\x{:02X}", u32::from(c))),
            c => text.push(c),
        }
    }
    text.push('"');
    text
}

/// Would it be read as something else than text?
fn is_ambiguous(value: &str) -> bool {
    const WORDS: &[&str] =
        &["", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", ".nan", ".inf", "-.inf", "+.inf", "<<"];
    if WORDS.contains(&value.to_lowercase().as_str()) {
        return true;
    }
    let plain = value.replace('_', "");
    let digits = plain.trim_start_matches(['-', '+']);
    let has_prefix = |prefix: &str, radix| {
        digits.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| c.is_digit(radix)))
    };
    let starts_as_number = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let is_number = starts_as_number && plain.len() - digits.len() <= 1 && digits.parse::<f64>().is_ok();
    is_number
        || has_prefix("0x", 16)
        || has_prefix("0b", 2)
        || has_prefix("0o", 8)
        || is_time(value)
        || is_base_60(value)
}

fn is_time(value: &str) -> bool {
    let bytes = value.as_bytes();
    let digits =
        |range: std::ops::Range<usize>| bytes.get(range).is_some_and(|part| part.iter().all(u8::is_ascii_digit));
    let is_day =
        digits(0..4) && bytes.get(4) == Some(&b'-') && digits(5..7) && bytes.get(7) == Some(&b'-') && digits(8..10);
    is_day && (bytes.len() == 10 || matches!(bytes.get(10), Some(b'T' | b't' | b' ')) && digits(11..13))
}

/// Numbers as `1:30` of older YAML.
fn is_base_60(value: &str) -> bool {
    let mut parts = value.trim_start_matches(['-', '+']).split(':');
    let first = parts.next().is_some_and(|part| {
        part.starts_with(|c: char| c.is_ascii_digit()) && part.chars().all(|c| c.is_ascii_digit() || c == '_')
    });
    let rest: Vec<&str> = parts.collect();
    let is_part = |part: &&str| {
        let whole = part.split('.').next().unwrap_or_default();
        (1..=2).contains(&whole.len()) && whole.parse::<u8>().is_ok_and(|number| number < 60)
    };
    first && !rest.is_empty() && rest.iter().all(is_part)
}

fn can_be_plain(value: &str) -> bool {
    let starts_special =
        value.starts_with(['#', ',', '[', ']', '{', '}', '&', '*', '!', '|', '>', '\'', '"', '%', '@', '`', ' ', '\t']);
    let second = value.chars().nth(1);
    let starts_indicator = value.starts_with(['-', '?', ':']) && matches!(second, None | Some(' ' | '\t'));
    let has_mark = value.starts_with("---") || value.starts_with("...");
    let has_special = value.contains(": ") || value.contains(" #") || value.ends_with(':') || value.ends_with(' ');
    !starts_special && !starts_indicator && !has_mark && !has_special && !value.contains('\t')
}

/// As a person sorts: numbers in names by their value, letters after the rest.
fn natural(a: &str, b: &str) -> Ordering {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut at = 0;
    while let (Some(&left), Some(&right)) = (a.get(at), b.get(at)) {
        if left == right {
            at += 1;
            continue;
        }
        if left.is_alphabetic() != right.is_alphabetic() && !(left.is_numeric() && right.is_numeric()) {
            return left.is_alphabetic().cmp(&right.is_alphabetic());
        }
        let number = |text: &[char]| {
            let digits: String = text.iter().skip(at).take_while(|c| c.is_ascii_digit()).take(18).collect();
            (digits.parse::<u64>().unwrap_or(0), digits.len())
        };
        if left.is_ascii_digit() && right.is_ascii_digit() {
            let order = number(&a).cmp(&number(&b));
            if order != Ordering::Equal {
                return order;
            }
        }
        return left.cmp(&right);
    }
    a.len().cmp(&b.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn documents_are_printed_in_the_peers_style() {
        let value = json!({
            "data": {"x": "1", "y": "2", "text": "a\nb\n", "empty": {}, "none": [], "list": ["a", {"b": 1, "a": null}]},
            "warnings": null, "id": "b6f1", "on": true, "time": "2026-11-24T20:29:15.613267955Z", "s": "a: b", "t": "- x",
        });
        let want = "data:\n  empty: {}\n  list:\n  - a\n  - a: null\n    b: 1\n  none: []\n  text: |\n    a\n    b\n  x: \"1\"\n  \
                    \"y\": \"2\"\nid: b6f1\n\"on\": true\ns: 'a: b'\nt: '- x'\ntime: \"2026-11-24T20:29:15.613267955Z\"\n\
                    warnings: null\n";
        assert_eq!(print(&value), want);
    }
}
