//! Orders of a report (grype/presenter/models/sort.go, 0.121.2).

use super::document::MatchEntry;
use std::cmp::Ordering;

/// By what a report is sorted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum SortBy {
    /// Package.
    Package,
    /// Severity, worst first.
    Severity,
    /// Exploit prediction, likeliest first.
    Epss,
    /// Risk, highest first.
    #[default]
    Risk,
    /// What is known to be exploited first.
    Kev,
    /// Identifier of the flaw.
    Vulnerability,
}

impl SortBy {
    /// Every order.
    pub const ALL: [Self; 6] = [Self::Package, Self::Severity, Self::Epss, Self::Risk, Self::Kev, Self::Vulnerability];

    /// Grype's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Package => "package",
            Self::Severity => "severity",
            Self::Epss => "epss",
            Self::Risk => "risk",
            Self::Kev => "kev",
            Self::Vulnerability => "vulnerability",
        }
    }

    /// Reads Grype's word, any case.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|order| order.as_str().eq_ignore_ascii_case(word))
    }

    pub(super) fn compare(self, a: &MatchEntry, b: &MatchEntry) -> Ordering {
        let order = match self {
            Self::Package => package(a, b).then_with(|| vulnerability(a, b)),
            Self::Vulnerability => vulnerability(a, b).then_with(|| package(a, b)),
            Self::Severity => severity(a, b).then_with(|| risk(a, b)).then_with(|| epss(a, b)),
            Self::Epss => epss(a, b).then_with(|| risk(a, b)).then_with(|| severity(a, b)),
            Self::Risk => by_risk(a, b),
            Self::Kev => kev(a, b).then_with(|| by_risk(a, b)),
        };
        order.then_with(|| package(a, b)).then_with(|| id(a).cmp(id(b)))
    }
}

fn by_risk(a: &MatchEntry, b: &MatchEntry) -> Ordering {
    risk(a, b).then_with(|| severity(a, b)).then_with(|| epss(a, b))
}

fn id(entry: &MatchEntry) -> &str {
    &entry.vulnerability.metadata.id
}

fn package(a: &MatchEntry, b: &MatchEntry) -> Ordering {
    let key = |entry: &MatchEntry| (entry.artifact.name.clone(), entry.artifact.version.clone(), entry.artifact.kind);
    key(a).cmp(&key(b))
}

fn vulnerability(a: &MatchEntry, b: &MatchEntry) -> Ordering {
    id(a).cmp(id(b)).then_with(|| by_risk(a, b))
}

fn severity(a: &MatchEntry, b: &MatchEntry) -> Ordering {
    let rank = |entry: &MatchEntry| match entry.vulnerability.metadata.severity.to_ascii_lowercase().as_str() {
        "critical" => 1,
        "high" => 2,
        "medium" => 3,
        "low" => 4,
        "negligible" => 5,
        _ => 100,
    };
    rank(a).cmp(&rank(b))
}

fn risk(a: &MatchEntry, b: &MatchEntry) -> Ordering {
    b.vulnerability.risk.total_cmp(&a.vulnerability.risk)
}

fn epss(a: &MatchEntry, b: &MatchEntry) -> Ordering {
    let highest =
        |entry: &MatchEntry| entry.vulnerability.metadata.epss.iter().map(|epss| epss.percentile).fold(0.0, f64::max);
    highest(b).total_cmp(&highest(a))
}

fn kev(a: &MatchEntry, b: &MatchEntry) -> Ordering {
    let count = |entry: &MatchEntry| entry.vulnerability.metadata.known_exploited.len();
    count(b).cmp(&count(a))
}
