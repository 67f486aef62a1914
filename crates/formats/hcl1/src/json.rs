//! HCL's JSON form: objects of objects become items with several keys, as in `path "x" { }`.

use crate::parse::Budget;
use crate::scan::{Cursor, is_space};
use crate::{Error, Item, Key, Kind, Value};

pub(crate) fn parse(text: &str, budget: &mut Budget) -> Result<Vec<Item>, Error> {
    let mut parser = Parser { cursor: Cursor::new(text), budget };
    let value = parser.value()?;
    parser.space()?;
    if parser.cursor.peek().is_some() {
        return Err(parser.unexpected("the end"));
    }
    match value.kind {
        Kind::Object(items) => flatten_items(items, parser.budget),
        _ => Err(Error::new(value.position, "Expected object")),
    }
}

struct Parser<'a, 'b> {
    cursor: Cursor<'a>,
    budget: &'b mut Budget,
}

impl Parser<'_, '_> {
    fn space(&mut self) -> Result<(), Error> {
        self.cursor.skip_while(is_space).map(drop)
    }

    fn unexpected(&self, wanted: &str) -> Error {
        let found = self.cursor.peek().map_or_else(|| "the end".to_owned(), |letter| format!("{letter:?}"));
        Error::new(self.cursor.position(), format!("expected {wanted}, found {found}"))
    }

    fn take(&mut self, wanted: char) -> Result<bool, Error> {
        self.space()?;
        let found = self.cursor.peek() == Some(wanted);
        if found {
            self.cursor.next()?;
        }
        Ok(found)
    }

    fn value(&mut self) -> Result<Value, Error> {
        self.space()?;
        let position = self.cursor.position();
        let kind = match self.cursor.peek() {
            Some('{') => {
                self.budget.enter(position)?;
                let items = self.object()?;
                self.budget.leave();
                Kind::Object(items)
            }
            Some('[') => {
                self.budget.enter(position)?;
                let values = self.list()?;
                self.budget.leave();
                Kind::List(values)
            }
            Some('"') => Kind::Text(self.string()?),
            Some('-' | '0'..='9') => self.number()?,
            Some('a'..='z') => {
                let start = self.cursor.offset();
                self.cursor.skip_while(|letter| letter.is_ascii_alphabetic())?;
                match self.cursor.since(start) {
                    "true" => Kind::Bool(true),
                    "false" => Kind::Bool(false),
                    // The peer takes it for an empty text.
                    "null" => Kind::Text(String::new()),
                    word => return Err(Error::new(position, format!("expected a value, found {word}"))),
                }
            }
            _ => return Err(self.unexpected("a value")),
        };
        Ok(Value { kind, position })
    }

    fn object(&mut self) -> Result<Vec<Item>, Error> {
        self.cursor.next()?;
        let mut items = Vec::new();
        if self.take('}')? {
            return Ok(items);
        }
        loop {
            self.space()?;
            let position = self.cursor.position();
            if self.cursor.peek() != Some('"') {
                return Err(self.unexpected("a key"));
            }
            self.budget.item(position)?;
            let key = Key { text: self.string()?, position };
            self.space()?;
            let assigned = self.cursor.position();
            if !self.take(':')? {
                return Err(self.unexpected("':'"));
            }
            items.push(Item { keys: vec![key], assigned, value: self.value()? });
            if self.take('}')? {
                return Ok(items);
            }
            if !self.take(',')? {
                return Err(self.unexpected("',' or '}'"));
            }
        }
    }

    fn list(&mut self) -> Result<Vec<Value>, Error> {
        self.cursor.next()?;
        let mut values = Vec::new();
        if self.take(']')? {
            return Ok(values);
        }
        loop {
            self.budget.item(self.cursor.position())?;
            values.push(self.value()?);
            if self.take(']')? {
                return Ok(values);
            }
            if !self.take(',')? {
                return Err(self.unexpected("',' or ']'"));
            }
        }
    }

    fn string(&mut self) -> Result<String, Error> {
        let (start, position) = (self.cursor.offset(), self.cursor.position());
        self.cursor.next()?;
        loop {
            match self.cursor.next()? {
                Some('"') => break,
                Some('\\') => {
                    self.cursor.next()?;
                }
                Some(letter) if letter != '\n' => {}
                _ => return Err(self.cursor.error("literal not terminated")),
            }
        }
        serde_json::from_str(self.cursor.since(start)).map_err(|_| Error::new(position, "illegal string"))
    }

    fn number(&mut self) -> Result<Kind, Error> {
        let (start, position) = (self.cursor.offset(), self.cursor.position());
        self.cursor.skip_while(|letter| matches!(letter, '-' | '+' | '.' | 'e' | 'E' | '0'..='9'))?;
        let text = self.cursor.since(start);
        if serde_json::from_str::<serde_json::Number>(text).is_err() {
            return Err(Error::new(position, "illegal number"));
        }
        let text = text.to_owned();
        Ok(if text.contains(['.', 'e', 'E']) { Kind::Float(text) } else { Kind::Number(text) })
    }
}

/// Items whose value is an object of objects only, or a list of objects only, become one item for each of them.
fn flatten_items(items: Vec<Item>, budget: &mut Budget) -> Result<Vec<Item>, Error> {
    let mut flat = Vec::with_capacity(items.len());
    // Reversed, so that the first is at the end.
    let mut open: Vec<Item> = items.into_iter().rev().collect();
    while let Some(item) = open.pop() {
        let Item { keys, assigned, value: Value { kind, position } } = item;
        match kind {
            Kind::Object(inner) if !inner.is_empty() && inner.iter().all(|inner| is_object(&inner.value)) => {
                budget.copies(&keys, inner.len(), position)?;
                open.extend(inner.into_iter().rev().map(|inner| Item {
                    keys: keys.iter().cloned().chain(inner.keys).collect(),
                    assigned,
                    value: inner.value,
                }));
            }
            Kind::List(inner) if !inner.is_empty() && inner.iter().all(is_object) => {
                budget.copies(&keys, inner.len(), position)?;
                open.extend(inner.into_iter().rev().map(|value| Item { keys: keys.clone(), assigned, value }));
            }
            kind => flat.push(Item { keys, assigned, value: Value { kind: flatten(kind, budget)?, position } }),
        }
    }
    Ok(flat)
}

fn flatten(kind: Kind, budget: &mut Budget) -> Result<Kind, Error> {
    Ok(match kind {
        Kind::Object(items) => Kind::Object(flatten_items(items, budget)?),
        Kind::List(values) => {
            let flat = |Value { kind, position }| Ok(Value { kind: flatten(kind, budget)?, position });
            Kind::List(values.into_iter().map(flat).collect::<Result<_, Error>>()?)
        }
        kind => kind,
    })
}

fn is_object(value: &Value) -> bool {
    matches!(value.kind, Kind::Object(_))
}
