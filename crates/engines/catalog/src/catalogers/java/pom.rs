//! `pom.xml` (Maven model 4.0.0), as far as it says who a project is and what it needs.

use crate::ParseError;
use quick_xml::Reader;
use quick_xml::events::{BytesRef, Event};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const MAX_DEPTH: usize = 100;
const MAX_DEPENDENCIES: usize = 100_000;
const MAX_VALUE: usize = 1 << 20;

/// One project as written: nothing inherited, nothing replaced.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Project {
    pub(super) group_id: Option<String>,
    pub(super) artifact_id: Option<String>,
    pub(super) version: Option<String>,
    pub(super) name: Option<String>,
    pub(super) description: Option<String>,
    pub(super) url: Option<String>,
    pub(super) parent: Option<Parent>,
    pub(super) licenses: Vec<PomLicense>,
    pub(super) properties: BTreeMap<String, String>,
    /// Direct ones, those of profiles last.
    pub(super) dependencies: Vec<Dependency>,
    /// What `dependencyManagement` says, that of profiles last.
    pub(super) managed: Vec<Dependency>,
    /// Other single values that `${project.…}` may name, by their path below the project, joined by dots.
    pub(super) leaves: BTreeMap<String, String>,
}

/// The `parent` element.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Parent {
    pub(super) group_id: Option<String>,
    pub(super) artifact_id: Option<String>,
    pub(super) version: Option<String>,
    pub(super) relative_path: Option<String>,
}

/// One of `licenses`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PomLicense {
    pub(super) name: String,
    pub(super) url: String,
}

/// One dependency.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Dependency {
    pub(super) group_id: Option<String>,
    pub(super) artifact_id: Option<String>,
    pub(super) version: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) scope: Option<String>,
}

impl Project {
    /// Reads a pom. Text in other encodings than UTF-8 is taken for ISO 8859-1.
    ///
    /// # Errors
    /// Where it is not well-formed XML with a `project` at its root, or a limit is passed.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let text = decode(bytes);
        let mut reader = Reader::from_str(&text);
        let mut builder = Builder::default();
        loop {
            match reader.read_event().map_err(|error| ParseError::Malformed(format!("not XML: {error}")))? {
                Event::Start(tag) => builder.open(tag.local_name().into_inner())?,
                Event::Empty(tag) => {
                    builder.open(tag.local_name().into_inner())?;
                    builder.close()?;
                }
                Event::End(_) => builder.close()?,
                Event::Text(part) => builder.text(&part.xml10_content())?,
                Event::CData(part) => builder.text(&part.xml10_content())?,
                Event::GeneralRef(reference) => builder.text(&resolve_reference(&reference))?,
                Event::Eof => break,
                _ => {}
            }
            if builder.complete {
                return Ok(builder.project);
            }
        }
        Err(ParseError::malformed("the pom ends before its project does"))
    }
}

fn decode(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.trim_start_matches('\u{feff}').into(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect::<String>().into(),
    }
}

/// A predefined or numeric entity; any other stays as written.
fn resolve_reference(reference: &BytesRef<'_>) -> String {
    if let Ok(Some(c)) = reference.resolve_char_ref() {
        return c.to_string();
    }
    let name: &str = reference;
    quick_xml::escape::resolve_predefined_entity(name).map_or_else(|| format!("&{name};"), str::to_owned)
}

#[derive(Default)]
struct Builder {
    project: Project,
    /// Open elements with the text directly in them.
    open: Vec<(String, String)>,
    license: PomLicense,
    dependency: Dependency,
    complete: bool,
}

impl Builder {
    fn open(&mut self, name: &str) -> Result<(), ParseError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(ParseError::Limit { what: "nested elements in a pom", limit: MAX_DEPTH as u64 });
        }
        if self.open.is_empty() && name != "project" {
            return Err(ParseError::malformed("the root of the pom is not a project"));
        }
        self.open.push((name.to_owned(), String::new()));
        Ok(())
    }

    fn text(&mut self, part: &str) -> Result<(), ParseError> {
        if let Some((_, text)) = self.open.last_mut() {
            if text.len() + part.len() > MAX_VALUE {
                return Err(ParseError::Limit { what: "bytes in an element of a pom", limit: MAX_VALUE as u64 });
            }
            text.push_str(part);
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), ParseError> {
        let Some((name, text)) = self.open.pop() else { return Ok(()) };
        let path: Vec<&str> = self.open.iter().skip(1).map(|(name, _)| name.as_str()).collect();
        let (project, name) = (&mut self.project, name.as_str());
        match (path.as_slice(), name) {
            ([], _) if self.open.is_empty() => self.complete = true,
            ([], "groupId") => project.group_id = Some(text),
            ([], "artifactId") => project.artifact_id = Some(text),
            ([], "version") => project.version = Some(text),
            ([], "name") => project.name = Some(text),
            ([], "description") => project.description = Some(text),
            ([], "url") => project.url = Some(text),
            ([], "parent") => drop(project.parent.get_or_insert_default()),
            (["parent"], field) => project.parent.get_or_insert_default().set(field, text),
            (["properties"], key) => drop(project.properties.insert(key.to_owned(), text)),
            (["licenses"], "license") => project.licenses.push(std::mem::take(&mut self.license)),
            (["licenses", "license"], "name") => self.license.name = text,
            (["licenses", "license"], "url") => self.license.url = text,
            (list, "dependency") if is_list(list) => {
                let into = if list.contains(&"dependencyManagement") {
                    &mut project.managed
                } else {
                    &mut project.dependencies
                };
                if into.len() >= MAX_DEPENDENCIES {
                    return Err(ParseError::Limit { what: "dependencies in a pom", limit: MAX_DEPENDENCIES as u64 });
                }
                into.push(std::mem::take(&mut self.dependency));
            }
            ([list @ .., "dependency"], field) if is_list(list) => self.dependency.set(field, text),
            ([], leaf) => drop(project.leaves.insert(leaf.to_owned(), text)),
            ([group], leaf) => drop(project.leaves.insert(format!("{group}.{leaf}"), text)),
            _ => {}
        }
        Ok(())
    }
}

/// Is `path` (below the project) a list of dependencies that count?
fn is_list(path: &[&str]) -> bool {
    let path = path.strip_prefix(&["profiles", "profile"]).unwrap_or(path);
    matches!(path, ["dependencies"] | ["dependencyManagement", "dependencies"])
}

impl Parent {
    fn set(&mut self, field: &str, text: String) {
        match field {
            "groupId" => self.group_id = Some(text),
            "artifactId" => self.artifact_id = Some(text),
            "version" => self.version = Some(text),
            "relativePath" => self.relative_path = Some(text),
            _ => {}
        }
    }
}

impl Dependency {
    fn set(&mut self, field: &str, text: String) {
        match field {
            "groupId" => self.group_id = Some(text),
            "artifactId" => self.artifact_id = Some(text),
            "version" => self.version = Some(text),
            "type" => self.kind = Some(text),
            "scope" => self.scope = Some(text),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_pom() {
        let project = Project::parse(
            br#"<?xml version="1.0"?><!-- c --><project xmlns="http://maven.apache.org/POM/4.0.0">
            <parent><groupId>org.p</groupId><artifactId>p</artifactId><version>1</version><relativePath/></parent>
            <artifactId>a</artifactId><name><![CDATA[A & B]]> &lt;x&gt; &nbsp;</name>
            <licenses><license><name>MIT</name><url>u</url></license><license><url>v</url></license></licenses>
            <properties><k.v>1</k.v><empty/></properties><scm><url>s</url></scm><packaging>jar</packaging>
            <dependencies><dependency><groupId>g</groupId><artifactId>d</artifactId><scope>test</scope>
              <exclusions><exclusion><groupId>no</groupId></exclusion></exclusions></dependency></dependencies>
            <dependencyManagement><dependencies><dependency><groupId>m</groupId><type>pom</type></dependency></dependencies></dependencyManagement>
            <build><plugins><plugin><dependencies><dependency><groupId>no</groupId></dependency></dependencies></plugin></plugins></build>
            <profiles><profile><dependencies><dependency><groupId>q</groupId></dependency></dependencies></profile></profiles>
            </project> trailing"#,
        )
        .unwrap();
        assert_eq!(project.name.as_deref(), Some("A & B <x> &nbsp;"));
        assert_eq!(project.parent.unwrap().relative_path.as_deref(), Some(""));
        assert_eq!(project.licenses.iter().map(|l| (&*l.name, &*l.url)).collect::<Vec<_>>(), [("MIT", "u"), ("", "v")]);
        assert_eq!(project.properties["k.v"], "1");
        assert_eq!(project.leaves["scm.url"], "s");
        let groups = |list: &[Dependency]| list.iter().filter_map(|d| d.group_id.clone()).collect::<Vec<_>>();
        assert_eq!(groups(&project.dependencies), ["g", "q"]);
        assert_eq!(groups(&project.managed), ["m"]);
        assert_eq!(project.dependencies[0].scope.as_deref(), Some("test"));
    }

    #[test]
    fn refused() {
        let check = |text: &[u8]| assert!(Project::parse(text).is_err(), "{}", String::from_utf8_lossy(text));
        check(b"");
        check(b"<project>");
        check(b"<other/>");
        check(b"<project><a></project>");
        check("<a>".repeat(10_000).as_bytes());
        check(format!("<project>{}", "<a>".repeat(10_000)).as_bytes());
    }

    #[test]
    fn latin_1() {
        let project = Project::parse(b"<project><name>caf\xe9</name></project>").unwrap();
        assert_eq!(project.name.as_deref(), Some("caf\u{e9}"));
    }

    proptest::proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            drop(Project::parse(&bytes));
        }
    }
}
