//! Asking the database for a package, and turning claims into matches.

use super::{Engine, Settled};
use crate::cpe::platform_holds;
use crate::database::{Advisory, Claim, ClaimEnd, ClaimRange, ClaimScope, DatabaseError};
use crate::ecosystem;
use crate::facts::Facts;
use crate::finding::{
    AdvisoryLink, Detail, Fix, FixAvailable, FixState, Found, Match, MatchType, Reference, SearchedBy, Vulnerability,
};
use crate::order::{self, Scheme, Version};
use crate::subject::Subject;
use advisory::Severity;
use smallvec::SmallVec;

/// A claim that was looked up, with its advisory.
pub(super) struct Candidate<'a> {
    pub(super) claim: Claim<'a>,
    pub(super) scope: ClaimScope<'a>,
    pub(super) advisory: Advisory<'a>,
    pub(super) namespace: String,
}

/// What a name in an ecosystem gave.
#[derive(Default)]
pub(super) struct Looked<'a> {
    /// Claims that hit the version.
    pub(super) hit: Vec<Candidate<'a>>,
    /// Claims that do not, where they were asked for.
    pub(super) missed: Vec<Candidate<'a>>,
    /// Claims that the package is not affected, and that hold for the version.
    pub(super) unaffected: Vec<Candidate<'a>>,
}

/// How a package is asked for.
#[derive(Clone, Copy)]
pub(super) struct Ask<'q> {
    pub(super) key: &'q str,
    pub(super) name: &'q str,
    pub(super) version: Version<'q>,
    /// The package is the source of the component.
    pub(super) is_source: bool,
    /// Whether claims that do not hit are wanted.
    pub(super) want_missed: bool,
}

impl<'a> Engine<'a> {
    /// Looks a package up.
    pub(super) fn ask(&self, subject: &Subject<'_>, ask: Ask<'_>) -> Result<Looked<'a>, DatabaseError> {
        let mut looked = Looked::default();
        for claim in self.database.claims(ask.key, ask.name)? {
            let claim = claim?;
            let not_affected = claim.state == advisory::FixState::NotAffected;
            let hit = ask.version.is_hit_by(&claim);
            if !hit && (not_affected || !ask.want_missed) {
                continue;
            }
            let scope = if claim.has_scope() { claim.scope()? } else { ClaimScope::default() };
            if !applies(&scope, subject, ask.is_source, not_affected) {
                continue;
            }
            let advisory = self.database.advisory(claim.record)?;
            if advisory.withdrawn || is_no_flaw(&advisory) {
                continue;
            }
            let namespace = ecosystem::namespace(advisory.namespace, advisory.source, ask.key);
            let candidate = Candidate { claim, scope, advisory, namespace };
            match (not_affected, hit) {
                (true, _) => looked.unaffected.push(candidate),
                (false, true) => looked.hit.push(candidate),
                (false, false) => looked.missed.push(candidate),
            }
        }
        Ok(looked)
    }

    /// How bad: the package's own word, the advisory's, its best score; else what another advisory on the same flaw says.
    fn severity(&self, candidate: &Candidate<'_>) -> Result<Severity, DatabaseError> {
        let own = own_severity(&candidate.advisory, candidate.claim.severity);
        if own != Severity::Unknown {
            return Ok(own);
        }
        for cve in cves(&candidate.advisory) {
            let best = self.severity_of_cve(cve)?;
            if best != Severity::Unknown {
                return Ok(best);
            }
        }
        Ok(Severity::Unknown)
    }

    /// The worst that the publishers of CVE records say.
    fn severity_of_cve(&self, cve: &str) -> Result<Severity, DatabaseError> {
        if let Some(known) = self.severities.borrow().get(cve) {
            return Ok(*known);
        }
        let mut best = Severity::Unknown;
        for other in self.database.named(cve)?.iter().filter(|other| other.namespace.ends_with(":cpe")) {
            best = best.max(own_severity(other, Severity::Unknown));
        }
        self.severities.borrow_mut().insert(cve.to_owned(), best);
        Ok(best)
    }

    /// The matches that a claim makes: one, or one for each flaw where a distribution's erratum tells of several.
    pub(super) fn matches(
        &self,
        subject: &Subject<'_>,
        candidate: &Candidate<'_>,
        version: Version<'_>,
        scheme: Scheme,
        evidence: Evidence<'_>,
    ) -> Result<Vec<Match>, DatabaseError> {
        let ranges = told(candidate, version);
        let constraint = order::constraint(&ranges, &candidate.claim.versions, version, scheme);
        let severity = self.severity(candidate)?;
        let fix = fix_of(candidate, &ranges);
        let advisories = advisories_of(candidate);
        let ids = reported_ids(candidate);
        let expanded = ids.len() > 1 || ids.first().is_some_and(|id| *id != candidate.advisory.id);
        let mut all = Vec::with_capacity(ids.len());
        for id in ids {
            let identifiers = if expanded { vec![id.to_owned()] } else { identifiers_of(&candidate.advisory) };
            let found = Found {
                vulnerability_id: id.to_owned(),
                constraint: constraint.clone(),
                cpes: evidence.criteria.to_vec(),
                symbols: evidence.symbols.to_vec(),
            };
            let detail = Detail {
                kind: evidence.kind,
                matcher: evidence.matcher,
                searched_by: evidence.searched_by.clone().with_namespace(&candidate.namespace),
                found,
            };
            all.push(Match {
                component: subject.index,
                vulnerability: Vulnerability {
                    id: id.to_owned(),
                    namespace: candidate.namespace.clone(),
                    record: candidate.advisory.index,
                    severity,
                    constraint: constraint.clone(),
                    fix: fix.clone(),
                    advisories: advisories.clone(),
                    related: related_of(id, &identifiers, &candidate.namespace),
                    identifiers,
                },
                details: vec![detail],
                also_found_as: Vec::new(),
            });
        }
        Ok(all)
    }
}

/// How a claim was come by.
#[derive(Clone, Copy)]
pub(super) struct Evidence<'e> {
    pub(super) kind: MatchType,
    pub(super) matcher: &'static str,
    /// Its namespace is filled in.
    pub(super) searched_by: &'e SearchedBy,
    pub(super) criteria: &'e [String],
    pub(super) symbols: &'e [String],
}

impl SearchedBy {
    fn with_namespace(mut self, name: &str) -> Self {
        match &mut self {
            Self::Distro { namespace, .. } | Self::Ecosystem { namespace, .. } | Self::Cpe { namespace, .. } => {
                name.clone_into(namespace);
            }
            Self::Vex { .. } => {}
        }
        self
    }
}

impl Settled {
    /// Whether all flaws that a claim tells of are settled.
    pub(super) fn has(&self, candidate: &Candidate<'_>) -> bool {
        let ids = reported_ids(candidate);
        ids.iter().all(|id| self.0.contains_key(&id.to_ascii_uppercase()))
    }

    pub(super) fn add_candidates(&mut self, candidates: &[Candidate<'_>], reason: &'static str) {
        for candidate in candidates {
            let advisory = &candidate.advisory;
            let ids = [advisory.id].into_iter().chain(advisory.aliases.iter().copied());
            self.add(ids.chain(advisory.related.iter().copied()), reason);
        }
    }
}

/// Whether the claim's module, architecture and platforms hold for the component.
fn applies(scope: &ClaimScope<'_>, subject: &Subject<'_>, is_source: bool, not_affected: bool) -> bool {
    let distro = subject.release.as_ref().map(|release| release.distro.as_str());
    module_holds(scope.module, &subject.facts, distro)
        && architecture_holds(&scope.architectures, &subject.facts, is_source, not_affected)
        && scope.platform_cpes.iter().all(|platform| platform_holds(platform, distro))
}

/// grype/pkg/qualifier/rpmmodularity, 0.121.2.
fn module_holds(wanted: Option<&str>, facts: &Facts, distro: Option<&str>) -> bool {
    let (Some(wanted), Facts::Rpm(rpm)) = (wanted, facts) else { return true };
    match rpm.modularity_label.as_deref() {
        None => true,
        Some("") => wanted.is_empty() || distro == Some("oraclelinux"),
        Some(label) => !wanted.is_empty() && label.starts_with(wanted),
    }
}

/// grype/pkg/qualifier/architecture, 0.121.2: in doubt an affected claim holds, a claim of not being affected does not.
fn architecture_holds(wanted: &[&str], facts: &Facts, is_source: bool, not_affected: bool) -> bool {
    let have = match facts {
        Facts::Rpm(_) if is_source => "src",
        Facts::Rpm(rpm) => rpm.architecture.as_str(),
        Facts::Apk(apk) => apk.architecture.as_str(),
        _ => "",
    };
    let independent = |name: &str| matches!(name, "noarch" | "all");
    let alike = |wanted: &&str| match *wanted {
        "src" | "" => true,
        "binary-no-arch-specified" => have != "src",
        wanted => canonical(wanted) == canonical(have) || !not_affected && (independent(wanted) || independent(have)),
    };
    wanted.is_empty() || (have.is_empty() && !not_affected) || wanted.iter().any(alike)
}

fn canonical(architecture: &str) -> &str {
    match architecture {
        "x86_64" | "x64" => "amd64",
        "aarch64" => "arm64",
        "i386" | "i686" | "x86" => "386",
        "ppc64el" => "ppc64le",
        other => other,
    }
}

/// Errata that mend bugs and add features tell of no flaw, nor do Debian's that mend an earlier fix: `DSA-5257-2`.
fn is_no_flaw(advisory: &Advisory<'_>) -> bool {
    let plain = ["ALBA-", "ALEA-", "RHBA-", "RHEA-", "RLBA-", "RLEA-"];
    let mends_fix =
        ["DSA-", "DLA-"].iter().any(|prefix| advisory.id.starts_with(prefix)) && !advisory.id.ends_with("-1");
    (mends_fix || plain.iter().any(|prefix| advisory.id.starts_with(prefix))) && cves(advisory).next().is_none()
}

pub(super) fn is_cve(id: &str) -> bool {
    id.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("CVE-"))
}

/// CVEs of an advisory: itself, its aliases, the flaws it fixes.
pub(super) fn cves<'a>(advisory: &'a Advisory<'_>) -> impl Iterator<Item = &'a str> {
    let ids = [advisory.id].into_iter().chain(advisory.aliases.iter().copied());
    ids.chain(advisory.related.iter().copied()).filter(|id| is_cve(id))
}

pub(crate) fn own_severity(advisory: &Advisory<'_>, of_package: Severity) -> Severity {
    if of_package != Severity::Unknown {
        return of_package;
    }
    if advisory.severity != Severity::Unknown {
        return advisory.severity;
    }
    let primary = advisory.cvss.iter().find(|score| score.kind == "Primary");
    match primary.or_else(|| advisory.cvss.first()) {
        Some(score) if score.version == "2.0" && score.base_score >= 7.0 => Severity::High,
        Some(score) => Severity::from_score(score.base_score),
        None => Severity::Unknown,
    }
}

/// Under which identifiers a claim is reported. A distribution's erratum is an answer to flaws, and users ask for the
/// flaws; Amazon's and Oracle's are reported as they are, as Grype does.
fn reported_ids<'c>(candidate: &'c Candidate<'_>) -> Vec<&'c str> {
    let advisory = &candidate.advisory;
    let as_it_is = ["amazonlinux", "oraclelinux"].iter().any(|distro| candidate.namespace.contains(distro));
    if is_cve(advisory.id) || as_it_is || !candidate.namespace.contains(":distro:") {
        return vec![advisory.id];
    }
    let mut flaws: Vec<&str> = cves(advisory).collect();
    flaws.sort_unstable();
    flaws.dedup();
    if flaws.is_empty() { vec![advisory.id] } else { flaws }
}

fn identifiers_of(advisory: &Advisory<'_>) -> Vec<String> {
    let mut all: Vec<String> = Vec::with_capacity(1 + advisory.aliases.len());
    let ids = [advisory.id].into_iter().chain(advisory.aliases.iter().copied());
    for id in ids.chain(advisory.related.iter().copied().filter(|id| is_cve(id))) {
        if !all.iter().any(|have| have == id) {
            all.push(id.to_owned());
        }
    }
    all
}

/// The CVEs and GitHub advisories among the identifiers, in Grype's namespaces; not the flaw itself in its own.
fn related_of(id: &str, identifiers: &[String], namespace: &str) -> Vec<Reference> {
    let language = namespace.split(':').nth(2).filter(|_| namespace.contains(":language:")).unwrap_or_default();
    let mut related: Vec<Reference> = Vec::new();
    for other in identifiers {
        let elsewhere = if is_cve(other) {
            "nvd:cpe".to_owned()
        } else if other.starts_with("GHSA-") {
            format!("github:language:{language}")
        } else {
            continue;
        };
        if elsewhere != namespace || other != id {
            related.push(Reference { namespace: elsewhere, id: other.clone() });
        }
    }
    related
}

/// What a claim says about a fix.
pub(crate) fn fix_state(stated: advisory::FixState, ranges: &[ClaimRange<'_>], namespace: &str) -> FixState {
    match stated {
        _ if ranges.iter().any(|range| matches!(range.end, ClaimEnd::Fixed(_))) => FixState::Fixed,
        advisory::FixState::Fixed => FixState::Fixed,
        advisory::FixState::NotFixed => FixState::NotFixed,
        advisory::FixState::WontFix => FixState::WontFix,
        // GitHub always says in which version, where there is one.
        _ if namespace.starts_with("github:") => FixState::NotFixed,
        _ => FixState::Unstated,
    }
}

/// The ranges that are told of: of language packages those that the version is in; of distributions, Go and Bitnami all,
/// because Grype's database has one entry a package for them.
fn told<'c>(candidate: &Candidate<'c>, version: Version<'_>) -> SmallVec<[ClaimRange<'c>; 2]> {
    let ranges = &candidate.claim.ranges;
    let of_entry = ["govulndb:", "bitnami:"].iter().any(|provider| candidate.namespace.starts_with(provider));
    if !of_entry && candidate.namespace.contains(":language:") {
        let within: SmallVec<_> = ranges.iter().copied().filter(|range| version.is_within(*range)).collect();
        // A version may be hit because it is named, in no range at all.
        if !within.is_empty() {
            return within;
        }
    }
    ranges.clone()
}

fn fix_of(candidate: &Candidate<'_>, ranges: &[ClaimRange<'_>]) -> Fix {
    let mut versions: Vec<String> = Vec::new();
    for range in ranges {
        if let ClaimEnd::Fixed(fixed) = range.end
            && !versions.iter().any(|have| have == fixed)
        {
            versions.push(fixed.to_owned());
        }
    }
    let partial = ranges.len() < candidate.claim.ranges.len();
    let state = match fix_state(candidate.claim.state, ranges, &candidate.namespace) {
        // Another range has a fix; this one ends in the last version that is hit.
        FixState::Fixed if versions.is_empty() && partial => FixState::NotFixed,
        state => state,
    };
    let date = candidate.scope.fix_date;
    let available = match versions.as_slice() {
        [only] if !date.is_empty() => {
            vec![FixAvailable { version: only.clone(), date: date.to_owned(), kind: String::new() }]
        }
        _ => Vec::new(),
    };
    Fix { versions, state, available }
}

fn advisories_of(candidate: &Candidate<'_>) -> Vec<AdvisoryLink> {
    let distro_erratum = candidate.namespace.contains(":distro:") && !candidate.advisory.id.contains("CVE-");
    let stated = Some(candidate.scope.advisory).filter(|id| !id.is_empty());
    let itself = Some(candidate.advisory.id).filter(|_| distro_erratum);
    let mut all: Vec<AdvisoryLink> = Vec::new();
    for id in stated.into_iter().chain(itself) {
        if !all.iter().any(|have| have.id == id) {
            all.push(AdvisoryLink { id: id.to_owned(), link: advisory_page(id, &candidate.namespace) });
        }
    }
    all
}

/// The page of an erratum, by its publisher's pattern.
fn advisory_page(id: &str, namespace: &str) -> String {
    let release = namespace.rsplit(':').next().unwrap_or_default();
    let major = release.split('.').next().unwrap_or_default();
    match id.split(['-', ':']).next().unwrap_or_default() {
        "RHSA" | "RHBA" | "RHEA" => format!("https://access.redhat.com/errata/{id}"),
        "ALSA" | "ALBA" | "ALEA" => format!("https://errata.almalinux.org/{major}/{}.html", id.replacen(':', "-", 1)),
        "DSA" | "DLA" => format!("https://security-tracker.debian.org/tracker/{id}"),
        "USN" => format!("https://ubuntu.com/security/notices/{id}"),
        "ELSA" => format!("https://linux.oracle.com/errata/{id}.html"),
        "RLSA" => format!("https://errata.rockylinux.org/{id}"),
        _ => String::new(),
    }
}
