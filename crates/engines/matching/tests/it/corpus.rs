//! The shared corpus of real advisories: what it comes to as a database, and how fast that is.

use crate::world::{at, component, document, from_source, options, with_cpe};
use advisory::{AdvisoryError, Record, Rejection};
use matching::database::{Builder, Database};
use sbom::{Component, Document, PackageType};
use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The best of so many runs counts.
const LOOPS: usize = 5;

/// The corpus where the machine has it.
fn corpus() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/advisories");
    let folder = std::env::var_os("PALISADE_ADVISORIES").map_or(beside, PathBuf::from);
    let found = folder.join("MANIFEST.json").exists().then_some(folder);
    if found.is_none() {
        eprintln!("ignored: no shared advisories");
    }
    found
}

fn unpacked(path: &Path) -> Vec<u8> {
    let packed = std::fs::read(path).unwrap();
    let mut decoder = zstd::Decoder::new(Cursor::new(packed)).unwrap();
    decoder.window_log_max(27).unwrap();
    let mut bytes = Vec::new();
    decoder.read_to_end(&mut bytes).unwrap();
    bytes
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { all.push(path) }
        }
    }
    all.sort();
    all
}

/// Adds what a file holds, by where it is in the corpus; what no parser takes is counted.
fn add_file(builder: &mut Builder, folder: &str, name: &str, bytes: &[u8], left_out: &mut BTreeMap<String, usize>) {
    let mut rejected = 0usize;
    let mut add = |read: Result<Record, Rejection>| match read {
        Ok(record) => builder.add(&record).unwrap(),
        Err(_) => rejected += 1,
    };
    let read = match (folder, name) {
        ("debian", "tracker.derived.json.zst") => advisory::debian::parse_tracker(bytes, &mut add),
        ("debian", "CVE.list.excerpt") => advisory::debian::parse_cves(bytes, &mut add),
        ("debian", name) if name.ends_with("LA.list.zst") || name.ends_with("SA.list.zst") => {
            advisory::debian::parse_advisories(bytes, &mut add)
        }
        ("alpine", _) => advisory::secdb::parse(bytes, &mut add),
        ("wolfi", "security.derived.json.zst") => Ok(()),
        ("wolfi", _) => lines(bytes, |line| advisory::wolfi::parse(line, &mut add)),
        ("azurelinux", _) => advisory::oval::parse(bytes, &mut add),
        ("nvd", _) => lines(bytes, |line| advisory::nvd::parse(line, &mut add)),
        ("redhat", _) => lines(bytes, |line| {
            advisory::redhat::parse(line).map(|all| all.into_iter().for_each(|record| add(Ok(record))))
        }),
        ("php", _) => lines(bytes, |line| advisory::friendsofphp::parse(line).map(|record| add(Ok(record)))),
        ("rubygems", _) => lines(bytes, |line| advisory::rubysec::parse(line).map(|record| add(Ok(record)))),
        ("gitlab-community", _) => lines(bytes, |line| advisory::gitlab::parse(line).map(|record| add(Ok(record)))),
        (_, name) if name.contains(".osv.jsonl") || folder == "kubernetes" => {
            lines(bytes, |line| advisory::osv::parse(line).map(|record| add(Ok(record))))
        }
        _ => Ok(()),
    };
    if let Err(cause) = read {
        eprintln!("{folder}/{name}: {cause:?}");
        rejected += 1;
    }
    if rejected > 0 {
        *left_out.entry(folder.to_owned()).or_default() += rejected;
    }
}

fn lines(bytes: &[u8], mut each: impl FnMut(&[u8]) -> Result<(), AdvisoryError>) -> Result<(), AdvisoryError> {
    bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).try_for_each(&mut each)
}

fn build(corpus: &Path, wanted: impl Fn(&str) -> bool) -> Vec<u8> {
    let mut builder = Builder::new("2026-11-23T00:00:00Z");
    let mut left_out = BTreeMap::new();
    for path in files(corpus) {
        let inside = path.strip_prefix(corpus).unwrap();
        let folder = inside.iter().next().unwrap().to_string_lossy().into_owned();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !wanted(&folder) || !(name.ends_with(".zst") || name.ends_with(".excerpt")) {
            continue;
        }
        let bytes = if name.ends_with(".zst") { unpacked(&path) } else { std::fs::read(&path).unwrap() };
        add_file(&mut builder, &folder, &name, &bytes, &mut left_out);
    }
    eprintln!("left out: {left_out:?}");
    let mut file = Vec::new();
    let facts = builder.finish(&mut file).unwrap();
    eprintln!("{facts:?}, {} bytes", file.len());
    file
}

/// Components with real names, of many kinds; `count` in all.
fn components(database: &Database<'_>, count: usize) -> Vec<Component> {
    let kinds = [
        ("debian:12", PackageType::Deb, "1.0-1"),
        ("npm", PackageType::Npm, "1.0.0"),
        ("pypi", PackageType::Python, "1.0"),
        ("go", PackageType::GoModule, "v1.0.0"),
        ("cpe", PackageType::Binary, "1.0"),
    ];
    let mut names: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in database.packages() {
        let (ecosystem, name) = package.unwrap();
        names.entry(ecosystem).or_default().push(name);
    }
    let mut all = Vec::new();
    for (key, kind, version) in kinds {
        for name in names.get(key).into_iter().flatten().take(count / kinds.len()) {
            all.push(match kind {
                PackageType::Deb => from_source(component(kind, &format!("lib{name}"), version), name, None),
                PackageType::Binary => {
                    let mut parts = name.splitn(3, ':').skip(1);
                    let (vendor, product) = (parts.next().unwrap(), parts.next().unwrap());
                    with_cpe(component(kind, product, version), &format!("{vendor}:{product}"))
                }
                _ => component(kind, name, version),
            });
        }
    }
    for (number, component) in all.iter_mut().enumerate() {
        component.locations = vec![at(&format!("/some/file/{number}"))];
    }
    all
}

#[test]
fn a_thousand_components_against_the_corpus() {
    let Some(corpus) = corpus() else { return };
    // A fast selection; the whole takes a release build.
    let whole = std::env::var_os("PALISADE_WHOLE_CORPUS").is_some();
    let file = build(&corpus, |folder| whole || matches!(folder, "debian" | "go" | "nvd" | "osv-real"));
    assert!(file.len() < 60 << 20, "{}", file.len());
    let database = Database::open(&file).unwrap();
    database.verify().unwrap();
    let components = components(&database, 1000);
    let document = document("debian:12", components);
    let (mut best, mut count) = (Duration::MAX, 0);
    for _ in 0..LOOPS {
        let start = Instant::now();
        let database = Database::open(&file).unwrap();
        let findings = matching::find(&database, &document, &options()).unwrap();
        best = best.min(start.elapsed());
        assert!(!findings.matches.is_empty());
        count = findings.matches.len();
    }
    eprintln!("{} components, {count} findings in {best:?}", document.components.len());
    assert!(best < Duration::from_secs(1));
}

#[test]
fn log4shell_and_others_are_found() {
    let Some(corpus) = corpus() else { return };
    let file = build(&corpus, |folder| matches!(folder, "ghsa" | "debian" | "go"));
    let database = Database::open(&file).unwrap();
    let mut log4j = component(PackageType::JavaArchive, "log4j-core", "2.14.1");
    log4j.purl = "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1".to_owned();
    let glibc = from_source(component(PackageType::Deb, "libc6", "2.36-9+deb12u1"), "glibc", None);
    let cases: [(&str, Component, &str); 3] = [
        ("", log4j, "GHSA-jfh8-c2jp-5v3q"),
        ("debian:12", glibc, "CVE-2023-4911"),
        ("", component(PackageType::GoModule, "stdlib", "go1.20.1"), "CVE-2023-39325"),
    ];
    for (distro, component, want) in cases {
        let document: Document = document(distro, vec![component]);
        let findings = matching::find(&database, &document, &options()).unwrap();
        let named = |found: &matching::finding::Match| {
            found.vulnerability.id == want || found.vulnerability.identifiers.iter().any(|id| id == want)
        };
        assert!(findings.matches.iter().any(named), "{want}: {findings:#?}");
    }
}
