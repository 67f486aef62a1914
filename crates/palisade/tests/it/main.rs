//! The binary as a user runs it, under its own name and the peers'.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod authority;
mod conformance;
mod daemons;
mod held;
mod hostile;
mod images;
mod names;
mod openbao;
#[path = "../../../adapters/feeds/tests/it/server.rs"]
mod publisher;
mod registry;
#[path = "../../../adapters/oci/tests/it/server.rs"]
mod server;
mod signing;
mod trace;
mod update;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder of its own, with the names installed and nothing of the user's around.
struct Bench {
    folder: tempfile::TempDir,
}

/// One advisory, as its publisher writes it.
const LOG4SHELL: &str = r#"{"id": "GHSA-jfh8-c2jp-5v3q", "modified": "2022-01-01T00:00:00Z",
    "aliases": ["CVE-2021-44228"], "database_specific": {"severity": "CRITICAL"},
    "affected": [{"package": {"ecosystem": "Maven", "name": "org.apache.logging.log4j:log4j-core"},
    "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "2.13.0"}, {"fixed": "2.15.0"}]}]}]}"#;

impl Bench {
    fn new() -> Self {
        let bench = Self { folder: tempfile::tempdir().unwrap() };
        for folder in ["bin", "home", "cache", "feeds", "app"] {
            fs::create_dir(bench.path(folder)).unwrap();
        }
        fs::write(bench.path("feeds/log4shell.json"), LOG4SHELL).unwrap();
        fs::write(bench.path("app/app.war"), war()).unwrap();
        let bin = bench.path("bin").display().to_string();
        let installed = bench.run("palisade", &["install-names", &bin]);
        assert!(installed.status.success());
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, name: &str, arguments: &[&str]) -> Command {
        let own = PathBuf::from(env!("CARGO_BIN_EXE_palisade"));
        let program = if name == "palisade" { own } else { self.path("bin").join(name) };
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.folder.path()).env_clear();
        command.env("HOME", self.path("home")).env("XDG_CACHE_HOME", self.path("cache"));
        command.env("SOURCE_DATE_EPOCH", "1767225600");
        command
    }

    fn run(&self, name: &str, arguments: &[&str]) -> Output {
        self.command(name, arguments).output().unwrap()
    }

    fn text(&self, name: &str, arguments: &[&str], code: i32) -> String {
        let output = self.run(name, arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{name} {arguments:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn build_database(&self) {
        self.text("palisade", &["db", "build", "--from", "feeds"], 0);
    }
}

/// log4j-core in a jar, in a jar, in a war.
fn war() -> Vec<u8> {
    let properties = "groupId=org.apache.logging.log4j\nartifactId=log4j-core\nversion=2.14.1\n";
    let core = archive("META-INF/maven/org.apache.logging.log4j/log4j-core/pom.properties", properties.as_bytes());
    let lib = archive("lib/log4j-core-2.14.1.jar", &core);
    archive("WEB-INF/lib/fat-1.0.jar", &lib)
}

fn archive(name: &str, content: &[u8]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    writer.start_file("META-INF/MANIFEST.MF", zip::write::SimpleFileOptions::default()).unwrap();
    writer.write_all(b"Manifest-Version: 1.0\n").unwrap();
    writer.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
    writer.write_all(content).unwrap();
    writer.finish().unwrap().into_inner()
}

#[test]
fn the_peers_commands_run_as_they_are() {
    let bench = Bench::new();
    bench.build_database();
    let sbom = bench.text("syft", &["dir:app", "-o", "cyclonedx-json"], 0);
    assert!(sbom.contains("\"bomFormat\":\"CycloneDX\""), "{sbom}");
    assert!(sbom.contains("pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1"));
    fs::write(bench.path("sbom.json"), &sbom).unwrap();
    let table = bench.text("grype", &["sbom.json"], 0);
    assert!(table.contains("GHSA-jfh8-c2jp-5v3q") && table.contains("Critical"), "{table}");
    bench.text("grype", &["sbom.json", "--fail-on", "high"], 2);
    bench.text("grype", &["sbom:sbom.json", "--fail-on", "nonsense"], 1);
    let mut piped = bench.command("grype", &["-o", "json"]);
    piped.stdin(Stdio::from(fs::File::open(bench.path("sbom.json")).unwrap()));
    let report: serde_json::Value = serde_json::from_slice(&piped.output().unwrap().stdout).unwrap();
    assert_eq!(report["matches"][0]["vulnerability"]["id"], "GHSA-jfh8-c2jp-5v3q");
}

#[test]
fn log4shell_is_found_three_levels_deep_and_the_way_is_told() {
    let bench = Bench::new();
    bench.build_database();
    let way = bench.text("palisade", &["scan", "dir:app", "--why", "CVE-2021-44228"], 0);
    for part in ["/app.war", "WEB-INF/lib/fat-1.0.jar", "lib/log4j-core-2.14.1.jar"] {
        assert!(way.contains(part), "{part} is missing in {way}");
    }
}

#[test]
fn documents_are_the_same_to_the_byte() {
    let bench = Bench::new();
    for format in ["cyclonedx-json", "cyclonedx-xml", "spdx-json", "spdx-tag-value", "syft-json", "spdx-json@3.0"] {
        let once = bench.text("palisade", &["sbom", "dir:app", "-o", format], 0);
        assert_eq!(once, bench.text("palisade", &["sbom", "dir:app", "-o", format], 0), "{format}");
    }
}

#[test]
fn without_a_database_the_sbom_is_made_and_a_gate_does_not_hold() {
    let bench = Bench::new();
    let summary = bench.text("palisade", &["ship", "dir:app"], 0);
    assert!(summary.contains("components") && summary.contains("findings    unknown"), "{summary}");
    bench.text("palisade", &["ship", "dir:app", "--fail-on", "critical"], 2);
    let mut command = bench.command("palisade", &["ship", "dir:app", "--fail-on", "critical"]);
    let output = command.env("PALISADE_ADVISORIES", bench.path("feeds")).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stdout).contains("GHSA-jfh8-c2jp-5v3q"));
}

#[test]
fn ignore_rules_expire() {
    let bench = Bench::new();
    bench.build_database();
    let rule = |expires: &str| format!("ignore:\n  - vulnerability: GHSA-jfh8-c2jp-5v3q\n    expires: {expires}\n");
    fs::write(bench.path(".grype.yaml"), rule("2026-01-01")).unwrap();
    bench.text("grype", &["dir:app", "--fail-on", "low"], 0);
    fs::write(bench.path(".grype.yaml"), rule("2025-12-31")).unwrap();
    bench.text("grype", &["dir:app", "--fail-on", "low"], 2);
}

#[test]
fn errors_say_what_failed_on_what_and_what_to_do() {
    let bench = Bench::new();
    for (arguments, words) in [
        (&["sbom", "dir:nowhere"][..], &["cannot read nowhere"][..]),
        (&["sbom", "dir:app", "-o", "nonsense"], &["unsupported output format", "hint:"]),
        (&["scan", "dir:app"], &["findings are unknown", "palisade db build"]),
        (&["sbom", "oci-dir:app"], &["app/index.json"]),
        (&["sbom", "dir:app", "--select-catalogers", "-nonsense"], &["no cataloger", "palisade catalogers"]),
    ] {
        let output = bench.run("palisade", arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        for word in words {
            assert!(error.contains(word), "{word:?} is missing in {error}");
        }
    }
    assert!(!Path::new(&bench.path("cache/palisade/advisories.db")).exists());
}

#[test]
fn a_full_disk_is_an_error() {
    let bench = Bench::new();
    for arguments in [&["sbom", "dir:app", "-o", "syft-json"][..], &["sbom", "dir:app"]] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let output = bench.command("palisade", arguments).stdout(full).stderr(Stdio::piped()).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("cannot write to standard output"));
    }
}
