//! `palisade.yaml`: what `ship` does in a repository, beside its code. Flags win over it.

use crate::outcome::advised;
use anyhow::Context;
use serde::Deserialize;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The file that is read where none is named.
const NAME: &str = "palisade.yaml";
const MAX_BYTES: u64 = 1 << 20;

/// The settings of `ship`. `docs/palisade.schema.json` says the same to editors.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct Workflow {
    /// End with code 2, and publish nothing, when a finding is at least this bad.
    pub(crate) fail_on: Option<String>,
    /// SBOMs to write: FORMAT=FILE.
    pub(crate) sbom: Vec<String>,
    /// What is attested; all of it where nothing is said.
    pub(crate) attest: Option<Vec<Attestation>>,
    /// The key that signs; without one an identity does.
    pub(crate) key: Option<String>,
    /// Where to sign.
    pub(crate) signing_config: Option<PathBuf>,
    /// Whom to trust.
    pub(crate) trusted_root: Option<PathBuf>,
}

/// What can be attested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Attestation {
    /// The SBOM, CycloneDX.
    Sbom,
    /// The scan's result.
    Scan,
    /// How the image came about, SLSA 1.
    Provenance,
}

impl Attestation {
    pub(crate) const ALL: [Self; 3] = [Self::Sbom, Self::Scan, Self::Provenance];
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    ship: Workflow,
}

/// Reads the file that is named, or the working folder's where there is one.
pub(crate) fn read(named: Option<&Path>) -> anyhow::Result<Workflow> {
    let path = named.unwrap_or(Path::new(NAME));
    let file = match std::fs::File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && named.is_none() => return Ok(Workflow::default()),
        file => file.with_context(|| format!("cannot read {}", path.display()))?,
    };
    let mut text = String::new();
    file.take(MAX_BYTES).read_to_string(&mut text).with_context(|| format!("cannot read {}", path.display()))?;
    let parsed: Result<File, _> = serde_saphyr::from_str(&text);
    let file = parsed.map_err(|error| {
        advised(format!("{} is not understood: {error}", path.display()), "docs/palisade.schema.json has its settings")
    })?;
    Ok(file.ship)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_and_unknown_ones_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        let check = |text: &str| {
            std::fs::write(&path, text).unwrap();
            read(Some(&path))
        };
        let found = check("ship:\n  fail-on: high\n  attest: [sbom, provenance]\n  key: env://KEY\n").unwrap();
        assert_eq!(found.fail_on.as_deref(), Some("high"));
        assert_eq!(found.attest, Some(vec![Attestation::Sbom, Attestation::Provenance]));
        assert!(check("ship: {fail_on: high}").is_err());
        assert!(check("ship: {attest: [nothing]}").is_err());
        assert!(check("other: {}").is_err());
        assert!(read(Some(&folder.path().join("nowhere.yaml"))).is_err());
    }

    #[test]
    fn the_schema_has_the_same_settings() {
        let schema: serde_json::Value =
            serde_json::from_str(include_str!("../../../../../docs/palisade.schema.json")).unwrap();
        let properties = schema.pointer("/properties/ship/properties").unwrap().as_object().unwrap();
        let mut names: Vec<&str> = properties.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["attest", "fail-on", "key", "sbom", "signing-config", "trusted-root"]);
        for name in names {
            let text = format!("ship: {{{name}: {}}}", if matches!(name, "sbom" | "attest") { "[]" } else { "x" });
            let parsed: Result<File, _> = serde_saphyr::from_str(&text);
            assert!(parsed.is_ok(), "{name}");
        }
    }
}
