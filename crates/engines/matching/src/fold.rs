//! One flaw, one finding: the same flaw on components that are the same files under different names counts once.

use crate::finding::{IgnoredMatch, Match, unite_details};
use crate::subject::Subject;
use sbom::{ComponentIndex, PackageType};
use std::collections::HashMap;

/// Folds findings on what others own, or on other kinds of components in the same file, into one finding with all
/// evidence. `owned` are findings that an owner stands for; those that it does not tell of come back to be listed as
/// set aside.
pub(crate) fn fold_duplicates(
    matches: Vec<Match>,
    owned: Vec<IgnoredMatch>,
    subjects: &[Subject<'_>],
) -> (Vec<Match>, Vec<IgnoredMatch>) {
    let mut kept = Kept::default();
    let related = Related::new(subjects);
    let (owners_first, rest): (Vec<Match>, Vec<Match>) =
        matches.into_iter().partition(|found| related.rank(found.component, subjects) == 0);
    owners_first.into_iter().for_each(|found| kept.push(found));
    let mut rest = rest;
    rest.sort_by_key(|found| related.rank(found.component, subjects));
    for found in rest {
        match kept.same_flaw(&found, &related) {
            Some(place) => kept.fold(place, found),
            None => kept.push(found),
        }
    }
    let mut aside = Vec::new();
    for entry in owned {
        match kept.same_flaw(&entry.found, &related) {
            Some(place) => kept.fold(place, entry.found),
            None => aside.push(entry),
        }
    }
    (kept.matches, aside)
}

#[derive(Default)]
struct Kept {
    matches: Vec<Match>,
    by_component: HashMap<u32, Vec<usize>>,
}

impl Kept {
    fn push(&mut self, found: Match) {
        self.by_component.entry(found.component.0).or_default().push(self.matches.len());
        self.matches.push(found);
    }

    /// A finding of the same flaw on a component that is the same files.
    fn same_flaw(&self, found: &Match, related: &Related) -> Option<usize> {
        let others = related.of(found.component)?;
        let places = others.iter().filter_map(|other| self.by_component.get(&other.0)).flatten().copied();
        places.into_iter().find(|place| {
            self.matches.get(*place).is_some_and(|have| have.vulnerability.is_same_flaw(&found.vulnerability))
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

/// Components that are the same files under other names.
struct Related(HashMap<u32, Vec<ComponentIndex>>);

impl Related {
    fn new(subjects: &[Subject<'_>]) -> Self {
        let mut all: HashMap<u32, Vec<ComponentIndex>> = HashMap::new();
        let mut by_file: HashMap<(&str, Option<u32>), Vec<&Subject<'_>>> = HashMap::new();
        for subject in subjects {
            if !subject.owners.is_empty() {
                all.entry(subject.index.0).or_default().extend(&subject.owners);
            }
            if !is_listed_in_a_database(subject.component.kind) {
                let primary = subject.component.locations.iter().filter(|location| location.primary);
                for location in primary {
                    by_file.entry((&location.path, location.layer)).or_default().push(subject);
                }
            }
        }
        for together in by_file.values().filter(|together| together.len() > 1) {
            for subject in together {
                let others = together.iter().filter(|other| other.component.kind != subject.component.kind);
                all.entry(subject.index.0).or_default().extend(others.map(|other| other.index));
            }
        }
        Self(all)
    }

    fn of(&self, component: ComponentIndex) -> Option<&[ComponentIndex]> {
        self.0.get(&component.0).map(Vec::as_slice)
    }

    /// Which of two components tells of a flaw: what nothing owns first, a bare binary last.
    fn rank(&self, component: ComponentIndex, subjects: &[Subject<'_>]) -> u8 {
        let subject = subjects.get(component.0 as usize);
        let owned = subject.is_some_and(|subject| !subject.owners.is_empty());
        let binary = subject.is_some_and(|subject| subject.component.kind == PackageType::Binary);
        match (owned, binary) {
            (false, false) if self.of(component).is_none() => 0,
            (false, false) => 1,
            (true, false) => 2,
            (_, true) => 3,
        }
    }
}

/// Packages whose location is the package manager's own list, which all of them share.
fn is_listed_in_a_database(kind: PackageType) -> bool {
    use PackageType as P;
    matches!(kind, P::Deb | P::Rpm | P::Apk | P::Alpm | P::Portage | P::KnowledgeBase)
}
