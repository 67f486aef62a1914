//! Packages of distributions: by their own name and by that of their source package, within their release.

use super::look::{Ask, Candidate, Evidence, Looked};
use super::{Engine, Outcome, Settled, reason, set_aside};
use crate::database::DatabaseError;
use crate::distro::Release;
use crate::facts::Facts;
use crate::finding::{Fix, FixState, Match, MatchType, SearchedBy};
use crate::order::{self, MissingEpoch, Scheme, Version};
use crate::subject::Subject;
use sbom::PackageType;

/// One package that stands for the component: itself, or a source package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sought {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) is_source: bool,
}

impl Sought {
    pub(super) fn as_version(&self, scheme: Scheme, missing_epoch: MissingEpoch) -> Version<'_> {
        Version { text: &self.version, scheme, missing_epoch }
    }
}

/// The component itself, then its source packages.
pub(super) fn sought(subject: &Subject<'_>) -> Vec<Sought> {
    let component = subject.component;
    let itself = Sought { name: component.name.clone(), version: installed_version(subject), is_source: false };
    let sources = subject.upstreams.iter().map(|upstream| Sought {
        name: upstream.name.clone(),
        version: upstream.version.clone().unwrap_or_else(|| component.version.clone()),
        is_source: true,
    });
    let all = std::iter::once(itself).chain(sources);
    all.filter(|sought| !order::is_unknown(&sought.version)).collect()
}

/// A binary rpm that states no epoch has epoch 0; the name of its source rpm leaves it out, so that is another matter.
fn installed_version(subject: &Subject<'_>) -> String {
    let version = &subject.component.version;
    if subject.component.kind != PackageType::Rpm || version.is_empty() || version.contains(':') {
        return version.clone();
    }
    let epoch = match &subject.facts {
        Facts::Rpm(rpm) => rpm.epoch.unwrap_or(0),
        _ => 0,
    };
    format!("{epoch}:{version}")
}

impl<'a> Engine<'a> {
    pub(super) fn deb(&self, subject: &Subject<'_>, use_cpes: bool) -> Result<Outcome, DatabaseError> {
        let mut outcome = self.distribution(subject, "dpkg-matcher", Scheme::Deb, self.options.deb_missing_epoch)?;
        self.with_cpes(subject, "dpkg-matcher", use_cpes, &mut outcome)?;
        Ok(outcome)
    }

    pub(super) fn rpm(&self, subject: &Subject<'_>, use_cpes: bool) -> Result<Outcome, DatabaseError> {
        let missing_epoch = self.options.rpm_missing_epoch;
        let is_alma = subject.release.as_ref().is_some_and(|release| release.distro == "almalinux");
        let mut outcome = if is_alma {
            self.almalinux(subject)?
        } else {
            self.distribution(subject, "rpm-matcher", Scheme::Rpm, missing_epoch)?
        };
        self.with_cpes(subject, "rpm-matcher", use_cpes, &mut outcome)?;
        Ok(outcome)
    }

    /// Without source packages and CPEs.
    pub(super) fn plain_distribution(
        &self,
        subject: &Subject<'_>,
        matcher: &'static str,
    ) -> Result<Outcome, DatabaseError> {
        let scheme = order::scheme_of_component(subject.component, &subject.facts);
        self.distribution(subject, matcher, scheme, MissingEpoch::default_for(scheme))
    }

    fn with_cpes(
        &self,
        subject: &Subject<'_>,
        matcher: &'static str,
        wanted: bool,
        outcome: &mut Outcome,
    ) -> Result<(), DatabaseError> {
        if wanted {
            let by_cpe = self.by_cpe(subject, matcher)?;
            outcome.matches.extend(by_cpe.matches);
            if subject.is_owner {
                outcome.settled.add_candidates(&by_cpe.missed, reason::CPE_NOT_VULNERABLE);
            }
        }
        Ok(())
    }

    /// All packages that stand for the component, in all feeds that hold for its release.
    fn distribution(
        &self,
        subject: &Subject<'_>,
        matcher: &'static str,
        scheme: Scheme,
        missing_epoch: MissingEpoch,
    ) -> Result<Outcome, DatabaseError> {
        let mut outcome = Outcome::default();
        let Some(release) = subject.release.clone() else { return Ok(outcome) };
        let keys = self.keys(&release);
        for sought in sought(subject) {
            let version = sought.as_version(scheme, missing_epoch);
            let mut matches = Vec::new();
            let mut unaffected = Settled::default();
            // What the more specific feeds tell of, and that counts.
            let (mut told, mut fixed) = (Settled::default(), Settled::default());
            for key in &keys.base {
                let ask = Ask {
                    key,
                    name: &sought.name,
                    version,
                    is_source: sought.is_source,
                    want_missed: keys.base.len() > 1 || subject.is_owner || subject.component.kind == PackageType::Apk,
                };
                let mut looked = self.ask(subject, ask)?;
                looked.hit.retain(|candidate| !told.has(candidate));
                unaffected.add_candidates(&looked.unaffected, reason::DISTRO_NOT_VULNERABLE);
                outcome.settled.add_candidates(&looked.unaffected, reason::DISTRO_NOT_VULNERABLE);
                outcome.settled.add_candidates(&looked.missed, reason::DISTRO_FIXED);
                let how = How { matcher, scheme, key, sought: &sought, version, release: &release };
                let mut found = self.distro_matches(subject, &looked.hit, how)?;
                set_aside(&mut found, &fixed, &mut outcome.set_aside);
                matches.append(&mut found);
                told.add_candidates(&looked.hit, "");
                fixed.add_candidates(&looked.missed, reason::DISTRO_FIXED);
            }
            set_aside(&mut matches, &unaffected, &mut outcome.set_aside);
            for key in &keys.channels {
                let looked = self.channel_fixes(subject, key, &sought, version)?;
                super::channels::apply(&looked, version, &release, &mut matches, &mut outcome);
            }
            outcome.matches.extend(matches);
        }
        Ok(outcome)
    }

    fn channel_fixes(
        &self,
        subject: &Subject<'_>,
        key: &str,
        sought: &Sought,
        version: Version<'_>,
    ) -> Result<Looked<'a>, DatabaseError> {
        let ask = Ask { key, name: &sought.name, version, is_source: sought.is_source, want_missed: true };
        self.ask(subject, ask)
    }

    pub(super) fn distro_matches(
        &self,
        subject: &Subject<'_>,
        hit: &[Candidate<'_>],
        how: How<'_>,
    ) -> Result<Vec<Match>, DatabaseError> {
        let mut all = Vec::with_capacity(hit.len());
        let distro = how.key.split(':').next().unwrap_or_default();
        let release_version = how.release.version_text();
        let searched_by = SearchedBy::Distro {
            distro: distro.to_owned(),
            version: if how.key.ends_with(":rolling") { String::new() } else { release_version },
            package: how.sought.name.clone(),
            package_version: how.sought.version.clone(),
            namespace: String::new(),
        };
        let indirect = how.sought.is_source || how.sought.name != subject.component.name;
        let evidence = Evidence {
            kind: if indirect { MatchType::ExactIndirect } else { MatchType::ExactDirect },
            matcher: how.matcher,
            searched_by: &searched_by,
            criteria: &[],
            symbols: &[],
        };
        for candidate in hit {
            all.extend(self.matches(subject, candidate, how.version, how.scheme, evidence)?);
        }
        Ok(all)
    }

    /// Alpine's own feed decides; the National Vulnerability Database counts where the feed is silent, and its fixes
    /// do not count for a package of the distribution.
    pub(super) fn apk(&self, subject: &Subject<'_>) -> Result<Outcome, DatabaseError> {
        const MATCHER: &str = "apk-matcher";
        let mut outcome = self.distribution(subject, MATCHER, Scheme::Apk, MissingEpoch::Zero)?;
        let by_cpe = self.by_cpe(subject, MATCHER)?;
        let mut known = Settled::default();
        for found in outcome.matches.iter().chain(outcome.set_aside.iter().map(|entry| &entry.found)) {
            known.add(found.vulnerability.identifiers.iter().map(String::as_str), "");
        }
        for mut found in by_cpe.matches {
            if known.reason(&found.vulnerability.identifiers).is_some() {
                continue;
            }
            if subject.release.is_some() && !found.vulnerability.fix.versions.is_empty() {
                found.vulnerability.fix = Fix { state: FixState::Unknown, ..Fix::default() };
            }
            let mut one = vec![found];
            set_aside(&mut one, &outcome.settled, &mut outcome.set_aside);
            outcome.matches.append(&mut one);
        }
        if subject.is_owner {
            outcome.settled.add_candidates(&by_cpe.missed, reason::CPE_NOT_VULNERABLE);
        }
        Ok(outcome)
    }
}

/// How a distribution's package was asked for.
#[derive(Clone, Copy)]
pub(super) struct How<'q> {
    pub(super) matcher: &'static str,
    pub(super) scheme: Scheme,
    pub(super) key: &'q str,
    pub(super) sought: &'q Sought,
    pub(super) version: Version<'q>,
    pub(super) release: &'q Release,
}
