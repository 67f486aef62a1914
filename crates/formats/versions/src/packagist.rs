//! Packagist: PHP's `version_compare`, with Composer's leading `v` taken off.
//!
//! Parts end at dots, at `-`, `_`, `+` and between digits and the rest. Order of what may follow:
//! `any other word < dev < a < b < rc < (end) < a number < p`; words count by their first letters, `RC` and `rc` only
//! so written. `#` is PHP's own sign for "some number": in an order it adds nothing, in a match it equals every number.

use std::cmp::Ordering;

use crate::scan::{Number, Scan, compare_tokens};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Token<'a> {
    OtherWord,
    BeforeRelease(usize),
    End,
    SomeNumber,
    Number(Number<'a>),
    Patch,
}

/// PHP's table up to the release; its `alpha` and `beta` begin with `a` and `b`.
const BEFORE_RELEASE: [&[&[u8]]; 4] = [&[b"dev"], &[b"a"], &[b"b"], &[b"RC", b"rc"]];

struct Tokens<'a>(Scan<'a>);

impl<'a> Tokens<'a> {
    fn new(text: &'a [u8]) -> Self {
        Tokens(Scan::new(text.strip_prefix(b"v").or_else(|| text.strip_prefix(b"V")).unwrap_or(text)))
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.0.take_while(|b| b".-_+".contains(&b));
        if self.0.peek()?.is_ascii_digit() {
            return Some(Token::Number(self.0.number()));
        }
        if self.0.eat(b"#") {
            return Some(Token::SomeNumber);
        }
        let word = self.0.take_while(|b| !b.is_ascii_digit() && !b".-_+#".contains(&b));
        let rank = BEFORE_RELEASE.iter().position(|names| names.iter().any(|name| word.starts_with(name)));
        Some(match rank {
            Some(rank) => Token::BeforeRelease(rank),
            None if word.starts_with(b"p") => Token::Patch,
            None => Token::OtherWord,
        })
    }
}

pub(crate) fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let tokens = |text| Tokens::new(text).filter(|token| *token != Token::SomeNumber);
    compare_tokens(tokens(a), tokens(b), Token::End)
}

/// As Composer, which gives every version four numbers before it compares: `1.0` is `1.0.0`, `1.0pl1 < 1.0.1`.
pub(crate) fn relate(installed: &[u8], bound: &[u8]) -> Ordering {
    let (mut a, mut b) = (Tokens::new(installed).peekable(), Tokens::new(bound).peekable());
    let is_number = |token: &Token<'_>| matches!(token, Token::SomeNumber | Token::Number(_));
    loop {
        let zero = Token::Number(Number::ZERO);
        let order = match (a.next_if(is_number), b.next_if(is_number)) {
            (None, None) => return compare_tokens(a, b, Token::End),
            (Some(Token::SomeNumber), _) | (_, Some(Token::SomeNumber)) => Ordering::Equal,
            (a, b) => a.unwrap_or(zero).cmp(&b.unwrap_or(zero)),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering::{Equal, Greater, Less};

    use crate::MissingEpoch;
    use crate::Scheme::Packagist;
    use crate::testing::{check_chain, check_equal, check_form, check_relation};

    #[test]
    fn order() {
        check_chain(
            Packagist,
            &[
                "dev-master",
                "1.0-foo",
                "1.0-dev",
                "1.0a1",
                "1.0-beta2",
                "1.0RC1",
                "1.0",
                "1.0.0",
                "1.0.1",
                "1.0pl1",
                "1.10",
            ],
        );
        check_equal(Packagist, &["1.0.0rc2", "v1.0.0.RC2", "V1.0.0-rc.2"]);
    }

    #[test]
    fn as_composer_matches() {
        check_relation(
            Packagist,
            MissingEpoch::Zero,
            &[
                ("1.0.0", "1.0", Equal),
                ("1.0-beta1", "1.0.0.0-beta1", Equal),
                ("4.3.0-RC1", "4.3", Less),
                ("1.0pl1", "1.0.1", Less),
                ("1.0.0-p1", "1.0", Greater),
                ("dev-master", "0.1", Less),
            ],
        );
    }

    #[test]
    fn form() {
        check_form(Packagist, &["1.0", "dev-master"], &[""]);
    }
}
