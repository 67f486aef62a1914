//! VEX statements: what a vendor says of flaws in its products, and what that does to findings.

use crate::finding::{Detail, Found, IgnoredMatch, Match, MatchType, SearchedBy};
use crate::ignore::{IgnoreRule, Rules};
use jiff::civil::Date;
use purl::PackageUrl;
use sbom::{Document, Source};

/// A statement about flaws in products.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VexStatement {
    /// The flaw's name and its aliases.
    pub vulnerabilities: Vec<String>,
    /// What the statement is about.
    pub products: Vec<VexProduct>,
    /// What it says.
    pub status: VexStatus,
    /// Why a product is not affected, for example `vulnerable_code_not_present`; may be empty.
    pub justification: String,
    /// When it was made, RFC 3339; the latest counts. May be empty.
    pub timestamp: String,
    /// `openvex` or `csaf`.
    pub format: VexFormat,
}

/// A product, or the parts of it that the statement is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VexProduct {
    /// purls, image references, digests.
    pub identifiers: Vec<String>,
    /// Identifiers of parts; empty: the product whole.
    pub subcomponents: Vec<String>,
}

/// What a statement says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum VexStatus {
    /// The flaw does no harm here.
    NotAffected,
    /// It does.
    Affected,
    /// It did.
    Fixed,
    /// Not known yet.
    #[default]
    UnderInvestigation,
}

/// Where a statement came from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum VexFormat {
    /// An OpenVEX document.
    #[default]
    OpenVex,
    /// A CSAF document of the VEX profile.
    Csaf,
}

impl VexStatus {
    /// OpenVEX's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotAffected => "not_affected",
            Self::Affected => "affected",
            Self::Fixed => "fixed",
            Self::UnderInvestigation => "under_investigation",
        }
    }

    fn sets_aside(self) -> bool {
        matches!(self, Self::NotAffected | Self::Fixed)
    }
}

/// Statements ready to be asked.
pub(crate) struct Vex<'a> {
    statements: &'a [VexStatement],
    /// Rules with a VEX status, each with what else it asks for.
    rules: Vec<(IgnoreRule, Rules)>,
    source: &'a Source,
}

impl<'a> Vex<'a> {
    /// `rules` are all of the user's; those without a VEX status do nothing here.
    pub(crate) fn new(
        statements: &'a [VexStatement],
        rules: &[IgnoreRule],
        bring_back: &[VexStatus],
        source: &'a Source,
        today: Date,
    ) -> Self {
        let by_status =
            |status: VexStatus| IgnoreRule { vex_status: status.as_str().to_owned(), ..IgnoreRule::default() };
        let defaults = [VexStatus::NotAffected, VexStatus::Fixed].into_iter().chain(bring_back.iter().copied());
        let rules = rules
            .iter()
            .filter(|rule| !rule.vex_status.is_empty())
            .filter(|rule| rule.expires.is_none_or(|last_day| today <= last_day))
            .cloned()
            .chain(defaults.map(by_status))
            .map(|rule| {
                let other = IgnoreRule { vex_status: String::new(), vulnerability: String::new(), ..rule.clone() };
                (IgnoreRule { namespace: "vex".to_owned(), ..rule }, Rules::new(&[other], today))
            })
            .collect();
        Self { statements, rules, source }
    }

    /// Sets aside what statements call not affected or fixed, and brings back what they call affected where the user
    /// asked for that.
    pub(crate) fn apply(
        &self,
        matches: Vec<Match>,
        ignored: Vec<IgnoredMatch>,
        document: &Document,
    ) -> (Vec<Match>, Vec<IgnoredMatch>) {
        let mut stay = Vec::with_capacity(matches.len());
        let mut aside = Vec::with_capacity(ignored.len());
        let mut newly_aside = Vec::new();
        for found in matches {
            let said = self.statement(&found, document).filter(|(statement, _)| statement.status.sets_aside());
            match said.and_then(|(statement, _)| self.rule(statement, &found, document)) {
                Some(rule) => newly_aside.push(IgnoredMatch { found, rules: vec![rule] }),
                None => stay.push(found),
            }
        }
        for entry in ignored {
            let said = self.statement(&entry.found, document).filter(|(statement, _)| !statement.status.sets_aside());
            match said.filter(|(statement, _)| self.rule(statement, &entry.found, document).is_some()) {
                Some((statement, product)) => stay.push(brought_back(entry.found, statement, product)),
                None => aside.push(entry),
            }
        }
        aside.append(&mut newly_aside);
        (stay, aside)
    }

    /// The latest statement about a finding, and the product by which it is about it. A statement about the scanned
    /// image goes before one about the package.
    fn statement(&self, found: &Match, document: &Document) -> Option<(&'a VexStatement, &'a str)> {
        let component = document.components.get(found.component.0 as usize)?;
        let named = |statement: &VexStatement| {
            statement.vulnerabilities.iter().any(|id| {
                found.vulnerability.id.eq_ignore_ascii_case(id)
                    || found.vulnerability.identifiers.iter().any(|other| other.eq_ignore_ascii_case(id))
            })
        };
        let mut of_source = None;
        let mut of_package = None;
        for statement in self.statements.iter().filter(|statement| named(statement)) {
            for product in &statement.products {
                let holds_part = product.subcomponents.is_empty()
                    || product.subcomponents.iter().any(|part| is_purl_of(part, &component.purl));
                if let Some(id) = product.identifiers.iter().find(|id| holds_part && is_source(id, self.source)) {
                    keep_latest(&mut of_source, statement, id);
                }
                if let Some(id) = product.identifiers.iter().find(|id| is_purl_of(id, &component.purl)) {
                    keep_latest(&mut of_package, statement, id);
                }
            }
        }
        of_source.or(of_package)
    }

    /// The first rule that lets the statement act on the finding.
    fn rule(&self, statement: &VexStatement, found: &Match, document: &Document) -> Option<IgnoreRule> {
        let allows = |rule: &IgnoreRule, others: &Rules| {
            rule.vex_status == statement.status.as_str()
                && (rule.vex_justification.is_empty() || rule.vex_justification == statement.justification)
                && (rule.vulnerability.is_empty() || statement.vulnerabilities.contains(&rule.vulnerability))
                && (others.is_empty() || !others.met_by(found, document).is_empty())
        };
        let (rule, _) = self.rules.iter().find(|(rule, others)| allows(rule, others))?;
        let mut applied = rule.clone();
        if applied.vulnerability.is_empty() {
            applied.vulnerability = statement.vulnerabilities.first().cloned().unwrap_or_default();
        }
        if applied.vex_justification.is_empty() {
            applied.vex_justification.clone_from(&statement.justification);
        }
        Some(applied)
    }
}

fn keep_latest<'a>(kept: &mut Option<(&'a VexStatement, &'a str)>, statement: &'a VexStatement, id: &'a str) {
    if kept.is_none_or(|(other, _)| statement.timestamp >= other.timestamp) {
        *kept = Some((statement, id));
    }
}

fn brought_back(mut found: Match, statement: &VexStatement, product: &str) -> Match {
    let matcher = match statement.format {
        VexFormat::OpenVex => "openvex-matcher",
        VexFormat::Csaf => "csafvex-matcher",
    };
    found.details.push(Detail {
        kind: MatchType::ExactDirect,
        matcher,
        searched_by: SearchedBy::Vex { vulnerability: found.vulnerability.id.clone(), product: product.to_owned() },
        found: Found {
            vulnerability_id: statement.vulnerabilities.first().cloned().unwrap_or_default(),
            constraint: String::new(),
            cpes: Vec::new(),
            symbols: Vec::new(),
        },
    });
    found
}

/// Whether a purl of a statement is of a component: what it states must be alike; what it leaves out may be anything.
fn is_purl_of(stated: &str, component: &str) -> bool {
    if stated == component && !component.is_empty() {
        return true;
    }
    let (Ok(stated), Ok(component)) = (stated.parse::<PackageUrl>(), component.parse::<PackageUrl>()) else {
        return false;
    };
    stated.kind() == component.kind()
        && stated.namespace() == component.namespace()
        && stated.name() == component.name()
        && (stated.version().is_empty() || stated.version() == component.version())
        && stated.qualifiers().iter().all(|(key, value)| component.qualifier_value(key) == Some(value.as_str()))
}

/// Whether an identifier is of what was scanned: a reference, a digest, or an `oci` purl of the image; a `generic`
/// purl of a source with a name and version.
fn is_source(identifier: &str, source: &Source) -> bool {
    if source.tags.iter().chain(&source.repo_digests).any(|reference| reference == identifier) {
        return true;
    }
    let mut digests =
        source.repo_digests.iter().filter_map(|reference| reference.split_once('@')).map(|(_, digest)| digest);
    if digests.any(|digest| digest.strip_prefix("sha256:") == Some(identifier)) {
        return true;
    }
    let Ok(purl) = identifier.parse::<PackageUrl>() else { return false };
    match purl.kind() {
        "oci" => references(source).any(|(repository, version)| is_image(&purl, repository, version)),
        "generic" => {
            !source.name.is_empty()
                && purl.name().eq_ignore_ascii_case(&source.name)
                && (purl.version().is_empty() || purl.version() == source.version)
        }
        _ => false,
    }
}

/// What a reference ends in.
#[derive(Clone, Copy)]
enum ImageVersion<'a> {
    Tag(&'a str),
    Digest(&'a str),
}

fn references(source: &Source) -> impl Iterator<Item = (&str, ImageVersion<'_>)> {
    let tags = source.tags.iter().filter_map(|reference| {
        let (repository, tag) = reference.rsplit_once(':')?;
        (!tag.contains('/')).then_some((repository, ImageVersion::Tag(tag)))
    });
    let digests = source.repo_digests.iter().filter_map(|reference| {
        let (repository, digest) = reference.split_once('@')?;
        Some((repository, ImageVersion::Digest(digest)))
    });
    tags.chain(digests)
}

fn is_image(purl: &PackageUrl, repository: &str, version: ImageVersion<'_>) -> bool {
    let name = repository.rsplit('/').next().unwrap_or(repository);
    let (digest, tag) = match version {
        ImageVersion::Digest(digest) => (digest, ""),
        ImageVersion::Tag(tag) => ("", tag),
    };
    purl.name() == name
        && (purl.version().is_empty() || purl.version() == digest)
        && purl.qualifiers().iter().all(|(key, value)| match key.as_str() {
            "tag" => value == tag,
            "repository_url" => repository_spellings(repository).any(|spelling| spelling == *value),
            _ => false,
        })
}

/// Docker Hub goes by several names, and its official images with and without `library/`.
fn repository_spellings(repository: &str) -> impl Iterator<Item = String> {
    const HUBS: [&str; 3] = ["docker.io", "index.docker.io", "registry-1.docker.io"];
    let (host, path) = match repository.split_once('/') {
        Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => (host, path),
        _ => (HUBS[0], repository),
    };
    let mut all = vec![format!("{host}/{path}")];
    if HUBS.contains(&host) {
        let short = path.strip_prefix("library/").unwrap_or(path);
        let long = if short.contains('/') { short.to_owned() } else { format!("library/{short}") };
        all.extend(["docker.io", "index.docker.io"].iter().map(|hub| format!("{hub}/{long}")));
        all.push(format!("docker.io/{short}"));
    }
    all.into_iter()
}
