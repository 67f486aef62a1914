//! Every advisory of the shared corpus is read: as many documents as its manifest counts, or a stated difference.

use std::path::{Path, PathBuf};

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
}
