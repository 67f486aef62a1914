//! Functions that templates may call, with Go's types of their parameters.

use crate::value::{ANY, Value};
use crate::{builtins, sprig};
use std::collections::BTreeMap;

/// Most bytes of a text, and most items of a list, that one call may make.
pub(crate) const MAX_MADE: usize = 1 << 26;

/// Go's type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// `interface {}`
    Any,
    /// `reflect.Value`: like `any`, for Go's own functions.
    Reflect,
    /// `string`
    Text,
    /// `int`
    Int,
    /// `bool`
    Bool,
    /// `float64`
    Float,
    /// `map[string]interface {}`
    Dict,
    /// `time.Time`
    Time,
}

/// A function.
#[derive(Debug, Clone, Copy)]
pub struct Function {
    /// Its name in templates.
    pub name: &'static str,
    /// Types of its parameters.
    pub parameters: &'static [Type],
    /// The last parameter may stand any number of times.
    pub is_variadic: bool,
    /// What it does. An error is Go's text of it.
    pub run: fn(&Arguments<'_>) -> Result<Value, String>,
}

impl Function {
    /// A function with as many arguments as it has parameters.
    #[must_use]
    pub const fn new(
        name: &'static str,
        parameters: &'static [Type],
        run: fn(&Arguments<'_>) -> Result<Value, String>,
    ) -> Self {
        Self { name, parameters, is_variadic: false, run }
    }

    /// A function whose last parameter may stand any number of times.
    #[must_use]
    pub const fn variadic(
        name: &'static str,
        parameters: &'static [Type],
        run: fn(&Arguments<'_>) -> Result<Value, String>,
    ) -> Self {
        Self { name, parameters, is_variadic: true, run }
    }

    /// The type of the parameter at `index`.
    pub(crate) fn parameter(&self, index: usize) -> Type {
        self.parameters.get(index).or(self.parameters.last()).copied().unwrap_or(Type::Any)
    }
}

impl Type {
    /// Go's name.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Any => ANY,
            Self::Reflect => "reflect.Value",
            Self::Text => "string",
            Self::Int => "int",
            Self::Bool => "bool",
            Self::Float => "float64",
            Self::Dict => "map[string]interface {}",
            Self::Time => "time.Time",
        }
    }

    /// May nil stand for it?
    pub(crate) fn can_be_nil(self) -> bool {
        matches!(self, Self::Any | Self::Reflect | Self::Dict)
    }
}

/// What a function is called with: as many values as its parameters ask for, of their types.
#[derive(Debug, Clone, Copy)]
pub struct Arguments<'a> {
    pub(crate) values: &'a [Value],
}

impl<'a> Arguments<'a> {
    /// The value at `index`; nil where there is none.
    #[must_use]
    pub fn value(&self, index: usize) -> &'a Value {
        self.values.get(index).unwrap_or(&Value::Nil)
    }

    /// The text at `index`.
    #[must_use]
    pub fn text(&self, index: usize) -> &'a str {
        match self.value(index) {
            Value::Text(text) => text,
            _ => "",
        }
    }

    /// The number at `index`.
    #[must_use]
    pub fn int(&self, index: usize) -> i64 {
        match self.value(index) {
            Value::Int(number, _) => *number,
            _ => 0,
        }
    }

    /// The truth at `index`.
    #[must_use]
    pub fn bool(&self, index: usize) -> bool {
        matches!(self.value(index), Value::Bool(true))
    }

    /// The values from `index` on.
    #[must_use]
    pub fn from(&self, index: usize) -> &'a [Value] {
        self.values.get(index..).unwrap_or_default()
    }
}

/// The functions that a template may call.
#[derive(Debug, Clone)]
pub struct Functions {
    known: BTreeMap<&'static str, Function>,
}

impl Functions {
    /// Go's own.
    #[must_use]
    pub fn go() -> Self {
        Self { known: BTreeMap::new() }.with(builtins::ALL)
    }

    /// With sprig's that give the same answer everywhere (`HermeticTxtFuncMap`).
    #[must_use]
    pub fn with_sprig(self) -> Self {
        sprig::TABLES.iter().fold(self, |functions, table| functions.with(table))
    }

    /// With sprig's that read the clock: `now`, `date` and their like.
    #[must_use]
    pub fn with_sprig_dates(self) -> Self {
        self.with(sprig::DATES)
    }

    /// With further functions; they take the place of others of their name.
    #[must_use]
    pub fn with(mut self, functions: &[Function]) -> Self {
        self.known.extend(functions.iter().map(|function| (function.name, *function)));
        self
    }

    /// The function of a name.
    pub(crate) fn find(&self, name: &str) -> Option<&Function> {
        self.known.get(name)
    }
}
