//! One pass over a layer: hash, look, let the catalogers take what they want, keep nothing else.

mod budget;
mod holes;
mod links;
pub(crate) mod tar;

pub use budget::Budget;
pub use links::Links;

use crate::facts::Extracted;
use crate::hash::{FileDigests, Hasher};
use crate::{Extraction, File, LayerFacts, ParseError, Plan};
use sbom::{FileFact, FileKind, Unknown};
use std::borrow::Cow;
use std::io::Read;
use std::ops::Range;
use tar::{Entry, Walker};

/// What a pass may cost and what it should compute.
#[derive(Debug, Clone, Copy)]
pub struct LayerOptions<'a> {
    /// The digests that are computed of every regular file.
    pub file_digests: FileDigests,
    /// Memory for whole files, shared by all passes under way.
    pub budget: &'a Budget,
    /// The largest file that is given to a cataloger, bytes. Larger ones are reported.
    pub max_file_bytes: u64,
    /// The largest number of entries in a layer.
    pub max_entries: usize,
    /// The largest sum of file sizes in a layer, bytes.
    pub max_layer_bytes: u64,
}

impl<'a> LayerOptions<'a> {
    /// The usual limits: 1 GiB a file, 4 million entries, 1 TiB a layer.
    #[must_use]
    pub fn new(budget: &'a Budget) -> Self {
        Self {
            file_digests: FileDigests::ALL,
            budget,
            max_file_bytes: 1 << 30,
            max_entries: 4_000_000,
            max_layer_bytes: 1 << 40,
        }
    }
}

/// Gathers the facts of a layer, fed file by file. [`scan_tar`] feeds it from a tar, a folder walk from a folder.
pub struct LayerScanner<'a> {
    plan: &'a Plan,
    options: LayerOptions<'a>,
    facts: LayerFacts,
    wanted: Vec<usize>,
    total_bytes: u64,
    /// Bytes of holes that may still be passed through.
    holes_bytes: u64,
}

/// Holes cost nothing in a tar, but time to hash: more of them in a layer are not looked into.
const MAX_HOLES: u64 = 4 << 30;

/// Reads a layer's tar to its end and gathers its facts. The caller hashes and decompresses around `reader`.
///
/// # Errors
/// Where the tar is cut or corrupt, or a limit of `options` is passed: the layer as a whole can't be trusted then.
pub fn scan_tar<R: Read>(reader: R, plan: &Plan, options: LayerOptions<'_>) -> Result<LayerFacts, ParseError> {
    let mut scanner = LayerScanner::new(plan, options);
    let mut walker = Walker::new(reader);
    let mut buffer = Vec::new();
    while let Some(entry) = walker.next_entry()? {
        scanner.tar_entry(&entry, &mut walker, &mut buffer)?;
    }
    walker.drain()?;
    Ok(scanner.finish())
}

impl<'a> LayerScanner<'a> {
    /// An empty layer.
    #[must_use]
    pub fn new(plan: &'a Plan, options: LayerOptions<'a>) -> Self {
        Self { plan, options, facts: LayerFacts::default(), wanted: Vec::new(), total_bytes: 0, holes_bytes: MAX_HOLES }
    }

    /// Adds an entry whose content is not looked at (folders, links, devices).
    ///
    /// # Errors
    /// Where a limit is passed.
    pub fn entry(&mut self, fact: FileFact) -> Result<(), ParseError> {
        self.total_bytes = self.total_bytes.saturating_add(fact.size_bytes);
        if self.facts.entries.len() >= self.options.max_entries {
            return Err(ParseError::Limit { what: "entries in a layer", limit: self.options.max_entries as u64 });
        }
        if self.total_bytes > self.options.max_layer_bytes {
            return Err(ParseError::Limit { what: "bytes in a layer", limit: self.options.max_layer_bytes });
        }
        self.facts.entries.push(fact);
        Ok(())
    }

    /// Does any cataloger want the regular file at `path` for its name, or whatever it is if it is executable?
    /// `head` is its first bytes (at least 8 where it has them).
    pub fn wants(&mut self, path: &str, head: &[u8]) -> bool {
        self.plan.wanted_by_name(path, &mut self.wanted);
        if is_executable(head) {
            for cataloger in self.plan.executables() {
                if !self.wanted.contains(cataloger) {
                    self.wanted.push(*cataloger);
                }
            }
        }
        !self.wanted.is_empty()
    }

    /// Adds a regular file with its whole content; call [`Self::wants`] for the same path right before.
    ///
    /// # Errors
    /// Where a limit is passed.
    pub fn file(&mut self, fact: FileFact, bytes: &[u8]) -> Result<(), ParseError> {
        let entry = u32::try_from(self.facts.entries.len()).unwrap_or(u32::MAX);
        let file = File { path: &fact.path, mode: fact.mode, bytes };
        for index in &self.wanted {
            let Some(cataloger) = self.plan.catalogers().get(*index) else { continue };
            let mut body = Extraction::default();
            if let Err(error) = cataloger.extract(&file, &mut body) {
                body.unknowns.push((String::new(), error.to_string()));
            }
            for (inner, cause) in std::mem::take(&mut body.unknowns) {
                let path = if inner.is_empty() { fact.path.clone() } else { format!("{}:{inner}", fact.path) };
                let cataloger = cataloger.name().to_owned();
                self.facts.unknowns.push(Unknown { path, layer: None, cataloger, cause });
            }
            if !body.is_empty() {
                self.facts.extractions.push(Extracted { entry, cataloger: Cow::Borrowed(cataloger.name()), body });
            }
        }
        self.entry(fact)
    }

    /// Records a file that could not be read.
    pub fn unknown(&mut self, path: String, cause: String) {
        self.facts.unknowns.push(Unknown { path, layer: None, cataloger: String::new(), cause });
    }

    /// The facts, sorted by path. Where a path came twice the last one counts, as for a runtime that unpacks the tar.
    #[must_use]
    pub fn finish(self) -> LayerFacts {
        self.facts.sorted()
    }

    fn tar_entry<R: Read>(
        &mut self,
        entry: &Entry,
        walker: &mut Walker<R>,
        buffer: &mut Vec<u8>,
    ) -> Result<(), ParseError> {
        let Some(path) = clean_path(&entry.path) else {
            let path = String::from_utf8_lossy(&entry.path).into_owned();
            self.unknown(path, "a path that leaves the image".to_owned());
            return Ok(());
        };
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
        if name == ".wh..wh..opq" {
            self.facts.opaque.push(if folder.is_empty() { "/".to_owned() } else { folder.to_owned() });
            return Ok(());
        }
        if let Some(removed) = name.strip_prefix(".wh.") {
            // `.wh..wh.*` are the private files of AUFS.
            if !removed.starts_with(".wh.") {
                self.facts.whiteouts.push(format!("{folder}/{removed}"));
            }
            return Ok(());
        }
        let mut fact = FileFact {
            path,
            layer: None,
            kind: entry.kind,
            mode: entry.mode,
            uid: entry.uid,
            gid: entry.gid,
            size_bytes: entry.size_bytes,
            link_target: link_target(entry),
            ..FileFact::default()
        };
        if fact.kind != FileKind::Regular {
            return self.entry(fact);
        }
        if let Some(bytes) = walker.slice(entry)? {
            self.options.file_digests.of(bytes, &mut fact);
            return if self.wants(&fact.path, bytes) { self.file(fact, bytes) } else { self.entry(fact) };
        }
        self.large_file(fact, entry, walker, buffer)
    }

    /// A file beyond the window: held in memory only where it is wanted, and then within the budget.
    fn large_file<R: Read>(
        &mut self,
        mut fact: FileFact,
        entry: &Entry,
        walker: &mut Walker<R>,
        buffer: &mut Vec<u8>,
    ) -> Result<(), ParseError> {
        let Some(left) = self.holes_bytes.checked_sub(entry.holes_bytes()) else {
            self.unknown(
                fact.path.clone(),
                format!("more than {MAX_HOLES} bytes of holes in the layer, not looked into"),
            );
            return self.entry(fact);
        };
        self.holes_bytes = left;
        let head = walker.peek(8)?;
        let mut wanted = self.wants(&fact.path, &head);
        if wanted && entry.size_bytes > self.options.max_file_bytes {
            let limit = self.options.max_file_bytes;
            self.unknown(fact.path.clone(), format!("more than {limit} bytes, not looked into"));
            wanted = false;
        }
        if !wanted {
            self.stream(entry, walker, &mut fact, &mut |_| ())?;
            return self.entry(fact);
        }
        let reserved = self.options.budget.reserve(entry.size_bytes);
        let holes = self.holes(entry, walker)?;
        if holes.is_empty() {
            walker.read_into(entry, buffer)?;
            self.options.file_digests.of(buffer, &mut fact);
        } else {
            // Fresh zeros of this size are pages that take no memory before they are written.
            *buffer = vec![0; usize::try_from(entry.size_bytes).unwrap_or_default()];
            let mut filler = holes::Filler::new(buffer, &holes);
            self.stream(entry, walker, &mut fact, &mut |chunk| filler.push(chunk))?;
        }
        let result = self.file(fact, buffer);
        if buffer.capacity() > KEPT_BUFFER {
            *buffer = Vec::new();
        }
        drop(reserved);
        result
    }

    /// Passes the content through `each`, and puts the digests that are asked for into the facts.
    fn stream<R: Read>(
        &self,
        entry: &Entry,
        walker: &mut Walker<R>,
        fact: &mut FileFact,
        each: &mut dyn FnMut(&[u8]),
    ) -> Result<(), ParseError> {
        let mut hasher = Hasher::new(self.options.file_digests);
        walker.content(entry, &mut |chunk| {
            hasher.update(chunk);
            each(chunk);
        })?;
        hasher.finish(fact);
        Ok(())
    }

    /// What to leave out of a file that is wanted. What is wanted for its name may be searched through as a whole.
    fn holes<R: Read>(&self, entry: &Entry, walker: &mut Walker<R>) -> Result<Vec<Range<u64>>, ParseError> {
        let only_as_executable = self.wanted.iter().all(|index| self.plan.executables().contains(index));
        if entry.size_bytes < holes::LARGE || !only_as_executable || entry.is_sparse() {
            return Ok(Vec::new());
        }
        Ok(holes::holes(&walker.peek(holes::HEAD)?))
    }
}

/// A buffer up to this size is used again for the next large file.
const KEPT_BUFFER: usize = 4 << 20;

fn link_target(entry: &Entry) -> String {
    match entry.kind {
        FileKind::HardLink => clean_path(&entry.link_target).unwrap_or_default(),
        FileKind::Symlink => String::from_utf8_lossy(&entry.link_target).into_owned(),
        _ => String::new(),
    }
}

/// An absolute path without `.`, `//` or a trailing `/`; `None` when `..` occurs, a NUL, or it is over-long.
fn clean_path(path: &[u8]) -> Option<String> {
    const MAX_PATH: usize = 64 << 10;
    if path.len() > MAX_PATH || path.contains(&0) {
        return None;
    }
    let path = String::from_utf8_lossy(path);
    let mut clean = String::with_capacity(path.len() + 1);
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => return None,
            part => {
                clean.push('/');
                clean.push_str(part);
            }
        }
    }
    Some(if clean.is_empty() { "/".to_owned() } else { clean })
}

/// ELF, PE (MZ), Mach-O of either order and width, or a fat Mach-O.
fn is_executable(head: &[u8]) -> bool {
    matches!(
        head,
        [0x7f, b'E', b'L', b'F', ..]
            | [b'M', b'Z', ..]
            | [0xfe, 0xed, 0xfa, 0xce | 0xcf, ..]
            | [0xce | 0xcf, 0xfa, 0xed, 0xfe, ..]
    ) || is_fat_mach_o(head)
}

/// A Java class begins with the same word; its second one is the class file version, 45 or more, where a fat Mach-O
/// has the small number of its parts.
fn is_fat_mach_o(head: &[u8]) -> bool {
    matches!(head, [0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, parts, ..] if *parts < 45)
}

#[cfg(test)]
mod tests;
