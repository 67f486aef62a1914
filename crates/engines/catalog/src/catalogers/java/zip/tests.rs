use super::super::testing::archive;
use super::*;

fn read_all(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, ParseError> {
    let archive = Archive::open(bytes)?;
    archive
        .entries()
        .map(|entry| {
            let entry = entry?;
            Ok((entry.name.to_string(), archive.read(&entry, 1 << 20)?.bytes.into_owned()))
        })
        .collect()
}

fn check(bytes: &[u8], expected: &[(&str, &[u8])]) {
    let found = read_all(bytes).unwrap();
    let expected: Vec<_> = expected.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())).collect();
    assert_eq!(found, expected);
}

fn cause(bytes: &[u8]) -> String {
    read_all(bytes).unwrap_err().to_string()
}

#[test]
fn stored_and_deflated() {
    let long = vec![7; 100_000];
    let entries: &[(&str, &[u8])] = &[("a.jar", b"stored"), ("b", &long), ("empty", b"")];
    check(&archive(entries), entries);
    check(&archive::<&str, &[u8]>(&[]), &[]);
}

#[test]
fn a_launcher_may_stand_before_and_a_comment_behind() {
    let entries: &[(&str, &[u8])] = &[("a", b"text")];
    let mut bytes = b"#!/bin/sh\nexec java -jar $0\n".to_vec();
    bytes.extend(archive(entries));
    check(&bytes, entries);
    let length = bytes.len();
    bytes[length - 2] = 5;
    bytes.extend(b"PK\x05\x06!");
    check(&bytes, entries);
}

#[test]
fn the_directory_is_trusted_and_a_difference_reported() {
    let mut bytes = archive(&[("name", b"text")]);
    bytes[30] = b'N';
    let archive = Archive::open(&bytes).unwrap();
    let entry = archive.entries().next().unwrap().unwrap();
    assert_eq!(entry.name, "name");
    let content = archive.read(&entry, 100).unwrap();
    assert_eq!(&*content.bytes, b"text");
    assert_eq!(content.mismatch, Some("the local header has another name than the directory"));
}

#[test]
fn bounds() {
    let bytes = archive(&[("a", vec![0; 5000])]);
    let archive = Archive::open(&bytes).unwrap();
    let mut entry = archive.entries().next().unwrap().unwrap();
    assert!(matches!(archive.read(&entry, 4999), Err(ParseError::Limit { .. })));
    entry.size = 4999;
    assert!(archive.read(&entry, 1 << 40).is_err());
    entry.size = 5001;
    assert!(archive.read(&entry, 1 << 40).is_err());
    entry.size = 1 << 39;
    assert!(archive.read(&entry, 1 << 40).is_err());
}

#[test]
fn broken() {
    let good = archive(&[("a", b"some text, some text, some text")]);
    assert_eq!(cause(b"nonsense"), "not a zip archive: no end record");
    assert_eq!(cause(&[]), "not a zip archive: no end record");
    let mut corrupt = good.clone();
    corrupt[33] ^= 0xff;
    assert!(read_all(&corrupt).is_err());
    let mut encrypted = good.clone();
    let central = memchr::memmem::find(&good, b"PK\x01\x02").unwrap();
    encrypted[central + 8] |= 1;
    assert_eq!(cause(&encrypted), "the entry is encrypted");
    let mut checksum = good.clone();
    checksum[central + 16] ^= 1;
    assert_eq!(cause(&checksum), "the checksum of the entry does not match");
    let mut method = good;
    method[central + 10] = 12;
    assert_eq!(cause(&method), "compression method 12 is not supported");
}

proptest::proptest! {
    #[test]
    fn never_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        drop(read_all(&bytes));
    }

    #[test]
    fn never_panics_on_changed_archives(changes in proptest::collection::vec((0_usize..400, proptest::num::u8::ANY), 1..6)) {
        let mut bytes = archive(&[("META-INF/MANIFEST.MF", b"Manifest-Version: 1.0\n".as_slice()), ("a.jar", b"x")]);
        let length = bytes.len();
        for (at, byte) in changes {
            bytes[at % length] = byte;
        }
        drop(read_all(&bytes));
    }
}
