//! `palisade db update`: publishers on this machine, answering as the test says.

use crate::publisher::{Server, answer, ok, start};
use crate::{Bench, LOG4SHELL};
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What the publisher has now: the number of the edition, 0 for none.
fn publisher(edition: &Arc<AtomicUsize>) -> Server {
    let edition = Arc::clone(edition);
    start(move |_, request| {
        let edition = edition.load(Ordering::Relaxed);
        let tag = format!("\"{edition}\"");
        match edition {
            0 => answer("404 Not Found", "", 0, b""),
            _ if request.header("if-none-match") == tag => answer("304 Not Modified", "", 0, b""),
            _ => {
                let body = LOG4SHELL.replace("2.13.0", &format!("2.13.{edition}"));
                let head = format!("ETag: {tag}\r\n");
                let body = if request.method == "HEAD" { &[][..] } else { body.as_bytes() };
                answer("200 OK", &head, body.len(), body)
            }
        }
    })
}

/// Settings with one source on, at one address.
fn settings(bench: &Bench, address: &str) {
    let mut text = String::from("[limits]\nretries = 0\ntimeout_seconds = 5\n");
    for source in feeds::SOURCES {
        let on = source.name == "ghsa";
        text.push_str(&format!("[sources.{}]\nenabled = {on}\n", source.name));
        if on {
            text.push_str(&format!("addresses = ['{address}/all.json']\n"));
        }
    }
    write_settings(bench, &text);
}

fn write_settings(bench: &Bench, text: &str) {
    fs::create_dir_all(bench.path("home/.config/palisade")).unwrap();
    fs::write(bench.path("home/.config/palisade/sources.toml"), text).unwrap();
}

#[test]
fn fetches_what_is_new_and_keeps_the_old_on_failure() {
    let edition = Arc::new(AtomicUsize::new(0));
    let server = publisher(&edition);
    let bench = Bench::new();
    settings(&bench, &server.address);
    let failed = bench.run("palisade", &["db", "update"]);
    let said = String::from_utf8_lossy(&failed.stderr).into_owned();
    assert!(failed.status.code() == Some(1) && said.contains("answered 404") && said.contains("hint: "), "{said}");

    edition.store(1, Ordering::Relaxed);
    assert!(bench.text("grype", &["db", "check"], 100).contains("No installed DB version found"));
    assert_eq!(bench.text("grype", &["db", "update"], 0), "Vulnerability database updated to latest version!\n");
    assert_eq!(bench.text("grype", &["db", "update"], 0), "No vulnerability database update available\n");
    assert!(bench.text("grype", &["db", "check"], 0).ends_with("No update available\n"));
    assert!(bench.text("palisade", &["db", "search", "log4j-core", "-o", "json"], 0).contains("2.13.1"));

    edition.store(2, Ordering::Relaxed);
    let check = bench.text("grype", &["db", "check", "-o", "json"], 100);
    let check: serde_json::Value = serde_json::from_str(&check).unwrap();
    assert!(check["updateAvailable"] == true && check["currentDB"]["built"] == "2026-01-01T00:00:00Z", "{check}");
    bench.text("grype", &["db", "update"], 0);
    assert!(bench.text("palisade", &["db", "search", "log4j-core", "-o", "json"], 0).contains("2.13.2"));

    edition.store(0, Ordering::Relaxed);
    let stale = bench.run("palisade", &["db", "update"]);
    let said = String::from_utf8_lossy(&stale.stderr).into_owned();
    assert!(stale.status.success() && said.contains("what was fetched before is used"), "{said}");
    assert!(bench.text("palisade", &["db", "search", "log4j-core", "-o", "json"], 0).contains("2.13.2"));
    let asked = server.requests.try_iter().filter(|request| request.method == "HEAD").count();
    assert_eq!(asked, 2, "a check fetches nothing");
}

#[test]
fn a_scan_without_a_database_fetches_what_is_configured() {
    let server = publisher(&Arc::new(AtomicUsize::new(1)));
    let bench = Bench::new();
    settings(&bench, &server.address);
    assert!(bench.text("grype", &["dir:app"], 0).contains("GHSA-jfh8-c2jp-5v3q"));
}

#[test]
fn takes_a_database_that_was_made_elsewhere() {
    let maker = Bench::new();
    maker.build_database();
    let database = fs::read(maker.path("cache/palisade/advisories.db")).unwrap();
    let digest = feeds::sha256(&maker.path("cache/palisade/advisories.db")).unwrap();
    let whole = database.clone();
    let server = start(move |_, request| match request.path.split('?').next() {
        Some("/whole.db") if request.header("if-none-match") == "\"1\"" => answer("304 Not Modified", "", 0, b""),
        Some("/whole.db") => ok("ETag: \"1\"\r\n", &whole),
        _ => ok("", &whole[..whole.len() / 2]),
    });
    let bench = Bench::new();
    let at = |path: &str| format!("{}{path}", server.address);
    write_settings(&bench, &format!("database = '{}'", at("/whole.db")));
    assert!(bench.text("palisade", &["db", "update"], 0).contains("updated"));
    assert!(bench.text("palisade", &["db", "update"], 0).contains("No vulnerability database update"));
    assert!(bench.text("palisade", &["scan", "dir:app"], 0).contains("GHSA-jfh8-c2jp-5v3q"));

    let imported = |query: &str, code| bench.text("grype", &["db", "import", &at(query)], code);
    imported(&format!("/whole.db?checksum=sha256:{digest}"), 0);
    imported(&format!("/whole.db?checksum=sha256:{}", "0".repeat(64)), 1);
    imported("/half.db", 1);
    write_settings(&bench, &format!("database = '{}'", at("/half.db")));
    bench.text("palisade", &["db", "update"], 1);
    assert_eq!(fs::read(bench.path("cache/palisade/advisories.db")).unwrap(), database, "the old one stays");
}

#[test]
fn the_database_is_searched_as_the_peers() {
    let bench = Bench::new();
    bench.build_database();
    let table = bench.text("grype", &["db", "search", "--pkg", "log4j-core"], 0);
    let words: Vec<&str> = table.lines().nth(1).unwrap().split_whitespace().collect();
    let expected =
        ["GHSA-jfh8-c2jp-5v3q", "org.apache.logging.log4j:log4j-core", "java-archive", "github:language:java"];
    assert_eq!(words[..4], expected, "{table}");
    assert!(table.contains(">= 2.13.0, < 2.15.0"), "{table}");
    let json = |arguments: &[&str]| -> serde_json::Value {
        serde_json::from_str(&bench.text("grype", &[&["db", "search", "-o", "json"], arguments].concat(), 0)).unwrap()
    };
    let found = json(&["--vuln", "CVE-2021-44228", "--ecosystem", "maven", "--fixed-state", "fixed"]);
    let range = &found[0]["packages"][0]["detail"]["ranges"][0];
    assert_eq!(range["version"], serde_json::json!({"type": "maven", "constraint": ">= 2.13.0, < 2.15.0"}));
    assert_eq!(range["fix"], serde_json::json!({"version": "2.15.0", "state": "fixed"}));
    assert_eq!(found[0]["vulnerability"]["provider"], "github");
    assert_eq!(json(&["--pkg", "log4j-core", "--distro", "debian:12"]), serde_json::json!([]));
    assert_eq!(json(&["vuln", "CVE-2021-44228"])[0]["affected_packages"], 1);
    let by_both = json(&["vuln", "CVE-2021-44228", "GHSA-jfh8-c2jp-5v3q"]);
    assert_eq!(by_both.as_array().map(Vec::len), Some(1), "{by_both}");
    bench.text("grype", &["db", "search"], 1);
    bench.text("grype", &["db", "search", "--pkg", "log4j-core", "--provider", "nobody"], 1);
    bench.text("grype", &["db", "search", "--pkg", "log4j-core", "--fixed-state", "nonsense"], 1);
}
