//! How Go prints values (fmt): `%v`, quoted text and floating-point numbers.

use crate::value::{MAX_DEPTH, Value};
use std::fmt::Write as _;

/// How fields of structures are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// `%v`: values only.
    Plain,
    /// `%+v`: with the names of fields.
    Named,
}

/// A value as `{{.}}` prints it.
pub(crate) fn display(value: &Value) -> String {
    let mut text = String::new();
    write(&mut text, value, Style::Plain, 0);
    text
}

/// Writes a value in a style.
pub(crate) fn write(out: &mut String, value: &Value, style: Style, depth: usize) {
    // A map may hold itself; Go would not come back.
    if depth > MAX_DEPTH {
        out.push_str("...");
        return;
    }
    match value {
        Value::Missing | Value::Nil | Value::NilPointer(_) => out.push_str("<nil>"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Int(number, _) => {
            let _ = write!(out, "{number}");
        }
        Value::Float(number) => out.push_str(&float(*number, 'g', None)),
        Value::Text(text) => out.push_str(text),
        Value::List(list) => {
            out.push('[');
            for (index, item) in list.items.iter().enumerate() {
                out.push_str(if index > 0 { " " } else { "" });
                write(out, item, style, depth + 1);
            }
            out.push(']');
        }
        Value::Map(map) => {
            out.push_str("map[");
            for (index, (key, item)) in map.entries.borrow().iter().enumerate() {
                out.push_str(if index > 0 { " " } else { "" });
                let _ = write!(out, "{key}:");
                write(out, item, style, depth + 1);
            }
            out.push(']');
        }
        Value::Struct(value) if value.of.shown_as.is_some() => {
            let shown = value.of.shown_as.and_then(|name| value.field(name)).unwrap_or(&Value::Nil);
            write(out, shown, style, depth + 1);
        }
        Value::Struct(value) => {
            out.push('{');
            for (index, (field, item)) in value.of.fields.iter().zip(&value.values).enumerate() {
                out.push_str(if index > 0 { " " } else { "" });
                if style == Style::Named {
                    let _ = write!(out, "{}:", field.name);
                }
                write(out, item, style, depth + 1);
            }
            out.push('}');
        }
        Value::Time(time) => out.push_str(&crate::layout::format(time, "2006-01-02 15:04:05.999999999 -0700 MST")),
    }
}

/// `fmt.Sprint`: blanks only between operands of which neither is a text.
pub(crate) fn sprint(values: &[Value]) -> String {
    let mut out = String::new();
    let mut last_is_text = true;
    for (index, value) in values.iter().enumerate() {
        let is_text = matches!(value, Value::Text(_));
        if index > 0 && !is_text && !last_is_text {
            out.push(' ');
        }
        write(&mut out, value, Style::Plain, 0);
        last_is_text = is_text;
    }
    out
}

/// As `strconv.Quote` quotes.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\x07' => out.push_str("\\a"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x0b' => out.push_str("\\v"),
            char if char.is_ascii() && char.is_control() => {
                let _ = write!(out, "\\x{:02x}", u32::from(char));
            }
            char if is_printable(char) => out.push(char),
            char if u32::from(char) < 0x10000 => {
                let _ = write!(out, "\\u{:04x}", u32::from(char));
            }
            char => {
                let _ = write!(out, "\\U{:08x}", u32::from(char));
            }
        }
    }
    out.push('"');
    out
}

/// Does Go print it as it stands? Not blanks other than the usual one, nor formats and private characters.
pub(crate) fn is_printable(char: char) -> bool {
    let code = u32::from(char);
    !char.is_control()
        && (char == ' ' || !char.is_whitespace())
        && !matches!(code, 0xAD | 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x206F | 0xE000..=0xF8FF | 0xFEFF)
        && !matches!(code, 0xFFF0..=0xFFFB | 0xE0000..=0xE0FFF | 0xF0000..=0x0010_FFFF)
}

/// A `float64` in a format of strconv: `e`, `f` or `g`, with a precision or as short as can be.
pub(crate) fn float(number: f64, format: char, precision: Option<usize>) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    match (format, precision) {
        ('f', Some(precision)) => format!("{number:.precision$}"),
        ('f', None) => format!("{number}"),
        ('e', Some(precision)) => exponent(&format!("{number:.precision$e}")),
        ('e', None) => exponent(&format!("{number:e}")),
        (_, None) => {
            let text = format!("{number:e}");
            let power: i32 = text.split_once('e').and_then(|(_, power)| power.parse().ok()).unwrap_or(0);
            if (-4..6).contains(&power) { format!("{number}") } else { exponent(&text) }
        }
        (_, Some(precision)) => general(number, precision.max(1)),
    }
}

/// `%.Ng`: so many digits, without the zeros at the end.
fn general(number: f64, digits: usize) -> String {
    let text = format!("{number:.*e}", digits - 1);
    let power: i32 = text.split_once('e').and_then(|(_, power)| power.parse().ok()).unwrap_or(0);
    let without_zeros = |text: &str| -> String {
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text.to_owned() }
    };
    if power < -4 || power >= i32::try_from(digits).unwrap_or(i32::MAX) {
        let (mantissa, power) = text.split_once('e').unwrap_or((&text, "0"));
        return exponent(&format!("{}e{power}", without_zeros(mantissa)));
    }
    let decimals = usize::try_from(i32::try_from(digits).unwrap_or(i32::MAX) - 1 - power).unwrap_or(0);
    without_zeros(&format!("{number:.decimals$}"))
}

/// Rust's `1e5` as Go's `1e+05`.
fn exponent(text: &str) -> String {
    let (mantissa, power) = text.split_once('e').unwrap_or((text, "0"));
    let (sign, digits) = match power.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', power),
    };
    format!("{mantissa}e{sign}{digits:0>2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_go_s() {
        for (number, want) in [
            (1.0, "1"),
            (0.1, "0.1"),
            (9.8, "9.8"),
            (123_456.0, "123456"),
            (1_234_567.0, "1.234567e+06"),
            (1.5e-5, "1.5e-05"),
            (0.00012, "0.00012"),
            (-0.0, "-0"),
        ] {
            assert_eq!(float(number, 'g', None), want);
        }
        assert_eq!(float(1234.5678, 'g', Some(3)), "1.23e+03");
        assert_eq!(float(1234.5678, 'f', Some(2)), "1234.57");
        assert_eq!(float(1234.5678, 'e', Some(2)), "1.23e+03");
    }

    #[test]
    fn quoting_is_go_s() {
        assert_eq!(quoted("a\"\\\n\u{1}é\u{a0}"), "\"a\\\"\\\\\\n\\x01é\\u00a0\"");
    }
}
