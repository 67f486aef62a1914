//! Every advisory of the shared corpus is read: as many documents as its manifest counts, or a stated difference.

use std::path::{Path, PathBuf};

use advisory::{Affected, Ecosystem, FixState, RangeEnd, Record};
use feeds::{Config, FeedItem, Report};
use serde::Deserialize;

/// The corpus: in `PALISADE_ADVISORIES`, or beside the checkout.
fn corpus() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/advisories");
    let folder = std::env::var_os("PALISADE_ADVISORIES").map_or(beside, PathBuf::from);
    if folder.join("MANIFEST.json").is_file() {
        return Some(folder);
    }
    eprintln!("ignored: no advisory corpus in {}", folder.display());
    None
}

fn read(folder: &Path) -> (Report, Vec<FeedItem>) {
    let mut items = Vec::new();
    let report = feeds::read_folder(folder, &Config::default(), &mut |item| items.push(item)).unwrap();
    (report, items)
}

#[derive(Deserialize)]
struct Entry {
    file: String,
    count: u64,
}

/// Files whose count in the manifest is of something else than records: the reason is the text.
fn other_count(file: &str) -> Option<&'static str> {
    match file {
        file if file.starts_with("alpine/") => Some("counts an identifier twice that a version lists twice"),
        "wolfi/security.derived.json.zst" => Some("counts advisories; each is listed by all its identifiers"),
        "debian/DSA.list.zst" | "debian/DLA.list.zst" => Some("counts first lines; all of them give a record"),
        "redhat/csaf-vex.jsonl.zst" | "redhat/csaf-advisories.jsonl.zst" => Some("counts documents of several flaws"),
        _ => None,
    }
}

#[test]
fn reads_as_many_records_as_the_manifest_counts() {
    let Some(folder) = corpus() else { return };
    let (report, items) = read(&folder);
    let manifest: Vec<Entry> = serde_json::from_slice(&std::fs::read(folder.join("MANIFEST.json")).unwrap()).unwrap();
    let mut wrong = Vec::new();
    for entry in manifest {
        if entry.file.starts_with("inputs/") || entry.file.starts_with("version-order/") {
            continue;
        }
        let Some(file) = report.files.get(&entry.file) else {
            wrong.push(format!("{}: not read", entry.file));
            continue;
        };
        let found = file.records + file.rejected;
        if found != entry.count && file.documents != entry.count && other_count(&entry.file).is_none() {
            wrong.push(format!("{}: {} counted, {file:?}", entry.file, entry.count));
        }
        if file.rejected > 0 || file.withheld > 0 {
            wrong.push(format!("{}: {file:?}", entry.file));
        }
    }
    for (name, source) in &report.sources {
        println!("{name}: {} documents, {} records, newest {}", source.documents, source.records, source.newest);
        wrong.extend(source.causes.iter().take(5).cloned());
    }
    println!("{} items", items.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let strange: Vec<_> = report
        .unread
        .iter()
        .filter(|(path, _)| !path.starts_with("inputs/") && !path.starts_with("version-order/"))
        .collect();
    assert!(strange.is_empty(), "{strange:?}");
    check_known_records(&items);
}

/// Records that the world knows, as each publisher tells them.
fn check_known_records(items: &[FeedItem]) {
    let records: Vec<&Record> = items
        .iter()
        .filter_map(|item| match item {
            FeedItem::Record(record) => Some(&**record),
            _ => None,
        })
        .collect();
    let fixed = |source: &str, id: &str, ecosystem: &Ecosystem, name: &str| -> Vec<String> {
        let of_source = records.iter().filter(|record| record.source == source && record.id == id);
        let hit = of_source
            .flat_map(|record| &record.affected)
            .filter(|affected| affected.package.ecosystem == *ecosystem && affected.package.name == name);
        hit.map(show).collect()
    };
    let distro = |id: &str, release: &str| Ecosystem::Distro(id.to_owned(), release.to_owned());
    let log4j = fixed("ghsa", "GHSA-jfh8-c2jp-5v3q", &Ecosystem::Maven, "org.apache.logging.log4j:log4j-core");
    assert_eq!(log4j, ["Fixed 2.15.0 ", "Fixed 2.3.1 ", "Fixed 2.12.2 "]);
    let glibc = fixed("redhat", "CVE-2024-2961", &distro("redhat", "9"), "glibc");
    assert_eq!(glibc, ["Fixed 0:2.34-100.el9_4.2 RHSA-2024:3339"]);
    let older = fixed("redhat", "CVE-2024-2961", &distro("redhat", "8.9"), "glibc");
    assert_eq!(older, ["Fixed 0:2.28-236.el8_9.13 RHSA-2024:2722"]);
    let gone = fixed("redhat", "CVE-2024-2961", &distro("redhat", "6"), "glibc");
    assert_eq!(gone, ["WontFix  "]);
    let openssh = fixed("debian", "CVE-2024-6387", &distro("debian", "12"), "openssh");
    assert!(openssh.contains(&"Fixed 1:9.2p1-2+deb12u3 ".to_owned()), "{openssh:?}");
    let safe = fixed("debian", "CVE-2024-6387", &distro("debian", "11"), "openssh");
    assert!(safe.iter().all(|state| state == "NotAffected  "), "{safe:?}");
    let azure = fixed("azurelinux", "CVE-2024-6387", &distro("azurelinux", "3.0"), "openssh");
    assert_eq!(azure, ["Fixed 0:9.8p1-1.azl3 "]);
    let alpine = fixed("alpine", "CVE-2024-6387", &distro("alpine", "edge"), "openssh");
    assert_eq!(alpine, ["Fixed 9.8_p1-r0 "]);
    let xorg = fixed("debian", "DSA-5380-1", &distro("debian", "11"), "xorg-server");
    assert_eq!(xorg, ["Fixed 2:1.20.11-1+deb11u6 DSA-5380-1"; 2], "from the list and from OSV");
    for record in &records {
        assert!(!record.id.is_empty() && !record.namespace.is_empty(), "{record:?}");
        for score in &record.cvss {
            assert!((0.0..=10.0).contains(&score.base_score), "{record:?}");
        }
        for affected in &record.affected {
            assert!(!affected.package.name.is_empty(), "{record:?}");
            let says_nothing = affected.ranges.is_empty() && affected.versions.is_empty();
            assert!(affected.state != FixState::Fixed || !says_nothing, "{record:?}");
        }
    }
}

fn show(affected: &Affected) -> String {
    let end = affected.ranges.iter().find_map(|range| match &range.end {
        RangeEnd::Fixed(version) => Some(version.as_str()),
        _ => None,
    });
    format!("{:?} {} {}", affected.state, end.unwrap_or_default(), affected.advisory)
}
