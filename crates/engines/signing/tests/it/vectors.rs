//! The conformance suite's cases.

use bundle::TrustedRoot;
use jiff::Timestamp;
use signing::{IdentityPolicy, KeyError, Policy, PublicKey, TextMatch, Trust};
use std::path::{Path, PathBuf};

/// One case of the suite.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) must_fail: bool,
    pub(crate) bundle: Vec<u8>,
    pub(crate) artifact: Vec<u8>,
    root: Vec<u8>,
    pub(crate) policy: Result<Policy, KeyError>,
}

impl Case {
    pub(crate) fn trust(&self) -> Result<Trust, Box<dyn std::error::Error>> {
        Ok(Trust::new(&[TrustedRoot::parse(&self.root)?])?)
    }
}

/// All cases, or none if the vectors aren't there.
pub(crate) fn cases() -> Vec<Case> {
    let Some(suite) = suite() else { return Vec::new() };
    let folder = suite.join("assets/bundle-verify");
    let mut names: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.retain(|path| path.is_dir());
    names.sort();
    names.iter().map(|path| case(&suite, &folder, path)).collect()
}

fn case(suite: &Path, folder: &Path, path: &Path) -> Case {
    let own = |name: &str| std::fs::read(path.join(name)).ok();
    let text = |name: &str, default: &str| {
        own(name).map_or(default.to_owned(), |bytes| String::from_utf8(bytes).unwrap().trim().to_owned())
    };
    let policy = match own("key.pub") {
        Some(key) => PublicKey::from_pem(&key).map(|key| Policy::keys([key])),
        None => Ok(Policy::identities([IdentityPolicy::new(
            TextMatch::exact(text(
                "identity",
                "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/\
                 extremely-dangerous-oidc-beacon.yml@refs/heads/main",
            )),
            TextMatch::exact(text("issuer", "https://token.actions.githubusercontent.com")),
        )])),
    };
    let name = path.file_name().unwrap().to_str().unwrap().to_owned();
    Case {
        must_fail: name.ends_with("_fail"),
        name,
        bundle: own("bundle.sigstore.json").unwrap(),
        artifact: own("artifact").unwrap_or_else(|| std::fs::read(folder.join("a.txt")).unwrap()),
        root: own("trusted_root.json")
            .unwrap_or_else(|| std::fs::read(suite.join("public-good-trusted_root.json")).unwrap()),
        policy,
    }
}

fn suite() -> Option<PathBuf> {
    let root = std::env::var_os("PALISADE_VECTORS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/vectors"), PathBuf::from);
    let found = root.join("sigstore-conformance");
    found.is_dir().then_some(found)
}

/// A time at which every vector has been made.
pub(crate) fn now() -> Timestamp {
    "2026-11-24T00:00:00Z".parse().unwrap()
}
