//! What every scheme needs: a cursor over bytes, numbers of any length, and the one comparison of token sequences.

use std::cmp::Ordering;

/// A run of digits as a number: leading zeros do not count, length has no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Number<'a>(&'a [u8]);

impl<'a> Number<'a> {
    pub(crate) const ZERO: Self = Number(&[]);

    /// `digits` holds ASCII digits only; none means zero.
    pub(crate) fn new(digits: &'a [u8]) -> Self {
        let zeros = digits.iter().take_while(|d| **d == b'0').count();
        Number(digits.split_at(zeros).1)
    }

    pub(crate) fn is_zero(self) -> bool {
        self.0.is_empty()
    }
}

impl Ord for Number<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.cmp(other.0))
    }
}

impl PartialOrd for Number<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Text that is ordered without regard to ASCII case.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Folded<'a>(pub(crate) &'a [u8]);

impl Ord for Folded<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.iter().map(u8::to_ascii_lowercase).cmp(other.0.iter().map(u8::to_ascii_lowercase))
    }
}

impl PartialOrd for Folded<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Folded<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Folded<'_> {}

/// Compares two sequences token by token; the shorter one goes on with `pad` for ever.
///
/// Wherever tokens have a total order, so have the sequences: this is why each scheme here is written as an iterator
/// of tokens. Cost: linear in the shorter sequence, as the pad differs from most tokens.
pub(crate) fn compare_tokens<T: Ord>(
    mut a: impl Iterator<Item = T>,
    mut b: impl Iterator<Item = T>,
    pad: T,
) -> Ordering {
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (Some(a), Some(b)) => a.cmp(&b),
            (Some(a), None) => a.cmp(&pad),
            (None, Some(b)) => pad.cmp(&b),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// A cursor over the bytes of one version.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scan<'a> {
    rest: &'a [u8],
}

impl<'a> Scan<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Scan { rest: text }
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn at_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// The byte after the next one.
    pub(crate) fn peek_second(&self) -> Option<u8> {
        self.rest.get(1).copied()
    }

    pub(crate) fn bump(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    /// Takes the next byte when it is one of `bytes`.
    pub(crate) fn eat(&mut self, bytes: &[u8]) -> bool {
        let found = self.peek().is_some_and(|b| bytes.contains(&b));
        if found {
            self.bump();
        }
        found
    }

    /// Takes `word` when it comes next; case counts.
    pub(crate) fn eat_word(&mut self, word: &[u8]) -> bool {
        match self.rest.strip_prefix(word) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Takes `word` when it comes next, in any ASCII case.
    pub(crate) fn eat_word_folded(&mut self, word: &[u8]) -> bool {
        match self.rest.split_at_checked(word.len()) {
            Some((head, rest)) if head.eq_ignore_ascii_case(word) => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    pub(crate) fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self.rest.iter().position(|b| !wanted(*b)).unwrap_or(self.rest.len());
        let (head, rest) = self.rest.split_at(end);
        self.rest = rest;
        head
    }

    /// Digits that come next; may be empty.
    pub(crate) fn digits(&mut self) -> &'a [u8] {
        self.take_while(|b| b.is_ascii_digit())
    }

    /// The digits that come next as a number; none is zero.
    pub(crate) fn number(&mut self) -> Number<'a> {
        Number::new(self.digits())
    }
}

/// The version without a `v` or `V` before its first digit.
pub(crate) fn strip_v(text: &[u8]) -> &[u8] {
    match text {
        [b'v' | b'V', rest @ ..] if rest.first().is_some_and(u8::is_ascii_digit) => rest,
        _ => text,
    }
}

/// Splits at the first `separator`; it belongs to neither part.
pub(crate) fn split_once(text: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|b| *b == separator)?;
    let (head, tail) = text.split_at(at);
    Some((head, tail.split_first()?.1))
}

/// Splits at the last `separator`; it belongs to neither part.
pub(crate) fn split_last(text: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = text.iter().rposition(|b| *b == separator)?;
    let (head, tail) = text.split_at(at);
    Some((head, tail.split_first()?.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_no_limit() {
        let long = [b'9'; 500];
        assert!(Number::new(b"007") == Number::new(b"7"));
        assert!(Number::new(b"10") > Number::new(b"9"));
        assert!(Number::new(&long) > Number::new(b"18446744073709551616"));
        assert!(Number::new(b"000").is_zero());
    }
}
