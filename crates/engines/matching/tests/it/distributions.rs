use crate::world::*;
use advisory::{Ecosystem, FixState};
use matching::distro::Release;
use sbom::PackageType;

#[test]
fn deb_packages_are_found_by_source_and_by_name() {
    let records = [
        record("CVE-1-1", "debian:distro:debian:12", vec![affected(distro("debian", "12"), "openssl", "..3.0.11-1")]),
        record("CVE-1-2", "debian:distro:debian:12", vec![affected(distro("debian", "12"), "bash", "..5.3-1")]),
        record("CVE-1-3", "debian:distro:debian:11", vec![affected(distro("debian", "11"), "bash", "..9")]),
        record(
            "CVE-1-4",
            "debian:distro:debian:12",
            vec![in_state(affected(distro("debian", "12"), "bash", ".."), FixState::WontFix)],
        ),
        record("CVE-1-5", "debian:distro:debian:12", vec![affected(distro("debian", "12"), "bash", "..5.1-1")]),
        record(
            "CVE-1-6",
            "debian:distro:debian:12",
            vec![
                affected(distro("debian", "12"), "bash", "..9"),
                in_state(affected(distro("debian", "12"), "bash", ".."), FixState::NotAffected),
            ],
        ),
    ];
    let document = document(
        "debian:12",
        vec![
            component(PackageType::Deb, "bash", "5.2-1"),
            from_source(component(PackageType::Deb, "libssl3", "3.0.9-1"), "openssl", None),
        ],
    );
    let findings = find(&records, &document);
    assert_eq!(lines(&document, &findings.matches), ["CVE-1-1 on libssl3", "CVE-1-2 on bash", "CVE-1-4 on bash"]);
    let by_source = &findings.matches[0];
    assert_eq!(by_source.details[0].kind.as_str(), "exact-indirect-match");
    assert_eq!(by_source.details[0].searched_by.package(), ("openssl", "3.0.9-1"));
    assert_eq!(by_source.vulnerability.constraint, "< 3.0.11-1 (deb)");
    assert_eq!(by_source.vulnerability.fix.versions, ["3.0.11-1"]);
    assert_eq!(by_source.vulnerability.related[0].namespace, "nvd:cpe");
    assert_eq!(findings.matches[2].vulnerability.fix.state.as_str(), "wont-fix");
    assert_eq!(findings.matches[2].vulnerability.constraint, "none (unknown)");
    assert_eq!(findings.ignored.len(), 1);
    assert_eq!(findings.ignored[0].rules[0].reason, "Distro Not Vulnerable");
}

#[test]
fn errata_of_debian_are_reported_by_flaw() {
    let erratum = with_related(
        record("DSA-1-1", "debian:distro:debian:12", vec![affected(distro("debian", "12"), "bash", "..5.3-1")]),
        &["CVE-1-1", "CVE-1-2"],
    );
    let tracker =
        record("CVE-1-1", "debian:distro:debian:12", vec![affected(distro("debian", "12"), "bash", "..5.3-1")]);
    let document = document("debian:12", vec![component(PackageType::Deb, "bash", "5.2-1")]);
    let findings = find(&[erratum, tracker], &document);
    assert_eq!(lines(&document, &findings.matches), ["CVE-1-1 on bash", "CVE-1-2 on bash"]);
    assert_eq!(findings.matches[0].vulnerability.advisories[0].id, "DSA-1-1");
}

#[test]
fn rpm_epochs_modules_and_architectures() {
    let redhat = || distro("redhat", "9");
    let with_module = |range: &str, module: Option<&str>| {
        let mut affected = affected(redhat(), "nodejs", range);
        affected.module = module.map(str::to_owned);
        affected
    };
    let mut for_arm = affected(redhat(), "bash", "..0:9-1");
    for_arm.architectures = vec!["aarch64".to_owned()];
    let records = [
        record("CVE-2-1", "redhat:distro:redhat:9", vec![affected(redhat(), "perl", "..4:5.30-1.el9")]),
        record("CVE-2-2", "redhat:distro:redhat:9", vec![affected(redhat(), "perl-Errno", "..0:2-1")]),
        record("CVE-2-3", "redhat:distro:redhat:9", vec![with_module("..1:20-1", Some("nodejs:18"))]),
        record("CVE-2-4", "redhat:distro:redhat:9", vec![with_module("..1:20-1", Some("nodejs:20"))]),
        record("CVE-2-5", "redhat:distro:redhat:9", vec![with_module("..1:20-1", Some(""))]),
        record("CVE-2-6", "redhat:distro:redhat:9", vec![for_arm]),
        record("CVE-2-7", "redhat:distro:redhat:9", vec![affected(redhat(), "bash", "..0:9-1")]),
    ];
    let with_metadata = |name: &str, version: &str, json: &str| {
        let mut rpm = component(PackageType::Rpm, name, version);
        rpm.metadata = Some(sbom::Metadata { kind: "rpm-db-entry".into(), json: json.to_owned() });
        rpm
    };
    let document = document(
        "rocky:9.4",
        vec![
            // The source rpm's name has no epoch, and 5.31 is not below 5.30.
            with_metadata(
                "perl-Errno",
                "1.28-419.el9",
                r#"{"epoch":null,"architecture":"x86_64","sourceRpm":"perl-5.31-1.el9.src.rpm"}"#,
            ),
            with_metadata("nodejs", "1:18.1-1", r#"{"architecture":"x86_64","modularityLabel":"nodejs:18:9040:abc"}"#),
            with_metadata("bash", "5-1", r#"{"architecture":"x86_64"}"#),
        ],
    );
    let findings = find(&records, &document);
    assert_eq!(lines(&document, &findings.matches), ["CVE-2-2 on perl-Errno", "CVE-2-3 on nodejs", "CVE-2-7 on bash"]);
}

#[test]
fn minor_releases_go_before_major_ones() {
    let two = |id: &str, minor: &str, major: &str| {
        let (minor, major) =
            (affected(distro("redhat", "8.9"), "bash", minor), affected(distro("redhat", "8"), "bash", major));
        record(id, "redhat:distro:redhat:8", vec![minor, major])
    };
    let records = [
        two("CVE-1-1", "..0:4-1", "..0:9-1"),
        two("CVE-1-2", "..0:6-1", "..0:9-1"),
        record("CVE-1-3", "redhat:distro:redhat:8", vec![affected(distro("redhat", "8"), "bash", "..0:9-1")]),
    ];
    let document = document("rhel:8.9", vec![component(PackageType::Rpm, "bash", "5-1")]);
    let findings = find(&records, &document);
    assert_eq!(lines(&document, &findings.matches), ["CVE-1-2 on bash", "CVE-1-3 on bash"]);
    assert_eq!(findings.matches[0].vulnerability.fix.versions, ["0:6-1"]);
    assert_eq!(findings.ignored[0].rules[0].reason, "Distro Fixed");
}

#[test]
fn almalinux_takes_flaws_from_red_hat_and_fixes_from_its_own_errata() {
    let records = [
        record("CVE-3-1", "redhat:distro:redhat:9", vec![affected(distro("redhat", "9"), "bash", "..0:5-9.el9")]),
        record("CVE-3-2", "redhat:distro:redhat:9", vec![affected(distro("redhat", "9"), "bash", "..0:5-9.el9")]),
        with_related(
            record(
                "ALSA-2024:1",
                "almalinux:distro:almalinux:9",
                vec![affected(distro("almalinux", "9"), "bash", "..5-3.el9")],
            ),
            &["CVE-3-1"],
        ),
        with_related(
            record(
                "ALSA-2024:2",
                "almalinux:distro:almalinux:9",
                vec![affected(distro("almalinux", "9"), "bash", "..5-7.el9")],
            ),
            &["CVE-3-2", "CVE-3-3"],
        ),
        record(
            "ALBA-2024:3",
            "almalinux:distro:almalinux:9",
            vec![affected(distro("almalinux", "9"), "bash", "..5-8.el9")],
        ),
    ];
    let document = document("almalinux:9.4", vec![component(PackageType::Rpm, "bash", "5-4.el9")]);
    let findings = find(&records, &document);
    assert_eq!(lines(&document, &findings.matches), ["CVE-3-2 on bash", "CVE-3-3 on bash"]);
    let fixed = &findings.matches[0].vulnerability;
    assert_eq!(fixed.namespace, "redhat:distro:redhat:9");
    assert_eq!(fixed.fix.versions, ["5-7.el9"]);
    assert_eq!(fixed.advisories[0].link, "https://errata.almalinux.org/9/ALSA-2024-2.html");
    assert_eq!(findings.ignored[0].found.vulnerability.id, "CVE-3-1");
    assert_eq!(findings.ignored[0].rules[0].reason, "Alma Unaffected");
}

#[test]
fn ubuntu_extended_support_adds_fixes() {
    let records = [
        record(
            "CVE-4-1",
            "ubuntu:distro:ubuntu:16.04",
            vec![
                in_state(affected(distro("ubuntu", "16.04"), "bash", ".."), FixState::WontFix),
                affected(distro("ubuntu", "16.04+esm"), "bash", "..4.3-1+esm2"),
            ],
        ),
        record(
            "CVE-4-2",
            "ubuntu:distro:ubuntu:16.04",
            vec![
                in_state(affected(distro("ubuntu", "16.04"), "bash", ".."), FixState::WontFix),
                affected(distro("ubuntu", "16.04+esm"), "bash", "..4.3-1+esm1"),
            ],
        ),
    ];
    let document = document("ubuntu:16.04", vec![component(PackageType::Deb, "bash", "4.3-1+esm1")]);
    let plain = find(&records, &document);
    assert_eq!(lines(&document, &plain.matches), ["CVE-4-1 on bash", "CVE-4-2 on bash"]);
    let mut options = options();
    options.distro = Release::parse("ubuntu:16.04+esm");
    let extended = find_with(&records, &document, &options);
    assert_eq!(lines(&document, &extended.matches), ["CVE-4-1 on bash"]);
    assert_eq!(extended.matches[0].vulnerability.fix.versions, ["4.3-1+esm2"]);
    assert_eq!(extended.ignored.len(), 1);
}

#[test]
fn alpine_takes_the_national_database_where_its_feed_is_silent() {
    let alpine = || distro("alpine", "3.18");
    let records = [
        record("CVE-5-1", "alpine:distro:alpine:3.18", vec![affected(alpine(), "openssl", "..3.1.2-r0")]),
        record("CVE-5-1", "nvd:cpe", vec![by_cpe("openssl:openssl", "..4")]),
        record("CVE-5-2", "alpine:distro:alpine:3.18", vec![affected(alpine(), "openssl", "..3.1.0-r0")]),
        record("CVE-5-2", "nvd:cpe", vec![by_cpe("openssl:openssl", "..4")]),
        record("CVE-5-3", "nvd:cpe", vec![by_cpe("openssl:openssl", "..3.1.5")]),
        record("CVE-5-4", "nvd:cpe", vec![by_cpe("openssl:openssl", "..3.1.1")]),
    ];
    let document = document(
        "alpine:3.18.4",
        vec![with_cpe(
            from_source(component(PackageType::Apk, "libssl3", "3.1.1-r1"), "openssl", None),
            "libssl3:libssl3",
        )],
    );
    let findings = find(&records, &document);
    assert_eq!(lines(&document, &findings.matches), ["CVE-5-1 on libssl3", "CVE-5-3 on libssl3"]);
    let by_cpe = &findings.matches[1].vulnerability;
    assert_eq!(by_cpe.fix.state.as_str(), "unknown");
    assert!(by_cpe.fix.versions.is_empty());
    assert_eq!(findings.ignored.len(), 1);
    assert_eq!(findings.ignored[0].found.vulnerability.id, "CVE-5-2");
}

#[test]
fn releases_without_advisories_are_told_of() {
    let records =
        [record("CVE-6-1", "alpine:distro:alpine:3.18", vec![affected(distro("alpine", "3.18"), "a", "..9")])];
    let newer = document("alpine:3.99", vec![component(PackageType::Apk, "a", "1")]);
    let findings = find(&records, &newer);
    assert_eq!(findings.notes, ["no advisories for alpine 3.99; those of alpine 3.18 were used"]);
    assert_eq!(findings.matches.len(), 1);
    let none = document("", vec![component(PackageType::Deb, "a", "1")]);
    assert!(find(&records, &none).notes[0].contains("--distro"));
}

#[test]
fn ended_releases_are_told_of() {
    let mut builder = matching::database::Builder::new("");
    builder.add_eol(matching::database::EndOfLife {
        distro: "debian".to_owned(),
        release: "10".to_owned(),
        end: "2024-06-30".to_owned(),
        ..Default::default()
    });
    let mut bytes = Vec::new();
    builder.finish(&mut bytes).unwrap();
    let database = matching::database::Database::open(&bytes).unwrap();
    let document =
        document("debian:10", vec![component(PackageType::Deb, "a", "1"), component(PackageType::Npm, "b", "1")]);
    let findings = matching::find(&database, &document, &options()).unwrap();
    assert_eq!(findings.end_of_life.len(), 1);
    assert_eq!(findings.end_of_life[0].display, "debian 10");
}

#[test]
fn what_a_distribution_owns_is_the_distributions() {
    let records = [
        record(
            "CVE-7-1",
            "debian:distro:debian:12",
            vec![affected(distro("debian", "12"), "python3.11", "..3.11.9-1")],
        ),
        record("CVE-7-1", "nvd:cpe", vec![by_cpe("python:python", "..3.11.9")]),
        record("CVE-7-2", "nvd:cpe", vec![by_cpe("python:python", "..3.11.9")]),
        record(
            "CVE-7-3",
            "debian:distro:debian:12",
            vec![affected(distro("debian", "12"), "python3.11", "..3.11.1-1")],
        ),
        record("CVE-7-3", "nvd:cpe", vec![by_cpe("python:python", "..3.11.9")]),
    ];
    let mut document = document(
        "debian:12",
        vec![
            component(PackageType::Deb, "python3.11", "3.11.2-6"),
            with_cpe(component(PackageType::Binary, "python", "3.11.2"), "python:python"),
        ],
    );
    owns(&mut document, 0, 1);
    let findings = find(&records, &document);
    assert_eq!(lines(&document, &findings.matches), ["CVE-7-1 on python3.11"]);
    assert_eq!(findings.matches[0].also_found_as.len(), 1);
    assert_eq!(findings.matches[0].details.len(), 2);
    let reasons: Vec<_> = findings
        .ignored
        .iter()
        .map(|entry| (entry.found.vulnerability.id.as_str(), entry.rules[0].reason.as_str()))
        .collect();
    assert_eq!(
        reasons,
        [("CVE-7-2", "Owned by deb package python3.11, whose distribution decides"), ("CVE-7-3", "Distro Fixed"),]
    );
}

#[test]
fn names_of_distributions_do_not_meet_languages() {
    let records = [record("GHSA-1", "github:language:python", vec![affected(Ecosystem::PyPi, "bash", "..9")])];
    let document = document("debian:12", vec![component(PackageType::Deb, "bash", "1")]);
    assert!(find(&records, &document).matches.is_empty());
}
