//! Parsers on real records that were damaged: an error or a record, never a panic.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "helpers of tests fail and speak as tests do")]

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use proptest::prelude::*;
use serde_json::Value;

/// Bytes of a file that are looked at for records.
const HEAD_BYTES: u64 = 2 << 20;

/// The largest record that is damaged, in bytes, and how many of each file.
const MAX_RECORD: usize = 200 << 10;
const RECORDS_OF_FILE: usize = 8;

/// Records of every file of the corpus: in `PALISADE_ADVISORIES`, or beside the checkout.
fn samples() -> &'static [Vec<u8>] {
    static SAMPLES: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    SAMPLES.get_or_init(|| {
        let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/advisories");
        let folder = std::env::var_os("PALISADE_ADVISORIES").map_or(beside, PathBuf::from);
        let mut samples = Vec::new();
        let mut folders = vec![folder.clone()];
        while let Some(folder) = folders.pop() {
            let Ok(entries) = std::fs::read_dir(&folder) else { continue };
            for path in entries.map(|entry| entry.unwrap().path()) {
                if path.is_dir() {
                    folders.push(path);
                } else {
                    samples.extend(records(&path));
                }
            }
        }
        if samples.is_empty() {
            eprintln!("ignored: no advisory corpus in {}", folder.display());
        }
        samples.sort();
        samples
    })
}

fn records(path: &Path) -> Vec<Vec<u8>> {
    let name = path.to_string_lossy();
    let bytes = std::fs::read(path).unwrap();
    let mut plain = Vec::new();
    if name.ends_with(".zst") {
        let mut decoder = zstd::Decoder::new(bytes.as_slice()).unwrap();
        decoder.window_log_max(27).unwrap();
        decoder.take(HEAD_BYTES).read_to_end(&mut plain).unwrap();
    } else {
        plain = bytes;
    }
    if name.contains(".jsonl") {
        let lines = plain.split(|b| *b == b'\n').filter(|line| (2..MAX_RECORD).contains(&line.len()));
        return lines.take(RECORDS_OF_FILE).map(<[u8]>::to_vec).collect();
    }
    plain.truncate(MAX_RECORD);
    vec![plain]
}

/// Every parser on the same bytes.
fn parse_all(bytes: &[u8]) {
    use advisory::*;
    let mut sink = |_: Result<Record, Rejection>| {};
    let _ = osv::parse(bytes);
    let _ = cve5::parse(bytes);
    let _ = redhat::parse(bytes);
    let _ = rubysec::parse(bytes);
    let _ = friendsofphp::parse(bytes);
    let _ = gitlab::parse(bytes);
    let _ = eol::parse(bytes);
    let _ = vex::parse(bytes);
    let _ = nvd::parse(bytes, &mut sink);
    let _ = secdb::parse(bytes, &mut sink);
    let _ = wolfi::parse(bytes, &mut sink);
    let _ = oval::parse(bytes, &mut sink);
    let _ = kubernetes::parse(bytes, &mut sink);
    let _ = debian::parse_tracker(bytes, &mut sink);
    let _ = debian::parse_advisories(bytes, &mut sink);
    let _ = debian::parse_cves(bytes, &mut sink);
    let _ = kev::parse(bytes, &mut |_| {});
    let _ = epss::parse(bytes, &mut |_| {});
}

/// Puts `with` in the place of the value that is the `left`-th in a walk of the document.
fn replace(value: &mut Value, left: &mut usize, with: &Value) {
    if *left == 0 {
        *value = with.clone();
    }
    *left = left.wrapping_sub(1);
    match value {
        Value::Array(list) => list.iter_mut().for_each(|member| replace(member, left, with)),
        Value::Object(map) => map.values_mut().for_each(|member| replace(member, left, with)),
        _ => {}
    }
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(list) => list.iter().map(count).sum(),
        Value::Object(map) => map.values().map(count).sum(),
        _ => 0,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn damaged_bytes_never_panic(
        pick in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..6),
    ) {
        let samples = samples();
        if samples.is_empty() {
            return Ok(());
        }
        let mut bytes = pick.get(samples).clone();
        for (at, byte, how) in edits {
            let at = at.index(bytes.len().max(1)).min(bytes.len());
            match how {
                0 => bytes.insert(at, byte),
                1 => bytes.truncate(at),
                2 => drop(bytes.drain(at..bytes.len().min(at + usize::from(byte)))),
                _ => if let Some(known) = bytes.get_mut(at) { *known = byte },
            }
        }
        parse_all(&bytes);
    }

    #[test]
    fn damaged_values_never_panic(
        pick in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..12_usize), 1..4),
    ) {
        let samples = samples();
        if samples.is_empty() {
            return Ok(());
        }
        let Ok(mut value) = serde_json::from_slice::<Value>(pick.get(samples).as_slice()) else { return Ok(()) };
        let odd = serde_json::json!([
            null, true, 7, -1.5, 1e308, "", "é\u{0}", "CVE-", "cpe:2.3:a:::", [[[[]]]], {"id": {"id": []}}, "[1,"
        ]);
        for (at, with) in edits {
            let mut left = at.index(count(&value));
            replace(&mut value, &mut left, &odd[with]);
        }
        parse_all(&serde_json::to_vec(&value).unwrap());
    }
}
