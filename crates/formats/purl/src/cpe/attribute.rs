//! One attribute of a CPE name: its value, its escapes, and how two values compare.

use super::ParseError;
use std::borrow::Cow;
use std::fmt;

/// The value of an attribute.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Attribute {
    /// Any value (`*`).
    #[default]
    Any,
    /// The attribute has no meaning here (`-`).
    NotApplicable,
    /// A value.
    Value(Value),
}

/// A value in the spelling of the formatted string: letters, digits and `_-.` plain, other punctuation behind a
/// backslash, wildcards (`*` or some `?`) only at the ends and plain.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Value(Box<str>);

/// How a source value relates to a target value (NISTIR 7696, 6.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Relation {
    /// Nothing in common.
    Disjoint,
    /// The source is narrower.
    Subset,
    /// The source is wider.
    Superset,
    /// The same.
    Equal,
}

impl Attribute {
    /// A literal text. Empty is ANY, `-` is NA, as for Syft; blanks become `_`.
    ///
    /// # Errors
    /// Where a character is not printable ASCII.
    pub fn literal(text: &str) -> Result<Self, ParseError> {
        match text {
            "" => Ok(Self::Any),
            "-" => Ok(Self::NotApplicable),
            _ => {
                let mut quoted = Quoted::default();
                text.chars().try_for_each(|c| quoted.push(c)).ok_or_else(|| malformed(text))?;
                Ok(quoted.finish())
            }
        }
    }

    /// Reads one field of a formatted string. Punctuation that should be escaped and is not is taken as it is; `*` and
    /// `?` at the ends are wildcards.
    ///
    /// # Errors
    /// Where a wildcard stands in the middle, an escape is cut short, or a character is not printable ASCII.
    pub fn from_formatted(field: &str) -> Result<Self, ParseError> {
        match field {
            "*" => return Ok(Self::Any),
            "-" => return Ok(Self::NotApplicable),
            _ => {}
        }
        let body_start = leading_wildcards(field);
        let (lead, rest) = field.split_at(body_start);
        let (body, trail) = rest.split_at(rest.len() - trailing_wildcards(rest));
        let mut quoted = Quoted::default();
        quoted.text.push_str(lead);
        let mut chars = body.chars();
        while let Some(c) = chars.next() {
            let plain_wildcard = matches!(c, '*' | '?');
            let literal = if c == '\\' { chars.next() } else { Some(c).filter(|_| !plain_wildcard) };
            literal.and_then(|c| quoted.push(c)).ok_or_else(|| malformed(field))?;
        }
        if body.is_empty() && !is_question_marks(field) {
            return Err(malformed(field));
        }
        quoted.text.push_str(trail);
        Ok(quoted.finish())
    }

    /// The text without escapes; wildcards stay as they are. `None` for ANY and NA.
    #[must_use]
    pub fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Value(value) => Some(unescape(&value.0)),
            Self::Any | Self::NotApplicable => None,
        }
    }

    /// The relation of this value, the source, to `target`. Letter case does not count.
    ///
    /// `None` where the target has wildcards and the source is not the same.
    #[must_use]
    pub fn compare(&self, target: &Self) -> Option<Relation> {
        match (self, target) {
            (Self::Any, Self::Any) | (Self::NotApplicable, Self::NotApplicable) => Some(Relation::Equal),
            (Self::Value(ours), Self::Value(theirs)) if ours.0.eq_ignore_ascii_case(&theirs.0) => Some(Relation::Equal),
            (_, Self::Value(theirs)) if theirs.has_wildcards() => None,
            (Self::Any, _) => Some(Relation::Superset),
            (_, Self::Any) => Some(Relation::Subset),
            (Self::NotApplicable, _) | (_, Self::NotApplicable) => Some(Relation::Disjoint),
            (Self::Value(ours), Self::Value(theirs)) => Some(ours.compare_text(&theirs.0)),
        }
    }

    /// Whether the two have something in common, as far as can be told: a target with wildcards matches only ANY or the
    /// same spelling.
    #[must_use]
    pub fn matches(&self, target: &Self) -> bool {
        match self.compare(target) {
            Some(relation) => relation != Relation::Disjoint,
            None => *self == Self::Any,
        }
    }
}

impl Value {
    /// The escaped spelling.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn has_wildcards(&self) -> bool {
        leading_wildcards(&self.0) > 0 || trailing_wildcards(&self.0) > 0
    }

    /// Compares with a target that has no wildcards and is not the same.
    fn compare_text(&self, target: &str) -> Relation {
        if !self.has_wildcards() {
            return Relation::Disjoint;
        }
        let (lead, rest) = self.0.split_at(leading_wildcards(&self.0));
        let (body, trail) = rest.split_at(rest.len() - trailing_wildcards(rest));
        let body = unescape(body).to_ascii_lowercase();
        let target = unescape(target).to_ascii_lowercase();
        let spare = target.len().checked_sub(body.len());
        let fits = |at: usize| {
            let tail = target.get(at..).and_then(|rest| rest.strip_prefix(body.as_str()));
            tail.is_some_and(|tail| at <= allowance(lead) && tail.len() <= allowance(trail))
        };
        if spare.is_some_and(|spare| (0..=spare).any(fits)) { Relation::Superset } else { Relation::Disjoint }
    }
}

/// How many characters wildcards may stand for.
fn allowance(wildcards: &str) -> usize {
    if wildcards == "*" { usize::MAX } else { wildcards.len() }
}

fn leading_wildcards(text: &str) -> usize {
    if text.starts_with('*') { 1 } else { text.len() - text.trim_start_matches('?').len() }
}

/// Length of the wildcards at the end; the first of them may be escaped and then does not count.
fn trailing_wildcards(text: &str) -> usize {
    let kept = if text.ends_with('*') { text.get(..text.len() - 1) } else { Some(text.trim_end_matches('?')) };
    let kept = kept.unwrap_or(text);
    let backslashes = kept.len() - kept.trim_end_matches('\\').len();
    let escaped = backslashes % 2;
    (text.len() - kept.len()).saturating_sub(escaped)
}

fn is_question_marks(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b == b'?')
}

fn malformed(text: &str) -> ParseError {
    ParseError::Attribute(text.to_owned())
}

fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut escaped = false;
    let kept = text.chars().filter(|c| {
        escaped = *c == '\\' && !escaped;
        !escaped
    });
    Cow::Owned(kept.collect())
}

/// A value being put together in the spelling of the formatted string.
#[derive(Debug, Default)]
pub(super) struct Quoted {
    text: String,
}

impl Quoted {
    /// Adds one literal character. `None` where it is not printable ASCII.
    pub(super) fn push(&mut self, c: char) -> Option<()> {
        let c = if c == ' ' { '_' } else { c };
        if !c.is_ascii_graphic() {
            return None;
        }
        if !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-' | '.') {
            self.text.push('\\');
        }
        self.text.push(c);
        Some(())
    }

    /// Adds a wildcard.
    pub(super) fn push_wildcard(&mut self, c: char) {
        self.text.push(c);
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn finish(self) -> Attribute {
        Attribute::Value(Value(self.text.into_boxed_str()))
    }
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::NotApplicable => f.write_str("-"),
            // A lone hyphen would read as NA.
            Self::Value(value) if *value.0 == *"-" => f.write_str("\\-"),
            Self::Value(value) => f.write_str(&value.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, target: &str, expected: Option<Relation>) {
        let read = |field| Attribute::from_formatted(field).unwrap();
        assert_eq!(read(source).compare(&read(target)), expected, "{source} {target}");
    }

    /// NISTIR 7696, table 6-2.
    #[test]
    fn relations() {
        use Relation::{Disjoint, Equal, Subset, Superset};
        check("*", "*", Some(Equal));
        check("*", "-", Some(Superset));
        check("*", "i", Some(Superset));
        check("*", "m*", None);
        check("-", "*", Some(Subset));
        check("-", "-", Some(Equal));
        check("-", "i", Some(Disjoint));
        check("-", "m*", None);
        check("i", "i", Some(Equal));
        check("i", "I", Some(Equal));
        check("i", "k", Some(Disjoint));
        check("i", "m*", None);
        check("i", "-", Some(Disjoint));
        check("i", "*", Some(Subset));
        check("m*", "m", Some(Superset));
        check("m*", "mmm", Some(Superset));
        check("m*", "nm", Some(Disjoint));
        check("m*", "*", Some(Subset));
        check("m*", "-", Some(Disjoint));
        check("m*", "n*", None);
        check("*m", "abcm", Some(Superset));
        check("*b*", "abc", Some(Superset));
        check("sp?", "sp1", Some(Superset));
        check("sp?", "sp", Some(Superset));
        check("sp?", "sp12", Some(Disjoint));
        check("??b", "aab", Some(Superset));
        check("?b", "aab", Some(Disjoint));
        check(r"a\*", "ab", Some(Disjoint));
        check(r"a\\*", r"a\\b", Some(Superset));
        check("aa??", "aaaa", Some(Superset));
    }

    #[test]
    fn literals() {
        assert_eq!(Attribute::literal("").unwrap(), Attribute::Any);
        assert_eq!(Attribute::literal("-").unwrap(), Attribute::NotApplicable);
        assert_eq!(Attribute::literal("1:2+b 3*").unwrap().to_string(), r"1\:2\+b_3\*");
        assert_eq!(Attribute::literal("1:2+b 3*").unwrap().text().as_deref(), Some("1:2+b_3*"));
        assert_eq!(Attribute::from_formatted(r"\-").unwrap().to_string(), r"\-");
        assert!(Attribute::literal("ü").is_err());
    }
}
