//! Carries a template out (text/template, exec.go).

mod call;
mod eval;

use crate::error::ExecuteError;
use crate::node::{Branch, Command, Node, Operand, Pipe, template_text};
use crate::parse::Template;
use crate::print;
use crate::value::Value;
use std::io::Write;

/// What a template may use up.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Most bytes of output.
    pub output_bytes: u64,
    /// Most steps: parts of the template that are carried out, each time one is.
    pub steps: u64,
    /// Most templates and blocks within each other while it runs.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { output_bytes: 1 << 32, steps: 1 << 30, depth: 400 }
    }
}

/// The part that is being carried out, for messages.
#[derive(Clone, Copy)]
enum At<'t> {
    Nothing,
    Operand(&'t Operand),
    Command(&'t Command),
    Pipe(&'t Pipe),
    Template { at: usize, name: &'t str, pipe: Option<&'t Pipe> },
}

/// How a list ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    On,
    Break,
    Continue,
}

struct State<'t, 'o> {
    template: &'t Template,
    /// Name of the template within it that is being carried out.
    name: &'t str,
    variables: Vec<(&'t str, Value)>,
    at: At<'t>,
    depth: usize,
    steps: u64,
    limits: Limits,
    out: &'o mut dyn Write,
    written: u64,
}

type Done<T> = Result<T, ExecuteError>;

/// Runs `template` on `data`.
pub(crate) fn execute(template: &Template, data: &Value, limits: Limits, out: &mut dyn Write) -> Done<()> {
    let mut state = State {
        template,
        name: &template.name,
        variables: vec![("$", data.clone())],
        at: At::Nothing,
        depth: 0,
        steps: 0,
        limits,
        out,
        written: 0,
    };
    let Some(root) = template.trees.get(&template.name) else {
        return state.fail(format!("{} is an incomplete or empty template", print::quoted(&template.name)));
    };
    state.list(data, root).map(|_| ())
}

impl<'t> State<'t, '_> {
    /// An error at the part that is being carried out.
    fn error(&self, message: impl std::fmt::Display) -> ExecuteError {
        let (at, context) = match self.at {
            At::Nothing => return ExecuteError::Template(format!("template: {}: {message}", self.name)),
            At::Operand(operand) => (operand.at, operand.to_string()),
            At::Command(command) => (command.first.at, command.to_string()),
            At::Pipe(pipe) => (pipe.at, pipe.to_string()),
            At::Template { at, name, pipe } => (at, template_text(name, pipe)),
        };
        let before = self.template.text.get(..at).unwrap_or_default();
        let line = 1 + before.bytes().filter(|byte| *byte == b'\n').count();
        let column = before.rfind('\n').map_or(at, |newline| at - newline - 1);
        ExecuteError::Template(format!(
            "template: {}:{line}:{column}: executing {} at <{context}>: {message}",
            self.template.name,
            print::quoted(self.name),
        ))
    }

    fn fail<T>(&self, message: impl std::fmt::Display) -> Done<T> {
        Err(self.error(message))
    }

    fn step(&mut self) -> Done<()> {
        self.steps += 1;
        if self.steps > self.limits.steps {
            return self.fail(format!("exceeded maximum number of steps ({})", self.limits.steps));
        }
        Ok(())
    }

    fn write(&mut self, text: &str) -> Done<()> {
        self.written = self.written.saturating_add(text.len() as u64);
        if self.written > self.limits.output_bytes {
            return self.fail(format!("exceeded maximum output ({} bytes)", self.limits.output_bytes));
        }
        self.out.write_all(text.as_bytes()).map_err(ExecuteError::Write)
    }

    /// Carries out a list, one level deeper.
    fn list(&mut self, dot: &Value, nodes: &'t [Node]) -> Done<Flow> {
        if self.depth >= self.limits.depth {
            return self.fail(format!("exceeded maximum template depth ({})", self.limits.depth));
        }
        self.depth += 1;
        let mut flow = Flow::On;
        for node in nodes {
            flow = self.node(dot, node)?;
            if flow != Flow::On {
                break;
            }
        }
        self.depth -= 1;
        Ok(flow)
    }

    fn node(&mut self, dot: &Value, node: &'t Node) -> Done<Flow> {
        self.step()?;
        match node {
            Node::Text(text) => self.write(text)?,
            Node::Action(pipe) => {
                let value = self.pipeline(dot, pipe)?;
                if pipe.variables.is_empty() {
                    self.at = At::Pipe(pipe);
                    self.print(&value)?;
                }
            }
            Node::If(branch) => return self.branch(dot, branch, false),
            Node::With(branch) => return self.branch(dot, branch, true),
            Node::Range(branch) => return self.range(dot, branch),
            Node::Template { at, name, pipe } => self.call_template(dot, *at, name, pipe.as_ref())?,
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::On)
    }

    fn print(&mut self, value: &Value) -> Done<()> {
        match value {
            Value::Text(text) => self.write(text),
            Value::Missing => self.write("<no value>"),
            other => {
                let text = print::display(other);
                self.write(&text)
            }
        }
    }

    fn branch(&mut self, dot: &Value, branch: &'t Branch, sets_dot: bool) -> Done<Flow> {
        let mark = self.variables.len();
        let value = self.pipeline(dot, &branch.pipe)?;
        let flow = if value.is_true() {
            self.list(if sets_dot { &value } else { dot }, &branch.list)
        } else {
            self.list(dot, &branch.otherwise)
        }?;
        self.variables.truncate(mark);
        Ok(flow)
    }

    fn range(&mut self, dot: &Value, branch: &'t Branch) -> Done<Flow> {
        let mark = self.variables.len();
        let value = self.pipeline(dot, &branch.pipe)?;
        let ran = match &value {
            Value::Missing | Value::Nil => false,
            Value::List(list) => {
                let pairs = list.items.iter().enumerate().map(|(index, item)| (Value::int(index as i64), item.clone()));
                self.iterate(branch, pairs)?
            }
            Value::Map(map) => {
                // A copy: the body may change the map.
                let entries: Vec<_> = map.entries.borrow().iter().map(|(k, v)| (Value::text(k), v.clone())).collect();
                self.iterate(branch, entries.into_iter())?
            }
            Value::Int(count, of) => {
                if branch.pipe.variables.len() > 1 {
                    return self.fail(format!("can't use {count} to iterate over more than one variable"));
                }
                let of = *of;
                self.iterate(branch, (0..*count).map(|index| (Value::Missing, Value::Int(index, of))))?
            }
            other => {
                self.at = At::Pipe(&branch.pipe);
                return self.fail(format!("range can't iterate over {}", print::display(other)));
            }
        };
        if !ran {
            self.variables.truncate(mark);
            let flow = self.list(dot, &branch.otherwise)?;
            self.variables.truncate(mark);
            return Ok(flow);
        }
        self.variables.truncate(mark);
        Ok(Flow::On)
    }

    /// Carries the body out for each item; was there any?
    fn iterate(&mut self, branch: &'t Branch, items: impl Iterator<Item = (Value, Value)>) -> Done<bool> {
        let mark = self.variables.len();
        let mut ran = false;
        for (index, item) in items {
            ran = true;
            self.step()?;
            match branch.pipe.variables.as_slice() {
                [] => {}
                [name] => self.set_in_range(branch, name, 1, item.clone())?,
                [first, second, ..] => {
                    self.set_in_range(branch, first, 2, index)?;
                    self.set_in_range(branch, second, 1, item.clone())?;
                }
            }
            let flow = self.list(&item, &branch.list)?;
            self.variables.truncate(mark);
            if flow == Flow::Break {
                break;
            }
        }
        Ok(ran)
    }

    /// Sets a variable of `range`: one that it declared, `from_top` of the newest, or another.
    fn set_in_range(&mut self, branch: &Branch, name: &str, from_top: usize, value: Value) -> Done<()> {
        if branch.pipe.is_assign {
            return self.set(name, value);
        }
        let index = self.variables.len().checked_sub(from_top);
        if let Some((_, slot)) = index.and_then(|index| self.variables.get_mut(index)) {
            *slot = value;
        }
        Ok(())
    }

    fn set(&mut self, name: &str, value: Value) -> Done<()> {
        match self.variables.iter_mut().rev().find(|(known, _)| *known == name) {
            Some((_, slot)) => {
                *slot = value;
                Ok(())
            }
            None => self.fail(format!("undefined variable: {name}")),
        }
    }

    fn call_template(&mut self, dot: &Value, at: usize, name: &'t str, pipe: Option<&'t Pipe>) -> Done<()> {
        self.at = At::Template { at, name, pipe };
        let template = self.template;
        let Some((name, nodes)) = template.trees.get_key_value(name) else {
            return self.fail(format!("template {} not defined", print::quoted(name)));
        };
        let value = match pipe {
            Some(pipe) => self.pipeline(dot, pipe)?,
            None => Value::Missing,
        };
        let outer = std::mem::replace(&mut self.variables, vec![("$", value.clone())]);
        let outer_name = std::mem::replace(&mut self.name, name);
        self.list(&value, nodes)?;
        self.variables = outer;
        self.name = outer_name;
        Ok(())
    }
}
