//! Words of a template (text/template/parse, lex.go): text, and what stands between `{{` and `}}`.

/// A kind of word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Error,
    Bool,
    Char,
    CharConstant,
    Assign,
    Declare,
    Eof,
    Field,
    Identifier,
    LeftDelim,
    LeftParen,
    Number,
    Pipe,
    RawString,
    RightDelim,
    RightParen,
    Space,
    String,
    Text,
    Variable,
    Block,
    Break,
    Continue,
    Dot,
    Define,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

/// A word with its place.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) kind: Kind,
    /// Offset in bytes.
    pub(crate) at: usize,
    pub(crate) text: String,
    /// From 1.
    pub(crate) line: usize,
}

impl Item {
    /// As error messages name it.
    pub(crate) fn describe(&self) -> String {
        match self.kind {
            Kind::Eof => "EOF".to_owned(),
            Kind::Error => self.text.clone(),
            _ if self.is_keyword() => format!("<{}>", self.text),
            // As Go cuts it: by characters here, so that none is cut in two.
            _ if self.text.len() > 10 => {
                format!("{}...", crate::print::quoted(&self.text.chars().take(10).collect::<String>()))
            }
            _ => crate::print::quoted(&self.text),
        }
    }

    fn is_keyword(&self) -> bool {
        keyword(&self.text) == Some(self.kind)
    }
}

fn keyword(word: &str) -> Option<Kind> {
    Some(match word {
        "." => Kind::Dot,
        "block" => Kind::Block,
        "break" => Kind::Break,
        "continue" => Kind::Continue,
        "define" => Kind::Define,
        "else" => Kind::Else,
        "end" => Kind::End,
        "if" => Kind::If,
        "nil" => Kind::Nil,
        "range" => Kind::Range,
        "template" => Kind::Template,
        "with" => Kind::With,
        _ => return None,
    })
}

const SPACE: &[char] = &[' ', '\t', '\r', '\n'];

/// Reads words one by one. After an error there are no more.
#[derive(Debug)]
pub(crate) struct Lexer<'a> {
    input: &'a str,
    at: usize,
    start: usize,
    line: usize,
    start_line: usize,
    paren_depth: usize,
    inside_action: bool,
    failed: bool,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(input: &'a str) -> Self {
        Self { input, at: 0, start: 0, line: 1, start_line: 1, paren_depth: 0, inside_action: false, failed: false }
    }

    /// The next word.
    pub(crate) fn next_item(&mut self) -> Item {
        if self.failed {
            return Item { kind: Kind::Eof, at: self.at, text: "EOF".to_owned(), line: self.line };
        }
        if self.inside_action { self.inside() } else { self.text() }
    }

    fn rest(&self) -> &'a str {
        self.input.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let char = self.peek()?;
        self.at += char.len_utf8();
        Some(char)
    }

    fn word(&self) -> &'a str {
        self.input.get(self.start..self.at).unwrap_or_default()
    }

    /// Gives what was passed as a word.
    fn emit(&mut self, kind: Kind) -> Item {
        let text = self.word();
        let item = Item { kind, at: self.start, text: text.to_owned(), line: self.start_line };
        self.skip();
        item
    }

    /// Forgets what was passed.
    fn skip(&mut self) {
        self.line += self.word().bytes().filter(|byte| *byte == b'\n').count();
        self.start = self.at;
        self.start_line = self.line;
    }

    fn error(&mut self, message: impl Into<String>) -> Item {
        self.failed = true;
        Item { kind: Kind::Error, at: self.start, text: message.into(), line: self.start_line }
    }

    /// Text up to the next action; comments are passed over.
    fn text(&mut self) -> Item {
        loop {
            let rest = self.rest();
            let Some(found) = rest.find("{{") else {
                self.at = self.input.len();
                let kind = if self.at > self.start { Kind::Text } else { Kind::Eof };
                return self.emit(kind);
            };
            let (before, action) = rest.split_at(found);
            let kept = if has_left_trim(action.get(2..).unwrap_or_default()) {
                before.trim_end_matches(SPACE).len()
            } else {
                found
            };
            if found > 0 {
                self.at += kept;
                let text = (kept > 0).then(|| self.emit(Kind::Text));
                self.at += found - kept;
                self.skip();
                if let Some(text) = text {
                    return text;
                }
            }
            let trims = has_left_trim(self.rest().get(2..).unwrap_or_default());
            let after_marker = if trims { 2 } else { 0 };
            if self.rest().get(2 + after_marker..).is_some_and(|rest| rest.starts_with("/*")) {
                self.at += 2 + after_marker;
                self.skip();
                match self.comment() {
                    Some(error) => return error,
                    None => continue,
                }
            }
            self.at += 2;
            let item = self.emit(Kind::LeftDelim);
            self.at += after_marker;
            self.skip();
            self.inside_action = true;
            self.paren_depth = 0;
            return item;
        }
    }

    /// Passes over a comment; gives an error where it is not closed.
    fn comment(&mut self) -> Option<Item> {
        let Some(length) = self.rest().get(2..).and_then(|rest| rest.find("*/")) else {
            return Some(self.error("unclosed comment"));
        };
        self.at += 2 + length + 2;
        let Some(trims) = self.right_delim() else {
            return Some(self.error("comment ends before closing delimiter"));
        };
        self.at += if trims { 4 } else { 2 };
        if trims {
            self.at += leading_space(self.rest());
        }
        self.skip();
        None
    }

    /// Are we at `}}`? And does it trim what follows?
    fn right_delim(&self) -> Option<bool> {
        let rest = self.rest();
        if rest.starts_with(SPACE) && rest.get(1..).is_some_and(|rest| rest.starts_with("-}}")) {
            return Some(true);
        }
        rest.starts_with("}}").then_some(false)
    }

    fn close(&mut self, trims: bool) -> Item {
        if trims {
            self.at += 2;
            self.skip();
        }
        self.at += 2;
        let item = self.emit(Kind::RightDelim);
        if trims {
            self.at += leading_space(self.rest());
            self.skip();
        }
        self.inside_action = false;
        item
    }

    fn inside(&mut self) -> Item {
        if let Some(trims) = self.right_delim() {
            return if self.paren_depth == 0 { self.close(trims) } else { self.error("unclosed left paren") };
        }
        let Some(char) = self.peek() else { return self.error("unclosed action") };
        if SPACE.contains(&char) {
            return self.space();
        }
        if char.is_ascii_digit() || matches!(char, '+' | '-') {
            return self.number();
        }
        if is_alphanumeric(char) {
            return self.identifier();
        }
        self.next();
        match char {
            '=' => self.emit(Kind::Assign),
            ':' if self.peek() == Some('=') => {
                self.next();
                self.emit(Kind::Declare)
            }
            ':' => self.error("expected :="),
            '|' => self.emit(Kind::Pipe),
            '"' => self.delimited('"', Kind::String, "unterminated quoted string"),
            '\'' => self.delimited('\'', Kind::CharConstant, "unterminated character constant"),
            '`' => match self.rest().find('`') {
                Some(length) => {
                    self.at += length + 1;
                    self.emit(Kind::RawString)
                }
                None => self.error("unterminated raw quoted string"),
            },
            '$' => self.name(Kind::Variable),
            '.' if self.peek().is_some_and(|char| char.is_ascii_digit()) => {
                self.at -= 1;
                self.number()
            }
            '.' => self.name(Kind::Field),
            '(' => {
                self.paren_depth += 1;
                self.emit(Kind::LeftParen)
            }
            ')' if self.paren_depth == 0 => self.error("unexpected right paren"),
            ')' => {
                self.paren_depth -= 1;
                self.emit(Kind::RightParen)
            }
            char if char.is_ascii_graphic() => self.emit(Kind::Char),
            char => self.error(format!("unrecognized character in action: {}", unicode(char))),
        }
    }

    fn space(&mut self) -> Item {
        let length = leading_space(self.rest());
        let after = self.rest().get(length - 1..).unwrap_or_default();
        // The last blank may belong to ` -}}`.
        if after.get(1..).is_some_and(|rest| rest.starts_with("-}}")) {
            if length == 1 {
                return self.close(true);
            }
            self.at += length - 1;
        } else {
            self.at += length;
        }
        self.emit(Kind::Space)
    }

    fn identifier(&mut self) -> Item {
        self.pass_alphanumeric();
        if let Some(error) = self.bad_end() {
            return error;
        }
        match self.word() {
            "true" | "false" => self.emit(Kind::Bool),
            word => self.emit(keyword(word).unwrap_or(Kind::Identifier)),
        }
    }

    /// A field or variable; its first character is passed.
    fn name(&mut self, kind: Kind) -> Item {
        if self.at_terminator() {
            // Nothing follows: `.` or `$`.
            return self.emit(if kind == Kind::Variable { kind } else { Kind::Dot });
        }
        self.pass_alphanumeric();
        match self.bad_end() {
            Some(error) => error,
            None => self.emit(kind),
        }
    }

    fn pass_alphanumeric(&mut self) {
        self.at += self.rest().find(|char| !is_alphanumeric(char)).unwrap_or(self.rest().len());
    }

    fn bad_end(&mut self) -> Option<Item> {
        if self.at_terminator() {
            return None;
        }
        let char = self.peek().unwrap_or_default();
        Some(self.error(format!("bad character {}", unicode(char))))
    }

    fn at_terminator(&self) -> bool {
        self.peek().is_none_or(|char| SPACE.contains(&char) || ".,|:)(".contains(char)) || self.rest().starts_with("}}")
    }

    fn delimited(&mut self, quote: char, kind: Kind, unterminated: &str) -> Item {
        loop {
            match self.next() {
                Some('\\') if self.peek().is_some_and(|char| char != '\n') => {
                    self.next();
                }
                None | Some('\\' | '\n') => return self.error(unterminated),
                Some(char) if char == quote => return self.emit(kind),
                Some(_) => {}
            }
        }
    }

    fn number(&mut self) -> Item {
        self.accept("+-");
        let mut digits = "0123456789_";
        if self.accept("0") {
            if self.accept("xX") {
                digits = "0123456789abcdefABCDEF_";
            } else if self.accept("oO") {
                digits = "01234567_";
            } else if self.accept("bB") {
                digits = "01_";
            }
        }
        let exponent = match digits.len() {
            11 => "eE",
            23 => "pP",
            _ => "",
        };
        while self.accept(digits) {}
        if self.accept(".") {
            while self.accept(digits) {}
        }
        if self.accept(exponent) {
            self.accept("+-");
            while self.accept("0123456789_") {}
        }
        // Complex numbers (`1+2i`) have no use in reports.
        if self.peek().is_some_and(|char| is_alphanumeric(char) || matches!(char, '+' | '-')) {
            self.next();
            let word = self.word().to_owned();
            return self.error(format!("bad number syntax: {}", crate::print::quoted(&word)));
        }
        self.emit(Kind::Number)
    }

    fn accept(&mut self, valid: &str) -> bool {
        let found = self.peek().is_some_and(|char| valid.contains(char));
        if found {
            self.next();
        }
        found
    }
}

fn is_alphanumeric(char: char) -> bool {
    char == '_' || char.is_alphabetic() || char.is_numeric()
}

fn has_left_trim(after_delim: &str) -> bool {
    after_delim.strip_prefix('-').is_some_and(|rest| rest.starts_with(SPACE))
}

fn leading_space(text: &str) -> usize {
    text.len() - text.trim_start_matches(SPACE).len()
}

/// Go's `%#U`.
fn unicode(char: char) -> String {
    let code = u32::from(char);
    if char.is_control() { format!("U+{code:04X}") } else { format!("U+{code:04X} '{char}'") }
}
