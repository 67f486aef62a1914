//! Alpine, Wolfi and Chainguard packages.
//!
//! Grammar (apk-package(5)): `number{.number}…{letter}{_suffix{number}}…{~hash}{-r#}`. The order is that of apk-tools:
//! at the first difference what is still to come decides, `1.2_rc1 < 1.2 < 1.2-r0 < 1.2_p1 < 1.2a < 1.2.0`. A part
//! after the first that begins with `0` is compared as text, as a fraction would be. What does not fit the grammar ends
//! the version there and sorts before a version that ends well.

use std::cmp::Ordering;

use crate::scan::{Number, Scan, compare_tokens, strip_v};

const PRE_SUFFIXES: [&[u8]; 4] = [b"alpha", b"beta", b"pre", b"rc"];
const POST_SUFFIXES: [&[u8]; 5] = [b"cvs", b"svn", b"git", b"hg", b"p"];

/// The order of the variants is the order of versions that are equal up to here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Token<'a> {
    Invalid,
    PreSuffix(usize),
    End,
    Revision(Number<'a>),
    Hash(&'a [u8]),
    SuffixNumber(Number<'a>),
    PostSuffix(usize),
    /// Nothing between two dots.
    Empty,
    Letter(u8),
    Fraction(&'a [u8]),
    Whole(Number<'a>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    First,
    AfterNumber,
    AfterLetter,
    AfterSuffix,
    AfterSuffixNumber,
    AfterHash,
    Nothing,
}

struct Tokens<'a> {
    scan: Scan<'a>,
    expect: Expect,
}

impl<'a> Tokens<'a> {
    fn new(text: &'a [u8]) -> Self {
        Tokens { scan: Scan::new(strip_v(text)), expect: Expect::First }
    }

    fn component(&mut self) -> Token<'a> {
        self.expect = Expect::AfterNumber;
        match self.scan.digits() {
            [] => Token::Empty,
            digits @ [b'0', ..] => Token::Fraction(digits),
            digits => Token::Whole(Number::new(digits)),
        }
    }

    fn suffix(&mut self) -> Token<'a> {
        self.expect = Expect::AfterSuffix;
        let mut find = |names: &[&[u8]]| names.iter().position(|name| self.scan.eat_word(name));
        if let Some(rank) = find(&PRE_SUFFIXES) {
            return Token::PreSuffix(rank);
        }
        match find(&POST_SUFFIXES) {
            Some(rank) => Token::PostSuffix(rank),
            None => self.invalid(),
        }
    }

    /// After `-`: `r` and digits, which may be missing (`1-r` is `1-r0`); a word such as `-ruff` is no revision.
    fn revision(&mut self) -> Token<'a> {
        if !self.scan.eat(b"r") || self.scan.peek().is_some_and(|b| b.is_ascii_alphabetic()) {
            return self.invalid();
        }
        self.expect = Expect::Nothing;
        Token::Revision(self.scan.number())
    }

    fn invalid(&mut self) -> Token<'a> {
        self.scan = Scan::new(&[]);
        Token::Invalid
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        if self.expect == Expect::First {
            self.expect = Expect::AfterNumber;
            return Some(Token::Whole(self.scan.number()));
        }
        let expect = self.expect;
        let token = match self.scan.peek()? {
            b'0'..=b'9' if expect == Expect::AfterLetter => self.component(),
            b'0'..=b'9' if expect == Expect::AfterSuffix => {
                self.expect = Expect::AfterSuffixNumber;
                Token::SuffixNumber(self.scan.number())
            }
            b'.' if expect == Expect::AfterNumber => {
                self.scan.bump();
                self.component()
            }
            letter @ b'a'..=b'z' if expect == Expect::AfterNumber => {
                self.scan.bump();
                self.expect = Expect::AfterLetter;
                Token::Letter(letter)
            }
            b'_' if !matches!(expect, Expect::AfterHash | Expect::Nothing) => {
                self.scan.bump();
                self.suffix()
            }
            b'~' if !matches!(expect, Expect::AfterHash | Expect::Nothing) => {
                self.scan.bump();
                self.expect = Expect::AfterHash;
                Token::Hash(self.scan.take_while(|b| b.is_ascii_hexdigit()))
            }
            b'-' if expect != Expect::Nothing => {
                self.scan.bump();
                self.revision()
            }
            _ => self.invalid(),
        };
        Some(token)
    }
}

pub(crate) fn compare(a: &[u8], b: &[u8]) -> Ordering {
    compare_tokens(Tokens::new(a), Tokens::new(b), Token::End)
}

pub(crate) fn check(text: &[u8]) -> Result<(), &'static str> {
    if !strip_v(text).first().is_some_and(u8::is_ascii_digit) {
        return Err("it does not begin with a digit");
    }
    // `10.2.24.r0` breaks the grammar, but aports had it, and both apk-tools and Grype take it.
    match Tokens::new(text).any(|token| token == Token::Invalid) {
        true => Err("an unknown suffix or a stray character"),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use crate::Scheme::Apk;
    use crate::testing::{check_chain, check_equal, check_form};

    #[test]
    fn order() {
        check_chain(
            Apk,
            &[
                "1.2_blah",
                "1.2_alpha",
                "1.2_alpha1",
                "1.2_rc1",
                "1.2",
                "1.2-r0",
                "1.2-r10",
                "1.2_git1",
                "1.2_p1",
                "1.2a",
                "1.2.0",
                "1.2.05",
                "1.2.1",
                "1.10",
            ],
        );
        check_equal(Apk, &["1.5.0-r1", "v1.5.0-r1", "1.5.0-r01"]);
    }

    #[test]
    fn form() {
        check_form(
            Apk,
            &["1", "1.2.3a_rc1_p2~0fae-r3", "20230506-r0", "10.2.24.r0"],
            &["", "a1", "1.2_foo", "1.2-r1.el9", "1.2A"],
        );
    }
}
