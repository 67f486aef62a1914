//! What was read, what was not, and why.

use std::collections::BTreeMap;

use crate::source::Source;

/// Causes that are kept for each source; the rest is counted.
const MAX_CAUSES: usize = 100;

/// What reading a folder came to.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// By source.
    pub sources: BTreeMap<String, SourceReport>,
    /// By file, as its path under the folder; entries of an archive count for the archive.
    pub files: BTreeMap<String, FileReport>,
    /// Files that are no feed, or could not be read as one, each with the cause.
    pub unread: Vec<(String, String)>,
}

/// What was read of one source.
#[derive(Debug, Clone, Default)]
pub struct SourceReport {
    /// SPDX expression or a sentence.
    pub licence: String,
    /// What the terms ask for; may be empty.
    pub terms: String,
    /// Documents, lines or list entries that gave something.
    pub documents: u64,
    /// Items given: advisories, entries, scores.
    pub records: u64,
    /// Records that could not be read.
    pub rejected: u64,
    /// Records left out because their terms forbid commercial scanners and the configuration does not ask for them.
    pub withheld: u64,
    /// The newest modification date of a record; empty when none has one.
    pub newest: String,
    /// Where and why records were rejected: the first hundred.
    pub causes: Vec<String>,
}

/// What was read of one file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FileReport {
    /// Documents or lines.
    pub documents: u64,
    /// Items given.
    pub records: u64,
    /// Records rejected.
    pub rejected: u64,
    /// Records withheld.
    pub withheld: u64,
}

impl SourceReport {
    pub(crate) fn of(name: &str) -> Self {
        let known = Source::by_name(name);
        Self {
            licence: known.map_or("unknown", |source| source.licence).to_owned(),
            terms: known.map_or("", |source| source.terms).to_owned(),
            ..Self::default()
        }
    }

    pub(crate) fn reject(&mut self, cause: String) {
        self.rejected += 1;
        if self.causes.len() < MAX_CAUSES {
            self.causes.push(cause);
        }
    }

    pub(crate) fn saw(&mut self, date: &str) {
        if date > self.newest.as_str() {
            date.clone_into(&mut self.newest);
        }
    }

    fn merge(&mut self, other: Self) {
        self.documents += other.documents;
        self.records += other.records;
        self.rejected += other.rejected;
        self.withheld += other.withheld;
        self.saw(&other.newest);
        let room = MAX_CAUSES.saturating_sub(self.causes.len());
        self.causes.extend(other.causes.into_iter().take(room));
    }
}

impl Report {
    pub(crate) fn source(&mut self, name: &str) -> &mut SourceReport {
        if !self.sources.contains_key(name) {
            self.sources.insert(name.to_owned(), SourceReport::of(name));
        }
        self.sources.entry(name.to_owned()).or_default()
    }

    pub(crate) fn file(&mut self, path: &str) -> &mut FileReport {
        self.files.entry(path.to_owned()).or_default()
    }

    /// Adds what another part of the work came to.
    pub(crate) fn merge(&mut self, other: Self) {
        for (name, source) in other.sources {
            self.source(&name).merge(source);
        }
        for (path, file) in other.files {
            let known = self.file(&path);
            known.documents += file.documents;
            known.records += file.records;
            known.rejected += file.rejected;
            known.withheld += file.withheld;
        }
        self.unread.extend(other.unread);
    }
}
