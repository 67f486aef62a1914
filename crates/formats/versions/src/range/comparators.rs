//! `>= 1.0, < 2.0 || = 3.0` and what the ecosystems add to it.

use std::cmp::Ordering;

use super::{Bound, MAX_RANGES, RangeError, RangeSyntax, VersionRange, compare_lower};
use crate::{Scheme, compare};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// `^1.2`: up to the next change of the first number that is not 0.
    Caret,
    /// npm's `~1.2`: the second number stays.
    Tilde,
    /// `~> 1.2`, `~=1.2`, Composer's `~1.2`: all numbers but the last stay.
    Compatible,
}

/// Longest first.
const OPERATORS: [(&str, Operator); 15] = [
    ("===", Operator::Equal),
    ("==", Operator::Equal),
    ("=>", Operator::GreaterOrEqual),
    ("=<", Operator::LessOrEqual),
    (">=", Operator::GreaterOrEqual),
    ("<=", Operator::LessOrEqual),
    ("!=", Operator::NotEqual),
    ("<>", Operator::NotEqual),
    ("~>", Operator::Compatible),
    ("~=", Operator::Compatible),
    ("=", Operator::Equal),
    (">", Operator::Greater),
    ("<", Operator::Less),
    ("~", Operator::Tilde),
    ("^", Operator::Caret),
];

pub(super) fn parse(syntax: RangeSyntax, scheme: Scheme, text: &str) -> Result<Vec<VersionRange>, RangeError> {
    let mut ranges = Vec::new();
    // Composer writes a single bar too, and others do by mistake; between two bars is nothing, which adds nothing.
    for group in text.split('|') {
        ranges.extend(parse_group(syntax, scheme, group)?);
        if ranges.len() > MAX_RANGES {
            return Err(RangeError::TooMany);
        }
    }
    Ok(ranges)
}

/// Comparators that all must hold; none at all hit nothing.
fn parse_group(syntax: RangeSyntax, scheme: Scheme, text: &str) -> Result<Vec<VersionRange>, RangeError> {
    let mut reader = Reader { rest: text, syntax };
    let mut ranges: Option<Vec<VersionRange>> = None;
    while let Some((operator, version)) = reader.comparator()? {
        let so_far = ranges.unwrap_or_else(|| vec![VersionRange::ALL]);
        ranges = Some(match operator {
            Operator::NotEqual => exclude(scheme, so_far, &range_of(syntax, Operator::Equal, &version)),
            _ => {
                let range = match reader.hyphen_range()? {
                    Some(end) if operator == Operator::Equal => {
                        VersionRange { lower: Some(Bound::inclusive(version)), upper: Some(Bound::inclusive(end)) }
                    }
                    Some(end) => return Err(RangeError::unexpected(&format!("- {end}"))),
                    None => range_of(syntax, operator, &version),
                };
                so_far.into_iter().map(|other| intersect(scheme, other, range.clone())).collect()
            }
        });
        if ranges.as_ref().is_some_and(|ranges| ranges.len() > MAX_RANGES) {
            return Err(RangeError::TooMany);
        }
    }
    Ok(ranges.unwrap_or_default())
}

struct Reader<'a> {
    rest: &'a str,
    syntax: RangeSyntax,
}

impl Reader<'_> {
    fn comparator(&mut self) -> Result<Option<(Operator, String)>, RangeError> {
        self.rest = self.rest.trim_start_matches(|c: char| c == ',' || c.is_whitespace());
        if self.rest.is_empty() {
            return Ok(None);
        }
        let found = OPERATORS.iter().find(|(sign, _)| self.rest.starts_with(sign));
        let (sign, operator) = found.copied().unwrap_or(("", Operator::Equal));
        let operator = self.known(operator).ok_or_else(|| RangeError::unexpected(self.rest))?;
        self.rest = self.rest.strip_prefix(sign).unwrap_or(self.rest).trim_start();
        let version = self.version()?;
        match version.is_empty() {
            true if sign.is_empty() => Err(RangeError::unexpected(self.rest)),
            true => Err(RangeError::MissingVersion { operator: sign.to_owned() }),
            false => Ok(Some((operator, version))),
        }
    }

    /// What an operator means in this notation, where it has a meaning.
    fn known(&self, operator: Operator) -> Option<Operator> {
        match (operator, self.syntax) {
            (Operator::Caret, RangeSyntax::Npm | RangeSyntax::Composer) => Some(operator),
            (Operator::Tilde, RangeSyntax::Npm) => Some(operator),
            (Operator::Tilde, RangeSyntax::Composer) => Some(Operator::Compatible),
            (Operator::Compatible, RangeSyntax::Npm) => Some(Operator::Tilde),
            (Operator::Compatible, RangeSyntax::Plain) | (Operator::Caret | Operator::Tilde, _) => None,
            _ => Some(operator),
        }
    }

    /// Up to a space, a comma or the next operator; in quotation marks, up to the next one.
    fn version(&mut self) -> Result<String, RangeError> {
        if let Some(quote) = self.rest.chars().next().filter(|c| matches!(c, '"' | '\'')) {
            let quoted = self.rest.trim_start_matches(quote);
            let (version, rest) = quoted.split_once(quote).ok_or(RangeError::Unclosed(quote))?;
            self.rest = rest;
            return Ok(version.to_owned());
        }
        let ends = |c: char| c.is_whitespace() || matches!(c, ',' | '<' | '>' | '=' | '(' | ')');
        let (version, rest) = self.rest.split_at(self.rest.find(ends).unwrap_or(self.rest.len()));
        // `1.0!=2`: the mark belongs to the operator, as no version ends with it.
        let version = if rest.starts_with('=') { version.strip_suffix('!').unwrap_or(version) } else { version };
        self.rest = self.rest.split_at(version.len()).1;
        Ok(version.to_owned())
    }

    /// ` - 2.0` behind a version.
    fn hyphen_range(&mut self) -> Result<Option<String>, RangeError> {
        let end = match self.syntax {
            RangeSyntax::Npm | RangeSyntax::Composer => self.rest.trim_start().strip_prefix("- "),
            _ => None,
        };
        let Some(end) = end else {
            return Ok(None);
        };
        self.rest = end.trim_start();
        match self.version()? {
            version if version.is_empty() => Err(RangeError::MissingVersion { operator: "-".to_owned() }),
            version => Ok(Some(version)),
        }
    }
}

/// A partial version is that version, as advisories mean it: `<= 1.2` is `<= 1.2.0`. Wildcards count where written.
fn range_of(syntax: RangeSyntax, operator: Operator, version: &str) -> VersionRange {
    let (version, wildcard) = match syntax {
        RangeSyntax::Plain => (version, false),
        _ => strip_wildcard(version),
    };
    let numbers = Numbers::of(version);
    let from = Some(Bound::inclusive(version));
    let until = |kept: usize| {
        let next = numbers.next(kept)?;
        Some(Bound::exclusive(next + before_prereleases(syntax)))
    };
    match operator {
        _ if wildcard && version.is_empty() => VersionRange::ALL,
        Operator::Equal | Operator::Caret | Operator::Tilde | Operator::Compatible if wildcard => {
            let from = match syntax {
                RangeSyntax::Python => Bound::inclusive(version.to_owned() + before_prereleases(syntax)),
                _ => Bound::inclusive(version),
            };
            VersionRange { lower: Some(from), upper: until(numbers.0.len()) }
        }
        Operator::Equal | Operator::NotEqual => VersionRange::exactly(version),
        Operator::Less => VersionRange { lower: None, upper: Some(Bound::exclusive(version)) },
        Operator::LessOrEqual => VersionRange { lower: None, upper: from },
        Operator::Greater => VersionRange { lower: Some(Bound::exclusive(version)), upper: None },
        Operator::GreaterOrEqual => VersionRange { lower: from, upper: None },
        Operator::Caret => {
            let leading_zeros = numbers.0.iter().take_while(|n| n.bytes().all(|b| b == b'0')).count();
            VersionRange { lower: from, upper: until((leading_zeros + 1).min(numbers.0.len())) }
        }
        Operator::Tilde => VersionRange { lower: from, upper: until(numbers.0.len().min(2)) },
        Operator::Compatible => VersionRange { lower: from, upper: until(numbers.0.len().saturating_sub(1).max(1)) },
    }
}

/// What to add to a version so that its prereleases lie above. RubyGems has no word for it.
fn before_prereleases(syntax: RangeSyntax) -> &'static str {
    match syntax {
        RangeSyntax::Npm => "-0",
        RangeSyntax::Composer => "-dev",
        RangeSyntax::Python => ".dev0",
        RangeSyntax::Plain | RangeSyntax::Gem | RangeSyntax::Intervals => "",
    }
}

/// `1.2.*`, `1.x`, `*` without its wildcards.
fn strip_wildcard(version: &str) -> (&str, bool) {
    let mut rest = version;
    loop {
        let shorter = rest.strip_suffix(['*', 'x', 'X']).filter(|head| head.is_empty() || head.ends_with('.'));
        match shorter {
            Some(head) => rest = head.strip_suffix('.').unwrap_or(head),
            None => return (rest, rest.len() != version.len()),
        }
    }
}

/// The numbers that a version begins with.
struct Numbers<'a>(Vec<&'a str>);

impl<'a> Numbers<'a> {
    fn of(version: &'a str) -> Self {
        let text = version.strip_prefix(['v', 'V']).unwrap_or(version);
        let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        Numbers(text.split_at(end).0.split('.').take_while(is_number).collect())
    }

    /// The first version in which the first `kept` numbers have changed.
    fn next(&self, kept: usize) -> Option<String> {
        let (last, stay) = self.0.get(..kept)?.split_last()?;
        let mut parts: Vec<String> = stay.iter().map(|part| (*part).to_owned()).collect();
        parts.push(increment(last));
        Some(parts.join("."))
    }
}

/// One more than a number of any length.
fn increment(digits: &str) -> String {
    let nines = digits.bytes().rev().take_while(|b| *b == b'9').count();
    let (head, tail) = digits.split_at(digits.len() - nines);
    let zeros = "0".repeat(tail.len());
    match head.char_indices().next_back() {
        Some((at, last)) => {
            let more = char::from_digit(last.to_digit(10).map_or(1, |digit| digit + 1), 10).unwrap_or('1');
            format!("{}{more}{zeros}", head.split_at(at).0)
        }
        None => format!("1{zeros}"),
    }
}

/// Of two bounds the stricter one counts.
fn intersect(scheme: Scheme, a: VersionRange, b: VersionRange) -> VersionRange {
    let lower = match compare_lower(scheme, a.lower.as_ref(), b.lower.as_ref()) {
        Ordering::Less => b.lower,
        _ => a.lower,
    };
    let upper = match (a.upper, b.upper) {
        (Some(a), Some(b)) => {
            match compare(scheme, &a.version, &b.version).then_with(|| a.inclusive.cmp(&b.inclusive)) {
                Ordering::Greater => Some(b),
                _ => Some(a),
            }
        }
        (a, b) => a.or(b),
    };
    VersionRange { lower, upper }
}

/// Takes `hole` out of each range.
fn exclude(scheme: Scheme, ranges: Vec<VersionRange>, hole: &VersionRange) -> Vec<VersionRange> {
    let around = super::complement(scheme, std::slice::from_ref(hole));
    let pieces = ranges.into_iter().flat_map(|range| {
        around.iter().map(move |rest| intersect(scheme, range.clone(), rest.clone())).collect::<Vec<_>>()
    });
    pieces.filter(|piece| !piece.is_empty(scheme)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(syntax: RangeSyntax, scheme: Scheme, cases: &[(&str, &str)]) {
        for (text, expected) in cases {
            let ranges = syntax.parse(scheme, text).unwrap();
            let shown = ranges.iter().map(VersionRange::to_string).collect::<Vec<_>>().join(" || ");
            assert_eq!(shown, *expected, "{text}");
        }
    }

    #[test]
    fn plain() {
        check(
            RangeSyntax::Plain,
            Scheme::Go,
            &[
                ("<v1.25.0", "< v1.25.0"),
                (">=1.0.0 <1.13.12||>=1.14.0 <1.14.8", ">= 1.0.0, < 1.13.12 || >= 1.14.0, < 1.14.8"),
                (" > 1.0,  <=   2.0,,,    || = 3.0 ", "> 1.0, <= 2.0 || = 3.0"),
                ("1.0.2", "= 1.0.2"),
                (">='1.0 beta', <\"2 > 1\"", ">= 1.0 beta, < 2 > 1"),
                ("", ""),
            ],
        );
    }

    #[test]
    fn npm() {
        check(
            RangeSyntax::Npm,
            Scheme::Semver,
            &[
                ("^1.2.3", ">= 1.2.3, < 2-0"),
                ("^0.2.3", ">= 0.2.3, < 0.3-0"),
                ("^0.0.3", ">= 0.0.3, < 0.0.4-0"),
                ("^0.0", ">= 0.0, < 0.1-0"),
                ("~1.2.3", ">= 1.2.3, < 1.3-0"),
                ("~1", ">= 1, < 2-0"),
                ("1.2.x", ">= 1.2, < 1.3-0"),
                ("*", ""),
                ("1.0 - 2.0", ">= 1.0, <= 2.0"),
                (">=1.11.0 <=1.14.2||=1.15.0", ">= 1.11.0, <= 1.14.2 || = 1.15.0"),
            ],
        );
    }

    #[test]
    fn gem() {
        check(
            RangeSyntax::Gem,
            Scheme::Gem,
            &[
                ("~> 1.2.3", ">= 1.2.3, < 1.3"),
                ("~> 1.9", ">= 1.9, < 2"),
                ("~> 2", ">= 2, < 3"),
                ("~> 2.1.4, >= 2.1.4.4", ">= 2.1.4.4, < 2.2"),
                ("~> 4.0.0.beta1", ">= 4.0.0.beta1, < 4.1"),
            ],
        );
    }

    #[test]
    fn composer() {
        check(
            RangeSyntax::Composer,
            Scheme::Packagist,
            &[
                (">=1.0,<1.2", ">= 1.0, < 1.2"),
                ("~1.2", ">= 1.2, < 2-dev"),
                ("~1.2.3|^0.3", ">= 1.2.3, < 1.3-dev || >= 0.3, < 0.4-dev"),
                ("1.*", ">= 1, < 2-dev"),
            ],
        );
    }

    #[test]
    fn python() {
        check(
            RangeSyntax::Python,
            Scheme::Pep440,
            &[
                ("==0.23.2", "= 0.23.2"),
                ("~=1.4.5", ">= 1.4.5, < 1.5.dev0"),
                ("==1.2.*", ">= 1.2.dev0, < 1.3.dev0"),
                (">=1,<2,!=1.5,!=7", ">= 1, < 1.5 || > 1.5, < 2"),
                ("!=1.5.*", "< 1.5.dev0 || >= 1.6.dev0"),
                ("<1!2.0", "< 1!2.0"),
            ],
        );
    }

    #[test]
    fn what_has_no_meaning() {
        for (syntax, text) in [
            (RangeSyntax::Plain, "^1.0"),
            (RangeSyntax::Plain, "(<1.0)"),
            (RangeSyntax::Plain, ">= "),
            (RangeSyntax::Plain, ">=<1"),
            (RangeSyntax::Plain, ">='1"),
            (RangeSyntax::Npm, "1.0 - "),
            (RangeSyntax::Gem, "^1.0"),
        ] {
            assert!(syntax.parse(Scheme::Semver, text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_of_any_length_have_a_next() {
        for (number, next) in
            [("0", "1"), ("9", "10"), ("1999", "2000"), ("99999999999999999999", "100000000000000000000")]
        {
            assert_eq!(increment(number), next);
        }
    }
}
