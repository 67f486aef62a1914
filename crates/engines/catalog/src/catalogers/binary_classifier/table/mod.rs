//! The binaries that are recognised, as facts: Syft 1.57, `syft/pkg/cataloger/binary/classifiers*.go`.
//!
//! Where two classifiers find the same package the earlier one counts as the first evidence. Its order is kept where it
//! can matter: within one kind of package.

mod databases;
mod java;
mod languages;
mod services;
mod tools;

use super::evidence::Classifier;

/// Every classifier.
pub(super) fn all() -> impl Iterator<Item = &'static Classifier> {
    [languages::ALL, databases::ALL, services::ALL, tools::ALL, java::ALL].into_iter().flatten()
}

/// Files whose own name no classifier has, but which are commonly reached through a link that has one: the file's path,
/// and the classifiers' paths.
pub(super) const LINKED: &[(&str, &str)] = &[
    ("**/ruby[0-9]*", "**/ruby"),
    ("**/nodejs", "**/node"),
    ("**/bun", "**/node"),
    ("**/{,x86_64-linux-gnu-,aarch64-linux-gnu-}gcc-[0-9]*", "**/gcc"),
    ("**/mariadb", "**/mysql"),
    ("**/mariadbd", "**/mysqld"),
    ("**/redis-check-*", "**/redis-server"),
    ("**/cabal-[0-9]*", "**/cabal"),
    ("**/stack-[0-9]*", "**/stack"),
];

#[cfg(test)]
mod tests {
    use super::super::evidence::Evidence;
    use super::*;
    use purl::PackageUrl;
    use regex::bytes::RegexBuilder;

    fn patterns(evidence: &'static Evidence, out: &mut Vec<(&'static [&'static str], &'static str)>) {
        match evidence {
            Evidence::Text(text) | Evidence::ByName { text, .. } => out.push((&[], text)),
            Evidence::Near(parts, text) => out.push((parts, text)),
            Evidence::Texts(texts) => out.extend(texts.iter().map(|text| (&[][..], *text))),
            Evidence::Path(_) | Evidence::NotPath(_) => {}
            Evidence::Any(parts) | Evidence::All(parts) => parts.iter().for_each(|part| patterns(part, out)),
            Evidence::Library { evidence, .. } | Evidence::Beside { evidence, .. } => patterns(evidence, out),
            Evidence::FirstOf(branches) => branches.iter().for_each(|branch| patterns(&branch.evidence, out)),
        }
    }

    #[test]
    fn every_pattern_compiles() {
        let mut found = Vec::new();
        for classifier in all() {
            patterns(&classifier.evidence, &mut found);
        }
        assert!(found.len() > 150);
        for (parts, pattern) in found {
            let pattern = pattern.replace("{version}", "1");
            RegexBuilder::new(&pattern).unicode(false).build().unwrap();
            // A part stands in the pattern as it is, when the escapes are taken off.
            let plain = pattern.replace("\\x00", "\0").replace('\\', "");
            let is_there = |part: &&str| plain.contains(part) || pattern.contains("v(?P<version>(0|4|5|6)");
            assert!(parts.iter().all(is_there), "{parts:?} in {pattern}");
        }
    }

    #[test]
    fn every_package_has_a_purl() {
        fn check(classifier: &Classifier) {
            if let Evidence::FirstOf(branches) = &classifier.evidence {
                return branches.iter().for_each(check);
            }
            let package = &classifier.package;
            assert!(!package.name.is_empty() && !classifier.class.is_empty());
            let purl =
                if package.purl.is_empty() { format!("pkg:generic/{}", package.name) } else { package.purl.into() };
            let read: PackageUrl = purl.parse().unwrap();
            assert_eq!(read.to_string(), purl);
        }
        all().for_each(check);
        assert_eq!(all().count(), 85);
    }

    #[test]
    fn links_lead_to_classifiers() {
        for (_, linked) in LINKED {
            assert!(all().any(|classifier| classifier.files == *linked), "{linked}");
        }
    }
}
