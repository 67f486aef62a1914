//! Look-ups by CPE (grype/matcher/internal/cpe.go, 0.121.2).

use super::Engine;
use super::look::{Candidate, Evidence};
use crate::cpe::{self, asks_for, criterion, is_about, platform_holds};
use crate::database::{Claim, DatabaseError};
use crate::ecosystem::{self, CPE};
use crate::finding::{Match, MatchType, SearchedBy, unite_details};
use crate::order::{self, MissingEpoch, Scheme, Version};
use crate::subject::Subject;
use purl::cpe::{Attribute, Cpe};
use sbom::PackageType;
use std::collections::BTreeSet;

/// What a component's CPEs gave.
#[derive(Default)]
pub(super) struct ByCpe<'a> {
    pub(super) matches: Vec<Match>,
    /// Claims that ask for the component and do not hit its version; only for owners of other components.
    pub(super) missed: Vec<Candidate<'a>>,
}

/// One of the names of a component or of its source, with the version to compare.
struct Sought {
    cpe: Cpe,
    version: String,
    package: String,
    package_version: String,
}

impl<'a> Engine<'a> {
    pub(super) fn by_cpe(&self, subject: &Subject<'_>, matcher: &'static str) -> Result<ByCpe<'a>, DatabaseError> {
        let mut found = ByCpe::default();
        let scheme = order::scheme_of_component(subject.component, &subject.facts);
        let all = sought(subject, scheme);
        let names: Vec<Cpe> = all.iter().map(|sought| sought.cpe.clone()).collect();
        for sought in &all {
            for key in self.keys_asked(&sought.cpe)? {
                for claim in self.database.cpe_claims(&key)? {
                    let claim = claim?;
                    self.judge(subject, matcher, scheme, sought, &names, &key, claim, &mut found)?;
                }
            }
        }
        Ok(found)
    }

    /// The `part:vendor:product` keys that a name asks for.
    fn keys_asked(&self, asked: &Cpe) -> Result<Vec<String>, DatabaseError> {
        let product = asked.product.to_string().to_ascii_lowercase();
        match (&asked.product, &asked.vendor) {
            // Everything would match.
            (Attribute::Any, _) => Ok(Vec::new()),
            (_, Attribute::Any) => Ok(self.database.products(&product)?.into_iter().map(str::to_owned).collect()),
            _ if asked.part == Attribute::Any => {
                let vendor = asked.vendor.to_string();
                Ok(["a", "o", "h"].iter().map(|part| format!("{part}:{vendor}:{product}")).collect())
            }
            _ => Ok(vec![cpe::key(asked)]),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one step of the loops above, taken out to be read by itself")]
    fn judge(
        &self,
        subject: &Subject<'_>,
        matcher: &'static str,
        scheme: Scheme,
        sought: &Sought,
        names: &[Cpe],
        key: &str,
        claim: Claim<'a>,
        found: &mut ByCpe<'a>,
    ) -> Result<(), DatabaseError> {
        let version = Version { text: &sought.version, scheme, missing_epoch: MissingEpoch::Auto };
        let scope = claim.scope()?;
        let Some(stated) = criterion(key, scope.cpe_rest) else { return Ok(()) };
        let hit = is_hit(&claim, &stated, version);
        let not_affected = claim.state == advisory::FixState::NotAffected;
        let missed = !hit || not_affected;
        if missed && !(subject.is_owner && cpe::is_os_package(subject.component.kind)) {
            return Ok(());
        }
        let distro = subject.release.as_ref().map(|release| release.distro.as_str());
        if !asks_for(&sought.cpe, &stated)
            || !is_about(subject.component, names, &stated)
            || !scope.platform_cpes.iter().all(|platform| platform_holds(platform, distro))
        {
            return Ok(());
        }
        let advisory = self.database.advisory(claim.record)?;
        if advisory.withdrawn {
            return Ok(());
        }
        let namespace = ecosystem::namespace(advisory.namespace, advisory.source, CPE);
        let candidate = Candidate { claim, scope, advisory, namespace };
        if missed {
            found.missed.push(candidate);
            return Ok(());
        }
        let mut asked = sought.cpe.clone();
        asked.version = Attribute::literal(&sought.version).unwrap_or(asked.version);
        let searched_by = SearchedBy::Cpe {
            namespace: String::new(),
            cpes: vec![asked.to_string()],
            package: sought.package.clone(),
            package_version: sought.package_version.clone(),
        };
        let evidence = Evidence {
            kind: MatchType::Cpe,
            matcher,
            searched_by: &searched_by,
            criteria: &[stated.to_string()],
            symbols: &[],
        };
        for new in self.matches(subject, &candidate, version, Scheme::Generic, evidence)? {
            add(&mut found.matches, new);
        }
        Ok(())
    }
}

/// Several names of a component mostly lead to the same advisories.
fn add(matches: &mut Vec<Match>, new: Match) {
    let same = |have: &&mut Match| {
        have.vulnerability.record == new.vulnerability.record && have.vulnerability.id == new.vulnerability.id
    };
    match matches.iter_mut().find(same) {
        Some(have) if have.vulnerability.constraint == new.vulnerability.constraint => {
            unite_details(&mut have.details, new.details);
        }
        Some(have) => have.merge(new),
        None => matches.push(new),
    }
}

/// A criterion that states a version and no range means that version.
fn is_hit(claim: &Claim<'_>, stated: &Cpe, version: Version<'_>) -> bool {
    if claim.ranges.is_empty() && claim.versions.is_empty() {
        return match &stated.version {
            Attribute::Any => true,
            Attribute::NotApplicable => false,
            Attribute::Value(_) => stated.version.text().is_some_and(|named| version.cmp(&named).is_eq()),
        };
    }
    version.is_hit_by(claim)
        || version.scheme == Scheme::Jvm && claim.versions.iter().any(|named| is_java(named, version))
}

/// Whether `1.8.0-update351` is the version `1.8.0_351`.
fn is_java(named: &str, version: Version<'_>) -> bool {
    named.split_once('-').is_some_and(|(number, update)| version.cmp(&with_update(number, update)).is_eq())
}

/// The component's names, and for apk those of its source packages, each with the version to compare.
fn sought(subject: &Subject<'_>, scheme: Scheme) -> Vec<Sought> {
    let component = subject.component;
    let is_apk = component.kind == PackageType::Apk;
    let mut all = Vec::new();
    let mut seen = BTreeSet::new();
    let mut add = |cpe: Cpe, package: &str, fallback: &str| {
        let stated = cpe::text(&cpe.version).into_owned();
        let mut version = if is_apk { without_build(&stated).to_owned() } else { stated };
        if matches!(version.as_str(), "" | "-" | "*") || version.eq_ignore_ascii_case("unknown") {
            fallback.clone_into(&mut version);
        }
        if order::is_unknown(&version) {
            return;
        }
        if scheme == Scheme::Jvm {
            version = with_update(&version, &cpe::text(&cpe.update));
        }
        if seen.insert((cpe.to_string(), version.clone())) {
            let (package, package_version) = (package.to_owned(), fallback.to_owned());
            all.push(Sought { cpe, version, package, package_version });
        }
    };
    let parsed: Vec<Cpe> = component.cpes.iter().filter_map(|stated| stated.name.parse().ok()).collect();
    for cpe in &parsed {
        add(cpe.clone(), &component.name, &component.version);
    }
    for upstream in subject.upstreams.iter().filter(|_| is_apk) {
        for cpe in &parsed {
            let mut renamed = cpe.clone();
            if let Some(version) = &upstream.version {
                renamed.version = Attribute::literal(version).unwrap_or(renamed.version);
            }
            let renamed = renamed.to_string().replace(&component.name, &upstream.name);
            if let Ok(cpe) = renamed.parse() {
                add(cpe, &upstream.name, upstream.version.as_deref().unwrap_or(&component.version));
            }
        }
    }
    all
}

/// Builds of one version are alike for the National Vulnerability Database: `1.2.3-r4` is `1.2.3`.
fn without_build(version: &str) -> &str {
    match version.split_once("-r") {
        Some((before, after)) if !after.contains("-r") => before,
        _ => version,
    }
}

/// Java before 9 has its update in a field of its own: `1.8.0`, `update351`.
fn with_update(version: &str, update: &str) -> String {
    let says_nothing = matches!(update, "" | "*" | "-");
    if says_nothing || !version.starts_with("1.") || version.contains('_') {
        return version.to_owned();
    }
    format!("{version}_{}", update.trim_start_matches("update"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_in_terms_of_cpes() {
        assert_eq!(without_build("1.2.3-r4"), "1.2.3");
        assert_eq!(without_build("1.2.3"), "1.2.3");
        assert_eq!(with_update("1.8.0", "update351"), "1.8.0_351");
        assert_eq!(with_update("11.0.1", "update351"), "11.0.1");
        assert_eq!(with_update("1.8.0", "*"), "1.8.0");
        let installed = Version { text: "1.8.0_351", scheme: Scheme::Jvm, missing_epoch: MissingEpoch::Zero };
        assert!(is_java("1.8.0-update351", installed) && !is_java("1.8.0-update352", installed));
    }
}
