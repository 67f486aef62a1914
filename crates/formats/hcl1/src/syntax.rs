use crate::Body;
use std::fmt;

/// A place in the text; lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Position {
    /// The line; 0 where the place is not known.
    pub line: u32,
    /// The column.
    pub column: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => formatter.write_str("-"),
            line => write!(formatter, "{line}:{}", self.column),
        }
    }
}

/// What is wrong, and where. The texts are the peer's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("At {position}: {message}")]
pub struct Error {
    /// Where.
    pub position: Position,
    /// What.
    pub message: String,
}

impl Error {
    pub(crate) fn new(position: Position, message: impl Into<String>) -> Self {
        Self { position, message: message.into() }
    }
}

/// A whole file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Document {
    /// Its items in order.
    pub items: Vec<Item>,
}

impl Document {
    /// Its fields.
    pub fn body(&self) -> Body<'_> {
        Body::new(&self.items)
    }
}

/// `key = value`, `key { }` or `key "label" { }`.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// One or more.
    pub keys: Vec<Key>,
    /// Where the `=` (in JSON the `:`) is, if there is one.
    pub assigned: Position,
    /// What it is set to.
    pub value: Value,
}

/// A key or label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Without quotes.
    pub text: String,
    /// Where.
    pub position: Position,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    /// What.
    pub kind: Kind,
    /// Where.
    pub position: Position,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// A string, with its escapes resolved.
    Text(String),
    /// A heredoc.
    Heredoc(String),
    /// A whole number as it is written: `10`, `-0x1F`, `017`.
    Number(String),
    /// A number with a fraction or an exponent, as it is written.
    Float(String),
    /// `true` or `false`.
    Bool(bool),
    /// `[ ]`
    List(Vec<Value>),
    /// `{ }`
    Object(Vec<Item>),
}

impl Value {
    /// The fields of an object; none for what is no object.
    pub fn body(&self) -> Body<'_> {
        match &self.kind {
            Kind::Object(items) => Body::new(items),
            _ => Body::new(&[]),
        }
    }

    /// The peer's name for it, which is in its errors.
    pub fn type_name(&self) -> &'static str {
        match self.kind {
            Kind::List(_) => "*ast.ListType",
            Kind::Object(_) => "*ast.ObjectType",
            _ => "*ast.LiteralType",
        }
    }
}
