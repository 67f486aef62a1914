//! Documents of sigstore-conformance, read from `PALISADE_VECTORS`, else from `../shared/vectors` beside the checkout.

use bundle::{Body, Bundle, SigningConfig, TrustedRoot};
use std::path::{Path, PathBuf};

fn vectors() -> Option<PathBuf> {
    let root = std::env::var_os("PALISADE_VECTORS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/vectors"), PathBuf::from);
    let found = root.join("sigstore-conformance");
    found.is_dir().then_some(found)
}

#[test]
fn bundles_are_read_and_printed_alike() {
    let Some(root) = vectors() else { return println!("skipped: no vectors of sigstore-conformance") };
    let (mut bundles, mut bodies) = (0, 0);
    for case in std::fs::read_dir(root.join("assets/bundle-verify")).unwrap() {
        let case = case.unwrap().path();
        let Ok(bytes) = std::fs::read(case.join("bundle.sigstore.json")) else { continue };
        let read = match Bundle::parse(&bytes) {
            Ok(read) => read,
            Err(error) => {
                assert!(case.to_string_lossy().ends_with("_fail"), "{}: {error:?}", case.display());
                continue;
            }
        };
        assert_eq!(Bundle::parse(&read.to_json()).unwrap(), read, "{}", case.display());
        bundles += 1;
        for entry in &read.material.tlog_entries {
            let Ok(body) = Body::parse(&entry.canonicalized_body) else { continue };
            let printed = String::from_utf8(body.to_canonical()).unwrap();
            assert_eq!(printed.as_bytes(), entry.canonicalized_body, "{}: {printed}", case.display());
            bodies += 1;
        }
    }
    assert!(bundles > 50 && bodies > 50, "{bundles} bundles, {bodies} bodies");
}

#[test]
fn configurations_are_read_and_printed_alike() {
    let Some(root) = vectors() else { return println!("skipped: no vectors of sigstore-conformance") };
    let trusted = TrustedRoot::parse(&std::fs::read(root.join("public-good-trusted_root.json")).unwrap()).unwrap();
    assert_eq!(TrustedRoot::parse(&trusted.to_json()).unwrap(), trusted);
    let signing = SigningConfig::parse(&std::fs::read(root.join("public-good-signing_config.v0.2.json")).unwrap());
    let signing = signing.unwrap();
    assert_eq!(SigningConfig::parse(&signing.to_json()).unwrap(), signing);
    assert!(!signing.rekor_tlog_urls.is_empty() && !trusted.tlogs.is_empty());
}
