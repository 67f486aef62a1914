//! URLs, taken apart and put together.

use super::Made;
use crate::function::{Arguments, Function, Type};
use crate::value::Value;
use Type::{Dict, Text};
use std::collections::BTreeMap;

pub(super) const ALL: &[Function] =
    &[Function::new("urlParse", &[Text], parse), Function::new("urlJoin", &[Dict], join)];

fn parse(given: &Arguments<'_>) -> Made {
    let whole = given.text(0);
    if whole.chars().any(char::is_control) {
        return Err(format!(
            "unable to parse url: parse {}: net/url: invalid control character in URL",
            crate::print::quoted(whole)
        ));
    }
    let (rest, fragment) = whole.split_once('#').unwrap_or((whole, ""));
    let (scheme, rest) = scheme(rest);
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path, opaque) = match rest.strip_prefix("//") {
        Some(rest) => {
            let slash = rest.find('/').unwrap_or(rest.len());
            let (authority, path) = rest.split_at(slash);
            (authority, path, "")
        }
        None if !scheme.is_empty() && !rest.starts_with('/') => ("", "", rest),
        None => ("", rest, ""),
    };
    let (userinfo, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let hostname = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let fields = [
        ("scheme", scheme.to_ascii_lowercase()),
        ("host", host.to_owned()),
        ("hostname", hostname.to_owned()),
        ("path", unescaped(path)),
        ("query", query.to_owned()),
        ("opaque", opaque.to_owned()),
        ("fragment", unescaped(fragment)),
        ("userinfo", userinfo.to_owned()),
    ];
    Ok(Value::map(
        fields.map(|(key, text)| (key.to_owned(), Value::text(text))).into_iter().collect::<BTreeMap<_, _>>(),
    ))
}

fn scheme(text: &str) -> (&str, &str) {
    match text.split_once(':') {
        Some((scheme, rest))
            if scheme.starts_with(|char: char| char.is_ascii_alphabetic())
                && scheme.chars().all(|char| char.is_ascii_alphanumeric() || "+-.".contains(char)) =>
        {
            (scheme, rest)
        }
        _ => ("", text),
    }
}

fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, tail)) = rest.split_first() {
        let escaped = (*byte == b'%')
            .then(|| tail.get(..2))
            .flatten()
            .and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match escaped {
            Some(byte) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn join(given: &Arguments<'_>) -> Made {
    let part = |key: &str| -> Result<String, String> {
        let Value::Map(map) = given.value(0) else { return Ok(String::new()) };
        match map.entries.borrow().get(key) {
            None => Ok(String::new()),
            Some(Value::Text(text)) => Ok(text.to_string()),
            Some(other) => {
                let kind = other.kind_name();
                Err(format!("unable to parse {key} key, must be of type string, but {kind} found"))
            }
        }
    };
    let (scheme, host, userinfo) = (part("scheme")?, part("host")?, part("userinfo")?);
    let (path, opaque, query, fragment) = (part("path")?, part("opaque")?, part("query")?, part("fragment")?);
    let mut out = if scheme.is_empty() { String::new() } else { format!("{scheme}:") };
    if !opaque.is_empty() {
        out.push_str(&opaque);
    } else {
        if !scheme.is_empty() || !host.is_empty() || !userinfo.is_empty() {
            if !host.is_empty() || !path.is_empty() || !userinfo.is_empty() {
                out.push_str("//");
            }
            if !userinfo.is_empty() {
                out.push_str(&format!("{userinfo}@"));
            }
            out.push_str(&host);
        }
        if !path.is_empty() && !path.starts_with('/') && !host.is_empty() {
            out.push('/');
        }
        out.push_str(&path.replace(' ', "%20"));
    }
    if !query.is_empty() {
        out.push_str(&format!("?{query}"));
    }
    if !fragment.is_empty() {
        out.push_str(&format!("#{fragment}"));
    }
    Ok(out.into())
}
