//! Looking into the database, as `grype db search` does: by flaw, package, CPE, release, publisher and state.

mod document;
mod query;

pub use document::{
    Affected, Available, Cvss, Detail, Exploited, Fix, FixDetail, GoImport, Info, Match, OperatingSystem, Package,
    Qualifiers, Range, Reference, Severity, Summary, Version,
};
pub use query::{PackageName, Query};

use crate::database::{Advisory, Claim, ClaimEnd, Database, DatabaseError, RecordIndex, Texts};
use crate::ecosystem::{self, CPE};
use crate::finding::FixState;
use crate::matchers::{fix_state, own_severity};
use crate::order::{range_text, scheme_of};
use crate::report::{evidence, metrics};
use advisory::Kev;
use std::collections::{BTreeMap, BTreeSet};

/// What a search found.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// By identifier, then publisher.
    pub matches: Vec<Match>,
    /// The limit cut some off.
    pub is_cut: bool,
}

/// The packages that advisories speak of, no more than `limit` of them.
///
/// # Errors
/// Where the file is corrupt.
pub fn search(database: &Database<'_>, query: &Query, limit: usize) -> Result<Found, DatabaseError> {
    let mut search = Search::new(database, query, limit);
    if query.ids.is_empty() {
        search.by_package()?;
    } else {
        search.by_id()?;
    }
    let mut matches = Vec::with_capacity(search.found.len());
    for (index, packages) in std::mem::take(&mut search.found) {
        let vulnerability = search.info(&database.advisory(index)?)?;
        matches.push(Match { vulnerability, packages });
    }
    matches.sort_by(|Match { vulnerability: a, .. }, Match { vulnerability: b, .. }| {
        (&a.id, &a.provider).cmp(&(&b.id, &b.provider))
    });
    Ok(Found { matches, is_cut: search.cut })
}

/// The advisories themselves; `query` says by which identifiers.
///
/// # Errors
/// Where the file is corrupt.
pub fn vulnerabilities(database: &Database<'_>, query: &Query) -> Result<Vec<Summary>, DatabaseError> {
    let mut search = Search::new(database, query, usize::MAX);
    search.by_id()?;
    let mut rows = Vec::new();
    let mut listed = BTreeSet::new();
    for id in &query.ids {
        for advisory in database.find(id)? {
            // By another of its identifiers.
            if !listed.insert(advisory.index) {
                continue;
            }
            let affected = search.found.remove(&advisory.index).unwrap_or_default();
            let vulnerability = search.info(&advisory)?;
            if !query.is_of(&vulnerability) {
                continue;
            }
            let mut systems: Vec<OperatingSystem> = Vec::new();
            for system in affected.iter().filter_map(|affected| affected.os.clone()) {
                if !systems.contains(&system) {
                    systems.push(system);
                }
            }
            let operating_systems = (!systems.is_empty()).then_some(systems);
            rows.push(Summary { vulnerability, operating_systems, affected_packages: affected.len() });
        }
    }
    Ok(rows)
}

struct Search<'a> {
    database: &'a Database<'a>,
    query: &'a Query,
    texts: Texts<'a>,
    found: BTreeMap<RecordIndex, Vec<Affected>>,
    left: usize,
    cut: bool,
}

impl<'a> Search<'a> {
    fn new(database: &'a Database<'a>, query: &'a Query, limit: usize) -> Self {
        Self { database, query, texts: database.texts(), found: BTreeMap::new(), left: limit, cut: false }
    }

    fn by_id(&mut self) -> Result<(), DatabaseError> {
        for id in &self.query.ids {
            for advisory in self.database.find(id)? {
                if self.found.contains_key(&advisory.index) {
                    continue;
                }
                let mut packages = self.texts.of(&advisory)?.packages;
                packages.sort_unstable();
                packages.dedup();
                for (key, name) in packages.iter().filter(|(key, name)| self.query.names(key, name)) {
                    for claim in self.database.claims(key, name)? {
                        let claim = claim?;
                        if claim.record == advisory.index {
                            self.add(&advisory, key, name, &claim)?;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn by_package(&mut self) -> Result<(), DatabaseError> {
        for package in self.database.packages() {
            let (key, name) = package?;
            if !self.query.names(key, name) {
                continue;
            }
            for claim in self.database.claims(key, name)? {
                let claim = claim?;
                let advisory = self.database.advisory(claim.record)?;
                self.add(&advisory, key, name, &claim)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, advisory: &Advisory<'_>, key: &str, name: &str, claim: &Claim<'_>) -> Result<(), DatabaseError> {
        // That a package does not have the flaw is no search result.
        let namespace = ecosystem::namespace(advisory.namespace, advisory.source, key);
        let state = state(claim, &namespace);
        if claim.state == advisory::FixState::NotAffected || !self.query.has_state(state) {
            return Ok(());
        }
        // One claim of it passed: so do the others.
        let is_known = self.query.is_plain() || self.found.contains_key(&advisory.index);
        if !is_known && !self.query.is_of(&self.info(advisory)?) {
            return Ok(());
        }
        if self.left == 0 {
            self.cut = true;
            return Ok(());
        }
        self.left -= 1;
        let affected = affected(advisory, key, name, claim, namespace, state)?;
        self.found.entry(advisory.index).or_default().push(affected);
        Ok(())
    }

    fn info(&mut self, advisory: &Advisory<'_>) -> Result<Info, DatabaseError> {
        let text = self.texts.of(advisory)?;
        let mut info = Info {
            id: advisory.id.to_owned(),
            description: if text.details.is_empty() { text.summary } else { text.details },
            refs: text
                .references
                .into_iter()
                .map(|page| Reference { url: page.url, id: String::new(), tags: page.tags })
                .collect(),
            aliases: advisory.aliases.iter().map(|id| (*id).to_owned()).collect(),
            severities: advisory.cvss.iter().map(severity).collect(),
            severity: own_severity(advisory, advisory::Severity::Unknown).as_str().to_ascii_lowercase(),
            provider: advisory.provider().to_owned(),
            status: if advisory.withdrawn { "rejected" } else { "active" },
            published_date: text.published,
            modified_date: text.modified,
            withdrawn_date: text.withdrawn,
            ..Info::default()
        };
        let names = std::iter::once(advisory.id).chain(advisory.aliases.iter().copied());
        let evidence = evidence(self.database, advisory, names.filter(|id| id.starts_with("CVE-")))?;
        info.known_exploited = evidence.exploited.into_iter().map(exploited).collect();
        (info.epss, info.cwes) = (evidence.epss, evidence.cwes);
        Ok(info)
    }
}

fn affected(
    advisory: &Advisory<'_>,
    key: &str,
    name: &str,
    claim: &Claim<'_>,
    namespace: String,
    state: &'static str,
) -> Result<Affected, DatabaseError> {
    let scope = claim.scope()?;
    let is_cpe = key == CPE;
    let os = key.split_once(':').filter(|_| !is_cpe).map(|(id, release)| OperatingSystem {
        name: id.to_owned(),
        version: release.split('+').next().unwrap_or(release).to_owned(),
    });
    let package = Package { name: name.to_owned(), ecosystem: query::ecosystem_name(key).to_owned() };
    let cpe = if is_cpe { query::cpe(name, scope.cpe_rest) } else { String::new() };
    let symbols = scope.symbols.iter().map(|(path, symbols)| GoImport {
        path: (*path).to_owned(),
        symbols: symbols.iter().map(|symbol| (*symbol).to_owned()).collect(),
    });
    let qualifiers = Qualifiers {
        rpm_modularity: scope.module.map(str::to_owned),
        platform_cpes: scope.platform_cpes.iter().map(|cpe| (*cpe).to_owned()).collect(),
        architecture: scope.architectures.first().map(|name| (*name).to_owned()),
        go_imports: symbols.collect(),
    };
    let ids = std::iter::once(advisory.id).chain(advisory.aliases.iter().copied());
    let cves = ids.filter(|id| id.starts_with("CVE-") && *id != advisory.id).map(str::to_owned).collect();
    let detail = FixDetail {
        available: (!scope.fix_date.is_empty()).then(|| Available { date: scope.fix_date.to_owned() }),
        references: (!scope.advisory.is_empty())
            .then(|| Reference { url: String::new(), id: scope.advisory.to_owned(), tags: vec!["advisory".to_owned()] })
            .into_iter()
            .collect(),
    };
    let detail = (detail.available.is_some() || !detail.references.is_empty()).then_some(detail);
    Ok(Affected {
        os,
        package: (!is_cpe).then_some(package),
        cpe,
        namespace,
        detail: Detail {
            cves,
            qualifiers: (qualifiers != Qualifiers::default()).then_some(qualifiers),
            ranges: ranges(key, claim, state, detail.as_ref()),
        },
    })
}

fn ranges(key: &str, claim: &Claim<'_>, state: &'static str, detail: Option<&FixDetail>) -> Vec<Range> {
    let kind = query::version_type(scheme_of(key));
    let range = |constraint: String, fixed: &str| Range {
        version: Version { kind, constraint },
        fix: Fix { version: fixed.to_owned(), state, detail: detail.cloned() },
    };
    let bounded = claim.ranges.iter().map(|bounds| match bounds.end {
        ClaimEnd::Fixed(version) => range(range_text(*bounds), version),
        _ => range(range_text(*bounds), ""),
    });
    bounded.chain(claim.versions.iter().map(|version| range(format!("= {version}"), ""))).collect()
}

fn state(claim: &Claim<'_>, namespace: &str) -> &'static str {
    match fix_state(claim.state, &claim.ranges, namespace) {
        FixState::Unstated => "unknown",
        state => state.as_str(),
    }
}

fn severity(score: &crate::database::Score<'_>) -> Severity {
    Severity {
        scheme: "CVSS",
        value: Cvss { vector: score.vector.to_owned(), version: score.version.to_owned(), metrics: metrics(score) },
        source: score.source.to_owned(),
        rank: if score.kind == "Primary" { 1 } else { 2 },
    }
}

fn exploited(kev: Kev) -> Exploited {
    Exploited {
        cve: kev.cve,
        vendor_project: kev.vendor,
        product: kev.product,
        date_added: kev.date_added,
        required_action: kev.required_action,
        due_date: kev.due_date,
        known_ransomware_campaign_use: kev.ransomware.to_ascii_lowercase(),
        notes: kev.notes,
        urls: kev.urls,
        cwes: kev.cwes,
    }
}
