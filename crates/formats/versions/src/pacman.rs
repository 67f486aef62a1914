//! Arch Linux packages: `[epoch:]version[-release]`, vercmp(8).
//!
//! Like rpm's order with three differences of pacman's: letters glued to what goes before them come before the end
//! (`1.0rc1 < 1.0`), letters after a separator come after it (`1.0 < 1.0.a`), and fewer separators come first
//! (`1.0 < 1..0`). `~` comes before all, as Grype has it; pacman takes it for a separator.

use std::cmp::Ordering;

use crate::MissingEpoch;
use crate::evr;
use crate::scan::{Number, Scan, compare_tokens, split_last};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Token<'a> {
    Tilde,
    GluedLetters(&'a [u8]),
    End,
    /// With the number of separators before it.
    Segment(usize, Segment<'a>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Segment<'a> {
    Letters(&'a [u8]),
    Number(Number<'a>),
}

struct Tokens<'a>(Scan<'a>);

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let separators = self.0.take_while(|b| !b.is_ascii_alphanumeric() && b != b'~').len();
        Some(match (self.0.peek()?, separators) {
            (b'~', _) => {
                self.0.bump();
                Token::Tilde
            }
            (b'0'..=b'9', _) => Token::Segment(separators, Segment::Number(self.0.number())),
            (_, 0) => Token::GluedLetters(self.letters()),
            _ => Token::Segment(separators, Segment::Letters(self.letters())),
        })
    }
}

impl<'a> Tokens<'a> {
    fn letters(&mut self) -> &'a [u8] {
        self.0.take_while(|b| b.is_ascii_alphabetic())
    }
}

fn compare_part(a: &[u8], b: &[u8]) -> Ordering {
    compare_tokens(Tokens(Scan::new(a)), Tokens(Scan::new(b)), Token::End)
}

fn compare_without_epoch(a: &[u8], b: &[u8]) -> Ordering {
    let split = |text| split_last(text, b'-').map_or((text, None), |(version, release)| (version, Some(release)));
    evr::compare_with_release(split(a), split(b), compare_part)
}

pub(crate) fn compare(a: &[u8], b: &[u8]) -> Ordering {
    evr::compare(a, b, compare_without_epoch)
}

pub(crate) fn relate(installed: &[u8], bound: &[u8], missing: MissingEpoch) -> Ordering {
    evr::relate(installed, bound, missing, compare_without_epoch)
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering::{Equal, Less};

    use crate::testing::{check_chain, check_equal, check_form, check_relation};
    use crate::{MissingEpoch, Scheme::Pacman};

    #[test]
    fn order() {
        // The first line of vercmp(8), then releases and epochs.
        check_chain(
            Pacman,
            &["1.0a", "1.0alpha", "1.0b", "1.0beta", "1.0p", "1.0pre", "1.0rc", "1.0", "1.0.a", "1.0.1"],
        );
        check_chain(Pacman, &["1.0~rc1-1", "1.0", "1.0-1", "1.0-2", "1.1-1", "2:0.1-1"]);
        check_chain(Pacman, &["0.115+24+g5230646-1", "0.116-1"]);
        check_equal(Pacman, &["1.0.001", "1.0.1", "0:1.0.1"]);
    }

    #[test]
    fn epochs() {
        check_relation(Pacman, MissingEpoch::Auto, &[("1.0-1", "1:1.0-1", Equal), ("1:1.0-1", "2:1.0-1", Less)]);
        check_relation(Pacman, MissingEpoch::Zero, &[("1.0-1", "1:1.0-1", Less)]);
    }

    #[test]
    fn form() {
        check_form(Pacman, &["1:3.0.7-4", "8.4.0-1"], &["", "x:1"]);
    }
}
