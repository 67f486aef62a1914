//! Percent escapes (RFC 3986, section 2.1).

use std::borrow::Cow;
use std::fmt;

/// Prints a text with everything escaped but unreserved characters.
pub(crate) fn escape(text: &str) -> Escaped<'_> {
    Escaped { text, keep: b"-_.~" }
}

/// Prints a subpath as Go's `net/url` prints a fragment: sub-delimiters and `/?:@` stay as they are.
pub(crate) fn escape_fragment(text: &str) -> Escaped<'_> {
    Escaped { text, keep: b"-_.~$&+,/:;=?@!()*" }
}

/// A text that prints escaped.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Escaped<'a> {
    text: &'a str,
    keep: &'static [u8],
}

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain =
            |byte: char| byte.is_ascii_alphanumeric() || u8::try_from(byte).is_ok_and(|b| self.keep.contains(&b));
        let mut rest = self.text;
        while let Some(at) = rest.find(|c| !plain(c)) {
            let (before, tail) = rest.split_at(at);
            f.write_str(before)?;
            let width = tail.chars().next().map_or(tail.len(), char::len_utf8);
            let (special, after) = tail.split_at(width);
            for byte in special.bytes() {
                write!(f, "%{byte:02X}")?;
            }
            rest = after;
        }
        f.write_str(rest)
    }
}

/// Undoes escapes. `None` where an escape is cut short or not hexadecimal, or the result is not UTF-8.
pub(crate) fn unescape(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = hex_digit(rest.next()?)?;
            let low = hex_digit(rest.next()?)?;
            bytes.push(high << 4 | low);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(plain: &str, escaped: &str, fragment: &str) {
        assert_eq!(escape(plain).to_string(), escaped);
        assert_eq!(escape_fragment(plain).to_string(), fragment);
        assert_eq!(unescape(escaped).as_deref(), Some(plain));
    }

    #[test]
    fn escapes_and_back() {
        check("abc-_.~09", "abc-_.~09", "abc-_.~09");
        check("1:2+b1/x y", "1%3A2%2Bb1%2Fx%20y", "1:2+b1/x%20y");
        check("café%", "caf%C3%A9%25", "caf%C3%A9%25");
    }

    #[test]
    fn bad_escapes() {
        for text in ["%", "%4", "%zz", "%+1", "%ff", "a%C3"] {
            assert_eq!(unescape(text), None, "{text}");
        }
    }
}
