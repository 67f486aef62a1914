//! Packages of languages: by name in their ecosystem, then by CPE where that is wanted. Go has rules of its own.

use super::look::{Ask, Candidate, Evidence};
use super::{Engine, Outcome, Settled, reason, set_aside};
use crate::database::DatabaseError;
use crate::ecosystem::{keys_of, python_name};
use crate::facts::{Facts, go_symbol, maven_names};
use crate::finding::{IgnoredMatch, MatchType, SearchedBy};
use crate::ignore::IgnoreRule;
use crate::order::{self, MissingEpoch, Scheme, Version};
use crate::subject::Subject;
use purl::PackageUrl;
use sbom::{Component, PackageType};
use std::collections::HashSet;

impl Engine<'_> {
    /// `use_cpes`: look up by CPE too.
    pub(super) fn language(
        &self,
        subject: &Subject<'_>,
        matcher: &'static str,
        use_cpes: bool,
    ) -> Result<Outcome, DatabaseError> {
        let mut outcome = Outcome::default();
        if !order::is_unknown(&subject.component.version) {
            self.by_name(subject, matcher, &mut outcome)?;
        }
        if use_cpes {
            let by_cpe = self.by_cpe(subject, matcher)?;
            outcome.matches.extend(by_cpe.matches);
        }
        Ok(outcome)
    }

    pub(super) fn go(&self, subject: &Subject<'_>) -> Result<Outcome, DatabaseError> {
        let component = subject.component;
        let main_module = match &subject.facts {
            Facts::GoBinary(facts) => facts.main_module.as_str(),
            _ => "",
        };
        // Go does not write the main module's version into a binary, so these say nothing.
        let says_nothing = component.version.starts_with("(devel)")
            || component.version.starts_with("v0.0.0-") && !self.options.go_main_module_pseudo_versions;
        if component.name == main_module && says_nothing {
            return Ok(Outcome::default());
        }
        let cpes = self.options.cpes;
        self.language(subject, "go-module-matcher", cpes.golang || cpes.golang_stdlib && component.name == "stdlib")
    }

    fn by_name(
        &self,
        subject: &Subject<'_>,
        matcher: &'static str,
        outcome: &mut Outcome,
    ) -> Result<(), DatabaseError> {
        let component = subject.component;
        let names = names(component, &subject.facts);
        let own_scheme = order::scheme_of_component(component, &subject.facts);
        let mut unaffected = Settled::default();
        for key in keys_of(component) {
            let scheme = match order::scheme_of(key) {
                Scheme::Generic => own_scheme,
                scheme => scheme,
            };
            let version = Version { text: &component.version, scheme, missing_epoch: MissingEpoch::Zero };
            for name in &names {
                let looked = self.ask(subject, Ask { key, name, version, is_source: false, want_missed: false })?;
                unaffected.add_candidates(&looked.unaffected, reason::UNAFFECTED);
                let searched_by = SearchedBy::Ecosystem {
                    language: component.language.as_str().to_owned(),
                    package: name.clone(),
                    package_version: component.version.clone(),
                    namespace: String::new(),
                };
                for candidate in &looked.hit {
                    let usage = usage(candidate, &subject.facts);
                    let symbols = match &usage {
                        Usage::Used(symbols) => symbols.as_slice(),
                        Usage::Unscoped | Usage::Unused(_) => &[],
                    };
                    let evidence = Evidence {
                        kind: MatchType::ExactDirect,
                        matcher,
                        searched_by: &searched_by,
                        criteria: &[],
                        symbols,
                    };
                    let found = self.matches(subject, candidate, version, scheme, evidence)?;
                    match usage {
                        Usage::Unused(reason) => outcome.set_aside.extend(found.into_iter().map(|found| {
                            let rules = vec![IgnoreRule::because(&found.vulnerability.id, reason)];
                            IgnoredMatch { found, rules }
                        })),
                        _ => outcome.matches.extend(found),
                    }
                }
            }
        }
        set_aside(&mut outcome.matches, &unaffected, &mut outcome.set_aside);
        drop_unused(outcome);
        Ok(())
    }
}

/// The names under which a component's advisories may be filed.
fn names(component: &Component, facts: &Facts) -> Vec<String> {
    let own = || vec![component.name.clone()];
    match component.kind {
        PackageType::Python => vec![python_name(&component.name)],
        PackageType::JavaArchive | PackageType::JenkinsPlugin => {
            let names = maven_names(component, facts);
            if names.is_empty() { own() } else { names }
        }
        PackageType::Swift => {
            let purl = component.purl.parse::<PackageUrl>().ok().filter(|purl| !purl.namespace().is_empty());
            let by_repository = purl.map(|purl| format!("{}/{}", purl.namespace(), purl.name()));
            own().into_iter().chain(by_repository).collect()
        }
        _ => own(),
    }
}

/// What a Go binary has of what an advisory calls vulnerable.
enum Usage {
    /// The advisory or the binary does not say.
    Unscoped,
    /// It has these.
    Used(Vec<String>),
    /// It has none; why that is.
    Unused(&'static str),
}

const NO_SYMBOLS: &str = "the vulnerable functions are not in the binary";
const NO_PLATFORM: &str = "the flaw is on other operating systems than the binary is built for";

fn usage(candidate: &Candidate<'_>, facts: &Facts) -> Usage {
    let Facts::GoBinary(go) = facts else { return Usage::Unscoped };
    let platforms = &candidate.scope.platforms;
    let built_for = go.os();
    if !platforms.is_empty() && !built_for.is_empty() && !platforms.contains(&built_for) {
        return Usage::Unused(NO_PLATFORM);
    }
    if candidate.scope.symbols.is_empty() || go.symbols.is_empty() {
        return Usage::Unscoped;
    }
    let mut used = Vec::new();
    for (path, vulnerable) in &candidate.scope.symbols {
        let Some(present) = go.symbols.get(*path) else { continue };
        if vulnerable.is_empty() {
            used.push((*path).to_owned());
            continue;
        }
        let present: HashSet<String> = present.iter().map(|name| go_symbol(name)).collect();
        used.extend(vulnerable.iter().filter(|name| present.contains(**name)).map(|name| format!("{path}.{name}")));
    }
    used.sort();
    used.dedup();
    if used.is_empty() { Usage::Unused(NO_SYMBOLS) } else { Usage::Used(used) }
}

/// What Go's database says of the functions in a binary also holds for other tellings of the same flaw.
fn drop_unused(outcome: &mut Outcome) {
    let mut unused = Settled::default();
    for entry in &outcome.set_aside {
        let reason = entry.rules.first().map_or("", |rule| rule.reason.as_str());
        for known in [NO_SYMBOLS, NO_PLATFORM].into_iter().filter(|known| *known == reason) {
            unused.add(entry.found.vulnerability.identifiers.iter().map(String::as_str), known);
        }
    }
    let scoped = |found: &crate::finding::Match| found.details.iter().any(|detail| !detail.found.symbols.is_empty());
    let (kept, mut unscoped): (Vec<_>, Vec<_>) = std::mem::take(&mut outcome.matches).into_iter().partition(scoped);
    set_aside(&mut unscoped, &unused, &mut outcome.set_aside);
    outcome.matches = kept;
    outcome.matches.append(&mut unscoped);
}
