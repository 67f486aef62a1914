//! From words to a template (text/template/parse, parse.go).

use crate::error::{ExecuteError, ParseError};
use crate::exec::{self, Limits};
use crate::function::Functions;
use crate::lex::{Item, Kind, Lexer};
use crate::literal::{Number, unquote};
use crate::node::{Branch, Command, Node, Operand, Pipe, Term, is_empty};
use crate::value::Value;
use std::collections::BTreeMap;
use std::io::Write;

/// How deep blocks and parentheses may nest.
const MAX_NESTING: usize = 100;

/// A parsed template with those it defines.
#[derive(Debug)]
pub struct Template {
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) trees: BTreeMap<String, Vec<Node>>,
    pub(crate) functions: Functions,
}

impl Template {
    /// Parses `text`; `name` is that of error messages.
    ///
    /// # Errors
    /// Where the text is no template, names a function or variable that is not there, or nests too deep.
    pub fn parse(name: &str, text: &str, functions: &Functions) -> Result<Self, ParseError> {
        let parser = Parser {
            name,
            lexer: Lexer::new(text),
            ahead: Vec::new(),
            line: 1,
            action_line: None,
            functions,
            variables: vec!["$".to_owned()],
            range_depth: 0,
            nesting: 0,
            trees: BTreeMap::new(),
        };
        let trees = parser.file()?;
        Ok(Self { name: name.to_owned(), text: text.to_owned(), trees, functions: functions.clone() })
    }

    /// Carries the template out on `data`.
    ///
    /// # Errors
    /// Where the template asks for what cannot be done or exceeds a limit, and where `out` fails. What was written until
    /// then stays written.
    pub fn execute(&self, data: &Value, limits: Limits, out: &mut dyn Write) -> Result<(), ExecuteError> {
        exec::execute(self, data, limits, out)
    }
}

type Parsed<T> = Result<T, ParseError>;

struct Parser<'a> {
    name: &'a str,
    lexer: Lexer<'a>,
    /// Words given back, the next one last.
    ahead: Vec<Item>,
    /// Of the last word read.
    line: usize,
    action_line: Option<usize>,
    functions: &'a Functions,
    variables: Vec<String>,
    range_depth: usize,
    nesting: usize,
    trees: BTreeMap<String, Vec<Node>>,
}

/// What ended a list.
enum End {
    End,
    Else,
}

/// A part, or what ends the list that it stands in.
enum Part {
    Node(Node),
    End(End),
}

impl Parser<'_> {
    fn next(&mut self) -> Item {
        let item = self.ahead.pop().unwrap_or_else(|| self.lexer.next_item());
        self.line = item.line;
        item
    }

    fn next_non_space(&mut self) -> Item {
        loop {
            let item = self.next();
            if item.kind != Kind::Space {
                return item;
            }
        }
    }

    fn back(&mut self, item: Item) {
        self.ahead.push(item);
    }

    fn peek(&mut self) -> Kind {
        let item = self.next();
        let kind = item.kind;
        self.back(item);
        kind
    }

    fn peek_non_space(&mut self) -> Item {
        let item = self.next_non_space();
        self.back(item.clone());
        item
    }

    fn error<T>(&self, message: impl Into<String>) -> Parsed<T> {
        Err(ParseError { name: self.name.to_owned(), line: self.line, message: message.into() })
    }

    fn unexpected<T>(&self, item: &Item, context: &str) -> Parsed<T> {
        if item.kind != Kind::Error {
            return self.error(format!("unexpected {} in {context}", item.describe()));
        }
        let started = self.action_line.filter(|line| *line != item.line).map_or(String::new(), |line| {
            let place = format!(" started at {}:{line}", self.name);
            if item.text.ends_with(" action") { place } else { format!(" in action{place}") }
        });
        self.error(format!("{}{started}", item.text))
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Parsed<Item> {
        let item = self.next_non_space();
        if item.kind == kind { Ok(item) } else { self.unexpected(&item, context) }
    }

    /// Runs `parse` one level deeper.
    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.nesting >= MAX_NESTING {
            return self.error("max expression depth exceeded");
        }
        self.nesting += 1;
        let result = parse(self);
        self.nesting -= 1;
        result
    }

    fn file(mut self) -> Parsed<BTreeMap<String, Vec<Node>>> {
        let mut root = Vec::new();
        loop {
            let item = self.next();
            match item.kind {
                Kind::Eof => break,
                Kind::LeftDelim => {
                    let word = self.next_non_space();
                    if word.kind == Kind::Define {
                        self.definition()?;
                        continue;
                    }
                    self.back(word);
                }
                _ => {}
            }
            self.back(item);
            match self.text_or_action()? {
                Part::Node(node) => root.push(node),
                Part::End(End::End) => return self.error("unexpected {{end}}"),
                Part::End(End::Else) => return self.error("unexpected {{else}}"),
            }
        }
        let name = self.name.to_owned();
        self.add(&name, root)?;
        Ok(self.trees)
    }

    /// `{{define "name"}} ... {{end}}`; the keyword is past.
    fn definition(&mut self) -> Parsed<()> {
        let item = self.next_non_space();
        let name = self.template_name(&item, "define clause")?;
        self.expect(Kind::RightDelim, "define clause")?;
        let nodes = self.body("define clause")?;
        self.add(&name, nodes)
    }

    /// The nodes of a definition, with variables of their own.
    fn body(&mut self, context: &str) -> Parsed<Vec<Node>> {
        let variables = std::mem::replace(&mut self.variables, vec!["$".to_owned()]);
        let depth = std::mem::take(&mut self.range_depth);
        let (nodes, end) = self.nested(Self::list)?;
        self.variables = variables;
        self.range_depth = depth;
        match end {
            End::End => Ok(nodes),
            End::Else => self.error(format!("unexpected {{{{else}}}} in {context}")),
        }
    }

    fn add(&mut self, name: &str, nodes: Vec<Node>) -> Parsed<()> {
        match self.trees.get(name) {
            Some(known) if !is_empty(known) => {
                if is_empty(&nodes) {
                    return Ok(());
                }
                self.error(format!("template: multiple definition of template {}", crate::print::quoted(name)))
            }
            _ => {
                self.trees.insert(name.to_owned(), nodes);
                Ok(())
            }
        }
    }

    /// Parts up to `{{end}}` or `{{else}}`.
    fn list(&mut self) -> Parsed<(Vec<Node>, End)> {
        let mut nodes = Vec::new();
        while self.peek_non_space().kind != Kind::Eof {
            match self.text_or_action()? {
                Part::Node(node) => nodes.push(node),
                Part::End(end) => return Ok((nodes, end)),
            }
        }
        self.error("unexpected EOF")
    }

    fn text_or_action(&mut self) -> Parsed<Part> {
        let item = self.next_non_space();
        match item.kind {
            Kind::Text => Ok(Part::Node(Node::Text(item.text))),
            Kind::LeftDelim => {
                self.action_line = Some(item.line);
                let part = self.action()?;
                self.action_line = None;
                Ok(part)
            }
            _ => self.unexpected(&item, "input"),
        }
    }

    /// What follows `{{`.
    fn action(&mut self) -> Parsed<Part> {
        let item = self.next_non_space();
        let node = match item.kind {
            Kind::Block => self.block(),
            Kind::Break | Kind::Continue => self.leave(&item),
            Kind::Else => return self.else_end(),
            Kind::End => {
                self.expect(Kind::RightDelim, "end")?;
                return Ok(Part::End(End::End));
            }
            Kind::If => self.control("if").map(Node::If),
            Kind::Range => self.control("range").map(Node::Range),
            Kind::With => self.control("with").map(Node::With),
            Kind::Template => self.template(),
            _ => {
                self.back(item);
                self.pipeline("command", Kind::RightDelim).map(Node::Action)
            }
        };
        node.map(Part::Node)
    }

    fn leave(&mut self, item: &Item) -> Parsed<Node> {
        let braced = format!("{{{{{}}}}}", item.text);
        let end = self.next_non_space();
        if end.kind != Kind::RightDelim {
            return self.unexpected(&end, &braced);
        }
        if self.range_depth == 0 {
            return self.error(format!("{braced} outside {{{{range}}}}"));
        }
        Ok(if item.kind == Kind::Break { Node::Break } else { Node::Continue })
    }

    /// `{{else}}`; of `{{else if ...}}` the `if` is left to read.
    fn else_end(&mut self) -> Parsed<Part> {
        if !matches!(self.peek_non_space().kind, Kind::If | Kind::With) {
            self.expect(Kind::RightDelim, "else")?;
        }
        Ok(Part::End(End::Else))
    }

    fn control(&mut self, context: &'static str) -> Parsed<Branch> {
        self.nested(|parser| {
            let variables = parser.variables.len();
            let branch = parser.control_parts(context)?;
            parser.variables.truncate(variables);
            Ok(branch)
        })
    }

    fn control_parts(&mut self, context: &'static str) -> Parsed<Branch> {
        let pipe = self.pipeline(context, Kind::RightDelim)?;
        let is_range = context == "range";
        self.range_depth += usize::from(is_range);
        let (list, end) = self.list()?;
        self.range_depth -= usize::from(is_range);
        let otherwise = match (end, self.ahead.last().map(|item| item.kind)) {
            (End::End, _) => Vec::new(),
            (End::Else, Some(Kind::If)) if context == "if" => {
                self.next();
                vec![Node::If(self.control("if")?)]
            }
            (End::Else, Some(Kind::With)) if context == "with" => {
                self.next();
                vec![Node::With(self.control("with")?)]
            }
            (End::Else, _) => {
                let (nodes, end) = self.list()?;
                if matches!(end, End::Else) {
                    return self.error("expected end; found {{else}}");
                }
                nodes
            }
        };
        Ok(Branch { pipe, list, otherwise })
    }

    /// `{{block "name" pipeline}} ... {{end}}`: a definition and its use.
    fn block(&mut self) -> Parsed<Node> {
        let item = self.next_non_space();
        let name = self.template_name(&item, "block clause")?;
        let pipe = self.pipeline("block clause", Kind::RightDelim)?;
        let nodes = self.body("block clause")?;
        self.add(&name, nodes)?;
        Ok(Node::Template { at: item.at, name, pipe: Some(pipe) })
    }

    fn template(&mut self) -> Parsed<Node> {
        let item = self.next_non_space();
        let name = self.template_name(&item, "template clause")?;
        let end = self.next_non_space();
        let pipe = if end.kind == Kind::RightDelim {
            None
        } else {
            self.back(end);
            Some(self.pipeline("template clause", Kind::RightDelim)?)
        };
        Ok(Node::Template { at: item.at, name, pipe })
    }

    fn template_name(&mut self, item: &Item, context: &str) -> Parsed<String> {
        match item.kind {
            Kind::String | Kind::RawString => unquote(&item.text).or_else(|message| self.error(message)),
            _ => self.unexpected(item, context),
        }
    }

    fn pipeline(&mut self, context: &str, end: Kind) -> Parsed<Pipe> {
        let at = self.peek_non_space().at;
        let mut pipe = Pipe { at, is_assign: false, variables: Vec::new(), commands: Vec::new() };
        self.declarations(&mut pipe, context)?;
        loop {
            let item = self.next_non_space();
            match item.kind {
                kind if kind == end => break,
                Kind::Bool
                | Kind::CharConstant
                | Kind::Dot
                | Kind::Field
                | Kind::Identifier
                | Kind::Number
                | Kind::Nil
                | Kind::RawString
                | Kind::String
                | Kind::Variable
                | Kind::LeftParen => {
                    self.back(item);
                    let command = self.command()?;
                    pipe.commands.push(command);
                }
                _ => return self.unexpected(&item, context),
            }
        }
        self.check(&pipe, context)?;
        Ok(pipe)
    }

    /// `$x :=`, `$x =`, and for `range` also `$i, $x :=`.
    fn declarations(&mut self, pipe: &mut Pipe, context: &str) -> Parsed<()> {
        loop {
            if self.peek_non_space().kind != Kind::Variable {
                return Ok(());
            }
            let variable = self.next_non_space();
            let after = self.next();
            let next = if after.kind == Kind::Space { self.next_non_space() } else { after.clone() };
            match next.kind {
                Kind::Assign | Kind::Declare => {
                    pipe.is_assign = next.kind == Kind::Assign;
                    self.variables.push(variable.text.clone());
                    pipe.variables.push(variable.text);
                    return Ok(());
                }
                Kind::Char if next.text == "," => {
                    self.variables.push(variable.text.clone());
                    pipe.variables.push(variable.text);
                    if context != "range" || pipe.variables.len() >= 2 {
                        return self.error(format!("too many declarations in {context}"));
                    }
                    let kind = self.peek_non_space().kind;
                    if !matches!(kind, Kind::Variable | Kind::RightDelim | Kind::RightParen) {
                        return self.error("range can only initialize variables");
                    }
                }
                _ => {
                    // It is an argument: give back what was read.
                    self.back(next);
                    if after.kind == Kind::Space {
                        self.back(after);
                    }
                    self.back(variable);
                    return Ok(());
                }
            }
        }
    }

    fn check(&self, pipe: &Pipe, context: &str) -> Parsed<()> {
        if pipe.commands.is_empty() {
            return self.error(format!("missing value for {context}"));
        }
        for (index, command) in pipe.commands.iter().enumerate().skip(1) {
            if let Term::Bool(_) | Term::Dot | Term::Nil | Term::Number(_) | Term::Text { .. } = command.first.term {
                return self.error(format!("non executable command in pipeline stage {}", index + 1));
            }
        }
        Ok(())
    }

    fn command(&mut self) -> Parsed<Command> {
        let mut operands = Vec::new();
        loop {
            self.peek_non_space();
            operands.extend(self.operand()?);
            let item = self.next();
            match item.kind {
                Kind::Space => {}
                Kind::RightDelim | Kind::RightParen => {
                    self.back(item);
                    break;
                }
                Kind::Pipe => break,
                _ => return self.unexpected(&item, "operand"),
            }
        }
        let mut operands = operands.into_iter();
        match operands.next() {
            Some(first) => Ok(Command { first, arguments: operands.collect() }),
            None => self.error("empty command"),
        }
    }

    /// A term with the fields asked of it; nothing where the next word begins none.
    fn operand(&mut self) -> Parsed<Option<Operand>> {
        let Some(operand) = self.term()? else { return Ok(None) };
        let mut fields = Vec::new();
        let mut at = operand.at;
        while self.peek() == Kind::Field {
            let item = self.next();
            if fields.is_empty() {
                at = item.at;
            }
            fields.push(item.text.trim_start_matches('.').to_owned());
        }
        if fields.is_empty() {
            return Ok(Some(operand));
        }
        let term = match operand.term {
            Term::Field(mut names) => {
                names.extend(fields);
                Term::Field(names)
            }
            Term::Variable(name, mut names) => {
                names.extend(fields);
                Term::Variable(name, names)
            }
            Term::Bool(_) | Term::Text { .. } | Term::Number(_) | Term::Nil | Term::Dot => {
                let text = operand.to_string();
                return self.error(format!("unexpected . after term {}", crate::print::quoted(&text)));
            }
            _ => Term::Chain(Box::new(operand), fields),
        };
        Ok(Some(Operand { at, term }))
    }

    fn term(&mut self) -> Parsed<Option<Operand>> {
        let item = self.next_non_space();
        let term = match item.kind {
            Kind::Identifier if self.functions.find(&item.text).is_none() => {
                return self.error(format!("function {} not defined", crate::print::quoted(&item.text)));
            }
            Kind::Identifier => Term::Identifier(item.text),
            Kind::Dot => Term::Dot,
            Kind::Nil => Term::Nil,
            Kind::Variable if !self.variables.contains(&item.text) => {
                return self.error(format!("undefined variable {}", crate::print::quoted(&item.text)));
            }
            Kind::Variable => Term::Variable(item.text, Vec::new()),
            Kind::Field => Term::Field(vec![item.text.trim_start_matches('.').to_owned()]),
            Kind::Bool => Term::Bool(item.text == "true"),
            Kind::CharConstant | Kind::Number => match Number::parse(&item.text) {
                Ok(number) => Term::Number(number),
                Err(message) => return self.error(message),
            },
            Kind::LeftParen => {
                let pipe = self.nested(|parser| parser.pipeline("parenthesized pipeline", Kind::RightParen))?;
                return Ok(Some(Operand { at: pipe.at, term: Term::Pipe(Box::new(pipe)) }));
            }
            Kind::String | Kind::RawString => match unquote(&item.text) {
                Ok(text) => Term::Text { quoted: item.text, text },
                Err(message) => return self.error(message),
            },
            _ => {
                self.back(item);
                return Ok(None);
            }
        };
        Ok(Some(Operand { at: item.at, term }))
    }
}
