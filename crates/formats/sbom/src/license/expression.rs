//! SPDX licence expressions (SPDX 2.3, annex D).

use super::list::{exception, listed};
use std::fmt;
use std::iter::Peekable;
use std::str::FromStr;
use std::vec::IntoIter;

/// Longest expression that is read, in bytes.
pub const MAX_LENGTH_BYTES: usize = 64 * 1024;

/// Deepest nesting of parentheses that is read.
pub const MAX_DEPTH: usize = 64;

/// A licence expression. Prints in the canonical spelling, with no more parentheses than needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    /// A licence of the list.
    License {
        /// Its identifier.
        id: &'static str,
        /// Whether later versions are meant too, by a `+`.
        or_later: bool,
        /// The exception it is taken with.
        exception: Option<&'static str>,
    },
    /// A licence that is not on the list: `LicenseRef-...`, perhaps with `DocumentRef-...:` before it.
    Reference(String),
    /// All of them; at least two.
    And(Vec<Self>),
    /// One of them; at least two.
    Or(Vec<Self>),
}

/// Why a text is no licence expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExpressionError {
    /// It is longer than [`MAX_LENGTH_BYTES`].
    #[error("licence expression of {0} bytes is too long")]
    TooLong(usize),
    /// Parentheses are nested deeper than [`MAX_DEPTH`].
    #[error("licence expression is nested too deeply")]
    TooDeep,
    /// A name is on no list.
    #[error("unknown licence {0:?}")]
    Unknown(String),
    /// A character has no place in an expression.
    #[error("unexpected {0:?} in licence expression")]
    Character(char),
    /// Something else should come here.
    #[error("licence expression: expected {0}")]
    Expected(&'static str),
}

impl FromStr for Expression {
    type Err = ExpressionError;

    fn from_str(text: &str) -> Result<Self, ExpressionError> {
        if text.len() > MAX_LENGTH_BYTES {
            return Err(ExpressionError::TooLong(text.len()));
        }
        let text = text.trim();
        if let Some(single) = license_with_exception(text) {
            return single;
        }
        let mut parser = Parser { tokens: scan(text)?.into_iter().peekable() };
        let expression = parser.alternatives(0)?;
        match parser.tokens.next() {
            None => Ok(expression),
            Some(_) => Err(ExpressionError::Expected("the end, AND or OR")),
        }
    }
}

/// `LICENSE with EXCEPTION`: here, and only here, `with` may be in any letter case, as for Syft.
fn license_with_exception(text: &str) -> Option<Result<Expression, ExpressionError>> {
    let mut words = text.split_whitespace();
    let (license, with, name) = (words.next()?, words.next()?, words.next()?);
    if words.next().is_some() || !with.eq_ignore_ascii_case("with") {
        return None;
    }
    let unknown = |name: &str| ExpressionError::Unknown(name.to_owned());
    let license = listed(license).ok_or_else(|| unknown(license));
    Some(license.and_then(|license| {
        let exception = exception(name).ok_or_else(|| unknown(name))?;
        Ok(Expression::License { id: license.id, or_later: false, exception: Some(exception) })
    }))
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    With,
    And,
    Or,
    Open,
    Close,
    License { id: &'static str, or_later: bool },
    Exception(&'static str),
    Reference(String),
}

fn scan(text: &str) -> Result<Vec<Token>, ExpressionError> {
    const OPERATORS: [(&str, Token); 5] =
        [("WITH", Token::With), ("AND", Token::And), ("OR", Token::Or), ("(", Token::Open), (")", Token::Close)];
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if first == ' ' {
            rest = rest.trim_start_matches(' ');
        } else if let Some((token, after)) =
            OPERATORS.iter().find_map(|(word, token)| Some((token, rest.strip_prefix(word)?)))
        {
            tokens.push(token.clone());
            rest = after;
        } else {
            let (token, after) = scan_name(rest)?;
            tokens.push(token);
            rest = after;
        }
    }
    Ok(tokens)
}

/// Reads a licence, an exception or a reference.
fn scan_name(text: &str) -> Result<(Token, &str), ExpressionError> {
    let (name, mut rest) = split_name(text);
    if name.is_empty() {
        return Err(text.chars().next().map_or(ExpressionError::Expected("a licence"), ExpressionError::Character));
    }
    if name.starts_with("DocumentRef-") {
        let behind = rest.strip_prefix(':').unwrap_or_default();
        let (license, after) = split_name(behind);
        return match license.strip_prefix(super::REFERENCE_PREFIX) {
            Some(id) if !id.is_empty() => Ok((Token::Reference(format!("{name}:{license}")), after)),
            _ => Err(ExpressionError::Expected("\":LicenseRef-...\" after \"DocumentRef-...\"")),
        };
    }
    if name.strip_prefix(super::REFERENCE_PREFIX).is_some_and(|id| !id.is_empty()) {
        return Ok((Token::Reference(name.to_owned()), rest));
    }
    let plus = rest.strip_prefix('+');
    rest = plus.unwrap_or(rest);
    let token = name_token(name, plus.is_some()).ok_or_else(|| ExpressionError::Unknown(name.to_owned()))?;
    Ok((token, rest))
}

fn split_name(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '.')).unwrap_or(text.len());
    text.split_at(end)
}

/// Finds a name on the lists. `-only` and `-or-later` may stand behind any licence, and `+` where there is an
/// `-or-later` form means that form.
fn name_token(name: &str, plus: bool) -> Option<Token> {
    let current = |name: &str| listed(name).filter(|license| !license.deprecated).map(|license| license.id);
    if let Some(id) = current(name) {
        return Some(Token::License { id, or_later: plus });
    }
    if let Some(id) = exception(name).filter(|_| !plus) {
        return Some(Token::Exception(id));
    }
    if let Some(id) = name.strip_suffix("-only").and_then(current) {
        return Some(Token::License { id, or_later: plus });
    }
    if let Some(id) = current(&format!("{name}-or-later")).filter(|_| plus) {
        return Some(Token::License { id, or_later: false });
    }
    if let Some(id) = name.strip_suffix("-or-later").and_then(current).filter(|_| !plus) {
        return Some(Token::License { id, or_later: true });
    }
    listed(name).map(|license| Token::License { id: license.id, or_later: plus })
}

struct Parser {
    tokens: Peekable<IntoIter<Token>>,
}

impl Parser {
    fn alternatives(&mut self, depth: usize) -> Result<Expression, ExpressionError> {
        let first = self.conjunction(depth)?;
        let mut all = vec![first];
        while self.tokens.next_if_eq(&Token::Or).is_some() {
            all.push(self.conjunction(depth)?);
        }
        Ok(joined(all, Expression::Or))
    }

    fn conjunction(&mut self, depth: usize) -> Result<Expression, ExpressionError> {
        let first = self.atom(depth)?;
        let mut all = vec![first];
        while self.tokens.next_if_eq(&Token::And).is_some() {
            all.push(self.atom(depth)?);
        }
        Ok(joined(all, Expression::And))
    }

    fn atom(&mut self, depth: usize) -> Result<Expression, ExpressionError> {
        match self.tokens.next() {
            Some(Token::Open) if depth >= MAX_DEPTH => Err(ExpressionError::TooDeep),
            Some(Token::Open) => {
                let inner = self.alternatives(depth + 1)?;
                let closed = self.tokens.next_if_eq(&Token::Close);
                closed.map(|_| inner).ok_or(ExpressionError::Expected("\")\""))
            }
            Some(Token::Reference(reference)) => Ok(Expression::Reference(reference)),
            Some(Token::License { id, or_later }) => {
                let exception = match self.tokens.next_if_eq(&Token::With) {
                    None => None,
                    Some(_) => match self.tokens.next() {
                        Some(Token::Exception(exception)) => Some(exception),
                        _ => return Err(ExpressionError::Expected("an exception after WITH")),
                    },
                };
                Ok(Expression::License { id, or_later, exception })
            }
            _ => Err(ExpressionError::Expected("a licence")),
        }
    }
}

fn joined(mut all: Vec<Expression>, join: fn(Vec<Expression>) -> Expression) -> Expression {
    match all.pop() {
        Some(only) if all.is_empty() => only,
        last => {
            all.extend(last);
            join(all)
        }
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::License { id, or_later, exception } => {
                write!(f, "{id}{}", if *or_later { "+" } else { "" })?;
                exception.map_or(Ok(()), |exception| write!(f, " WITH {exception}"))
            }
            Self::Reference(reference) => f.write_str(reference),
            Self::And(parts) => write_joined(f, parts, " AND ", |part| matches!(part, Self::And(_) | Self::Or(_))),
            Self::Or(parts) => write_joined(f, parts, " OR ", |part| matches!(part, Self::Or(_))),
        }
    }
}

fn write_joined(
    f: &mut fmt::Formatter<'_>,
    parts: &[Expression],
    separator: &str,
    needs_parentheses: fn(&Expression) -> bool,
) -> fmt::Result {
    for (at, part) in parts.iter().enumerate() {
        f.write_str(if at == 0 { "" } else { separator })?;
        if needs_parentheses(part) {
            write!(f, "({part})")?;
        } else {
            write!(f, "{part}")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let printed = text.parse::<Expression>().ok().map(|expression| expression.to_string());
        assert_eq!(printed.as_deref(), expected, "{text}");
    }

    #[test]
    fn reads_and_prints() {
        check("mit", Some("MIT"));
        check("MIT AND ISC OR apache-2.0", Some("MIT AND ISC OR Apache-2.0"));
        check("MIT AND (ISC OR Apache-2.0)", Some("MIT AND (ISC OR Apache-2.0)"));
        check("((MIT))", Some("MIT"));
        check("(MIT OR ISC) OR Zlib", Some("(MIT OR ISC) OR Zlib"));
        check("Apache-1.1+ AND MIT", Some("Apache-1.1+ AND MIT"));
        check("GPL-2.0+", Some("GPL-2.0-or-later"));
        check("GPL-2.0", Some("GPL-2.0"));
        check("(Apache-2.0-or-later)", Some("Apache-2.0+"));
        check("Apache-2.0-only", Some("Apache-2.0"));
        check("gpl-2.0 with classpath-exception-2.0", Some("GPL-2.0 WITH Classpath-exception-2.0"));
        check(
            "(GPL-2.0-only WITH Classpath-exception-2.0) OR MIT",
            Some("GPL-2.0-only WITH Classpath-exception-2.0 OR MIT"),
        );
        check("DocumentRef-a:LicenseRef-b OR LicenseRef-c", Some("DocumentRef-a:LicenseRef-b OR LicenseRef-c"));
    }

    #[test]
    fn rejects() {
        for text in [
            "",
            "mit or isc",
            "MIT ISC",
            "MIT OR",
            "AND MIT",
            "(MIT",
            "MIT)",
            "()",
            "MIT +",
            "MIT WITH MIT",
            "MIT WITH",
            "Classpath-exception-2.0",
            "Unknown",
            "MIT/ISC",
            "LicenseRef-",
            "DocumentRef-a",
            "DocumentRef-a:MIT",
            "LicenseRef-a WITH Classpath-exception-2.0 OR MIT",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn is_bounded() {
        let nested = |depth: usize| format!("{}MIT{}", "(".repeat(depth), ")".repeat(depth));
        check(&nested(MAX_DEPTH), Some("MIT"));
        assert_eq!(nested(MAX_DEPTH + 1).parse::<Expression>(), Err(ExpressionError::TooDeep));
        let long = "MIT OR ".repeat(MAX_LENGTH_BYTES / 7 + 1);
        assert!(matches!(long.parse::<Expression>(), Err(ExpressionError::TooLong(_))));
    }
}
