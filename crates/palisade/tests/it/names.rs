//! The peers' names as drop-ins: templates, settings, and the commands around them.

use crate::Bench;
use std::fs;

#[test]
fn templates_are_go_s_over_the_peers_models() {
    let bench = Bench::new();
    bench.build_database();
    let check = |name: &str, template: &str, want: &str| {
        fs::write(bench.path("t.tmpl"), template).unwrap();
        assert_eq!(bench.text(name, &["dir:app", "-o", "template", "-t", "t.tmpl"], 0), want, "{template}");
    };
    // Syft hands over its JSON, Grype its Go structures. Blanks at the end are dropped on standard output.
    check(
        "syft",
        "{{range .artifacts}}{{if eq .name \"log4j-core\"}}{{.name | upper}}@{{.version}}{{end}}{{end}} \n\n",
        "LOG4J-CORE@2.14.1\n",
    );
    check(
        "syft",
        "{{.source.type}} {{.nothing}} {{len .descriptor.name}} {{getLastIndex (list 1 2)}}",
        "directory <no value> 4 1\n",
    );
    check(
        "grype",
        "{{range .Matches}}\"{{.Artifact.Name}}\",\"{{.Vulnerability.ID}}\",{{.Vulnerability.Severity}},\
         {{.Vulnerability.Fix.Versions | join \" \"}},{{.Vulnerability.Namespace}}{{end}}",
        "\"log4j-core\",\"GHSA-jfh8-c2jp-5v3q\",Critical,2.15.0,github:language:java\n",
    );
    check("grype", "{{$n := len .Matches}}{{add $n 1}} {{.Source.Type}} {{.Distro.Name}}|", "2 directory |\n");
    for (template, arguments, want) in [
        (
            "{{nosuch}}",
            &["dir:app", "-o", "template", "-t", "t.tmpl"][..],
            "template: t.tmpl:1: function \"nosuch\" not defined",
        ),
        (
            "x\n {{.Nothing}}",
            &["dir:app", "-o", "template", "-t", "t.tmpl"],
            "template: t.tmpl:2:3: executing \"t.tmpl\" at <.Nothing>: can't evaluate field Nothing in type models.Document",
        ),
        ("", &["dir:app", "-o", "template", "-t", "none.tmpl"], "unable to get template content"),
        ("", &["dir:app", "-o", "template"], "must specify path to template file"),
    ] {
        fs::write(bench.path("t.tmpl"), template).unwrap();
        let output = bench.run("grype", arguments);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(1) && error.contains(want), "{template}: {error}");
    }
    // A file has what the template wrote, to the byte.
    fs::write(bench.path("t.tmpl"), "x \n\n").unwrap();
    bench.text("palisade", &["sbom", "dir:app", "-o", "template=out.txt", "-t", "t.tmpl"], 0);
    assert_eq!(fs::read_to_string(bench.path("out.txt")).unwrap(), "x \n\n");
}

#[test]
fn a_flag_wins_over_the_environment_and_the_environment_over_the_file() {
    let bench = Bench::new();
    fs::write(bench.path(".syft.yaml"), "output: [purls]\nsource: {name: of-file, version: '1'}\nunknown: 1\n")
        .unwrap();
    let run = |variables: &[(&str, &str)], arguments: &[&str]| {
        let mut command = bench.command("syft", &[&["dir:app"], arguments].concat());
        let output = command.envs(variables.iter().copied()).output().unwrap();
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr),
        )
    };
    let has = |got: (Option<i32>, String), code: i32, word: &str| {
        assert!(got.0 == Some(code) && got.1.contains(word), "{word:?} is missing in {got:?}");
    };
    has(run(&[], &[]), 0, "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1\n");
    has(run(&[("SYFT_OUTPUT", "json")], &[]), 0, "\"name\":\"of-file\",\"version\":\"1\"");
    let named = [("SYFT_OUTPUT", "json"), ("SYFT_SOURCE_NAME", "of-env"), ("SYFT_FORMAT_PRETTY", "true")];
    has(run(&named, &[]), 0, "\"name\": \"of-env\"");
    has(run(&named, &["--source-name", "of-flag"]), 0, "\"name\": \"of-flag\"");
    has(run(&[], &["-c", "none.yaml"]), 1, "invalid application config: file does not exist: none.yaml");
    has(run(&[("SYFT_PARALLELISM", "x")], &[]), 1, "'parallelism' cannot parse value as 'int'");
    has(run(&[("SYFT_SCOPE", "x")], &[]), 1, "bad scope value");
}

#[test]
fn grype_s_settings_have_effect() {
    let bench = Bench::new();
    bench.build_database();
    let run = |variables: &[(&str, &str)], arguments: &[&str]| {
        let mut command = bench.command("grype", &[&["dir:app"], arguments].concat());
        command.envs(variables.iter().copied()).output().unwrap()
    };
    assert_eq!(run(&[("GRYPE_FAIL_ON_SEVERITY", "high")], &[]).status.code(), Some(2));
    assert_eq!(run(&[("GRYPE_FAIL_ON_SEVERITY", "high"), ("GRYPE_ONLY_NOTFIXED", "1")], &[]).status.code(), Some(0));
    let report = |variables: &[(&str, &str)]| String::from_utf8(run(variables, &[]).stdout).unwrap();
    let by_cve = report(&[("GRYPE_BY_CVE", "true"), ("GRYPE_OUTPUT", "json"), ("GRYPE_TIMESTAMP", "false")]);
    assert!(by_cve.contains("\"id\":\"CVE-2021-44228\"") && !by_cve.contains("\"timestamp\""), "{by_cve}");
    assert!(report(&[("GRYPE_OUTPUT", "json"), ("GRYPE_PRETTY", "true")]).contains("\n \"matches\": ["));
    for (name, value) in [("GRYPE_SORT_BY", "x"), ("GRYPE_FIX_CHANNEL_REDHAT_EUS_APPLY", "x"), ("GRYPE_PRETTY", "x")] {
        assert_eq!(run(&[(name, value)], &[]).status.code(), Some(1), "{name}");
    }
}

#[test]
fn the_commands_around_them_are_there() {
    let bench = Bench::new();
    assert!(bench.text("syft", &["config"], 0).contains("# (env: SYFT_SCOPE)\nscope: 'squashed'\n"));
    fs::write(bench.path("c.yaml"), "scope: all-layers\n").unwrap();
    assert!(bench.text("syft", &["-c", "c.yaml", "config", "--load"], 0).contains("scope: 'all-layers'\n"));
    let locations = bench.text("grype", &["config", "locations"], 0);
    assert!(locations.starts_with(".grype.yaml\n.grype/config.yaml\n"), "{locations}");
    assert!(bench.text("grype", &["completion", "zsh"], 0).starts_with("#compdef grype"));
    let version: serde_json::Value =
        serde_json::from_str(&bench.text("grype", &["-q", "version", "-o", "json"], 0)).unwrap();
    assert_eq!((version["version"].as_str(), version["supportedDbSchema"].as_u64()), (Some("0.121.2"), Some(6)));
    bench.text("syft", &["login", "registry.example", "-u", "name", "-p", "secret"], 0);
    let docker = fs::read_to_string(bench.path("home/.docker/config.json")).unwrap();
    assert!(docker.contains("\"registry.example\"") && docker.contains("bmFtZTpzZWNyZXQ="), "{docker}");
    bench.text("syft", &["login", "registry.example"], 1);
    bench.text("syft", &["attest", "-o", "json", "image"], 1);
}

#[test]
fn without_a_daemon_every_source_is_tried_in_the_peers_order() {
    let bench = Bench::new();
    let order = |arguments: &[&str]| {
        let mut command = bench.command("syft", arguments);
        // Nothing answers here, and no name leads anywhere.
        let output = command.env("DOCKER_HOST", "unix:///none").env("CONTAINER_HOST", "unix:///none").output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(error.contains("could not determine source: errors occurred attempting to resolve"), "{error}");
        let names = error.lines().filter_map(|line| line.strip_prefix("  - ")?.split(':').next().map(str::to_owned));
        names.collect::<Vec<_>>()
    };
    let image = "registry.invalid/my-image:latest";
    assert_eq!(order(&[image]), ["docker", "podman", "containerd", "oci-registry"]);
    assert_eq!(order(&[image, "--from", "podman,docker"]), ["podman", "docker"]);
    fs::write(bench.path(".syft.yaml"), "source: {image: {default-pull-source: registry}}\n").unwrap();
    assert_eq!(order(&[image]), ["oci-registry", "docker", "podman", "containerd"]);
}
