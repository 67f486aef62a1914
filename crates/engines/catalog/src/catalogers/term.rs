//! Terms as text, of Erlang and of Nix: lists, tuples, strings, binaries of one string, and atoms or numbers as they
//! stand.

use crate::ParseError;

/// Deeper terms are refused.
const MAX_DEPTH: usize = 128;

/// A term; lists and tuples are one kind.
#[derive(Debug, PartialEq)]
pub(super) enum Term {
    Text(String),
    Items(Vec<Term>),
}

/// What stands for a term that is not there.
pub(super) static NOTHING: Term = Term::Items(Vec::new());

impl Term {
    /// The parts of a list or tuple; of anything else none.
    pub(super) fn items(&self) -> &[Self] {
        match self {
            Self::Items(items) => items,
            Self::Text(_) => &[],
        }
    }

    /// A part of a list or tuple.
    pub(super) fn at(&self, index: usize) -> &Self {
        self.items().get(index).unwrap_or(&NOTHING)
    }

    /// A string, binary, atom or number; of anything else nothing.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Items(_) => "",
        }
    }
}

/// The terms of a file; in Erlang, each is ended by a dot.
///
/// # Errors
/// Where the text is no such file, or is nested too deep.
pub(super) fn parse(text: &str) -> Result<Vec<Term>, ParseError> {
    let mut reader = Reader { rest: text };
    let mut terms = Vec::new();
    loop {
        reader.skip();
        if reader.rest.is_empty() {
            return Ok(terms);
        }
        if !reader.take('.') {
            terms.push(reader.term(0)?);
        }
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    /// Passes blanks and comments.
    fn skip(&mut self) {
        loop {
            self.rest = self.rest.trim_start();
            let Some(comment) = self.rest.strip_prefix('%') else { return };
            self.rest = comment.split_once(['\n', '\r']).map_or("", |(_, rest)| rest);
        }
    }

    fn take(&mut self, expected: char) -> bool {
        let rest = self.rest.strip_prefix(expected);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn term(&mut self, depth: usize) -> Result<Term, ParseError> {
        if depth > MAX_DEPTH {
            return Err(ParseError::Limit { what: "levels of nesting", limit: MAX_DEPTH as u64 });
        }
        self.skip();
        match self.rest.chars().next() {
            Some('[') => self.items(']', depth),
            Some('{') => self.items('}', depth),
            Some('(') => self.items(')', depth),
            Some(quote @ ('"' | '\'')) => self.string(quote),
            Some('<') => self.binary(),
            _ => self.word(),
        }
    }

    fn items(&mut self, end: char, depth: usize) -> Result<Term, ParseError> {
        self.rest = self.rest.get(1..).unwrap_or_default();
        let mut items = Vec::new();
        loop {
            self.skip();
            if self.take(end) {
                return Ok(Term::Items(items));
            }
            items.push(self.term(depth + 1)?);
            self.skip();
            if !self.take(',') && !self.rest.starts_with(end) {
                return Err(ParseError::malformed("a list that does not end"));
            }
        }
    }

    fn string(&mut self, quote: char) -> Result<Term, ParseError> {
        let mut text = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            if c == quote {
                self.rest = self.rest.get(at + 1..).unwrap_or_default();
                return Ok(Term::Text(text));
            }
            let escaped = if c == '\\' { chars.next().map(|(_, escaped)| escaped) } else { Some(c) };
            text.extend(escaped);
        }
        Err(ParseError::malformed("a string that does not end"))
    }

    fn binary(&mut self) -> Result<Term, ParseError> {
        let wrong = || ParseError::malformed("a binary that is not one string");
        self.rest = self.rest.strip_prefix("<<").ok_or_else(wrong)?;
        let text = if self.rest.starts_with(">>") { Term::Text(String::new()) } else { self.string('"')? };
        // `<<"text"/utf8>>`
        self.rest = self.rest.strip_prefix("/utf8").unwrap_or(self.rest);
        self.rest = self.rest.strip_prefix(">>").ok_or_else(wrong)?;
        Ok(text)
    }

    fn word(&mut self) -> Result<Term, ParseError> {
        let is_border = |c: char| !c.is_alphanumeric() && !"_-+@.:/#".contains(c);
        let end = self.rest.find(is_border).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        // The dot that ends the term is not part of its last word.
        let (word, rest) = match word.strip_suffix('.') {
            Some(shorter) => (shorter, self.rest.get(shorter.len()..).unwrap_or_default()),
            None => (word, rest),
        };
        if word.is_empty() {
            return Err(ParseError::malformed("not a term"));
        }
        self.rest = rest;
        Ok(Term::Text(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn limits() {
        assert!(parse(&"[".repeat(100_000)).is_err());
        assert_eq!(parse("a. 1.5. [].").unwrap().len(), 3);
        for text in ["[a", "\"a", "<<a>>", "[a b]", "(", "<<\"a\"", "<a>"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "[\\[\\]{}<>\"'%.,a\\\\ é\n]{0,40}") {
            let _ = parse(&text);
        }
    }
}
