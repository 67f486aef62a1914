//! `go.mod` with the digests of the `go.sum` beside it, as Syft 1.57 reads them without a Go toolchain
//! (`syft/pkg/cataloger/golang/parse_go_mod.go`). The grammar: go.dev/ref/mod, "go.mod files".

use super::go_module::{self, is_folder};
use crate::{Assembly, Cataloger, Extraction, File, Found, ParseError, UsedFor, View, Want};
use foldhash::HashMap;
use sbom::{Component, Language, PackageType};
use serde::Serialize;
use std::collections::BTreeMap;

/// Finds the modules that a Go module requires.
pub(super) struct GoMod;

/// `go-module-entry`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    h1_digest: &'a str,
}

impl Cataloger for GoMod {
    fn name(&self) -> &'static str {
        "go-module-file-cataloger"
    }

    fn used_for(&self) -> UsedFor {
        UsedFor::Directory
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "declared", "language", "go", "golang", "gomod"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Glob("**/go.mod"), Want::Glob("**/go.sum")]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        let text = file.text();
        if file.name() == "go.sum" {
            // Digests of go.mod files alone are never asked for.
            let lines = text.lines().filter(|line| !line.contains("/go.mod "));
            out.kept = lines.collect::<Vec<_>>().join("\n").into_bytes();
            return Ok(());
        }
        for (path, version) in required(&text)? {
            let mut component = Component::new(PackageType::GoModule, Language::Go, &path, &version);
            component.purl = go_module::purl(&path, &version);
            out.add(component);
        }
        Ok(())
    }

    fn assemble(&self, view: &View<'_>, out: &mut Assembly) {
        for found in view.extractions().iter().filter(|found| !found.body.components.is_empty()) {
            let sums = found.file.path.strip_suffix(".mod").map(|stem| format!("{stem}.sum"));
            let sums = sums.and_then(|path| view.beside(found, &path));
            add_with_digests(found, &sums.map_or_else(HashMap::default, |sums| digests(&sums.body.kept)), out);
        }
    }
}

fn add_with_digests(found: &Found<'_>, digests: &HashMap<(&str, &str), &str>, out: &mut Assembly) {
    for component in &found.body.components {
        let digest = digests.get(&(component.name.as_str(), component.version.as_str()));
        let entry = Entry { h1_digest: digest.copied().unwrap_or_default() };
        let mut component = component.clone();
        component.locations.push(found.location());
        match component.set_metadata("go-module-entry", &entry) {
            Ok(()) => drop(out.add(component)),
            Err(error) => out.unknown(found, error.to_string()),
        }
    }
}

/// Path and version to digest.
fn digests(sums: &[u8]) -> HashMap<(&str, &str), &str> {
    let lines = std::str::from_utf8(sums).unwrap_or_default().lines();
    let columns = lines.filter_map(|line| {
        let mut columns = line.split(' ');
        Some(((columns.next()?, columns.next()?), columns.next()?))
    });
    columns.collect()
}

/// The modules to build with, path to version: what is required, replaced where there is a replacement, without what is
/// excluded. As the peer does it, a replacement counts also for a module that is not required here.
fn required(text: &str) -> Result<BTreeMap<String, String>, ParseError> {
    let mut modules = BTreeMap::new();
    let mut replaced = Vec::new();
    let mut excluded = Vec::new();
    let mut block = None;
    for line in text.lines() {
        let mut words = words(line)?;
        if words == [")"] {
            block = None;
            continue;
        }
        let verb = match &block {
            Some(verb) => String::clone(verb),
            None if words.is_empty() => continue,
            None => words.remove(0),
        };
        if words.len() == 1 && words.first().is_some_and(|word| word == "(") {
            block = Some(verb);
            continue;
        }
        match (verb.as_str(), words.as_slice()) {
            ("require", [path, version]) => drop(modules.insert(path.clone(), version.clone())),
            ("exclude", [path, _]) => excluded.push(path.clone()),
            ("replace", [old, arrow, new, rest @ ..]) if arrow == "=>" => {
                replaced.push((old.clone(), new, rest).into())
            }
            ("replace", [old, _, arrow, new, rest @ ..]) if arrow == "=>" => {
                replaced.push((old.clone(), new, rest).into());
            }
            ("require" | "exclude" | "replace", words) if !words.is_empty() => {
                return Err(ParseError::malformed(format!("not a go.mod: a {verb} of {} words", words.len())));
            }
            _ => {}
        }
    }
    for Replacement { old, new, version } in replaced {
        let path = if is_folder(&new) {
            old
        } else {
            modules.remove(&old);
            new
        };
        modules.insert(path, version);
    }
    for path in excluded {
        modules.remove(&path);
    }
    Ok(modules)
}

struct Replacement {
    old: String,
    new: String,
    /// Empty for folders.
    version: String,
}

impl From<(String, &String, &[String])> for Replacement {
    fn from((old, new, rest): (String, &String, &[String])) -> Self {
        Self { old, new: new.clone(), version: rest.first().cloned().unwrap_or_default() }
    }
}

/// The words of a line without its comment; quotes taken off.
fn words(line: &str) -> Result<Vec<String>, ParseError> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() && !rest.starts_with("//") {
        let (word, after) = match rest.bytes().next() {
            Some(b'(' | b')') => rest.split_at(1),
            Some(quote @ (b'"' | b'`')) => {
                let inner = rest.get(1..).unwrap_or_default();
                let split = inner.split_once(char::from(quote));
                split.ok_or_else(|| ParseError::malformed("not a go.mod: an open quote"))?
            }
            _ => rest.split_at(rest.find([' ', '\t', '\r', '(', ')']).unwrap_or(rest.len())),
        };
        words.push(word.to_owned());
        rest = after.trim_start();
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expected: &[(&str, &str)]) {
        let found = required(text).unwrap();
        let found: Vec<(&str, &str)> = found.iter().map(|(path, version)| (path.as_str(), version.as_str())).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn directives() {
        check("module a.org/b\n\ngo 1.22\n", &[]);
        check("require a.org/b v1.0.0 // indirect", &[("a.org/b", "v1.0.0")]);
        check(
            "require (\n\ta.org/b v1.0.0 // indirect\n\n\t// c\n\tc.org/d v2\n)\n",
            &[("a.org/b", "v1.0.0"), ("c.org/d", "v2")],
        );
        check("require(\n\"a.org/b\" `v1.0.0`\n)", &[("a.org/b", "v1.0.0")]);
        check("require a v1\nreplace a => b v2\n", &[("b", "v2")]);
        check("require a v1\nreplace a v1 => b v2\n", &[("b", "v2")]);
        check("require a v1\nreplace (\na => ../a\n)\n", &[("a", "")]);
        check("replace c => d v3\n", &[("d", "v3")]);
        check("require a v1\nexclude a v1\n", &[]);
        check("retract [v1.0.0, v1.2.0] // why\ntool a.org/b\ntoolchain go1.22.1\n", &[]);
    }

    #[test]
    fn not_go_mod() {
        for text in ["require a", "require \"a v1", "replace a b c", "exclude a"] {
            assert!(required(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sums() {
        let text = "a.org/b v1.0.0 h1:x=\na.org/b v1.0.0/go.mod h1:y=\nbroken\n";
        let mut out = Extraction::default();
        GoMod.extract(&File { path: "/go.sum", mode: 0, bytes: text.as_bytes() }, &mut out).unwrap();
        let digests = digests(&out.kept);
        assert_eq!(digests.get(&("a.org/b", "v1.0.0")), Some(&"h1:x="));
        assert_eq!(digests.len(), 1);
    }

    proptest! {
        #[test]
        fn never_panics(text in "((require|replace|exclude|[(]|[)]|a|=>|\"|//| |\n){0,30})|.*") {
            let _ = required(&text);
        }
    }
}
