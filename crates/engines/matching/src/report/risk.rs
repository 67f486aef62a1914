//! The risk of a flaw: how likely it is to be exploited times how bad it is, 0 to 100
//! (grype/vulnerability/metadata.go, 0.121.2).

use super::document::Metadata;

/// The risk score.
pub(super) fn score(metadata: &Metadata) -> f64 {
    (threat(metadata) * severity(metadata) * exploited(metadata)).min(1.0) * 100.0
}

/// What is exploited counts more, what ransomware uses more still.
fn exploited(metadata: &Metadata) -> f64 {
    let ransomware =
        |entry: &super::document::Exploited| entry.known_ransomware_campaign_use.eq_ignore_ascii_case("known");
    match metadata.known_exploited.as_slice() {
        [] => 1.0,
        entries if entries.iter().any(ransomware) => 1.1,
        _ => 1.05,
    }
}

fn threat(metadata: &Metadata) -> f64 {
    if metadata.known_exploited.is_empty() { metadata.epss.first().map_or(0.0, |epss| epss.epss) } else { 1.0 }
}

/// The mean of the word and of the mean of the scores, 0 to 1.
fn severity(metadata: &Metadata) -> f64 {
    let word = match metadata.severity.to_ascii_lowercase().as_str() {
        "negligible" => 0.5,
        "low" => 3.0,
        "high" => 7.5,
        "critical" => 9.0,
        // Also what is not known: it should not be lost at the end of the list.
        _ => 5.0,
    } / 10.0;
    let scores: Vec<f64> =
        metadata.cvss.iter().map(|score| score.metrics.base_score).filter(|score| *score != 0.0).collect();
    if scores.is_empty() {
        return word;
    }
    let mean = scores.iter().sum::<f64>() / scores.len() as f64 / 10.0;
    (word + mean) / 2.0
}

#[cfg(test)]
mod tests {
    use super::super::document::{CvssEntry, CvssMetrics, EpssEntry, Exploited};
    use super::*;
    use std::collections::BTreeMap;

    fn metadata(severity: &str, epss: f64, cvss: &[f64], ransomware: Option<&str>) -> Metadata {
        let score = |base_score: &f64| CvssEntry {
            source: String::new(),
            kind: String::new(),
            version: "3.1".to_owned(),
            vector: String::new(),
            metrics: CvssMetrics { base_score: *base_score, exploitability_score: None, impact_score: None },
            vendor_metadata: BTreeMap::new(),
        };
        let exploited = |word: &str| Exploited {
            cve: "CVE-2021-1".to_owned(),
            vendor_project: String::new(),
            product: String::new(),
            date_added: String::new(),
            required_action: String::new(),
            due_date: String::new(),
            known_ransomware_campaign_use: word.to_owned(),
            notes: String::new(),
            urls: Vec::new(),
            cwes: Vec::new(),
        };
        let epss = EpssEntry { cve: "CVE-2021-1".to_owned(), epss, percentile: 0.5, date: String::new() };
        Metadata {
            severity: severity.to_owned(),
            epss: vec![epss],
            cvss: cvss.iter().map(score).collect(),
            known_exploited: ransomware.map(exploited).into_iter().collect(),
            ..Metadata::default()
        }
    }

    #[test]
    fn scores_are_the_peers() {
        // The first two are of Grype's own snapshots.
        for (metadata, want) in [
            (metadata("Low", 0.03, &[8.2], None), 1.68),
            (metadata("Critical", 0.08, &[8.5], Some("Known")), 96.25),
            (metadata("Critical", 0.08, &[10.0], Some("Known")), 100.0),
            (metadata("High", 0.5, &[], None), 37.5),
            (metadata("", 0.5, &[0.0], None), 25.0),
            (metadata("High", 0.0, &[], Some("Unknown")), 78.75),
        ] {
            assert!((score(&metadata) - want).abs() < 1e-9, "{} {want}", score(&metadata));
        }
    }
}
