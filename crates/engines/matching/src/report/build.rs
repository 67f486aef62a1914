//! From findings to the document.

use super::artifact::Artifacts;
use super::document::{
    AdvisoryEntry, Alert, AppliedRule, AppliedRulePackage, DatabaseEntry, DatabaseStatus, DescriptorEntry, DistroEntry,
    Document, FixDate, FixEntry, FoundEntry, IgnoredEntry, ImageTarget, LayerEntry, MatchDetail, MatchEntry,
    NameAndType, NameAndVersion, PackageAlerts, Provider, Searched, SourceEntry, SuggestedFix, Target,
    VulnerabilityEntry,
};
use super::metadata::Library;
use super::risk;
use super::{Input, Scanned};
use crate::database::{Database, DatabaseError, FORMAT_VERSION};
use crate::distro::Release;
use crate::facts::Facts;
use crate::finding::{Detail, EndOfLifeAlert, Fix, Match, MatchType, SearchedBy};
use crate::ignore::IgnoreRule;
use crate::order::{MissingEpoch, Scheme, scheme_of_component};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sbom::{Source, SourceKind};
use std::cmp::Ordering;

pub(super) fn document(input: &Input<'_>) -> Result<Document, DatabaseError> {
    let artifacts = Artifacts::new(input.document);
    let mut library = Library::new(input.database);
    let mut matches = Vec::with_capacity(input.findings.matches.len());
    for found in &input.findings.matches {
        matches.extend(match_entry(found, &artifacts, &mut library)?);
    }
    matches.sort_by(|a, b| input.sort_by.compare(a, b));
    let mut ignored_matches = Vec::with_capacity(input.findings.ignored.len());
    for ignored in &input.findings.ignored {
        let applied_ignore_rules: Vec<AppliedRule> = ignored.rules.iter().map(applied_rule).collect();
        let entry = match_entry(&ignored.found, &artifacts, &mut library)?;
        ignored_matches.extend(entry.map(|entry| IgnoredEntry { entry, applied_ignore_rules }));
    }
    let mut alerts_by_package: Vec<PackageAlerts> =
        input.findings.end_of_life.iter().filter_map(|alert| package_alert(alert, &artifacts)).collect();
    alerts_by_package.sort_by(|a, b| a.package.id.cmp(&b.package.id));
    Ok(Document {
        matches,
        ignored_matches,
        alerts_by_package,
        source: Some(source_entry(input)),
        distro: distro_entry(input),
        descriptor: DescriptorEntry {
            name: input.tool.name.to_owned(),
            version: input.tool.version.to_owned(),
            configuration: input.tool.configuration.cloned(),
            db: Some(database_entry(input)?),
            timestamp: input.tool.timestamp.to_owned(),
        },
    })
}

fn match_entry(
    found: &Match,
    artifacts: &Artifacts<'_>,
    library: &mut Library<'_>,
) -> Result<Option<MatchEntry>, DatabaseError> {
    let (Some(artifact), Some(component)) =
        (artifacts.package(found.component, &found.also_found_as), artifacts.component(found.component))
    else {
        return Ok(None);
    };
    let scheme = scheme_of_component(component, &Facts::of(component));
    let metadata = library.of(&found.vulnerability)?;
    let related = found.vulnerability.related.iter().map(|reference| library.related(reference));
    let fix = &found.vulnerability.fix;
    let suggested = suggested_fix(&component.version, &fix.versions, scheme);
    let risk = risk::score(&metadata);
    let advisories = found.vulnerability.advisories.iter();
    Ok(Some(MatchEntry {
        related_vulnerabilities: related.collect::<Result<_, _>>()?,
        match_details: found.details.iter().map(|detail| match_detail(detail, suggested.as_deref())).collect(),
        vulnerability: VulnerabilityEntry {
            metadata,
            fix: fix_entry(fix, scheme),
            advisories: advisories
                .map(|advisory| AdvisoryEntry { id: advisory.id.clone(), link: advisory.link.clone() })
                .collect(),
            risk,
        },
        artifact,
    }))
}

fn order(scheme: Scheme, a: &str, b: &str) -> Ordering {
    versions::compare(scheme, a, b)
}

/// The lowest fix above the installed version; where there is none, the lowest.
fn suggested_fix(installed: &str, fixes: &[String], scheme: Scheme) -> Option<String> {
    let not_above =
        |fix: &str| versions::relate(scheme, installed, fix, MissingEpoch::default_for(scheme)) != Ordering::Less;
    let best = fixes.iter().min_by(|a, b| not_above(a).cmp(&not_above(b)).then_with(|| order(scheme, a, b)));
    best.cloned()
}

fn fix_entry(fix: &Fix, scheme: Scheme) -> FixEntry {
    let mut versions = fix.versions.clone();
    versions.sort_by(|a, b| {
        let odd = |version: &str| versions::parse_check(scheme, version).is_err();
        odd(a).cmp(&odd(b)).then_with(|| order(scheme, a, b))
    });
    let date = |available: &crate::finding::FixAvailable| FixDate {
        version: available.version.clone(),
        date: available.date.clone(),
        kind: available.kind.clone(),
    };
    FixEntry {
        versions,
        state: fix.state.as_str().to_owned(),
        available: fix.available.iter().filter(|available| !available.date.is_empty()).map(date).collect(),
    }
}

fn match_detail(detail: &Detail, suggested: Option<&str>) -> MatchDetail {
    let package = |name: &str, version: &str| NameAndVersion { name: name.to_owned(), version: version.to_owned() };
    let searched_by = match &detail.searched_by {
        SearchedBy::Distro { distro, version, package: name, package_version, namespace } => Searched::Distro {
            distro: NameAndType { kind: distro.clone(), version: version.clone() },
            package: package(name, package_version),
            namespace: namespace.clone(),
        },
        SearchedBy::Ecosystem { language, package: name, package_version, namespace } => Searched::Ecosystem {
            language: language.clone(),
            namespace: namespace.clone(),
            package: package(name, package_version),
        },
        SearchedBy::Cpe { namespace, cpes, package: name, package_version } => {
            Searched::Cpe { namespace: namespace.clone(), cpes: cpes.clone(), package: package(name, package_version) }
        }
        SearchedBy::Vex { vulnerability, product } => {
            Searched::Vex { vulnerability: vulnerability.clone(), product: product.clone() }
        }
    };
    MatchDetail {
        kind: detail.kind.as_str(),
        matcher: detail.matcher,
        searched_by,
        found: FoundEntry {
            vulnerability_id: detail.found.vulnerability_id.clone(),
            version_constraint: detail.found.constraint.clone(),
            cpes: (detail.kind == MatchType::Cpe).then(|| detail.found.cpes.clone()),
            matched_symbols: detail.found.symbols.clone(),
        },
        fix: suggested.map(|version| SuggestedFix { suggested_version: version.to_owned() }),
    }
}

fn applied_rule(rule: &IgnoreRule) -> AppliedRule {
    let package = &rule.package;
    let states = [&package.name, &package.version, &package.kind, &package.location];
    let stated = states.into_iter().any(|field| !field.is_empty());
    AppliedRule {
        vulnerability: rule.vulnerability.clone(),
        reason: rule.reason.clone(),
        namespace: rule.namespace.clone(),
        fix_state: rule.fix_state.clone(),
        package: stated.then(|| AppliedRulePackage {
            name: package.name.clone(),
            version: package.version.clone(),
            language: package.language.clone(),
            kind: package.kind.clone(),
            location: package.location.clone(),
            upstream_name: package.upstream_name.clone(),
        }),
        vex_status: rule.vex_status.clone(),
        vex_justification: rule.vex_justification.clone(),
        match_type: rule.match_type.clone(),
        expires: rule.expires.map(|day| day.to_string()).unwrap_or_default(),
    }
}

fn package_alert(alert: &EndOfLifeAlert, artifacts: &Artifacts<'_>) -> Option<PackageAlerts> {
    let alerts = vec![Alert {
        kind: "distro-eol",
        message: format!("Package is from end-of-life distro: {}", alert.display),
        metadata: NameAndVersion { name: alert.distro.clone(), version: alert.version.clone() },
    }];
    Some(PackageAlerts { package: artifacts.package(alert.component, &[])?, alerts })
}

fn source_entry(input: &Input<'_>) -> SourceEntry {
    let text = |kind, text: &str| SourceEntry { kind, target: Target::Text(text.to_owned()) };
    let source = &input.document.source;
    match input.scanned {
        Scanned::SbomFile(path) => return text("sbom-file", path),
        Scanned::Purl(purl) => return text("purl", purl),
        Scanned::Cpe(cpe) => return text("cpe", cpe),
        Scanned::Source => {}
    }
    let path = if source.user_input.is_empty() { &source.name } else { &source.user_input };
    match source.kind {
        SourceKind::Image => SourceEntry { kind: "image", target: Target::Image(Box::new(image_target(source))) },
        SourceKind::Directory => text("directory", path),
        SourceKind::File => text("file", path),
        SourceKind::Document => text("unknown", "unknown"),
    }
}

fn image_target(source: &Source) -> ImageTarget {
    let encoded = |bytes: &[u8]| (!bytes.is_empty()).then(|| STANDARD.encode(bytes));
    let layer = |layer: &sbom::SourceLayer| LayerEntry {
        media_type: layer.media_type.clone(),
        digest: layer.digest.clone(),
        size: layer.size_bytes,
    };
    ImageTarget {
        user_input: source.user_input.clone(),
        image_id: source.image_id.clone(),
        manifest_digest: source.manifest_digest.clone(),
        media_type: source.media_type.clone(),
        tags: source.tags.clone(),
        image_size: source.layers.iter().map(|layer| layer.size_bytes).sum(),
        layers: source.layers.iter().map(layer).collect(),
        manifest: encoded(&source.manifest),
        config: encoded(&source.config),
        repo_digests: source.repo_digests.clone(),
        architecture: source.architecture.clone(),
        variant: source.variant.clone(),
        os: source.os.clone(),
        labels: source.labels.clone(),
        annotations: source.annotations.clone(),
    }
}

/// The distribution that the user named, else that of the source.
fn distro_entry(input: &Input<'_>) -> DistroEntry {
    let of_source = || input.document.distro.as_ref().and_then(Release::of);
    match input.distro.cloned().or_else(of_source) {
        Some(release) => DistroEntry {
            name: release.distro,
            version: release.version,
            id_like: Some(release.id_like),
            channels: release.channels,
        },
        None => DistroEntry::default(),
    }
}

fn database_entry(input: &Input<'_>) -> Result<DatabaseEntry, DatabaseError> {
    let database: &Database<'_> = input.database;
    let sources = database.sources()?.into_iter();
    Ok(DatabaseEntry {
        status: DatabaseStatus {
            schema_version: format!("palisade-v{FORMAT_VERSION}"),
            from: input.tool.database_from.to_owned(),
            built: database.facts().built.clone(),
            path: input.tool.database_path.to_owned(),
            valid: true,
        },
        providers: sources
            .map(|source| (source.name, Provider { captured: source.captured, input: source.digest }))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_fix_above_is_suggested() {
        let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        for (installed, fixes, want) in [
            ("1.1.1", &["3.4.0", "1.2.1", "2.1.3"][..], Some("1.2.1")),
            ("2.0.0", &["1.2.1", "2.1.3", "3.4.0"], Some("2.1.3")),
            ("9.0.0", &["2.1.3", "1.2.1"], Some("1.2.1")),
            ("1.0.0", &[], None),
        ] {
            assert_eq!(suggested_fix(installed, &owned(fixes), Scheme::Semver).as_deref(), want);
        }
    }
}
