//! What `[epoch:]version[-release]` schemes share.

use std::cmp::Ordering;

use crate::MissingEpoch;
use crate::scan::{Number, split_once};

/// Compares versions whose epochs are already split off, or parts of them.
pub(crate) type Compare = fn(&[u8], &[u8]) -> Ordering;

/// Splits off the epoch: the digits (at least one) before the first `:`.
pub(crate) fn split_epoch(text: &[u8]) -> (Option<Number<'_>>, &[u8]) {
    match split_once(text, b':') {
        Some((epoch, rest)) if !epoch.is_empty() && epoch.iter().all(u8::is_ascii_digit) => {
            (Some(Number::new(epoch)), rest)
        }
        _ => (None, text),
    }
}

/// Compares by epoch, a missing one being 0, then by `rest`.
pub(crate) fn compare(a: &[u8], b: &[u8], rest: Compare) -> Ordering {
    let ((epoch_a, a), (epoch_b, b)) = (split_epoch(a), split_epoch(b));
    epoch_a.unwrap_or(Number::ZERO).cmp(&epoch_b.unwrap_or(Number::ZERO)).then_with(|| rest(a, b))
}

/// As [`compare`], but with [`MissingEpoch::Auto`] epochs count only where both sides have one. That is Grype's way for
/// rpm and pacman, since feeds and names of source packages often lose the epoch. It is no order: never sort by it.
pub(crate) fn relate(installed: &[u8], bound: &[u8], missing: MissingEpoch, rest: Compare) -> Ordering {
    match (missing, split_epoch(installed), split_epoch(bound)) {
        (MissingEpoch::Auto, (None, a), (_, b)) | (MissingEpoch::Auto, (_, a), (None, b)) => rest(a, b),
        _ => compare(installed, bound, rest),
    }
}

/// Compares versions, then releases; one without a release sorts before the same with one.
pub(crate) fn compare_with_release(
    (version_a, release_a): (&[u8], Option<&[u8]>),
    (version_b, release_b): (&[u8], Option<&[u8]>),
    part: Compare,
) -> Ordering {
    part(version_a, version_b).then_with(|| match (release_a, release_b) {
        (Some(a), Some(b)) => part(a, b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    })
}

/// What comes after a colon-separated epoch, which must be a number where there is a colon.
pub(crate) fn check_epoch(text: &[u8]) -> Result<&[u8], &'static str> {
    match split_epoch(text) {
        (None, _) if text.contains(&b':') => Err("the epoch is not a number"),
        (_, rest) => Ok(rest),
    }
}

/// The form that rpm and pacman ask for.
pub(crate) fn check(text: &[u8]) -> Result<(), &'static str> {
    match check_epoch(text)?.iter().any(u8::is_ascii_alphanumeric) {
        true => Ok(()),
        false => Err("it has neither a letter nor a digit"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_is_digits_before_a_colon() {
        assert_eq!(split_epoch(b"2:1.0"), (Some(Number::new(b"2")), b"1.0".as_slice()));
        assert_eq!(split_epoch(b":1.0"), (None, b":1.0".as_slice()));
        assert_eq!(split_epoch(b"a:1.0"), (None, b"a:1.0".as_slice()));
    }
}
