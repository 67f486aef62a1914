//! Bad input through the binary: an exit code, a clear message, and nothing that looks whole.

use crate::{Bench, archive};
use aws_lc_rs::digest;
use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

/// One ustar entry: its header with a right checksum, the content and its padding.
fn entry(name: &[u8], flag: u8, link: &str, size: usize, content: &[u8]) -> Vec<u8> {
    let mut block = [0_u8; 512];
    block[..name.len()].copy_from_slice(name);
    block[100..107].copy_from_slice(b"0000644");
    block[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
    block[156] = flag;
    block[157..157 + link.len()].copy_from_slice(link.as_bytes());
    block[257..265].copy_from_slice(b"ustar\x0000");
    block[148..156].copy_from_slice(b"        ");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let padding = content.len().next_multiple_of(512) - content.len();
    [&block[..], content, &vec![0; padding]].concat()
}

fn file(name: &str, content: &[u8]) -> Vec<u8> {
    entry(name.as_bytes(), b'0', "", content.len(), content)
}

/// An archive of `docker save` with one layer.
fn image(layer: &[u8]) -> Vec<u8> {
    image_with(layer, &digest::digest(&digest::SHA256, layer))
}

fn image_with(layer: &[u8], digest: &digest::Digest) -> Vec<u8> {
    let hex: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let config =
        format!(r#"{{"architecture":"amd64","os":"linux","rootfs":{{"type":"layers","diff_ids":["sha256:{hex}"]}}}}"#);
    let manifest = br#"[{"Config":"config.json","RepoTags":["a:1"],"Layers":["layer.tar"]}]"#;
    [file("manifest.json", manifest), file("config.json", config.as_bytes()), file("layer.tar", layer), vec![0; 1024]]
        .concat()
}

const LOCK: &[u8] = b"version = 3\n[[package]]\nname = \"good\"\nversion = \"1.0.0\"\n\
    source = \"registry+https://github.com/rust-lang/crates.io-index\"\n";
const APK: &[u8] = b"P:good\nV:1.0.0\nA:x86_64\n\n";

/// Names of what was found, and paths and causes of what was not understood.
fn catalogue(bench: &Bench, source: &str) -> (Vec<String>, String) {
    let text = bench.text("palisade", &["sbom", "-q", source, "-o", "syft-json"], 0);
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let names = document["artifacts"].as_array().unwrap().iter();
    let files = document["files"].as_array().unwrap().iter();
    let unknowns = files.filter(|file| file["unknowns"].is_array());
    let unknowns = unknowns.map(|file| format!("{} {}\n", file["location"]["path"], file["unknowns"]));
    (names.map(|artifact| artifact["name"].as_str().unwrap().to_owned()).collect(), unknowns.collect())
}

/// No file of `folder` but those named.
fn check_files(folder: &Path, expected: &[&str]) {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, expected);
}

#[test]
fn ten_thousand_levels_are_unknowns_beside_what_is_found() {
    const DEEP: usize = 10_000;
    let bench = Bench::new();
    let app = bench.path("deep");
    let mut jar = b"x".to_vec();
    for _ in 0..40 {
        jar = archive("inner.jar", &jar);
    }
    let cases: [(&str, Vec<u8>); 9] = [
        ("a/package-lock.json", format!("{{\"lockfileVersion\":3,\"packages\":{}", "{\"a\":".repeat(DEEP)).into()),
        ("b/composer.lock", format!("{{\"packages\":{}", "[".repeat(DEEP)).into()),
        ("c/pnpm-lock.yaml", format!("lockfileVersion: '9.0'\npackages: {}", "[".repeat(DEEP)).into()),
        ("d/Cargo.lock", format!("a = {}", "[".repeat(DEEP)).into()),
        ("e/poetry.lock", format!("[a{}]", ".a".repeat(DEEP)).into()),
        ("f/pom.xml", format!("<project>{}", "<a>".repeat(DEEP)).into()),
        ("g/rebar.lock", "[".repeat(DEEP).into()),
        ("h/yarn.lock", (0..2000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect::<String>().into()),
        ("i/deep.jar", jar),
    ];
    for (path, content) in &cases {
        fs::create_dir_all(app.join(path).parent().unwrap()).unwrap();
        fs::write(app.join(path), content).unwrap();
    }
    fs::create_dir_all(app.join(vec!["n"; 1100].join("/"))).unwrap();
    fs::write(app.join("Cargo.lock"), LOCK).unwrap();
    let (names, unknowns) = catalogue(&bench, "dir:deep");
    assert!(names.contains(&"good".to_owned()));
    for (path, _) in &cases {
        assert!(unknowns.contains(path), "{path} is not in {unknowns}");
    }
    assert!(unknowns.contains("folders deep") && unknowns.contains("archives in one another"), "{unknowns}");
}

#[test]
fn bombs_are_bounded() {
    let bench = Bench::new();
    fs::create_dir(bench.path("bombs")).unwrap();
    fs::write(bench.path("bombs/a.jar"), archive("META-INF/maven/g/a/pom.xml", &vec![b' '; 40 << 20])).unwrap();
    let (_, unknowns) = catalogue(&bench, "dir:bombs");
    assert!(unknowns.contains("/a.jar"), "{unknowns}");
}

#[cfg(unix)]
#[test]
fn odd_entries_of_a_layer_lead_nowhere() {
    let bench = Bench::new();
    let layer = [
        file("../../outside/Cargo.lock", LOCK),
        entry(b"etc/odd-\xff\xfe", b'0', "", 0, b""),
        entry(b"dev/null", b'3', "", 0, b""),
        entry(b"run/pipe", b'6', "", 0, b""),
        entry(b"a", b'2', "b", 0, b""),
        entry(b"b", b'2', "a", 0, b""),
        entry(b"etc/os-release", b'2', "/a/os-release", 0, b""),
        entry(b"usr/lib/os-release", b'1', "../../../../etc/passwd", 0, b""),
        file("lib/apk/db/installed", APK),
        vec![0; 1024],
    ];
    fs::write(bench.path("odd.tar"), image(&layer.concat())).unwrap();
    let before = fs::read_dir(bench.path("")).unwrap().count();
    let (names, unknowns) = catalogue(&bench, "docker-archive:odd.tar");
    assert_eq!(names, ["good"]);
    assert!(unknowns.contains("leaves the image"), "{unknowns}");
    assert_eq!(fs::read_dir(bench.path("")).unwrap().count(), before);
}

#[test]
fn an_image_that_is_not_whole_gives_no_document() {
    let bench = Bench::new();
    let layer = [file("lib/apk/db/installed", APK), vec![0; 1024]].concat();
    let whole = image(&layer);
    let announced = entry(b"lib/apk/db/installed", b'0', "", 5 << 30, APK);
    let mut wrong = layer.clone();
    wrong[0] ^= 1;
    fs::create_dir(bench.path("out")).unwrap();
    for (case, bytes) in [
        ("cut", whole[..whole.len() - 2000].to_vec()),
        ("another digest", image_with(&layer, &digest::digest(&digest::SHA256, b""))),
        ("5 GiB announced", image(&announced)),
        ("wrong checksum", image(&wrong)),
        ("no archive", b"PK\x03\x04".repeat(1000)),
        ("empty", Vec::new()),
    ] {
        fs::write(bench.path("image.tar"), bytes).unwrap();
        let output = bench.run("palisade", &["sbom", "docker-archive:image.tar", "-o", "syft-json=out/sbom.json"]);
        assert_eq!(output.status.code(), Some(1), "{case}");
        assert!(output.stdout.is_empty() && output.stderr.starts_with(b"error: "), "{case}");
        check_files(&bench.path("out"), &[]);
    }
}

#[test]
fn a_database_that_is_damaged_is_told() {
    let bench = Bench::new();
    bench.text("palisade", &["db", "build", "--from", "feeds", "--out", "good.db"], 0);
    let good = fs::read(bench.path("good.db")).unwrap();
    let mut header = good.clone();
    header[20] ^= 1;
    for (case, bytes) in
        [("cut", &good[..good.len() - 1]), ("header", &header), ("foreign", b"SQLite format 3\0"), ("empty", b"")]
    {
        fs::write(bench.path("bad.db"), bytes).unwrap();
        let output = bench.run("palisade", &["scan", "dir:app", "--db", "bad.db"]);
        assert_eq!(output.status.code(), Some(1), "{case}");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.stdout.is_empty() && error.contains("database"), "{case}: {error}");
    }
}

#[cfg(unix)]
#[test]
fn a_disk_that_fills_leaves_the_old_file_and_nothing_else() {
    let bench = Bench::new();
    fs::create_dir(bench.path("out")).unwrap();
    let sbom = ["sbom", "-q", "dir:app", "-o", "syft-json=out/old"];
    let database = ["db", "build", "--from", "feeds", "--out", "out/old"];
    let report = ["scan", "-q", "dir:app", "-o", "json=out/old"];
    bench.build_database();
    for arguments in [&sbom[..], &database, &report] {
        fs::write(bench.path("out/old"), "old").unwrap();
        // No file may grow beyond one block; the signal for it is ignored, so writing fails as on a full disk.
        let limited = bench.command("palisade", arguments);
        let script = "trap '' XFSZ; ulimit -f 1; exec \"$0\" \"$@\"";
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", script]).arg(limited.get_program()).args(limited.get_args());
        shell.current_dir(bench.path("")).env_clear();
        shell.envs(limited.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = shell.output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {error}");
        assert!(error.contains("cannot write") && error.contains("out/old"), "{error}");
        assert_eq!(fs::read(bench.path("out/old")).unwrap(), b"old");
        check_files(&bench.path("out"), &["old"]);
    }
    let full = bench.run("palisade", &["sbom", "dir:app", "-o", "syft-json=/dev/full"]);
    assert_eq!(full.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&full.stderr).contains("No space left"));
    assert!(!fs::metadata("/dev/full").unwrap().is_file());
}

#[cfg(unix)]
fn interrupt(child: &std::process::Child) {
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_at_once_and_leaves_no_part_of_a_file() {
    let bench = Bench::new();
    // A registry that takes the question and never answers.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let image = format!("registry:{}/a:1", listener.local_addr().unwrap());
    fs::create_dir(bench.path("out")).unwrap();
    let mut waiting = bench.command("palisade", &["sbom", "-q", &image, "-o", "syft-json=out/sbom.json"]);
    let mut waiting = waiting.spawn().unwrap();
    let (mut connection, _) = listener.accept().unwrap();
    assert!(connection.read(&mut [0; 64]).unwrap() > 0);
    interrupt(&waiting);
    assert_eq!(waiting.wait().unwrap().code(), Some(130));

    let purls: String = (0..100_000).map(|number| format!("pkg:npm/name-{number}@1.0.0\n")).collect();
    fs::write(bench.path("list"), purls).unwrap();
    let mut writing = bench.command("palisade", &["convert", "list", "-o", "syft-json=out/sbom.json"]);
    let mut writing = writing.stderr(Stdio::null()).spawn().unwrap();
    while fs::read_dir(bench.path("out")).unwrap().next().is_none() {
        assert!(writing.try_wait().unwrap().is_none(), "it ended before it wrote");
        thread::sleep(Duration::from_millis(1));
    }
    interrupt(&writing);
    let code = writing.wait().unwrap().code();
    // Where the last byte was written before the signal came, all of it is there.
    let whole: &[&str] = if code == Some(0) { &["sbom.json"] } else { &[] };
    assert!(matches!(code, Some(0 | 130)), "{code:?}");
    check_files(&bench.path("out"), whole);
}

#[test]
fn a_file_without_an_end_is_no_source() {
    if !Path::new("/dev/zero").exists() {
        return;
    }
    let bench = Bench::new();
    let output = bench.run("palisade", &["sbom", "file:/dev/zero"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("more than"));
}
