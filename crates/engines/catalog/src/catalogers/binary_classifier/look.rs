//! First stage: everything that the classifiers want to know about one file by itself.

use super::evidence::Evidence;
use super::search::{self, Hit};
use super::table;
use crate::catalogers::executable;
use crate::{File, Want, glob};
use foldhash::HashMap;
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// What was found in one file.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Seen {
    /// Patterns that were tried, and what each found. What is not here was not needed.
    patterns: Vec<(String, Option<Hit>)>,
    /// Names of the shared libraries it imports, where a classifier wanted them.
    pub(super) libraries: Vec<String>,
}

impl Seen {
    /// What `pattern` found.
    pub(super) fn hit(&self, pattern: &str) -> Option<&Hit> {
        self.patterns.iter().find(|(known, _)| known == pattern)?.1.as_ref()
    }
}

/// Evidence that files at some paths are looked at for.
struct Search {
    /// Without `{}`.
    files: String,
    evidence: &'static Evidence,
}

/// All searches, by file name where that is fixed, else by its first letter.
struct Index {
    by_name: HashMap<String, Vec<Search>>,
    by_first: HashMap<u8, Vec<Search>>,
    wants: Vec<Want>,
}

static INDEX: LazyLock<Index> = LazyLock::new(Index::new);

/// The files to look at.
pub(super) fn wants() -> &'static [Want] {
    &INDEX.wants
}

/// Looks at a file; `None` where no classifier can find anything in it, also together with other files.
pub(super) fn look(file: &File<'_>) -> Option<Seen> {
    let mut gathered = Gatherer { file, seen: Seen::default(), are_libraries_known: false };
    let mut is_useful = false;
    for evidence in INDEX.searches(file) {
        is_useful |= gathered.holds(evidence) != Answer::No;
    }
    is_useful.then_some(gathered.seen)
}

impl Index {
    fn new() -> Self {
        let mut index = Self { by_name: HashMap::default(), by_first: HashMap::default(), wants: Vec::new() };
        for classifier in table::all() {
            index.add(classifier.files, &classifier.evidence);
            for (file, _) in table::LINKED.iter().filter(|(_, linked)| *linked == classifier.files) {
                index.add(file, &classifier.evidence);
            }
            index.add_others(&classifier.evidence);
        }
        index
    }

    /// Adds the other files that evidence refers to.
    fn add_others(&mut self, evidence: &'static Evidence) {
        match evidence {
            Evidence::Any(parts) | Evidence::All(parts) => parts.iter().for_each(|part| self.add_others(part)),
            Evidence::FirstOf(branches) => branches.iter().for_each(|branch| self.add_others(&branch.evidence)),
            Evidence::Library { files, evidence, .. } => self.add(files, evidence),
            Evidence::Beside { file, evidence } => {
                let name = file.rsplit('/').next().unwrap_or(file);
                self.add(format!("**/{name}").leak(), evidence);
            }
            _ => {}
        }
    }

    fn add(&mut self, files: &'static str, evidence: &'static Evidence) {
        self.wants.push(Want::Glob(files));
        for pattern in glob::expand(files) {
            let name = pattern.rsplit('/').next().unwrap_or_default().to_owned();
            let search = Search { files: pattern, evidence };
            match name.bytes().next() {
                Some(first) if name.contains(['*', '?', '[']) => self.by_first.entry(first).or_default().push(search),
                _ => self.by_name.entry(name).or_default().push(search),
            }
        }
    }

    fn searches<'a>(&'a self, file: &'a File<'_>) -> impl Iterator<Item = &'static Evidence> + 'a {
        let name = file.name();
        let fixed = self.by_name.get(name).into_iter().flatten();
        let wild = name.bytes().next().and_then(|first| self.by_first.get(&first)).into_iter().flatten();
        let path = file.path.trim_start_matches('/');
        fixed.chain(wild).filter(move |search| glob::matches(&search.files, path)).map(|search| search.evidence)
    }
}

/// Does evidence hold?
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    No,
    Yes,
    /// Other files decide.
    Open,
}

struct Gatherer<'a> {
    file: &'a File<'a>,
    seen: Seen,
    are_libraries_known: bool,
}

impl Gatherer<'_> {
    /// Tries what it needs to decide, in the order of the evidence, and remembers it.
    fn holds(&mut self, evidence: &'static Evidence) -> Answer {
        match evidence {
            Evidence::Text(pattern) => self.text(pattern),
            Evidence::Near(parts, pattern) => self.tried(pattern, |file| search::near(parts, pattern, file.bytes)),
            Evidence::Texts(patterns) => self.all(patterns.iter(), |this, pattern| this.text(pattern)),
            Evidence::ByName { path, text } => {
                self.tried(text, |file| search::by_name(path, text, file.path, file.bytes))
            }
            Evidence::Path(pattern) => decided(self.is_at(pattern)),
            Evidence::NotPath(pattern) => decided(!self.is_at(pattern)),
            Evidence::Any(parts) => self.any(parts.iter()),
            Evidence::All(parts) => self.all(parts.iter(), |this, part| this.holds(part)),
            Evidence::FirstOf(branches) => self.any(branches.iter().map(|branch| &branch.evidence)),
            Evidence::Library { names, .. } => {
                let imports = self.libraries().iter().any(|library| search::name_matches(names, library));
                if imports { Answer::Open } else { Answer::No }
            }
            Evidence::Beside { .. } => Answer::Open,
        }
    }

    fn text(&mut self, pattern: &'static str) -> Answer {
        self.tried(pattern, |file| search::text(pattern, file.bytes))
    }

    fn tried(&mut self, pattern: &str, search: impl FnOnce(&File<'_>) -> Option<Hit>) -> Answer {
        if let Some((_, known)) = self.seen.patterns.iter().find(|(known, _)| known == pattern) {
            return decided(known.is_some());
        }
        let hit = search(self.file);
        let answer = decided(hit.is_some());
        self.seen.patterns.push((pattern.to_owned(), hit));
        answer
    }

    fn any(&mut self, parts: impl Iterator<Item = &'static Evidence>) -> Answer {
        let mut answer = Answer::No;
        for part in parts {
            match self.holds(part) {
                Answer::Yes => return Answer::Yes,
                Answer::Open => answer = Answer::Open,
                Answer::No => {}
            }
        }
        answer
    }

    fn all<T>(&mut self, parts: impl Iterator<Item = T>, mut holds: impl FnMut(&mut Self, T) -> Answer) -> Answer {
        let mut answer = Answer::Yes;
        for part in parts {
            match holds(self, part) {
                Answer::No => return Answer::No,
                Answer::Open => answer = Answer::Open,
                Answer::Yes => {}
            }
        }
        answer
    }

    fn is_at(&self, pattern: &str) -> bool {
        glob::matches(pattern, self.file.path.trim_start_matches('/'))
    }

    fn libraries(&mut self) -> &[String] {
        if !self.are_libraries_known {
            self.are_libraries_known = true;
            self.seen.libraries = executable::imported_libraries(self.file.bytes);
        }
        &self.seen.libraries
    }
}

fn decided(holds: bool) -> Answer {
    if holds { Answer::Yes } else { Answer::No }
}
