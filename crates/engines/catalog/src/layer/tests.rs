use super::*;
use crate::{Want, plan::Plan};

/// Wants every text file and keeps its content.
struct Texts;

impl crate::Cataloger for Texts {
    fn name(&self) -> &'static str {
        "texts"
    }
    fn tags(&self) -> &'static [&'static str] {
        &[]
    }
    fn wants(&self) -> &'static [Want] {
        &[Want::Glob("**/*.txt")]
    }
    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        if file.bytes.starts_with(b"bad") {
            return Err(ParseError::malformed("bad text"));
        }
        out.kept = file.bytes.to_vec();
        Ok(())
    }
}

/// One ustar block with a right checksum, the content and its padding.
pub(crate) fn tar_entry(path: &str, flag: u8, link: &str, content: &[u8]) -> Vec<u8> {
    let mut block = [0_u8; 512];
    block[..path.len()].copy_from_slice(path.as_bytes());
    block[100..107].copy_from_slice(b"0000644");
    block[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
    block[156] = flag;
    block[157..157 + link.len()].copy_from_slice(link.as_bytes());
    block[257..265].copy_from_slice(b"ustar\x0000");
    seal(&mut block);
    let mut out = block.to_vec();
    out.extend_from_slice(content);
    out.resize(out.len().next_multiple_of(512), 0);
    out
}

fn seal(block: &mut [u8; 512]) {
    block[148..156].copy_from_slice(b"        ");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

fn pax(records: &[(&str, &str)]) -> Vec<u8> {
    let mut data = String::new();
    for (key, value) in records {
        let base = key.len() + value.len() + 3;
        let mut length = base + 1;
        while length != base + length.to_string().len() {
            length += 1;
        }
        data.push_str(&format!("{length} {key}={value}\n"));
    }
    tar_entry("pax", b'x', "", data.as_bytes())
}

fn scan(tar: &[u8]) -> Result<LayerFacts, ParseError> {
    let budget = Budget::new(1 << 20);
    let plan = Plan::new(vec![&Texts]);
    scan_tar(tar, &plan, LayerOptions { max_file_bytes: 4 << 20, ..LayerOptions::new(&budget) })
}

fn check(parts: &[Vec<u8>], expected: &[(&str, &str)]) -> LayerFacts {
    let mut tar = parts.concat();
    tar.extend_from_slice(&[0; 1024]);
    let facts = scan(&tar).unwrap();
    let found: Vec<(&str, String)> = facts
        .extractions
        .iter()
        .map(|x| (facts.entries[x.entry as usize].path.as_str(), String::from_utf8_lossy(&x.body.kept).into_owned()))
        .collect();
    let expected: Vec<(&str, String)> = expected.iter().map(|(path, text)| (*path, (*text).to_owned())).collect();
    assert_eq!(found, expected);
    facts
}

fn digests(content: &[u8]) -> ([u8; 20], [u8; 32]) {
    let mut fact = FileFact::default();
    FileDigests::ALL.of(content, &mut fact);
    (fact.sha1, fact.sha256)
}

#[test]
fn plain_files_links_and_whiteouts() {
    let facts = check(
        &[
            tar_entry("./b.txt", b'0', "", b"two"),
            tar_entry("a.txt", b'0', "", b"one"),
            tar_entry("b.txt", b'0', "", b"three"),
            tar_entry("dir/", b'5', "", b""),
            tar_entry("dir/link", b'2', "../a.txt", b""),
            tar_entry("dir/hard", b'1', "a.txt", b""),
            tar_entry("dir/.wh.gone", b'0', "", b""),
            tar_entry("old/.wh..wh..opq", b'0', "", b""),
        ],
        &[("/a.txt", "one"), ("/b.txt", "three")],
    );
    assert_eq!(facts.whiteouts, ["/dir/gone"]);
    assert_eq!(facts.opaque, ["/old"]);
    let hard = facts.entries.iter().find(|entry| entry.path == "/dir/hard").unwrap();
    assert_eq!((hard.kind, hard.link_target.as_str()), (FileKind::HardLink, "/a.txt"));
    let found = facts.entries.iter().find(|e| e.path == "/a.txt").unwrap();
    assert_eq!((found.sha1, found.sha256), digests(b"one"));
}

#[test]
fn hard_links_are_files() {
    let tar = [
        tar_entry("a.txt", b'0', "", b"one"),
        tar_entry("b.bin", b'0', "", b"two"),
        tar_entry("c.txt", b'1', "a.txt", b""),
        tar_entry("d.txt", b'1', "e.bin", b""),
        tar_entry("e.bin", b'1', "b.bin", b""),
        tar_entry("f.txt", b'1', "g.txt", b""),
        tar_entry("g.txt", b'1', "f.txt", b""),
        vec![0; 1024],
    ]
    .concat();
    let (budget, plan) = (Budget::new(1 << 20), Plan::new(vec![&Texts]));
    let options = LayerOptions::new(&budget);
    let mut facts = scan(&tar).unwrap();
    let links = Links::resolve(&mut facts, &plan);
    let facts = links.scan(&*tar, facts, &plan, options).unwrap();
    let path = |x: &Extracted| facts.entries[x.entry as usize].path.clone();
    let text = |x: &Extracted| String::from_utf8_lossy(&x.body.kept).into_owned();
    let found: Vec<String> = facts.extractions.iter().map(|x| format!("{} {}", path(x), text(x))).collect();
    assert_eq!(found, ["/a.txt one", "/c.txt one", "/d.txt two"]);
    let kinds: Vec<bool> = facts.entries.iter().map(|entry| entry.kind == FileKind::Regular).collect();
    assert_eq!(kinds, [true, true, true, true, true, false, false]);
    assert_eq!(facts.entries[4].sha256, digests(b"two").1);
}

#[test]
fn long_names() {
    let long = format!("{}/x.txt", "d".repeat(200));
    let mut gnu = long.clone().into_bytes();
    gnu.push(0);
    check(
        &[tar_entry("././@LongLink", b'L', "", &gnu), tar_entry("short", b'0', "", b"gnu")],
        &[(&format!("/{long}"), "gnu")],
    );
    check(&[pax(&[("path", &long)]), tar_entry("short", b'0', "", b"pax")], &[(&format!("/{long}"), "pax")]);
}

#[test]
fn sparse_files() {
    let one = "2\n0\n3\n6\n2\n";
    let mut data = one.as_bytes().to_vec();
    data.resize(512, 0);
    data.extend_from_slice(b"abcde");
    let records = [
        ("GNU.sparse.major", "1"),
        ("GNU.sparse.minor", "0"),
        ("GNU.sparse.name", "s.txt"),
        ("GNU.sparse.realsize", "9"),
    ];
    check(
        &[pax(&records), tar_entry("GNUSparseFile.0/s.txt", b'0', "", &data), tar_entry("z.txt", b'0', "", b"z")],
        &[("/s.txt", "abc\0\0\0de\0"), ("/z.txt", "z")],
    );
}

#[test]
fn holes_of_terabytes_take_no_time() {
    let sparse = |path: &str, size: &str| {
        let records = [("GNU.sparse.map", "0,3"), ("GNU.sparse.numblocks", "1"), ("GNU.sparse.size", size)];
        [pax(&records), tar_entry(path, b'0', "", b"abc")].concat()
    };
    let parts = [sparse("wanted.txt", "500000000000"), sparse("other", "500000000000"), sparse("small.txt", "6")];
    let facts = check(&parts, &[("/small.txt", "abc\0\0\0")]);
    assert_eq!(
        facts.unknowns.iter().map(|unknown| unknown.path.as_str()).collect::<Vec<_>>(),
        ["/other", "/wanted.txt"]
    );
    assert!(facts.unknowns.iter().all(|unknown| unknown.cause.contains("holes")));
}

#[test]
fn files_over_the_window_and_over_the_budget() {
    let large = vec![b'x'; 3 << 20];
    let facts = check(
        &[tar_entry("l.txt", b'0', "", &large), tar_entry("m.bin", b'0', "", &large)],
        &[("/l.txt", std::str::from_utf8(&large).unwrap())],
    );
    assert_eq!(facts.entries[0].sha256, facts.entries[1].sha256);
    let huge = vec![b'x'; 5 << 20];
    let facts = check(&[tar_entry("h.txt", b'0', "", &huge)], &[]);
    assert_eq!(facts.unknowns[0].path, "/h.txt");
}

/// Keeps the beginning, the middle and the end of programs.
struct Programs;

impl crate::Cataloger for Programs {
    fn name(&self) -> &'static str {
        "programs"
    }
    fn tags(&self) -> &'static [&'static str] {
        &[]
    }
    fn wants(&self) -> &'static [Want] {
        &[Want::Executable]
    }
    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        out.kept = [0, 16 << 20, file.bytes.len() - 1].map(|at| file.bytes[at]).to_vec();
        Ok(())
    }
}

#[test]
fn large_programs_come_without_their_code_and_with_the_digest_of_all() {
    let mut program = vec![b'x'; 33 << 20];
    program[..64].fill(0);
    program[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    program[32] = 64; // one program header after the file header
    program[54] = 56;
    program[56] = 1;
    program[64..120].fill(0);
    program[64] = 1; // loaded
    program[68] = 5; // read and executed
    program[64 + 32..64 + 36].copy_from_slice(&(32_u32 << 20).to_le_bytes());
    let mut tar = tar_entry("tool", b'0', "", &program);
    tar.extend_from_slice(&[0; 1024]);
    for (catalogers, kept) in [
        (vec![&Programs as &'static dyn crate::Cataloger], [0x7f, 0, b'x']),
        (vec![&Programs, &Tools], [0x7f, b'x', b'x']),
    ] {
        let budget = Budget::new(1 << 20);
        let facts = scan_tar(tar.as_slice(), &Plan::new(catalogers), LayerOptions::new(&budget)).unwrap();
        assert_eq!((facts.entries[0].sha1, facts.entries[0].sha256), digests(&program));
        let of_programs =
            facts.extractions.iter().find(|extracted| extracted.cataloger == crate::Cataloger::name(&Programs));
        assert_eq!(of_programs.unwrap().body.kept, kept);
    }
}

/// Wants a program for its name, and so all of it.
struct Tools;

impl crate::Cataloger for Tools {
    fn name(&self) -> &'static str {
        "tools"
    }
    fn tags(&self) -> &'static [&'static str] {
        &[]
    }
    fn wants(&self) -> &'static [Want] {
        &[Want::Glob("**/tool")]
    }
    fn extract(&self, _file: &File<'_>, _out: &mut Extraction) -> Result<(), ParseError> {
        Ok(())
    }
}

#[test]
fn unreadable_files_are_reported_and_the_rest_is_read() {
    let facts = check(
        &[
            tar_entry("../../etc/x.txt", b'0', "", b"out"),
            tar_entry("bad.txt", b'0', "", b"bad"),
            tar_entry("good.txt", b'0', "", b"good"),
        ],
        &[("/good.txt", "good")],
    );
    let causes: Vec<_> = facts.unknowns.iter().map(|unknown| (unknown.path.as_str(), unknown.cause.as_str())).collect();
    assert_eq!(causes, [("../../etc/x.txt", "a path that leaves the image"), ("/bad.txt", "bad text")]);
}

#[test]
fn cut_and_corrupt_archives_are_errors() {
    let whole = [tar_entry("a.txt", b'0', "", &[b'x'; 2000]), vec![0; 1024]].concat();
    for length in [1, 511, 513, 1500, 2511] {
        assert!(scan(&whole[..length]).is_err(), "{length}");
    }
    assert!(scan(&whole[..512 + 2048]).is_ok(), "an end marker is not required");
    let mut wrong = whole;
    wrong[0] ^= 1;
    assert!(scan(&wrong).is_err());
}

proptest::proptest! {
    #[test]
    fn never_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..2048), at in 0_usize..512) {
        let mut tar = tar_entry("a.txt", b'0', "", &bytes);
        drop(scan(&tar));
        if let Some(byte) = tar.get_mut(at) {
            *byte ^= 0x55;
        }
        let mut block: [u8; 512] = tar[..512].try_into().unwrap();
        seal(&mut block);
        tar[..512].copy_from_slice(&block);
        drop(scan(&tar));
        drop(scan(&bytes));
    }
}
