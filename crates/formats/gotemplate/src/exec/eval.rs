//! Pipelines, commands and fields.

use super::{At, Done, State};
use crate::node::{Command, Operand, Pipe, Term};
use crate::value::{ANY, Value};

impl<'t> State<'t, '_> {
    /// The value of a pipeline; the variables that it declares stay.
    pub(super) fn pipeline(&mut self, dot: &Value, pipe: &'t Pipe) -> Done<Value> {
        self.at = At::Pipe(pipe);
        let mut value = None;
        for command in &pipe.commands {
            self.step()?;
            let result = self.command(dot, command, value.take())?;
            // What was nil of type any is no value.
            value = Some(if matches!(result, Value::Nil) { Value::Missing } else { result });
        }
        let value = value.unwrap_or(Value::Missing);
        for name in &pipe.variables {
            if pipe.is_assign {
                self.set(name, value.clone())?;
            } else {
                self.variables.push((name, value.clone()));
            }
        }
        Ok(value)
    }

    /// The value of a command; `last` is the result of the one before.
    fn command(&mut self, dot: &Value, command: &'t Command, last: Option<Value>) -> Done<Value> {
        let first = &command.first;
        let has_arguments = !command.arguments.is_empty() || last.is_some();
        match &first.term {
            Term::Identifier(name) => {
                self.at = At::Operand(first);
                self.call(dot, At::Command(command), name, &command.arguments, last)
            }
            Term::Field(names) => {
                self.at = At::Operand(first);
                self.fields(dot, dot, names, &command.arguments, last)
            }
            Term::Variable(name, names) if !names.is_empty() => {
                self.at = At::Operand(first);
                let value = self.variable(name)?;
                self.fields(dot, &value, names, &command.arguments, last)
            }
            Term::Chain(inner, names) => {
                let value = self.chain_start(dot, first, inner)?;
                self.fields(dot, &value, names, &command.arguments, last)
            }
            _ => {
                if !matches!(first.term, Term::Pipe(_)) {
                    self.at = At::Operand(first);
                }
                if has_arguments {
                    return self.fail(format!("can't give argument to non-function {first}"));
                }
                match &first.term {
                    Term::Nil => self.fail("nil is not a command"),
                    _ => self.operand(dot, first),
                }
            }
        }
    }

    /// What a chain takes fields of.
    fn chain_start(&mut self, dot: &Value, chain: &'t Operand, inner: &'t Operand) -> Done<Value> {
        self.at = At::Operand(chain);
        if matches!(inner.term, Term::Nil) {
            return self.fail(format!("indirection through explicit nil in {chain}"));
        }
        self.at = At::Operand(inner);
        self.operand(dot, inner)
    }

    /// The value of an operand without arguments, whatever its type.
    pub(super) fn operand(&mut self, dot: &Value, operand: &'t Operand) -> Done<Value> {
        match &operand.term {
            Term::Dot => Ok(dot.clone()),
            Term::Nil => Ok(Value::Nil),
            Term::Bool(value) => Ok(Value::Bool(*value)),
            Term::Text { text, .. } => Ok(Value::text(text)),
            Term::Number(number) => match (number.float, number.int) {
                (Some(float), _) if number.looks_like_float() => Ok(Value::Float(float)),
                (_, Some(int)) => Ok(Value::int(int)),
                _ => self.fail(format!("{} overflows int", number.text)),
            },
            Term::Field(names) => {
                self.at = At::Operand(operand);
                self.fields(dot, dot, names, &[], None)
            }
            Term::Variable(name, names) => {
                self.at = At::Operand(operand);
                let value = self.variable(name)?;
                self.fields(dot, &value, names, &[], None)
            }
            Term::Chain(inner, names) => {
                let value = self.chain_start(dot, operand, inner)?;
                self.fields(dot, &value, names, &[], None)
            }
            Term::Identifier(name) => {
                self.at = At::Operand(operand);
                self.call(dot, At::Operand(operand), name, &[], None)
            }
            Term::Pipe(pipe) => self.pipeline(dot, pipe),
        }
    }

    fn variable(&self, name: &str) -> Done<Value> {
        match self.variables.iter().rev().find(|(known, _)| *known == name) {
            Some((_, value)) => Ok(value.clone()),
            None => self.fail(format!("undefined variable: {name}")),
        }
    }

    /// `.a.b.c` of a value; the last one gets the arguments, if it is a method.
    fn fields(
        &mut self,
        dot: &Value,
        receiver: &Value,
        names: &[String],
        arguments: &'t [Operand],
        last: Option<Value>,
    ) -> Done<Value> {
        let Some((name, before)) = names.split_last() else { return Ok(receiver.clone()) };
        let mut value = receiver.clone();
        // Go names the type by which a value is held: that of what a map of any holds is any.
        let mut held_as_any = false;
        for name in before {
            let next = self.field(&value, name, false, held_as_any)?;
            held_as_any = matches!(&value, Value::Map(map) if map.value_type == ANY);
            value = next;
        }
        if let Value::Time(time) = &value {
            let values = self.method_arguments(dot, arguments, last)?;
            return match crate::sprig::time_method(time, name, &values) {
                Some(result) => result.or_else(|message| self.fail(format!("error calling {name}: {message}"))),
                None => self.fail(format!("can't evaluate field {name} in type time.Time")),
            };
        }
        self.field(&value, name, !arguments.is_empty() || last.is_some(), held_as_any)
    }

    fn method_arguments(&mut self, dot: &Value, arguments: &'t [Operand], last: Option<Value>) -> Done<Vec<Value>> {
        let mut values = Vec::new();
        for argument in arguments {
            values.push(self.operand(dot, argument)?);
        }
        values.extend(last);
        Ok(values)
    }

    fn field(&self, receiver: &Value, name: &str, has_arguments: bool, held_as_any: bool) -> Done<Value> {
        match receiver {
            Value::Missing => Ok(Value::Missing),
            Value::Nil => self.fail(format!("nil pointer evaluating {ANY}.{name}")),
            Value::NilPointer(of) => self.fail(format!("nil pointer evaluating *{of}.{name}")),
            Value::Struct(value) => match value.field(name) {
                Some(_) if has_arguments => {
                    self.fail(format!("{name} has arguments but cannot be invoked as function"))
                }
                Some(field) => Ok(field.clone()),
                None => self.fail(format!("can't evaluate field {name} in type {}", value.of.name)),
            },
            Value::Map(_) if has_arguments => self.fail(format!("{name} is not a method but has arguments")),
            Value::Map(map) => Ok(map.entries.borrow().get(name).cloned().unwrap_or(Value::Missing)),
            _ if held_as_any => self.fail(format!("can't evaluate field {name} in type {ANY}")),
            other => self.fail(format!("can't evaluate field {name} in type {}", other.type_name())),
        }
    }
}
