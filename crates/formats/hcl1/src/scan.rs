use crate::{Error, Position};

/// A token of HCL.
#[derive(Debug, Clone)]
pub(crate) struct Token<'a> {
    pub(crate) of: Lexeme,
    pub(crate) position: Position,
    /// As it is written.
    pub(crate) text: &'a str,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Lexeme {
    End,
    Identifier,
    /// With its escapes resolved.
    Text(String),
    Heredoc(String),
    Number,
    Float,
    Bool(bool),
    ListStart,
    ListEnd,
    ObjectStart,
    ObjectEnd,
    Comma,
    Period,
    Assign,
    Add,
    Subtract,
}

impl Lexeme {
    /// The peer's name, which is in its errors.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::End => "EOF",
            Self::Identifier => "IDENT",
            Self::Text(_) => "STRING",
            Self::Heredoc(_) => "HEREDOC",
            Self::Number => "NUMBER",
            Self::Float => "FLOAT",
            Self::Bool(_) => "BOOL",
            Self::ListStart => "LBRACK",
            Self::ListEnd => "RBRACK",
            Self::ObjectStart => "LBRACE",
            Self::ObjectEnd => "RBRACE",
            Self::Comma => "COMMA",
            Self::Period => "PERIOD",
            Self::Assign => "ASSIGN",
            Self::Add => "ADD",
            Self::Subtract => "SUB",
        }
    }
}

/// Reads characters and knows where it is.
pub(crate) struct Cursor<'a> {
    source: &'a str,
    offset: usize,
    line: u32,
    column: u32,
    /// Where the character is that was read last.
    last: Position,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(source: &'a str) -> Self {
        Self { source, offset: 0, line: 1, column: 1, last: Position { line: 1, column: 1 } }
    }

    pub(crate) fn rest(&self) -> &'a str {
        self.source.get(self.offset..).unwrap_or_default()
    }

    pub(crate) fn since(&self, start: usize) -> &'a str {
        self.source.get(start..self.offset).unwrap_or_default()
    }

    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

    /// Where the next character is.
    pub(crate) fn position(&self) -> Position {
        Position { line: self.line, column: self.column }
    }

    pub(crate) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(crate) fn next(&mut self) -> Result<Option<char>, Error> {
        self.last = self.position();
        let Some(letter) = self.peek() else {
            // As the peer counts.
            self.column = self.column.saturating_add(1);
            return Ok(None);
        };
        self.offset += letter.len_utf8();
        if letter == '\n' {
            self.line = self.line.saturating_add(1);
            self.column = 1;
        } else {
            self.column = self.column.saturating_add(1);
        }
        match letter {
            '\0' => Err(self.error("unexpected null character (0x00)")),
            '\u{E123}' => Err(self.error("unicode code point U+E123 reserved for internal use")),
            letter => Ok(Some(letter)),
        }
    }

    pub(crate) fn skip_while(&mut self, wanted: impl Fn(char) -> bool) -> Result<usize, Error> {
        let mut count = 0;
        while self.peek().is_some_and(&wanted) {
            self.next()?;
            count += 1;
        }
        Ok(count)
    }

    /// An error at the character that was read last.
    pub(crate) fn error(&self, message: &str) -> Error {
        Error::new(self.last, message)
    }
}

pub(crate) fn is_space(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\n' | '\r')
}

fn is_letter(letter: char) -> bool {
    letter.is_alphabetic() || letter == '_'
}

fn is_word(letter: char) -> bool {
    is_letter(letter) || letter.is_numeric()
}

fn is_digit(letter: char) -> bool {
    letter.is_ascii_digit()
}

/// Reads tokens; comments are passed over.
pub(crate) struct Scanner<'a> {
    cursor: Cursor<'a>,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(source: &'a str) -> Self {
        Self { cursor: Cursor::new(source) }
    }

    pub(crate) fn token(&mut self) -> Result<Token<'a>, Error> {
        loop {
            self.cursor.skip_while(is_space)?;
            match self.cursor.peek() {
                Some('#' | '/') => self.comment()?,
                _ => break,
            }
        }
        let (position, start) = (self.cursor.position(), self.cursor.offset());
        let of = match self.cursor.next()? {
            None => Lexeme::End,
            Some(letter) => self.lexeme(letter, start)?,
        };
        Ok(Token { of, position, text: self.cursor.since(start) })
    }

    fn lexeme(&mut self, first: char, start: usize) -> Result<Lexeme, Error> {
        Ok(match first {
            '"' => self.string(start)?,
            '<' => self.heredoc(start)?,
            '[' => Lexeme::ListStart,
            ']' => Lexeme::ListEnd,
            '{' => Lexeme::ObjectStart,
            '}' => Lexeme::ObjectEnd,
            ',' => Lexeme::Comma,
            '=' => Lexeme::Assign,
            '+' => Lexeme::Add,
            '.' if self.cursor.peek().is_some_and(is_digit) => {
                self.fraction()?;
                Lexeme::Float
            }
            '.' => Lexeme::Period,
            '-' => match self.cursor.peek() {
                Some(digit) if is_digit(digit) => {
                    self.cursor.next()?;
                    self.number(digit)?
                }
                _ => Lexeme::Subtract,
            },
            letter if is_letter(letter) => {
                self.cursor.skip_while(|letter| is_word(letter) || matches!(letter, '-' | '.'))?;
                match self.cursor.since(start) {
                    "true" => Lexeme::Bool(true),
                    "false" => Lexeme::Bool(false),
                    _ => Lexeme::Identifier,
                }
            }
            digit if is_digit(digit) => self.number(digit)?,
            _ => return Err(self.cursor.error("illegal char")),
        })
    }

    fn comment(&mut self) -> Result<(), Error> {
        let rest = self.cursor.rest();
        if rest.starts_with("/*") {
            self.cursor.next()?;
            self.cursor.next()?;
            while !self.cursor.rest().starts_with("*/") {
                if self.cursor.next()?.is_none() {
                    return Err(self.cursor.error("comment not terminated"));
                }
            }
            self.cursor.next()?;
            self.cursor.next()?;
        } else if rest.starts_with('#') || rest.starts_with("//") {
            self.cursor.skip_while(|letter| letter != '\n')?;
        } else {
            self.cursor.next()?;
            return Err(self.cursor.error("expected '/' for comment"));
        }
        Ok(())
    }

    fn number(&mut self, first: char) -> Result<Lexeme, Error> {
        if first == '0' && matches!(self.cursor.peek(), Some('x' | 'X')) {
            self.cursor.next()?;
            if self.cursor.skip_while(|letter| letter.is_ascii_hexdigit())? == 0 {
                return Err(self.cursor.error("illegal hexadecimal number"));
            }
            return Ok(Lexeme::Number);
        }
        let digits = self.cursor.offset();
        self.cursor.skip_while(is_digit)?;
        // The peer looks at all digits but the first one after the zero, and finds `08` when it reads the number.
        let octal = first != '0' || !self.cursor.since(digits).chars().skip(1).any(|digit| matches!(digit, '8' | '9'));
        match self.cursor.peek() {
            Some('e' | 'E') => self.exponent()?,
            Some('.') => {
                self.cursor.next()?;
                self.fraction()?;
            }
            _ if octal => return Ok(Lexeme::Number),
            _ => return Err(self.cursor.error("illegal octal number")),
        }
        Ok(Lexeme::Float)
    }

    fn fraction(&mut self) -> Result<(), Error> {
        self.cursor.skip_while(is_digit)?;
        if matches!(self.cursor.peek(), Some('e' | 'E')) { self.exponent() } else { Ok(()) }
    }

    fn exponent(&mut self) -> Result<(), Error> {
        self.cursor.next()?;
        if matches!(self.cursor.peek(), Some('+' | '-')) {
            self.cursor.next()?;
        }
        match self.cursor.skip_while(is_digit)? {
            0 => Err(self.cursor.error("illegal exponent")),
            _ => Ok(()),
        }
    }

    fn string(&mut self, start: usize) -> Result<Lexeme, Error> {
        let mut braces = 0_usize;
        loop {
            let letter = match self.cursor.next()? {
                None => return Err(self.cursor.error("literal not terminated")),
                Some('\n') if braces == 0 => return Err(self.cursor.error("literal not terminated")),
                Some('"') if braces == 0 => break,
                Some(letter) => letter,
            };
            match letter {
                '$' if braces == 0 && self.cursor.peek() == Some('{') => {
                    self.cursor.next()?;
                    braces = 1;
                }
                '{' if braces > 0 => braces += 1,
                '}' if braces > 0 => braces -= 1,
                '\\' => self.escape()?,
                _ => {}
            }
        }
        let quoted = self.cursor.since(start);
        let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
        unquote(inner).map(Lexeme::Text).ok_or_else(|| self.cursor.error("illegal string"))
    }

    /// Checks what comes after a backslash; `unquote` resolves it.
    fn escape(&mut self) -> Result<(), Error> {
        let (base, mut digits) = match self.cursor.next()? {
            Some('a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '\\' | '"') => return Ok(()),
            Some('0'..='7') => (8, 2),
            Some('x') => (16, 2),
            Some('u') => (16, 4),
            Some('U') => (16, 8),
            _ => return Err(self.cursor.error("illegal char escape")),
        };
        while digits > 0 {
            if !self.cursor.peek().is_some_and(|digit| digit.is_digit(base)) {
                return Err(self.cursor.error("illegal char escape"));
            }
            self.cursor.next()?;
            digits -= 1;
        }
        Ok(())
    }

    fn heredoc(&mut self, start: usize) -> Result<Lexeme, Error> {
        if self.cursor.next()? != Some('<') {
            return Err(self.cursor.error("heredoc expected second '<', didn't see it"));
        }
        let anchor = self.cursor.offset();
        if self.cursor.peek() == Some('-') {
            self.cursor.next()?;
        }
        self.cursor.skip_while(is_word)?;
        let anchor = self.cursor.since(anchor);
        match self.cursor.next()? {
            None => return Err(self.cursor.error("heredoc not terminated")),
            Some('\n') => {}
            Some(_) => return Err(self.cursor.error("invalid characters in heredoc anchor")),
        }
        let word = anchor.strip_prefix('-').unwrap_or(anchor);
        if word.is_empty() {
            return Err(self.cursor.error("zero-length heredoc anchor"));
        }
        let mut line = self.cursor.offset();
        loop {
            match self.cursor.next()? {
                None => return Err(self.cursor.error("heredoc not terminated")),
                Some('\n') => {
                    let text = self.cursor.since(line).trim_end_matches('\n');
                    // As the peer does it: after `<<-` the last line must be indented.
                    if text.len() >= anchor.len() && ends(text, word) {
                        break;
                    }
                    line = self.cursor.offset();
                }
                Some(_) => {}
            }
        }
        let whole = self.cursor.since(start);
        content(whole, anchor, word).map(Lexeme::Heredoc).ok_or_else(|| self.cursor.error("illegal heredoc"))
    }
}

/// Whether a line ends the heredoc of this anchor.
fn ends(line: &str, word: &str) -> bool {
    let indented = |letter: char| matches!(letter, ' ' | '\t' | '\x0b' | '\x0c' | '\r' | '\n');
    line.trim_start_matches(indented).trim_end_matches('\r') == word
}

/// What a heredoc says, from its `<<` to the line break after its last line.
fn content(whole: &str, anchor: &str, word: &str) -> Option<String> {
    let body = whole.get(2 + anchor.len() + 1..)?;
    let body = body.get(..body.len().checked_sub(word.len() + 1)?)?;
    if !anchor.starts_with('-') {
        return Some(body.to_owned());
    }
    let indent = body.rsplit('\n').next().unwrap_or_default();
    if !body.split('\n').all(|line| line.starts_with(indent)) {
        return Some(body.trim_end_matches([' ', '\t']).to_owned());
    }
    let lines: Vec<&str> = body.split('\n').map(|line| line.strip_prefix(indent).unwrap_or(line)).collect();
    Some(lines.join("\n"))
}

/// Resolves escapes; `${}` is kept as it is. Nothing for what is no text.
fn unquote(mut rest: &str) -> Option<String> {
    if !rest.contains(['\\', '$']) {
        return Some(rest.to_owned());
    }
    let mut bytes = Vec::with_capacity(rest.len());
    while let Some(first) = rest.chars().next() {
        if rest.starts_with("${") {
            let end = template_end(rest)?;
            let (template, tail) = rest.split_at(end);
            bytes.extend_from_slice(template.as_bytes());
            rest = tail;
        } else if first == '\\' {
            let (length, value) = unescape(rest)?;
            match value {
                Escaped::Byte(byte) => bytes.push(byte),
                Escaped::Letter(letter) => bytes.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
            }
            rest = rest.get(length..)?;
        } else if first == '\n' {
            return None;
        } else {
            let (letter, tail) = rest.split_at(first.len_utf8());
            bytes.extend_from_slice(letter.as_bytes());
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok()
}

fn template_end(text: &str) -> Option<usize> {
    let mut braces = 0_usize;
    for (at, letter) in text.char_indices() {
        match letter {
            '{' => braces += 1,
            '}' => braces = braces.checked_sub(1)?,
            _ => continue,
        }
        if braces == 0 {
            return Some(at + 1);
        }
    }
    None
}

enum Escaped {
    Byte(u8),
    Letter(char),
}

fn unescape(text: &str) -> Option<(usize, Escaped)> {
    let number = |from: usize, to: usize, base| u32::from_str_radix(text.get(from..to)?, base).ok();
    let simple = |letter| Some((2, Escaped::Byte(letter)));
    let letter = |length, value| {
        (value <= char::MAX as u32).then(|| (length, Escaped::Letter(char::from_u32(value).unwrap_or('\u{FFFD}'))))
    };
    match text.as_bytes().get(1)? {
        b'a' => simple(7),
        b'b' => simple(8),
        b'f' => simple(12),
        b'n' => simple(b'\n'),
        b'r' => simple(b'\r'),
        b't' => simple(b'\t'),
        b'v' => simple(11),
        b'\\' => simple(b'\\'),
        b'"' => simple(b'"'),
        b'x' => Some((4, Escaped::Byte(u8::try_from(number(2, 4, 16)?).ok()?))),
        b'u' => letter(6, number(2, 6, 16)?),
        b'U' => letter(10, number(2, 10, 16)?),
        b'0'..=b'7' => Some((4, Escaped::Byte(u8::try_from(number(1, 4, 8)?).ok()?))),
        _ => None,
    }
}
