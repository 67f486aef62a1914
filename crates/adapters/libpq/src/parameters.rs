//! Connection strings, as libpq reads them: a URL, or words `name=value`.

use zeroize::Zeroizing;

/// The connection string without the parameters that `take` has taken. Nothing where it can't be read.
pub fn parameters(text: &str, take: &mut dyn FnMut(&str, &str) -> bool) -> Option<Zeroizing<String>> {
    let text = text.trim();
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        url(text, take)
    } else {
        words(text, take)
    }
}

/// Growth would leave copies of the password: in quotes, nothing more than doubles.
fn buffer(text: &str) -> Zeroizing<String> {
    Zeroizing::new(String::with_capacity(text.len().saturating_mul(2).saturating_add(text.matches('=').count() * 3)))
}

fn url(text: &str, take: &mut dyn FnMut(&str, &str) -> bool) -> Option<Zeroizing<String>> {
    // A question mark within user and password is escaped.
    let (front, query) = text.split_once('?').unwrap_or((text, ""));
    let mut kept = buffer(text);
    kept.push_str(front);
    let mut separator = '?';
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=')?;
        if !take(&decoded(name)?, &decoded(value)?) {
            kept.push(separator);
            kept.push_str(pair);
            separator = '&';
        }
    }
    Some(kept)
}

/// Percent-decoding. Nothing where it can't be read, or is not UTF-8.
pub fn decoded(text: &str) -> Option<Zeroizing<String>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok().map(Zeroizing::new)
}

/// Values may be in single quotes; a backslash escapes.
fn words(text: &str, take: &mut dyn FnMut(&str, &str) -> bool) -> Option<Zeroizing<String>> {
    let mut kept = buffer(text);
    let mut rest = text.chars().peekable();
    loop {
        while rest.next_if(|sign| sign.is_whitespace()).is_some() {}
        let mut name = String::new();
        while let Some(sign) = rest.next_if(|sign| *sign != '=') {
            name.push(sign);
        }
        if name.is_empty() && rest.peek().is_none() {
            return Some(kept);
        }
        rest.next()?;
        while rest.next_if(|sign| sign.is_whitespace()).is_some() {}
        let quoted = rest.next_if_eq(&'\'').is_some();
        let mut value = Zeroizing::new(String::with_capacity(text.len()));
        loop {
            match rest.next() {
                Some('\'') if quoted => break,
                Some('\\') => value.push(rest.next()?),
                Some(sign) if !quoted && sign.is_whitespace() => break,
                Some(sign) => value.push(sign),
                None if quoted => return None,
                None => break,
            }
        }
        let name = name.trim();
        if !take(name, &value) {
            kept.push_str(name);
            kept.push_str("='");
            for sign in value.chars() {
                if matches!(sign, '\\' | '\'') {
                    kept.push('\\');
                }
                kept.push(sign);
            }
            kept.push_str("' ");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_taken_out() {
        for (text, wanted, taken) in [
            ("postgres://a:b@c/d", Some("postgres://a:b@c/d"), ""),
            ("postgresql://a@c/d?x=%2F1&port=2&x=3", Some("postgresql://a@c/d?port=2"), "/1 3 "),
            ("host=a x='b c' user = d", Some("host='a' user='d' "), "b c "),
            (r"password='a\'b\\' x=1", Some(r"password='a\'b\\' "), "1 "),
            ("postgres://a/?x", None, ""),
            ("postgres://a/?x=%4", None, ""),
            ("host=a password='open", None, ""),
            ("host", None, ""),
            ("", Some(""), ""),
        ] {
            let mut found = String::new();
            let read = parameters(text, &mut |name, value| {
                if name == "x" {
                    found.push_str(value);
                    found.push(' ');
                }
                name == "x"
            });
            assert_eq!(read.as_ref().map(|read| read.as_str()), wanted, "{text}");
            assert!(found.starts_with(taken), "{text}: {found}");
        }
    }
}
