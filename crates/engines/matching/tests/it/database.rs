use crate::world::{affected, build, by_cpe, distro, record, with_aliases};
use advisory::{Ecosystem, Kev, Record, Reference};
use matching::database::{Builder, Database, DatabaseError, EndOfLife, SourceReport};
use proptest::prelude::*;
use std::sync::LazyLock;

fn records() -> Vec<Record> {
    let mut log4j = record(
        "GHSA-jfh8-c2jp-5v3q",
        "github:language:java",
        vec![affected(Ecosystem::Maven, "org.apache.logging.log4j:log4j-core", "2.0-beta9..2.15.0")],
    );
    log4j.details = "Log4Shell".repeat(10);
    log4j.references = vec![Reference { url: "https://example.org/a".to_owned(), tags: vec!["advisory".to_owned()] }];
    log4j.cwes = vec!["CWE-502".to_owned()];
    vec![
        with_aliases(log4j, &["CVE-2021-44228"]),
        record("CVE-2021-44228", "nvd:cpe", vec![by_cpe("apache:log4j", "2.0..2.15.0")]),
        record("CVE-2022-1", "debian:distro:debian:12", vec![affected(distro("debian", "12"), "bash", "..5.2-1")]),
    ]
}

fn full() -> Vec<u8> {
    let mut builder = Builder::new("2026-01-02T03:04:05Z");
    for record in records() {
        builder.add(&record).unwrap();
    }
    builder.add_kev(Kev { cve: "CVE-2021-44228".to_owned(), ransomware: "Known".to_owned(), ..Kev::default() });
    builder.add_epss("CVE-2021-44228", 0.944_82, 0.999_73);
    builder.set_epss_date("2026-01-01");
    builder.add_eol(EndOfLife { distro: "debian".to_owned(), release: "10".to_owned(), ..EndOfLife::default() });
    builder.add_source(SourceReport { name: "nvd".to_owned(), records: 1, ..SourceReport::default() });
    let mut bytes = Vec::new();
    builder.finish(&mut bytes).unwrap();
    bytes
}

#[test]
fn what_was_added_is_found() {
    let bytes = full();
    let database = Database::open(&bytes).unwrap();
    database.verify().unwrap();
    let claims: Vec<_> = database.claims("maven", "org.apache.logging.log4j:LOG4J-core").unwrap().collect();
    assert_eq!(claims.len(), 1);
    let claim = claims[0].clone().unwrap();
    let advisory = database.advisory(claim.record).unwrap();
    assert_eq!((advisory.id, advisory.aliases.as_slice()), ("GHSA-jfh8-c2jp-5v3q", &["CVE-2021-44228"][..]));
    let text = database.texts().of(&advisory).unwrap();
    assert_eq!(text.details, "Log4Shell".repeat(10));
    assert_eq!(text.packages, [("maven".to_owned(), "org.apache.logging.log4j:log4j-core".to_owned())]);
    let found: Vec<&str> = database.find("cve-2021-44228").unwrap().iter().map(|found| found.id).collect();
    assert_eq!(found, ["CVE-2021-44228", "GHSA-jfh8-c2jp-5v3q"]);
    assert_eq!(database.products("log4j").unwrap(), ["a:apache:log4j"]);
    assert_eq!(database.ecosystems().unwrap(), ["cpe", "debian:12", "maven"]);
    assert_eq!(database.epss("CVE-2021-44228").unwrap().unwrap().score, 0.944_82);
    assert_eq!(database.exploited("cve-2021-44228").unwrap().unwrap().ransomware, "Known");
    assert_eq!(database.ends_of_life().unwrap().len(), 1);
    assert_eq!(database.facts().records, 3);
    assert_eq!(database.packages().count(), 3);
    assert!(database.claims("maven", "absent").unwrap().next().is_none());
}

#[test]
fn equal_advisories_make_equal_files() {
    let mut reversed = records();
    reversed.reverse();
    reversed.extend(records());
    assert_eq!(build(&records()), build(&reversed));
    assert_ne!(build(&records()), build(&records()[1..]));
}

#[test]
fn damage_is_noticed() {
    let bytes = full();
    for at in [200, bytes.len() / 2, bytes.len() - 9] {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        let noticed = Database::open(&changed).and_then(|database| database.verify());
        assert!(noticed.is_err(), "byte {at}");
    }
    assert!(matches!(Database::open(b"SQLite format 3\0"), Err(DatabaseError::NotADatabase)));
    let mut other = bytes.clone();
    other[8] = 9;
    assert!(matches!(Database::open(&other), Err(DatabaseError::Version { found: 9, known: 1 })));
    assert!(matches!(Database::open(&bytes[..bytes.len() - 8]), Err(DatabaseError::Length { .. })));
}

static FULL: LazyLock<Vec<u8>> = LazyLock::new(full);

/// Header with its digest made right again, so that the reader gets to see the damage behind.
fn forged(mut bytes: Vec<u8>) -> Vec<u8> {
    let sections = u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
    let table_end = 24 + sections * 56;
    if let Some(covered) = bytes.get(..table_end) {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, covered);
        if let Some(place) = bytes.get_mut(table_end..table_end + 32) {
            place.copy_from_slice(digest.as_ref());
        }
    }
    bytes
}

fn read_everything(bytes: &[u8]) -> Result<(), DatabaseError> {
    let database = Database::open(bytes)?;
    let _ = database.verify();
    let mut texts = database.texts();
    for advisory in database.advisories().take(10_000) {
        let _ = texts.of(&advisory?);
    }
    for package in database.packages().take(10_000) {
        let (ecosystem, name) = package?;
        for claim in database.claims(ecosystem, name)? {
            let _ = claim?.scope()?;
        }
    }
    let _ = database.find("CVE-2021-44228")?;
    let _ = database.products("log4j")?;
    let _ = database.exploited("CVE-2021-44228")?;
    let _ = database.epss("CVE-2021-44228")?;
    let _ = database.ends_of_life()?;
    let _ = database.sources()?;
    let _ = database.ecosystems()?;
    Ok(())
}

proptest! {
    #[test]
    fn a_changed_file_never_panics(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12)) {
        let mut bytes = FULL.clone();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let _ = read_everything(&bytes);
        if bytes[12..16] == FULL[12..16] {
            let _ = read_everything(&forged(bytes));
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = read_everything(&bytes);
    }
}
