//! Values in the words of Go: durations, `%v`, `%q`, JSON with its escapes.

use serde_json::Value;
use std::fmt::Write;

const SECOND: i64 = 1_000_000_000;

/// Nanoseconds of `1h30m`, `90s`, `1.5h`; a bare number is seconds.
pub(super) fn parse_duration(text: &str) -> Option<i64> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest.is_empty() {
        return None;
    }
    if let Ok(seconds) = rest.parse::<i64>() {
        return seconds.checked_mul(sign * SECOND);
    }
    let mut total: i64 = 0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(end);
        let unit_end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let unit = match unit {
            "ns" => 1,
            "us" | "µs" => 1_000,
            "ms" => 1_000_000,
            "s" => SECOND,
            "m" => 60 * SECOND,
            "h" => 3600 * SECOND,
            _ => return None,
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        total = total.checked_add(whole.checked_mul(unit)?)?;
        let mut scale = unit;
        for digit in fraction.chars() {
            scale /= 10;
            total = total.checked_add(i64::from(digit.to_digit(10)?).checked_mul(scale)?)?;
        }
        rest = tail;
    }
    total.checked_mul(sign)
}

/// A duration as Go prints it: `1h0m5s`.
pub(super) fn duration(nanoseconds: i64) -> String {
    if nanoseconds == 0 {
        return "0s".to_owned();
    }
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let all = nanoseconds.unsigned_abs();
    for (unit, name) in [(1, "ns"), (1_000, "µs"), (1_000_000, "ms")] {
        if all < unit * 1_000 {
            return format!("{sign}{}{name}", fraction(all, unit));
        }
    }
    let second = SECOND.unsigned_abs();
    let (hours, minutes) = (all / (3600 * second), all / (60 * second) % 60);
    let seconds = fraction(all % (60 * second), second);
    match (hours, minutes) {
        (0, 0) => format!("{sign}{seconds}s"),
        (0, _) => format!("{sign}{minutes}m{seconds}s"),
        _ => format!("{sign}{hours}h{minutes}m{seconds}s"),
    }
}

fn fraction(value: u64, unit: u64) -> String {
    let mut text = (value / unit).to_string();
    if !value.is_multiple_of(unit) {
        let digits = unit.ilog10() as usize;
        let _ = write!(text, ".{:0digits$}", value % unit);
        text.truncate(text.trim_end_matches('0').len());
    }
    text
}

/// Seconds without the zeros that nobody reads: `1h`, not `1h0m0s`.
pub(super) fn human_seconds(seconds: i64) -> String {
    let text = duration(seconds.saturating_mul(SECOND));
    let text = text.strip_suffix("0s").filter(|text| text.ends_with('m')).map_or(text.clone(), str::to_owned);
    match text.find("h0m") {
        Some(at) if at > 0 => text.replacen("h0m", "h", 1),
        _ => text,
    }
}

/// Seconds of a duration as the API takes them: empty for none, `system` for a negative one.
pub(super) fn ttl(nanoseconds: i64) -> String {
    match nanoseconds {
        0 => String::new(),
        ..0 => "system".to_owned(),
        _ => duration(nanoseconds),
    }
}

/// `%v`
pub(super) fn value(value: &Value) -> String {
    let mut text = String::new();
    write_value(&mut text, value);
    text
}

fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("<nil>"),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Number(number) => {
            let _ = write!(out, "{number}");
        }
        Value::String(text) => out.push_str(text),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(' ');
                }
                write_value(out, item);
            }
            out.push(']');
        }
        Value::Object(fields) => {
            out.push_str("map[");
            for (index, (key, item)) in fields.iter().enumerate() {
                if index > 0 {
                    out.push(' ');
                }
                let _ = write!(out, "{key}:");
                write_value(out, item);
            }
            out.push(']');
        }
    }
}

/// `%q` of a list of texts.
pub(super) fn quoted_list(items: &Value) -> String {
    let items = items.as_array().map(Vec::as_slice).unwrap_or_default();
    let items: Vec<String> = items.iter().map(|item| format!("{:?}", item.as_str().unwrap_or_default())).collect();
    format!("[{}]", items.join(" "))
}

/// Indented JSON with Go's escapes of `<`, `>` and `&`.
pub(super) fn json<T: serde::Serialize + ?Sized>(value: &T) -> Result<String, serde_json::Error> {
    let text = serde_json::to_string_pretty(value)?;
    if !text.contains(['<', '>', '&', '\u{2028}', '\u{2029}', '\u{8}', '\u{c}']) && !text.contains("\\") {
        return Ok(text);
    }
    // Outside strings none of these occurs.
    let mut escaped = String::with_capacity(text.len() + 64);
    for c in text.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(escaped, "\\u{:04x}", u32::from(c));
            }
            _ => escaped.push(c),
        }
    }
    Ok(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn durations_are_gos() {
        for (text, want) in [
            ("90", "1m30s"),
            ("1h", "1h0m0s"),
            ("1.5h", "1h30m0s"),
            ("1h5s", "1h0m5s"),
            ("1500ms", "1.5s"),
            ("-1", "-1s"),
            ("0", "0s"),
            ("1500us", "1.5ms"),
        ] {
            assert_eq!(duration(parse_duration(text).unwrap()), want);
        }
        for text in ["", "h", "1x", "1h-5s", "99999999999999h", "."] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
        for (seconds, want) in
            [(0, "0s"), (3600, "1h"), (3660, "1h1m"), (2_764_800, "768h"), (3605, "1h5s"), (61, "1m1s")]
        {
            assert_eq!(human_seconds(seconds), want);
        }
    }

    #[test]
    fn values_are_printed_as_go_prints_them() {
        let text = value(&json!({"b": [1, "x", null], "a": {"c": true, "d": 1.5}}));
        assert_eq!(text, "map[a:map[c:true d:1.5] b:[1 x <nil>]]");
        assert_eq!(quoted_list(&json!(["a", "b\""])), r#"["a" "b\""]"#);
        assert_eq!(json(&json!({"a": "<&>\n"})).unwrap(), "{\n  \"a\": \"\\u003c\\u0026\\u003e\\n\"\n}");
    }
}
