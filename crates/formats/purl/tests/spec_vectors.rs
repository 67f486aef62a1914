//! The purl specification's own cases: parse, build, and round trip.
//!
//! Read from `PALISADE_VECTORS`, else from `../shared/vectors` beside the checkout.

#![expect(clippy::unwrap_used, reason = "the test stops at the first malformed case")]

use purl::{Builder, PackageUrl};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Cases not followed: file, test type, input (or the name of the parts), and why.
const NOT_FOLLOWED: &[(&str, &str, &str, &str)] = &[
    ("cocoapods", "validate", "pkg:cocoapods/GoogleUtilities@7.5.2#NSData+zlib", PLUS),
    ("cocoapods", "build", "GoogleUtilities", PLUS),
    ("gem", "parse", "pkg:gem/jruby-launcher@1.1.2?Platform=java", KEY_CASE),
    ("rpm", "parse", "pkg:Rpm/fedora/curl@7.50.3-1.fc25?Arch=i386&Distro=fedora-25", KEY_CASE),
    ("git", "validate", "pkg:git/github/Package-url/purl-Spec@244fd47e07d1004f0aed9c", GIT_CASE),
    ("git", "parse", "pkg:git/codeberg.org/forgejo/forgejo@a72d2c07cfca03b55371089de6aa230d8c951fa0", GIT_NAME),
    (
        "git",
        "parse",
        "pkg:git/codeberg.org/forgejo/forgejo@a72d2c07cfca03b55371089de6aa230d8c951fa0#options/locale_readme.md",
        GIT_NAME,
    ),
    ("git", "build", "forgejo/forgejo", GIT_NAME),
];

const PLUS: &str = "packageurl-go, and so Syft, leaves + plain in a subpath";
const KEY_CASE: &str = "other cases of the same types want the key in lower case instead of a failure";
const GIT_CASE: &str = "the definition of the type says that case matters";
const GIT_NAME: &str = "the specification takes the name from the last segment, for every type";

/// Fewest cases that a complete copy of the vectors holds.
const FEWEST_CASES: usize = 500;

#[test]
fn specification_cases() {
    let Some(folder) = vectors() else {
        eprintln!("ignored: no purl-spec vectors");
        return;
    };
    let mut failures = Vec::new();
    let mut unused: Vec<_> = NOT_FOLLOWED.to_vec();
    let mut cases = 0;
    for file in ["spec", "types"].iter().flat_map(|part| files(&folder.join(part))) {
        let name = file.file_stem().unwrap().to_str().unwrap().trim_end_matches("-test").to_owned();
        let suite: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        for case in suite["tests"].as_array().unwrap() {
            cases += 1;
            let kind = case["test_type"].as_str().unwrap();
            let Err(failure) = run(kind, case) else { continue };
            let input = case["input"].as_str().or(case["input"]["name"].as_str()).unwrap_or("");
            let listed = |entry: &(&str, &str, &str, &str)| (entry.0, entry.1, entry.2) == (name.as_str(), kind, input);
            if NOT_FOLLOWED.iter().any(listed) {
                unused.retain(|entry| !listed(entry));
            } else {
                failures.push(format!("{name} {kind} {}: {failure}", case["input"]));
            }
        }
    }
    assert!(failures.is_empty(), "{} of {cases}:\n{}", failures.len(), failures.join("\n"));
    assert!(unused.is_empty(), "listed, but followed: {unused:?}");
    assert!(cases >= FEWEST_CASES, "only {cases} cases found");
}

fn vectors() -> Option<PathBuf> {
    let root = std::env::var_os("PALISADE_VECTORS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/vectors"), PathBuf::from);
    let folder = root.join("purl-spec/tests");
    folder.is_dir().then_some(folder)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn run(kind: &str, case: &Value) -> Result<(), String> {
    let made = match kind {
        "build" => parts(&case["input"]).normalized(),
        _ => case["input"].as_str().unwrap().parse::<PackageUrl>(),
    };
    let (made, expected) = match (made, case["expected_failure"].as_bool().unwrap()) {
        (Ok(made), true) => return Err(format!("made {made}")),
        (Err(_), true) => return Ok(()),
        (Err(error), false) => return Err(error.to_string()),
        (Ok(made), false) => (made, &case["expected_output"]),
    };
    let expected = match expected {
        Value::String(text) => as_printed(text),
        Value::Null => return Ok(()),
        parts_expected => {
            let expected = parts(parts_expected).build();
            return if made == expected { Ok(()) } else { Err(format!("{made:?}\n  not {expected:?}")) };
        }
    };
    if made.to_string() == expected { Ok(()) } else { Err(format!("{made} not {expected}")) }
}

/// The specification leaves `:` plain; packageurl-go, and so every SBOM of Syft, escapes it (and `/` in a qualifier,
/// which some cases leave plain).
fn as_printed(canonical: &str) -> String {
    let (body, fragment) = canonical.split_at(canonical.find('#').unwrap_or(canonical.len()));
    let (path, query) = body.split_at(body.find('?').unwrap_or(body.len()));
    let path = path.strip_prefix("pkg:").unwrap().replace(':', "%3A");
    let query = query.replace(':', "%3A").replace('/', "%2F");
    format!("pkg:{path}{query}{fragment}")
}

fn parts(input: &Value) -> Builder {
    let text = |key: &str| input[key].as_str().unwrap_or_default().to_owned();
    let url = PackageUrl::new(text("type"), text("name"))
        .namespace(text("namespace"))
        .version(text("version"))
        .subpath(text("subpath"));
    let qualifiers = input["qualifiers"].as_object().into_iter().flatten();
    qualifiers.fold(url, |url, (key, value)| url.qualifier(key, value.as_str().unwrap_or_default()))
}
