//! The assignments of a rockspec: a Lua program that is read and never run.
//!
//! Texts, their concatenation, local names and tables are understood. What else an assignment may hold is passed over.

use crate::ParseError;
use std::collections::HashMap;

/// Deeper tables are refused.
const MAX_DEPTH: usize = 128;

/// An assignment, or a part of a table; the parts of a list have no name.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) value: Value,
}

/// A piece of the program's text.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Token<'a> {
    Word(&'a str),
    Text(&'a str),
    Concatenation,
    Mark(char),
}

/// What is assigned.
#[derive(Debug)]
pub(super) enum Value {
    Text(String),
    Table(Vec<Entry>),
    /// Not understood.
    Other,
}

impl Value {
    /// The text; of anything else nothing.
    pub(super) fn text(&self) -> &str {
        if let Self::Text(text) = self { text } else { "" }
    }

    /// The parts of a table; of anything else none.
    pub(super) fn entries(&self) -> &[Entry] {
        if let Self::Table(entries) = self { entries } else { &[] }
    }
}

/// The global assignments of a program, in order.
///
/// # Errors
/// Where a text or a table does not end, or is nested too deep.
pub(super) fn parse(text: &str) -> Result<Vec<Entry>, ParseError> {
    let mut reader = Reader { rest: text, locals: HashMap::new() };
    let mut entries = Vec::new();
    while let Some(token) = reader.next()? {
        match token {
            Token::Word("local") => reader.local()?,
            Token::Word(name) if reader.peek()? == Some(Token::Mark('=')) => {
                reader.next()?;
                // How the rock is built may be a program; nothing behind it is of interest.
                let value = if name == "build" { reader.passed_over()? } else { reader.value(0)? };
                entries.push(Entry { name: name.to_owned(), value });
            }
            _ => {}
        }
    }
    Ok(entries)
}

struct Reader<'a> {
    rest: &'a str,
    locals: HashMap<&'a str, String>,
}

impl<'a> Reader<'a> {
    fn peek(&mut self) -> Result<Option<Token<'a>>, ParseError> {
        let rest = self.rest;
        let token = self.next();
        self.rest = rest;
        token
    }

    fn next(&mut self) -> Result<Option<Token<'a>>, ParseError> {
        loop {
            self.rest = self.rest.trim_start();
            let Some(comment) = self.rest.strip_prefix("--") else { break };
            self.rest = match comment.strip_prefix("[[") {
                Some(long) => long.split_once("]]").map_or("", |(_, rest)| rest),
                None => comment.split_once('\n').map_or("", |(_, rest)| rest),
            };
        }
        let rest = self.rest;
        let Some(first) = rest.chars().next() else { return Ok(None) };
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let (token, length) = if let Some(long) = rest.strip_prefix("[[") {
            let (text, _) = long.split_once("]]").ok_or_else(unended)?;
            (Token::Text(text), text.len() + 4)
        } else if first == '"' || first == '\'' {
            let text = quoted(rest.get(1..).unwrap_or_default(), first)?;
            (Token::Text(text), text.len() + 2)
        } else if rest.starts_with("..") {
            (Token::Concatenation, 2)
        } else if is_word(first) {
            let length = rest.find(|c| !is_word(c) && c != '.').unwrap_or(rest.len());
            // `a..b` is a concatenation.
            let length = rest.get(..length).and_then(|word| word.find("..")).unwrap_or(length);
            (Token::Word(rest.get(..length).unwrap_or_default()), length)
        } else {
            (Token::Mark(first), first.len_utf8())
        };
        self.rest = rest.get(length..).unwrap_or_default();
        Ok(Some(token))
    }

    /// `local a, b = "x", "y"`.
    fn local(&mut self) -> Result<(), ParseError> {
        let mut names = Vec::new();
        loop {
            match self.next()? {
                Some(Token::Word("function")) | None => return Ok(()),
                Some(Token::Word(name)) => names.push(name),
                Some(Token::Mark(',')) => {}
                Some(Token::Mark('=')) => break,
                Some(_) => return Ok(()),
            }
        }
        for name in names {
            if let Value::Text(text) = self.value(0)? {
                self.locals.insert(name, text);
            }
            if self.peek()? != Some(Token::Mark(',')) {
                break;
            }
            self.next()?;
        }
        Ok(())
    }

    /// One value with what is joined to it.
    fn value(&mut self, depth: usize) -> Result<Value, ParseError> {
        let mut value = match self.next()? {
            Some(Token::Text(text)) => Value::Text(text.to_owned()),
            Some(Token::Word(name)) => self.locals.get(name).map_or(Value::Other, |text| Value::Text(text.clone())),
            Some(Token::Mark('{')) => Value::Table(self.table(depth + 1)?),
            Some(_) => Value::Other,
            None => return Err(unended()),
        };
        while self.peek()? == Some(Token::Concatenation) {
            self.next()?;
            let more = match self.next()? {
                Some(Token::Text(text)) => Some(text.to_owned()),
                Some(Token::Word(name)) => self.locals.get(name).cloned(),
                _ => None,
            };
            value = match (value, more) {
                (Value::Text(text), Some(more)) if text.len() + more.len() <= MAX_TEXT => Value::Text(text + &more),
                _ => Value::Other,
            };
        }
        Ok(value)
    }

    /// The parts of a table whose opening brace is read.
    fn table(&mut self, depth: usize) -> Result<Vec<Entry>, ParseError> {
        if depth > MAX_DEPTH {
            return Err(ParseError::Limit { what: "levels of nesting", limit: MAX_DEPTH as u64 });
        }
        let mut entries = Vec::new();
        loop {
            let before = self.rest;
            let name = match self.next()? {
                None => return Err(unended()),
                Some(Token::Mark('}')) => return Ok(entries),
                Some(Token::Word(name)) if self.peek()? == Some(Token::Mark('=')) => name,
                Some(Token::Mark('[')) => match (self.next()?, self.next()?) {
                    (Some(Token::Text(name)), Some(Token::Mark(']'))) => name,
                    _ => continue,
                },
                Some(Token::Text(_) | Token::Mark('{') | Token::Word(_)) => {
                    self.rest = before;
                    entries.push(Entry { name: String::new(), value: self.value(depth)? });
                    continue;
                }
                Some(_) => continue,
            };
            self.next()?;
            entries.push(Entry { name: name.to_owned(), value: self.value(depth)? });
        }
    }

    /// Up to the end of a table, whatever is in it.
    fn passed_over(&mut self) -> Result<Value, ParseError> {
        let mut depth = 0_usize;
        while let Some(token) = self.next()? {
            match token {
                Token::Mark('{') => depth += 1,
                Token::Mark('}') => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
        Ok(Value::Other)
    }
}

/// A longer text is not understood: joining a text to itself again and again would fill the memory.
const MAX_TEXT: usize = 64 << 10;

fn unended() -> ParseError {
    ParseError::malformed("a rockspec that does not end")
}

/// The text before the closing quote.
fn quoted(rest: &str, quote: char) -> Result<&str, ParseError> {
    let mut escaped = false;
    for (at, c) in rest.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return Ok(rest.get(..at).unwrap_or_default()),
            _ => {}
        }
    }
    Err(unended())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn limits() {
        assert!(parse(&format!("a = {}", "{".repeat(100_000))).is_err());
        let mut doubling = "local a = \"xxxxxxxx\"\n".to_owned();
        for _ in 0..64 {
            doubling.push_str("local a = a .. a\n");
        }
        assert!(parse(&format!("{doubling}version = a")).unwrap()[0].value.text().len() <= MAX_TEXT);
    }

    proptest! {
        #[test]
        fn never_panics(text in "[a-b={}\\[\\],.\"'é\\\\ \n-]{0,40}") {
            let _ = parse(&text);
        }
    }
}
