//! One flaw, one finding: the same flaw on components that are the same files under different names counts once.

use crate::cpe::is_os_package;
use crate::finding::{IgnoredMatch, Match, unite_details};
use crate::subject::Subject;
use sbom::{Component, ComponentIndex, PackageType};
use std::collections::HashMap;

/// Folds findings on what others own, or on other kinds of components in the same file, into one finding with all
/// evidence. `owned` are findings that an owner stands for; those that it does not tell of come back to be listed as
/// set aside.
pub(crate) fn fold_duplicates(
    mut matches: Vec<Match>,
    owned: Vec<IgnoredMatch>,
    subjects: &[Subject<'_>],
) -> (Vec<Match>, Vec<IgnoredMatch>) {
    matches.sort_by_key(|found| rank(found.component, subjects));
    let mut kept = Kept { subjects, matches: Vec::with_capacity(matches.len()), by_identifier: HashMap::new() };
    for found in matches {
        match kept.same_flaw(&found) {
            Some(place) => kept.fold(place, found),
            None => kept.push(found),
        }
    }
    let mut aside = Vec::new();
    for entry in owned {
        match kept.same_flaw(&entry.found) {
            Some(place) => kept.fold(place, entry.found),
            None => aside.push(entry),
        }
    }
    (kept.matches, aside)
}

/// Which of several components tells of a flaw: what nothing owns first, a bare binary last.
fn rank(component: ComponentIndex, subjects: &[Subject<'_>]) -> u8 {
    match subjects.get(component.0 as usize) {
        Some(subject) if subject.component.kind == PackageType::Binary => 2,
        Some(subject) if !subject.owners.is_empty() => 1,
        _ => 0,
    }
}

struct Kept<'s> {
    subjects: &'s [Subject<'s>],
    matches: Vec<Match>,
    /// Places in `matches` by identifier of the flaw, upper case. Only of components that may be the same files as
    /// others.
    by_identifier: HashMap<String, Vec<usize>>,
}

impl Kept<'_> {
    fn push(&mut self, found: Match) {
        let subject = self.subjects.get(found.component.0 as usize);
        if subject.is_some_and(|subject| subject.is_owner || !is_os_package(subject.component.kind)) {
            for id in &found.vulnerability.identifiers {
                self.by_identifier.entry(id.to_ascii_uppercase()).or_default().push(self.matches.len());
            }
        }
        self.matches.push(found);
    }

    /// A finding of the same flaw on a component that is the same files.
    fn same_flaw(&self, found: &Match) -> Option<usize> {
        let subject = self.subjects.get(found.component.0 as usize)?;
        // A distribution's packages are told one by one, also where one has a file in another's folder.
        if is_os_package(subject.component.kind) {
            return None;
        }
        let identifiers = found.vulnerability.identifiers.iter();
        let places = identifiers.filter_map(|id| self.by_identifier.get(&id.to_ascii_uppercase())).flatten();
        places.copied().find(|place| {
            let other = self.matches.get(*place).and_then(|have| self.subjects.get(have.component.0 as usize));
            other.is_some_and(|other| are_same_files(subject, other))
        })
    }

    fn fold(&mut self, place: usize, found: Match) {
        if let Some(have) = self.matches.get_mut(place) {
            have.also_found_as.push(found.component);
            have.also_found_as.extend(found.also_found_as);
            have.also_found_as.sort();
            have.also_found_as.dedup();
            unite_details(&mut have.details, found.details);
        }
    }
}

/// Whether one owns a file in which the other was found, or both are what one file is taken for by different
/// catalogers. A package manager's list is not such a file: all its packages share it.
fn are_same_files(subject: &Subject<'_>, other: &Subject<'_>) -> bool {
    if subject.owners.contains(&other.index) || other.owners.contains(&subject.index) {
        return true;
    }
    let (one, two) = (subject.component, other.component);
    if one.kind == two.kind || is_os_package(one.kind) || is_os_package(two.kind) {
        return false;
    }
    primary_files(one).any(|file| primary_files(two).any(|theirs| theirs == file))
}

fn primary_files(component: &Component) -> impl Iterator<Item = (&str, Option<u32>)> {
    let primary = component.locations.iter().filter(|location| location.primary);
    primary.map(|location| (location.path.as_str(), location.layer))
}
