use crate::world::*;
use advisory::{Ecosystem, FixState, Range, RangeEnd, Record};
use sbom::{Component, PackageType};

#[test]
fn each_ecosystem_by_its_names_and_order() {
    let cases: [(PackageType, &str, &str, &str, Ecosystem, &str, &str); 8] = [
        (PackageType::Npm, "lodash", "4.17.20", "pkg:npm/lodash@4.17.20", Ecosystem::Npm, "lodash", "..4.17.21"),
        (PackageType::Python, "PyYAML", "5.3", "pkg:pypi/pyyaml@5.3", Ecosystem::PyPi, "pyyaml", "..5.4"),
        (
            PackageType::JavaArchive,
            "log4j-core",
            "2.14.1",
            "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1",
            Ecosystem::Maven,
            "org.apache.logging.log4j:log4j-core",
            "2.13.0..2.15.0",
        ),
        (PackageType::GoModule, "golang.org/x/net", "v0.7.0", "", Ecosystem::Go, "golang.org/x/net", "..0.17.0"),
        (PackageType::GoModule, "stdlib", "go1.20.1", "", Ecosystem::Go, "stdlib", "1.20.0..1.20.2"),
        (PackageType::Gem, "rails", "7.0.0", "", Ecosystem::RubyGems, "rails", "..7.0.1"),
        (PackageType::Rust, "time", "0.1.42", "", Ecosystem::Cargo, "time", "..0.2.23"),
        (
            PackageType::PhpComposer,
            "symfony/http-kernel",
            "v5.4.0",
            "",
            Ecosystem::Packagist,
            "symfony/http-kernel",
            "..5.4.20",
        ),
    ];
    for (kind, name, version, purl, ecosystem, filed, range) in cases {
        let mut component = component(kind, name, version);
        component.purl = purl.to_owned();
        let document = document("", vec![component]);
        let records = [record("GHSA-x", "github:language:x", vec![affected(ecosystem, filed, range)])];
        assert_eq!(find(&records, &document).matches.len(), 1, "{name}");
    }
}

#[test]
fn the_ranges_that_a_version_is_in_are_told_of() {
    let mut two = affected(Ecosystem::Npm, "a", "1.0.0..1.2.0");
    two.ranges.push(Range {
        introduced: "2.0.0".to_owned(),
        introduced_excluded: false,
        end: RangeEnd::Fixed("2.3.0".to_owned()),
    });
    let document = document("", vec![component(PackageType::Npm, "a", "2.1.0")]);
    let found = find(&[record("GHSA-1", "github:language:javascript", vec![two.clone()])], &document);
    assert_eq!(found.matches[0].vulnerability.constraint, ">= 2.0.0, < 2.3.0 (semantic)");
    assert_eq!(found.matches[0].vulnerability.fix.versions, ["2.3.0"]);
    two.package.ecosystem = Ecosystem::Go;
    let document = self::document("", vec![component(PackageType::GoModule, "a", "v2.1.0")]);
    let found = find(&[record("GO-1", "govulndb:language:go", vec![two])], &document);
    assert_eq!(found.matches[0].vulnerability.constraint, ">= 1.0.0, < 1.2.0||>= 2.0.0, < 2.3.0 (go)");
    assert_eq!(found.matches[0].vulnerability.fix.versions, ["1.2.0", "2.3.0"]);
}

#[test]
fn tellings_of_one_flaw_are_one_finding() {
    let records = [
        with_aliases(
            record("GHSA-1", "github:language:python", vec![affected(Ecosystem::PyPi, "a", "..2")]),
            &["CVE-1-1"],
        ),
        with_aliases(
            record("PYSEC-1", "pypi:language:python", vec![affected(Ecosystem::PyPi, "a", "..3")]),
            &["CVE-1-1", "GHSA-1"],
        ),
        record("GHSA-2", "github:language:python", vec![affected(Ecosystem::PyPi, "a", "..2")]),
    ];
    let document = document("", vec![component(PackageType::Python, "a", "1")]);
    let findings = find(&records, &document);
    assert_eq!(lines(&document, &findings.matches), ["GHSA-1 on a", "GHSA-2 on a"]);
    assert_eq!(findings.matches[0].details.len(), 2);
    assert_eq!(findings.matches[0].vulnerability.fix.versions, ["2"]);
}

#[test]
fn withdrawn_and_unaffected_do_not_count() {
    let mut withdrawn = record("GHSA-1", "github:language:javascript", vec![affected(Ecosystem::Npm, "a", "..9")]);
    withdrawn.withdrawn = "2024-01-01".to_owned();
    let affected_one = record("GHSA-2", "github:language:javascript", vec![affected(Ecosystem::Npm, "a", "..9")]);
    let mut not_affected = affected(Ecosystem::Npm, "a", "..9");
    not_affected.state = FixState::NotAffected;
    let vendor = with_aliases(record("VND-2", "vendor:language:javascript", vec![not_affected]), &["GHSA-2"]);
    let document = document("", vec![component(PackageType::Npm, "a", "1")]);
    let findings = find(&[withdrawn, affected_one, vendor], &document);
    assert!(findings.matches.is_empty());
    assert_eq!(findings.ignored[0].rules[0].reason, "UnaffectedPackageEntry");
}

fn go_binary(name: &str, version: &str, symbols: &str) -> Component {
    let mut component = component(PackageType::GoModule, name, version);
    let json = format!(
        r#"{{"goBuildSettings":[{{"key":"GOOS","value":"linux"}}],"goCompiledVersion":"go1.20","architecture":"amd64","mainModule":"example.org/main","symbols":{symbols}}}"#
    );
    component.metadata = Some(sbom::Metadata { kind: "go-module-buildinfo-entry".into(), json });
    component
}

fn go_records() -> Vec<Record> {
    let mut scoped = affected(Ecosystem::Go, "golang.org/x/net", "..0.17.0");
    scoped.symbols = vec![("golang.org/x/net/html".to_owned(), vec!["Parse".to_owned(), "Tokenizer.Next".to_owned()])];
    let mut windows = affected(Ecosystem::Go, "golang.org/x/net", "..0.17.0");
    windows.platforms = vec!["windows".to_owned()];
    vec![
        with_aliases(record("GO-2023-1", "go:language:go", vec![scoped]), &["CVE-1-1", "GHSA-1"]),
        with_aliases(
            record("GHSA-1", "github:language:go", vec![affected(Ecosystem::Go, "golang.org/x/net", "..0.17.0")]),
            &["CVE-1-1"],
        ),
        record("GO-2023-2", "go:language:go", vec![windows]),
    ]
}

#[test]
fn go_functions_decide_where_they_are_known() {
    for (symbols, want, set_aside) in [
        (r#"{"golang.org/x/net/html":["(*Tokenizer).Next","x"]}"#, vec!["GHSA-1 on golang.org/x/net"], 1),
        (r#"{"golang.org/x/net/http2":["Serve"]}"#, vec![], 3),
        ("{}", vec!["GHSA-1 on golang.org/x/net"], 1),
    ] {
        let document = document("", vec![go_binary("golang.org/x/net", "v0.7.0", symbols)]);
        let findings = find(&go_records(), &document);
        assert_eq!(lines(&document, &findings.matches), want, "{symbols}");
        assert_eq!(findings.ignored.len(), set_aside, "{symbols}");
    }
    let document =
        document("", vec![go_binary("golang.org/x/net", "v0.7.0", r#"{"golang.org/x/net/html":["Parse"]}"#)]);
    let findings = find(&go_records(), &document);
    let symbols: Vec<_> = findings.matches[0].details.iter().flat_map(|detail| &detail.found.symbols).collect();
    assert_eq!(symbols, ["golang.org/x/net/html.Parse"]);
}

#[test]
fn main_modules_without_a_version_say_nothing() {
    let records =
        [record("GHSA-1", "github:language:go", vec![affected(Ecosystem::Go, "example.org/main", "..2.0.0")])];
    for (version, want) in [("v1.0.0", 1), ("(devel)", 0), ("v0.0.0-20240413000000-2b432cf64300", 0)] {
        let document = document("", vec![go_binary("example.org/main", version, "{}")]);
        assert_eq!(find(&records, &document).matches.len(), want, "{version}");
    }
}

#[test]
fn binaries_are_found_by_cpe_with_the_evidence() {
    let mut for_windows = by_cpe("haxx:curl", "..9");
    for_windows.platform_cpes = vec!["cpe:2.3:o:microsoft:windows:-:*:*:*:*:*:*:*".to_owned()];
    let mut for_node = by_cpe("haxx:curl", "..9");
    for_node.package.cpe = "cpe:2.3:a:haxx:curl:*:*:*:*:*:node.js:*:*".to_owned();
    let mut one_version = by_cpe("haxx:curl", "..");
    one_version.ranges.clear();
    one_version.package.cpe = "cpe:2.3:a:haxx:curl:8.0.1:*:*:*:*:*:*:*".to_owned();
    let records = [
        record("CVE-1-1", "nvd:cpe", vec![by_cpe("haxx:curl", "7.0..8.4.0")]),
        record("CVE-1-2", "nvd:cpe", vec![for_windows]),
        record("CVE-1-3", "nvd:cpe", vec![for_node]),
        record("CVE-1-4", "nvd:cpe", vec![one_version]),
        record("CVE-1-5", "nvd:cpe", vec![by_cpe("haxx:curl", "8.1..")]),
        record("CVE-1-6", "nvd:cpe", vec![by_cpe("other:curl", "..")]),
    ];
    let mut curl = with_cpe(component(PackageType::Binary, "curl", "8.0.1"), "haxx:curl");
    curl.cpes.push(sbom::Cpe {
        name: "cpe:2.3:a:haxx:curl:8.0.1:*:*:*:*:node.js:*:*".to_owned(),
        source: sbom::CpeSource::Generated,
    });
    let document = document("debian:12", vec![curl]);
    let findings = find(&records, &document);
    assert_eq!(lines(&document, &findings.matches), ["CVE-1-1 on curl", "CVE-1-3 on curl", "CVE-1-4 on curl"]);
    let detail = &findings.matches[0].details[0];
    assert_eq!(detail.kind.as_str(), "cpe-match");
    assert_eq!(detail.found.cpes, ["cpe:2.3:a:haxx:curl:*:*:*:*:*:*:*:*"]);
    assert!(matches!(&detail.searched_by, matching::finding::SearchedBy::Cpe { cpes, .. } if cpes.len() == 1));
}

#[test]
fn languages_are_looked_up_by_cpe_only_where_asked() {
    let records = [record("CVE-1-1", "nvd:cpe", vec![by_cpe("lodash:lodash", "..5")])];
    let document = document("", vec![with_cpe(component(PackageType::Npm, "lodash", "4.0.0"), "lodash:lodash")]);
    assert!(find(&records, &document).matches.is_empty());
    let mut options = options();
    options.cpes.javascript = true;
    assert_eq!(find_with(&records, &document, &options).matches.len(), 1);
}

#[test]
fn the_same_file_under_two_names_counts_once() {
    let records = [
        with_aliases(
            record("GHSA-1", "github:language:java", vec![affected(Ecosystem::Maven, "org.x:app", "..2")]),
            &["CVE-1-1"],
        ),
        record("CVE-1-1", "nvd:cpe", vec![by_cpe("x:app", "..2")]),
    ];
    let mut jar = component(PackageType::JavaArchive, "app", "1");
    jar.purl = "pkg:maven/org.x/app@1".to_owned();
    jar.locations = vec![at("/app.jar")];
    let mut binary = with_cpe(component(PackageType::Binary, "app", "1"), "x:app");
    binary.locations = vec![at("/app.jar")];
    let document = document("", vec![binary, jar]);
    let findings = find(&records, &document);
    assert_eq!(lines(&document, &findings.matches), ["GHSA-1 on app"]);
    assert_eq!(findings.matches[0].component.0, 1);
    assert_eq!(findings.matches[0].also_found_as[0].0, 0);
}

#[test]
fn packages_of_a_distribution_are_told_one_by_one() {
    let records = [record("CVE-1-1", "debian:distro:debian:12", vec![affected(distro("debian", "12"), "gcc", "..2")])];
    let packages = ["gcc-base", "libgcc"].map(|name| from_source(component(PackageType::Deb, name, "1"), "gcc", None));
    let mut document = document("debian:12", packages.to_vec());
    owns(&mut document, 0, 1);
    assert_eq!(find(&records, &document).matches.len(), 2);
}
