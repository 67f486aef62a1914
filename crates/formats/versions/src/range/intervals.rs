//! `[1.0,2.0),[3.0]`

use super::{Bound, MAX_RANGES, RangeError, VersionRange};

/// Reads intervals with commas, spaces or `||` between them.
pub(super) fn parse(text: &str) -> Result<Vec<VersionRange>, RangeError> {
    let mut ranges = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([',', '|']).trim_start();
        if rest.starts_with([',', '|']) {
            continue;
        }
        let Some(first) = rest.chars().next() else {
            return Ok(ranges);
        };
        if ranges.len() == MAX_RANGES {
            return Err(RangeError::TooMany);
        }
        let (range, tail) = match first {
            '[' | '(' => interval(rest)?,
            _ => alone(rest),
        };
        ranges.push(range);
        rest = tail;
    }
}

fn alone(text: &str) -> (VersionRange, &str) {
    let end = text.find(|c: char| c.is_whitespace() || matches!(c, ',' | '|' | '[' | '(')).unwrap_or(text.len());
    let (version, rest) = text.split_at(end);
    (VersionRange::exactly(version), rest)
}

/// `text` begins with a bracket.
fn interval(text: &str) -> Result<(VersionRange, &str), RangeError> {
    let unclosed = || RangeError::Unclosed(if text.starts_with('[') { '[' } else { '(' });
    let close = text.find([']', ')']).ok_or_else(unclosed)?;
    let (body, tail) = text.split_at(close);
    let (open_inclusive, body) = (body.starts_with('['), body.trim_start_matches(['[', '(']));
    let (close_inclusive, tail) = (tail.starts_with(']'), tail.trim_start_matches([']', ')']));
    let bound = |version: &str, inclusive| {
        let version = version.trim();
        (!version.is_empty()).then(|| Bound { version: version.to_owned(), inclusive })
    };
    let range = match body.split_once(',') {
        Some((lower, upper)) if !upper.contains(',') => {
            VersionRange { lower: bound(lower, open_inclusive), upper: bound(upper, close_inclusive) }
        }
        None if open_inclusive && close_inclusive && !body.trim().is_empty() => VersionRange::exactly(body.trim()),
        _ => return Err(RangeError::unexpected(body)),
    };
    Ok((range, tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let ranges: Vec<_> = parse(text).unwrap().iter().map(VersionRange::to_string).collect();
        assert_eq!(ranges, expected, "{text}");
    }

    #[test]
    fn intervals() {
        check("[1.0,2.0)", &[">= 1.0, < 2.0"]);
        check("(,1.25]", &["<= 1.25"]);
        check("[1.5,)", &[">= 1.5"]);
        check("(,)", &[""]);
        check("[1.4.10],[2.4.0]", &["= 1.4.10", "= 2.4.0"]);
        check(" [1.0, 2.0] , (3.0,4.0) || 5.0", &[">= 1.0, <= 2.0", "> 3.0, < 4.0", "= 5.0"]);
    }

    #[test]
    fn what_is_no_interval() {
        for text in ["[1.0", "(1.0)", "[1,2,3]", "[]", "("] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
