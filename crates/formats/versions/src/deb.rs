//! Debian and Ubuntu packages: `[epoch:]upstream[-revision]`, deb-version(7).
//!
//! dpkg's order: stretches without digits are compared byte by byte (`~`, then the end, then letters, then the rest),
//! stretches of digits as numbers. A missing epoch is 0 and a missing revision equals `0`.

use std::cmp::Ordering;

use crate::MissingEpoch;
use crate::evr::{self, split_epoch};
use crate::scan::{Number, Scan, compare_tokens, split_last};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Token<'a> {
    Tilde,
    Number(Number<'a>),
    Letter(u8),
    Other(u8),
}

struct Tokens<'a>(Scan<'a>);

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        Some(match self.0.peek()? {
            b'0'..=b'9' => Token::Number(self.0.number()),
            byte => {
                self.0.bump();
                match byte {
                    b'~' => Token::Tilde,
                    b'a'..=b'z' | b'A'..=b'Z' => Token::Letter(byte),
                    _ => Token::Other(byte),
                }
            }
        })
    }
}

/// The revision is what follows the last hyphen; a missing one is empty, which equals `0`.
fn split_revision(text: &[u8]) -> (&[u8], &[u8]) {
    split_last(text, b'-').unwrap_or((text, &[]))
}

/// The end of a stretch counts as the number 0, as in dpkg: `1.` equals `1.0`.
fn compare_part(a: &[u8], b: &[u8]) -> Ordering {
    compare_tokens(Tokens(Scan::new(a)), Tokens(Scan::new(b)), Token::Number(Number::ZERO))
}

fn compare_without_epoch(a: &[u8], b: &[u8]) -> Ordering {
    let ((upstream_a, revision_a), (upstream_b, revision_b)) = (split_revision(a), split_revision(b));
    compare_part(upstream_a, upstream_b).then_with(|| compare_part(revision_a, revision_b))
}

pub(crate) fn compare(a: &[u8], b: &[u8]) -> Ordering {
    evr::compare(a, b, compare_without_epoch)
}

/// Grype's `auto` takes the bound's epoch for an installed version that has none, and for nothing else.
pub(crate) fn relate(installed: &[u8], bound: &[u8], missing: MissingEpoch) -> Ordering {
    match (missing, split_epoch(installed), split_epoch(bound)) {
        (MissingEpoch::Auto, (None, a), (Some(_), b)) => compare_without_epoch(a, b),
        _ => compare(installed, bound),
    }
}

pub(crate) fn check(text: &[u8]) -> Result<(), &'static str> {
    let (upstream, revision) = split_revision(evr::check_epoch(text)?);
    let allowed = |b: &u8, more: &[u8]| b.is_ascii_alphanumeric() || *b >= 0x80 || more.contains(b);
    if !upstream.first().is_some_and(u8::is_ascii_digit) {
        return Err("the upstream version does not begin with a digit");
    }
    if !upstream.iter().all(|b| allowed(b, b".-+~:_")) || !revision.iter().all(|b| allowed(b, b"+.~_")) {
        return Err("a character that is not allowed");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering::{Equal, Greater, Less};

    use crate::testing::{check_chain, check_equal, check_form, check_relation};
    use crate::{MissingEpoch, Scheme::Deb};

    #[test]
    fn order() {
        check_chain(
            Deb,
            &[
                "1.0~~",
                "1.0~rc1-1",
                "1.0-1",
                "1.0-1+b1",
                "1.0-1.1",
                "1.0a",
                "1.0+dfsg",
                "1.0.1",
                "1.10",
                "0:2.0",
                "1:0.1",
            ],
        );
        check_equal(Deb, &["1.0", "0:1.0", "1.0-0", "1.0-", "1.00-000"]);
    }

    #[test]
    fn epochs() {
        check_relation(Deb, MissingEpoch::Zero, &[("1.0", "1:1.0", Less), ("1:1.0", "1.0", Greater)]);
        check_relation(
            Deb,
            MissingEpoch::Auto,
            &[("1.0", "1:1.0", Equal), ("1:1.0", "1.0", Greater), ("1:1.0", "2:1.0", Less)],
        );
    }

    #[test]
    fn form() {
        check_form(Deb, &["1:2.3-4ubuntu1~22.04", "0"], &["", "a:1", "abc", "1.0 1", "1.0-1:2"]);
    }
}
