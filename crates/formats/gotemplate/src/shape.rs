//! Go's structures, and values of them from JSON.

use crate::value::{IntType, Struct, Value};
use serde_json::Value as Json;
use std::rc::Rc;

/// Go's type of a structure.
#[derive(Debug)]
pub struct StructType {
    /// Its name, for example `models.Match`.
    pub name: &'static str,
    /// Its fields.
    pub fields: &'static [FieldType],
    /// The field that is printed in place of all, where Go's type has a `String` method.
    pub shown_as: Option<&'static str>,
}

/// A field of a [`StructType`].
#[derive(Debug)]
pub struct FieldType {
    /// Go's name.
    pub name: &'static str,
    /// Name in JSON.
    pub json: &'static str,
    /// Left out of JSON where it is empty.
    pub omit_empty: bool,
    /// Its own fields count as fields of the structure around it.
    pub embedded: bool,
    /// Its type.
    pub shape: Shape,
}

/// The type of a field. Where Go's name of a type is needed, it stands beside.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// `any`
    Any,
    /// `string`
    Text,
    /// A whole number.
    Int(IntType),
    /// `float64`
    Float,
    /// `bool`
    Bool,
    /// A slice.
    List(&'static Shape, &'static str),
    /// A map with strings as keys.
    Map(&'static Shape, &'static str),
    /// A structure.
    Struct(&'static StructType),
    /// A pointer.
    Pointer(&'static Shape, &'static str),
    /// `any` that holds the first of these structures whose fields are there.
    OneOf(&'static [&'static StructType]),
}

impl StructType {
    /// A structure that Go prints field by field.
    #[must_use]
    pub const fn new(name: &'static str, fields: &'static [FieldType]) -> Self {
        Self { name, fields, shown_as: None }
    }
}

impl FieldType {
    /// A field that JSON always has.
    #[must_use]
    pub const fn new(name: &'static str, json: &'static str, shape: Shape) -> Self {
        Self { name, json, omit_empty: false, embedded: false, shape }
    }

    /// A field that JSON has where it is not empty.
    #[must_use]
    pub const fn omit_empty(name: &'static str, json: &'static str, shape: Shape) -> Self {
        Self { name, json, omit_empty: true, embedded: false, shape }
    }

    /// An embedded structure.
    #[must_use]
    pub const fn embedded(name: &'static str, of: &'static StructType) -> Self {
        Self { name, json: "", omit_empty: false, embedded: true, shape: Shape::Struct(of) }
    }
}

impl Shape {
    /// The value that JSON stands for in this type; its zero where JSON has nothing, or something else.
    #[must_use]
    pub fn value(&self, json: Option<&Json>) -> Value {
        match (self, json.unwrap_or(&Json::Null)) {
            (Self::Any, json) => Value::from_json(json),
            (Self::Text, json) => Value::text(json.as_str().unwrap_or_default()),
            (Self::Int(of), json) => Value::Int(json.as_i64().unwrap_or_default(), *of),
            (Self::Float, json) => Value::Float(json.as_f64().unwrap_or_default()),
            (Self::Bool, json) => Value::Bool(json.as_bool().unwrap_or_default()),
            (Self::List(shape, of), Json::Array(items)) => {
                Value::list_of(of, items.iter().map(|item| shape.value(Some(item))).collect())
            }
            (Self::List(_, of), _) => Value::list_of(of, Vec::new()),
            (Self::Map(shape, of), Json::Object(entries)) => {
                Value::map_of(of, entries.iter().map(|(key, item)| (key.clone(), shape.value(Some(item)))).collect())
            }
            (Self::Map(_, of), _) => Value::map_of(of, Default::default()),
            (Self::Struct(of), json) => structure(of, json),
            (Self::Pointer(_, of), Json::Null) => Value::NilPointer(of),
            (Self::Pointer(shape, _), json) => shape.value(Some(json)),
            (Self::OneOf(types), json) => match types.iter().find(|of| fits(of, json)) {
                Some(of) => structure(of, json),
                None => Value::from_json(json),
            },
        }
    }
}

fn structure(of: &'static StructType, json: &Json) -> Value {
    let field = |field: &FieldType| match &field.shape {
        // The fields of an embedded structure stand among the others.
        shape if field.embedded => shape.value(Some(json)),
        shape => shape.value(json.get(field.json)),
    };
    Value::Struct(Rc::new(Struct { of, values: of.fields.iter().map(field).collect() }))
}

fn fits(of: &StructType, json: &Json) -> bool {
    let Json::Object(entries) = json else { return false };
    let has = |name: &str| of.fields.iter().any(|field| field.json == name);
    of.fields.iter().all(|field| field.omit_empty || entries.contains_key(field.json))
        && entries.keys().all(|key| has(key))
}
