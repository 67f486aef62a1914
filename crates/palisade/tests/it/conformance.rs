//! The client of sigstore-conformance on the suite's own cases.

use crate::Bench;
use std::path::{Path, PathBuf};

const IDENTITY: &str = "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/\
                        workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main";
const ISSUER: &str = "https://token.actions.githubusercontent.com";

/// What the suite asks of a client for one case, about the artifact or its digest.
fn arguments(suite: &Path, case: &Path, artifact: &str) -> Vec<String> {
    let text = |name: &str, default: &str| {
        std::fs::read_to_string(case.join(name)).map_or(default.to_owned(), |text| text.trim().to_owned())
    };
    let own = |name: &str| Some(case.join(name)).filter(|path| path.exists()).map(|path| path.display().to_string());
    let root =
        own("trusted_root.json").unwrap_or_else(|| suite.join("public-good-trusted_root.json").display().to_string());
    let bundle = own("bundle.sigstore.json").unwrap();
    let mut all =
        ["conformance", "verify-bundle", "--bundle", &bundle, "--trusted-root", &root].map(String::from).to_vec();
    match own("key.pub") {
        Some(key) => all.extend(["--key".to_owned(), key]),
        None => all.extend([
            "--certificate-identity".to_owned(),
            text("identity", IDENTITY),
            "--certificate-oidc-issuer".to_owned(),
            text("issuer", ISSUER),
        ]),
    }
    all.push(artifact.to_owned());
    all
}

fn sha256(path: &Path) -> String {
    format!("sha256:{}", tlog::sha256(&[&std::fs::read(path).unwrap()]))
}

#[test]
fn every_case_of_the_suite_is_right() {
    let root = std::env::var_os("PALISADE_VECTORS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors"), PathBuf::from);
    let suite = root.join("sigstore-conformance");
    let folder = suite.join("assets/bundle-verify");
    if !folder.is_dir() {
        return println!("skipped: no vectors of sigstore-conformance");
    }
    let bench = Bench::new();
    let (mut wrong, mut count) = (Vec::new(), 0);
    for case in std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        count += 1;
        let must_fail = case.file_name().unwrap().to_string_lossy().ends_with("_fail");
        let own = case.join("artifact");
        let artifact = if own.exists() { own } else { folder.join("a.txt") };
        for artifact in [artifact.display().to_string(), sha256(&artifact)] {
            let arguments = arguments(&suite, &case, &artifact);
            let output = bench.run("palisade", &arguments.iter().map(String::as_str).collect::<Vec<_>>());
            // A wrong command line, or a crash, is no refusal.
            if output.status.code() != Some(i32::from(must_fail)) {
                let error = String::from_utf8_lossy(&output.stderr);
                wrong.push(format!("{} of {artifact}: {:?} {error}", case.display(), output.status.code()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 60, "{count} cases");
}

#[test]
fn what_the_client_signs_verifies_and_only_that() {
    let bench = Bench::new();
    let statement = format!(
        r#"{{"_type":"https://in-toto.io/Statement/v1","subject":[{{"name":"a","digest":{{"sha256":"{}"}}}}],
        "predicateType":"https://example.com/p","predicate":{{}}}}"#,
        "1".repeat(64)
    );
    std::fs::write(bench.path("a.txt"), "artifact").unwrap();
    std::fs::write(bench.path("statement.json"), statement).unwrap();
    let run = |arguments: &[&str], code| bench.text("palisade", &[&["conformance"], arguments].concat(), code);
    run(&["sign-bundle", "--bundle", "a.json", "a.txt"], 0);
    run(&["verify-bundle", "--bundle", "a.json", "a.txt"], 0);
    run(&["verify-bundle", "--bundle", "a.json", "statement.json"], 1);
    run(&["sign-bundle", "--in-toto", "--bundle", "s.json", "statement.json"], 0);
    run(&["verify-bundle", "--bundle", "s.json", &format!("sha256:{}", "1".repeat(64))], 0);
    run(&["verify-bundle", "--bundle", "s.json", &format!("sha256:{}", "2".repeat(64))], 1);
}
