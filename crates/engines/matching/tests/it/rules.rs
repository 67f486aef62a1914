use crate::world::*;
use advisory::{Ecosystem, FixState, Record};
use matching::finding::Findings;
use matching::ignore::{IgnoreRule, IgnoreRulePackage, ignore_states, only_fixed, only_not_fixed};
use matching::vex::{VexProduct, VexStatement, VexStatus};
use proptest::prelude::*;
use sbom::{Document, PackageType};

fn records() -> Vec<Record> {
    vec![
        with_aliases(
            record("GHSA-1", "github:language:javascript", vec![affected(Ecosystem::Npm, "a", "..2.0.0")]),
            &["CVE-1-1"],
        ),
        record("CVE-1-1", "nvd:cpe", Vec::new()),
        record(
            "CVE-1-2",
            "debian:distro:debian:12",
            vec![in_state(affected(distro("debian", "12"), "linux", ".."), FixState::WontFix)],
        ),
        record("CVE-1-3", "debian:distro:debian:12", vec![affected(distro("debian", "12"), "bash", "..9")]),
    ]
}

fn scanned() -> Document {
    let mut npm = component(PackageType::Npm, "a", "1.0.0");
    npm.purl = "pkg:npm/a@1.0.0".to_owned();
    npm.locations = vec![at("/app/node_modules/a/package.json")];
    let mut deb = component(PackageType::Deb, "bash", "5");
    deb.purl = "pkg:deb/debian/bash@5?arch=amd64".to_owned();
    let image = from_source(component(PackageType::Deb, "linux-image-6.1", "6.1"), "linux", None);
    let headers = from_source(component(PackageType::Deb, "linux-libc-dev", "6.1"), "linux", None);
    let mut document = document("debian:12", vec![npm, deb, image, headers]);
    document.source.kind = sbom::SourceKind::Image;
    document.source.tags = vec!["registry.example/app:1".to_owned()];
    document.source.repo_digests = vec![format!("registry.example/app@sha256:{}", "a".repeat(64))];
    document
}

fn run(rules: Vec<IgnoreRule>) -> (Vec<String>, Findings) {
    let mut options = options();
    options.ignore = rules;
    let document = scanned();
    let findings = find_with(&records(), &document, &options);
    (lines(&document, &findings.matches), findings)
}

const ALL: [&str; 3] = ["CVE-1-2 on linux-image-6.1", "CVE-1-3 on bash", "GHSA-1 on a"];

#[test]
fn headers_of_the_kernel_are_set_aside_unless_asked_for() {
    let (kept, findings) = run(Vec::new());
    assert_eq!(kept, ALL);
    assert_eq!(findings.ignored.len(), 1);
    let mut options = options();
    options.match_upstream_kernel_headers = true;
    assert_eq!(find_with(&records(), &scanned(), &options).matches.len(), 4);
}

#[test]
fn each_condition_of_a_rule() {
    let package = |package: IgnoreRulePackage| IgnoreRule { package, ..IgnoreRule::default() };
    let text = |text: &str| text.to_owned();
    let default = IgnoreRulePackage::default;
    let by_alias = IgnoreRule { include_aliases: true, ..IgnoreRule::vulnerability("CVE-1-1") };
    let expired = IgnoreRule { expires: "2026-01-01".parse().ok(), ..IgnoreRule::vulnerability("GHSA-1") };
    let last_day = IgnoreRule { expires: "2026-01-02".parse().ok(), ..IgnoreRule::vulnerability("GHSA-1") };
    for (rule, gone) in [
        (IgnoreRule::vulnerability("GHSA-1"), "GHSA-1 on a"),
        (IgnoreRule::vulnerability("CVE-1-1"), ""),
        (by_alias, "GHSA-1 on a"),
        (expired, ""),
        (last_day, "GHSA-1 on a"),
        (IgnoreRule { namespace: text("github:language:javascript"), ..IgnoreRule::default() }, "GHSA-1 on a"),
        (IgnoreRule { fix_state: text("wont-fix"), ..IgnoreRule::default() }, "CVE-1-2 on linux-image-6.1"),
        (
            IgnoreRule { match_type: text("exact-indirect-match"), ..IgnoreRule::default() },
            "CVE-1-2 on linux-image-6.1",
        ),
        (package(IgnoreRulePackage { name: text("ba.h"), ..default() }), ""),
        (package(IgnoreRulePackage { name: text("ba.+"), ..default() }), "CVE-1-3 on bash"),
        (package(IgnoreRulePackage { name: text("(broken"), ..default() }), ""),
        (package(IgnoreRulePackage { version: text("1.0.0"), ..default() }), "GHSA-1 on a"),
        (package(IgnoreRulePackage { language: text("javascript"), ..default() }), "GHSA-1 on a"),
        (package(IgnoreRulePackage { kind: text("npm"), ..default() }), "GHSA-1 on a"),
        (package(IgnoreRulePackage { location: text("/app/**"), ..default() }), "GHSA-1 on a"),
        (package(IgnoreRulePackage { upstream_name: text("linux"), ..default() }), "CVE-1-2 on linux-image-6.1"),
        (IgnoreRule { reason: text("nothing asked"), ..IgnoreRule::default() }, ""),
        (IgnoreRule { vex_status: text("fixed"), ..IgnoreRule::vulnerability("GHSA-1") }, ""),
    ] {
        let want: Vec<&str> = ALL.into_iter().filter(|line| *line != gone).collect();
        let (kept, findings) = run(vec![rule.clone()]);
        assert_eq!(kept, want, "{rule:?}");
        if !gone.is_empty() {
            assert!(findings.ignored.iter().any(|entry| entry.rules.contains(&rule)));
        }
    }
}

#[test]
fn states_of_fixes() {
    assert_eq!(run(only_fixed()).0, ["CVE-1-3 on bash", "GHSA-1 on a"]);
    assert_eq!(run(only_not_fixed()).0, ["CVE-1-2 on linux-image-6.1"]);
    assert_eq!(run(ignore_states("wont-fix, unknown").unwrap()).0, ["CVE-1-3 on bash", "GHSA-1 on a"]);
    assert_eq!(ignore_states("fixed,odd"), Err("odd".to_owned()));
}

#[test]
fn expired_rules_are_told_of() {
    let rule = IgnoreRule { expires: "2025-12-31".parse().ok(), ..IgnoreRule::vulnerability("GHSA-1") };
    let (_, findings) = run(vec![rule]);
    assert_eq!(findings.notes, ["the ignore rule for GHSA-1 expired on 2025-12-31 and was not applied"]);
}

#[test]
fn flaws_by_cve() {
    let mut options = options();
    options.by_cve = true;
    let document = scanned();
    let findings = find_with(&records(), &document, &options);
    assert_eq!(lines(&document, &findings.matches)[0], "CVE-1-1 on a");
    assert_eq!(findings.matches[0].vulnerability.namespace, "nvd:cpe");
    assert_eq!(findings.matches[0].vulnerability.related[0].id, "GHSA-1");
    options.ignore = vec![IgnoreRule::vulnerability("CVE-1-1")];
    assert_eq!(find_with(&records(), &document, &options).matches.len(), 2);
}

#[test]
fn vex_sets_aside_and_brings_back() {
    let statement = |product: &str, parts: &[&str], status| VexStatement {
        vulnerabilities: vec!["CVE-1-1".to_owned()],
        products: vec![VexProduct {
            identifiers: vec![product.to_owned()],
            subcomponents: parts.iter().map(|part| (*part).to_owned()).collect(),
        }],
        status,
        justification: "vulnerable_code_not_present".to_owned(),
        ..VexStatement::default()
    };
    let digest = format!("pkg:oci/app@sha256%3A{}?repository_url=registry.example/app", "a".repeat(64));
    for (product, parts, gone) in [
        ("pkg:npm/a@1.0.0", &[][..], true),
        ("pkg:npm/a", &[], true),
        ("pkg:npm/a@2.0.0", &[], false),
        ("registry.example/app:1", &[], true),
        ("registry.example/app:1", &["pkg:npm/a"], true),
        ("registry.example/app:1", &["pkg:npm/b"], false),
        (digest.as_str(), &["pkg:npm/a"], true),
        ("pkg:oci/app?tag=1", &[], true),
        ("pkg:oci/app?tag=2", &[], false),
        ("pkg:oci/other", &[], false),
    ] {
        let mut options = options();
        options.vex = vec![statement(product, parts, VexStatus::NotAffected)];
        let document = scanned();
        let findings = find_with(&records(), &document, &options);
        assert_eq!(!lines(&document, &findings.matches).contains(&"GHSA-1 on a".to_owned()), gone, "{product}");
        let rule = findings.ignored.iter().flat_map(|entry| &entry.rules).find(|rule| rule.namespace == "vex");
        assert_eq!(rule.is_some(), gone);
    }
    let mut options = options();
    options.ignore = vec![IgnoreRule::vulnerability("GHSA-1")];
    options.vex = vec![statement("pkg:npm/a", &[], VexStatus::Affected)];
    assert_eq!(find_with(&records(), &scanned(), &options).matches.len(), 2);
    options.vex_add = vec![VexStatus::Affected];
    assert_eq!(find_with(&records(), &scanned(), &options).matches.len(), 3);
}

#[test]
fn fail_on_counts_what_is_not_set_aside() {
    use advisory::Severity;
    let (_, findings) = run(Vec::new());
    assert!(findings.fail_on(Severity::High) && findings.fail_on(Severity::Low));
    assert!(!findings.fail_on(Severity::Critical) && !findings.fail_on(Severity::Unknown));
    let (_, none) =
        run(vec![IgnoreRule { namespace: String::new(), ..only_not_fixed()[0].clone() }, only_fixed()[1].clone()]);
    assert!(!none.fail_on(Severity::Low));
}

fn any_rule() -> impl Strategy<Value = IgnoreRule> {
    let pick = |words: &'static [&'static str]| proptest::sample::select(words).prop_map(str::to_owned);
    (
        pick(&["", "GHSA-1", "CVE-1-1", "CVE-1-2", "CVE-1-3"]),
        any::<bool>(),
        pick(&["", "fixed", "wont-fix", "unknown"]),
        pick(&["", "a", "bash", "linux.*", ".*", "("]),
        pick(&["", "npm", "deb"]),
        pick(&["", "/app/**", "/**", "/x"]),
        pick(&["", "exact-direct-match", "cpe-match"]),
    )
        .prop_map(|(vulnerability, include_aliases, fix_state, name, kind, location, match_type)| IgnoreRule {
            vulnerability,
            include_aliases,
            fix_state,
            match_type,
            package: IgnoreRulePackage { name, kind, location, ..IgnoreRulePackage::default() },
            ..IgnoreRule::default()
        })
}

/// Everything that is reported: each flaw with each component that it is said of.
fn reported(findings: &Findings) -> usize {
    findings.matches.iter().map(|found| 1 + found.also_found_as.len()).sum()
}

proptest! {
    #[test]
    fn a_further_rule_never_adds_findings(rules in proptest::collection::vec(any_rule(), 0..4), more in any_rule(), by_cve in any::<bool>()) {
        let mut document = scanned();
        owns(&mut document, 1, 0);
        let mut options = options();
        options.by_cve = by_cve;
        options.ignore = rules;
        let before = find_with(&records(), &document, &options);
        options.ignore.push(more);
        let after = find_with(&records(), &document, &options);
        prop_assert!(after.matches.len() <= before.matches.len());
        prop_assert!(reported(&after) <= reported(&before));
        let all = |findings: &Findings| reported(findings) + findings.ignored.len();
        prop_assert_eq!(all(&before), all(&after));
    }
}
