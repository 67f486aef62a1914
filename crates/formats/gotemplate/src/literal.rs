//! Go's literals: quoted strings, characters and numbers (strconv).

/// What a quoted string (`"..."` or `` `...` ``) stands for.
///
/// # Errors
/// Go's words where it is malformed.
pub(crate) fn unquote(quoted: &str) -> Result<String, String> {
    let invalid = || "invalid syntax".to_owned();
    if let Some(raw) = quoted.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')) {
        return Ok(raw.replace('\r', ""));
    }
    let mut rest = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).ok_or_else(invalid)?;
    let mut bytes = Vec::with_capacity(rest.len());
    while !rest.is_empty() {
        let (unit, tail) = unquote_char(rest, '"').ok_or_else(invalid)?;
        match unit {
            Unit::Char(char) => bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
            Unit::Byte(byte) => bytes.push(byte),
        }
        rest = tail;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The number that a character constant (`'x'`) stands for.
fn character(text: &str) -> Result<i64, String> {
    let malformed = || format!("malformed character constant: {text}");
    let (unit, tail) = text.get(1..).and_then(|rest| unquote_char(rest, '\'')).ok_or("invalid syntax")?;
    if tail != "'" {
        return Err(malformed());
    }
    Ok(match unit {
        Unit::Char(char) => i64::from(u32::from(char)),
        Unit::Byte(byte) => i64::from(byte),
    })
}

enum Unit {
    Char(char),
    Byte(u8),
}

/// The first character of quoted text, and what follows it.
fn unquote_char(text: &str, quote: char) -> Option<(Unit, &str)> {
    let mut chars = text.chars();
    let first = chars.next()?;
    if first == quote {
        return None;
    }
    if first != '\\' {
        return Some((Unit::Char(first), chars.as_str()));
    }
    let escape = chars.next()?;
    let rest = chars.as_str();
    let digits = |count: usize, radix: u32| -> Option<(u32, &str)> {
        let value = u32::from_str_radix(rest.get(..count)?, radix).ok()?;
        Some((value, rest.get(count..)?))
    };
    let simple = |char| Some((Unit::Char(char), rest));
    match escape {
        'a' => simple('\x07'),
        'b' => simple('\x08'),
        'f' => simple('\x0c'),
        'n' => simple('\n'),
        'r' => simple('\r'),
        't' => simple('\t'),
        'v' => simple('\x0b'),
        '\\' => simple('\\'),
        '\'' | '"' if escape == quote => simple(escape),
        'x' => digits(2, 16).and_then(|(value, rest)| Some((Unit::Byte(u8::try_from(value).ok()?), rest))),
        'u' => digits(4, 16).and_then(|(value, rest)| Some((Unit::Char(char::from_u32(value)?), rest))),
        'U' => digits(8, 16).and_then(|(value, rest)| Some((Unit::Char(char::from_u32(value)?), rest))),
        '0'..='7' => {
            let octal = text.get(1..4)?;
            let value = u8::try_from(u32::from_str_radix(octal, 8).ok()?).ok()?;
            Some((Unit::Byte(value), text.get(4..)?))
        }
        _ => None,
    }
}

/// A number as the template has it; which of its values counts depends on where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Number {
    pub(crate) text: String,
    pub(crate) int: Option<i64>,
    pub(crate) float: Option<f64>,
}

impl Number {
    /// Reads a number or a character constant.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let owned = text.to_owned();
        if text.starts_with('\'') {
            let value = character(text)?;
            return Ok(Self { text: owned, int: Some(value), float: Some(value as f64) });
        }
        if let Some(int) = integer(text) {
            return Ok(Self { text: owned, int: Some(int), float: Some(int as f64) });
        }
        let Some(float) = floating(text) else { return Err(format!("illegal number syntax: {text:?}")) };
        if !text.contains(['.', 'e', 'E', 'p', 'P']) {
            return Err(format!("integer overflow: {text:?}"));
        }
        let whole = float.fract() == 0.0 && float.abs() < 9.2e18;
        Ok(Self { text: owned, int: whole.then_some(float as i64), float: Some(float) })
    }

    /// Does it look like a `float64` where the type is not known?
    pub(crate) fn looks_like_float(&self) -> bool {
        let signs: &[char] = match self.text.get(..2) {
            Some("0x" | "0X") => &['p', 'P'],
            _ => &['.', 'e', 'E'],
        };
        !self.text.starts_with('\'') && self.text.contains(signs)
    }
}

/// An integer as Go writes it: a sign, a base, underscores.
pub(crate) fn integer(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, body) = match lower.get(..2) {
        Some("0x") => (16, lower.get(2..)?),
        Some("0o") => (8, lower.get(2..)?),
        Some("0b") => (2, lower.get(2..)?),
        _ if lower.len() > 1 && lower.starts_with('0') => (8, lower.get(1..)?),
        _ => (10, lower.as_str()),
    };
    if body.starts_with(['+', '-']) {
        return None;
    }
    let body = body.replace('_', "");
    let magnitude = i128::from_str_radix(&body, radix).ok()?;
    i64::try_from(if negative { -magnitude } else { magnitude }).ok()
}

/// A floating-point number as Go writes it; hexadecimal ones only without a fraction.
pub(crate) fn floating(text: &str) -> Option<f64> {
    let plain = text.replace('_', "");
    if let Some(hex) = plain.strip_prefix("0x").or_else(|| plain.strip_prefix("0X")) {
        let (mantissa, exponent) = hex.split_once(['p', 'P'])?;
        let exponent: i32 = exponent.parse().ok()?;
        return Some(i64::from_str_radix(mantissa, 16).ok()? as f64 * 2f64.powi(exponent));
    }
    // Words that Rust reads as numbers are none in a template.
    if !plain.contains(|char: char| char.is_ascii_digit()) {
        return None;
    }
    plain.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_and_characters() {
        for (quoted, want) in [
            (r#""a\tb\"c\\""#, Some("a\tb\"c\\")),
            ("`raw\\n\r`", Some("raw\\n")),
            (r#""\u00e9\x41\101""#, Some("éAA")),
            (r#""\q""#, None),
        ] {
            assert_eq!(unquote(quoted).ok().as_deref(), want, "{quoted}");
        }
        for (text, want) in [("'a'", Some(97)), (r"'\n'", Some(10)), ("'ab'", None), (r"'\''", Some(39))] {
            assert_eq!(Number::parse(text).ok().and_then(|number| number.int), want, "{text}");
        }
    }

    #[test]
    fn numbers() {
        let check = |text: &str, int: Option<i64>, float: Option<f64>, is_float: bool| {
            let number = Number::parse(text).unwrap();
            assert_eq!((number.int, number.float, number.looks_like_float()), (int, float, is_float), "{text}");
        };
        check("1_000", Some(1000), Some(1000.0), false);
        check("-0x1f", Some(-31), Some(-31.0), false);
        check("017", Some(15), Some(15.0), false);
        check("1e3", Some(1000), Some(1000.0), true);
        check("1.5", None, Some(1.5), true);
        assert_eq!(Number::parse("99999999999999999999").unwrap_err(), "integer overflow: \"99999999999999999999\"");
        assert!(Number::parse("0x").is_err());
    }
}
