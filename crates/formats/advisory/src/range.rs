//! Ranges as publishers write them in one string: comparisons (`>=1.0 <1.4||=2.0`) and intervals (`[1.0,1.4),[2.0]`).

use crate::record::{Range, RangeEnd};

/// More alternatives than any real advisory has (the longest known has 70).
const MAX_ALTERNATIVES: usize = 4096;

/// What an expression admits.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Spans {
    /// Ranges, one an alternative.
    pub(crate) ranges: Vec<Range>,
    /// Versions named with `=`.
    pub(crate) versions: Vec<String>,
}

/// One comparison.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Comparison<'a> {
    /// `<`, `<=`, `>`, `>=`, `=`, `!=`, `~>`, ...; empty when a version stands alone.
    pub(crate) operator: &'a str,
    /// The version.
    pub(crate) version: &'a str,
}

/// Splits a conjunction, at commas and spaces, into its comparisons. `None` when it is none.
pub(crate) fn comparisons(text: &str) -> Option<Vec<Comparison<'_>>> {
    let is_operator = |c: char| matches!(c, '<' | '>' | '=' | '!' | '~' | '^');
    let is_gap = |c: char| c == ',' || c.is_whitespace();
    let mut rest = text.trim_matches(is_gap);
    let mut list = Vec::new();
    while !rest.is_empty() {
        let version_at = rest.find(|c| !is_operator(c))?;
        let (operator, tail) = rest.split_at(version_at);
        let tail = tail.trim_start();
        let end = tail.find(|c| is_gap(c) || is_operator(c)).unwrap_or(tail.len());
        let (version, tail) = tail.split_at(end);
        if version.is_empty() {
            return None;
        }
        list.push(Comparison { operator, version });
        rest = tail.trim_start_matches(is_gap);
    }
    Some(list)
}

/// Reads alternatives of comparisons. `fixed`: an upper bound with `<` carries the fix. `None` when the text is not
/// such an expression, or uses an operator other than `<`, `<=`, `>`, `>=`, `=`, `==` and `!=`.
pub(crate) fn comparators(text: &str, fixed: bool) -> Option<Spans> {
    let mut spans = Spans::default();
    for (index, alternative) in text.split("||").enumerate() {
        if index >= MAX_ALTERNATIVES {
            return None;
        }
        conjunction(&comparisons(alternative)?, fixed, &mut spans)?;
    }
    Some(spans)
}

/// Adds a conjunction: a range of its bounds, or the versions it names.
pub(crate) fn conjunction(list: &[Comparison<'_>], fixed: bool, spans: &mut Spans) -> Option<()> {
    let mut range = Range::default();
    let mut bounded = list.is_empty();
    for Comparison { operator, version } in list.iter().copied() {
        match operator {
            "=" | "==" | "" if version == "*" => bounded = true,
            "=" | "==" | "" => spans.versions.push(version.to_owned()),
            // What is left out may be reported all the same: too much is safer than too little.
            "!=" => bounded = true,
            ">" | ">=" => {
                bounded = true;
                set_start(&mut range, version, operator == ">");
            }
            "<" | "<=" => {
                bounded = true;
                range.end = end(version, operator == "<=", fixed);
            }
            _ => return None,
        }
    }
    if bounded {
        spans.ranges.push(range);
    }
    Some(())
}

/// Reads intervals as Maven and NuGet write them: `[1.0,2.0)`, `(,3.1]`, `[4.0]`, one after the other. A version
/// without brackets is that version. `None` when the text is not such an expression.
pub(crate) fn intervals(text: &str, fixed: bool) -> Option<Spans> {
    let mut spans = Spans::default();
    let mut rest = text.trim();
    if !rest.starts_with(['[', '(']) {
        return (!rest.is_empty() && !rest.contains([',', ' ']))
            .then(|| Spans { ranges: Vec::new(), versions: vec![rest.to_owned()] });
    }
    while !rest.is_empty() {
        let open_included = rest.starts_with('[');
        let body = rest.strip_prefix(['[', '('])?;
        let close = body.find([']', ')'])?;
        let (inner, tail) = body.split_at(close);
        let close_included = tail.starts_with(']');
        match inner.split_once(',') {
            None => spans.versions.push(inner.trim().to_owned()),
            Some((low, high)) => {
                let (low, high) = (low.trim(), high.trim());
                let mut range = Range::default();
                set_start(&mut range, low, !open_included && !low.is_empty());
                if !high.is_empty() {
                    range.end = end(high, close_included, fixed);
                }
                spans.ranges.push(range);
            }
        }
        if spans.ranges.len() + spans.versions.len() > MAX_ALTERNATIVES {
            return None;
        }
        rest = tail.strip_prefix([']', ')'])?.trim_start_matches([',', ' ', '|']);
    }
    Some(spans)
}

/// Sets where a range starts; `0` is the very first version.
fn set_start(range: &mut Range, version: &str, excluded: bool) {
    if version == "0" && !excluded {
        return;
    }
    version.clone_into(&mut range.introduced);
    range.introduced_excluded = excluded;
}

fn end(version: &str, included: bool, fixed: bool) -> RangeEnd {
    match (included, fixed) {
        (true, _) => RangeEnd::LastAffected(version.to_owned()),
        (false, true) => RangeEnd::Fixed(version.to_owned()),
        (false, false) => RangeEnd::Limit(version.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn show(spans: Option<Spans>) -> String {
        let Some(spans) = spans else { return "none".to_owned() };
        let mut parts: Vec<String> = spans
            .ranges
            .iter()
            .map(|r| {
                let start = if r.introduced_excluded { ">" } else { ">=" };
                let end = match &r.end {
                    RangeEnd::Open => "open".to_owned(),
                    RangeEnd::Fixed(v) => format!("fixed {v}"),
                    RangeEnd::LastAffected(v) => format!("last {v}"),
                    RangeEnd::Limit(v) => format!("limit {v}"),
                };
                format!("{start}{} {end}", r.introduced)
            })
            .collect();
        parts.extend(spans.versions.iter().map(|v| format!("={v}")));
        parts.join("; ")
    }

    #[test]
    fn reads_comparators() {
        let check = |text: &str, expected: &str| assert_eq!(show(comparators(text, true)), expected, "{text}");
        check("<1.3.4", ">= fixed 1.3.4");
        check(">=1.1.0 <1.1.6 || >=1.2.0 <1.2.8", ">=1.1.0 fixed 1.1.6; >=1.2.0 fixed 1.2.8");
        check(">=2.0.0,<=2.2.4||=3.0", ">=2.0.0 last 2.2.4; =3.0");
        check("> 1.0, < 2.0", ">1.0 fixed 2.0");
        check(">=0", ">= open");
        check("*", ">= open");
        check("==1.12.2", "=1.12.2");
        check(">=3.0.0a <3.0.0.beta.3", ">=3.0.0a fixed 3.0.0.beta.3");
        check("~> 1.2", "none");
        check(">=", "none");
        assert_eq!(show(comparators("<1.3.4", false)), ">= limit 1.3.4");
    }

    #[test]
    fn reads_intervals() {
        let check = |text: &str, expected: &str| assert_eq!(show(intervals(text, true)), expected, "{text}");
        check("(,0.3.13]", ">= last 0.3.13");
        check("[1.2.0,1.2.3),[1.3.0]", ">=1.2.0 fixed 1.2.3; =1.3.0");
        check("(1.0,)", ">1.0 open");
        check("[2.0,2.3.1),[2.4,2.12.3)", ">=2.0 fixed 2.3.1; >=2.4 fixed 2.12.3");
        check("1.0", "=1.0");
        check("[1.0,2.0", "none");
        check("1.0,2.0", "none");
    }

    proptest! {
        #[test]
        fn never_panics(text in "[\\[\\](),<>=!~ 0-9a-z.|*é]{0,60}") {
            let _ = (comparators(&text, true), intervals(&text, false));
        }
    }
}
