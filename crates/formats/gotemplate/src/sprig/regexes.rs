//! Regular expressions. Rust's syntax is Go's in all but rare corners.

use super::Made;
use super::strings::bounded;
use crate::function::{Arguments, Function, MAX_MADE, Type};
use crate::value::Value;
use Type::{Int, Text};
use regex::{NoExpand, Regex, RegexBuilder};

pub(super) const ALL: &[Function] = &[
    Function::new("regexMatch", &[Text, Text], |given| Ok(matches(given).unwrap_or_else(|_| false.into()))),
    Function::new("mustRegexMatch", &[Text, Text], matches),
    Function::new("regexFind", &[Text, Text], find),
    Function::new("mustRegexFind", &[Text, Text], find),
    Function::new("regexFindAll", &[Text, Text, Int], find_all),
    Function::new("mustRegexFindAll", &[Text, Text, Int], find_all),
    Function::new("regexReplaceAll", &[Text, Text, Text], replace),
    Function::new("mustRegexReplaceAll", &[Text, Text, Text], replace),
    Function::new("regexReplaceAllLiteral", &[Text, Text, Text], replace_literal),
    Function::new("mustRegexReplaceAllLiteral", &[Text, Text, Text], replace_literal),
    Function::new("regexSplit", &[Text, Text, Int], split),
    Function::new("mustRegexSplit", &[Text, Text, Int], split),
    Function::new("regexQuoteMeta", &[Text], |given| Ok(quote_meta(given.text(0)).into())),
];

fn compiled(given: &Arguments<'_>) -> Result<Regex, String> {
    let pattern = given.text(0);
    RegexBuilder::new(pattern).size_limit(1 << 22).build().map_err(|error| {
        let reason = error.to_string();
        let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ");
        format!("regexp: Compile(`{pattern}`): error parsing regexp: {reason}: `{pattern}`")
    })
}

fn matches(given: &Arguments<'_>) -> Made {
    Ok(compiled(given)?.is_match(given.text(1)).into())
}

fn find(given: &Arguments<'_>) -> Made {
    Ok(compiled(given)?.find(given.text(1)).map_or("", |found| found.as_str()).into())
}

fn limit(count: i64) -> usize {
    usize::try_from(count).unwrap_or(MAX_MADE / 64)
}

fn find_all(given: &Arguments<'_>) -> Made {
    let regex = compiled(given)?;
    Ok(Value::texts(regex.find_iter(given.text(1)).take(limit(given.int(2))).map(|found| found.as_str())))
}

fn replace(given: &Arguments<'_>) -> Made {
    let (text, with) = (given.text(1), given.text(2));
    let regex = compiled(given)?;
    // Each match makes at most what it replaces, and that for each group named.
    let groups = with.bytes().filter(|byte| *byte == b'$').count();
    let found: usize = regex.find_iter(text).map(|found| with.len() + found.len() * groups).sum();
    bounded(found.saturating_add(text.len()))?;
    Ok(regex.replace_all(text, with).into_owned().into())
}

fn replace_literal(given: &Arguments<'_>) -> Made {
    let (text, with) = (given.text(1), given.text(2));
    let regex = compiled(given)?;
    bounded(regex.find_iter(text).count().saturating_mul(with.len()).saturating_add(text.len()))?;
    Ok(regex.replace_all(text, NoExpand(with)).into_owned().into())
}

/// Go's `Split`: an empty match at the start makes no part.
fn split(given: &Arguments<'_>) -> Made {
    let (text, count) = (given.text(1), given.int(2));
    if count == 0 {
        return Ok(Value::texts::<&str>([]));
    }
    if text.is_empty() && !given.text(0).is_empty() {
        return Ok(Value::texts([""]));
    }
    let regex = compiled(given)?;
    let (mut parts, mut start, mut end) = (Vec::new(), 0, 0);
    for found in regex.find_iter(text) {
        if parts.len() + 1 >= limit(count) {
            break;
        }
        end = found.start();
        if found.end() != 0 {
            parts.push(text.get(start..end).unwrap_or_default());
        }
        start = found.end();
    }
    if end != text.len() {
        parts.push(text.get(start..).unwrap_or_default());
    }
    Ok(Value::texts(parts))
}

fn quote_meta(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        if r"\.+*?()|[]{}^$".contains(char) {
            out.push('\\');
        }
        out.push(char);
    }
    out
}
