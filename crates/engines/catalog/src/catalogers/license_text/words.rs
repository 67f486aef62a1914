//! A text as lower-case words, without markup and punctuation, as licence matching guidelines ask for (SPDX 2.3,
//! annex B).

/// The words of a text, hashed.
pub(super) struct Words {
    pub(super) hashes: Vec<u32>,
}

impl Words {
    /// Takes `text` apart. `(c)` and the sign for it are the word "copyright", and `https` is `http`.
    pub(super) fn split(text: &str) -> Self {
        let mut hashes: Vec<u32> = Vec::with_capacity(text.len() / 6);
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if let Some(length) = markup(rest) {
                if rest.get(..length) == Some("&copy;") {
                    push(&mut hashes, COPYRIGHT);
                }
                rest = rest.get(length..).unwrap_or_default();
                continue;
            }
            if c == '\u{a9}' {
                push(&mut hashes, COPYRIGHT);
            } else if c.is_alphanumeric() {
                let end = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
                let (word, after) = rest.split_at(end);
                push(&mut hashes, hash(word, after.starts_with("(s)")));
                rest = after.strip_prefix("(s)").unwrap_or(after);
                continue;
            } else if rest.get(..3).is_some_and(|head| head.eq_ignore_ascii_case("(c)")) {
                push(&mut hashes, COPYRIGHT);
                rest = rest.get(3..).unwrap_or_default();
                continue;
            }
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
        }
        Self { hashes }
    }

    pub(super) fn is_copyright(&self, at: usize) -> bool {
        self.hashes.get(at) == Some(&COPYRIGHT)
    }
}

/// "Copyright (c)" is one word.
fn push(hashes: &mut Vec<u32>, hash: u32) {
    if hash != COPYRIGHT || hashes.last() != Some(&COPYRIGHT) {
        hashes.push(hash);
    }
}

const SEED: u32 = 0x811c_9dc5;
const COPYRIGHT: u32 = fold(b"copyright");

/// FNV-1a.
const fn fold(word: &[u8]) -> u32 {
    let mut hash = SEED;
    let mut rest = word;
    while let Some((byte, after)) = rest.split_first() {
        hash = (hash ^ *byte as u32).wrapping_mul(0x0100_0193);
        rest = after;
    }
    hash
}

fn hash(word: &str, is_plural: bool) -> u32 {
    let mut folded = [0; 24];
    if word.len() >= folded.len() || !word.is_ascii() {
        return fold(word.to_lowercase().as_bytes());
    }
    let mut length = 0;
    for (to, from) in
        folded.iter_mut().zip(word.bytes().map(|byte| byte.to_ascii_lowercase()).chain(is_plural.then_some(b's')))
    {
        *to = from;
        length += 1;
    }
    match folded.get(..length) {
        Some(b"https") => fold(b"http"),
        Some(b"licence") => fold(b"license"),
        Some(b"licences") => fold(b"licenses"),
        Some(b"sublicence") => fold(b"sublicense"),
        Some(b"organisation") => fold(b"organization"),
        folded => fold(folded.unwrap_or_default()),
    }
}

/// Length of the tag, entity, anchor or link that `text` begins with.
fn markup(text: &str) -> Option<usize> {
    match text.as_bytes() {
        [b'<', b'/', c, ..] | [b'<', c, ..] if c.is_ascii_alphabetic() => {
            let end = text.bytes().take(500).position(|byte| byte == b'>')?;
            let tag = text.get(1..end)?;
            let is_address = tag.split(' ').next().is_some_and(|first| first.contains('@') || first.contains(":/"));
            let breaks = tag.matches('\n').count();
            (!is_address && !tag.contains('<') && breaks <= 2).then_some(end + 1)
        }
        [b'&', c, ..] if c.is_ascii_alphabetic() || *c == b'#' => {
            let end = text.bytes().take(12).position(|byte| byte == b';')?;
            let name = text.get(1..end)?;
            name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'#').then_some(end + 1)
        }
        [b'{', b'#', ..] => text.bytes().take(100).position(|byte| byte == b'}').map(|end| end + 1),
        [b']', b'(', ..] => {
            let end = text.bytes().take(500).position(|byte| byte == b')' || byte == b' ')?;
            (text.as_bytes().get(end) == Some(&b')')).then_some(end + 1)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        for (a, b) in [
            ("Copyright (c) 2020", "copyright 2020"),
            ("\u{a9}2020", "copyright 2020"),
            ("&copy; 2020 A &amp; B", "copyright 2020 a b"),
            ("THE \"SOFTWARE\",", "the software"),
            ("<p class='x'>a</p> [b](http://c)", "a b"),
            ("<a@b.c> https://x", "a b c http x"),
            ("licence(s)", "licences"),
            ("", " \n"),
        ] {
            assert_eq!(Words::split(a).hashes, Words::split(b).hashes, "{a}");
        }
        assert_ne!(Words::split("a b").hashes, Words::split("ab").hashes);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "(?s).{0,200}") {
            Words::split(&text);
        }
    }
}
