use super::*;
use std::io::Write;

fn facts(path: &str) -> FileFacts {
    FileFacts { path: path.to_owned(), date: String::new() }
}

/// Splits a file with this name and these bytes; each chunk as a text.
fn split(name: &str, bytes: &[u8], limits: Limits) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, bytes).unwrap();
    let mut chunks = Vec::new();
    let mut send = |chunk| {
        chunks.push(match chunk {
            Chunk::Documents(list) => list
                .iter()
                .map(|d| format!("{} {}", d.entry, String::from_utf8_lossy(&d.bytes)))
                .collect::<Vec<_>>()
                .join("|"),
            Chunk::Lines { first, bytes, .. } => format!("{first}: {}", String::from_utf8_lossy(&bytes)),
            Chunk::Unread { cause, .. } => format!("unread: {cause}"),
        });
        true
    };
    let mut splitter = Splitter::new(limits, &mut send);
    splitter.file(&path, facts(name));
    splitter.finish();
    chunks
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zipped(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn tarred(entries: &[(&str, u8, &[u8])]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (name, kind, bytes) in entries {
        let mut header = [0_u8; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[124..135].copy_from_slice(format!("{:011o}", bytes.len()).as_bytes());
        header[156] = *kind;
        header[257..262].copy_from_slice(b"ustar");
        archive.extend(header);
        archive.extend(*bytes);
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.extend([0; 1024]);
    archive
}

#[test]
fn reads_plain_and_compressed_documents() {
    let limits = Limits::default();
    assert_eq!(split("a.json", b"{}", limits), [" {}"]);
    assert_eq!(split("a.json.gz", &gzip(b"{}"), limits), [" {}"]);
    assert_eq!(split("a.json.zst", &zstd::encode_all(&b"{}"[..], 1).unwrap(), limits), [" {}"]);
}

#[test]
fn numbers_lines_across_chunks() {
    let line = format!("{{\"x\":\"{}\"}}\n", "y".repeat(400 << 10));
    let chunks = split("a.jsonl", line.repeat(6).as_bytes(), Limits::default());
    let mut next = 1;
    for chunk in &chunks {
        assert_eq!(chunk.split(':').next(), Some(next.to_string().as_str()));
        next += chunk.matches('\n').count();
    }
    assert!(next == 7 && chunks.len() > 2, "{next}");
    assert_eq!(split("a", b"{}\n{\"a\":1}", Limits::default()), ["1: {}\n{\"a\":1}"]);
    assert_eq!(split("a", b"{\n}", Limits::default()), [" {\n}"]);
}

#[test]
fn reads_archives() {
    let limits = Limits::default();
    let inner = zipped(&[("deep.json", b"{\"d\":1}")]);
    let outer = zipped(&[("a/b.json", b"{}"), ("readme.md", b"no"), ("in.zip", &inner), ("c.jsonl", b"{}\n")]);
    assert_eq!(split("all.zip", &outer, limits), ["a/b.json {}|in.zip/deep.json {\"d\":1}", "1: {}\n"]);
    let long = b"28 path=2024/cve-2024-1.json\n";
    let tar = tarred(&[("pax", b'x', long), ("short", b'0', b"{}"), ("b.json", 0, b"[]"), ("d.json", b'5', b"")]);
    assert_eq!(split("x.tar.gz", &gzip(&tar), limits), ["2024/cve-2024-1.json {}|b.json []"]);
}

#[test]
fn stays_within_limits() {
    let limits = Limits { document_bytes: 2 << 20, unpacked_bytes: 6 << 20, entries: 2, ..Limits::default() };
    let check = |name: &str, bytes: &[u8], cause: &str| {
        let chunks = split(name, bytes, limits);
        assert!(chunks.iter().any(|chunk| chunk.contains("unread") && chunk.contains(cause)), "{name}");
    };
    let zeros = vec![b' '; 8 << 20];
    check("a.json", &zeros, "document larger");
    check("a.jsonl", &zeros, "line larger");
    check("a.jsonl.gz", &gzip(&b"{}\n".repeat(3 << 20)), "unpacked file larger");
    check("a.zip", &zipped(&[("a.json", &zeros)]), "a.json larger");
    check("a.zip", &zipped(&[("a.json", b""), ("b.json", b""), ("c.json", b"")]), "archive larger");
    check("a.tar", &tarred(&[("a.json", b'0', &zeros)]), "tar entry larger");
    check("a.zip", b"PK\x03\x04 no archive", "");
    check("a.json.gz", b"\x1f\x8b\x08 cut", "");
    check("a.json.zst", b"\x28\xb5\x2f\xfd cut", "");
    let tiny = Limits { file_bytes: 1, ..limits };
    assert!(split("a.json", b"{}", tiny)[0].contains("file larger"));
}
