//! Distinguished names (RFC 4514), values in filters (RFC 4515), and security identifiers.

use crate::random::hex;

/// A value as it may stand in a distinguished name. More than is needed is escaped, as the peer does.
pub(super) fn escape_dn(value: &str) -> String {
    let last = value.len().saturating_sub(1);
    let mut out = String::with_capacity(value.len());
    for (at, byte) in value.bytes().enumerate() {
        let edge = byte == b' ' && (at == 0 || at == last);
        match byte {
            b'#' | b'"' | b'+' | b',' | b';' | b'<' | b'>' | b'\\' | b'=' => {
                out.push('\\');
                out.push(char::from(byte));
            }
            b' ' if edge => out.push_str("\\ "),
            b' '..=b'~' => out.push(char::from(byte)),
            other => {
                out.push('\\');
                out.push_str(&hex(&[other]));
            }
        }
    }
    out
}

/// A value as it may stand in a filter.
pub(super) fn escape_filter(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'(' | b')' | b'*' | b'\\' | 0 | 0x80.. => {
                out.push('\\');
                out.push_str(&hex(&[byte]));
            }
            other => out.push(char::from(other)),
        }
    }
    out
}

/// The attributes of a distinguished name in order, or none where it is none.
fn parse_dn(dn: &str) -> Option<Vec<(String, String)>> {
    let mut attributes = Vec::new();
    let mut rest = dn.trim_start();
    if rest.is_empty() {
        return Some(attributes);
    }
    loop {
        let (kind, after) = rest.split_once('=')?;
        let kind = kind.trim();
        if kind.is_empty() || !kind.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte)) {
            return None;
        }
        let (value, end) = read_value(after.trim_start())?;
        attributes.push((kind.to_owned(), value));
        match end {
            None => return Some(attributes),
            Some(end) => rest = end.trim_start(),
        }
    }
}

/// A value up to the next separator, without its escapes, and what follows the separator.
fn read_value(text: &str) -> Option<(String, Option<&str>)> {
    let mut value = Vec::new();
    // Spaces at the end that were not escaped are no part of it.
    let mut kept = 0;
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            ',' | ';' | '+' => {
                value.truncate(kept);
                return Some((String::from_utf8(value).ok()?, text.get(at + 1..)));
            }
            '\\' => {
                let (at, escaped) = letters.next()?;
                let digits = text.get(at..at + 2).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
                match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
                    Some(byte) => {
                        letters.next();
                        value.push(byte);
                    }
                    None => value.extend_from_slice(escaped.encode_utf8(&mut [0; 4]).as_bytes()),
                }
                kept = value.len();
            }
            letter => {
                value.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                if letter != ' ' {
                    kept = value.len();
                }
            }
        }
    }
    value.truncate(kept);
    Some((String::from_utf8(value).ok()?, None))
}

/// Whether a text is a distinguished name that is not empty.
pub(super) fn is_dn(text: &str) -> bool {
    parse_dn(text).is_some_and(|attributes| !attributes.is_empty())
}

/// The first common name of a distinguished name; what has none is a name itself.
pub(super) fn common_name(dn: &str, only_capitals: bool) -> String {
    let is_common = |kind: &str| kind == "CN" || (!only_capitals && kind.eq_ignore_ascii_case("cn"));
    let found = parse_dn(dn).unwrap_or_default().into_iter().find(|(kind, _)| is_common(kind));
    found.map_or_else(|| dn.to_owned(), |(_, value)| value)
}

/// A security identifier of Windows as text: `S-1-5-21-...` (MS-DTYP, section 2.4.2).
pub(super) fn sid_text(bytes: &[u8]) -> Option<String> {
    let (&[revision, count], rest) = bytes.split_first_chunk::<2>()?;
    let (authority, rest) = rest.split_first_chunk::<6>()?;
    let authority = authority.iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
    if count > 15 || rest.len() != usize::from(count) * 4 {
        return None;
    }
    let parts = rest.chunks_exact(4).filter_map(|part| Some(u32::from_le_bytes(part.try_into().ok()?)));
    Some(parts.fold(format!("S-{revision}-{authority}"), |text, part| format!("{text}-{part}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The class of CVE-2026-39946: what a client gives must not become a part of a name or a filter.
    #[test]
    fn injection_into_names_and_filters_is_escaped() {
        for (value, dn, filter) in [
            ("jane", "jane", "jane"),
            ("jane,ou=admins", r"jane\,ou\=admins", "jane,ou=admins"),
            ("*", "*", r"\2a"),
            ("a)(uid=*", r"a)(uid\=*", r"a\29\28uid=\2a"),
            ("a\0", r"a\00", r"a\00"),
            (" #a ", r"\ \#a\ ", " #a "),
            (r"a\2a", r"a\\2a", r"a\5c2a"),
            ("é", r"\c3\a9", r"\c3\a9"),
            ("a+b;c<d>\"", r#"a\+b\;c\<d\>\""#, "a+b;c<d>\""),
        ] {
            assert_eq!((escape_dn(value), escape_filter(value)), (dn.to_owned(), filter.to_owned()), "{value}");
            let whole = format!("uid={},ou=people", escape_dn(value));
            let read = parse_dn(&whole).unwrap();
            assert_eq!(read, [("uid".to_owned(), value.to_owned()), ("ou".to_owned(), "people".to_owned())]);
        }
    }

    #[test]
    fn common_names_are_found_in_distinguished_names() {
        for (dn, capitals, name) in [
            ("cn=dev,ou=groups", false, "dev"),
            ("cn=dev,ou=groups", true, "cn=dev,ou=groups"),
            ("OU=x + CN=a\\, b ,DC=y", true, "a, b"),
            ("ou=x", false, "ou=x"),
            ("dev", false, "dev"),
            ("a\\", false, "a\\"),
            ("=x", false, "=x"),
        ] {
            assert_eq!(common_name(dn, capitals), name);
        }
        assert!(is_dn("cn=a") && !is_dn("") && !is_dn("a") && !is_dn("cn=a,"));
    }

    #[test]
    fn security_identifiers_are_read_whole() {
        let bytes = [1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0];
        assert_eq!(sid_text(&bytes).unwrap(), "S-1-5-32-544");
        for bad in [&bytes[..15], &[1, 200, 0, 0, 0, 0, 0, 5], &[]] {
            assert_eq!(sid_text(bad), None);
        }
    }
}
