use crate::{Error, Item, Key, Kind, Position, Value};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;

/// The fields of an object. Names are found in any case.
///
/// A field that comes twice has its last value; lists are joined.
#[derive(Debug, Clone)]
pub struct Body<'a> {
    entries: Vec<Entry<'a>>,
}

/// An item whose first keys were taken off.
#[derive(Debug, Clone, Copy)]
struct Entry<'a> {
    keys: &'a [Key],
    item: &'a Item,
}

/// `name "label" { }`, or `name = { }`.
#[derive(Debug, Clone)]
pub struct Block<'a> {
    /// What stands between the name and the brace.
    pub labels: Vec<&'a str>,
    /// Where.
    pub position: Position,
    /// What is in it.
    pub body: Body<'a>,
}

/// What a field is set to: one value, or items that have further keys.
enum Node<'a> {
    Value(&'a Value),
    Items(Vec<Entry<'a>>),
}

impl<'a> Body<'a> {
    pub(crate) fn new(items: &'a [Item]) -> Self {
        Self { entries: items.iter().map(|item| Entry { keys: &item.keys, item }).collect() }
    }

    /// The first key of each item, as it is written, with the place of its `=`.
    pub fn keys(&self) -> impl Iterator<Item = (&'a str, Position)> {
        self.entries.iter().filter_map(|entry| Some((entry.keys.first()?.text.as_str(), entry.item.assigned)))
    }

    /// Whether there is such a field.
    pub fn has(&self, name: &str) -> bool {
        self.filter(name).next().is_some()
    }

    /// A string; numbers are taken as they are written.
    ///
    /// # Errors
    /// Where it is something else, as with all that follow.
    pub fn text(&self, name: &str) -> Result<Option<String>, Error> {
        self.last(name, text)
    }

    /// A list of strings.
    pub fn texts(&self, name: &str) -> Result<Option<Vec<String>>, Error> {
        let path = format!("root.{name}");
        let mut all = None;
        for node in self.nodes(name) {
            let all = all.get_or_insert_with(Vec::new);
            // An object would be a list of its items, of which none is a string.
            let item = match &node {
                Node::Value(Value { kind: Kind::Object(items), .. }) => {
                    items.first().and_then(|item| item.keys.first())
                }
                Node::Items(entries) => entries.first().and_then(|entry| entry.keys.first()),
                Node::Value(_) => None,
            };
            if let Some(key) = item {
                let message = format!("{path}[0]: unknown type for string *ast.ObjectItem");
                return Err(Error::new(key.position, message));
            }
            if let Node::Value(Value { kind: Kind::Object(_), .. }) = node {
                continue;
            }
            for (index, value) in list(&path, &node)?.iter().enumerate() {
                all.push(text(&format!("{path}[{index}]"), value)?);
            }
        }
        Ok(all)
    }

    /// A whole number, also in a string.
    pub fn integer(&self, name: &str) -> Result<Option<i64>, Error> {
        self.last(name, |path, node| match node {
            Node::Value(Value { kind: Kind::Number(digits), position }) => integer(digits, *position),
            Node::Value(Value { kind: Kind::Text(digits), position }) => integer(digits, *position),
            other => Err(other.unlike(path, "unknown type")),
        })
    }

    /// `true` or `false`; also in a string, as the peer has it for configuration.
    pub fn boolean(&self, name: &str) -> Result<Option<bool>, Error> {
        self.last(name, |path, node| match node {
            Node::Value(Value { kind: Kind::Bool(value), .. }) => Ok(*value),
            Node::Value(Value { kind: Kind::Text(word) | Kind::Number(word), .. })
                if matches!(word.as_str(), "1" | "t" | "T" | "TRUE" | "true" | "True") =>
            {
                Ok(true)
            }
            Node::Value(Value { kind: Kind::Text(word) | Kind::Number(word), .. })
                if matches!(word.as_str(), "0" | "f" | "F" | "FALSE" | "false" | "False") =>
            {
                Ok(false)
            }
            other => Err(other.unlike(path, "unknown type")),
        })
    }

    /// Any value as JSON.
    pub fn any(&self, name: &str) -> Result<Option<Json>, Error> {
        self.last(name, |path, node| match node {
            Node::Value(value) => any(value, false),
            Node::Items(entries) => entries
                .iter()
                .map(|entry| Ok(Json::Object(map(path, std::slice::from_ref(entry))?)))
                .collect::<Result<_, _>>()
                .map(Json::Array),
        })
    }

    /// An object of lists of any values; an object counts as a list of one.
    pub fn lists(&self, name: &str) -> Result<Option<BTreeMap<String, Vec<Json>>>, Error> {
        let mut all: Option<BTreeMap<String, Vec<Json>>> = None;
        for node in self.nodes(name) {
            let path = format!("root.{name}");
            let entries = match node {
                Node::Value(Value { kind: Kind::Object(items), .. }) => Body::new(items).entries,
                Node::Items(entries) => entries,
                other => return Err(other.unlike(&path, "not an object type for map")),
            };
            let all = all.get_or_insert_with(BTreeMap::new);
            for entry in &entries {
                let Some((key, rest)) = entry.keys.split_first() else {
                    return Err(Error::new(Position::default(), format!("{path}: map must have string keys")));
                };
                let path = format!("{path}.{}", key.text);
                if !rest.is_empty() {
                    let message = format!("{path}[0]: cannot decode into interface: *ast.ObjectItem");
                    return Err(Error::new(key.position, message));
                }
                let values = list(&path, &Node::Value(&entry.item.value))?;
                let into = all.entry(key.text.clone()).or_default();
                for value in values {
                    into.push(value.in_list(&path)?);
                }
            }
        }
        Ok(all)
    }

    /// An object of texts; several objects are joined.
    pub fn map(&self, name: &str) -> Result<Option<BTreeMap<String, String>>, Error> {
        let mut all: Option<BTreeMap<String, String>> = None;
        for block in self.blocks(name)? {
            let all = all.get_or_insert_with(BTreeMap::new);
            for (key, _) in block.body.keys() {
                if let Some(value) = block.body.text(key)? {
                    all.insert(key.to_owned(), value);
                }
            }
        }
        Ok(all)
    }

    /// All objects of that name, in order.
    ///
    /// # Errors
    /// Where one is no object.
    pub fn blocks(&self, name: &str) -> Result<Vec<Block<'a>>, Error> {
        self.filter(name)
            .map(|entry| match &entry.item.value.kind {
                Kind::Object(items) => Ok(Block {
                    labels: entry.keys.iter().map(|key| key.text.as_str()).collect(),
                    position: entry.item.keys.first().map_or_else(Position::default, |key| key.position),
                    body: Body::new(items),
                }),
                _ => Err(Node::Value(&entry.item.value).unlike(&format!("root.{name}"), "not an object")),
            })
            .collect()
    }

    /// The values of that name with their further keys, in order, whatever they are.
    pub fn values(&self, name: &str) -> Vec<(Vec<&'a str>, &'a Value)> {
        let keys = |entry: &Entry<'a>| entry.keys.iter().map(|key| key.text.as_str()).collect();
        self.filter(name).map(|entry| (keys(&entry), &entry.item.value)).collect()
    }

    fn filter(&self, name: &str) -> impl Iterator<Item = Entry<'a>> {
        self.entries.iter().filter_map(move |entry| {
            let (first, rest) = entry.keys.split_first()?;
            first.text.eq_ignore_ascii_case(name).then_some(Entry { keys: rest, item: entry.item })
        })
    }

    /// Items with further keys come first, as one.
    fn nodes(&self, name: &str) -> Vec<Node<'a>> {
        let (values, items): (Vec<_>, Vec<_>) = self.filter(name).partition(|entry| entry.keys.is_empty());
        let items = if items.is_empty() { None } else { Some(Node::Items(items)) };
        items.into_iter().chain(values.into_iter().map(|entry| Node::Value(&entry.item.value))).collect()
    }

    fn last<T>(&self, name: &str, read: impl Fn(&str, &Node<'_>) -> Result<T, Error>) -> Result<Option<T>, Error> {
        let path = format!("root.{name}");
        self.nodes(name).iter().try_fold(None, |_, node| read(&path, node).map(Some))
    }
}

impl<'a> Node<'a> {
    fn unlike(&self, path: &str, problem: &str) -> Error {
        let (position, found) = match self {
            // The peer has taken the braces off by then.
            Self::Value(Value { kind: Kind::Object(items), .. }) => {
                (items.first().and_then(|item| item.keys.first()).map(|key| key.position), "*ast.ObjectList")
            }
            Self::Value(value) => (Some(value.position), value.type_name()),
            Self::Items(entries) => {
                (entries.first().and_then(|entry| entry.keys.first()).map(|key| key.position), "*ast.ObjectList")
            }
        };
        let found = if problem.starts_with("not") { format!("({found})") } else { found.to_owned() };
        let colon = if problem.starts_with("unknown slice") { ":" } else { "" };
        let path = if colon.is_empty() { format!("{path}: ") } else { String::new() };
        Error::new(position.unwrap_or_default(), format!("{path}{problem}{colon} {found}"))
    }

    fn in_list(&self, path: &str) -> Result<Json, Error> {
        match self {
            Self::Value(value) => any(value, true),
            Self::Items(entries) => map(path, entries).map(Json::Object),
        }
    }
}

fn text(path: &str, node: &Node<'_>) -> Result<String, Error> {
    match node {
        Node::Value(Value { kind: Kind::Text(text) | Kind::Heredoc(text) | Kind::Number(text), .. }) => {
            Ok(text.clone())
        }
        other => Err(other.unlike(path, "unknown type for string")),
    }
}

/// The items of a list; an object is a list of one.
fn list<'a>(path: &str, node: &Node<'a>) -> Result<Vec<Node<'a>>, Error> {
    match node {
        Node::Value(Value { kind: Kind::List(values), .. }) => Ok(values.iter().map(Node::Value).collect()),
        Node::Value(value @ Value { kind: Kind::Object(_), .. }) => Ok(vec![Node::Value(value)]),
        Node::Items(entries) => Ok(entries.iter().map(|entry| Node::Items(vec![*entry])).collect()),
        Node::Value(_) => Err(node.unlike(path, "unknown slice type")),
    }
}

/// A value as JSON. Outside lists an object is a list of objects, as the peer has it.
fn any(value: &Value, in_list: bool) -> Result<Json, Error> {
    Ok(match &value.kind {
        Kind::Text(text) | Kind::Heredoc(text) => Json::String(text.clone()),
        Kind::Bool(value) => Json::Bool(*value),
        Kind::Number(digits) => Json::from(integer(digits, value.position)?),
        Kind::Float(digits) => {
            let number = digits.parse::<f64>().ok().filter(|number| number.is_finite());
            let failed = || Error::new(value.position, format!("parsing {digits:?}: value out of range"));
            Json::from(number.ok_or_else(failed)?)
        }
        Kind::List(values) => values.iter().map(|value| any(value, true)).collect::<Result<_, _>>()?,
        Kind::Object(items) => {
            let object = Json::Object(map("root", &Body::new(items).entries)?);
            if in_list { object } else { Json::Array(vec![object]) }
        }
    })
}

fn map(path: &str, entries: &[Entry<'_>]) -> Result<Map<String, Json>, Error> {
    let mut all = Map::new();
    for entry in entries {
        let Some((key, rest)) = entry.keys.split_first() else {
            return Err(Error::new(Position::default(), format!("{path}: map must have string keys")));
        };
        if rest.is_empty() {
            all.insert(key.text.clone(), any(&entry.item.value, false)?);
        } else {
            let inner = Json::Object(map(path, &[Entry { keys: rest, item: entry.item }])?);
            match all.get_mut(&key.text) {
                Some(Json::Array(values)) => values.push(inner),
                _ => drop(all.insert(key.text.clone(), Json::Array(vec![inner]))),
            }
        }
    }
    Ok(all)
}

fn integer(digits: &str, position: Position) -> Result<i64, Error> {
    parse_integer(digits).ok_or_else(|| Error::new(position, format!("parsing {digits:?}: invalid syntax")))
}

/// A whole number as Go reads it where the base is in the number: `10`, `-0x1F`, `017`, `0b1_0`.
pub fn parse_integer(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let prefixed = [("0x", 16), ("0o", 8), ("0b", 2)];
    let found = prefixed.iter().find_map(|(prefix, base)| Some((lower.strip_prefix(prefix)?, *base)));
    let (digits, base, has_prefix) = match found {
        Some((digits, base)) => (digits, base, true),
        None => match lower.strip_prefix('0') {
            Some(digits) if !digits.is_empty() => (digits, 8, true),
            _ => (lower.as_str(), 10, false),
        },
    };
    let digits = if has_prefix { digits.strip_prefix('_').unwrap_or(digits) } else { digits };
    if digits.is_empty() || digits.starts_with(['_', '+', '-']) || digits.ends_with('_') || digits.contains("__") {
        return None;
    }
    let number = i128::from(u64::from_str_radix(&digits.replace('_', ""), base).ok()?);
    i64::try_from(if negative { -number } else { number }).ok()
}
