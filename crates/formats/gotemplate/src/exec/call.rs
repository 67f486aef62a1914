//! Calls of functions, with Go's checks of their arguments.

use super::{At, Done, State};
use crate::function::{Arguments, Function, Type};
use crate::node::{Operand, Term};
use crate::value::{IntType, Value};

impl<'t> State<'t, '_> {
    pub(super) fn call(
        &mut self,
        dot: &Value,
        node: At<'t>,
        name: &str,
        arguments: &'t [Operand],
        last: Option<Value>,
    ) -> Done<Value> {
        let template = self.template;
        let Some(function) = template.functions.find(name) else {
            return self.fail(format!("{} is not a defined function", crate::print::quoted(name)));
        };
        self.check_count(function, arguments.len(), last.is_some())?;
        if matches!(name, "and" | "or") {
            return self.short_circuit(dot, name == "or", arguments, last);
        }
        let mut values = Vec::with_capacity(arguments.len() + 1);
        for argument in arguments {
            let value = self.argument(dot, function.parameter(values.len()), argument)?;
            values.push(value);
        }
        if let Some(value) = last {
            values.push(self.fit(value, function.parameter(values.len()))?);
        }
        let result = match (name, values.first(), arguments.first()) {
            // No value of a report is a function.
            ("call", Some(value), Some(callee)) if !value.is_nil() => {
                Err(format!("non-function {callee} of type {}", value.type_name()))
            }
            _ => (function.run)(&Arguments { values: &values }),
        };
        result.or_else(|message| {
            self.at = node;
            self.fail(format!("error calling {name}: {message}"))
        })
    }

    fn check_count(&self, function: &Function, given: usize, has_last: bool) -> Done<()> {
        let count = given + usize::from(has_last);
        let (name, wanted) = (function.name, function.parameters.len());
        if function.is_variadic {
            if count + 1 < wanted {
                return self.fail(format!("wrong number of args for {name}: want at least {} got {given}", wanted - 1));
            }
        } else if count != wanted {
            return self.fail(format!("wrong number of args for {name}: want {wanted} got {count}"));
        }
        Ok(())
    }

    /// `and` and `or` stop at the argument that decides.
    fn short_circuit(
        &mut self,
        dot: &Value,
        is_or: bool,
        arguments: &'t [Operand],
        last: Option<Value>,
    ) -> Done<Value> {
        let mut value = Value::Missing;
        for argument in arguments {
            value = self.argument(dot, Type::Reflect, argument)?;
            if value.is_true() == is_or {
                return Ok(value);
            }
        }
        Ok(last.unwrap_or(value))
    }

    /// The value of an argument for a parameter of type `of`.
    fn argument(&mut self, dot: &Value, of: Type, operand: &'t Operand) -> Done<Value> {
        self.at = At::Operand(operand);
        match &operand.term {
            Term::Nil if of.can_be_nil() => Ok(Value::Nil),
            Term::Nil => self.fail(format!("cannot assign nil to {}", of.as_str())),
            Term::Bool(_) | Term::Number(_) | Term::Text { .. } => self.literal(dot, of, operand),
            _ => {
                let value = self.operand(dot, operand)?;
                self.fit(value, of)
            }
        }
    }

    fn literal(&mut self, dot: &Value, of: Type, operand: &'t Operand) -> Done<Value> {
        match (of, &operand.term) {
            (Type::Any | Type::Reflect, _) => self.operand(dot, operand),
            (Type::Text, Term::Text { text, .. }) => Ok(Value::text(text)),
            (Type::Bool, Term::Bool(value)) => Ok(Value::Bool(*value)),
            (Type::Int, Term::Number(number)) if number.int.is_some() => Ok(Value::int(number.int.unwrap_or_default())),
            (Type::Float, Term::Number(number)) => Ok(Value::Float(number.float.unwrap_or_default())),
            (Type::Text, _) => self.fail(format!("expected string; found {operand}")),
            (Type::Bool, _) => self.fail(format!("expected bool; found {operand}")),
            (Type::Int, _) => self.fail(format!("expected integer; found {operand}")),
            (Type::Float, _) => self.fail(format!("expected float; found {operand}")),
            (Type::Dict | Type::Time, _) => {
                self.fail(format!("can't handle {operand} for arg of type {}", of.as_str()))
            }
        }
    }

    /// The value, if it is of the type.
    fn fit(&self, value: Value, of: Type) -> Done<Value> {
        let fits = match (&value, of) {
            (_, Type::Any | Type::Reflect)
            | (Value::Text(_), Type::Text)
            | (Value::Int(_, IntType::Int), Type::Int)
            | (Value::Bool(_), Type::Bool)
            | (Value::Float(_), Type::Float)
            | (Value::Time(_), Type::Time)
            | (Value::Missing, Type::Dict) => true,
            (Value::Map(map), Type::Dict) => map.value_type == crate::value::ANY,
            _ => false,
        };
        match value {
            Value::Missing if of.can_be_nil() => Ok(Value::Nil),
            Value::Missing => self.fail(format!("invalid value; expected {}", of.as_str())),
            value if fits => Ok(value),
            Value::Nil => self.fail(format!("wrong type for value; expected {}; got interface {{}}", of.as_str())),
            value => self.fail(format!("wrong type for value; expected {}; got {}", of.as_str(), value.type_name())),
        }
    }
}
