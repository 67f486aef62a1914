use super::*;

fn read(json: &str) -> Record {
    parse(json.as_bytes()).unwrap()
}

/// Reads one entry of `affected`.
fn hit(json: &str) -> Affected {
    let record = read(&format!(r#"{{"id":"X-1","affected":[{json}]}}"#));
    record.affected.into_iter().next().unwrap()
}

fn check_events(events: &str, expected: &[(&str, RangeEnd)]) {
    let json =
        format!(r#"{{"package":{{"ecosystem":"npm","name":"a"}},"ranges":[{{"type":"SEMVER","events":{events}}}]}}"#);
    let found: Vec<(String, RangeEnd)> = hit(&json).ranges.into_iter().map(|r| (r.introduced, r.end)).collect();
    let expected: Vec<(String, RangeEnd)> = expected.iter().map(|(i, e)| ((*i).to_owned(), e.clone())).collect();
    assert_eq!(found, expected, "{events}");
}

fn fixed(version: &str) -> RangeEnd {
    RangeEnd::Fixed(version.to_owned())
}

#[test]
fn reads_events() {
    check_events(r#"[{"introduced":"0"},{"fixed":"1.2"}]"#, &[("", fixed("1.2"))]);
    check_events(r#"[{"introduced":"0.0.0-0"},{"fixed":"1.2"}]"#, &[("", fixed("1.2"))]);
    check_events(
        r#"[{"introduced":"1"},{"fixed":"1.2"},{"introduced":"2"},{"last_affected":"2.3"},{"introduced":"3"}]"#,
        &[("1", fixed("1.2")), ("2", RangeEnd::LastAffected("2.3".into())), ("3", RangeEnd::Open)],
    );
    check_events(r#"[{"fixed":"1.2"},{"introduced":"1"}]"#, &[("1", fixed("1.2"))]);
    check_events(r#"[{"introduced":"1"},{"limit":"2"}]"#, &[("1", RangeEnd::Limit("2".into()))]);
    check_events(r#"[{"introduced":"1"},{"limit":"*"}]"#, &[("1", RangeEnd::Open)]);
    check_events("null", &[]);
}

#[test]
fn leaves_git_ranges_out() {
    let record = read(
        r#"{"id":"OSV-1","affected":[
            {"ranges":[{"type":"GIT","events":[{"introduced":"0"}]}]},
            {"package":{"ecosystem":"npm","name":"a"},"ranges":[{"type":"GIT","events":[{"introduced":"0"}]}]},
            {"package":{"ecosystem":"npm","name":"b"},"versions":["1"],"ranges":[{"type":"GIT","events":[]}]}]}"#,
    );
    let names: Vec<&str> = record.affected.iter().map(|a| a.package.name.as_str()).collect();
    assert_eq!(names, ["b"]);
}

#[test]
fn knows_a_tracked_cve_by_its_own_name() {
    let record = read(
        r#"{"id":"UBUNTU-CVE-2011-0221","upstream":["CVE-2011-0221"],"severity":[{"type":"Ubuntu","score":"medium"}],
            "affected":[{"package":{"ecosystem":"Ubuntu:16.04:LTS","name":"q"},
            "ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}]}]}"#,
    );
    assert_eq!((record.id.as_str(), record.aliases.len(), record.related.len()), ("CVE-2011-0221", 0, 0));
    assert_eq!((record.severity, record.affected[0].state), (Severity::Medium, FixState::NotFixed));
    assert_eq!((record.source.as_str(), record.namespace.as_str()), ("ubuntu", "ubuntu:distro:ubuntu:16.04"));
}

#[test]
fn lists_what_an_erratum_fixes() {
    let record = read(
        r#"{"id":"DSA-5380-1","upstream":["CVE-2023-1393"],"affected":[{"package":{"ecosystem":"Debian:11","name":"x"},
            "ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"2"}]}]}]}"#,
    );
    assert_eq!((record.related, record.aliases.len()), (vec!["CVE-2023-1393".to_owned()], 0));
    assert_eq!(record.affected[0].advisory, "DSA-5380-1");
}

#[test]
fn reads_go_imports() {
    let affected = hit(
        r#"{"package":{"ecosystem":"Go","name":"example.com/m"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}],
            "ecosystem_specific":{"imports":[{"path":"example.com/m/p","goos":["windows"],"symbols":["F","T.M"]}],
            "custom_ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"5.0.4"}]}]}}"#,
    );
    assert_eq!(affected.symbols, [("example.com/m/p".to_owned(), vec!["F".to_owned(), "T.M".to_owned()])]);
    assert_eq!(affected.platforms, ["windows"]);
    assert_eq!(affected.ranges, [Range { end: fixed("5.0.4"), ..Range::default() }]);
}

#[test]
fn takes_the_last_version_that_github_knows() {
    let affected = hit(
        r#"{"package":{"ecosystem":"Maven","name":"a:b"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}],
            "database_specific":{"last_known_affected_version_range":"<= 2.1"}}"#,
    );
    assert_eq!(affected.ranges, [Range { end: RangeEnd::LastAffected("2.1".into()), ..Range::default() }]);
}

#[test]
fn reads_functions_of_crates() {
    for functions in [r#""affected_functions":["s::f"]"#, r#""affects":{"functions":["s::f"],"os":["linux"]}"#] {
        let json =
            format!(r#"{{"package":{{"ecosystem":"crates.io","name":"s"}},"ecosystem_specific":{{{functions}}}}}"#);
        assert_eq!(hit(&json).symbols, [("s".to_owned(), vec!["s::f".to_owned()])], "{functions}");
    }
}

#[test]
fn reads_the_word_of_an_rpm_erratum() {
    let record = read(
        r#"{"id":"ALSA-2022:1","summary":"Important: kernel security update","related":["CVE-2022-1"],
            "affected":[{"package":{"ecosystem":"AlmaLinux:8","name":"k"},
            "ecosystem_specific":{"rpm_modularity":"ruby:2.5"},
            "ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"2"}]}]}]}"#,
    );
    assert_eq!((record.severity, record.affected[0].module.as_deref()), (Severity::High, Some("ruby:2.5")));
}

#[test]
fn refuses_what_is_no_record() {
    for json in ["", "[]", "{}", r#"{"id":7"#, r#"{"id":"X","affected":{}}"#] {
        assert!(parse(json.as_bytes()).is_err(), "{json}");
    }
}
