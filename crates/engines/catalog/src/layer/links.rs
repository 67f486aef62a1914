//! Hard links are files of a second name. Their content passes by under the first one only; where a cataloger wants the
//! second name, the layer is read once more.

use super::tar::{Entry, Walker};
use super::{LayerOptions, LayerScanner, clean_path};
use crate::catalogers::executable::FACTS;
use crate::facts::Extracted;
use crate::{LayerFacts, ParseError, Plan};
use sbom::{FileFact, FileKind};
use std::collections::BTreeMap;
use std::io::Read;

/// More names of one file are reported and not looked into.
const MAX_NAMES: usize = 16;
/// Links to links that are followed.
const MAX_DEPTH: usize = 8;

/// What is to be looked into under another name: by the path at which the content stands, the files that are links to it.
#[derive(Debug, Default)]
pub struct Links(BTreeMap<String, Vec<FileFact>>);

impl Links {
    /// Makes the hard links of a layer the files that they are, and gives those that a cataloger of `plan` wants: for
    /// their names, or because it found something in the program that they are links to.
    #[must_use]
    pub fn resolve(facts: &mut LayerFacts, plan: &Plan) -> Self {
        let mut links = Self::default();
        let mut wanted = Vec::new();
        let mut copies = Vec::new();
        for index in 0..facts.entries.len() {
            let Some((fact, target)) = linked(facts, index) else { continue };
            let from = facts.extractions.partition_point(|taken| (taken.entry as usize) < target);
            let taken = facts.extractions.get(from..).unwrap_or_default();
            let taken = taken.iter().take_while(|taken| taken.entry as usize == target);
            let of_programs = |taken: &Extracted| {
                plan.executables().iter().any(|at| is_by(plan, *at, taken)) && taken.cataloger != FACTS
            };
            plan.wanted_by_name(&fact.path, &mut wanted);
            if !wanted.is_empty() || taken.clone().any(of_programs) {
                let path = facts.entries.get(target).map(|entry| entry.path.clone()).unwrap_or_default();
                links.0.entry(path).or_default().push(fact.clone());
            }
            let entry = u32::try_from(index).unwrap_or(u32::MAX);
            let same = taken.filter(|taken| taken.cataloger == FACTS);
            copies.extend(same.map(|taken| Extracted { entry, ..taken.clone() }));
            if let Some(place) = facts.entries.get_mut(index) {
                *place = fact;
            }
        }
        facts.extractions.extend(copies);
        facts.extractions.sort_by(|a, b| (a.entry, &a.cataloger).cmp(&(b.entry, &b.cataloger)));
        links
    }

    /// Is there nothing to be read again?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads the layer's tar again, for these links alone, and adds what the catalogers take to `facts`.
    ///
    /// # Errors
    /// As [`super::scan_tar`].
    pub fn scan<R: Read>(
        &self,
        reader: R,
        facts: LayerFacts,
        plan: &Plan,
        options: LayerOptions<'_>,
    ) -> Result<LayerFacts, ParseError> {
        let mut scanner = LayerScanner::new(plan, options);
        let mut walker = Walker::new(reader);
        let mut buffer = Vec::new();
        while let Some(entry) = walker.next_entry()? {
            let path = clean_path(&entry.path).filter(|_| entry.kind == FileKind::Regular);
            if let Some(names) = path.and_then(|path| self.0.get(&path)) {
                scanner.names(names, &entry, &mut walker, &mut buffer)?;
            }
        }
        walker.drain()?;
        Ok(facts.with(scanner.facts))
    }
}

fn is_by(plan: &Plan, index: usize, taken: &Extracted) -> bool {
    plan.catalogers().get(index).is_some_and(|cataloger| cataloger.name() == taken.cataloger)
}

/// Of a hard link to a regular file of the layer: the file under the link's name, and the index of the other.
fn linked(facts: &LayerFacts, index: usize) -> Option<(FileFact, usize)> {
    let link = facts.entries.get(index).filter(|entry| entry.kind == FileKind::HardLink)?;
    let mut path = &link.link_target;
    for _ in 0..MAX_DEPTH {
        let target = facts.entries.binary_search_by(|entry| entry.path.cmp(path)).ok()?;
        let entry = facts.entries.get(target)?;
        match entry.kind {
            FileKind::Regular => return Some((FileFact { path: link.path.clone(), ..entry.clone() }, target)),
            FileKind::HardLink => path = &entry.link_target,
            _ => return None,
        }
    }
    None
}

impl LayerScanner<'_> {
    /// Gives the content of `entry` to the catalogers under each of `names`.
    fn names<R: Read>(
        &mut self,
        names: &[FileFact],
        entry: &Entry,
        walker: &mut Walker<R>,
        buffer: &mut Vec<u8>,
    ) -> Result<(), ParseError> {
        for name in names.iter().skip(MAX_NAMES) {
            self.unknown(name.path.clone(), format!("more than {MAX_NAMES} hard links to a file, not looked into"));
        }
        if entry.size_bytes > self.options.max_file_bytes {
            return Ok(());
        }
        let reserved = self.options.budget.reserve(entry.size_bytes);
        walker.read_into(entry, buffer)?;
        for name in names.iter().take(MAX_NAMES) {
            if self.wants(&name.path, buffer) {
                self.file(name.clone(), buffer)?;
            }
        }
        drop(reserved);
        Ok(())
    }
}
