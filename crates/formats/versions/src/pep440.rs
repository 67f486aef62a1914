//! Python packages: PEP 440, `[N!]N(.N)*[{a|b|rc}N][.postN][.devN][+local]` and its spellings.
//!
//! What does not fit is a legacy version: it sorts before every version that fits, by natural order.

use std::cmp::Ordering;

use crate::generic;
use crate::scan::{Folded, Number, Scan, compare_tokens};

#[derive(Debug, Clone, Copy)]
struct Version<'a> {
    public: Public<'a>,
    local: Option<&'a [u8]>,
}

#[derive(Debug, Clone, Copy)]
struct Public<'a> {
    epoch: Number<'a>,
    /// Digits and dots.
    release: &'a [u8],
    prerelease: Option<(Phase, Number<'a>)>,
    post: Option<Number<'a>>,
    dev: Option<Number<'a>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Alpha,
    Beta,
    Candidate,
}

/// Where a version stands among those of the same release: `1.0.dev1 < 1.0a1 < 1.0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage<'a> {
    DevelopmentOnly,
    Prerelease(Phase, Number<'a>),
    Final,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum LocalPart<'a> {
    End,
    Text(Folded<'a>),
    Number(Number<'a>),
}

const SEPARATORS: &[u8] = b"-_.";

const PHASES: [(&[u8], Phase); 8] = [
    (b"alpha", Phase::Alpha),
    (b"a", Phase::Alpha),
    (b"beta", Phase::Beta),
    (b"b", Phase::Beta),
    (b"preview", Phase::Candidate),
    (b"pre", Phase::Candidate),
    (b"rc", Phase::Candidate),
    (b"c", Phase::Candidate),
];

impl<'a> Version<'a> {
    fn parse(text: &'a [u8]) -> Option<Self> {
        let mut scan = Scan::new(text);
        scan.eat(b"vV");
        let public = Public::read(&mut scan)?;
        let local = match scan.eat(b"+") {
            true => Some(read_local(&mut scan)?),
            false => None,
        };
        scan.at_end().then_some(Version { public, local })
    }
}

impl<'a> Public<'a> {
    fn read(scan: &mut Scan<'a>) -> Option<Self> {
        let first = read_release(scan)?;
        let (epoch, release) = match scan.peek() {
            Some(b'!') if !first.contains(&b'.') => {
                scan.bump();
                (Number::new(first), read_release(scan)?)
            }
            _ => (Number::ZERO, first),
        };
        let prerelease = read_word(scan, &PHASES);
        let post = read_word(scan, &[(b"post", ()), (b"rev", ()), (b"r", ())])
            .map(|((), number)| number)
            .or_else(|| read_implicit_post(scan));
        let dev = read_word(scan, &[(b"dev", ())]).map(|((), number)| number);
        Some(Public { epoch, release, prerelease, post, dev })
    }

    fn numbers(&self) -> impl Iterator<Item = Number<'a>> + use<'a> {
        self.release.split(|b| *b == b'.').map(Number::new)
    }

    fn stage(&self) -> Stage<'a> {
        match (self.prerelease, self.post, self.dev) {
            (Some((phase, number)), _, _) => Stage::Prerelease(phase, number),
            (None, None, Some(_)) => Stage::DevelopmentOnly,
            _ => Stage::Final,
        }
    }

    fn compare(&self, other: &Self) -> Ordering {
        let without_dev_last = |dev: Option<Number<'a>>| (dev.is_none(), dev);
        self.epoch
            .cmp(&other.epoch)
            .then_with(|| compare_tokens(self.numbers(), other.numbers(), Number::ZERO))
            .then_with(|| self.stage().cmp(&other.stage()))
            .then_with(|| self.post.cmp(&other.post))
            .then_with(|| without_dev_last(self.dev).cmp(&without_dev_last(other.dev)))
    }
}

/// Digits with single dots between them; takes no dot that no digit follows.
fn read_release<'a>(scan: &mut Scan<'a>) -> Option<&'a [u8]> {
    let start = scan.rest();
    if scan.digits().is_empty() {
        return None;
    }
    while scan.peek() == Some(b'.') && scan.peek_second().is_some_and(|b| b.is_ascii_digit()) {
        scan.bump();
        scan.digits();
    }
    Some(start.split_at(start.len() - scan.rest().len()).0)
}

/// A word with an optional separator before and after it, then its number, which may be missing.
fn read_word<'a, T: Copy>(scan: &mut Scan<'a>, words: &[(&[u8], T)]) -> Option<(T, Number<'a>)> {
    let mut ahead = *scan;
    ahead.eat(SEPARATORS);
    let (_, kind) = words.iter().find(|(word, _)| ahead.eat_word_folded(word))?;
    *scan = ahead;
    if ahead.eat(SEPARATORS) && ahead.peek().is_some_and(|b| b.is_ascii_digit()) {
        *scan = ahead;
    }
    Some((*kind, scan.number()))
}

/// `1.0-1` is `1.0.post1`.
fn read_implicit_post<'a>(scan: &mut Scan<'a>) -> Option<Number<'a>> {
    if scan.peek() != Some(b'-') || !scan.peek_second()?.is_ascii_digit() {
        return None;
    }
    scan.bump();
    Some(scan.number())
}

fn read_local<'a>(scan: &mut Scan<'a>) -> Option<&'a [u8]> {
    let local = scan.take_while(|b| b.is_ascii_alphanumeric() || SEPARATORS.contains(&b));
    local.split(|b| SEPARATORS.contains(b)).all(|part| !part.is_empty()).then_some(local)
}

fn local_parts(local: &[u8]) -> impl Iterator<Item = LocalPart<'_>> {
    local.split(|b| SEPARATORS.contains(b)).map(|part| match part.iter().all(u8::is_ascii_digit) {
        true => LocalPart::Number(Number::new(part)),
        false => LocalPart::Text(Folded(part)),
    })
}

fn compare_local(a: Option<&[u8]>, b: Option<&[u8]>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => compare_tokens(local_parts(a), local_parts(b), LocalPart::End),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

pub(crate) fn compare(a: &[u8], b: &[u8]) -> Ordering {
    match (Version::parse(a), Version::parse(b)) {
        (Some(a), Some(b)) => a.public.compare(&b.public).then_with(|| compare_local(a.local, b.local)),
        (None, None) => generic::compare(a, b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

/// PEP 440, "Version specifiers": a local version is that of the public one unless the bound has a local part too.
pub(crate) fn relate(installed: &[u8], bound: &[u8]) -> Ordering {
    match (Version::parse(installed), Version::parse(bound)) {
        (Some(a), Some(b)) if b.local.is_none() => a.public.compare(&b.public),
        _ => compare(installed, bound),
    }
}

pub(crate) fn check(text: &[u8]) -> Result<(), &'static str> {
    Version::parse(text).map(drop).ok_or("it does not fit PEP 440")
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering::{Equal, Greater, Less};

    use crate::testing::{check_chain, check_equal, check_form, check_relation};
    use crate::{MissingEpoch, Scheme::Pep440};

    #[test]
    fn order() {
        check_chain(
            Pep440,
            &[
                "0.9-doduo",
                "0.9-eevee",
                "1.0.dev1",
                "1.0a1.dev1",
                "1.0a1",
                "1.0a1.post1",
                "1.0b2",
                "1.0rc1",
                "1.0",
                "1.0+abc.5",
                "1.0+abc.7",
                "1.0+5",
                "1.0.post1.dev2",
                "1.0.post1",
                "1.1",
                "1.10",
                "1!0.1",
            ],
        );
    }

    #[test]
    fn spellings() {
        check_equal(Pep440, &["1.0rc1", "v1.0.0-RC.1", "1.0_c1", "1.0pre1", "1.0.preview-1"]);
        check_equal(Pep440, &["1.0.post1", "1.0-1", "1.0-r1", "1.0rev1"]);
        check_equal(Pep440, &["1.0a", "1.0alpha0", "0!1.0.0.a.0"]);
        check_equal(Pep440, &["1.0+a.1", "1.0+A_01"]);
    }

    #[test]
    fn a_bound_without_local_part_covers_all_local_versions() {
        check_relation(
            Pep440,
            MissingEpoch::Zero,
            &[("1.0+cu118", "1.0", Equal), ("1.0+cu118", "1.0+cu117", Greater), ("1.0", "1.0+cu117", Less)],
        );
    }

    #[test]
    fn form() {
        check_form(
            Pep440,
            &["1", "1!2.0a1.post2.dev3+local.1", "2023.1"],
            &["", "1.0-foo", "1.", "1.0+", "1.0+a..b", "1.0x"],
        );
    }
}
