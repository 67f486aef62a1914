//! `printf`: the verbs that mean something for a template's values.

use crate::function::MAX_MADE;
use crate::print::{self, Style, float, quoted, sprint};
use crate::value::{IntType, Value};

/// Widths and precisions beyond this are not obeyed, as in Go.
const MAX_WIDTH: usize = 1_000_000;

/// The arguments, and which is next.
struct Given<'a> {
    values: &'a [Value],
    next: usize,
    reordered: bool,
}

impl<'a> Given<'a> {
    fn take(&mut self) -> Option<&'a Value> {
        let value = self.values.get(self.next);
        self.next += usize::from(value.is_some());
        value
    }

    /// `[2]`: which argument is next, from 1. Gives what follows.
    fn choose<'t>(&mut self, text: &'t str) -> &'t str {
        let chosen = text.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        match chosen.and_then(|(number, rest)| Some((number.parse::<usize>().ok()?.checked_sub(1)?, rest))) {
            Some((next, rest)) => {
                self.next = next;
                self.reordered = true;
                rest
            }
            None => text,
        }
    }
}

/// A directive: `%`, flags, width, precision, verb.
#[derive(Debug, Default)]
struct Directive {
    plus: bool,
    minus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

/// `fmt.Sprintf`.
///
/// # Errors
/// Where the text grows beyond what one call may make.
pub(crate) fn sprintf(format: &str, arguments: &[Value]) -> Result<String, String> {
    let mut out = String::new();
    let mut given = Given { values: arguments, next: 0, reordered: false };
    let mut rest = format;
    while let Some(found) = rest.find('%') {
        let (before, after) = rest.split_at(found);
        out.push_str(before);
        rest = after.get(1..).unwrap_or_default();
        rest = directive(&mut out, rest, &mut given);
        if out.len() > MAX_MADE {
            return Err(format!("text of more than {MAX_MADE} bytes"));
        }
    }
    out.push_str(rest);
    let extra: Vec<String> = arguments.iter().skip(given.next).map(described).collect();
    if !extra.is_empty() && !given.reordered {
        out.push_str(&format!("%!(EXTRA {})", extra.join(", ")));
    }
    Ok(out)
}

/// A value with its type, for complaints.
fn described(value: &Value) -> String {
    if value.is_nil() && !matches!(value, Value::NilPointer(_)) {
        return "<nil>".to_owned();
    }
    format!("{}={}", value.type_name(), print::display(value))
}

/// Carries out one directive; gives what follows it.
fn directive<'a>(out: &mut String, text: &'a str, arguments: &mut Given<'_>) -> &'a str {
    let mut spec = Directive::default();
    let mut rest = text;
    while let Some(flag) = rest.chars().next().filter(|char| "+-# 0".contains(*char)) {
        match flag {
            '+' => spec.plus = true,
            '-' => spec.minus = true,
            '#' => spec.sharp = true,
            ' ' => spec.space = true,
            _ => spec.zero = true,
        }
        rest = rest.get(1..).unwrap_or_default();
    }
    (spec.width, rest) = number(out, rest, arguments, &mut spec.minus);
    if let Some(after) = rest.strip_prefix('.') {
        let (precision, after) = number(out, after, arguments, &mut false);
        spec.precision = Some(precision.unwrap_or(0));
        rest = after;
    }
    rest = arguments.choose(rest);
    let mut chars = rest.chars();
    let Some(verb) = chars.next() else {
        out.push_str("%!(NOVERB)");
        return "";
    };
    if verb == '%' {
        out.push('%');
    } else {
        match arguments.take() {
            Some(value) => pad(out, &formatted(value, verb, &spec, 0), &spec),
            None => out.push_str(&format!("%!{verb}(MISSING)")),
        }
    }
    chars.as_str()
}

/// A width or precision: digits, or `*` for an argument.
fn number<'a>(
    out: &mut String,
    text: &'a str,
    arguments: &mut Given<'_>,
    minus: &mut bool,
) -> (Option<usize>, &'a str) {
    if let Some(rest) = arguments.choose(text).strip_prefix('*') {
        return match arguments.take() {
            Some(Value::Int(value, _)) => {
                *minus |= *value < 0;
                let width = usize::try_from(value.unsigned_abs()).unwrap_or(MAX_WIDTH);
                (Some(width.min(MAX_WIDTH)), rest)
            }
            _ => {
                out.push_str("%!(BADWIDTH)");
                (None, rest)
            }
        };
    }
    let end = text.find(|char: char| !char.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    (digits.parse().ok().map(|width: usize| width.min(MAX_WIDTH)), rest)
}

fn pad(out: &mut String, text: &str, spec: &Directive) {
    let missing = spec.width.unwrap_or(0).saturating_sub(text.chars().count());
    if missing == 0 {
        out.push_str(text);
    } else if spec.minus {
        out.push_str(text);
        out.extend(std::iter::repeat_n(' ', missing));
    } else if spec.zero {
        let (sign, digits) = match text.strip_prefix(['-', '+']) {
            Some(digits) => text.split_at(text.len() - digits.len()),
            None => ("", text),
        };
        out.push_str(sign);
        out.extend(std::iter::repeat_n('0', missing));
        out.push_str(digits);
    } else {
        out.extend(std::iter::repeat_n(' ', missing));
        out.push_str(text);
    }
}

fn formatted(value: &Value, verb: char, spec: &Directive, depth: usize) -> String {
    let bad = || format!("%!{verb}({})", described(value));
    match (verb, value) {
        ('T', _) => value.type_name(),
        ('v', _) if spec.sharp => go_syntax(value, depth),
        ('v', Value::Int(..) | Value::Float(_)) => numeric(value, verb, spec).unwrap_or_else(bad),
        ('v', Value::Text(text)) => cut(text, spec),
        ('v', _) => {
            let mut text = String::new();
            print::write(&mut text, value, if spec.plus { Style::Named } else { Style::Plain }, depth);
            text
        }
        (_, Value::List(list)) if depth < crate::value::MAX_DEPTH => {
            let items: Vec<String> = list.items.iter().map(|item| formatted(item, verb, spec, depth + 1)).collect();
            format!("[{}]", items.join(" "))
        }
        (_, Value::Map(map)) if depth < crate::value::MAX_DEPTH => {
            let entries = map.entries.borrow();
            let pairs: Vec<String> = entries
                .iter()
                .map(|(key, item)| {
                    let key = formatted(&Value::text(key), verb, spec, depth + 1);
                    format!("{key}:{}", formatted(item, verb, spec, depth + 1))
                })
                .collect();
            format!("map[{}]", pairs.join(" "))
        }
        ('s', Value::Text(text)) => cut(text, spec),
        ('s', Value::Time(_)) => print::display(value),
        ('q', Value::Text(text)) if spec.sharp && !text.contains('`') => format!("`{text}`"),
        ('q', Value::Text(text)) => quoted(&cut(text, spec)),
        ('x', Value::Text(text)) => text.bytes().map(|byte| format!("{byte:02x}")).collect(),
        ('X', Value::Text(text)) => text.bytes().map(|byte| format!("{byte:02X}")).collect(),
        ('t', Value::Bool(value)) => value.to_string(),
        (_, Value::Int(..) | Value::Float(_)) => numeric(value, verb, spec).unwrap_or_else(bad),
        (_, Value::Missing | Value::Nil | Value::NilPointer(_)) => format!("%!{verb}(<nil>)"),
        _ => bad(),
    }
}

fn cut(text: &str, spec: &Directive) -> String {
    match spec.precision {
        Some(count) => text.chars().take(count).collect(),
        None => text.to_owned(),
    }
}

fn numeric(value: &Value, verb: char, spec: &Directive) -> Option<String> {
    let (text, negative) = match (value, verb) {
        (Value::Int(number, _), _) => {
            let magnitude = number.unsigned_abs();
            let prefix = |prefix: &'static str| if spec.sharp { prefix } else { "" };
            let text = match verb {
                'v' | 'd' => magnitude.to_string(),
                'b' => format!("{}{magnitude:b}", prefix("0b")),
                'o' => format!("{}{magnitude:o}", prefix("0")),
                'O' => format!("0o{magnitude:o}"),
                'x' => format!("{}{magnitude:x}", prefix("0x")),
                'X' => format!("{}{magnitude:X}", prefix("0X")),
                'c' => char::from_u32(u32::try_from(*number).ok()?)?.to_string(),
                'U' => format!("U+{magnitude:04X}"),
                'q' => format!("'{}'", char::from_u32(u32::try_from(*number).ok()?)?),
                _ => return None,
            };
            (text, *number < 0)
        }
        (Value::Float(number), _) => {
            let format = match verb {
                'v' | 'g' | 'G' => 'g',
                'f' | 'F' => 'f',
                'e' | 'E' => 'e',
                _ => return None,
            };
            let precision = spec.precision.or((format != 'g').then_some(6));
            let text = float(number.abs(), format, precision);
            let text = if verb.is_uppercase() { text.to_uppercase() } else { text };
            (text, number.is_sign_negative())
        }
        _ => return None,
    };
    let sign = match (negative, spec.plus, spec.space) {
        (true, ..) => "-",
        (_, true, _) => "+",
        (_, _, true) => " ",
        _ => "",
    };
    Some(format!("{sign}{text}"))
}

/// `%#v`
fn go_syntax(value: &Value, depth: usize) -> String {
    if depth > crate::value::MAX_DEPTH {
        return "...".to_owned();
    }
    let items = |values: &[Value]| -> Vec<String> { values.iter().map(|value| go_syntax(value, depth + 1)).collect() };
    match value {
        Value::Text(text) => quoted(text),
        Value::Int(number, IntType::Uint8) => format!("0x{number:x}"),
        Value::List(list) => format!("{}{{{}}}", value.type_name(), items(&list.items).join(", ")),
        Value::Map(map) => {
            let pairs: Vec<String> = map
                .entries
                .borrow()
                .iter()
                .map(|(key, value)| format!("{}:{}", quoted(key), go_syntax(value, depth + 1)))
                .collect();
            format!("{}{{{}}}", value.type_name(), pairs.join(", "))
        }
        Value::Struct(inner) => {
            let names = inner.of.fields.iter().map(|field| field.name);
            let pairs: Vec<String> =
                names.zip(items(&inner.values)).map(|(name, text)| format!("{name}:{text}")).collect();
            format!("{}{{{}}}", inner.of.name, pairs.join(", "))
        }
        other => sprint(std::slice::from_ref(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_are_go_s() {
        let check = |format: &str, arguments: &[Value], want: &str| {
            assert_eq!(sprintf(format, arguments).unwrap(), want, "{format}");
        };
        let (text, number, float) = (Value::text("hi"), Value::int(42), Value::Float(2.71));
        check(
            "%s|%5s|%-5s|%q|%.1s",
            &[text.clone(), text.clone(), text.clone(), text.clone(), text.clone()],
            "hi|   hi|hi   |\"hi\"|h",
        );
        check("%d %5d %05d %x %c %+d", &vec![number.clone(); 6], "42    42 00042 2a * +42");
        check("%v %.2f %6.1f %e %g", &vec![float.clone(); 5], "2.71 2.71    2.7 2.710000e+00 2.71");
        check("%d %s", &[text.clone(), number.clone()], "%!d(string=hi) %!s(int=42)");
        check("%d", &[], "%!d(MISSING)");
        check("x", &[number.clone(), Value::Nil], "x%!(EXTRA int=42, <nil>)");
        check("100%", &[], "100%!(NOVERB)");
        check("%s %v", &[Value::Nil, Value::Nil], "%!s(<nil>) <nil>");
        check("%s %T %#v", &vec![Value::texts(["a", "b"]); 3], "[a b] []string []string{\"a\", \"b\"}");
        check("%*d|%t|%%", &[Value::int(4), number, Value::Bool(true)], "  42|true|%");
    }
}
