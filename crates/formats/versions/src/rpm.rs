//! RPM packages: `[epoch:]version[-release]`.
//!
//! rpm's `rpmvercmp`: stretches of letters or digits, all else only separates; `~` sorts before the end, `^` after it
//! but before anything else. A version without a release sorts before the same with one.

use std::cmp::Ordering;

use crate::MissingEpoch;
use crate::evr;
use crate::scan::{Number, Scan, compare_tokens, split_once};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Token<'a> {
    Tilde,
    End,
    Caret,
    Letters(&'a [u8]),
    Number(Number<'a>),
}

struct Tokens<'a>(Scan<'a>);

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.0.take_while(|b| !b.is_ascii_alphanumeric() && b != b'~' && b != b'^');
        Some(match self.0.peek()? {
            b'0'..=b'9' => Token::Number(self.0.number()),
            b'~' => {
                self.0.bump();
                Token::Tilde
            }
            b'^' => {
                self.0.bump();
                Token::Caret
            }
            _ => Token::Letters(self.0.take_while(|b| b.is_ascii_alphabetic())),
        })
    }
}

fn compare_part(a: &[u8], b: &[u8]) -> Ordering {
    compare_tokens(Tokens(Scan::new(a)), Tokens(Scan::new(b)), Token::End)
}

/// As Grype: zeros at the end do not count, `5.el8` is `5.el8.0.0`. Rebuilds of a distribution differ so. No order.
fn relate_part(a: &[u8], b: &[u8]) -> Ordering {
    let (mut a, mut b) = (Tokens(Scan::new(a)), Tokens(Scan::new(b)));
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (Some(a), Some(b)) => a.cmp(&b),
            (Some(first), None) => return relate_to_end(first, a),
            (None, Some(first)) => return relate_to_end(first, b).reverse(),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

fn relate_to_end<'a>(first: Token<'a>, mut rest: Tokens<'a>) -> Ordering {
    let is_zero = |token| token == Token::Number(Number::ZERO);
    match is_zero(first) && rest.all(is_zero) {
        true => Ordering::Equal,
        false => first.cmp(&Token::End),
    }
}

/// The version and, after the first hyphen, the release.
fn split(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    split_once(text, b'-').map_or((text, None), |(version, release)| (version, Some(release)))
}

fn compare_without_epoch(a: &[u8], b: &[u8]) -> Ordering {
    evr::compare_with_release(split(a), split(b), compare_part)
}

/// As Grype, a missing release is an empty one.
fn relate_without_epoch(a: &[u8], b: &[u8]) -> Ordering {
    let ((version_a, release_a), (version_b, release_b)) = (split(a), split(b));
    relate_part(version_a, version_b)
        .then_with(|| relate_part(release_a.unwrap_or_default(), release_b.unwrap_or_default()))
}

pub(crate) fn compare(a: &[u8], b: &[u8]) -> Ordering {
    evr::compare(a, b, compare_without_epoch)
}

pub(crate) fn relate(installed: &[u8], bound: &[u8], missing: MissingEpoch) -> Ordering {
    evr::relate(installed, bound, missing, relate_without_epoch)
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering::{Equal, Greater, Less};

    use crate::testing::{check_chain, check_equal, check_form, check_relation};
    use crate::{MissingEpoch, Scheme::Rpm};

    #[test]
    fn order() {
        check_chain(
            Rpm,
            &[
                "1.0~rc1-1",
                "1.0",
                "1.0-1.el8",
                "1.0-1.1.el8",
                "1.0-10.el8",
                "1.0^git1",
                "1.0a",
                "1.0.1",
                "1.10",
                "1:0.1",
            ],
        );
        check_equal(Rpm, &["1.0-1", "0:1.0-1", "1_0-1", "1.00-01"]);
    }

    #[test]
    fn epochs() {
        check_relation(
            Rpm,
            MissingEpoch::Auto,
            &[("1.0", "1:1.0", Equal), ("1:1.0", "1.0", Equal), ("1:1.0", "2:1.0", Less), ("1.1", "7:1.0", Greater)],
        );
        check_relation(
            Rpm,
            MissingEpoch::Zero,
            &[("8.3.1-5.el8", "0:8.3.1-5.el8.0.0", Equal), ("1.0", "1.0-0", Equal), ("1.0", "1.0.1", Less)],
        );
        check_relation(Rpm, MissingEpoch::Zero, &[("1.1", "1:1.0", Less), ("1:1.0", "1.1", Greater)]);
    }

    #[test]
    fn form() {
        check_form(Rpm, &["4.18.0-477.el8_8", "1:2-3", "7.0.0-rc4"], &["", "a:1", "-", "1:"]);
    }
}
