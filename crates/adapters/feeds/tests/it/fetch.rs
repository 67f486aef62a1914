//! Fetching: only what changed, resumed where it was cut, never half a file.

use std::io::Write;
use std::path::Path;

use feeds::{Config, FeedError, Outcome, update};

use crate::server::{Server, answer, ok, start};

const KEV: &[u8] = br#"{"catalogVersion":"1","vulnerabilities":[{"cveID":"CVE-2024-1","dateAdded":"2024-01-01"}]}"#;

/// A configuration with one source on, at one address.
fn config(source: &str, address: &str) -> Config {
    let mut text =
        String::from("[limits]\nretries = 2\nretry_milliseconds = 1\ntimeout_seconds = 5\nfile_bytes = 4096\n");
    for known in feeds::SOURCES {
        let enabled = known.name == source;
        text.push_str(&format!("[sources.{}]\nenabled = {enabled}\n", known.name));
        if enabled {
            text.push_str(&format!("addresses = ['{address}']\n"));
        }
    }
    Config::from_toml(&text).unwrap()
}

fn fetch(cache: &Path, source: &str, server: &Server, path: &str) -> Outcome {
    let mut done = update(cache, &config(source, &format!("{}{path}", server.address)), &|_| ()).unwrap();
    assert_eq!(done.len(), 1);
    done.remove(0).outcome
}

#[test]
fn fetches_once_and_then_only_what_changed() {
    let server = start(|number, _| match number {
        0 => ok("ETag: \"1\"\r\nLast-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n", KEV),
        _ => answer("304 Not Modified", "", 0, b""),
    });
    let cache = tempfile::tempdir().unwrap();
    assert!(matches!(fetch(cache.path(), "kev", &server, "/kev.json"), Outcome::Changed(n) if n == KEV.len() as u64));
    assert!(matches!(fetch(cache.path(), "kev", &server, "/kev.json"), Outcome::Unchanged));
    let requests: Vec<_> = server.requests.try_iter().collect();
    assert_eq!(requests[0].header("if-none-match"), "");
    assert_eq!(requests[1].header("if-none-match"), "\"1\"");
    assert_eq!(requests[1].header("if-modified-since"), "Mon, 01 Jan 2024 00:00:00 GMT");
    let mut items = Vec::new();
    let report = feeds::read_folder(cache.path(), &Config::default(), &mut |item| items.push(item)).unwrap();
    assert_eq!((items.len(), report.sources["kev"].licence.as_str()), (1, "CC0-1.0"));
}

#[test]
fn tells_what_is_newer_without_fetching_it() {
    let server = start(|number, request| match (number, request.method.as_str()) {
        (0, "HEAD") => ok("", b""),
        (1, "GET") => ok("ETag: \"1\"\r\n", KEV),
        (2, "HEAD") => answer("304 Not Modified", "", 0, b""),
        (3, "HEAD") => answer("200 OK", "ETag: \"1\"\r\n", 7, b""),
        (4, "HEAD") => answer("200 OK", "ETag: \"2\"\r\n", 7, b""),
        other => panic!("{other:?}"),
    });
    let cache = tempfile::tempdir().unwrap();
    let config = config("kev", &format!("{}/kev.json", server.address));
    let ask = || feeds::check(cache.path(), &config, &|_| ()).unwrap().remove(0).outcome;
    assert!(matches!(ask(), Outcome::Changed(0)));
    assert!(!cache.path().join("kev").exists());
    update(cache.path(), &config, &|_| ()).unwrap();
    assert!(matches!(ask(), Outcome::Unchanged));
    assert!(matches!(ask(), Outcome::Unchanged), "the server ignores the condition");
    assert!(matches!(ask(), Outcome::Changed(7)));
    assert_eq!(std::fs::read(cache.path().join("kev/kev.json")).unwrap(), KEV);
}

#[test]
fn removes_what_is_configured_no_more() {
    let server = start(|_, _| ok("ETag: \"1\"\r\n", KEV));
    let cache = tempfile::tempdir().unwrap();
    for path in ["/old.json", "/new.json"] {
        fetch(cache.path(), "kev", &server, path);
    }
    let mut names: Vec<_> =
        std::fs::read_dir(cache.path().join("kev")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, [".new.json.state", "new.json"]);
}

#[test]
fn goes_on_where_it_was_cut() {
    let half = KEV.len() / 2;
    let server = start(move |number, request| match number {
        0 => answer("200 OK", "ETag: \"1\"\r\n", KEV.len(), &KEV[..half]),
        1 => answer("503 Service Unavailable", "Retry-After: 0\r\n", 0, b""),
        _ => {
            assert_eq!(
                (request.header("range"), request.header("if-range")),
                (format!("bytes={half}-").as_str(), "\"1\"")
            );
            let range = format!("ETag: \"1\"\r\nContent-Range: bytes {half}-{}/{}\r\n", KEV.len() - 1, KEV.len());
            answer("206 Partial Content", &range, KEV.len() - half, &KEV[half..])
        }
    });
    let cache = tempfile::tempdir().unwrap();
    assert!(matches!(fetch(cache.path(), "kev", &server, "/kev.json"), Outcome::Changed(_)));
    assert_eq!(std::fs::read(cache.path().join("kev/kev.json")).unwrap(), KEV);
}

#[test]
fn keeps_the_old_file_when_it_fails() {
    let server = start(|number, _| match number {
        0 => ok("ETag: \"1\"\r\n", KEV),
        1..=3 => answer("500 Internal Server Error", "", 0, b""),
        4 => ok("", &[b' '; 5000]),
        _ => answer("404 Not Found", "", 0, b""),
    });
    let cache = tempfile::tempdir().unwrap();
    assert!(matches!(fetch(cache.path(), "kev", &server, "/kev.json"), Outcome::Changed(_)));
    let failures = [
        fetch(cache.path(), "kev", &server, "/kev.json"),
        fetch(cache.path(), "kev", &server, "/kev.json"),
        fetch(cache.path(), "kev", &server, "/kev.json"),
    ];
    assert!(matches!(&failures[0], Outcome::Failed(FeedError::Status { status: 500, .. })), "{failures:?}");
    assert!(matches!(&failures[1], Outcome::Failed(FeedError::TooLarge { limit_bytes: 4096, .. })), "{failures:?}");
    assert!(matches!(&failures[2], Outcome::Failed(FeedError::Status { status: 404, .. })), "{failures:?}");
    assert_eq!(std::fs::read(cache.path().join("kev/kev.json")).unwrap(), KEV);
}

#[test]
fn checks_the_published_digest() {
    let plain = br#"{"resultsPerPage":0,"vulnerabilities":[]}"#;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(plain).unwrap();
    let page = encoder.finish().unwrap();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, plain);
    let digest: String = digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    let server = start(move |_, request| match request.path.as_str() {
        "/n-2023.meta" => ok("", format!("size:1\r\nsha256:{digest}\r\n").as_bytes()),
        "/n-2024.meta" => ok("", format!("sha256:{}\r\n", "0".repeat(64)).as_bytes()),
        "/n-2025.meta" => answer("404 Not Found", "", 0, b""),
        _ => ok("", &page),
    });
    let cache = tempfile::tempdir().unwrap();
    let right = fetch(cache.path(), "nvd", &server, "/n-2023.json.gz");
    assert!(matches!(right, Outcome::Changed(_)), "{right:?}");
    let wrong = fetch(cache.path(), "nvd", &server, "/n-2024.json.gz");
    assert!(matches!(wrong, Outcome::Failed(FeedError::Checksum { .. })), "{wrong:?}");
    assert!(!cache.path().join("nvd/n-2024.json.gz").exists());
    let unpublished = fetch(cache.path(), "nvd", &server, "/n-2025.json.gz");
    assert!(matches!(unpublished, Outcome::Changed(_)), "{unpublished:?}");
}

#[test]
fn finds_the_latest_archive() {
    let server = start(|_, request| match request.path.as_str() {
        "/vex/archive_latest.txt" => ok("", b"csaf_vex_2026-01-01.tar.zst\n"),
        "/vex/csaf_vex_2026-01-01.tar.zst" => ok("", b"x"),
        "/bad/archive_latest.txt" => ok("", b"../../etc/passwd"),
        _ => answer("404 Not Found", "", 0, b""),
    });
    let cache = tempfile::tempdir().unwrap();
    assert!(matches!(fetch(cache.path(), "redhat", &server, "/vex/archive_latest.txt"), Outcome::Changed(1)));
    let bad = fetch(cache.path(), "redhat", &server, "/bad/archive_latest.txt");
    assert!(matches!(bad, Outcome::Failed(FeedError::Address { .. })), "{bad:?}");
}

#[test]
fn refuses_addresses_without_https() {
    let cache = tempfile::tempdir().unwrap();
    for address in ["http://example.org/kev.json", "ftp://127.0.0.1/kev.json", "file:///etc/passwd", "kev.json"] {
        let done = update(cache.path(), &config("kev", address), &|_| ()).unwrap();
        assert!(matches!(done[0].outcome, Outcome::Failed(FeedError::Address { .. })), "{done:?}");
    }
}
