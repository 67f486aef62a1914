//! Java runtimes: the old form `1.8.0_302-b08` and that of JEP 223 and JEP 322, `17.0.2+8`, `11.0.20.1`.
//!
//! The old form is read as `major.minor.update`: `1.8.0_302` equals `8.0.302` and `8u302`. Prereleases (`-ea`) come
//! before the release; the build (`-b08`, `+8`) has no weight, as in Grype.

use std::cmp::Ordering;

use crate::scan::{Number, Scan, compare_tokens, strip_v};
use crate::semver::compare_identifiers;

struct Version<'a> {
    /// Digits and dots, without the `1.` of the old form.
    release: &'a [u8],
    /// What follows `_`, `u` or `-update`.
    update: Option<Number<'a>>,
    prerelease: &'a [u8],
    /// As it was given; orders what has no number.
    text: &'a [u8],
}

impl<'a> Version<'a> {
    fn new(text: &'a [u8]) -> Self {
        let mut scan = Scan::new(strip_v(text));
        let old = scan.eat_word(b"1.");
        let release = scan.take_while(|b| b.is_ascii_digit() || b == b'.');
        let update = read_update(&mut scan);
        let mut prerelease: &[u8] = &[];
        while scan.eat(b"-") {
            let word = scan.take_while(|b| b != b'-' && b != b'+');
            if prerelease.is_empty() && !is_build(word) {
                prerelease = word;
            }
        }
        // `11.0.2_9` has its update in its third number already.
        let third_is_set = !old && numbers(release).nth(2).is_some_and(|third| !third.is_zero());
        Version { release, update: update.filter(|_| !third_is_set), prerelease, text }
    }

    fn has_number(&self) -> bool {
        self.release.iter().any(u8::is_ascii_digit)
    }

    /// The update is the third number.
    fn numbers(&self) -> impl Iterator<Item = Number<'a>> + use<'a> {
        let mut release = numbers(self.release);
        let (head, length) = match self.update {
            Some(update) => {
                let mut next = || release.next().unwrap_or(Number::ZERO);
                ([next(), next(), update], 3)
            }
            None => ([Number::ZERO; 3], 0),
        };
        if length > 0 {
            release.next();
        }
        head.into_iter().take(length).chain(release)
    }
}

fn numbers(release: &[u8]) -> impl Iterator<Item = Number<'_>> {
    release.split(|b| *b == b'.').filter(|digits| !digits.is_empty()).map(Number::new)
}

/// `_302`, `u302`, `-update302`, `-update_302`.
fn read_update<'a>(scan: &mut Scan<'a>) -> Option<Number<'a>> {
    let mut ahead = *scan;
    let update = match ahead.bump()? {
        b'_' | b'u' => {
            ahead.eat_word(b"update");
            true
        }
        b'-' => ahead.eat_word(b"update"),
        _ => false,
    };
    ahead.eat(b"_");
    if !update || !ahead.peek().is_some_and(|b| b.is_ascii_digit()) {
        return None;
    }
    let number = ahead.number();
    *scan = ahead;
    Some(number)
}

/// `b08`
fn is_build(word: &[u8]) -> bool {
    matches!(word, [b'b', digits @ ..] if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit))
}

pub(crate) fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let (a, b) = (Version::new(a), Version::new(b));
    match (a.has_number(), b.has_number()) {
        (true, true) => {}
        (false, false) => return a.text.cmp(b.text),
        (a, b) => return a.cmp(&b),
    }
    compare_tokens(a.numbers(), b.numbers(), Number::ZERO).then_with(|| match (a.prerelease, b.prerelease) {
        ([], []) => Ordering::Equal,
        ([], _) => Ordering::Greater,
        (_, []) => Ordering::Less,
        (a, b) => compare_identifiers(a, b),
    })
}

pub(crate) fn check(text: &[u8]) -> Result<(), &'static str> {
    let version = Version::new(text);
    if !version.has_number() {
        return Err("it does not begin with a number");
    }
    if version.release.ends_with(b".") || version.release.starts_with(b".") {
        return Err("a number is missing beside a dot");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::Scheme::Jvm;
    use crate::testing::{check_chain, check_equal, check_form};

    #[test]
    fn order() {
        check_chain(
            Jvm,
            &[
                "1.7.0_80",
                "1.8.0",
                "1.8.0_131-ea-b11",
                "1.8.0_131",
                "1.8.0_132-b11",
                "9.0.0-ea",
                "9.0.0",
                "11.0.20",
                "11.0.20.1",
                "17.0.2",
            ],
        );
    }

    #[test]
    fn one_version_in_many_forms() {
        check_equal(
            Jvm,
            &["1.8.0_302", "1.8.0_302-b08", "8.0.302+8", "1.8.0u302", "8u302", "8.0-update302-b08", "1.8.0-update_302"],
        );
        check_equal(Jvm, &["1.8", "1.8.0", "1.8.0_0", "8"]);
        check_equal(Jvm, &["17.0.2", "17.0.2+8", "17.0.2_8", "17.0.2+9-LTS"]);
        check_equal(Jvm, &["1.8.0_13-ea", "1.8.0_13-ea-b002", "8.0.13-ea+b2"]);
    }

    #[test]
    fn form() {
        check_form(Jvm, &["1.8.0_302-b08", "17-ea+5", "21"], &["", "1.a", "jdk", "17."]);
    }
}
