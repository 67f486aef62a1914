//! Versions of which only the text is known: CPE matches, binaries, the kernel.
//!
//! [`compare`] is natural order: numbers by value, a missing number is 0, words that announce a release (`alpha`, `rc`,
//! …) before it and all others after it (`1.1.1 < 1.1.1w < 1.1.1.1`).
//!
//! [`relate`] is what Grype does when it matches: two versions that look like semantic ones are compared so, others part
//! by part. It is no order (`1.0` equals `1.0.0`, but a third version may lie between them): never sort by it.

use std::cmp::Ordering;

use crate::scan::{Folded, Number, Scan, compare_tokens, strip_v};
use crate::semver;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Token<'a> {
    BeforeRelease(usize),
    Zero,
    Word(Folded<'a>),
    Number(Number<'a>),
}

const BEFORE_RELEASE: [&[u8]; 10] =
    [b"dev", b"nightly", b"snapshot", b"alpha", b"beta", b"milestone", b"pre", b"preview", b"rc", b"cr"];

struct Tokens<'a>(Scan<'a>);

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.0.take_while(|b| !is_word(b) && !b.is_ascii_digit());
        if self.0.peek()?.is_ascii_digit() {
            let number = self.0.number();
            return Some(if number.is_zero() { Token::Zero } else { Token::Number(number) });
        }
        let word = self.0.take_while(is_word);
        let rank = BEFORE_RELEASE.iter().position(|name| word.eq_ignore_ascii_case(name));
        Some(rank.map_or(Token::Word(Folded(word)), Token::BeforeRelease))
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte >= 0x80
}

pub(crate) fn compare(a: &[u8], b: &[u8]) -> Ordering {
    compare_tokens(Tokens(Scan::new(strip_v(a))), Tokens(Scan::new(strip_v(b))), Token::Zero)
}

pub(crate) fn relate(installed: &[u8], bound: &[u8]) -> Ordering {
    match looks_semantic(installed) && looks_semantic(bound) {
        true => semver::compare(installed, bound),
        false => compare_by_parts(installed, bound),
    }
}

/// One to three numbers, a prerelease after `-`, `alpha`, `beta` or `rc`, a build after `+`.
fn looks_semantic(text: &[u8]) -> bool {
    let mut scan = Scan::new(text);
    scan.eat(b"vV");
    if !eat_number(&mut scan) {
        return false;
    }
    for _ in 0..2 {
        let mut ahead = scan;
        if ahead.eat(b".") && eat_number(&mut ahead) {
            scan = ahead;
        }
    }
    let is_identifier = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    if [b"-".as_slice(), b"alpha", b"beta", b"rc"].iter().any(|start| scan.eat_word(start)) {
        let words = scan.take_while(|b| is_identifier(b) || b == b'.');
        let leads_with_zero =
            |word: &[u8]| word.len() > 1 && word.starts_with(b"0") && word.iter().all(u8::is_ascii_digit);
        if words.split(|b| *b == b'.').any(|word| word.is_empty() || leads_with_zero(word)) {
            return false;
        }
    }
    if scan.eat(b"+") {
        let words = scan.take_while(|b| is_identifier(b) || b == b'.');
        if words.split(|b| *b == b'.').any(<[u8]>::is_empty) {
            return false;
        }
    }
    scan.at_end()
}

/// A number without leading zeros.
fn eat_number(scan: &mut Scan<'_>) -> bool {
    !matches!(scan.digits(), [] | [b'0', _, ..])
}

/// Parts end at punctuation. Their leading digits count as numbers, the rest as text, but a number after a letter
/// (`p9`, `rc10`) as a number again; of two that are equal so far the longer text is the later version.
fn compare_by_parts(a: &[u8], b: &[u8]) -> Ordering {
    let strip = |text| text_after_v(text).unwrap_or(text);
    let (a, b) = (strip(a), strip(b));
    let (mut scan_a, mut scan_b) = (Scan::new(a), Scan::new(b));
    while !scan_a.at_end() && !scan_b.at_end() {
        let order = Part::read(&mut scan_a).compare(&Part::read(&mut scan_b));
        if order != Ordering::Equal {
            return order;
        }
    }
    a.len().cmp(&b.len())
}

fn text_after_v(text: &[u8]) -> Option<&[u8]> {
    text.strip_prefix(b"v").or_else(|| text.strip_prefix(b"V"))
}

#[derive(Debug, Clone, Copy)]
struct Part<'a> {
    number: Number<'a>,
    text: &'a [u8],
}

impl<'a> Part<'a> {
    fn read(scan: &mut Scan<'a>) -> Self {
        let number = scan.number();
        let text = scan.take_while(|b| !b.is_ascii_punctuation());
        scan.bump();
        Part { number, text }
    }

    fn compare(&self, other: &Self) -> Ordering {
        let texts = || match (split_patch(self.text), split_patch(other.text)) {
            (Some((word_a, patch_a)), Some((word_b, patch_b))) => {
                let by_number = || match (as_number(patch_a), as_number(patch_b)) {
                    (Some(a), Some(b)) => a.cmp(&b),
                    _ => Ordering::Equal,
                };
                word_a.cmp(word_b).then_with(by_number)
            }
            _ => Ordering::Equal,
        };
        self.number.cmp(&other.number).then_with(texts).then_with(|| self.text.cmp(other.text))
    }
}

/// Splits before the first digit that follows a letter.
fn split_patch(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.windows(2).position(|pair| matches!(pair, [a, b] if is_word(*a) && b.is_ascii_digit()))?;
    text.split_at_checked(at + 1)
}

fn as_number(text: &[u8]) -> Option<Number<'_>> {
    text.iter().all(u8::is_ascii_digit).then(|| Number::new(text))
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering::{Equal, Greater, Less};

    use crate::MissingEpoch;
    use crate::Scheme::Generic;
    use crate::testing::{check_chain, check_equal, check_form, check_relation};

    #[test]
    fn order() {
        check_chain(
            Generic,
            &[
                "1.0-dev",
                "1.0alpha1",
                "1.0-rc2",
                "1.0-rc10",
                "1.0",
                "1.0.2k",
                "1.0.2l",
                "1.1.1",
                "1.1.1w",
                "1.1.1.1",
                "4.2.8p9",
                "4.2.8p15",
            ],
        );
        check_equal(Generic, &["1", "v1.0", "1.0.0"]);
    }

    #[test]
    fn as_grype_matches() {
        check_relation(
            Generic,
            MissingEpoch::Zero,
            &[
                ("1.0", "1.0.0", Equal),
                ("1.2.0-beta", "1.2.0", Less),
                ("1.0.4", "1.0.4+metadata", Equal),
                ("1.0.2k", "1.0.2l", Less),
                ("4.2.8p9", "4.2.8p15", Less),
                ("95SE", "98SP1", Less),
                ("5-1.16", "5_1.0.6", Greater),
                ("5-a1", "5.a1", Equal),
                ("1.4", "1.02", Greater),
                ("5.0", "08.0", Less),
                ("1.8.0_456-b1", "1.8.0_456-b2", Less),
                ("1.3.2-r0", "1.3.3-r0", Less),
            ],
        );
    }

    #[test]
    fn form() {
        check_form(Generic, &["anything"], &[""]);
    }
}
