//! Gentoo packages: `number{.number}…{letter}{_suffix{number}}…{-r#}`, the Package Manager Specification's
//! "Version Comparison".
//!
//! A part after the first that begins with `0` is compared as a decimal fraction. Order of suffixes:
//! `_alpha < _beta < _pre < _rc < (none) < _p`. As in Grype the version begins at the first digit and ends where the
//! form does; a text without any digit sorts before every version.

use std::cmp::Ordering;

use crate::scan::{Number, Scan, compare_tokens};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Token<'a> {
    Before(u8, Number<'a>),
    End,
    Patch(Number<'a>),
    Letter(u8),
    /// Digits after the leading zero, without trailing zeros.
    Fraction(&'a [u8]),
    Whole(Number<'a>),
}

const SUFFIXES: [(&[u8], Option<u8>); 5] =
    [(b"alpha", Some(0)), (b"beta", Some(1)), (b"pre", Some(2)), (b"rc", Some(3)), (b"p", None)];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    First,
    Numbers,
    Suffixes,
}

#[derive(Debug, Clone)]
struct Tokens<'a> {
    scan: Scan<'a>,
    expect: Expect,
}

impl<'a> Tokens<'a> {
    /// `text` begins with a digit.
    fn new(text: &'a [u8]) -> Self {
        Tokens { scan: Scan::new(text), expect: Expect::First }
    }

    fn component(&mut self) -> Option<Token<'a>> {
        let digits = self.scan.digits();
        Some(match digits.split_first()? {
            (b'0', fraction) => {
                let zeros = fraction.iter().rev().take_while(|b| **b == b'0').count();
                Token::Fraction(fraction.split_at(fraction.len() - zeros).0)
            }
            _ => Token::Whole(Number::new(digits)),
        })
    }

    fn suffix(&mut self) -> Option<Token<'a>> {
        let mut ahead = self.scan;
        ahead.bump();
        let (_, rank) = SUFFIXES.iter().find(|(name, _)| ahead.eat_word(name))?;
        self.scan = ahead;
        self.expect = Expect::Suffixes;
        let number = self.scan.number();
        Some(rank.map_or(Token::Patch(number), |rank| Token::Before(rank, number)))
    }

    /// What follows the tokens; call it after them.
    fn revision(mut self) -> Number<'a> {
        match self.scan.eat_word(b"-r") {
            true => self.scan.number(),
            false => Number::ZERO,
        }
    }
}

impl<'a> Iterator for &mut Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let in_numbers = self.expect == Expect::Numbers;
        match self.scan.peek()? {
            _ if self.expect == Expect::First => {
                self.expect = Expect::Numbers;
                Some(Token::Whole(self.scan.number()))
            }
            b'.' if in_numbers && self.scan.peek_second().is_some_and(|b| b.is_ascii_digit()) => {
                self.scan.bump();
                self.component()
            }
            letter @ b'a'..=b'z' if in_numbers => {
                self.scan.bump();
                self.expect = Expect::Suffixes;
                Some(Token::Letter(letter))
            }
            b'_' => self.suffix(),
            _ => None,
        }
    }
}

fn from_first_digit(text: &[u8]) -> Option<&[u8]> {
    text.iter().position(u8::is_ascii_digit).map(|at| text.split_at(at).1)
}

pub(crate) fn compare(a: &[u8], b: &[u8]) -> Ordering {
    match (from_first_digit(a), from_first_digit(b)) {
        (Some(a), Some(b)) => {
            let (mut a, mut b) = (Tokens::new(a), Tokens::new(b));
            compare_tokens(&mut a, &mut b, Token::End).then_with(|| a.revision().cmp(&b.revision()))
        }
        (None, None) => a.cmp(b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

pub(crate) fn check(text: &[u8]) -> Result<(), &'static str> {
    from_first_digit(text).map(drop).ok_or("it has no number")
}

#[cfg(test)]
mod tests {
    use crate::Scheme::Portage;
    use crate::testing::{check_chain, check_equal, check_form};

    #[test]
    fn order() {
        check_chain(
            Portage,
            &[
                "none",
                "1.2_alpha",
                "1.2_alpha1",
                "1.2_beta",
                "1.2_pre1",
                "1.2_rc1_p1",
                "1.2",
                "1.2-r1",
                "1.2-r10",
                "1.2_p",
                "1.2_p1",
                "1.2a",
                "1.2.0",
                "1.2.02",
                "1.2.1",
                "1.10",
            ],
        );
        check_equal(Portage, &["1.010", "1.01", "01.01-r0"]);
    }

    #[test]
    fn form() {
        check_form(Portage, &["1", "1.2b_alpha_p3-r1", "a1"], &["", "none", "N/A"]);
    }
}
