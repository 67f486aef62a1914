//! Which publisher's format a document is in, told by its content.

use advisory::{AdvisoryError, Kev, Record, Rejection, eol, epss};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// One thing that a feed tells.
#[derive(Debug, Clone, PartialEq)]
pub enum FeedItem {
    /// An advisory.
    Record(Box<Record>),
    /// A flaw that is known to be exploited.
    Kev(Box<Kev>),
    /// How likely a flaw is to be exploited.
    Epss(epss::Score),
    /// When a release of a distribution ends.
    EndOfLife(eol::EndOfLife),
}

/// A publisher's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Osv,
    DebianTracker,
    DebianAdvisories,
    DebianCves,
    Secdb,
    Wolfi,
    Csaf,
    Oval,
    Rubysec,
    FriendsOfPhp,
    Gitlab,
    Nvd,
    Cve,
    Kev,
    Epss,
    Kubernetes,
    EndOfLife,
}

/// Takes what a document holds.
pub(crate) type Take<'a> = &'a mut dyn FnMut(Result<FeedItem, Rejection>);

/// Top-level keys of a JSON document.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Keys {
    id: Option<IgnoredAny>,
    affected: Option<IgnoredAny>,
    modified: Option<IgnoredAny>,
    #[serde(rename = "cveMetadata")]
    cve_metadata: Option<IgnoredAny>,
    cve: Option<IgnoredAny>,
    #[serde(rename = "vulnStatus")]
    vuln_status: Option<IgnoredAny>,
    vulnerabilities: Option<IgnoredAny>,
    #[serde(rename = "catalogVersion")]
    catalog_version: Option<IgnoredAny>,
    document: Option<IgnoredAny>,
    #[serde(rename = "resultsPerPage")]
    results_per_page: Option<IgnoredAny>,
    packages: Option<IgnoredAny>,
    urlprefix: Option<IgnoredAny>,
    package: Option<IgnoredAny>,
    advisories: Option<IgnoredAny>,
    package_slug: Option<IgnoredAny>,
    gem: Option<IgnoredAny>,
    engine: Option<IgnoredAny>,
    title: Option<IgnoredAny>,
    branches: Option<IgnoredAny>,
    reference: Option<IgnoredAny>,
    items: Option<IgnoredAny>,
    result: Option<IgnoredAny>,
}

/// Debian's tracker has no key of its own; a package that has an issue with releases tells it.
#[derive(Deserialize)]
struct TrackerIssue {
    #[serde(rename = "releases")]
    _releases: IgnoredAny,
}

impl Format {
    /// Tells the format of a document; `None` when it is no feed's.
    pub(crate) fn recognise(bytes: &[u8]) -> Option<Self> {
        let start = bytes.iter().position(|b| !b.is_ascii_whitespace())?;
        let head = bytes.get(start..)?;
        match head.first()? {
            b'{' => Self::of_json(head),
            b'<' => contains(head, b"oval_definitions").then_some(Self::Oval),
            b'#' | b'c' if contains(head, b"cve,epss,percentile") => Some(Self::Epss),
            b'[' if contains(head, b"] DSA-") || contains(head, b"] DLA-") => Some(Self::DebianAdvisories),
            b'C' if head.starts_with(b"CVE-") => Some(Self::DebianCves),
            _ => None,
        }
    }

    fn of_json(json: &[u8]) -> Option<Self> {
        let keys: Keys = serde_json::from_slice(json).ok()?;
        let has = |keys: &[&Option<IgnoredAny>]| keys.iter().all(|key| key.is_some());
        let known = [
            (Self::Cve, has(&[&keys.cve_metadata])),
            (Self::Csaf, has(&[&keys.document])),
            (Self::Kev, has(&[&keys.vulnerabilities, &keys.catalog_version])),
            (Self::Nvd, has(&[&keys.vulnerabilities, &keys.results_per_page])),
            (Self::Gitlab, has(&[&keys.package_slug])),
            (Self::Rubysec, has(&[&keys.title]) && (keys.gem.is_some() || keys.engine.is_some())),
            (Self::FriendsOfPhp, has(&[&keys.branches, &keys.reference])),
            (Self::Nvd, has(&[&keys.cve]) || has(&[&keys.id, &keys.vuln_status])),
            (Self::Osv, has(&[&keys.id]) && (keys.affected.is_some() || keys.modified.is_some())),
            (Self::Secdb, has(&[&keys.packages, &keys.urlprefix])),
            (Self::Wolfi, has(&[&keys.package, &keys.advisories])),
            (Self::Kubernetes, has(&[&keys.items])),
            (Self::EndOfLife, has(&[&keys.result])),
        ];
        known.into_iter().find(|(_, is)| *is).map(|(format, _)| format).or_else(|| {
            let text = String::from_utf8_lossy(json.get(..json.len().min(64 << 10))?);
            let issue = text.find("\"releases\"").is_some_and(|_| tracker(json));
            issue.then_some(Self::DebianTracker)
        })
    }

    /// The source to whose account rejections go when no record tells a better one.
    pub(crate) fn source(self) -> &'static str {
        match self {
            Self::Osv => "osv",
            Self::DebianTracker | Self::DebianAdvisories | Self::DebianCves => "debian",
            Self::Secdb => "alpine",
            Self::Wolfi => "wolfi",
            Self::Csaf => "redhat",
            Self::Oval => "azurelinux",
            Self::Rubysec => "rubysec",
            Self::FriendsOfPhp => "friendsofphp",
            Self::Gitlab => "gitlab",
            Self::Nvd => "nvd",
            Self::Cve => "cve",
            Self::Kev => "kev",
            Self::Epss => "epss",
            Self::Kubernetes => "kubernetes",
            Self::EndOfLife => "endoflife",
        }
    }

    /// Reads a document.
    pub(crate) fn parse(self, bytes: &[u8], take: Take<'_>) -> Result<(), AdvisoryError> {
        let mut records = |item: Result<Record, Rejection>| take(item.map(|record| FeedItem::Record(Box::new(record))));
        match self {
            Self::Osv => records(Ok(advisory::osv::parse(bytes)?)),
            Self::DebianTracker => return advisory::debian::parse_tracker(bytes, &mut records),
            Self::DebianAdvisories => return advisory::debian::parse_advisories(bytes, &mut records),
            Self::DebianCves => return advisory::debian::parse_cves(bytes, &mut records),
            Self::Secdb => return advisory::secdb::parse(bytes, &mut records),
            Self::Wolfi => return advisory::wolfi::parse(bytes, &mut records),
            Self::Csaf => advisory::redhat::parse(bytes)?.into_iter().for_each(|record| records(Ok(record))),
            Self::Oval => return advisory::oval::parse(bytes, &mut records),
            Self::Rubysec => records(Ok(advisory::rubysec::parse(bytes)?)),
            Self::FriendsOfPhp => records(Ok(advisory::friendsofphp::parse(bytes)?)),
            Self::Gitlab => records(Ok(advisory::gitlab::parse(bytes)?)),
            Self::Nvd => return advisory::nvd::parse(bytes, &mut records),
            Self::Cve => records(Ok(advisory::cve5::parse(bytes)?)),
            Self::Kubernetes => return advisory::kubernetes::parse(bytes, &mut records),
            Self::Kev => {
                return advisory::kev::parse(bytes, &mut |kev| take(kev.map(|kev| FeedItem::Kev(Box::new(kev)))));
            }
            Self::Epss => return epss::parse(bytes, &mut |score| take(score.map(FeedItem::Epss))),
            Self::EndOfLife => eol::parse(bytes)?.into_iter().for_each(|end| take(Ok(FeedItem::EndOfLife(end)))),
        }
        Ok(())
    }
}

fn tracker(json: &[u8]) -> bool {
    use std::collections::BTreeMap;
    serde_json::from_slice::<BTreeMap<String, BTreeMap<String, TrackerIssue>>>(json)
        .is_ok_and(|packages| packages.values().any(|issues| !issues.is_empty()))
}

/// Whether a text is among the first bytes of a document.
fn contains(bytes: &[u8], text: &[u8]) -> bool {
    let head = bytes.get(..bytes.len().min(16 << 10)).unwrap_or(bytes);
    head.windows(text.len()).any(|window| window == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_each_format_by_its_content() {
        let check =
            |text: &str, format: Option<Format>| assert_eq!(Format::recognise(text.as_bytes()), format, "{text}");
        check(r#"{"id":"X","affected":[]}"#, Some(Format::Osv));
        check(r#"{"cveMetadata":{},"containers":{}}"#, Some(Format::Cve));
        check(r#"{"cve":{"id":"X"}}"#, Some(Format::Nvd));
        check(r#"{"resultsPerPage":1,"vulnerabilities":[]}"#, Some(Format::Nvd));
        check(r#"{"catalogVersion":"1","vulnerabilities":[]}"#, Some(Format::Kev));
        check(r#"{"document":{},"vulnerabilities":[]}"#, Some(Format::Csaf));
        check(r#"{"urlprefix":"","packages":[]}"#, Some(Format::Secdb));
        check(r#"{"package":{},"advisories":[]}"#, Some(Format::Wolfi));
        check(r#"{"package_slug":"npm/a"}"#, Some(Format::Gitlab));
        check(r#"{"gem":"a","title":"t","cve":"2020-1"}"#, Some(Format::Rubysec));
        check(r#"{"branches":{},"reference":"composer://a/b","cve":"CVE-1"}"#, Some(Format::FriendsOfPhp));
        check(r#"{"version":"https://jsonfeed.org/version/1.1","items":[]}"#, Some(Format::Kubernetes));
        check(r#"{"schema_version":"1","result":{}}"#, Some(Format::EndOfLife));
        check(r#"{"zlib":{"CVE-1":{"releases":{}}}}"#, Some(Format::DebianTracker));
        check(r#"{"zlib":{"CVE-1":{}}}"#, None);
        check("#model_version:x\ncve,epss,percentile\n", Some(Format::Epss));
        check("[29 Mar 2023] DSA-5380-1 x - y\n", Some(Format::DebianAdvisories));
        check("CVE-2024-1 (x)\n", Some(Format::DebianCves));
        check("<oval_definitions/>", Some(Format::Oval));
        check("<bom/>", None);
        check("", None);
        check("{", None);
    }
}
