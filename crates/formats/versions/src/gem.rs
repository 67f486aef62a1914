//! RubyGems: `Gem::Version`.
//!
//! Segments are runs of digits or letters; letters come before numbers, a missing segment is 0, and `-` means a
//! prerelease. Zeros before the first letters do not count (`1.0.a` equals `1.a`). The platform of a built gem
//! (`1.13.1-x86_64-linux`) has no weight.

use std::cmp::Ordering;

use crate::scan::{Number, Scan, compare_tokens};

const PLATFORMS: [&[u8]; 10] =
    [b"x86", b"universal", b"arm", b"aarch64", b"java", b"dalvik", b"x64", b"powerpc", b"sparc", b"mswin"];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Token<'a> {
    Letters(&'a [u8]),
    Number(Number<'a>),
}

struct Tokens<'a> {
    scan: Scan<'a>,
    /// No letters were seen yet.
    release: bool,
    zeros: usize,
    ready: Option<Token<'a>>,
}

impl<'a> Tokens<'a> {
    fn new(text: &'a [u8]) -> Self {
        Tokens { scan: Scan::new(strip_platform(text)), release: true, zeros: 0, ready: None }
    }

    fn raw(&mut self) -> Option<Token<'a>> {
        loop {
            return Some(match self.scan.peek()? {
                b'0'..=b'9' => Token::Number(self.scan.number()),
                b'a'..=b'z' | b'A'..=b'Z' => Token::Letters(self.scan.take_while(|b| b.is_ascii_alphabetic())),
                b'-' => {
                    self.scan.bump();
                    Token::Letters(b"pre")
                }
                _ => {
                    self.scan.bump();
                    continue;
                }
            });
        }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    /// Zeros of the release are held back until a number shows that they count.
    fn next(&mut self) -> Option<Token<'a>> {
        while self.ready.is_none() {
            match self.raw()? {
                Token::Number(number) if self.release && number.is_zero() => self.zeros += 1,
                letters @ Token::Letters(_) => {
                    if std::mem::take(&mut self.release) {
                        self.zeros = 0;
                    }
                    self.ready = Some(letters);
                }
                number => self.ready = Some(number),
            }
        }
        if self.zeros > 0 {
            self.zeros -= 1;
            return Some(Token::Number(Number::ZERO));
        }
        self.ready.take()
    }
}

fn strip_platform(text: &[u8]) -> &[u8] {
    let at = text.iter().enumerate().find(|(at, b)| {
        let rest = text.split_at(*at).1;
        **b == b'-' && PLATFORMS.iter().any(|name| rest.split_first().is_some_and(|(_, rest)| rest.starts_with(name)))
    });
    at.map_or(text, |(at, _)| text.split_at(at).0)
}

pub(crate) fn compare(a: &[u8], b: &[u8]) -> Ordering {
    compare_tokens(Tokens::new(a), Tokens::new(b), Token::Number(Number::ZERO))
}

/// An empty version is 0, as in Ruby.
pub(crate) fn check(text: &[u8]) -> Result<(), &'static str> {
    let version = strip_platform(text);
    if !version.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'.' || *b == b'-') {
        return Err("a character that is not allowed");
    }
    if !version.is_empty() && version.split(|b| *b == b'.' || *b == b'-').any(<[u8]>::is_empty) {
        return Err("a segment is missing beside a dot or hyphen");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::Scheme::Gem;
    use crate::testing::{check_chain, check_equal, check_form};

    #[test]
    fn order() {
        check_chain(
            Gem,
            &[
                "0.9",
                "1.0.a",
                "1.0.a.2",
                "1.0.a10",
                "1.0.b1",
                "1.0.0-rc1",
                "1.0",
                "1.0.1",
                "1.2.4.beta",
                "1.2.4",
                "1.10",
            ],
        );
    }

    #[test]
    fn forms_of_one_version() {
        check_equal(Gem, &["", "0", "0.0"]);
        check_equal(Gem, &["1.a", "1.0.0.a", "1.a.0"]);
        check_equal(Gem, &["1.0.0-rc1", "1.pre.rc.1"]);
        check_equal(Gem, &["1.13.1", "1.13.1-x86_64-linux", "1.13.1-java", "1.13.1-aarch64-linux-gnu"]);
    }

    #[test]
    fn form() {
        check_form(Gem, &["", "1.2.3.rc1", "1.0-java", "1-1"], &["1..2", "1.2.", ".1", "1_2", "1.-2", "1 2"]);
    }
}
