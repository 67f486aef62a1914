//! CRAN and Hackage: numbers alone. A missing number comes before 0, so `1.0 < 1.0.0`.
//!
//! CRAN takes hyphens for dots. A stray word sorts before the end of the version.

use std::cmp::Ordering;

use crate::scan::{Number, compare_tokens};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Token<'a> {
    Word(&'a [u8]),
    End,
    Number(Number<'a>),
}

fn tokens<'a>(text: &'a [u8], separators: &'static [u8]) -> impl Iterator<Item = Token<'a>> {
    text.split(|b| separators.contains(b)).map(|part| match part.iter().all(u8::is_ascii_digit) {
        true => Token::Number(Number::new(part)),
        false => Token::Word(part),
    })
}

pub(crate) fn compare(a: &[u8], b: &[u8], separators: &'static [u8]) -> Ordering {
    compare_tokens(tokens(a, separators), tokens(b, separators), Token::End)
}

pub(crate) fn check(text: &[u8], separators: &[u8]) -> Result<(), &'static str> {
    let is_number = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    match text.split(|b| separators.contains(b)).all(is_number) {
        true => Ok(()),
        false => Err("a part is not a number"),
    }
}

#[cfg(test)]
mod tests {
    use crate::Scheme::{Cran, Hackage};
    use crate::testing::{check_chain, check_equal, check_form};

    #[test]
    fn order() {
        check_chain(Cran, &["0.1-2", "0.1.4", "0.1-18", "0.2", "0.2-0", "1.0"]);
        check_equal(Cran, &["0.01.0", "0.1-0"]);
        check_chain(Hackage, &["0", "0.1.26.0", "0.11.3.0", "1.0", "1.0.0", "1.0.0.0"]);
    }

    #[test]
    fn form() {
        check_form(Cran, &["1.0-1"], &["", "1.0.", "1.a"]);
        check_form(Hackage, &["1.0.0"], &["", "1.0-1"]);
    }
}
