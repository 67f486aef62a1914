//! What the database knows of a flaw, for the report.

use super::cvss::subscores;
use super::document::{CvssEntry, CvssMetrics, CweEntry, EpssEntry, Exploited, Metadata};
use crate::database::{Advisory, Database, DatabaseError, RecordIndex, Score, Texts};
use crate::ecosystem::{self, CPE};
use crate::finding::{Reference, Vulnerability};
use crate::matchers::own_severity;
use advisory::{Kev, Severity};
use std::collections::{BTreeMap, HashMap};

/// Reads advisories, each once.
pub(super) struct Library<'a> {
    database: &'a Database<'a>,
    texts: Texts<'a>,
    related: HashMap<Reference, Metadata>,
}

impl<'a> Library<'a> {
    pub(super) fn new(database: &'a Database<'a>) -> Self {
        Self { database, texts: database.texts(), related: HashMap::new() }
    }

    /// What is known of a flaw that was found.
    pub(super) fn of(&mut self, vulnerability: &Vulnerability) -> Result<Metadata, DatabaseError> {
        let advisory = self.database.advisory(vulnerability.record)?;
        let namespace = vulnerability.namespace.clone();
        self.describe(&vulnerability.id, namespace, vulnerability.severity, &advisory, &vulnerability.identifiers)
    }

    /// What is known of the same flaw elsewhere. Where nothing is, its name stands alone.
    pub(super) fn related(&mut self, reference: &Reference) -> Result<Metadata, DatabaseError> {
        if let Some(known) = self.related.get(reference) {
            return Ok(known.clone());
        }
        let metadata = match self.record_of(reference)? {
            Some((index, namespace)) => {
                let advisory = self.database.advisory(index)?;
                let severity = own_severity(&advisory, Severity::Unknown);
                let mut identifiers = vec![advisory.id.to_owned()];
                identifiers.extend(advisory.aliases.iter().map(|id| (*id).to_owned()));
                self.describe(&reference.id, namespace, severity, &advisory, &identifiers)?
            }
            None => Metadata {
                id: reference.id.clone(),
                data_source: reference.namespace.split(':').next().unwrap_or_default().to_owned(),
                namespace: reference.namespace.clone(),
                severity: Severity::Unknown.as_str().to_owned(),
                ..Metadata::default()
            },
        };
        self.related.insert(reference.clone(), metadata.clone());
        Ok(metadata)
    }

    /// The advisory of that name by that publisher; for CVEs any publisher of CVE records.
    fn record_of(&self, reference: &Reference) -> Result<Option<(RecordIndex, String)>, DatabaseError> {
        let mut best: Option<(u8, RecordIndex, String)> = None;
        for advisory in self.database.named(&reference.id)? {
            let by_cpe = reference.namespace.ends_with(":cpe") && advisory.namespace.ends_with(":cpe");
            let rank = match () {
                () if advisory.namespace == reference.namespace => 0,
                () if by_cpe => 1,
                () if publisher(advisory.namespace) == publisher(&reference.namespace) => 2,
                () => continue,
            };
            let namespace = match rank {
                1 => ecosystem::namespace(advisory.namespace, advisory.source, CPE),
                _ => reference.namespace.clone(),
            };
            if best.as_ref().is_none_or(|(have, ..)| rank < *have) {
                best = Some((rank, advisory.index, namespace));
            }
        }
        Ok(best.map(|(_, index, namespace)| (index, namespace)))
    }

    fn describe(
        &mut self,
        id: &str,
        namespace: String,
        severity: Severity,
        advisory: &Advisory<'_>,
        identifiers: &[String],
    ) -> Result<Metadata, DatabaseError> {
        let text = self.texts.of(advisory)?;
        let mut urls = text.references.into_iter().map(|reference| reference.url);
        let is_cve = |id: &&str| id.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("CVE-"));
        let cves = identifiers.iter().map(String::as_str).filter(is_cve);
        let data_source = match urls.next() {
            Some(first) => first,
            None if namespace == "nvd:cpe" => format!("https://nvd.nist.gov/vuln/detail/{id}"),
            None => String::new(),
        };
        let summary_first = namespace.starts_with("github:") || text.details.is_empty();
        let description = if summary_first && !text.summary.is_empty() { text.summary } else { text.details };
        let mut metadata = Metadata {
            id: id.to_owned(),
            data_source,
            namespace,
            severity: severity.as_str().to_owned(),
            urls: urls.collect(),
            description,
            cvss: advisory.cvss.iter().map(cvss_entry).collect(),
            ..Metadata::default()
        };
        let evidence = evidence(self.database, advisory, cves)?;
        metadata.known_exploited = evidence.exploited.into_iter().map(exploited).collect();
        (metadata.epss, metadata.cwes) = (evidence.epss, evidence.cwes);
        Ok(metadata)
    }
}

/// What is known of the CVEs of an advisory besides what it says itself.
pub(crate) struct Evidence {
    pub(crate) exploited: Vec<Kev>,
    pub(crate) epss: Vec<EpssEntry>,
    pub(crate) cwes: Vec<CweEntry>,
}

/// Looks up each of `cves`, in their order.
pub(crate) fn evidence<'c>(
    database: &Database<'_>,
    advisory: &Advisory<'_>,
    cves: impl Iterator<Item = &'c str>,
) -> Result<Evidence, DatabaseError> {
    let mut evidence = Evidence { exploited: Vec::new(), epss: Vec::new(), cwes: Vec::new() };
    for cve in cves {
        evidence.exploited.extend(database.exploited(cve)?);
        evidence.epss.extend(database.epss(cve)?.map(|epss| EpssEntry {
            cve: cve.to_owned(),
            epss: epss.score,
            percentile: epss.percentile,
            date: database.facts().epss_date.clone(),
        }));
        evidence.cwes.extend(advisory.cwes.iter().map(|cwe| CweEntry {
            cve: cve.to_owned(),
            cwe: (*cwe).to_owned(),
            source: advisory.source.to_owned(),
        }));
    }
    Ok(evidence)
}

fn publisher(namespace: &str) -> &str {
    namespace.split(':').next().unwrap_or_default()
}

fn cvss_entry(score: &Score<'_>) -> CvssEntry {
    CvssEntry {
        source: score.source.to_owned(),
        kind: if score.kind.is_empty() { "Secondary".to_owned() } else { score.kind.to_owned() },
        version: score.version.to_owned(),
        vector: score.vector.to_owned(),
        metrics: metrics(score),
        vendor_metadata: BTreeMap::new(),
    }
}

/// The numbers of a score.
pub(crate) fn metrics(score: &Score<'_>) -> CvssMetrics {
    let (exploitability_score, impact_score) = subscores(score.vector).unzip();
    CvssMetrics { base_score: score.base_score, exploitability_score, impact_score }
}

fn exploited(kev: Kev) -> Exploited {
    Exploited {
        cve: kev.cve,
        vendor_project: kev.vendor,
        product: kev.product,
        date_added: kev.date_added,
        required_action: kev.required_action,
        due_date: kev.due_date,
        known_ransomware_campaign_use: kev.ransomware,
        notes: kev.notes,
        urls: kev.urls,
        cwes: kev.cwes,
    }
}
