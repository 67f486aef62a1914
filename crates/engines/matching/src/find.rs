//! From a document to its findings: look every component up, settle what belongs together, apply the rules.

use crate::cpe::is_os_package;
use crate::database::{Database, DatabaseError};
use crate::ecosystem;
use crate::finding::{EndOfLifeAlert, Findings, IgnoredMatch, Match, Reference};
use crate::fold::fold_duplicates;
use crate::ignore::{IgnoreRule, Rules, kernel_headers, mistaken};
use crate::matchers::{Engine, Settled, set_aside};
use crate::options::Options;
use crate::subject::{Subject, subjects};
use crate::vex::Vex;
use sbom::{Document, PackageType};
use std::collections::{BTreeSet, HashMap};

/// Why matching stopped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MatchError {
    /// The database cannot be read.
    #[error("the advisory database cannot be used for matching")]
    Database(#[from] DatabaseError),
}

/// Finds the flaws of a document's components. Costs what the components' own advisories cost, whatever the database
/// holds besides.
///
/// # Errors
/// Where the database turns out to be corrupt.
pub fn find(database: &Database<'_>, document: &Document, options: &Options) -> Result<Findings, MatchError> {
    let engine = Engine::new(database, options)?;
    let subjects = subjects(document, options);
    let mut stage = Stage::default();
    for subject in &subjects {
        stage.look(&engine, subject)?;
    }
    stage.apply_ownership(&subjects);
    let mut rules = options.ignore.clone();
    if !options.match_upstream_kernel_headers {
        rules.extend(kernel_headers());
    }
    let ready = Rules::new(&rules, options.today);
    let (kept, by_rules) = ready.apply(stage.matches, document);
    let (mut matches, by_owner) = fold_duplicates(kept, stage.owned, &subjects);
    let mut ignored = by_rules;
    if options.by_cve {
        matches = merged(matches.into_iter().map(|found| by_cve(database, found)).collect::<Result<_, _>>()?);
        let (kept, more) = ready.apply(matches, document);
        matches = kept;
        ignored.extend(more);
    }
    ignored.extend(by_owner);
    ignored.extend(stage.set_aside);
    if options.by_cve {
        for entry in &mut ignored {
            entry.found = by_cve(database, entry.found.clone())?;
        }
    }
    if !options.vex.is_empty() {
        let vex = Vex::new(&options.vex, &options.ignore, &options.vex_add, &document.source, options.today);
        (matches, ignored) = vex.apply(matches, ignored, document);
    }
    sort(&mut matches, document);
    ignored.sort_by(|a, b| sort_key(&a.found, document).cmp(&sort_key(&b.found, document)));
    Ok(Findings {
        matches,
        ignored,
        end_of_life: end_of_life(&engine, &subjects),
        notes: notes(&engine, &subjects, options),
    })
}

/// What has been found so far.
#[derive(Default)]
struct Stage {
    matches: Vec<Match>,
    set_aside: Vec<IgnoredMatch>,
    /// Matches on components that their owner stands for, with the rule that says so.
    owned: Vec<IgnoredMatch>,
    settled: HashMap<u32, Settled>,
}

impl Stage {
    fn look(&mut self, engine: &Engine<'_>, subject: &Subject<'_>) -> Result<(), DatabaseError> {
        let outcome = engine.look(subject)?;
        for found in merged(outcome.matches) {
            match mistaken(&found, subject.component) {
                Some(rule) => self.set_aside.push(IgnoredMatch { found, rules: vec![rule] }),
                None => self.matches.push(found),
            }
        }
        self.set_aside.extend(outcome.set_aside);
        if subject.is_owner {
            self.settled.insert(subject.index.0, outcome.settled);
        }
        Ok(())
    }

    /// What a distribution's package owns: the distribution's word counts for it, and where the distribution tells of
    /// unfixed flaws too, nothing else needs to.
    fn apply_ownership(&mut self, subjects: &[Subject<'_>]) {
        let all = std::mem::take(&mut self.matches);
        for found in all {
            let Some(subject) = subjects.get(found.component.0 as usize) else { continue };
            let owners = || subject.owners.iter().filter_map(|owner| subjects.get(owner.0 as usize));
            let mut one = vec![found];
            for settled in owners().filter_map(|owner| self.settled.get(&owner.index.0)) {
                set_aside(&mut one, settled, &mut self.set_aside);
            }
            let Some(found) = one.pop() else { continue };
            match owners().find(|owner| stands_for(owner, subject)) {
                Some(owner) => {
                    let rule = owned_by(owner, &found);
                    self.owned.push(IgnoredMatch { found, rules: vec![rule] });
                }
                None => self.matches.push(found),
            }
        }
    }
}

/// Whether the owner's findings are all there is to say of what it owns (`excludePackage` in grype/pkg/package.go,
/// 0.121.2).
fn stands_for(owner: &Subject<'_>, owned: &Subject<'_>) -> bool {
    let Some(release) = &owner.release else { return false };
    let (theirs, ours) = (&owner.component.version, &owned.component.version);
    if !theirs.starts_with(ours.as_str()) && !ours.starts_with(theirs.as_str()) {
        return false;
    }
    let of_system = |subject: &Subject<'_>| is_os_package(subject.component.kind);
    let comprehensive = release.is_comprehensive() && of_system(owner) && !of_system(owned);
    comprehensive || owned.component.kind == PackageType::Binary
}

fn owned_by(owner: &Subject<'_>, found: &Match) -> IgnoreRule {
    let (kind, name) = (owner.component.kind.as_str(), &owner.component.name);
    IgnoreRule::because(&found.vulnerability.id, format!("Owned by {kind} package {name}, whose distribution decides"))
}

/// Folds tellings of one flaw on one component into one.
fn merged(matches: Vec<Match>) -> Vec<Match> {
    let mut all: Vec<Match> = Vec::with_capacity(matches.len());
    let mut by_identifier: HashMap<(u32, String), usize> = HashMap::new();
    for found in matches {
        let keys: Vec<_> =
            found.vulnerability.identifiers.iter().map(|id| (found.component.0, id.to_ascii_uppercase())).collect();
        let place = keys.iter().find_map(|key| by_identifier.get(key).copied());
        let place = match place.and_then(|place| all.get_mut(place).map(|have| (place, have))) {
            Some((place, have)) => {
                have.merge(found);
                place
            }
            None => {
                all.push(found);
                all.len() - 1
            }
        };
        for key in keys {
            by_identifier.entry(key).or_insert(place);
        }
    }
    all
}

/// Reports a flaw by its CVE, with the National Vulnerability Database's record where there is one.
fn by_cve(database: &Database<'_>, mut found: Match) -> Result<Match, DatabaseError> {
    let is_cve = |id: &str| id.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("CVE-"));
    if is_cve(&found.vulnerability.id) {
        return Ok(found);
    }
    let Some(cve) = found.vulnerability.related.iter().find(|related| is_cve(&related.id)).cloned() else {
        return Ok(found);
    };
    let records = database.named(&cve.id)?;
    let record = records.iter().filter(|record| !record.withdrawn);
    let record = record.min_by_key(|record| (record.namespace != "nvd:cpe", !record.namespace.ends_with(":cpe")));
    let vulnerability = &mut found.vulnerability;
    let original = Reference { namespace: vulnerability.namespace.clone(), id: vulnerability.id.clone() };
    vulnerability.id = cve.id;
    vulnerability.namespace = cve.namespace;
    vulnerability.related = vec![original];
    if let Some(record) = record.filter(|record| record.namespace.ends_with(":cpe")) {
        vulnerability.record = record.index;
        vulnerability.namespace = ecosystem::namespace(record.namespace, record.source, ecosystem::CPE);
        let severity = crate::matchers::own_severity(record, advisory::Severity::Unknown);
        if severity != advisory::Severity::Unknown {
            vulnerability.severity = severity;
        }
    }
    Ok(found)
}

type SortKey<'a> = (&'a str, &'a str, &'a str, &'a str, &'a str, u32);

fn sort_key<'a>(found: &'a Match, document: &'a Document) -> SortKey<'a> {
    let component = document.components.get(found.component.0 as usize);
    let text = |of: fn(&sbom::Component) -> &str| component.map_or("", of);
    (
        &found.vulnerability.id,
        text(|component| &component.name),
        text(|component| &component.version),
        text(|component| component.kind.as_str()),
        &found.vulnerability.namespace,
        found.component.0,
    )
}

fn sort(matches: &mut [Match], document: &Document) {
    matches.sort_by(|a, b| sort_key(a, document).cmp(&sort_key(b, document)));
}

fn end_of_life(engine: &Engine<'_>, subjects: &[Subject<'_>]) -> Vec<EndOfLifeAlert> {
    let mut alerts = Vec::new();
    for subject in subjects.iter().filter(|subject| is_os_package(subject.component.kind)) {
        if let Some(release) = subject.release.as_ref().filter(|release| engine.is_ended(release)) {
            alerts.push(EndOfLifeAlert {
                component: subject.index,
                distro: release.distro.clone(),
                version: release.version_text(),
                display: release.display(),
            });
        }
    }
    alerts
}

fn notes(engine: &Engine<'_>, subjects: &[Subject<'_>], options: &Options) -> Vec<String> {
    let mut notes = BTreeSet::new();
    let mut without = 0usize;
    for subject in subjects.iter().filter(|subject| is_os_package(subject.component.kind)) {
        match &subject.release {
            Some(release) => notes.extend(engine.keys(release).note.clone()),
            None => without += 1,
        }
    }
    let mut notes: Vec<String> = notes.into_iter().collect();
    if without > 0 {
        notes.push(format!(
            "{without} packages of no known distribution were not looked up in any distribution's advisories; name it with --distro"
        ));
    }
    let expired = options.ignore.iter().filter(|rule| rule.expires.is_some_and(|last_day| last_day < options.today));
    notes.extend(expired.map(|rule| {
        let what = if rule.vulnerability.is_empty() { "a rule" } else { rule.vulnerability.as_str() };
        let day = rule.expires.map(|day| day.to_string()).unwrap_or_default();
        format!("the ignore rule for {what} expired on {day} and was not applied")
    }));
    notes
}
