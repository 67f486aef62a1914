//! Maven: "Version Order Specification" of the POM reference, that of Maven's `ComparableVersion`.
//!
//! Tokens end at dots, hyphens and between digits and the rest, which counts as a hyphen. Zeros and `ga`, `final`,
//! `release` before a hyphen or the end do not count. What may follow is ordered
//! `alpha < beta < milestone < rc < snapshot < (end) < sp < any other word < -1 < .1`.
//!
//! Maven's own relation, [`relate`], is not transitive where a zero comes before a word: `2.9 < 2.9.0-1` and
//! `2.9.0-1 < 2.9.0.RC1`, but `2.9.0.RC1 < 2.9`. [`compare`] keeps `2.9.0.RC1 < 2.9 < 2.9.0-1`, and agrees with it else.

use std::cmp::Ordering;

use crate::scan::{Folded, Number, Scan, compare_tokens};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Word<'a> {
    Alpha,
    Beta,
    Milestone,
    Candidate,
    Snapshot,
    /// Nothing, or a word that means it.
    Release,
    ServicePack,
    Other(Folded<'a>),
}

impl<'a> Word<'a> {
    /// The one-letter forms need a digit right behind them.
    fn new(text: &'a [u8], before_digit: bool) -> Self {
        let is = |name: &str| text.eq_ignore_ascii_case(name.as_bytes());
        match () {
            () if is("alpha") || (before_digit && is("a")) => Word::Alpha,
            () if is("beta") || (before_digit && is("b")) => Word::Beta,
            () if is("milestone") || (before_digit && is("m")) => Word::Milestone,
            () if is("rc") || is("cr") => Word::Candidate,
            () if is("snapshot") => Word::Snapshot,
            () if is("ga") || is("final") || is("release") => Word::Release,
            () if is("sp") => Word::ServicePack,
            () => Word::Other(Folded(text)),
        }
    }
}

/// What a token comes after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    Start,
    Dot,
    Hyphen,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Value<'a> {
    Number(Number<'a>),
    Word(Word<'a>),
}

#[derive(Debug, Clone, Copy)]
struct Token<'a> {
    after: After,
    value: Value<'a>,
}

impl Token<'_> {
    fn is_zero(&self) -> bool {
        self.value == Value::Number(Number::ZERO)
    }

    fn is_null(&self) -> bool {
        self.is_zero() || self.value == Value::Word(Word::Release)
    }
}

/// Tokens as they are written.
#[derive(Debug, Clone, Copy)]
struct Written<'a> {
    scan: Scan<'a>,
    after: After,
    /// A token must come, if only an empty one, which is 0: this is the start, or a separator was read.
    owed: bool,
}

impl<'a> Written<'a> {
    fn next(&mut self) -> Option<Token<'a>> {
        if self.scan.at_end() && !self.owed {
            return None;
        }
        let digits = self.scan.digits();
        let word = match digits {
            [] => self.scan.take_while(|b| !b.is_ascii_digit() && b != b'.' && b != b'-'),
            _ => &[],
        };
        let value = match word {
            [] => Value::Number(Number::new(digits)),
            _ => Value::Word(Word::new(word, self.scan.peek().is_some_and(|b| b.is_ascii_digit()))),
        };
        let token = Token { after: self.after, value };
        self.after = if self.scan.peek() == Some(b'.') { After::Dot } else { After::Hyphen };
        self.owed = self.scan.eat(b".-");
        Some(token)
    }
}

/// Tokens without those that do not count. A run of tokens that may not count is read again once it is known to.
#[derive(Debug, Clone, Copy)]
struct Tokens<'a> {
    written: Written<'a>,
    nulls: Written<'a>,
    null_count: usize,
    ready: Option<Token<'a>>,
}

impl<'a> Tokens<'a> {
    fn new(text: &'a [u8]) -> Self {
        let mut written = Written { scan: Scan::new(text), after: After::Start, owed: true };
        // The first one counts even if it is 0.
        let ready = written.next();
        Tokens { written, nulls: written, null_count: 0, ready }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        while self.ready.is_none() {
            let before = self.written;
            let token = self.written.next()?;
            if token.after == After::Hyphen {
                self.null_count = 0;
            }
            if !token.is_null() {
                self.ready = Some(token);
                break;
            }
            if self.null_count == 0 {
                self.nulls = before;
            }
            self.null_count += 1;
        }
        if self.null_count > 0 {
            self.null_count -= 1;
            return self.nulls.next();
        }
        self.ready.take()
    }
}

/// The order of the variants is the order of versions that are equal up to here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place<'a> {
    DotBefore(Word<'a>),
    HyphenBefore(Word<'a>),
    /// `.0.0.rc`, with the number of zeros: before the end, though a zero with a number behind it comes after.
    ZerosBefore(usize, Word<'a>),
    End,
    DotWord(Word<'a>),
    HyphenWord(Word<'a>),
    HyphenNumber(Number<'a>),
    DotNumber(Number<'a>),
}

struct Places<'a> {
    tokens: Tokens<'a>,
    zeros: usize,
    ready: Option<Place<'a>>,
}

impl<'a> Iterator for Places<'a> {
    type Item = Place<'a>;

    fn next(&mut self) -> Option<Place<'a>> {
        while self.ready.is_none() {
            let token = self.tokens.next()?;
            if token.is_zero() && token.after == After::Dot {
                self.zeros += 1;
                continue;
            }
            let hyphen = token.after == After::Hyphen;
            self.ready = match token.value {
                Value::Word(Word::Release) => None,
                Value::Number(number) if hyphen => Some(Place::HyphenNumber(number)),
                Value::Number(number) => Some(Place::DotNumber(number)),
                Value::Word(word) if word > Word::Release && hyphen => Some(Place::HyphenWord(word)),
                Value::Word(word) if word > Word::Release => Some(Place::DotWord(word)),
                Value::Word(word) if hyphen => Some(Place::HyphenBefore(word)),
                Value::Word(word) if self.zeros > 0 => Some(Place::ZerosBefore(std::mem::take(&mut self.zeros), word)),
                Value::Word(word) => Some(Place::DotBefore(word)),
            };
        }
        if self.zeros > 0 {
            self.zeros -= 1;
            return Some(Place::DotNumber(Number::ZERO));
        }
        self.ready.take()
    }
}

pub(crate) fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let places = |text| Places { tokens: Tokens::new(text), zeros: 0, ready: None };
    compare_tokens(places(a), places(b), Place::End)
}

/// Maven's own relation; as in Grype regardless of the Java that a build is for: `12.10.2.jre11` is `12.10.2`.
pub(crate) fn relate(installed: &[u8], bound: &[u8]) -> Ordering {
    let (mut a, mut b) = (Tokens::new(strip_runtime(installed)), Tokens::new(strip_runtime(bound)));
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (Some(a), Some(b)) => relate_tokens(a, b),
            (Some(a), None) => relate_to_nothing(a),
            (None, Some(b)) => relate_to_nothing(b).reverse(),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

fn relate_tokens(a: Token<'_>, b: Token<'_>) -> Ordering {
    let rank = |token: Token<'_>| match (token.after, token.value) {
        (After::Hyphen, Value::Word(_)) => 1,
        (After::Hyphen, Value::Number(_)) => 2,
        (_, Value::Word(_)) => 0,
        (_, Value::Number(_)) => 3,
    };
    match (a.value, b.value) {
        _ if a.after != b.after => rank(a).cmp(&rank(b)),
        (Value::Number(a), Value::Number(b)) => a.cmp(&b),
        (Value::Word(a), Value::Word(b)) => a.cmp(&b),
        _ => rank(a).cmp(&rank(b)),
    }
}

/// Nothing is 0 to a number after a dot, and the release to a word.
fn relate_to_nothing(token: Token<'_>) -> Ordering {
    match token.value {
        Value::Number(_) if token.after == After::Hyphen => Ordering::Greater,
        Value::Number(number) => number.cmp(&Number::ZERO),
        Value::Word(word) => word.cmp(&Word::Release),
    }
}

fn strip_runtime(text: &[u8]) -> &[u8] {
    let digits = text.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let (head, tail) = text.split_at(text.len() - digits);
    let stem = head.len().checked_sub(4).and_then(|at| head.split_at_checked(at));
    match stem {
        Some((stem, word)) if !tail.is_empty() && [b".jre", b".jdk"].iter().any(|w| word.eq_ignore_ascii_case(*w)) => {
            stem
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering::{Equal, Greater, Less};

    use crate::MissingEpoch;
    use crate::Scheme::Maven;
    use crate::testing::{check_chain, check_equal, check_form, check_relation};

    #[test]
    fn order() {
        check_chain(
            Maven,
            &[
                "1-alpha2snapshot",
                "1-alpha2",
                "1-alpha-123",
                "1-beta-2",
                "1-m11",
                "1-rc",
                "1-SNAPSHOT",
                "1",
                "1-sp",
                "1-abc",
                "1-xyz",
                "1-1-snapshot",
                "1-1",
                "1-2",
                "1.0.1",
                "1.1",
            ],
        );
        check_chain(Maven, &["2.9.0.RC1", "2.9.0", "2.9.0-1", "2.9.1.rc1", "2.9.1rc0", "2.9.1"]);
    }

    #[test]
    fn nothing_counts_where_it_adds_nothing() {
        check_equal(Maven, &["1", "1.0.0", "1-0", "1.ga", "1-Final", "1.0.0.RELEASE", "1.", "1-", "01"]);
        check_equal(Maven, &["1-alpha-1", "1a1", "1.0.0-ALPHA1", "1-alpha.0-1"]);
        check_equal(Maven, &["1-1.foo-bar1baz-.1", "1-1.foo-bar-1-baz-0.1"]);
    }

    #[test]
    fn a_match_follows_maven_and_leaves_the_java_out() {
        check_relation(
            Maven,
            MissingEpoch::Zero,
            &[
                ("2.9.0-1", "2.9.0.RC1", Less),
                ("2.9.0.RC1", "2.9", Less),
                ("1.0", "1.0-1", Less),
                ("12.10.2.jre11", "12.10.2", Equal),
                ("12.10.2.JDK8", "12.10.2.jre11", Equal),
                ("12.10.2.jre11", "12.10.3", Less),
                ("12.10.2.jre", "12.10.2", Greater),
            ],
        );
    }

    #[test]
    fn form() {
        check_form(Maven, &["1", "foo", "1.0-SNAPSHOT"], &[""]);
    }
}
