//! AlmaLinux: Red Hat tells of the flaws, AlmaLinux of the versions in which it has mended them
//! (grype/matcher/rpm/almalinux.go, 0.121.2). What only AlmaLinux tells of counts too.

use super::distribution::{How, Sought, sought};
use super::look::{Ask, Candidate};
use super::{Engine, Outcome, Settled, reason, set_aside};
use crate::database::{ClaimEnd, DatabaseError};
use crate::finding::{AdvisoryLink, FixAvailable, FixState, Match};
use crate::order::{MissingEpoch, Scheme, Version};
use crate::subject::Subject;
use std::cmp::Ordering;

const MATCHER: &str = "rpm-matcher";
const SCHEME: Scheme = Scheme::Rpm;

impl<'a> Engine<'a> {
    pub(super) fn almalinux(&self, subject: &Subject<'_>) -> Result<Outcome, DatabaseError> {
        let mut outcome = Outcome::default();
        let Some(release) = subject.release.clone() else { return Ok(outcome) };
        // AlmaLinux publishes no errata for packages that only serve debugging.
        if ["-debuginfo", "-debugsource"].iter().any(|ending| subject.component.name.ends_with(ending)) {
            return Ok(outcome);
        }
        let keys = self.keys(&release);
        let (own, others): (Vec<&String>, Vec<&String>) =
            keys.base.iter().partition(|key| key.starts_with("almalinux:"));
        let all = sought(subject);
        let mut errata = Vec::new();
        for (number, sought) in all.iter().enumerate() {
            for key in &own {
                errata.extend(self.errata(subject, key, sought, number)?);
            }
        }
        let mut mended = Settled::default();
        let installed = all.first().map(|sought| sought.as_version(SCHEME, self.options.rpm_missing_epoch));
        for erratum in errata.iter().filter(|erratum| !erratum.hit) {
            mended.add_candidates(std::slice::from_ref(&erratum.candidate), reason::ALMA_UNAFFECTED);
            outcome.settled.add_candidates(std::slice::from_ref(&erratum.candidate), reason::ALMA_UNAFFECTED);
        }
        for sought in &all {
            let version = sought.as_version(SCHEME, self.options.rpm_missing_epoch);
            for key in &others {
                let is_source = sought.is_source;
                let ask = Ask { key, name: &sought.name, version, is_source, want_missed: subject.is_owner };
                let looked = self.ask(subject, ask)?;
                outcome.settled.add_candidates(&looked.missed, reason::DISTRO_FIXED);
                outcome.settled.add_candidates(&looked.unaffected, reason::DISTRO_NOT_VULNERABLE);
                let how = How { matcher: MATCHER, scheme: SCHEME, key, sought, version, release: &release };
                outcome.matches.extend(self.distro_matches(subject, &looked.hit, how)?);
            }
        }
        set_aside(&mut outcome.matches, &mended, &mut outcome.set_aside);
        let mut told = Settled::default();
        for found in &outcome.matches {
            told.add(found.vulnerability.identifiers.iter().map(String::as_str), "");
        }
        let hit: Vec<&Erratum<'_>> = errata.iter().filter(|erratum| erratum.hit).collect();
        for found in &mut outcome.matches {
            if let Some(version) = installed {
                take_fix(found, &hit, version);
            }
        }
        for erratum in hit {
            let Some(sought) = all.get(erratum.sought) else { continue };
            let version = sought.as_version(SCHEME, self.options.rpm_missing_epoch);
            for key in &own {
                let how = How { matcher: MATCHER, scheme: SCHEME, key, sought, version, release: &release };
                for found in self.distro_matches(subject, std::slice::from_ref(&erratum.candidate), how)? {
                    if told.reason(&found.vulnerability.identifiers).is_none() {
                        outcome.matches.push(found);
                    }
                }
            }
        }
        Ok(outcome)
    }

    fn errata(
        &self,
        subject: &Subject<'_>,
        key: &str,
        sought: &Sought,
        number: usize,
    ) -> Result<Vec<Erratum<'a>>, DatabaseError> {
        let version = sought.as_version(SCHEME, self.options.rpm_missing_epoch);
        let ask = Ask { key, name: &sought.name, version, is_source: sought.is_source, want_missed: true };
        let looked = self.ask(subject, ask)?;
        let wrap = |hit| move |candidate| Erratum { candidate, hit, sought: number };
        Ok(looked.hit.into_iter().map(wrap(true)).chain(looked.missed.into_iter().map(wrap(false))).collect())
    }
}

struct Erratum<'a> {
    candidate: Candidate<'a>,
    /// The installed version is below the fix.
    hit: bool,
    /// Which of the packages that stand for the component it is about.
    sought: usize,
}

/// Replaces Red Hat's fix by the lowest of AlmaLinux's.
fn take_fix(found: &mut Match, errata: &[&Erratum<'_>], version: Version<'_>) {
    let identifiers = &found.vulnerability.identifiers;
    let tells = |erratum: &&&Erratum<'_>| {
        let related = &erratum.candidate.advisory.related;
        related.iter().chain(&erratum.candidate.advisory.aliases).any(|id| identifiers.iter().any(|have| have == id))
    };
    let fixes = errata.iter().filter(tells).flat_map(|erratum| {
        let fixed = |range: &crate::database::ClaimRange<'_>| match range.end {
            ClaimEnd::Fixed(fixed) => Some(fixed.to_owned()),
            _ => None,
        };
        let candidate = &erratum.candidate;
        candidate.claim.ranges.iter().filter_map(fixed).map(move |fixed| (fixed, candidate)).collect::<Vec<_>>()
    });
    let lower = |a: &(String, &Candidate<'_>), b: &(String, &Candidate<'_>)| -> Ordering {
        let first = Version { text: &a.0, scheme: SCHEME, missing_epoch: MissingEpoch::Zero };
        first.cmp(&b.0).then_with(|| a.1.advisory.id.cmp(b.1.advisory.id))
    };
    let Some((fixed, candidate)) = fixes.min_by(lower) else { return };
    if version.cmp(&fixed).is_ge() {
        return;
    }
    let id = candidate.advisory.id;
    let release = candidate.namespace.rsplit(':').next().unwrap_or_default();
    let link = format!("https://errata.almalinux.org/{release}/{}.html", id.replacen(':', "-", 1));
    let vulnerability = &mut found.vulnerability;
    vulnerability.constraint = format!("< {fixed} ({})", SCHEME.grype_name());
    vulnerability.advisories = vec![AdvisoryLink { id: id.to_owned(), link }];
    vulnerability.fix.state = FixState::Fixed;
    vulnerability.fix.available = Some(candidate.scope.fix_date)
        .filter(|date| !date.is_empty())
        .map(|date| FixAvailable { version: fixed.clone(), date: date.to_owned(), kind: String::new() })
        .into_iter()
        .collect();
    vulnerability.fix.versions = vec![fixed];
    for detail in &mut found.details {
        detail.found.constraint.clone_from(&vulnerability.constraint);
    }
}
