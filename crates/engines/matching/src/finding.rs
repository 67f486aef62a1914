//! What matching finds: a flaw on a component, how it was found, and what was set aside and why.

use crate::database::RecordIndex;
use crate::ignore::IgnoreRule;
use advisory::Severity;
use sbom::ComponentIndex;

/// The result of matching a document.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// What counts, sorted by flaw, then component.
    pub matches: Vec<Match>,
    /// What was set aside, each with the rules that did it: the user's, VEX, built-in ones, the distribution's word.
    pub ignored: Vec<IgnoredMatch>,
    /// Components of releases past their end of life.
    pub end_of_life: Vec<EndOfLifeAlert>,
    /// What the user should know: releases without advisories, components without a distribution.
    pub notes: Vec<String>,
}

/// A flaw on a component.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// The component, in [`sbom::Document::components`].
    pub component: ComponentIndex,
    /// The flaw.
    pub vulnerability: Vulnerability,
    /// How it was found, strongest first; at least one.
    pub details: Vec<Detail>,
    /// The same flaw found on other components for the same files (an operating system's package that holds a language
    /// package or a binary): they count once, here.
    pub also_found_as: Vec<ComponentIndex>,
}

/// A match that was set aside.
#[derive(Debug, Clone, PartialEq)]
pub struct IgnoredMatch {
    /// The match.
    pub found: Match,
    /// Why; at least one.
    pub rules: Vec<IgnoreRule>,
}

/// A component of a release past its end of life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndOfLifeAlert {
    /// The component.
    pub component: ComponentIndex,
    /// Grype's type of the distribution.
    pub distro: String,
    /// The release.
    pub version: String,
    /// As shown: `debian 10`.
    pub display: String,
}

/// A flaw as one advisory tells it, for one package.
#[derive(Debug, Clone, PartialEq)]
pub struct Vulnerability {
    /// Identifier, for example `GHSA-jfh8-c2jp-5v3q`.
    pub id: String,
    /// Grype's namespace, for example `github:language:java`.
    pub namespace: String,
    /// The advisory that describes it.
    pub record: RecordIndex,
    /// How bad.
    pub severity: Severity,
    /// The versions hit, as text: `< 1.2.3 (deb)`.
    pub constraint: String,
    /// About a fix.
    pub fix: Fix,
    /// Advisories that carry the fix.
    pub advisories: Vec<AdvisoryLink>,
    /// The same flaw elsewhere, of the kinds that Grype names: CVEs and GitHub advisories.
    pub related: Vec<Reference>,
    /// Every identifier of the flaw that the advisory gives, its own first.
    pub identifiers: Vec<String>,
}

/// About a fix.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fix {
    /// Versions with the fix, each once.
    pub versions: Vec<String>,
    /// What the publisher says.
    pub state: FixState,
    /// When fixes came, where known.
    pub available: Vec<FixAvailable>,
}

/// The state of a fix in Grype's words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FixState {
    /// Nothing said; counts as unknown in rules.
    #[default]
    Unstated,
    /// Not known.
    Unknown,
    /// There will be none.
    WontFix,
    /// There is none yet.
    NotFixed,
    /// There is one.
    Fixed,
}

/// When a fix came.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FixAvailable {
    /// The version.
    pub version: String,
    /// `YYYY-MM-DD`.
    pub date: String,
    /// What the date is of; may be empty.
    pub kind: String,
}

/// An advisory that carries a fix.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AdvisoryLink {
    /// `RHSA-2022:0001`.
    pub id: String,
    /// Its page; empty where not known.
    pub link: String,
}

/// A flaw in another namespace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// `nvd:cpe`, `github:language:java`, ...
    pub namespace: String,
    /// The identifier.
    pub id: String,
}

/// How strong a match is, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MatchType {
    /// By the package's own name.
    ExactDirect,
    /// By the name of the source package.
    ExactIndirect,
    /// By CPE.
    Cpe,
}

/// How a match was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Detail {
    /// How strong it is.
    pub kind: MatchType,
    /// Grype's name of the matcher, for example `dpkg-matcher`.
    pub matcher: &'static str,
    /// What was asked for.
    pub searched_by: SearchedBy,
    /// What the advisory said.
    pub found: Found,
}

/// What the database was asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SearchedBy {
    /// A package of a distribution.
    Distro {
        /// Grype's type of the distribution.
        distro: String,
        /// The release; empty for rolling ones.
        version: String,
        /// Name of the package.
        package: String,
        /// Its version.
        package_version: String,
        /// Where it was found.
        namespace: String,
    },
    /// A package of a language's ecosystem.
    Ecosystem {
        /// The component's language.
        language: String,
        /// Name of the package.
        package: String,
        /// Its version.
        package_version: String,
        /// Where it was found.
        namespace: String,
    },
    /// CPE names.
    Cpe {
        /// Where it was found.
        namespace: String,
        /// The component's names that led to it, sorted.
        cpes: Vec<String>,
        /// The component.
        package: String,
        /// Its version.
        package_version: String,
    },
    /// A VEX statement brought it back.
    Vex {
        /// The flaw.
        vulnerability: String,
        /// The product that the statement names.
        product: String,
    },
}

/// What the advisory said.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// The advisory's identifier.
    pub vulnerability_id: String,
    /// The versions hit.
    pub constraint: String,
    /// For matches by CPE: the criteria, sorted.
    pub cpes: Vec<String>,
    /// For Go: the vulnerable functions that the binary holds, sorted.
    pub symbols: Vec<String>,
}

impl Findings {
    /// Whether anything that counts is at least as bad; `Unknown` is no limit (`--fail-on`).
    #[must_use]
    pub fn fail_on(&self, severity: Severity) -> bool {
        severity != Severity::Unknown && self.matches.iter().any(|found| found.vulnerability.severity >= severity)
    }
}

impl FixState {
    /// Grype's word; empty for what was not stated.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unstated => "",
            Self::Unknown => "unknown",
            Self::WontFix => "wont-fix",
            Self::NotFixed => "not-fixed",
            Self::Fixed => "fixed",
        }
    }

    /// Reads Grype's word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Unknown, Self::WontFix, Self::NotFixed, Self::Fixed].into_iter().find(|state| state.as_str() == word)
    }
}

impl MatchType {
    /// Grype's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ExactDirect => "exact-direct-match",
            Self::ExactIndirect => "exact-indirect-match",
            Self::Cpe => "cpe-match",
        }
    }
}

impl SearchedBy {
    /// Name and version of the package that was searched for; empty for VEX.
    #[must_use]
    pub fn package(&self) -> (&str, &str) {
        match self {
            Self::Distro { package, package_version, .. }
            | Self::Ecosystem { package, package_version, .. }
            | Self::Cpe { package, package_version, .. } => (package, package_version),
            Self::Vex { .. } => ("", ""),
        }
    }
}

impl Vulnerability {
    /// Whether two tell of the same flaw.
    #[must_use]
    pub fn is_same_flaw(&self, other: &Self) -> bool {
        self.identifiers.iter().any(|id| other.identifiers.iter().any(|theirs| theirs.eq_ignore_ascii_case(id)))
    }

    /// Which of several tellings of one flaw describes it: the distribution's, then GitHub's, then the other
    /// publishers', then the National Vulnerability Database.
    fn authority(&self) -> u8 {
        match self.namespace.as_str() {
            namespace if namespace.contains(":distro:") => 0,
            namespace if namespace.starts_with("github:") => 1,
            namespace if namespace.ends_with(":cpe") => 3,
            _ => 2,
        }
    }
}

impl Match {
    fn strength(&self) -> MatchType {
        self.details.iter().map(|detail| detail.kind).min().unwrap_or(MatchType::Cpe)
    }

    /// Folds another telling of the same flaw on the same component into this one. The better one describes it, what
    /// can be united is united.
    pub(crate) fn merge(&mut self, mut other: Self) {
        let rank = |found: &Self| (found.vulnerability.authority(), found.strength(), found.vulnerability.record);
        if rank(&other) < rank(self) {
            std::mem::swap(self, &mut other);
        }
        let same_record = self.vulnerability.id == other.vulnerability.id
            && self.vulnerability.namespace == other.vulnerability.namespace;
        let (ours, theirs) = (&mut self.vulnerability, other.vulnerability);
        // Fixes of another publisher are in another numbering where that is a distribution.
        if same_record || ours.fix.versions.is_empty() && !ours.namespace.contains(":distro:") {
            unite(&mut ours.fix.versions, theirs.fix.versions);
            unite(&mut ours.fix.available, theirs.fix.available);
            ours.fix.state = ours.fix.state.max(theirs.fix.state);
        }
        if same_record && ours.constraint != theirs.constraint {
            ours.constraint = either_constraint(&ours.constraint, &theirs.constraint);
        }
        unite(&mut ours.advisories, theirs.advisories);
        unite(&mut ours.related, theirs.related);
        if !same_record {
            let itself = Reference { namespace: theirs.namespace, id: theirs.id };
            let known = itself.id.starts_with("CVE-") || itself.id.starts_with("GHSA-");
            if known && !ours.related.iter().any(|related| related.id == itself.id) {
                ours.related.push(itself);
            }
        }
        ours.related.sort();
        for id in theirs.identifiers {
            if !ours.identifiers.contains(&id) {
                ours.identifiers.push(id);
            }
        }
        unite_details(&mut self.details, other.details);
        unite(&mut self.also_found_as, other.also_found_as);
    }
}

/// Adds what is not there yet; what was there keeps its order.
fn unite<T: PartialEq>(into: &mut Vec<T>, more: Vec<T>) {
    for item in more {
        if !into.contains(&item) {
            into.push(item);
        }
    }
}

/// Either of two constraints in one text: the note of the order stands once, at the end.
fn either_constraint(a: &str, b: &str) -> String {
    let split = |text: &str| {
        text.rsplit_once(" (")
            .map_or((text.to_owned(), String::new()), |(value, order)| (value.to_owned(), order.to_owned()))
    };
    let (first, order) = split(a);
    let (second, _) = split(b);
    if first.split(" || ").any(|part| part == second) {
        return a.to_owned();
    }
    format!("{first} || {second} ({order}")
}

/// Unites evidence. Searches by several CPEs of a component that found the same count once.
pub(crate) fn unite_details(into: &mut Vec<Detail>, more: Vec<Detail>) {
    for detail in more {
        let folded = into.iter_mut().any(|have| fold_cpes(have, &detail));
        if !folded && !into.contains(&detail) {
            into.push(detail);
        }
    }
    into.sort();
}

fn fold_cpes(have: &mut Detail, new: &Detail) -> bool {
    if have.kind != new.kind || have.matcher != new.matcher || have.found != new.found {
        return false;
    }
    match (&mut have.searched_by, &new.searched_by) {
        (
            SearchedBy::Cpe { namespace, cpes, package, package_version },
            SearchedBy::Cpe { namespace: n, cpes: more, package: p, package_version: v },
        ) if namespace == n && package == p && package_version == v => {
            unite(cpes, more.clone());
            cpes.sort();
            true
        }
        _ => false,
    }
}
