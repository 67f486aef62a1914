//! The version comparison cases in the shared advisory corpus: lines of `a < b`, `a = b`, `a > b`.

use std::cmp::Ordering;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use versions::{MissingEpoch, Scheme, compare, relate};

/// Lines that no order can hold; the relation that decides matches does. The list may only shrink.
///
/// Maven's relation is not transitive: `x < x.0-1` and `x.0.RC1 < x` hold in the same files. `1.2.3.#` cannot equal
/// both 1.2.3 and 1.2.3.1.
const NOT_IN_AN_ORDER: [&str; 4] = [
    "1.0.0-gradle-rework-beta3 < 1.0.0.RC7-3",
    "1.1.0-01-glassfish < 1.1.0.Beta1",
    "1.2.3.# = 1.2.3.1",
    "2.9.0-1 < 2.9.0.RC1",
];

pub(crate) fn corpus() -> PathBuf {
    match std::env::var_os("PALISADE_ADVISORIES") {
        Some(folder) => folder.into(),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/advisories"),
    }
}

fn scheme_of(file: &str) -> Scheme {
    let name = file.split('-').next().unwrap_or_default();
    Scheme::of_name(name)
}

pub(crate) fn read(path: &Path) -> std::io::Result<String> {
    let mut decoder = zstd::stream::Decoder::new(File::open(path)?)?;
    decoder.window_log_max(27)?;
    let mut text = String::new();
    decoder.read_to_string(&mut text)?;
    Ok(text)
}

#[test]
fn every_case_is_right() {
    let folder = corpus().join("version-order");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        eprintln!("ignored: no folder {}", folder.display());
        return;
    };
    let (mut cases, mut wrong, mut only_related) = (0, Vec::new(), Vec::new());
    for entry in entries {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        let scheme = scheme_of(&file);
        assert_ne!(scheme, Scheme::Generic, "{file} has no scheme");
        for line in read(&path).unwrap().lines().map(str::trim) {
            if line.is_empty() || line.starts_with('#') || line.starts_with("//") {
                continue;
            }
            let [a, sign, b] = line.split(' ').collect::<Vec<_>>()[..] else {
                panic!("{file}: {line}");
            };
            let expected = match sign {
                "<" => Ordering::Less,
                "=" => Ordering::Equal,
                ">" => Ordering::Greater,
                _ => panic!("{file}: {line}"),
            };
            cases += 1;
            let right = |compare: &dyn Fn(&str, &str) -> Ordering| {
                compare(a, b) == expected && compare(b, a) == expected.reverse()
            };
            if right(&|a, b| compare(scheme, a, b)) {
                continue;
            }
            if right(&|a, b| relate(scheme, a, b, MissingEpoch::Zero)) {
                only_related.push(line.to_owned());
            } else {
                wrong.push(format!("{file}: {line}"));
            }
        }
    }
    only_related.sort_unstable();
    assert!(wrong.is_empty(), "{} of {cases} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(only_related, NOT_IN_AN_ORDER);
    assert!(cases >= 71_818, "only {cases} cases were read");
}
