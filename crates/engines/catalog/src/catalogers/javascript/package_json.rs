//! `package.json`. Its fields were written by hand for fifteen years, so almost each may have several shapes; and the
//! peer takes their names in any case (Syft 1.57, `javascript/parse_package_json.go`).

use crate::ParseError;
use regex::Regex;
use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;

/// The fields that count.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct PackageJson {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) description: String,
    pub(super) homepage: String,
    /// Address of the repository.
    pub(super) repository: String,
    /// Author, authors, contributors and maintainers, joined.
    pub(super) authors: String,
    pub(super) licenses: Vec<String>,
    pub(super) private: bool,
    /// Names only.
    pub(super) dependencies: Vec<String>,
    /// Names only.
    pub(super) dev_dependencies: Vec<String>,
}

#[derive(Default)]
struct Raw {
    found: PackageJson,
    people: [Value; 4],
    license: Option<Value>,
    licenses: Option<Value>,
}

impl PackageJson {
    /// Reads the documents in a file: nearly always one.
    ///
    /// # Errors
    /// Where the text is not JSON, or not an object. Fields of an unexpected shape are left empty.
    pub(super) fn parse(text: &str) -> Result<Vec<Self>, ParseError> {
        let text = text.trim_start_matches('\u{feff}');
        let documents = serde_json::Deserializer::from_str(text).into_iter::<Raw>();
        documents.map(|raw| Ok(raw?.finish())).collect()
    }
}

impl Raw {
    fn finish(self) -> PackageJson {
        let [author, lists @ ..] = &self.people;
        let single = person(author);
        let lists = lists.iter().map(|list| match list {
            Value::Array(list) => list.iter().map(person).collect::<Vec<_>>().join(", "),
            Value::Null => String::new(),
            one => person(one),
        });
        let parts: Vec<String> = std::iter::once(single).chain(lists).filter(|part| !part.is_empty()).collect();
        let licenses = licenses(self.license.as_ref(), self.licenses.as_ref());
        PackageJson { authors: parts.join(", "), licenses, ..self.found }
    }
}

/// `Name <mail> (address)`, as a text or taken apart.
fn person(value: &Value) -> String {
    static PATTERN: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"^\s*([^<(]*)(?:\s+<(.*)>)?(?:\s\((.*)\))?\s*$").ok());
    let (name, email, url) = match value {
        Value::String(text) => {
            let found = PATTERN.as_ref().and_then(|pattern| pattern.captures(text));
            let group = |index| found.as_ref().and_then(|found| found.get(index)).map_or("", |group| group.as_str());
            (group(1), group(2), group(3))
        }
        Value::Object(fields) => {
            let field = |name: &str| {
                let mut found = fields.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
                found.next_back().and_then(|(_, value)| value.as_str()).unwrap_or_default()
            };
            (field("name"), field("email"), field("url"))
        }
        _ => return String::new(),
    };
    let mut out = name.to_owned();
    if !email.is_empty() {
        out.push_str(&format!(" <{email}>"));
    }
    if !url.is_empty() {
        out.push_str(&format!(" ({url})"));
    }
    out
}

/// `license` as a text or an object; else `licenses` as a list of objects.
fn licenses(license: Option<&Value>, licenses: Option<&Value>) -> Vec<String> {
    let kind = |object: &Value| object.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let found = match (license, licenses) {
        (Some(Value::String(text)), _) => vec![text.clone()],
        (Some(object @ Value::Object(_)), _) => vec![kind(object)],
        (Some(Value::Null), _) => Vec::new(),
        (_, Some(Value::Array(list))) if list.iter().all(Value::is_object) => list.iter().map(kind).collect(),
        _ => Vec::new(),
    };
    found.into_iter().filter(|license| !license.is_empty()).collect()
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut raw = Raw::default();
        while let Some(Key(key)) = map.next_key()? {
            let is = |name: &str| key.eq_ignore_ascii_case(name);
            let [author, authors, contributors, maintainers] = &mut raw.people;
            if is("name") {
                raw.found.name = text(map.next_value()?);
            } else if is("version") {
                raw.found.version = text(map.next_value()?);
            } else if is("description") {
                raw.found.description = text(map.next_value()?);
            } else if is("homepage") {
                raw.found.homepage = text(map.next_value()?);
            } else if is("repository") {
                raw.found.repository = address(map.next_value()?);
            } else if is("private") {
                raw.found.private = map.next_value::<Value>()?.as_bool().unwrap_or_default();
            } else if is("author") {
                *author = map.next_value()?;
            } else if is("authors") {
                *authors = map.next_value()?;
            } else if is("contributors") {
                *contributors = map.next_value()?;
            } else if is("maintainers") {
                *maintainers = map.next_value()?;
            } else if is("license") {
                raw.license = Some(map.next_value()?);
            } else if is("licenses") {
                raw.licenses = Some(map.next_value()?);
            } else if is("dependencies") {
                raw.found.dependencies = keys(map.next_value()?);
            } else if is("devDependencies") {
                raw.found.dev_dependencies = keys(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(raw)
    }
}

/// A key, borrowed where it has no escapes.
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E: serde::de::Error>(self, key: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(key)))
            }

            fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(key.to_owned())))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}

fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        _ => String::new(),
    }
}

fn address(value: Value) -> String {
    match value {
        Value::String(text) => text,
        Value::Object(mut fields) => fields.remove("url").map(text).unwrap_or_default(),
        _ => String::new(),
    }
}

fn keys(value: Value) -> Vec<String> {
    match value {
        Value::Object(fields) => fields.into_iter().map(|(key, _)| key).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> PackageJson {
        PackageJson::parse(text).unwrap().remove(0)
    }

    #[test]
    fn people() {
        for (text, expected) in [
            (
                r#"{"author":"Isaac Z. Schlueter <i@izs.me> (http://blog.izs.me)"}"#,
                "Isaac Z. Schlueter <i@izs.me> (http://blog.izs.me)",
            ),
            (r#"{"author":"Isaac"}"#, "Isaac"),
            (r#"{"author":"<i@izs.me>"}"#, ""),
            (r#"{"author":{"name":"A","Email":"b@c","x":1}}"#, "A <b@c>"),
            (r#"{"author":"A","contributors":["B",{"name":"C","url":"u"}],"maintainers":"D"}"#, "A, B, C (u), D"),
            (r#"{"author":null,"authors":null}"#, ""),
            (r#"{"author":7,"authors":[1]}"#, ""),
        ] {
            assert_eq!(one(text).authors, expected, "{text}");
        }
    }

    #[test]
    fn licences() {
        for (text, expected) in [
            (r#"{"license":"MIT"}"#, &["MIT"][..]),
            (r#"{"License":"MIT"}"#, &["MIT"]),
            (r#"{"license":{"type":"MIT","url":"u"}}"#, &["MIT"]),
            (r#"{"licenses":[{"type":"MIT"},{"type":"ISC"}]}"#, &["MIT", "ISC"]),
            (r#"{"license":["MIT"],"licenses":[{"type":"ISC"}]}"#, &["ISC"]),
            (r#"{"license":["MIT"]}"#, &[]),
            (r#"{"licenses":["MIT"]}"#, &[]),
            (r#"{"license":null}"#, &[]),
            (r#"{"license":""}"#, &[]),
        ] {
            assert_eq!(one(text).licenses, expected, "{text}");
        }
    }

    #[test]
    fn the_rest() {
        let found = one(
            r#"{"name":"a","version":"1","private":true,"repository":{"url":"r"},"homepage":["no"],"dependencies":{"b":"1"},"devDependencies":{"c":1},"x":{"y":[]}}"#,
        );
        assert_eq!((found.name.as_str(), found.version.as_str(), found.repository.as_str()), ("a", "1", "r"));
        assert_eq!((found.homepage.as_str(), found.private), ("", true));
        assert_eq!((found.dependencies, found.dev_dependencies), (vec!["b".to_owned()], vec!["c".to_owned()]));
        assert_eq!(PackageJson::parse("{} {}").unwrap().len(), 2);
        for text in ["[]", "{", "nonsense", "{\"a\":}"] {
            assert!(PackageJson::parse(text).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,200}") {
            drop(PackageJson::parse(&text));
        }
    }
}
