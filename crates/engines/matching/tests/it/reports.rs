use crate::world::*;
use advisory::{Cvss, Ecosystem, Kev, Range, RangeEnd, Record, Reference, Severity};
use matching::database::{Builder, Database, SourceReport};
use matching::ignore::{IgnoreRule, IgnoreRulePackage};
use matching::options::Options;
use matching::report::{
    Input, Report, Scanned, SortBy, TableOptions, Tool, explain, template_value, write_cyclonedx_json,
    write_cyclonedx_xml, write_json, write_sarif, write_table,
};
use sbom::{Document, EncodeOptions, License, PackageType, SourceKind, SourceLayer};
use serde_json::Value;

fn score(mut record: Record, severity: Severity, vector: &str) -> Record {
    record.severity = severity;
    record.cvss = Cvss::from_vector(vector, "nvd", "Primary").into_iter().collect();
    record
}

/// The flaws of the peer's own snapshots, and one told by GitHub with a CVE record.
fn records() -> Vec<Record> {
    let mut three = affected(distro("ubuntu", "20.04"), "package-1", "..1.2.1");
    for (introduced, fixed) in [("", "2.1.3"), ("", "3.4.0")] {
        let end = RangeEnd::Fixed(fixed.to_owned());
        three.ranges.push(Range { introduced: introduced.to_owned(), introduced_excluded: false, end });
    }
    let mut second = affected(distro("ubuntu", "20.04"), "package-2", "..");
    second.advisory = "USN-1-1".to_owned();
    let mut github = with_aliases(
        record(
            "GHSA-cfh5-3ghh-wfjx",
            "github:language:java",
            vec![affected(Ecosystem::Maven, "org.x:httpclient", "4.0..4.3.5")],
        ),
        &["CVE-2014-3577"],
    );
    github.references =
        vec![Reference { url: "https://github.com/advisories/GHSA-cfh5-3ghh-wfjx".to_owned(), tags: Vec::new() }];
    let mut nvd = record("CVE-2014-3577", "nvd:cpe", Vec::new());
    nvd.details = "org.apache.http.conn.ssl.AbstractVerifier does not verify.\n".to_owned();
    nvd.cwes = vec!["CWE-20".to_owned()];
    vec![
        score(
            record("CVE-1999-0001", "ubuntu:distro:ubuntu:20.04", vec![three]),
            Severity::Low,
            "CVSS:3.1/AV:N/AC:L/PR:L/UI:R/S:C/C:L/I:L/A:H",
        ),
        score(
            record("CVE-1999-0002", "ubuntu:distro:ubuntu:20.04", vec![second]),
            Severity::Critical,
            "CVSS:3.1/AV:N/AC:H/PR:L/UI:N/S:C/C:H/I:H/A:H",
        ),
        score(github, Severity::Medium, "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:L/I:L/A:N"),
        score(nvd, Severity::Medium, "AV:N/AC:M/Au:N/C:P/I:P/A:N"),
    ]
}

fn database() -> Vec<u8> {
    let mut builder = Builder::new("2026-01-02T03:04:05Z");
    for record in records() {
        builder.add(&record).unwrap();
    }
    builder.add_epss("CVE-1999-0001", 0.03, 0.42);
    builder.add_epss("CVE-1999-0002", 0.08, 0.53);
    builder.set_epss_date("2026-01-01");
    builder.add_kev(Kev { cve: "CVE-1999-0002".to_owned(), ransomware: "Known".to_owned(), ..Kev::default() });
    builder.add_source(SourceReport {
        name: "nvd".to_owned(),
        captured: "2026-01-01T00:00:00Z".to_owned(),
        digest: "sha256:00".to_owned(),
        ..SourceReport::default()
    });
    let mut bytes = Vec::new();
    builder.finish(&mut bytes).unwrap();
    bytes
}

fn scanned() -> Document {
    let mut one = component(PackageType::Deb, "package-1", "1.1.1");
    one.id = "a246fd2054833c93".to_owned();
    one.locations = vec![at("/foo/bar/somefile-1.txt")];
    one.locations[0].layer = Some(0);
    one.cpes = vec![sbom::Cpe {
        name: r"cpe:2.3:a:anchore\:oss:anchore\/engine:0.9.2:*:*:en:*:*:*:*".to_owned(),
        source: sbom::CpeSource::Declared,
    }];
    let mut two = component(PackageType::Deb, "package-2", "2.2.2");
    two.id = "74378afe15713625".to_owned();
    two.purl = "pkg:deb/package-2@2.2.2".to_owned();
    two.licenses = vec![License::declared("Apache-2.0"), License::declared("MIT")];
    let mut jar = component(PackageType::JavaArchive, "httpclient", "4.1.1");
    jar.id = "0000000000000001".to_owned();
    jar.purl = "pkg:maven/org.x/httpclient@4.1.1".to_owned();
    jar.locations = vec![at("/TwilioNotifier.hpi")];
    jar.locations[0].access_path = "/TwilioNotifier.hpi:WEB-INF/lib/sdk-3.0.jar:httpclient".to_owned();
    jar.metadata = Some(sbom::Metadata {
        kind: "java-archive".into(),
        json: r#"{"virtualPath":"/TwilioNotifier.hpi:WEB-INF/lib/sdk-3.0.jar:httpclient"}"#.to_owned(),
    });
    let mut document = document("ubuntu:20.04", vec![one, two, jar]);
    document.source.kind = SourceKind::Image;
    document.source.name = "user/app".to_owned();
    document.source.user_input = "user/app:1".to_owned();
    document.source.layers =
        vec![SourceLayer { digest: "sha256:aa".to_owned(), size_bytes: 22, ..SourceLayer::default() }];
    document
}

/// What to do with a report.
fn with_report<T>(options: &Options, sort_by: SortBy, act: impl FnOnce(&Report<'_>) -> T) -> T {
    let bytes = database();
    let database = Database::open(&bytes).unwrap();
    let document = scanned();
    let findings = matching::find(&database, &document, options).unwrap();
    let report = Report::new(Input {
        document: &document,
        findings: &findings,
        database: &database,
        sort_by,
        scanned: Scanned::Source,
        distro: None,
        tool: Tool {
            name: "grype",
            version: "",
            uri: "https://github.com/anchore/grype",
            configuration: None,
            timestamp: "",
            database_path: "",
            database_from: "",
        },
    })
    .unwrap();
    act(&report)
}

fn text(write: impl FnOnce(&mut dyn std::io::Write)) -> String {
    let mut bytes = Vec::new();
    write(&mut bytes);
    String::from_utf8(bytes).unwrap()
}

fn table(options: &Options, table: TableOptions, sort_by: SortBy) -> String {
    with_report(options, sort_by, |report| text(|out| write_table(&report.document, table, out).unwrap()))
}

#[test]
fn the_table_is_the_peers() {
    let plain = table(&options(), TableOptions::default(), SortBy::Package);
    assert_eq!(
        plain,
        "NAME        INSTALLED  FIXED IN              TYPE          VULNERABILITY        SEVERITY  EPSS         RISK         \n\
         httpclient  4.1.1      4.3.5                 java-archive  GHSA-cfh5-3ghh-wfjx  Medium    N/A          N/A          \n\
         package-1   1.1.1      *1.2.1, 2.1.3, 3.4.0  deb           CVE-1999-0001        Low       3.0% (42nd)  1.7          \n\
         package-2   2.2.2                            deb           CVE-1999-0002        Critical  8.0% (53rd)  96.3  (kev)  \n"
    );
}

#[test]
fn orders_of_the_table() {
    for (order, want) in [
        (SortBy::Risk, ["CVE-1999-0002", "CVE-1999-0001", "GHSA-cfh5-3ghh-wfjx"]),
        (SortBy::Severity, ["CVE-1999-0002", "GHSA-cfh5-3ghh-wfjx", "CVE-1999-0001"]),
        (SortBy::Epss, ["CVE-1999-0002", "CVE-1999-0001", "GHSA-cfh5-3ghh-wfjx"]),
        (SortBy::Kev, ["CVE-1999-0002", "CVE-1999-0001", "GHSA-cfh5-3ghh-wfjx"]),
        (SortBy::Vulnerability, ["CVE-1999-0001", "CVE-1999-0002", "GHSA-cfh5-3ghh-wfjx"]),
        (SortBy::Package, ["GHSA-cfh5-3ghh-wfjx", "CVE-1999-0001", "CVE-1999-0002"]),
    ] {
        let ids: Vec<String> = with_report(&options(), order, |report| {
            report.document.matches.iter().map(|entry| entry.vulnerability.metadata.id.clone()).collect()
        });
        assert_eq!(ids, want, "{order:?}");
        assert_eq!(SortBy::parse(order.as_str()), Some(order));
    }
}

#[test]
fn suppressed_findings_are_marked() {
    let mut options = options();
    options.ignore = vec![
        IgnoreRule {
            package: IgnoreRulePackage { kind: "deb".to_owned(), ..IgnoreRulePackage::default() },
            reason: "tolerated".to_owned(),
            ..IgnoreRule::default()
        },
        IgnoreRule::vulnerability("GHSA-cfh5-3ghh-wfjx"),
    ];
    assert_eq!(table(&options, TableOptions::default(), SortBy::Risk), "No vulnerabilities found\n");
    let shown = table(&options, TableOptions { show_suppressed: true, color: false }, SortBy::Risk);
    assert!(shown.contains("96.3  (kev, suppressed)"), "{shown}");
    assert!(shown.contains("1.7   (suppressed)"), "{shown}");
    let json: Value = with_report(&options, SortBy::Risk, |report| serde_json::to_value(&report.document).unwrap());
    assert_eq!(json["ignoredMatches"][0]["appliedIgnoreRules"][0]["reason"], "tolerated");
    assert_eq!(json["ignoredMatches"][0]["appliedIgnoreRules"][0]["package"]["type"], "deb");
    assert_eq!(json["ignoredMatches"][0]["appliedIgnoreRules"][0]["namespace"], "");
}

#[test]
fn colours_do_not_move_columns() {
    let colored = table(&options(), TableOptions { show_suppressed: false, color: true }, SortBy::Package);
    let mut plain = String::new();
    let mut rest = colored.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    plain.push_str(rest);
    let lines: Vec<&str> = plain.lines().collect();
    assert!(lines.iter().all(|line| line.chars().count() == lines[0].chars().count()), "{plain}");
    assert!(plain.contains("1.2.1, 2.1.3, 3.4.0") && plain.contains(" KEV "), "{plain}");
}

#[test]
fn json_has_the_peers_fields_in_the_peers_order() {
    let json =
        with_report(&options(), SortBy::Package, |report| text(|out| write_json(&report.document, true, out).unwrap()));
    insta::assert_snapshot!("document", json);
    let compact = with_report(&options(), SortBy::Package, |report| {
        text(|out| write_json(&report.document, false, out).unwrap())
    });
    assert_eq!(compact.lines().count(), 1);
    let (a, b): (Value, Value) = (serde_json::from_str(&json).unwrap(), serde_json::from_str(&compact).unwrap());
    assert_eq!(a, b);
}

#[test]
fn sarif_is_the_peers() {
    let sarif = with_report(&options(), SortBy::Package, |report| text(|out| write_sarif(report, out).unwrap()));
    insta::assert_snapshot!("sarif", sarif);
}

const NAMESPACE: &str = "http://cyclonedx.org/schema/bom/1.7";

#[test]
fn cyclonedx_has_flaws_beside_components() {
    for pretty in [true, false] {
        let encoding = EncodeOptions { pretty, reproducible: true, color: false };
        let json: Value = with_report(&options(), SortBy::Package, |report| {
            let text = text(|out| write_cyclonedx_json(report, encoding, out).unwrap());
            serde_json::from_str(&text).unwrap()
        });
        let flaw = &json["vulnerabilities"][2];
        assert_eq!(flaw["id"], "CVE-1999-0002");
        assert_eq!(flaw["source"]["name"], "ubuntu-distro-ubuntu-20.04");
        assert_eq!(flaw["ratings"][0]["method"], "CVSSv31");
        assert_eq!(flaw["ratings"][2]["justification"], "Listed in CISA KEV");
        let references: Vec<&Value> =
            json["components"].as_array().unwrap().iter().map(|one| &one["bom-ref"]).collect();
        for flaw in json["vulnerabilities"].as_array().unwrap() {
            assert!(references.contains(&&flaw["affects"][0]["ref"]), "{} {references:?}", flaw["affects"]);
        }
        assert_eq!(json["vulnerabilities"][1]["affects"][0]["versions"][1]["range"], "vers:generic/>=1.2.1");
        let xml = with_report(&options(), SortBy::Package, |report| {
            text(|out| write_cyclonedx_xml(report, encoding, out).unwrap())
        });
        assert!(xml.contains("<vulnerabilities>") && xml.trim_end().ends_with("</bom>"));
        let parsed = roxmltree::Document::parse(&xml).unwrap();
        let count = |name| parsed.descendants().filter(|node| node.has_tag_name((NAMESPACE, name))).count();
        assert!(count("component") > 3);
        assert_eq!((count("vulnerability"), count("target")), (3, 3));
    }
}

#[test]
fn explanations_are_the_peers() {
    let json: Value =
        with_report(&options(), SortBy::Package, |report| serde_json::to_value(&report.document).unwrap());
    assert_eq!(
        explain(&json, &["CVE-2014-3577".to_owned()]),
        "GHSA-cfh5-3ghh-wfjx from github:language:java (Medium)\n\
         summary of GHSA-cfh5-3ghh-wfjx\n\
         Related vulnerabilities:\n    \
             - nvd:cpe CVE-2014-3577 (Medium)\n\
         Matched packages:\n    \
             - Package: httpclient, version: 4.1.1\n      \
               PURL: pkg:maven/org.x/httpclient@4.1.1\n      \
               Match explanation(s):\n          \
                   - github:language:java:GHSA-cfh5-3ghh-wfjx Direct match (package name, version, and ecosystem) against httpclient (version 4.1.1).\n      \
               Locations:\n          \
                   - /TwilioNotifier.hpi:WEB-INF/lib/sdk-3.0.jar:httpclient\n\
         URLs:\n    \
             - https://github.com/advisories/GHSA-cfh5-3ghh-wfjx\n    \
             - https://nvd.nist.gov/vuln/detail/CVE-2014-3577\n"
    );
    assert_eq!(explain(&json, &["CVE-0".to_owned()]), "");
}

/// The peer's own documents and what it says of them, where its source is on the machine.
#[test]
fn the_peers_documents_are_explained_alike() {
    let Some(folder) = peer().map(|peer| peer.join("grype/presenter/explain")) else { return };
    let snapshots = std::fs::read_to_string(folder.join("__snapshots__/explain_snapshot_test.snap")).unwrap();
    for (name, file, id) in [
        ("keycloak-CVE-2020-12413", "keycloak-test.json", "CVE-2020-12413"),
        ("chainguard-ruby-CVE-2023-28755", "chainguard-ruby-test.json", "CVE-2023-28755"),
        ("test_a_GHSA", "ghsa-test.json", "GHSA-cfh5-3ghh-wfjx"),
        ("test_a_CVE_alias_of_a_GHSA", "ghsa-test.json", "CVE-2014-3577"),
    ] {
        let head = format!("[TestExplainSnapshot/{name} - 1]\n");
        let want = snapshots.split_once(&head).unwrap().1.split_once("\n---\n").unwrap().0;
        let bytes = std::fs::read(folder.join("testdata").join(file)).unwrap();
        let document: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(explain(&document, &[id.to_owned()]).trim_end(), want.trim_end(), "{name}");
    }
}

fn peer() -> Option<std::path::PathBuf> {
    let cache = std::process::Command::new("go").args(["env", "GOMODCACHE"]).output().ok()?;
    let folder = std::path::PathBuf::from(String::from_utf8(cache.stdout).ok()?.trim());
    let folder = folder.join("github.com/anchore/grype@v0.121.2");
    let found = folder.exists().then_some(folder);
    if found.is_none() {
        eprintln!("ignored: the peer's source is not here");
    }
    found
}

#[test]
fn templates_see_go_names() {
    let value = with_report(&options(), SortBy::Package, |report| template_value(&report.document).unwrap());
    let text = "{{with index .Matches 0}}{{.Artifact.PURL}} {{index .Vulnerability.Fix.Versions 0}}{{end}} {{.Descriptor.Name}}";
    let template = gotemplate::Template::parse("t", text, &gotemplate::Functions::go()).unwrap();
    let mut out = Vec::new();
    template.execute(&value, gotemplate::Limits::default(), &mut out).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), "pkg:maven/org.x/httpclient@4.1.1 4.3.5 grype");
}

#[test]
fn the_way_to_a_finding() {
    let bytes = database();
    let database = Database::open(&bytes).unwrap();
    let document = scanned();
    let findings = matching::find(&database, &document, &options()).unwrap();
    let ways = matching::why::why(&document, &findings, "CVE-2014-3577");
    assert_eq!(ways[0].path, ["/TwilioNotifier.hpi", "WEB-INF/lib/sdk-3.0.jar", "httpclient"]);
    let ways = matching::why::why(&document, &findings, "CVE-1999-0001");
    assert_eq!(ways[0].layer.as_ref().unwrap().digest, "sha256:aa");
}
