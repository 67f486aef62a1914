use crate::scan::{Lexeme, Scanner, Token};
use crate::{Document, Error, Item, Key, Kind, Position, Value, json};

/// What an input may be at most.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of text.
    pub bytes: usize,
    /// Objects and lists in each other.
    pub depth: usize,
    /// Items of objects and lists.
    pub items: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 1 << 20, depth: 64, items: 100_000 }
    }
}

/// Parses HCL, or JSON where the text starts with `{`, within the default limits.
///
/// # Errors
/// With the place of what is neither.
pub fn parse(text: &str) -> Result<Document, Error> {
    parse_within(text, Limits::default())
}

/// Parses within limits. Time and memory are in proportion to the text.
///
/// # Errors
/// As [`parse`], and where a limit is passed.
pub fn parse_within(text: &str, limits: Limits) -> Result<Document, Error> {
    if text.len() > limits.bytes {
        return Err(Error::new(Position::default(), format!("text of more than {} bytes", limits.bytes)));
    }
    let mut budget = Budget { depth: 0, items: 0, copied: 0, limits };
    if text.trim_start().starts_with('{') {
        return Ok(Document { items: json::parse(text, &mut budget)? });
    }
    let text = if text.contains("\r\n") { &text.replace("\r\n", "\n") } else { text };
    let mut parser = Parser { scanner: Scanner::new(text), ahead: None, budget, scanner_failed: false };
    let (items, _) = parser.items(false)?;
    Ok(Document { items })
}

/// How much has been made of the text.
pub(crate) struct Budget {
    depth: usize,
    items: usize,
    copied: usize,
    limits: Limits,
}

impl Budget {
    pub(crate) fn enter(&mut self, position: Position) -> Result<(), Error> {
        self.depth += 1;
        if self.depth > self.limits.depth {
            return Err(Error::new(position, format!("nested deeper than {}", self.limits.depth)));
        }
        Ok(())
    }

    pub(crate) fn leave(&mut self) {
        self.depth -= 1;
    }

    pub(crate) fn item(&mut self, position: Position) -> Result<(), Error> {
        self.items += 1;
        if self.items > self.limits.items {
            return Err(Error::new(position, format!("more than {} items", self.limits.items)));
        }
        Ok(())
    }

    /// Keys that are copied for each of several items: long ones would make much of little text.
    pub(crate) fn copies(&mut self, keys: &[Key], count: usize, position: Position) -> Result<(), Error> {
        let once: usize = keys.iter().map(|key| key.text.len() + 32).sum();
        self.copied = self.copied.saturating_add(once.saturating_mul(count));
        if self.copied > self.limits.bytes.saturating_mul(16) {
            return Err(Error::new(position, "too many objects below long keys"));
        }
        Ok(())
    }
}

/// Whether the text has ended where a list of items ended.
type Ended = bool;

struct Parser<'a> {
    scanner: Scanner<'a>,
    ahead: Option<Token<'a>>,
    budget: Budget,
    /// The scanner's errors are told as they are, however deep.
    scanner_failed: bool,
}

impl<'a> Parser<'a> {
    fn token(&mut self) -> Result<Token<'a>, Error> {
        match self.ahead.take() {
            Some(token) => Ok(token),
            None => self.scanner.token().inspect_err(|_| self.scanner_failed = true),
        }
    }

    fn peek(&mut self) -> Result<&Lexeme, Error> {
        let token = self.token()?;
        Ok(&self.ahead.insert(token).of)
    }

    /// The items of an object up to its end, or of the file.
    fn items(&mut self, in_object: bool) -> Result<(Vec<Item>, Ended), Error> {
        let mut items = Vec::new();
        loop {
            if in_object && *self.peek()? == Lexeme::ObjectEnd {
                return Ok((items, false));
            }
            let Some(item) = self.item()? else { return Ok((items, true)) };
            self.budget.item(item.value.position)?;
            items.push(item);
            if *self.peek()? == Lexeme::Comma {
                self.token()?;
            }
        }
    }

    /// Nothing where the text ends before an item, or after its `=`: the peer takes both for the end.
    fn item(&mut self) -> Result<Option<Item>, Error> {
        let mut keys = Vec::new();
        let mut written = Vec::new();
        loop {
            let token = self.token()?;
            let position = token.position;
            match token.of {
                Lexeme::End if keys.is_empty() => return Ok(None),
                Lexeme::End | Lexeme::ObjectEnd if !keys.is_empty() => {
                    let keys = written.join(" ");
                    let message = format!("key '{keys}' expected start of object ('{{') or assignment ('=')");
                    return Err(Error::new(position, message));
                }
                Lexeme::Assign if keys.len() > 1 => {
                    return Err(Error::new(position, "nested object expected: LBRACE got: ASSIGN"));
                }
                Lexeme::Assign if keys.is_empty() => return Err(Error::new(position, "no object keys found!")),
                Lexeme::Assign => {
                    let value = self.value()?;
                    return Ok(value.map(|value| Item { keys, assigned: position, value }));
                }
                Lexeme::ObjectStart if keys.is_empty() => {
                    return Err(Error::new(position, "expected: IDENT | STRING got: LBRACE"));
                }
                Lexeme::ObjectStart => {
                    let value = self.object(position)?;
                    return Ok(Some(Item { keys, assigned: Position::default(), value }));
                }
                Lexeme::Identifier => keys.push(Key { text: token.text.to_owned(), position }),
                Lexeme::Text(text) => keys.push(Key { text, position }),
                other => {
                    let message = format!("expected: IDENT | STRING | ASSIGN | LBRACE got: {}", other.name());
                    return Err(Error::new(position, message));
                }
            }
            self.budget.item(position)?;
            written.push(token.text);
        }
    }

    fn value(&mut self) -> Result<Option<Value>, Error> {
        let token = self.token()?;
        let position = token.position;
        match token.of {
            Lexeme::ObjectStart => self.object(position).map(Some),
            Lexeme::ListStart => self.list(position).map(Some),
            Lexeme::End => Ok(None),
            ref other => match literal(&token) {
                Some(kind) => Ok(Some(Value { kind, position })),
                None => {
                    let message = format!("Unknown token: {position} {} {}", other.name(), token.text);
                    Err(Error::new(position, message))
                }
            },
        }
    }

    fn object(&mut self, position: Position) -> Result<Value, Error> {
        self.budget.enter(position)?;
        let (items, _) = self.items(true)?;
        let end = self.token()?;
        if end.of != Lexeme::ObjectEnd {
            let message = format!("object expected closing RBRACE got: {}", end.of.name());
            return Err(Error::new(end.position, message));
        }
        self.budget.leave();
        Ok(Value { kind: Kind::Object(items), position })
    }

    fn list(&mut self, position: Position) -> Result<Value, Error> {
        self.budget.enter(position)?;
        let mut values = Vec::new();
        let mut needs_comma = false;
        loop {
            let token = self.token()?;
            if needs_comma && !matches!(token.of, Lexeme::Comma | Lexeme::ListEnd) {
                let message = format!("error parsing list, expected comma or list end, got: {}", token.of.name());
                return Err(Error::new(token.position, message));
            }
            needs_comma = true;
            let value = match &token.of {
                Lexeme::Comma => {
                    needs_comma = false;
                    continue;
                }
                Lexeme::ListEnd => break,
                Lexeme::ObjectStart => {
                    let object = self.object(token.position);
                    object.map_err(|error| self.within("object", token.position, error))?
                }
                Lexeme::ListStart => {
                    needs_comma = false;
                    let list = self.list(token.position);
                    list.map_err(|error| self.within("list", token.position, error))?
                }
                other => match literal(&token) {
                    Some(kind) => Value { kind, position: token.position },
                    None => {
                        let message = format!("unexpected token while parsing list: {}", other.name());
                        return Err(Error::new(token.position, message));
                    }
                },
            };
            self.budget.item(token.position)?;
            values.push(value);
        }
        self.budget.leave();
        Ok(Value { kind: Kind::List(values), position })
    }
}

impl Parser<'_> {
    fn within(&self, what: &str, position: Position, error: Error) -> Error {
        if self.scanner_failed {
            return error;
        }
        Error::new(position, format!("error while trying to parse {what} within list: {error}"))
    }
}

fn literal(token: &Token<'_>) -> Option<Kind> {
    Some(match &token.of {
        Lexeme::Text(text) => Kind::Text(text.clone()),
        Lexeme::Heredoc(text) => Kind::Heredoc(text.clone()),
        Lexeme::Number => Kind::Number(token.text.to_owned()),
        Lexeme::Float => Kind::Float(token.text.to_owned()),
        Lexeme::Bool(value) => Kind::Bool(*value),
        _ => return None,
    })
}
