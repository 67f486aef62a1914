//! Go's values, as far as templates can tell them apart.

use crate::shape::StructType;
use jiff::Zoned;
use serde_json::Value as Json;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The type of a list or map whose items may be anything.
pub(crate) const ANY: &str = "interface {}";

/// A value.
#[derive(Debug, Clone)]
pub enum Value {
    /// No value at all: a key that a map has not. Prints `<no value>`.
    Missing,
    /// A nil of type `any`, as null in JSON.
    Nil,
    /// A nil pointer; the text is the type that it would point to.
    NilPointer(&'static str),
    /// A `bool`.
    Bool(bool),
    /// A whole number.
    Int(i64, IntType),
    /// A `float64`.
    Float(f64),
    /// A `string`.
    Text(Rc<str>),
    /// A slice.
    List(Rc<List>),
    /// A map with strings as keys. Copies share it, as in Go.
    Map(Rc<Map>),
    /// A structure.
    Struct(Rc<Struct>),
    /// A `time.Time`.
    Time(Box<Zoned>),
}

/// Go's type of a whole number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntType {
    /// `int`
    Int,
    /// `int64`
    Int64,
    /// `uint8`, a byte of a string.
    Uint8,
    /// `int32`, a character.
    Int32,
}

/// A slice.
#[derive(Debug)]
pub struct List {
    /// Go's type of the items.
    pub item_type: &'static str,
    /// The items.
    pub items: Vec<Value>,
}

/// A map with strings as keys.
#[derive(Debug)]
pub struct Map {
    /// Go's type of the values.
    pub value_type: &'static str,
    /// The entries; templates may change them.
    pub entries: RefCell<BTreeMap<String, Value>>,
}

/// A structure.
#[derive(Debug)]
pub struct Struct {
    /// Its type.
    pub of: &'static StructType,
    /// One value for each field of the type, in its order.
    pub values: Vec<Value>,
}

impl IntType {
    /// Go's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Int64 => "int64",
            Self::Uint8 => "uint8",
            Self::Int32 => "int32",
        }
    }
}

impl Struct {
    /// The value of a field, also of an embedded structure.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Value> {
        let own = self.of.fields.iter().zip(&self.values);
        own.clone().find(|(field, _)| field.name == name).map(|(_, value)| value).or_else(|| {
            own.filter(|(field, _)| field.embedded).find_map(|(_, value)| match value {
                Value::Struct(inner) => inner.field(name),
                _ => None,
            })
        })
    }
}

impl Value {
    /// A `string`.
    #[must_use]
    pub fn text(text: impl AsRef<str>) -> Self {
        Self::Text(Rc::from(text.as_ref()))
    }

    /// An `int`.
    #[must_use]
    pub fn int(number: i64) -> Self {
        Self::Int(number, IntType::Int)
    }

    /// An `int64`.
    #[must_use]
    pub fn int64(number: i64) -> Self {
        Self::Int(number, IntType::Int64)
    }

    /// A `[]interface {}`.
    #[must_use]
    pub fn list(items: Vec<Self>) -> Self {
        Self::list_of(ANY, items)
    }

    /// A slice of a type.
    #[must_use]
    pub fn list_of(item_type: &'static str, items: Vec<Self>) -> Self {
        Self::List(Rc::new(List { item_type, items }))
    }

    /// A `[]string`.
    #[must_use]
    pub fn texts<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> Self {
        Self::list_of("string", items.into_iter().map(Self::text).collect())
    }

    /// A `map[string]interface {}`.
    #[must_use]
    pub fn map(entries: BTreeMap<String, Self>) -> Self {
        Self::map_of(ANY, entries)
    }

    /// A map to a type.
    #[must_use]
    pub fn map_of(value_type: &'static str, entries: BTreeMap<String, Self>) -> Self {
        Self::Map(Rc::new(Map { value_type, entries: RefCell::new(entries) }))
    }

    /// JSON as Go reads it into an `any`. The depth is that of `json`, which parsers bound.
    #[must_use]
    pub fn from_json(json: &Json) -> Self {
        match json {
            Json::Null => Self::Nil,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => Self::Float(number.as_f64().unwrap_or(f64::MAX)),
            Json::String(text) => Self::text(text),
            Json::Array(items) => Self::list(items.iter().map(Self::from_json).collect()),
            Json::Object(fields) => {
                Self::map(fields.iter().map(|(key, value)| (key.clone(), Self::from_json(value))).collect())
            }
        }
    }

    /// Go's name of the type; `<nil>` for what has none.
    #[must_use]
    pub fn type_name(&self) -> String {
        match self {
            Self::Missing | Self::Nil => "<nil>".to_owned(),
            Self::NilPointer(of) => format!("*{of}"),
            Self::Bool(_) => "bool".to_owned(),
            Self::Int(_, of) => of.as_str().to_owned(),
            Self::Float(_) => "float64".to_owned(),
            Self::Text(_) => "string".to_owned(),
            Self::List(list) => format!("[]{}", list.item_type),
            Self::Map(map) => format!("map[string]{}", map.value_type),
            Self::Struct(value) => value.of.name.to_owned(),
            Self::Time(_) => "time.Time".to_owned(),
        }
    }

    /// Go's name of the kind (`reflect.Kind`).
    #[must_use]
    pub fn kind_name(&self) -> &'static str {
        match self {
            Self::Missing | Self::Nil => "invalid",
            Self::NilPointer(_) => "ptr",
            Self::Bool(_) => "bool",
            Self::Int(_, of) => of.as_str(),
            Self::Float(_) => "float64",
            Self::Text(_) => "string",
            Self::List(_) => "slice",
            Self::Map(_) => "map",
            Self::Struct(_) | Self::Time(_) => "struct",
        }
    }

    /// Is it so for `if`? Not where it is the zero of its type; structures always are.
    #[must_use]
    pub fn is_true(&self) -> bool {
        match self {
            Self::Missing | Self::Nil | Self::NilPointer(_) => false,
            Self::Bool(value) => *value,
            Self::Int(number, _) => *number != 0,
            Self::Float(number) => *number != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::List(list) => !list.items.is_empty(),
            Self::Map(map) => !map.entries.borrow().is_empty(),
            Self::Struct(_) | Self::Time(_) => true,
        }
    }

    /// Is there nothing?
    #[must_use]
    pub fn is_nil(&self) -> bool {
        matches!(self, Self::Missing | Self::Nil | Self::NilPointer(_))
    }

    /// `reflect.DeepEqual`: the same type and the same content, to a bounded depth.
    #[must_use]
    pub fn deep_equal(&self, other: &Self) -> bool {
        self.equal_to(other, 0)
    }

    fn equal_to(&self, other: &Self, depth: usize) -> bool {
        if depth > MAX_DEPTH {
            return false;
        }
        let pairs = |left: &[Self], right: &[Self]| {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| left.equal_to(right, depth + 1))
        };
        match (self, other) {
            (Self::Missing | Self::Nil, Self::Missing | Self::Nil) => true,
            (Self::NilPointer(left), Self::NilPointer(right)) => left == right,
            (Self::Bool(left), Self::Bool(right)) => left == right,
            (Self::Int(left, of), Self::Int(right, other_of)) => left == right && of == other_of,
            (Self::Float(left), Self::Float(right)) => left == right,
            (Self::Text(left), Self::Text(right)) => left == right,
            (Self::List(left), Self::List(right)) => {
                left.item_type == right.item_type && pairs(&left.items, &right.items)
            }
            (Self::Map(left), Self::Map(right)) => {
                if Rc::ptr_eq(left, right) {
                    return true;
                }
                let (one, two) = (left.entries.borrow(), right.entries.borrow());
                left.value_type == right.value_type
                    && one.len() == two.len()
                    && one
                        .iter()
                        .zip(two.iter())
                        .all(|((key, left), (other_key, right))| key == other_key && left.equal_to(right, depth + 1))
            }
            (Self::Struct(left), Self::Struct(right)) => {
                std::ptr::eq(left.of, right.of) && pairs(&left.values, &right.values)
            }
            (Self::Time(left), Self::Time(right)) => left == right,
            _ => false,
        }
    }
}

/// Deeper values are not looked into: a template can put a map into itself.
pub(crate) const MAX_DEPTH: usize = 128;

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}
